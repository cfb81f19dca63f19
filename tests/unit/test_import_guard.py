"""Who may import whom, and what must never be loaded by importing: the layers of ARCHITECTURE.md, held by tests."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("import_guard")  # what each module loads is found once
ROOT = Path(__file__).parents[2]
HEAVY = {
    "tensorflow",
    "keras",
    "cv2",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "mtcnn",
    "skimage",
    "distributed",
    "dask",
    "fsspec",
    "pyarrow",
}
CHILDREN = ("export", "worker", "standins")
"""Programs that are run, not imported."""

LADDER = ("words", "pure", "effects", "cells", "usecases", "faces", "doors")
"""From the bottom up. The words are the modules that lie in `harness` itself, but for its two doors."""
DOORS = {"cli", "plugin"}
FOLDERS = set(LADDER) - {"words", "doors"}
PURE_MAY_NOT_IMPORT = {"subprocess", "socket", "time", "tempfile", "shutil", "threading", "signal", "pytest", "os"}
ASIDE = {"routes", "report", "export", "worker", "standins"}
"""Outside the ladder, with rules of their own below."""


def modules_below(package: str) -> list[str]:
    files = sorted((ROOT / package).rglob("*.py"))
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


def is_child(module: str) -> bool:
    return module.startswith("harness.") and module.split(".")[1] in CHILDREN


HOST_MODULES = [name for name in modules_below("harness") if not is_child(name)]
ZOO_MODULES = modules_below("model_zoo")


def source_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


# -- what an import loads ----------------------------------------------------------------------------------------------

# A forked child is as fresh as the interpreter it was forked from. That one has met third parties' packages before,
# which take all the time, but for the plugin's door, for which they would be too much already.
_IMPORT_EACH = """
import importlib, json, os, sys
for name in sys.argv[1:]:
    sys.stdout.flush()
    if name.startswith("+"):
        importlib.import_module(name[1:])
        continue
    if os.fork() == 0:
        try:
            importlib.import_module(name)
            print(json.dumps([name, sorted(sys.modules)]))
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.wait()
"""


@cache
def loaded_by() -> dict[str, set[str]]:
    others = ["numpy", "cattrs", "hypothesis", "click", "jinja2", "rich.progress", "tomlkit", "filelock"]
    names = ["dnn_harness_plugin", *(f"+{name}" for name in others), *HOST_MODULES, *ZOO_MODULES]
    command = [sys.executable, "-W", "error", "-c", _IMPORT_EACH, *names]
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as compiled:  # once for all children
        environment = {**kept, "PYTHONPYCACHEPREFIX": compiled}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
    assert done.stderr == ""
    return {name: set(modules) for name, modules in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("module", [*HOST_MODULES, *ZOO_MODULES, "dnn_harness_plugin"])
def test_importing_a_host_module_loads_nothing_heavy(module):
    assert loaded_by()[module] & HEAVY == set()


@pytest.mark.parametrize("module", [name for name in HOST_MODULES if name != "harness.plugin"] + ZOO_MODULES)
def test_only_the_plugin_loads_pytest(module):
    assert loaded_by()[module] & {"pytest", "_pytest"} == set()


def test_the_plugin_door_loads_nothing_of_the_package():
    loaded = {name.partition(".")[0] for name in loaded_by()["dnn_harness_plugin"]}
    assert loaded & {"harness", "model_zoo", "numpy", "hypothesis", "cattrs", "rich"} == set()


@pytest.mark.parametrize("module", [*HOST_MODULES, *ZOO_MODULES])
def test_no_host_module_loads_a_child(module):
    assert {name for name in loaded_by()[module] if is_child(name)} == set()


def test_what_is_marked_so_goes_to_one_worker(request):
    """pytest-xdist 3.8 forgets its groups, silently, where pytest is 9.2 or later: then every fixture is made twice."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@import_guard")


# -- what the source says ----------------------------------------------------------------------------------------------


