"""A program: writes the backend tests of the installed `onnx` into a folder, in the form `operator_corpus` reads.

The only module that reads them, run as `python -m harness.effects.onnx_cases FOLDER`: `onnx` is imported within
functions, and computing the node cases (which newer wheels no longer hold as files) takes seconds and 100 MiB that the
host is spared.
What is fed and what is expected stays as ONNX has it: no dtype is changed, nothing is left out.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.encoding import to_json
from harness.operators import ONNX_DOMAIN, OperatorCase

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
LIGHT = "light"
"""Kind of the nine whole networks without weights of their own (initializers are computed by ConstantOfShape)."""
_EXPANDED = "_expanded"

_DataSet = tuple[Sequence[Any], Sequence[Any]]
"""Inputs and outputs: arrays, or whatever else ONNX has for a sequence, an optional or a map."""


def write(folder: Path) -> int:
    """Write every case below `folder`, and `cases.jsonl` about them; returns how many there are."""
    lines = []
    for kind, name, model, data_sets, tolerance in _everything():
        case = _describe(f"{kind}/{name}", model, data_sets, tolerance)
        place = folder / kind / name
        place.mkdir(parents=True)
        (place / "model.onnx").write_bytes(model.SerializeToString())
        if not case.not_expressible:
            _write_arrays(place, data_sets)
        lines.append(case)
    text = "".join(f"{to_json(case)}\n" for case in _named_by_origin(sorted(lines, key=lambda case: case.id)))
    (folder / "cases.jsonl").write_text(text, encoding="utf-8")
    return len(lines)


def _write_arrays(place: Path, data_sets: Sequence[_DataSet]) -> None:
    """Write each data set as `.npy` files end to end: inputs, then outputs. An archive takes ten times as long."""
    for index, (inputs, outputs) in enumerate(data_sets):
        with (place / f"data_{index}.npys").open("wb") as stream:
            for array in (*inputs, *outputs):
                np.save(stream, _numpys_own(array), allow_pickle=False)


def _numpys_own(array: Any) -> Any:
    """Widen what numpy has no dtype for (bfloat16, float8, int4) to float32, which holds all of it exactly."""
    return array if array.dtype.isbuiltin == 1 else array.astype(np.float32)


# -- where the cases are -----------------------------------------------------------------------------------------------


def _everything() -> Iterator[tuple[str, str, Any, Sequence[_DataSet], Mapping[str, float]]]:
    """Yield kind, name, model, data sets and tolerance of every backend test."""
    import onnx
    from onnx.backend.test.loader import DATA_DIR, load_model_tests

    root = Path(DATA_DIR)
    for kind in KINDS:
        if (root / kind).is_dir():
            for place in sorted(path for path in (root / kind).iterdir() if (path / "model.onnx").is_file()):
                model = onnx.load(place / "model.onnx")
                yield kind, place.name, model, _read_sets(model, place), _tolerance(place)
    if not (root / "node").is_dir():  # since onnx 1.20 they are computed, deterministically
        for test in load_model_tests(kind="node"):
            sets: list[_DataSet] = [
                ([_plain(value) for value in given], [_plain(value) for value in made])
                for given, made in test.data_sets
            ]
            yield "node", test.name, test.model, sets, {"rtol": test.rtol, "atol": test.atol}
    for path in sorted((root / LIGHT).glob("*.onnx")):
        model = onnx.load(path)
        name = path.stem.removeprefix("light_")
        yield LIGHT, name, model, [_light_set(model, path)], _tolerance(root / "real" / f"test_{name}")


def _tolerance(place: Path) -> Mapping[str, float]:
    """Return what `data.json` beside a model states of rtol and atol."""
    path = place / "data.json"
    told = json.loads(path.read_text()) if path.is_file() else {}
    return {key: float(told[key]) for key in ("rtol", "atol") if key in told}


def _read_sets(model: Any, place: Path) -> list[_DataSet]:
    folders = sorted(place.glob("test_data_set_*"), key=lambda path: int(path.name.rpartition("_")[2]))
    given, made = _fed(model), list(model.graph.output)
    return [(_read(folder, "input", given), _read(folder, "output", made)) for folder in folders]


def _read(folder: Path, what: str, values: Sequence[Any]) -> list[Any]:
    """Read `input_0.pb`, `input_1.pb` ... by the graph's own word of what they are, as ONNX's runner does."""
    import onnx
    from onnx import numpy_helper

    found = []
    for index, value in enumerate(values):
        data = (folder / f"{what}_{index}.pb").read_bytes()
        if value.type.HasField("tensor_type"):
            found.append(numpy_helper.to_array(onnx.TensorProto.FromString(data)))
        else:
            found.append(value.type.WhichOneof("value"))
    return found


def _light_set(model: Any, path: Path) -> _DataSet:
    """Return the ramp that ONNX's runner feeds these networks (`generate_dummy_data`) and the outputs beside them."""
    import onnx
    from onnx import numpy_helper

    inputs = []
    for value in _fed(model):
        shape = [axis.dim_value if axis.HasField("dim_value") else 1 for axis in value.type.tensor_type.shape.dim]
        count = int(np.prod(shape))
        inputs.append((np.arange(count).reshape(shape) / count).astype(np.float32))
    places = [path.with_name(f"{path.stem}_output_{index}.pb") for index in range(len(model.graph.output))]
    return inputs, [numpy_helper.to_array(onnx.TensorProto.FromString(place.read_bytes())) for place in places]


