from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from harness.effects.environments import ONNX_RUNTIME, Environments, installed_release
from harness.errors import EnvironmentFailedError, UsageError


def write_wheel(folder: Path, name: str, release: str) -> None:
    """Write a wheel with one empty module: real enough for uv, and no network is needed."""
    base = f"{name.replace('-', '_')}-{release}"
    files = {
        f"{name.replace('-', '_')}_of_test.py": "",
        f"{base}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n",
        f"{base}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{base}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{base}.dist-info/RECORD"))
    with zipfile.ZipFile(folder / f"{base}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """The only wheels that uv may see."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, release in (("opencv-python-headless", "4.14.0.94"), ("numpy", "2.4.6"), ("numpy", "1.26.4")):
        write_wheel(folder, name, release)
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def environments(tmp_path) -> Environments:
    return Environments(tmp_path / "environments")


def installed_in(python: Path, name: str) -> str:
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_installed_is_the_interpreter_we_run_in(environments):
    found = environments.resolve("installed")
    assert (found.python, found.release) == (Path(sys.executable), installed_release())
    assert found.release in {found.version for found in distributions() if found.name.startswith("opencv-")}
    assert not environments.root.exists()


def test_an_interpreter_of_ones_own_is_taken_as_it_is(environments, monkeypatch):
    found = environments.resolve(f"path:{sys.executable}")
    assert (found.python, found.release) == (Path(sys.executable), None)
    monkeypatch.setenv("HOME", str(Path(sys.executable).parent))
    assert environments.resolve(f"path:~/{Path(sys.executable).name}").python == Path(sys.executable)


@pytest.mark.parametrize("asked", ["path:", "path:/no/python", "path:/", "path:/etc/passwd"])
def test_what_cannot_be_run_is_no_interpreter(environments, asked):
    with pytest.raises(UsageError, match=r"is no executable; name the interpreter itself"):
        environments.resolve(asked)


def test_onnx_runtime_is_taken_from_the_interpreter_we_run_in_under_the_name_of_cv2(environments):
    found = environments.resolve(ONNX_RUNTIME)
    assert (found.python, found.release) == (Path(sys.executable), None)
    assert (found.cv2_from / "cv2.py").is_file()
    assert environments.resolve("installed").cv2_from is None


def test_without_onnx_runtime_the_word_says_what_to_install(environments, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)  # as on a machine without it
    with pytest.raises(EnvironmentFailedError, match=r"not installed beside .*; run `.* -m pip install onnxruntime`"):
        environments.resolve(ONNX_RUNTIME)


@pytest.mark.parametrize("asked", ["", "4.x", "/usr/bin/python3", "4.14.0.94/../x", "PATH:/x", "4.14.0.94+extra"])
def test_a_word_that_is_no_release_is_refused_with_what_to_write(environments, asked):
    with pytest.raises(UsageError, match=r"is no OpenCV to run on; write 'installed'"):
        environments.resolve(asked)
    assert not environments.root.exists()


@pytest.mark.usefixtures("index")
def test_a_release_gets_an_environment_of_its_own_once(environments):
    found = environments.resolve("4.14.0.94")
    assert found.release == "4.14.0.94"
    assert installed_in(found.python, "opencv-python-headless") == "4.14.0.94"
    assert installed_in(found.python, "numpy") == "2.4.6"
    made = found.python.stat().st_ctime_ns
    assert environments.resolve("4.14.0.94") == found
    assert found.python.stat().st_ctime_ns == made
    assert [entry.release for entry in environments.made()] == ["4.14.0.94"]


def test_an_old_release_gets_the_numpy_it_was_built_for(environments, index):
    write_wheel(index, "opencv-python-headless", "4.9.0.80")
    assert installed_in(environments.resolve("4.9.0.80").python, "numpy") == "1.26.4"


@pytest.mark.usefixtures("index")
def test_a_release_that_does_not_exist_is_named_and_leaves_nothing(environments):
    with pytest.raises(EnvironmentFailedError, match=r"OpenCV 4.99.0.1 cannot be installed: .*4\.99\.0\.1"):
        environments.resolve("4.99.0.1")
    assert environments.made() == ()
    assert [path.name for path in environments.root.iterdir()] == [".4.99.0.1.lock"]


@pytest.mark.usefixtures("index")
def test_an_environment_whose_interpreter_is_gone_is_made_anew(environments):
    """Python was upgraded: the link in the environment leads nowhere."""
    python = environments.resolve("4.14.0.94").python
    python.unlink()
    python.symlink_to("/no/such/python")
    again = environments.resolve("4.14.0.94")
    assert installed_in(again.python, "opencv-python-headless") == "4.14.0.94"


@pytest.mark.usefixtures("index")
def test_a_half_made_environment_is_never_taken_for_one(environments):
    draft = environments.root / ".4.14.0.94.draft" / "bin"
    draft.mkdir(parents=True)
    (draft / "python").touch()
    assert environments.made() == ()
    found = environments.resolve("4.14.0.94")
    assert installed_in(found.python, "numpy") == "2.4.6"
    assert not draft.exists()


@pytest.mark.usefixtures("index")
def test_two_processes_that_ask_at_once_share_one(environments):
    code = (
        "import sys\nfrom pathlib import Path\nfrom harness.effects.environments import Environments\n"
        "print(Environments(Path(sys.argv[1])).resolve('4.14.0.94').python.stat().st_ino)\n"
    )
    argv = [sys.executable, "-c", code, str(environments.root)]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert said[0] == said[1] != ""


def test_another_wheel_of_a_release_is_an_environment_of_its_own(environments, index):
    write_wheel(index, "opencv-contrib-python", "4.14.0.94")
    found = environments.resolve("4.14.0.94+contrib")
    assert found.release == "4.14.0.94+contrib"
    assert installed_in(found.python, "opencv-contrib-python") == "4.14.0.94"


def test_words_for_several_are_spelled_out_each_release_once(environments, index):
    write_wheel(index, "opencv-python-headless", "4.9.0.80")
    said = environments.spelled_out(["installed", "4.9:", "4.14.0.94", "latest"])
    assert said == ("installed", "4.9.0.80", "4.14.0.94")


def test_a_command_is_a_python_that_reads_its_program():
    found = Environments(Path("unused")).resolve("sh -c 'exec python3 $0' -")
    assert found.command == ("sh", "-c", "exec python3 $0", "-")
    assert found.python is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("sh -c 'python3", "close its quotes"),
        ("ssh board python3", "does not end in -"),
        ("no-such-ssh board python3 -", "there is no command 'no-such-ssh'"),
    ],
)
def test_a_command_that_cannot_be_one_says_why(environments, asked, words):
    with pytest.raises(UsageError, match=words):
        environments.resolve(asked)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFailedError, match=r"cannot make .*file.*; choose another --store"):
        Environments(tmp_path / "file" / "environments").resolve("4.14.0.94")