def imports(module: str, *, lazy: bool = True) -> set[str]:
    """Imported names, dotted as far as they are modules; without what only a type checker sees."""
    found = set(_imports(ast.parse(source_of(module).read_bytes()), lazy=lazy))
    return {_module(name) for name in found}


def _imports(node: ast.AST, *, lazy: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif lazy or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(child, lazy=lazy)


def _module(name: str) -> str:
    if not name.startswith(("harness", "model_zoo")):
        return name.partition(".")[0]
    return name if source_of(name).exists() else name.rpartition(".")[0]


def rung(module: str) -> str:
    """The rung a module of ours stands on, or the folder aside that it is in."""
    name = module.split(".")[1] if module != "harness" else "words"
    if name in FOLDERS | ASIDE:
        return name
    return "doors" if name in DOORS else "words"


def of_ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "harness"}


def rungs(names: set[str]) -> set[str]:
    return {rung(name) for name in of_ours(names)}


ON_THE_LADDER = [name for name in HOST_MODULES if rung(name) not in ASIDE and name != "harness"]


def test_every_folder_has_its_rung():
    folders = {path.name for path in (ROOT / "harness").iterdir() if (path / "__init__.py").exists()}
    assert folders == FOLDERS | ASIDE - {"worker", "standins"}


@pytest.mark.parametrize("module", ON_THE_LADDER)
def test_a_module_imports_only_from_its_own_rung_or_below(module):
    height = LADDER.index(rung(module))
    assert {used for used in rungs(imports(module)) - ASIDE if LADDER.index(used) > height} == set()


def test_modules_do_not_go_in_circles():
    needs = {name: of_ours(imports(name)) - {name} for name in ON_THE_LADDER}
    TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("module", [name for name in ON_THE_LADDER if rung(name) in {"words", "pure"}])
def test_words_and_pure_modules_have_no_effects(module):
    assert imports(module) & PURE_MAY_NOT_IMPORT == set()


@pytest.mark.parametrize("module", [name for name in ON_THE_LADDER if name != "harness.plugin"])
def test_only_the_plugin_names_pytest(module):
    assert "pytest" not in imports(module)


@pytest.mark.parametrize("module", [name for name in HOST_MODULES if rung(name) == "report"])
def test_reports_are_made_of_records_alone(module):
    assert rungs(imports(module)) <= {"report", "words", "pure"}


@pytest.mark.parametrize("module", [name for name in HOST_MODULES if rung(name) != "routes"])
def test_nobody_imports_a_child_but_a_route(module):
    assert rungs(imports(module)) & set(CHILDREN) == set()


@pytest.mark.parametrize("module", [name for name in HOST_MODULES if rung(name) == "routes"])
def test_routes_import_the_exporter_late(module):
    others = of_ours(imports(module)) - {"harness.errors", "harness.sources"}
    assert {rung(name) for name in others} <= {"routes", "export"}
    assert "export" not in rungs(imports(module, lazy=False))


@pytest.mark.parametrize("module", [name for name in modules_below("harness") if rung(name) == "export"])
def test_the_exporter_knows_nothing_of_the_host(module):
    # What it does use decides what a stored artifact depends on.
    used = of_ours(imports(module)) - {"harness.effects.sniff"}
    assert {rung(name) for name in used} <= {"export", "routes", "words"}


def test_a_standin_for_cv2_knows_nothing_of_the_harness():
    (standin,) = [name for name in modules_below("harness") if rung(name) == "standins"]
    assert of_ours(imports(standin)) == set()


def test_the_worker_imports_the_standard_library_alone():
    # It looks up cv2 and numpy when it runs, so that it can answer where they are missing.
    assert imports("harness.worker") <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("module", ZOO_MODULES)
def test_the_zoo_declares_and_nothing_more(module):
    may = {"harness.cases", "harness.manifests", "harness.errors", "harness.pictures"}
    assert of_ours(imports(module)) <= may
