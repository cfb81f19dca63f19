"""A store that already holds what a run asks for: everything but TensorFlow is real, and nothing waits for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness.cases import load_zoo
from harness.cells.subjects import Cell, Subject, from_case
from harness.effects import fingerprint
from harness.effects.artifacts import ArtifactStore
from harness.effects.environments import INSTALLED, Environments
from harness.effects.launching import WORKER
from harness.effects.observing import OpenCV
from harness.encoding import to_json
from harness.errors import ExportFailedError, HarnessError
from harness.manifests import Manifest, Port, TensorSpec
from harness.pure.inputs import PROBES, SPECIAL, InputPlan, digest, expand
from harness.records import Target
from harness.routes import all_routes
from harness.sources import Source, SourceKind

SHAPE = (1, 3, 5, 7)
ROUTE = "as-is"

Compute = Callable[..., Sequence[np.ndarray]]
USUAL = (*(item for plan in PROBES for item in plan.each), *SPECIAL)
"""Whatever a cell is asked that nobody asks for more."""


def save_model(path: Path, nodes: Sequence[onnx.NodeProto], inputs: Sequence[str], outputs: Sequence[str]) -> None:
    def described(names: Sequence[str]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in names]

    graph = helper.make_graph(list(nodes), "g", described(inputs), described(outputs))
    opsets = [helper.make_opsetid("", 13)]
    opsets += [helper.make_opsetid(domain, 1) for domain in {node.domain for node in nodes} - {""}]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


class Shelf:
    """Puts artifacts and references into a store, as the exporter would have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ArtifactStore(folder / "store")

    def file(
        self, name: str, nodes: Sequence[onnx.NodeProto], inputs: Sequence[str], outputs: Sequence[str]
    ) -> Subject:
        """Write an ONNX file and return it as a user's model."""
        path = self.folder / f"{name}.onnx"
        save_model(path, nodes, inputs, outputs)
        return Subject(id=name, source=Source(kind=SourceKind.ONNX, location=str(path)), family="files")

    def key(self, subject: Subject, *more: str) -> str:
        return fingerprint.combine(subject.fingerprint() or "", fingerprint.exporter(), *more)

    def manifest(
        self, inputs: Sequence[str], outputs: Sequence[str], route: str = ROUTE, opset: int | None = None
    ) -> Manifest:
        def ports(names: Sequence[str]) -> tuple[Port, ...]:
            return tuple(Port(name=name, tensor=TensorSpec(name=name, shape=SHAPE)) for name in names)

        return Manifest(
            route=route,
            format="onnx",
            file="model.onnx",
            inputs=ports(inputs),
            outputs=ports(outputs),
            weights_digest="weights",
            ops={"Op": 1},
            node_layers={"model/foo/Foo": "foo"},
            opset=opset,
        )

    def put(self, kind: str, key: str, write: Callable[[Path], object]) -> None:
        with self.store.scratch() as scratch:
            folder = scratch / "entry"
            folder.mkdir()
            write(folder)
            self.store.put(kind, key, folder)

    def artifact(self, subject: Subject, model: bytes, manifest: Manifest, *more: str) -> None:
        def write(folder: Path) -> None:
            (folder / "model.onnx").write_bytes(model)
            (folder / "manifest.json").write_text(to_json(manifest))

        self.put("artifact", self.key(subject, manifest.route, *more), write)

    def references(
        self,
        subject: Subject,
        manifest: Manifest,
        compute: Compute,
        plans: Sequence[InputPlan] = USUAL,
        *,
        rounding: float = 1e-6,
    ) -> None:
        """Store references, and how far outputs move with their inputs."""
        for plan in plans:
            feed = expand(plan, [port.tensor for port in manifest.inputs])
            best = compute(*(array.astype(np.float64) for array in feed))
            arrays = {}
            for index, value in enumerate(best):
                arrays |= {f"f32_{index}": value.astype(np.float32), f"f64_{index}": value, f"noise_{index}": 1e-6}
            self.put("reference", self.key(subject, "weights", digest(feed)), lambda folder, a=arrays: save(folder, a))
            noise = json.dumps([rounding] * len(best))
            self.put(
                "rounding",
                self.key(subject, digest(feed)),
                lambda folder, text=noise: (folder / "noise.json").write_text(text),
            )

    def failure(self, kind: str, key: str, error: HarnessError) -> None:
        told = {"error": type(error).__name__, "message": str(error)}
        self.put(kind, key, lambda folder: (folder / "failure.json").write_text(json.dumps(told)))

    def ready(
        self,
        name: str,
        nodes: Sequence[onnx.NodeProto],
        compute: Compute,
        *,
        inputs: str = "x",
        outputs: str = "y",
        rounding: float = 1e-6,
    ) -> Subject:
        """Return a user's ONNX file, exported as it is, with references that `compute` gives."""
        subject = self.file(name, nodes, inputs.split(), outputs.split())
        manifest = self.manifest(inputs.split(), outputs.split())
        self.artifact(subject, Path(subject.source.location).read_bytes(), manifest)
        self.references(subject, manifest, compute, rounding=rounding)
        return subject

    def batched(self, name: str, nodes: Sequence[onnx.NodeProto], compute: Compute) -> Subject:
        """Return a user's ONNX file that reads x and gives y, exported with its batch axis left open."""
        subject = self.file(name, nodes, ["x"], ["y"])
        manifest = replace(self.manifest(["x"], ["y"]), free_batch=True)
        model = onnx.load(subject.source.location)
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0), "axis"))
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
        self.artifact(subject, model.SerializeToString(), manifest)
        self.references(subject, manifest, compute)
        return subject


