"""Writing ONNX models for `readNetFromONNX`, and describing those that others wrote."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import ExportFailedError
from harness.export import free_batch, onnx_older, onnx_rewrites, rules
from harness.export.constants import evaluate_constants
from harness.export.network import Network
from harness.export.onnx_conversion import convert, last_words, spared
from harness.export.passes import sanitise
from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.preloaded import Preloaded
from harness.export.retracing import retrace
from harness.export.sizes import onnx_nbytes, refuse_too_large
from harness.manifests import Manifest, Port, TensorSpec

CLI_OPSET = 15
_FILE = "model.onnx"
_CLI_SECONDS = 600


def export(network: Network, folder: Path, opset: int) -> Manifest:
    """Convert the folded graph by tf2onnx, with the interface's own names and no dangling inputs."""
    model = _converted(network, opset)
    _write(model, folder)
    return _manifest(network, "onnx", model, (f"tf2onnx from the folded graph, opset {opset}",))


def export_with_free_batch(network: Network, folder: Path, opset: int) -> Manifest:
    """Convert at two batch sizes and join the results into one model whose batch axis is free."""
    sizes = []
    for items in free_batch.SIZES:
        sized = network.with_batch(items)
        sizes.append(_converted(sized, opset))
        sized.drop_graphs()
    model = free_batch.unify(*sizes)
    _write(model, folder)
    note = f"tf2onnx from the folded graph at two batch sizes, joined; opset {opset}"
    return replace(_manifest(network, "onnx-dynamic-batch", model, (note,)), free_batch=True)


def _converted(network: Network, opset: int) -> Any:
    """Return the ModelProto of a network, written in ways that OpenCV's importers read."""
    inputs, outputs = network.interface.input_names, network.interface.output_names
    graph = evaluate_constants(drop_control_inputs(network.folded), outputs)
    graph = sanitise(retrace(graph, rules.for_opset(opset)), inputs, outputs)
    model = convert(graph, inputs, outputs, opset=opset)
    onnx_rewrites.drop_dangling_inputs(model)
    onnx_rewrites.state_output_shapes(model, network.interface.outputs)
    onnx_rewrites.reshape_for_unsqueezes(model)
    onnx_rewrites.separate_joined_constants(model)
    onnx_rewrites.keep_inputs_out_of_joins(model)
    if opset <= rules.LAST_OLDER_OPSET:
        onnx_older.rewrite(model)
    refuse_foreign_ops(model)
    return model


def _write(model: Any, folder: Path) -> None:
    _check(model)
    refuse_too_large(onnx_nbytes(model))
    (folder / _FILE).write_bytes(model.SerializeToString(deterministic=True))


def export_by_keras(network: Network, folder: Path) -> Manifest:
    """Export by Keras's own `model.export(format="onnx")`: dynamic batch, shape arithmetic left in."""
    model = network.model
    if model is None:
        raise ExportFailedError(f"a {network.kind} source holds no Keras model that could export itself")
    spared("model.export", lambda: model.export(str(folder / _FILE), format="onnx", verbose=False))
    return _manifest(network, "onnx-keras", _read(folder / _FILE), ('model.export(format="onnx")',))


def export_by_command(network: Network, folder: Path) -> Manifest:
    """Run `python -m tf2onnx.convert` on the SavedModel, naming inputs and outputs as `saved_model_cli show` does.

    The tensor names that it prints besides (`serving_default_x:0`) cannot be given as `--inputs`: tf2onnx 1.17
    looks them up in the signature's own function, where they are not, and ends with "Failed to import metagraph".
    """
    source = network.saved_model_dir()
    inputs, outputs = signature_keys(source)
    arguments = [
        "--output", str(folder / _FILE), "--opset", str(CLI_OPSET), "--tag", "serve",
        "--signature_def", "serving_default",
        "--rename-inputs", ",".join(inputs), "--rename-outputs", ",".join(outputs),
    ]  # fmt: skip
    run_tool("tf2onnx.convert", ["--saved-model", str(source), *arguments], seconds=_CLI_SECONDS)
    shown = "python -m tf2onnx.convert --saved-model ... " + " ".join(arguments[2:])
    return _manifest(network, "onnx-tf2onnx-cli", _read(folder / _FILE), (shown,))


