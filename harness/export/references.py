"""References: TensorFlow's outputs in float32, what they are in float64, and how far rounding moved them.

For each input file (arrays `i0`, `i1`, ... in Keras's layout and order) an output file is written with, for each
output o: `f32_o`, `f64_o` and `noise_o`, the rounding error E that the tolerance is derived from; and `roundoff`, the
unit roundoff of the coarsest arithmetic in the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.errors import NoReferenceError
from harness.export import file_runners, graphs, means, twin
from harness.export.network import Network
from harness.export.passes.control_inputs import drop_control_inputs
from harness.export.retracing import retrace
from harness.export.rules import convolutions

Arrays = list[npt.NDArray[Any]]
Run = Callable[[Arrays], Arrays]

_CLOSE = 1e-2
"""A twin farther than this from float32, relative to the output's scale, computes something else."""
_CLOSE_COARSE = 0.25
"""... in half precision, where a single rounding is 2^-11 of a value and a network makes thousands."""
_UNSTEADY = 100
"""... unless one ulp of the inputs moves the output by a hundredth of that: then it is rounding all the same."""
_DRAWS = 4
_DRAWS_BESIDE_TWIN = 2
"""The twin tells TensorFlow's rounding, which may be lucky; two moved inputs tell where the network itself is not
steady: ties in a top-k list, peaks found by equality, thresholds."""
_MORE_DRAWS = 16
"""For a cell a little beyond its tolerance: largest of three samples, E may have been lucky."""
_SEED = 20260


_ONCE = "TensorFlow in float32, run once: an input of denormal or infinite values or NaN has no rounding to speak of"
_TWIN = f"float64 twin of the frozen graph, and {_DRAWS_BESIDE_TWIN} inputs moved by 1 ulp"


class Twin(Protocol):
    """Computes a network's outputs in float64."""

    def run(self, arrays: Arrays) -> Arrays:
        """Return the outputs for float inputs given as float64."""

    def close(self) -> None:
        """Release the float64 weights."""


def compute(network: Network, inputs: Sequence[Path], outputs: Sequence[Path]) -> str:
    """Write one reference file for each input file and return where the noise comes from, in words.

    Raises NoReferenceError when TensorFlow itself cannot compute the outputs.
    """
    run = file_runners.float32(network) if network.file_only else _by_function(network)
    loaded = [_load(source, network) for source in inputs]
    once = all(map(_is_special, loaded))
    double, why = (None, _ONCE) if once else _twin(network)
    coarsest = twin.SINGLE if once or network.file_only else twin.coarsest(network.frozen)
    try:
        for arrays, target in zip(loaded, outputs, strict=True):
            found, reason = _one(run, double, arrays, _CLOSE if coarsest == twin.SINGLE else _CLOSE_COARSE)
            why = reason or why
            np.savez(target, roundoff=np.float64(coarsest), **found)  # type: ignore[arg-type]  # numpy's stub takes allow_pickle for a keyword array
    finally:
        if double is not None:
            double.close()
    return why


def values(network: Network, source: Path, target: Path) -> None:
    """Write TensorFlow's float32 outputs for one input file as they are (`o0`, `o1`, ...): no twin, no noise.

    Raises NoReferenceError when TensorFlow itself cannot compute them.
    """
    run = file_runners.float32(network) if network.file_only else _by_function(network)
    found = run(_load(source, network))
    np.savez(target, **{f"o{index}": array for index, array in enumerate(found)})  # type: ignore[arg-type]  # as above


def rounding(network: Network, source: Path) -> tuple[list[float], list[float]]:
    """Return more of what rounding does to each output on one input file.

    How far it goes as the inputs move by one ulp, more often than `compute` moves them; and how far as means over many
    values are as far off as sums one after another may be. Raises NoReferenceError.
    """
    run = file_runners.float32(network) if network.file_only else _by_function(network)
    arrays = _load(source, network)
    single = run(arrays)
    return _perturbed(run, arrays, single, draws=_MORE_DRAWS), _bent(network, arrays) or [0.0] * len(single)


def _bent(network: Network, arrays: Arrays) -> list[float]:
    """Return how far means that are off move each output; empty where there are none, or no twin to show it."""
    graph = None if network.file_only else drop_control_inputs(_plain(network))
    if graph is None or not means.concern(graph):
        return []
    try:
        found = [_doubled(build(graph, network.interface), arrays) for build in (means.build, twin.build)]
    except twin.NoTwinError:
        return []
    return [_distance(off, exact) for off, exact in zip(*found, strict=True)]


def _doubled(double: Twin, arrays: Arrays) -> Arrays:
    try:
        return double.run([_as_double(array) for array in arrays])
    finally:
        double.close()


def _twin(network: Network) -> tuple[Twin | None, str]:
    if network.file_only:
        return file_runners.float64(network)
    try:
        return twin.build(_plain(network), network.interface), _TWIN
    except twin.NoTwinError as error:
        return None, _estimated(str(error))


def _plain(network: Network) -> Any:
    """Return the frozen graph without compiled functions: XLA takes a minute for the convolutions of a ConvNeXt."""
    interface = network.interface
    graph = graphs.inlined(network.frozen, interface.input_names, interface.output_names)
    if graph is network.frozen:
        return graph
    return retrace(drop_control_inputs(graph), {"Conv2D": convolutions.by_channel})