def save(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(folder / "reference.npz", **arrays)
    (folder / "why.txt").write_text("float64 by numpy")


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path)


ZOO = """
from harness.cases import Case
from harness.manifests import TensorSpec
def build(): raise AssertionError("nothing may be built: the store has it all")
X = TensorSpec(name="x", shape=(1, 3, 5, 7))
CASES = tuple(Case(id=f"nets/{name}", build=build, inputs=(X,), module=__name__) for name in ("a", "b", "c", "odd"))
"""
FACTORS = {"nets/a": 2.0, "nets/b": 2.0, "nets/c": 2.5, "nets/odd": 1.0}
"""Case id -> what the network should multiply by; all but the odd one, which OpenCV cannot load, multiply by two."""


@pytest.fixture
def warm_zoo(tmp_path, shelf, monkeypatch) -> Iterator[str]:
    """Name of a zoo of four cases, whose artifacts and references the shelf's store has for route `onnx`."""
    name = "zoo_of_machines"
    (tmp_path / f"{name}.py").write_text(ZOO)
    monkeypatch.syspath_prepend(str(tmp_path))
    for case in load_zoo(name):
        op = (
            helper.make_node("Foo", ["x"], ["y"])
            if case.id == "nets/odd"
            else helper.make_node("Add", ["x", "x"], ["y"])
        )
        subject = from_case(case, (name,))
        model = Path(shelf.file("model", [op], ["x"], ["y"]).source.location).read_bytes()
        manifest = shelf.manifest(["x"], ["y"], route="onnx")
        for more in ([], *([f"opset {opset}"] for opset in all_routes()["onnx"].opsets[1:])):
            shelf.artifact(subject, model, manifest, *more)
        shelf.references(subject, manifest, lambda x, by=FACTORS[case.id]: [x * by])
        shelf.failure("anatomy", shelf.key(subject), ExportFailedError("there are no layers to blame"))
    yield name
    sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def installed() -> Target:
    """The OpenCV beside us, which is asked once."""
    environment = Environments(Path("nowhere")).resolve(INSTALLED)
    worker = OpenCV([str(environment.python), str(WORKER)])
    try:
        target = worker.identity()
    finally:
        worker.close()
    return replace(target, opencv=environment.release or target.opencv)


@pytest.fixture
def warm_cells(warm_zoo, installed) -> tuple[Cell, ...]:
    """The cells of the warm zoo on the OpenCV installed, as a session plans them."""
    subjects = [from_case(case, (warm_zoo,)) for case in load_zoo(warm_zoo)]
    return tuple(Cell(subject=one, route="onnx", target=installed, environment=INSTALLED) for one in subjects)


@pytest.fixture
def tampered(tmp_path) -> Callable[[str], list[str]]:
    """Return the command of a real worker before which some Python runs that may change its cv2.

    `starts` is the file that gets a line for each start; `first` tells whether this is the first one.
    """

    def command(code: str) -> list[str]:
        script = tmp_path / "tampered.py"
        lines = [
            "import os, runpy, sys, time, cv2",
            f"starts = {str(tmp_path / 'starts')!r}",
            "with open(starts, 'a') as file: file.write('x\\n')",
            "first = len(open(starts).readlines()) == 1",
            code,
            f"sys.argv[0] = {str(WORKER)!r}",
            "runpy.run_path(sys.argv[0], run_name='__main__')",
        ]
        script.write_text("\n".join(lines))
        return [sys.executable, str(script)]

    return command
