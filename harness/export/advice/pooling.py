"""Poolings by others, and by what they are made of."""

from __future__ import annotations

from typing import Any

from harness.export.advice.ways import Code, Way

_LAST = "channels_last"


def _global_2d(kind: str) -> Code:
    def code(layer: Any) -> str | None:
        if layer.data_format != _LAST:
            return None
        flat = "pooled" if layer.keepdims else "keras.layers.Flatten()(pooled)"
        return f"""
            def replacement(x):
                pooled = keras.layers.{kind}Pooling2D(pool_size=x.shape[1:3], strides=1)(x)
                return {flat}
        """

    return code


def _global_by_axis(reduce: str) -> Code:
    def code(layer: Any) -> str | None:
        if layer.data_format != _LAST:
            return None
        result = "x" if layer.keepdims else "ops.reshape(x, (-1, x.shape[-1]))"
        return f"""
            def replacement(x):
                for axis in range(1, len(x.shape) - 1):
                    x = ops.{reduce}(x, axis=axis, keepdims=True)
                return {result}
        """

    return code


def _keepdims(layer: Any) -> str | None:
    """Name what `Mean` with kept axes is, where it is over an image's height and width."""
    if tuple(layer.axis or ()) not in {(1, 2), (-3, -2)} or not layer.keepdims:
        return None
    return """
        def replacement(x):
            return keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    """


def _volume(kind: str) -> Code:
    """Pool images one after another, then their depths as rows of images as wide as they were large."""

    def code(layer: Any) -> str | None:
        if layer.data_format != _LAST or layer.padding != "valid":
            return None
        (deep, *flat), (deep_step, *flat_steps) = layer.pool_size, layer.strides
        return f"""
            def replacement(x):
                depth, height, width, channels = x.shape[1:]
                images = ops.reshape(x, (-1, height, width, channels))
                images = keras.layers.{kind}Pooling2D({tuple(flat)}, strides={tuple(flat_steps)})(images)
                height, width = images.shape[1:3]
                columns = ops.reshape(images, (-1, depth, height * width, channels))
                columns = keras.layers.{kind}Pooling2D(({deep}, 1), strides=({deep_step}, 1))(columns)
                return ops.reshape(columns, (-1, columns.shape[1], height, width, channels))
        """

    return code


WAYS = (
    Way(
        name="pooling/mean-as-global-pooling",
        says="use `GlobalAveragePooling2D(keepdims=True)`",
        of=("Mean",),
        code=_keepdims,
    ),
    *(
        Way(
            name=f"pooling/global-{word}-2d-as-pooling",
            says=f"use `{kind}Pooling2D` over the whole image",
            of=(f"Global{kind}Pooling2D",),
            code=_global_2d(kind),
        )
        for word, kind in (("average", "Average"), ("max", "Max"))
    ),
    *(
        Way(
            name=f"pooling/global-{word}-{size.lower()}-axis-by-axis",
            says="reduce one axis after the other",
            of=(f"Global{kind}Pooling{size}",),
            code=_global_by_axis(reduce),
        )
        for word, kind, reduce in (("average", "Average", "mean"), ("max", "Max", "max"))
        for size in ("1D", "2D", "3D")
    ),
    *(
        Way(
            name=f"pooling/{word}-3d-as-two-2d",
            says=f"pool height and width by one `{kind}Pooling2D` and the depth by another",
            of=(f"{kind}Pooling3D",),
            code=_volume(kind),
        )
        for word, kind in (("average", "Average"), ("max", "Max"))
    ),
)