def run_tool(module: str, arguments: Sequence[str], *, seconds: float) -> None:
    """Run a converter as `python -m` does. Raises ExportFailedError with its last words when it fails or hangs."""
    tool = f"python -m {module}"
    try:
        done = _preloaded().run(module, arguments, seconds=seconds)
    except subprocess.TimeoutExpired as error:
        raise ExportFailedError(f"{tool} did not finish in {seconds:g} s and was stopped") from error
    except OSError as error:
        raise ExportFailedError(f"{tool} cannot be run: {error}; install it or choose another route") from error
    if done.returncode:
        raise ExportFailedError(f"{tool} ended with status {done.returncode}: {last_words(done.stderr)}")


@cache
def _preloaded() -> Preloaded:
    return Preloaded()


def signature_keys(folder: Path) -> tuple[list[str], list[str]]:
    """Return the keys of `serving_default`, inputs and outputs, in the order tf2onnx meets them: by name."""
    from tensorflow.python.tools import saved_model_utils

    signature = saved_model_utils.get_meta_graph_def(str(folder), "serve").signature_def["serving_default"]
    return sorted(signature.inputs), sorted(signature.outputs)


def _check(model: Any) -> None:
    """Raise ExportFailedError for what ONNX's own checker refuses.

    Its strict shape inference stays out: it rounds down the sizes that a Resize's float32 scales come to just below.
    """
    import onnx

    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportFailedError(f"the ONNX model is not valid: {last_words(str(error))}") from error


def refuse_foreign_ops(model: Any) -> None:
    """Raise ExportFailedError for nodes that are not ONNX: tf2onnx leaves TensorFlow ops it cannot convert."""
    from onnx import defs

    known = {schema.name for schema in defs.get_all_schemas_with_history()}
    foreign = sorted({node.op_type for node in model.graph.node if node.op_type not in known})
    if foreign:
        raise ExportFailedError(f"tf2onnx has no conversion for {', '.join(foreign)} and left them in the graph")


def _manifest(network: Network, route: str, model: Any, notes: tuple[str, ...]) -> Manifest:
    interface = network.interface
    initial = {item.name for item in model.graph.initializer}
    inputs = [value.name for value in model.graph.input if value.name not in initial]
    return Manifest(
        route=route,
        format="onnx",
        file=_FILE,
        inputs=match_ports(inputs, interface.inputs, interface.input_names),
        outputs=match_ports([value.name for value in model.graph.output], interface.outputs, interface.output_names),
        weights_digest=network.weights_digest,
        ops=operations(model),
        node_layers=network.node_layers([node.name for node in model.graph.node]),
        opset=opset_of(model),
        notes=(*network.notes, *notes),
    )


def match_ports(found: Sequence[str], specs: Sequence[TensorSpec], graph_names: Sequence[str]) -> tuple[Port, ...]:
    """Join the names a converter wrote with the model's tensors: by name where the names are ours, else in order.

    The order is that of the names with their numbers read as numbers (`Identity`, `Identity_1`, ... `Identity_10`):
    converters write outputs sorted as text. Raises ExportFailedError when their number differs.
    """
    if len(found) != len(specs):
        raise ExportFailedError(f"the converter wrote {len(found)} tensors ({', '.join(found)}) for {len(specs)}")
    for names in (list(graph_names), [spec.name for spec in specs]):
        if set(found) == set(names):
            return tuple(Port(name=name, tensor=spec) for name, spec in zip(names, specs, strict=True))
    ordered = sorted(found, key=_natural)
    return tuple(Port(name=name, tensor=spec) for name, spec in zip(ordered, specs, strict=True))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def operations(model: Any) -> dict[str, int]:
    """Count the ops of an ONNX graph."""
    return dict(sorted(Counter(node.op_type for node in model.graph.node).items()))


def opset_of(model: Any) -> int | None:
    """Return the version of ONNX's own operator set that a model imports."""
    return next((int(item.version) for item in model.opset_import if item.domain in {"", "ai.onnx"}), None)


def _read(path: Path) -> Any:
    import onnx

    return onnx.load(path)
