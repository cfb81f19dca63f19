"""Fully convolutional networks whose height and width are left open, as users leave them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.cases import Case
from model_zoo.blocks.convolution_unit import conv_unit
from model_zoo.declare import Family, Tier, image, symbolic_input

_family = Family(__name__, "blocks", tier=Tier.FULL)


def open_image(keras: Any, channels: int = 3) -> Any:
    """Return the symbolic image of any height and width."""
    return symbolic_input(keras, replace(image(1, 1, channels)[0], shape=(None, None, None, channels)))


def dense_prediction(keras: Any, x: Any) -> Any:
    """Return a class distribution for every place (Long et al. 2014): strided down, upsampled back."""
    nn = keras.layers
    y = conv_unit(keras, conv_unit(keras, x, 6, strides=2), 8, strides=2)
    y = nn.UpSampling2D(4, interpolation="bilinear")(nn.Conv2D(3, 1)(y))
    return nn.Softmax()(y)


def any_size_classifier(keras: Any, x: Any) -> Any:
    """Return one distribution for an image of any size (Lin et al. 2013): the mean of the places decides."""
    nn = keras.layers
    y = nn.MaxPooling2D(2, padding="same")(conv_unit(keras, x, 6))
    return nn.Softmax()(nn.GlobalAveragePooling2D()(nn.Conv2D(5, 1)(y)))


def resized_like(keras: Any, x: Any) -> Any:
    """Return coarse features resized to the image's own size, which is known only when the network runs."""

    class ResizeLike(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """A layer, for `keras.ops.image.resize` itself takes no open sizes in a functional model."""

        def call(self, inputs: Any, like: Any) -> Any:
            return keras.ops.image.resize(inputs, keras.ops.shape(like)[1:3], interpolation="bilinear")

        def compute_output_shape(self, inputs_shape: Any, like_shape: Any) -> Any:
            return (inputs_shape[0], *like_shape[1:3], inputs_shape[3])

    return keras.layers.Concatenate()([x, ResizeLike()(conv_unit(keras, x, 6, strides=2), x)])


def _case(name: str, outputs: Callable[[Any, Any], Any]) -> Case:
    def build(keras: Any) -> Any:
        x = open_image(keras)
        return keras.Model(x, outputs(keras, x), name=name)

    return _family.model(f"any_size/{name}", image(12, 20, 3), build)


CASES = (
    _case("dense_prediction", dense_prediction),
    _case("any_size_classifier", any_size_classifier),
    _case("resized_like", resized_like),
)
