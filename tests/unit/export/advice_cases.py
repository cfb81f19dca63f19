"""For each way to write a layer a small model with that layer, named `it`: built by name, on inputs that tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Build = Callable[[Any], Any]


def _net(shape: tuple[int, ...], make: Callable[[Any, Any], Any], dtype: str = "float32") -> Build:
    def build(keras: Any) -> Any:
        x = keras.Input(shape, dtype=dtype, name="x")
        return keras.Model(x, make(keras, x))

    return build


def _layer(shape: tuple[int, ...], class_: str, *arguments: Any, dtype: str = "float32", **options: Any) -> Build:
    def make(keras: Any, x: Any) -> Any:
        return getattr(keras.layers, class_)(*arguments, name="it", **options)(x)

    return _net(shape, make, dtype)


def _operation(shape: tuple[int, ...], name: str, **options: Any) -> Build:
    """An operation of `keras.ops` as a node of its own; it is called like the class."""
    return _net(shape, lambda keras, x: getattr(keras.ops, name)(x, **options))


def _custom(shape: tuple[int, ...], function: Callable[[Any, Any], Any]) -> Build:
    """A user's own layer, which computes by TensorFlow."""

    def make(keras: Any, x: Any) -> Any:
        import tensorflow as tf

        class Own(keras.layers.Layer):
            def call(self, x: Any) -> Any:
                return function(tf, x)

        return Own(name="it")(x)

    return _net(shape, make)


def _best(which: int) -> Build:
    return _net((4, 7), lambda keras, x: keras.ops.top_k(x, 3)[which])


IMAGE = (5, 8, 3)
VOLUME = (4, 6, 5, 2)
STEPS = (4, 3)