def _estimated(reason: str) -> str:
    return f"TensorFlow under {_DRAWS} input perturbations of 1 ulp ({reason})"


def _one(
    run: Run, double: Twin | None, arrays: Arrays, close: float = _CLOSE
) -> tuple[dict[str, npt.NDArray[Any]], str | None]:
    """Return the arrays of one reference file, and why the twin was not used if one was there but failed."""
    single = run(arrays)
    if _is_special(arrays):
        return _pack(single, single, [0.0] * len(single)), None
    if double is None:
        return _pack(single, single, _perturbed(run, arrays, single)), None
    try:
        exact = double.run([_as_double(array) for array in arrays])
    except twin.NoTwinError as error:
        return _pack(single, single, _perturbed(run, arrays, single)), _estimated(str(error))
    noise = [_distance(a, b) for a, b in zip(single, exact, strict=True)]
    far = [i for i, e in enumerate(noise) if not _is_close(e, exact[i], close)]
    if far:
        reason = f"the float64 twin is {noise[far[0]]:.2g} away at output {far[0]}"
        moved = _perturbed(run, arrays, single)
        known = [max(m, e) if e <= _UNSTEADY * m else m for m, e in zip(moved, noise, strict=True)]
        return _pack(single, single, known), _estimated(reason)
    moved = _perturbed(run, arrays, single, draws=_DRAWS_BESIDE_TWIN)
    return _pack(single, exact, [max(pair) for pair in zip(noise, moved, strict=True)]), None


def _is_special(arrays: Arrays) -> bool:
    """Whether an input holds NaN, infinities or (float32's) denormals: nudging those, or casting them, proves nothing.

    TensorFlow itself flushes denormals to zero, a float64 twin does not.
    """
    floats = [array.astype(np.float64) for array in arrays if _is_float(array)]
    tiny = float(np.finfo(np.float32).tiny)
    return any(bool((~np.isfinite(a) | ((a != 0) & (np.abs(a) < tiny))).any()) for a in floats)


def _pack(single: Arrays, exact: Arrays, noise: list[float]) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for index, (low, high, error) in enumerate(zip(single, exact, noise, strict=True)):
        # numpy alone has no bfloat16: its file would be read as raw bytes
        found[f"f32_{index}"] = low.astype(np.float32) if low.dtype.name == "bfloat16" else low
        found[f"f64_{index}"] = high.astype(np.float64) if _is_float(low) else low
        found[f"noise_{index}"] = np.float64(error)  # type: ignore[assignment]  # a scalar array on disk
    return found


def _perturbed(run: Run, arrays: Arrays, single: Arrays, *, draws: int = _DRAWS) -> list[float]:
    """Estimate rounding noise: the largest change of each output when float inputs move by one ulp."""
    generator = np.random.Generator(np.random.Philox(_SEED))
    noise = [0.0] * len(single)
    for _ in range(draws):
        moved = run([_nudged(array, generator) for array in arrays])
        noise = [max(e, _distance(a, b)) for e, a, b in zip(noise, single, moved, strict=True)]
    return noise


def _nudged(array: npt.NDArray[Any], generator: np.random.Generator) -> npt.NDArray[Any]:
    if not _is_float(array):
        return array
    up = generator.random(array.shape) < 0.5
    moved: npt.NDArray[Any] = np.nextafter(array, np.where(up, np.inf, -np.inf).astype(array.dtype))
    return moved


def _distance(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Return max |a - b| over elements finite in both; 0 for integers and booleans, which do not round."""
    if not _is_float(a) or not a.size:
        return 0.0
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
    finite = difference[np.isfinite(difference)]
    return float(finite.max()) if finite.size else 0.0


def _is_close(error: float, exact: npt.NDArray[Any], close: float) -> bool:
    finite = np.abs(exact[np.isfinite(exact)]) if _is_float(exact) else np.zeros(0)
    return error <= close * (float(finite.max()) if finite.size else 0.0) or error == 0.0


def _load(path: Path, network: Network) -> Arrays:
    with np.load(path, allow_pickle=False) as stored:
        return [
            stored[f"i{index}"].astype(spec.dtype, copy=False) for index, spec in enumerate(network.interface.inputs)
        ]


def _by_function(network: Network) -> Run:
    """Run TensorFlow itself: the traced original, not the exported graph."""
    import tensorflow as tf

    refused = (tf.errors.OpError, ValueError, TypeError)
    # Some ops (channels-first convolutions) have kernels for graphics cards alone; XLA makes them for this processor.
    compiled = tf.function(network.function, jit_compile=True, autograph=False)

    def run(arrays: Arrays) -> Arrays:
        inputs = [tf.constant(array) for array in arrays]
        try:
            try:
                return [np.asarray(tensor) for tensor in network.function(*inputs)]
            except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
                return [np.asarray(tensor) for tensor in compiled(*inputs)]
        except refused as error:
            text = (str(error).splitlines() or [type(error).__name__])[0]
            raise NoReferenceError(f"TensorFlow cannot compute the model's outputs: {text}") from error

    return run


def _as_double(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(np.float64) if _is_float(array) else array


def _is_float(array: npt.NDArray[Any]) -> bool:
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"
