from __future__ import annotations

import sys

import pytest

from harness.cases import Case, Tier, load_zoo, load_zoos, select
from harness.errors import UsageError
from harness.manifests import TensorSpec


def case(name: str, **more: object) -> Case:
    spec = TensorSpec(name="x", shape=(1, 4))
    return Case(id=name, build=lambda: None, inputs=(spec,), module="m", **more)  # type: ignore[arg-type]


ZOO = (
    case("blocks/residual", tier=Tier.FULL),
    case("layers/conv2d/same"),
    case("layers/conv2d/same-stride2"),
    case("layers/dense"),
    case("seed-cnn"),
)


def ids(found: tuple[Case, ...]) -> list[str]:
    return [entry.id for entry in found]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("full", [entry.id for entry in ZOO]),
        ("core", ["layers/conv2d/same", "layers/conv2d/same-stride2", "layers/dense", "seed-cnn"]),
        ("layers/conv2d/same", ["layers/conv2d/same"]),
        ("layers/conv2d", ["layers/conv2d/same", "layers/conv2d/same-stride2"]),
        ("layers/conv2d/", ["layers/conv2d/same", "layers/conv2d/same-stride2"]),
        ("layers/*/same*", ["layers/conv2d/same", "layers/conv2d/same-stride2"]),
        ("*d*", ["blocks/residual", "layers/conv2d/same", "layers/conv2d/same-stride2", "layers/dense", "seed-cnn"]),
        ("layers/[cd]*e", ["layers/conv2d/same", "layers/dense"]),
    ],
)
def test_a_tier_a_prefix_or_a_glob_selects(wanted, found):
    assert ids(select(ZOO, wanted)) == found


@pytest.mark.parametrize("wanted", ["", "layer", "layers/conv2d/SAME", "nothing*", "layers/conv"])
def test_a_run_of_nothing_is_refused(wanted):
    with pytest.raises(UsageError, match=r"no case matches .*`dnn-harness zoo list` shows all 5"):
        select(ZOO, wanted)


def test_the_family_is_all_but_the_last_part():
    assert [entry.family for entry in ZOO] == ["blocks", "layers/conv2d", "layers/conv2d", "layers", ""]


def test_packages_that_are_not_installed_are_named():
    assert case("a", requires=("json", "no_such_package_anywhere")).missing_packages() == ("no_such_package_anywhere",)


MODULE = """
from harness.cases import Case
from harness.manifests import TensorSpec
def build(): raise AssertionError("built")
X = TensorSpec(name="x", shape=(1, 4))
CASES = tuple(Case(id=name, build=build, inputs=(X,), module=__name__) for name in {!r})
"""


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """Write a zoo package from module name -> case ids and return its import name."""

    def write(name: str, **modules: list[str]) -> str:
        folder = tmp_path / name
        (folder / "deep").mkdir(parents=True)
        for place in (folder, folder / "deep"):
            (place / "__init__.py").touch()
        for module, names in modules.items():
            (folder / f"{module.replace('__', '/')}.py").write_text(MODULE.format(names))
        return name

    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_zoo_is_all_that_its_modules_declare_in_order(zoo):
    name = zoo("zoo_of_three", b=["m/two"], a=["z/one"], deep__c=["m/three"])
    found = load_zoo(name)
    assert ids(found) == ["m/three", "m/two", "z/one"]
    assert [entry.module for entry in found] == [f"{name}.deep.c", f"{name}.b", f"{name}.a"]


def test_a_case_declared_twice_is_refused_with_both_places(zoo):
    name = zoo("zoo_of_twins", a=["same"], deep__b=["same"])
    with pytest.raises(UsageError, match=rf"'same' is declared in {name}\.a and again in {name}\.deep\.b"):
        load_zoo(name)


def test_several_zoos_come_one_after_the_other_and_may_not_share_an_id(zoo):
    first, second, third = zoo("zoo_first", a=["z/one"]), zoo("zoo_second", a=["a/one"]), zoo("zoo_third", a=["z/one"])
    assert ids(load_zoos([first, second, first])) == ["z/one", "a/one"]
    with pytest.raises(UsageError, match=r"'z/one' is declared in zoo_first\.a and again in zoo_third\.a.*--dnn-zoo"):
        load_zoos([first, second, third])


def test_a_zoo_that_cannot_be_imported_is_named():
    with pytest.raises(UsageError, match="no_zoo_here"):
        load_zoo("no_zoo_here")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import no_such_package_anywhere", "ModuleNotFoundError.*no_such_package_anywhere"),
        ("def :", "SyntaxError"),
        ("CASES = 1 / 0", "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("place", ["broken.py", "deep/__init__.py"])
def test_a_zoo_module_that_is_broken_is_named(zoo, tmp_path, place, source, complaint):
    name = zoo("zoo_with_a_hole", a=["fine"])
    (tmp_path / name / place).write_text(source + "\n")
    module = place.removesuffix(".py").removesuffix("/__init__")
    with pytest.raises(UsageError, match=rf"zoo '{name}\.{module}' cannot be imported: {complaint}.*; mend"):
        load_zoo(name)
