"""Normalizations spelled out as sums and products."""

from __future__ import annotations

from typing import Any

from harness.export.advice.ways import Way


def _is_last(layer: Any) -> bool:
    """Whether a layer normalizes over the last axis alone."""
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return axes in ([-1], [len(layer._build_shapes_dict["input_shape"]) - 1])


def _layer_norm(layer: Any) -> str | None:
    if not _is_last(layer):
        return None
    scaled = " * layer.gamma" if layer.scale else ""
    moved = " + layer.beta" if layer.center else ""
    return f"""
        def replacement(x):
            moved = x - ops.mean(x, axis=-1, keepdims=True)
            variance = ops.mean(moved * moved, axis=-1, keepdims=True)
            return moved / ops.sqrt(variance + {layer.epsilon}){scaled}{moved}
    """


def _rms_norm(layer: Any) -> str | None:
    if not _is_last(layer):
        return None
    return f"""
        def replacement(x):
            return x / ops.sqrt(ops.mean(x * x, axis=-1, keepdims=True) + {layer.epsilon}) * layer.scale
    """


def _unit_norm(layer: Any) -> str | None:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return f"""
        def replacement(x):
            return x / ops.sqrt(ops.maximum(ops.sum(x * x, axis={axes}, keepdims=True), 1e-12))
    """


def _batch_norm(layer: Any) -> str | None:
    if not _is_last(layer):
        return None
    gamma = "layer.gamma.numpy()" if layer.scale else "1.0"
    beta = "layer.beta.numpy()" if layer.center else "0.0"
    return f"""
        scale = {gamma} / np.sqrt(layer.moving_variance.numpy() + {layer.epsilon})
        offset = {beta} - layer.moving_mean.numpy() * scale

        def replacement(x):
            return x * scale + offset
    """


def _group_norm(layer: Any) -> str | None:
    shape = layer._build_shapes_dict["input_shape"]
    channels = shape[-1]
    if not _is_last(layer) or channels is None:
        return None
    groups = channels if layer.groups == -1 else layer.groups
    scaled = " * layer.gamma" if layer.scale else ""
    moved = " + layer.beta" if layer.center else ""
    return f"""
        def replacement(x):
            size = x.shape[1:-1]
            cells = ops.reshape(x, (-1, math.prod(size), {groups}, {channels // groups}))
            moved = cells - ops.mean(ops.mean(cells, axis=3, keepdims=True), axis=1, keepdims=True)
            variance = ops.mean(ops.mean(moved * moved, axis=3, keepdims=True), axis=1, keepdims=True)
            return ops.reshape(moved / ops.sqrt(variance + {layer.epsilon}), (-1, *size, {channels})){scaled}{moved}
    """


WAYS = (
    Way(
        name="normalization/layer-norm-spelled-out",
        says="subtract the mean and divide by the deviation yourself",
        of=("LayerNormalization",),
        code=_layer_norm,
    ),
    Way(
        name="normalization/rms-norm-spelled-out",
        says="divide by the root of the mean square yourself",
        of=("RMSNormalization",),
        code=_rms_norm,
    ),
    Way(
        name="normalization/unit-norm-spelled-out",
        says="divide by the root of the sum of squares yourself",
        of=("UnitNormalization",),
        code=_unit_norm,
    ),
    Way(
        name="normalization/batch-norm-folded",
        says="multiply by one vector and add another, both computed beforehand (once training is over)",
        of=("BatchNormalization",),
        code=_batch_norm,
    ),
    Way(
        name="normalization/group-norm-spelled-out",
        says="normalize over one reshaped tensor of rank 4, one axis at a time",
        of=("GroupNormalization",),
        code=_group_norm,
    ),
)