def _plain(value: Any) -> Any:
    """Return the array of a TensorProto or of numpy's scalars; everything else is as it should be already."""
    from onnx import TensorProto, numpy_helper

    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


# -- what a case is ----------------------------------------------------------------------------------------------------


def _describe(name: str, model: Any, data_sets: Sequence[_DataSet], tolerance: Mapping[str, float]) -> OperatorCase:
    ops = Counter(_ops(model.graph))
    inputs, outputs = [value.name for value in _fed(model)], [value.name for value in model.graph.output]
    return OperatorCase(
        id=name,
        operator=next(iter(ops)) if len(ops) == 1 else "",
        ops=dict(ops),
        opsets={entry.domain or ONNX_DOMAIN: entry.version for entry in model.opset_import},
        expanded=_EXPANDED in name,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        input_dtypes=tuple(_dtypes(given) for given, _ in data_sets),
        output_dtypes=tuple(_dtypes(made) for _, made in data_sets),
        not_expressible=_obstacle(inputs, outputs, data_sets),
        **tolerance,
    )


def _named_by_origin(cases: Sequence[OperatorCase]) -> Iterator[OperatorCase]:
    """Yield the cases; a written-out one has the operator of the case that it was written out from."""
    operators = {case.id: case.operator for case in cases}
    for case in cases:
        origin = case.id.partition(_EXPANDED)[0]
        yield replace(case, operator=operators.get(origin, "")) if case.expanded else case


def _ops(graph: Any) -> Iterator[str]:
    """Yield the op of every node of the graph itself. The branches of an `If` belong to it: they are its test."""
    for node in graph.node:
        yield f"{node.domain}.{node.op_type}" if node.domain not in {"", ONNX_DOMAIN} else node.op_type


def _fed(model: Any) -> list[Any]:
    constant = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constant]


def _dtypes(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value.dtype.name if isinstance(value, np.ndarray) else _word(value) for value in values)


def _obstacle(inputs: Sequence[str], outputs: Sequence[str], data_sets: Sequence[_DataSet]) -> str:
    """Say why the data of a case are nothing that OpenCV's Python binding could take or give; empty where they are."""
    for given, made in data_sets:
        for name, value in zip(inputs, given, strict=True):
            if not _is_tensor(value):
                return f"input {name!r} is a {_word(value)}"
            if value.dtype.isbuiltin != 1:
                return f"input {name!r} is {value.dtype.name}, which numpy itself has no dtype for"
        for name, value in zip(outputs, made, strict=True):
            if not _is_tensor(value):
                return f"output {name!r} is a {_word(value)}"
    return ""


def _is_tensor(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind not in "OUS"


def _word(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "tensor of texts"
    named = {list: "sequence", type(None): "optional without a value", dict: "map"}
    return named.get(type(value), str(value).replace("_type", "").replace("_", " "))


def main() -> None:
    """Write the corpus into the folder that is named."""
    sys.stdout.write(f"{write(Path(sys.argv[1]))}\n")


if __name__ == "__main__":
    main()
