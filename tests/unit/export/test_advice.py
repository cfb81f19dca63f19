"""Every way to write a layer: its text runs, and gives what the layer gives, or what it says that it differs by."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from advice_cases import CASES

from harness.errors import ExportFailedError, UsageError
from harness.export.advice import WAYS
from harness.export.keras_models import from_model
from harness.export.suggesting import suggest
from harness.sources import Rewrite

EACH = [(name, place) for name, builds in CASES.items() for place in range(len(builds))]


def layer_of(network, class_: str | None) -> str:
    """Return the name of the layer that a way is for: `it`, or the one operation of the case."""
    makers = network.owners.makers
    return "it" if "it" in makers else next(name for name, maker in makers.items() if type(maker).__name__ == class_)


def outputs(network, inputs) -> list[np.ndarray]:
    return [np.asarray(tensor) for tensor in network.function(*inputs)]


def feed(model) -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    (spec,) = model.inputs
    shape = (1, *spec.shape[1:])
    if str(spec.dtype).startswith("int"):
        return [generator.integers(0, 9, shape).astype(spec.dtype)]
    return [generator.normal(size=shape).astype("float32")]


def test_every_way_has_a_case_and_every_case_a_way():
    assert set(CASES) == set(WAYS)


@pytest.mark.parametrize(("name", "place"), EACH, ids=[f"{name}-{place}" for name, place in EACH])
def test_a_way_gives_what_the_layer_gives(name, place):
    keras.utils.set_random_seed(3)
    model = CASES[name][place](keras)
    way, inputs = WAYS[name], feed(model)
    original = from_model(model, (), ())
    layer = layer_of(original, way.of[0] if way.of else None)
    offered = [one for one in suggest(original, [layer]).entries if one.way == name]
    assert [one.code for one in offered] == [way.text(original.owners.makers[layer])]
    other = from_model(model, (), (), rewrites=(Rewrite(layer=layer, way=name),))
    assert other.weights_digest == original.weights_digest
    for got, wanted in zip(outputs(other, inputs), outputs(original, inputs), strict=True):
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        largest = float(np.abs(wanted).max())
        assert np.abs(got - wanted).max() <= max(way.bar, 3e-6) * largest
    assert layer in other.owners.by_node.values()


def test_the_code_can_be_pasted_where_a_model_is_built():
    model = CASES["normalization/layer-norm-spelled-out"][0](keras)
    network = from_model(model, (), ())
    (code,) = (one.code for one in suggest(network, ["it"]).entries)
    names = {"keras": keras, "ops": keras.ops, "np": np, "layer": model.get_layer("it")}
    exec(code, names)
    x = keras.Input((4, 7))
    pasted = keras.Model(x, names["replacement"](x))
    (value,) = feed(model)
    np.testing.assert_allclose(pasted(value), model(value), atol=1e-5)


def test_a_layer_that_is_not_there_and_a_way_that_nobody_wrote_are_refused():
    model = CASES["activations/elu-formula"][0](keras)
    with pytest.raises(ExportFailedError, match="no layer 'other'"):
        from_model(model, (), (), rewrites=(Rewrite(layer="other", way="activations/elu-formula"),))
    with pytest.raises(UsageError, match="no way 'by-magic'"):
        from_model(model, (), (), rewrites=(Rewrite(layer="it", way="by-magic"),))


def test_names_of_other_layers_do_not_depend_on_what_is_rewritten():
    x = keras.Input((4, 7), name="x")
    y = keras.layers.LayerNormalization(name="it")(keras.layers.Dense(7, name="before")(x))
    model = keras.Model(x, keras.ops.add(keras.layers.Dense(3, name="after")(y), 1.0))
    rewrite = Rewrite(layer="it", way="normalization/layer-norm-spelled-out")
    makers = [from_model(model, (), (), rewrites=chosen).owners.by_node for chosen in ((), (rewrite,))]
    plain, other = ({node for node, layer in made.items() if layer != "it"} for made in makers)
    assert plain == other