CASES: dict[str, tuple[Build, ...]] = {
    "activations/elu-formula": (_layer((7,), "ELU", alpha=0.7),),
    "activations/erf-approximated": (_custom((7,), lambda tf, x: tf.math.erf(x)),),
    "activations/formula": tuple(
        _layer((7,), "Activation", name)
        for name in (
            "relu", "relu6", "silu", "softplus", "softsign", "mish", "elu", "selu", "celu", "hard_sigmoid",
            "hard_silu", "hard_tanh", "tanh_shrink", "soft_shrink", "log_sigmoid", "squareplus", "sparse_plus",
            "exponential",
        )
    ),
    "activations/gelu-operation": (_operation((7,), "gelu", approximate=False),),
    "activations/leaky-formula": (_layer((7,), "LeakyReLU", negative_slope=0.2),),
    "activations/prelu-formula": (_layer(IMAGE, "PReLU", shared_axes=[1, 2], alpha_initializer="random_normal"),),
    "activations/relu-formula": (
        _layer((7,), "ReLU"),
        _layer((7,), "ReLU", max_value=1.5, negative_slope=0.1),
    ),
    "activations/softmax-formula": (_layer((4, 7), "Softmax"), _layer((4, 7), "Softmax", axis=1)),
    "activations/softplus-formula": (_operation((7,), "softplus"),),
    "activations/tanh-gelu": (_layer((7,), "Activation", "gelu"),),
    "normalization/batch-norm-folded": (
        _layer(IMAGE, "BatchNormalization", beta_initializer="random_normal", moving_mean_initializer="random_normal"),
        _layer((7,), "BatchNormalization", scale=False, center=False),
    ),
    "normalization/group-norm-spelled-out": (
        _layer((5, 8, 6), "GroupNormalization", groups=3, beta_initializer="random_normal"),
        _layer((7, 4), "GroupNormalization", groups=-1, scale=False),
    ),
    "normalization/layer-norm-spelled-out": (
        _layer((4, 7), "LayerNormalization", beta_initializer="random_normal"),
        _layer(IMAGE, "LayerNormalization", center=False, epsilon=0.01),
    ),
    "normalization/rms-norm-spelled-out": (_layer((4, 7), "RMSNormalization"),),
    "normalization/unit-norm-spelled-out": (
        _layer((4, 7), "UnitNormalization"),
        _layer(IMAGE, "UnitNormalization", axis=1),
    ),
    "pooling/average-3d-as-two-2d": (_layer(VOLUME, "AveragePooling3D", (2, 3, 2), strides=(1, 2, 2)),),
    "pooling/global-average-1d-axis-by-axis": (_layer(STEPS, "GlobalAveragePooling1D"),),
    "pooling/global-average-2d-as-pooling": (
        _layer(IMAGE, "GlobalAveragePooling2D"),
        _layer(IMAGE, "GlobalAveragePooling2D", keepdims=True),
    ),
    "pooling/global-average-2d-axis-by-axis": (_layer(IMAGE, "GlobalAveragePooling2D"),),
    "pooling/global-average-3d-axis-by-axis": (_layer(VOLUME, "GlobalAveragePooling3D", keepdims=True),),
    "pooling/global-max-1d-axis-by-axis": (_layer(STEPS, "GlobalMaxPooling1D", keepdims=True),),
    "pooling/global-max-2d-as-pooling": (_layer(IMAGE, "GlobalMaxPooling2D"),),
    "pooling/global-max-2d-axis-by-axis": (_layer(IMAGE, "GlobalMaxPooling2D"),),
    "pooling/global-max-3d-axis-by-axis": (_layer(VOLUME, "GlobalMaxPooling3D"),),
    "pooling/max-3d-as-two-2d": (_layer(VOLUME, "MaxPooling3D", 2),),
    "pooling/mean-as-global-pooling": (_operation(IMAGE, "mean", axis=(1, 2), keepdims=True),),
    "recurrent/gru-unrolled": (_layer(STEPS, "GRU", 5), _layer(STEPS, "GRU", 5, return_sequences=True, use_bias=False)),
    "recurrent/lstm-unrolled": (_layer(STEPS, "LSTM", 5), _layer(STEPS, "LSTM", 5, return_sequences=True)),
    "recurrent/simple-rnn-unrolled": (
        _layer(STEPS, "SimpleRNN", 5),
        _layer(STEPS, "SimpleRNN", 5, return_sequences=True),
    ),
    "selection/argmax-by-comparison": (_operation((4, 7), "argmax", axis=-1),),
    "selection/argmin-by-comparison": (_operation((4, 7), "argmin", axis=-1),),
    "selection/argsort-by-comparisons": (_operation((4, 7), "argsort"),),
    "selection/sort-by-comparisons": (_operation((4, 7), "sort"),),
    "selection/top-k-by-comparisons": (_best(0), _best(1)),
    "shapes/embedding-by-one-hot": (_layer((6,), "Embedding", 9, 4, dtype="int32"),),
    "shapes/flip-by-a-matrix": (_operation((4, 7), "flip", axis=-1),),
    "shapes/padding-by-joining": (
        _layer(IMAGE, "ZeroPadding2D", ((1, 0), (2, 1))),
        _layer(STEPS, "ZeroPadding1D", (2, 0)),
    ),
    "shapes/repetition-by-joining": (_layer((7,), "RepeatVector", 3),),
    "shapes/resizing-by-matrices": (
        _layer(IMAGE, "Resizing", 7, 5),
        _layer(IMAGE, "Resizing", 9, 11, interpolation="bicubic"),
        _layer(IMAGE, "UpSampling2D", (2, 3), interpolation="bilinear"),
    ),
    "shapes/upsampling-1d-by-repetition": (_layer(STEPS, "UpSampling1D", 3),),
    "shapes/upsampling-by-repetition": (_layer(IMAGE, "UpSampling2D", (2, 3)),),
    "shapes/upsampling-by-transposed-convolution": (_layer(IMAGE, "UpSampling2D", (2, 3)),),
    "special/bessel-i0-polynomials": (_custom((7,), lambda tf, x: tf.math.bessel_i0(3 * x)),),
    "special/bessel-i1-polynomials": (_custom((7,), lambda tf, x: tf.math.bessel_i1(3 * x)),),
    "special/cumsum-matrix": (_operation((4, 7), "cumsum", axis=-1),),
    "special/determinant-formula": (
        _custom((9,), lambda tf, x: tf.linalg.det(tf.reshape(x, (-1, 3, 3)))),
        _custom((8,), lambda tf, x: tf.linalg.det(tf.reshape(x, (-1, 2, 2, 2)))),
    ),
    "special/digamma-series": (_custom((7,), lambda tf, x: tf.math.digamma(tf.abs(x) + 0.3)),),
    "special/erfinv-polynomials": (_custom((7,), lambda tf, x: tf.math.erfinv(0.999 * tf.tanh(2 * x))),),
    "special/inverse-formula": (
        _custom((9,), lambda tf, x: tf.linalg.inv(tf.reshape(x, (-1, 3, 3)) + 3 * tf.eye(3))),
        _custom((4,), lambda tf, x: tf.linalg.inv(tf.reshape(x, (-1, 2, 2)) + 3 * tf.eye(2))),
    ),
    "special/lgamma-series": (_custom((7,), lambda tf, x: tf.math.lgamma(tf.abs(x) + 0.3)),),
    "volumes/conv3d-as-conv2d": (_layer((5, 6, 7, 2), "Conv3D", 3, (2, 3, 3), strides=(2, 1, 1), activation="relu"),),
}  # fmt: skip
