"""Last activations and joints that hide what was computed before them. Pure.

A softmax that gives 1, 0, 0 gives so whatever happens to its logits: agreement behind it proves little. Where more than
half of an output is at its bounds, the network is compared before the activation as well. Boxes in pixels that are
joined with scores lend them their tolerance: there the parts are compared as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from harness.evidence import Property
from harness.manifests import Head
from harness.properties import Name
from harness.pure.inputs import Array
from harness.records import Outcome, Record
from harness.sources import Cut

_FLAT = 1e-3
"""Where an activation's slope is below this, an error of a thousand tolerances before it is one behind it."""
_MOST = 0.5
_UNLIKE = 32.0
"""As many times the tolerance is K ulps: a smaller part would be allowed so many of its own."""
_WRONG = frozenset({Outcome.MISMATCH, Outcome.WRONG_SHAPE, Outcome.NONDETERMINISTIC})


def hiding(heads: Sequence[Head], outputs: Sequence[Sequence[Array]]) -> tuple[Head, ...]:
    """Return the heads that hide what comes before them; `outputs[k][o]` is TensorFlow's output o on input k."""
    return tuple(head for head in heads if _hides(head, [given[head.output] for given in outputs]))


def before(heads: Sequence[Head], outputs: int) -> Cut:
    """Return a network of so many outputs with what its heads are given in place of what they give.

    An output without a head stays: that another one has an activation does not excuse it.
    """
    found: dict[str, None] = {}
    for place in range(outputs):
        own = [head.before for head in heads if head.output == place]
        found |= dict.fromkeys(own or [f"output_{place}:0"])
    return Cut(outputs=tuple(found))


def before_activation(record: Record, found: Record, heads: Sequence[Head]) -> Record:
    """Return a cell's record with what its network shows before the last activations (`found`)."""
    ops = ", ".join(dict.fromkeys(head.op for head in heads))
    if found.outcome is Outcome.OK and found.parity is not None:
        seen = f"before the last {ops} the error is {found.parity.margin:.2g} of what is allowed"
        shown = replace(
            record, properties=(*record.properties, Property(name=Name.BEFORE_HEAD, held=True, message=seen))
        )
        return shown if record.outcome is Outcome.OK else _judged_before(shown, found, ops)
    if found.outcome in _WRONG:
        message = f"before the last {ops}, which hides it: {found.message}"
        shown = replace(found, reproduce=record.reproduce, artifact=record.artifact, latency=record.latency)
        kept = replace(shown, case=record.case, route=record.route, layout=record.layout, ops=record.ops)
        broken = Property(name=Name.BEFORE_HEAD, held=False, message=message)
        return replace(kept, message=message, properties=(*record.properties, broken))
    if record.outcome is Outcome.OK:
        caveat = f"the last {ops} hides most of what comes before, where nothing could be compared: {found.outcome}"
        return replace(record, caveat=caveat)
    return record


def _judged_before(record: Record, found: Record, ops: str) -> Record:
    varies = record.parity.sensitivity if record.parity is not None else 0.0
    caveat = (
        f"judged before the last {ops}: behind it the outputs agree, but vary between inputs by only {varies:.3g} "
        "tolerances"
    )
    return replace(record, outcome=Outcome.OK, stage=None, message=None, parity=found.parity, caveat=caveat)


def _hides(head: Head, outputs: Sequence[Array]) -> bool:
    if head.op == "Concat":
        return any(_is_unlike(np.asarray(output, dtype=np.float64)) for output in outputs)
    return not head.direct or _is_flat(head.op, outputs)


def _is_unlike(output: npt.NDArray[np.float64]) -> bool:
    """Tell whether an output's features (its last axis) are of very unlike scale."""
    if output.ndim < 2 or not output.size or not np.isfinite(output).all():
        return False
    scales = np.abs(output).max(axis=tuple(range(output.ndim - 1)))
    return bool(scales.max() > _UNLIKE * scales.min())


def _is_flat(op: str, outputs: Sequence[Array]) -> bool:
    slopes = [_slopes(op, np.asarray(output, dtype=np.float64)) for output in outputs]
    flat = np.concatenate([slope.reshape(-1) for slope in slopes]) < _FLAT
    return bool(flat.size) and float(flat.mean()) > _MOST


def _slopes(op: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the activation's slope at each value it gave; of a softmax, at the winner of each row (its last axis)."""
    if op == "Tanh":
        return 1 - values**2
    winners = values.max(axis=-1) if op == "Softmax" and values.ndim else values
    return np.asarray(winners * (1 - winners))
