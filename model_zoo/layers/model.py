"""How layers are put together: several inputs and outputs, shared layers, models inside models, branches."""

from typing import Any

from model_zoo.declare import Family, Tier, image, several, tensor

_full = Family(__name__, "layers", tier=Tier.FULL)

_VECTOR = tensor(11)
_SEQUENCE = tensor(6, 11)
_IMAGE = image(9, 12, 5)
_TWO_IMAGES = several(image(9, 12, 5, name="left"), image(9, 12, 5, name="right"))
_IMAGE_AND_VECTOR = several(_IMAGE, tensor(7, name="facts"))


def _shared_conv2d(keras: Any, left: Any, right: Any) -> Any:
    """Compare two images by one network (siamese)."""
    features = keras.layers.Conv2D(4, 3, activation="tanh")
    return keras.layers.Subtract()([features(left), features(right)])


def _shared_thrice(keras: Any, x: Any) -> Any:
    """Apply one layer three times in a row, as unrolled iterations do."""
    step = keras.layers.Dense(11, activation="tanh")
    return step(step(step(x)))


def _shared_sizes(keras: Any, x: Any) -> Any:
    """Apply one head to two scales of a pyramid (RetinaNet)."""
    head = keras.layers.Conv2D(3, 3, padding="same")
    return [head(x), head(keras.layers.MaxPooling2D(2)(x))]


def _encoder(keras: Any) -> Any:
    return keras.Sequential(
        [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.MaxPooling2D(2), keras.layers.Flatten()]
    )


def _functional(keras: Any, x: Any) -> Any:
    """Call a finished functional model as a layer."""
    inner = keras.Input(_IMAGE[0].shape[1:])
    return keras.layers.Dense(3)(keras.layers.Flatten()(keras.Model(inner, keras.layers.Conv2D(4, 3)(inner))(x)))


def _nested_twice(keras: Any, x: Any) -> Any:
    return keras.Sequential([keras.Sequential([keras.layers.Dense(7), keras.layers.ReLU()]), keras.layers.Dense(3)])(x)


def _shared_model(keras: Any, left: Any, right: Any) -> Any:
    encoder = _encoder(keras)
    return keras.layers.Dot(axes=1, normalize=True)([encoder(left), encoder(right)])


def _two_inputs(keras: Any, x: Any, facts: Any) -> Any:
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))
    return keras.layers.Dense(3)(keras.layers.Concatenate()([features, facts]))


def _modulated(keras: Any, x: Any, facts: Any) -> Any:
    """Scale the channels of an image by a vector (FiLM)."""
    scale = keras.layers.Reshape((1, 1, 5))(keras.layers.Dense(5)(facts))
    return keras.layers.Multiply()([x, scale])


def _two_outputs(keras: Any, x: Any) -> Any:
    features = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return [keras.layers.Conv2D(2, 1)(features), keras.layers.GlobalAveragePooling2D()(features)]


def _heads(keras: Any, x: Any) -> Any:
    """Return class, box and landmarks, as detectors do."""
    features = keras.layers.Dense(9, activation="relu")(x)
    return [
        keras.layers.Dense(size, activation=head)(features) for size, head in ((2, "softmax"), (4, None), (10, None))
    ]


def _branches(keras: Any, x: Any) -> Any:
    """Join convolutions of several sizes and a pooling (Inception)."""
    nn = keras.layers
    return nn.Concatenate()(
        [
            nn.Conv2D(2, 1)(x),
            nn.Conv2D(3, 3, padding="same")(x),
            nn.Conv2D(4, 5, padding="same")(x),
            nn.MaxPooling2D(3, strides=1, padding="same")(x),
        ]
    )


def _intermediate(keras: Any, x: Any) -> Any:
    """Return a layer's result and what another layer makes of it."""
    features = keras.layers.Dense(7)(x)
    return [features, keras.layers.Dense(3)(keras.layers.ReLU()(features))]


def _time_distributed_model(keras: Any, x: Any) -> Any:
    return keras.layers.TimeDistributed(_encoder(keras))(x)


def _bare_sequential(keras: Any) -> Any:
    return keras.Sequential([keras.Input((11,), name="x"), keras.layers.Dense(7, "relu"), keras.layers.Dense(3)])


CASES = (
    _full.graph("model/shared-conv2d", _TWO_IMAGES, _shared_conv2d),
    _full.graph("model/shared-thrice", _VECTOR, _shared_thrice),
    _full.graph("model/shared-sizes", _IMAGE, _shared_sizes),
    _full.graph("model/shared-model", _TWO_IMAGES, _shared_model),
    _full.graph("model/nested-sequential", _IMAGE, lambda keras, x: keras.layers.Dense(3)(_encoder(keras)(x))),
    _full.graph("model/nested-functional", _IMAGE, _functional),
    _full.graph("model/nested-twice", _VECTOR, _nested_twice),
    _full.graph("model/time-distributed", tensor(3, 9, 12, 2), _time_distributed_model),
    _full.graph("model/two-inputs", _IMAGE_AND_VECTOR, _two_inputs),
    _full.graph("model/modulated", _IMAGE_AND_VECTOR, _modulated),
    _full.graph("model/two-outputs", _IMAGE, _two_outputs),
    _full.graph("model/three-heads", _SEQUENCE, _heads),
    _full.graph("model/branches", _IMAGE, _branches),
    _full.graph("model/intermediate-output", _VECTOR, _intermediate),
    _full.graph("model/same-output-twice", _VECTOR, lambda keras, x: [keras.layers.Dense(3)(x)] * 2),
    _full.graph("model/input-as-output", _VECTOR, lambda keras, x: [x, keras.layers.Dense(3)(x)]),
    _full.model("model/bare-sequential", _VECTOR, _bare_sequential, covers=("Dense",)),
)
