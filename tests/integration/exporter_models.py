"""Keras models for the exporter's tests: imported by the exporter child only, as `exporter_models:NAME`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers


def _sequential(shape: tuple[int | None, ...], *stack: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *stack])


def seed_cnn() -> Any:
    return _sequential(
        (28, 28, 1),
        layers.Conv2D(32, 3, activation="relu", bias_initializer="normal"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    )


def several_outputs() -> Any:
    """Outputs of unequal shapes, one of them inside the others' path; a converter that reorders them is seen."""
    x = keras.Input((9, 12, 5))
    image = layers.Conv2D(7, 3, activation="relu", bias_initializer="normal")(x)
    pooled = layers.GlobalAveragePooling2D()(image)
    return keras.Model(x, [layers.Conv2D(3, 1)(image), pooled, layers.Dense(4)(pooled), image])


def several_inputs() -> Any:
    image, vector = keras.Input((9, 12, 5), name="the image"), keras.Input((6,), name="b vector")
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(image))
    return keras.Model({"z": image, "a": vector}, layers.Dense(3)(layers.Concatenate()([pooled, vector])))


def prelu() -> Any:
    return _sequential((9, 12, 5), layers.Conv2D(7, 3), layers.PReLU(shared_axes=[1, 2], alpha_initializer="normal"))


def depthwise() -> Any:
    return _sequential((9, 12, 5), layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"))


def batch_norm() -> Any:
    return _sequential(
        (9, 12, 5),
        layers.Conv2D(7, 3),
        layers.BatchNormalization(moving_mean_initializer="normal"),
        layers.ReLU(),
        layers.BatchNormalization(beta_initializer="normal", moving_mean_initializer="normal"),
    )


def deconvolution() -> Any:
    return _sequential((9, 12, 5), layers.Conv2DTranspose(7, 3, strides=2, padding="same", bias_initializer="normal"))


def bilinear() -> Any:
    return _sequential((9, 12, 5), layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2D(3, 1))


def reshape_image() -> Any:
    return _sequential((9, 12, 5), layers.Conv2D(4, 3), layers.Reshape((10, 14, 2)))


def decoder() -> Any:
    return _sequential((20,), layers.Dense(60), layers.Reshape((3, 4, 5)), layers.Conv2D(2, 2))


def permuted() -> Any:
    return _sequential((9, 12, 5), layers.Conv2D(4, 3), layers.Permute((3, 1, 2)))


def sequence() -> Any:
    return _sequential((9, 5), layers.Conv1D(4, 3))


def volume() -> Any:
    return _sequential((5, 6, 7, 2), layers.Conv3D(4, 3))


def lstm() -> Any:
    return _sequential((7, 5), layers.LSTM(6))


def gru() -> Any:
    return _sequential((7, 5), layers.GRU(6, return_sequences=True))


def max_pool_3d() -> Any:
    return _sequential((6, 7, 8, 2), layers.MaxPooling3D())


def open_size() -> Any:
    return _sequential((None, None, 3), layers.Conv2D(4, 3))


class Subclassed(keras.Model):
    """Has no inputs until it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.dense(x)


def subclassed() -> Any:
    return Subclassed()


def called() -> Any:
    model = Subclassed()
    model(keras.Input((5,)))
    return model


class Joining(Subclassed):
    """Takes a list of two."""

    def call(self, x: Any) -> Any:
        return self.dense(keras.ops.concatenate(x, axis=-1))


def called_with_two() -> Any:
    model = Joining()
    model([np.zeros((1, 5), np.float32), np.zeros((1, 3), np.float32)])
    return model


def not_a_number() -> Any:
    model = _sequential((4,), layers.Dense(3, name="the_culprit"))
    kernel = model.layers[0].kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    return model


def string_input() -> Any:
    return keras.Sequential([keras.Input((1,), dtype="string"), layers.Lambda(lambda x: x)])


def no_input() -> Any:
    return keras.Sequential([])


def no_model() -> Any:
    return 42


def broken() -> Any:
    raise RuntimeError("the weights are on the other machine")
