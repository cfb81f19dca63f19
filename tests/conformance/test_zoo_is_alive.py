"""Every layer case of the full zoo varies with its input: a dead or saturated reference would agree with anything.

Builds some 650 models in this process, which takes minutes: `pytest -m full_zoo`. The core tier is tested always
(tests/unit/export/test_conditioning.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cases import load_zoo, select
from harness.pure.inputs import PROBES, expand

if TYPE_CHECKING:
    from harness.cases import Case

pytestmark = [
    pytest.mark.full_zoo,
    pytest.mark.filterwarnings("ignore:NotImplemented should not be used:DeprecationWarning"),  # keras.ops.tensordot
]

LAYERS = select(load_zoo("model_zoo"), "layers")
LEAST_SPREAD = 1e-3
INDICATORS = {"CategoryEncoding", "Discretization", "ops.multi_hot", "ops.one_hot"}
"""What has nothing but zeros and ones to say."""


@pytest.fixture
def keras() -> Iterator[Any]:
    """Give Keras: imported here and not above, for collecting the suite must not load TensorFlow."""
    import keras

    yield keras
    keras.backend.clear_session()


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.id)
def test_outputs_vary_with_the_probes_and_are_not_saturated(case: Case, keras: Any) -> None:
    for number, output in enumerate(outputs_for_the_probes(keras, case)):
        what = f"{case.id}: output {number} of shape {output.shape[1:]}"
        assert np.isfinite(output).all(), f"{what} is not finite"
        assert spread(output) > LEAST_SPREAD, f"{what} is the same for all probes"
        if not INDICATORS.intersection(case.covers) and output.dtype.kind == "f":
            assert not is_saturated(output), f"{what} is nothing but zeros and ones"


def outputs_for_the_probes(keras: Any, case: Case) -> list[np.ndarray[Any, Any]]:
    """Return an array for each output, its first axis the probes."""
    from harness.export.conditioning import condition

    model = case.build()
    condition(model, case.inputs, seed=0)
    structure = getattr(model, "input", None)  # a Sequential has none until it is called
    taken = []
    for plan in PROBES:
        arrays = list(expand(plan, case.inputs))
        given = arrays[0] if structure is None else keras.tree.pack_sequence_as(structure, arrays)
        taken.append([np.asarray(output) for output in keras.tree.flatten(model(given, training=False))])
    return [np.stack(column) for column in zip(*taken, strict=True)]


def spread(output: np.ndarray[Any, Any]) -> float:
    """Standard deviation over the probes, relative to the output's own size."""
    values = output.astype(np.float64)
    size = np.sqrt(np.mean(values**2))
    return float(np.sqrt(np.mean(values.std(axis=0) ** 2)) / size) if size else 0.0


def is_saturated(output: np.ndarray[Any, Any]) -> bool:
    return bool(np.all(np.isclose(output, 0, atol=1e-4) | np.isclose(output, 1, atol=1e-4)))


def test_death_and_saturation_are_seen() -> None:
    probes = np.random.RandomState(0).standard_normal((3, 1, 4, 5))
    assert spread(np.ones((3, 1, 4))) == spread(np.zeros((3, 1, 4))) == 0
    assert spread(1 + 1e-5 * probes) < LEAST_SPREAD < spread(probes)
    assert is_saturated(np.where(probes > 0, 1 - 1e-6, 1e-6))
    assert not is_saturated(1 / (1 + np.exp(-probes)))
