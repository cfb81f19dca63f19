"""Padding, cropping, repeating, turning: by joining, slicing and products with constant matrices."""

from __future__ import annotations

from typing import Any

from harness.export.advice.ways import Way

_LAST = "channels_last"


def _padding(layer: Any) -> str | None:
    if getattr(layer, "data_format", _LAST) != _LAST:
        return None
    pads = layer.padding if isinstance(layer.padding[0], (tuple, list)) else [layer.padding]
    return f"""
        def replacement(x):
            for axis, (before, after) in enumerate({[tuple(pair) for pair in pads]}, start=1):
                first = ops.take(x, [0], axis=axis) * 0.0
                x = ops.concatenate([first] * before + [x] + [first] * after, axis=axis)
            return x
    """


def _upsampling_by_transposed_convolution(layer: Any) -> str | None:
    if layer.data_format != _LAST or layer.interpolation != "nearest":
        return None
    return f"""
        def replacement(x):
            size, channels = {tuple(layer.size)}, x.shape[-1]
            kernel = np.ones((*size, 1, 1), "float32") * np.eye(channels, dtype="float32")
            return ops.conv_transpose(x, kernel, strides=size, padding="valid")
    """


def _upsampling_by_repetition(layer: Any) -> str | None:
    if layer.data_format != _LAST or layer.interpolation != "nearest":
        return None
    rows, columns = layer.size
    return f"""
        def replacement(x):
            height, width, channels = x.shape[1:]
            x = ops.reshape(x, (-1, height, 1, width * channels))
            x = ops.reshape(ops.concatenate([x] * {rows}, axis=2), (-1, height * {rows} * width, 1, channels))
            x = ops.concatenate([x] * {columns}, axis=2)
            return ops.reshape(x, (-1, height * {rows}, width * {columns}, channels))
    """


def _upsampling_1d(layer: Any) -> str | None:
    return f"""
        def replacement(x):
            steps, features = x.shape[1:]
            x = ops.concatenate([ops.expand_dims(x, 2)] * {layer.size}, axis=2)
            return ops.reshape(x, (-1, steps * {layer.size}, features))
    """


def _resizing_by_matrices(layer: Any) -> str | None:
    if getattr(layer, "data_format", _LAST) != _LAST:
        return None
    if type(layer).__name__ == "Resizing":
        if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
            return None
        size = f"({layer.height}, {layer.width})"
    else:
        size = f"(x.shape[1] * {layer.size[0]}, x.shape[2] * {layer.size[1]})"
    return f"""
        def weights(before, after):
            rows = np.eye(before, dtype="float32")[None, :, :, None]
            return ops.image.resize(rows, (after, before), "{layer.interpolation}")[0, :, :, 0]

        def replacement(x):
            (height, width), channels = x.shape[1:3], x.shape[-1]
            new_height, new_width = {size}
            x = ops.matmul(weights(height, new_height), ops.reshape(x, (-1, height, width * channels)))
            x = ops.reshape(x, (-1, width, channels))
            x = ops.matmul(weights(width, new_width), x)
            return ops.reshape(x, (-1, new_height, new_width, channels))
    """


def _flip(maker: Any) -> str | None:
    if maker.axis not in (-1, [-1], (-1,)):
        return None
    return """
        def replacement(x):
            return ops.matmul(x, np.eye(x.shape[-1], dtype="float32")[::-1])
    """


def _embedding(layer: Any) -> str | None:
    if layer.mask_zero:
        return None
    return f"""
        def replacement(ids):
            return ops.matmul(ops.one_hot(ops.cast(ids, "int32"), {layer.input_dim}), layer.embeddings)
    """


def _repeat_vector(layer: Any) -> str | None:
    return f"""
        def replacement(x):
            return ops.concatenate([ops.expand_dims(x, 1)] * {layer.n}, axis=1)
    """


WAYS = (
    Way(
        name="shapes/padding-by-joining",
        says="join zeros before and behind",
        of=("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
        code=_padding,
    ),
    Way(
        name="shapes/upsampling-by-transposed-convolution",
        says="use a transposed convolution whose kernel is ones",
        of=("UpSampling2D",),
        code=_upsampling_by_transposed_convolution,
    ),
    Way(
        name="shapes/upsampling-by-repetition",
        says="join copies and reshape",
        of=("UpSampling2D",),
        code=_upsampling_by_repetition,
    ),
    Way(name="shapes/upsampling-1d-by-repetition", says="join copies", of=("UpSampling1D",), code=_upsampling_1d),
    Way(
        name="shapes/resizing-by-matrices",
        says="multiply rows and columns by the matrices that resizing is",
        of=("Resizing", "UpSampling2D"),
        code=_resizing_by_matrices,
    ),
    Way(name="shapes/flip-by-a-matrix", says="multiply by a turned identity", of=("Flip",), code=_flip),
    Way(
        name="shapes/embedding-by-one-hot",
        says="multiply one-hot rows by the table (for small vocabularies)",
        of=("Embedding",),
        code=_embedding,
    ),
    Way(name="shapes/repetition-by-joining", says="join copies", of=("RepeatVector",), code=_repeat_vector),
)
