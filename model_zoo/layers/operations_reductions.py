"""`keras.ops` that reduce or run along axes: sums, means, norms, extrema, orders, cumulations, softmax."""

from functools import partial
from typing import Any

from model_zoo.declare import Family, Tier, image, tensor

_family = Family(__name__, "layers")
_full = Family(__name__, "layers", tier=Tier.FULL)

_IMAGE = image(5, 7, 3)
_SEQUENCE = tensor(6, 11)
_REDUCTIONS = "max mean min sum var"
_ONCE = "logsumexp norm std"
_AXES: dict[str, dict[str, Any]] = {
    "channels": {"axis": -1},
    "plane": {"axis": (1, 2)},
    "height-keepdims": {"axis": 1, "keepdims": True},
}


def _reduce(name: str, options: dict[str, Any], ops: Any, x: Any) -> Any:
    return getattr(ops, name)(x, **options)


CASES = (
    _family.graph("ops/mean-keepdims", _IMAGE, lambda keras, x: x - keras.ops.mean(x, axis=(1, 2), keepdims=True)),
    *_full.operations(
        _IMAGE,
        {
            f"{name}-{axes}": partial(_reduce, name, options)
            for name in _REDUCTIONS.split()
            for axes, options in _AXES.items()
        },
    ),
    *_full.operations(_IMAGE, {f"{name}-width": partial(_reduce, name, {"axis": 2}) for name in _ONCE.split()}),
    *_full.operations(
        _IMAGE,
        {
            "norm-1": lambda ops, x: ops.norm(x, ord=1, axis=-1),
            "norm-2-keepdims": lambda ops, x: ops.norm(x, ord=2, axis=-1, keepdims=True),
            "normalize-l2": lambda ops, x: ops.normalize(x, axis=-1),
            "moments": lambda ops, x: ops.moments(x, axes=(1, 2)),
            "standardized": lambda ops, x: (x - ops.mean(x, (1, 2), True)) / (ops.std(x, (1, 2), keepdims=True) + 1e-3),
            "all": lambda ops, x: x * ops.cast(ops.all(x > -1, axis=-1, keepdims=True), "float32"),
            "any": lambda ops, x: x * ops.cast(ops.any(x > 0.5, axis=-1, keepdims=True), "float32"),
            "argmax-channels": lambda ops, x: ops.argmax(x, axis=-1),
            "argmax-float": lambda ops, x: ops.cast(ops.argmax(x, axis=-1), "float32"),
            "argmin-channels": lambda ops, x: ops.argmin(x, axis=-1),
            "softmax-height": lambda ops, x: ops.softmax(x, axis=1),
            "layer_normalization": lambda ops, x: ops.layer_normalization(x, axis=-1, epsilon=1e-3),
            "rms_normalization": lambda ops, x: ops.rms_normalization(x, axis=-1),
        },
    ),
    *_full.operations(
        _SEQUENCE,
        {
            "cumsum": lambda ops, x: ops.cumsum(x, axis=1),
            "cumsum-reversed": lambda ops, x: ops.flip(ops.cumsum(ops.flip(x, axis=1), axis=1), axis=1),
            "sort": lambda ops, x: ops.sort(x, axis=-1),
            "argsort": lambda ops, x: ops.argsort(x, axis=-1),
            "top_k-values": lambda ops, x: ops.top_k(x, 3)[0],
            "top_k-indices": lambda ops, x: ops.top_k(x, 3)[1],
        },
    ),
)
