from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.effects import fingerprint


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_different_parts_give_different_digests(first, second):
    assert (fingerprint.combine(*first) == fingerprint.combine(*second)) == (first == second)


def test_a_border_between_parts_counts():
    assert len({fingerprint.combine(*parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""])}) == 4


def test_a_digest_is_thirty_two_hex_digits():
    assert len(fingerprint.combine("a")) == 32
    int(fingerprint.combine("a"), 16)


def test_a_file_is_its_bytes_whatever_its_name(tmp_path):
    for folder, name, content in (
        ("a", "m.onnx", b"1"),
        ("b", "m.onnx", b"1"),
        ("c", "m.onnx", b"2"),
        ("d", "n", b"1"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(content)
    of = {place: fingerprint.path(next((tmp_path / place).iterdir())) for place in "abcd"}
    assert of["a"] == of["b"] == of["d"]
    assert of["c"] != of["a"]


def _archive(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.json", text)
    return fingerprint.path(path)


def test_a_keras_archive_is_its_members_but_for_the_date_of_saving(tmp_path):
    saved = _archive(tmp_path / "m.keras", config="Dense", metadata="monday")
    assert _archive(tmp_path / "n.keras", config="Dense", metadata="tuesday") == saved
    assert _archive(tmp_path / "o.keras", config="Conv2D", metadata="monday") != saved


def test_a_damaged_archive_is_its_bytes(tmp_path):
    _archive(tmp_path / "m.keras", config="Dense")
    whole = (tmp_path / "m.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[:-3])
    (tmp_path / "shorter.keras").write_bytes(whole[:-4])
    assert fingerprint.path(tmp_path / "cut.keras") != fingerprint.path(tmp_path / "shorter.keras")


def test_an_archive_damaged_anywhere_still_has_a_fingerprint(tmp_path):
    """Saying what is wrong with it is the exporter's part."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "abcdefgh" * 99)
    whole = path.read_bytes()
    digests = {fingerprint.path(path)}
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        assert len(fingerprint.path(path)) == 32
        path.write_bytes(whole[:position])
        digests.add(fingerprint.path(path))
    assert len(digests) == len(whole) + 1


@pytest.mark.parametrize("change", ["content", "name", "extra", "nested"])
def test_a_folder_is_every_file_below_it(tmp_path, change):
    model = tmp_path / "saved"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_text("graph")
    (model / "variables" / "data").write_text("weights")
    before = fingerprint.path(model)
    assert fingerprint.path(model) == before
    if change == "content":
        (model / "variables" / "data").write_text("weightz")
    elif change == "name":
        (model / "variables" / "data").rename(model / "variables" / "data2")
    elif change == "extra":
        (model / "assets").touch()
    else:
        (model / "variables" / "deep").mkdir()
        (model / "variables" / "data").rename(model / "variables" / "deep" / "data")
    assert fingerprint.path(model) != before


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package `nets` whose module `unet` imports some, but not all, of the others."""
    folder = tmp_path / "nets"
    (folder / "parts").mkdir(parents=True)
    sources = {
        "__init__.py": "",
        "unet.py": "import os\nfrom nets.parts import up\nfrom . import seeds\nfrom .parts.down import make\n",
        "seeds.py": "import random\nSEED = 1\n",
        "other.py": "X = 1\n",
        "parts/__init__.py": "from . import inner\nfrom ..above import x\n",
        "parts/inner.py": "",
        "parts/up.py": "def late():\n    from nets import late_one\n",
        "parts/down.py": "from ..deepest import x\ndef make(): ...\n",
        "late_one.py": "",
        "deepest.py": "x = 1\n",
        "above.py": "x = 1\n",
    }
    for name, source in sources.items():
        (folder / name).write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "nets"]:
        del sys.modules[name]


def digest_of(name: str) -> str:
    fingerprint.module.cache_clear()
    return fingerprint.module(name)


@pytest.mark.parametrize(
    "file",
    [
        "unet.py",
        "seeds.py",
        "parts/__init__.py",
        "parts/up.py",
        "parts/down.py",
        "parts/inner.py",
        "late_one.py",
        "deepest.py",
        "above.py",
    ],
)
def test_a_module_is_its_source_and_all_it_imports_of_its_package(package, file):
    before = digest_of("nets.unet")
    assert digest_of("nets.unet") == before
    (package / file).write_text((package / file).read_text() + "\n# edited\n")
    assert digest_of("nets.unet") != before


def test_editing_another_family_leaves_a_modules_digest_alone(package):
    before = digest_of("nets.unet")
    (package / "other.py").write_text("X = 2\n")
    (package / "new.py").write_text("")
    assert digest_of("nets.unet") == before


def test_modules_that_import_each_other_have_a_digest(package):
    (package / "seeds.py").write_text("from nets import unet\n")
    assert digest_of("nets.unet") == digest_of("nets.unet")


def test_the_exporter_is_known_without_importing_it():
    heavy = {"tensorflow", "keras", "tf2onnx", "onnx", "harness.export.pb"}
    shown = f"fingerprint.exporter(), {heavy!r} & set(sys.modules)"
    code = f"import sys; from harness.effects import fingerprint; print({shown})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [fingerprint.exporter(), "set()\n"]


def test_what_plants_faults_is_in_no_artifact(monkeypatch):
    """An edit there would otherwise cost every artifact and reference in the store."""
    seen = []
    monkeypatch.setattr(fingerprint, "files", lambda paths, _root: seen.extend(paths) or "digest")
    fingerprint.exporter.__wrapped__()
    names = {path.relative_to(path.parents[1]).as_posix() for path in seen}
    assert "export/serving.py" in names
    assert {name for name in names if name.startswith("faults/")} == set()
    seen.clear()
    fingerprint.faults()
    assert {path.name for path in seen} >= {"planting.py", "weights.py"}
