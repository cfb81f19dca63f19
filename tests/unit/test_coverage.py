"""The zoo against the installed Keras: every layer and activation has a case, or a reason to have none."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.cases import load_zoo, select
from model_zoo.coverage import LEFT_OUT, stale, uncovered

pytestmark = pytest.mark.xdist_group("coverage")  # what its fixtures make is made once

LAYERS = select(load_zoo("model_zoo"), "layers")
NAMES_OF_KERAS = """
import inspect, json, keras
layers = [name for name, kind in vars(keras.layers).items() if inspect.isclass(kind) and issubclass(kind, keras.Layer)]
functions = [f"activations.{name}" for name, kind in vars(keras.activations).items() if inspect.isfunction(kind)]
print(json.dumps(layers + functions))
"""


@pytest.fixture(scope="module")
def names() -> list[str]:
    """What the installed Keras offers; asked in a child, for the host imports no Keras."""
    done = subprocess.run([sys.executable, "-c", NAMES_OF_KERAS], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def test_every_layer_and_activation_of_the_installed_keras_is_covered_or_left_out(names: list[str]) -> None:
    assert len(names) > 150, "the question was misunderstood"
    assert uncovered(names, LAYERS) == (), "give each a case in model_zoo/layers/, or a reason in model_zoo/coverage.py"


def test_nothing_is_left_out_that_keras_has_no_more_or_a_case_covers(names: list[str]) -> None:
    assert stale(names, LAYERS) == ()


def test_what_cases_cover_exists(names: list[str]) -> None:
    covered = {name for case in LAYERS for name in case.covers if not name.startswith("ops.")}
    assert covered <= set(names)


def test_a_new_layer_shows_and_so_does_one_whose_case_is_gone(names: list[str]) -> None:
    assert uncovered([*names, "HyperConv2D"], LAYERS) == ("HyperConv2D",)
    without = [case for case in LAYERS if "EinsumDense" not in case.covers]
    assert uncovered(names, without) == ("EinsumDense",)


def test_stale_entries_show(names: list[str]) -> None:
    first, *_ = LAYERS
    assert stale(set(names) - {"Wrapper"}, LAYERS) == ("Wrapper",)
    assert stale(names, [replace(first, covers=("JaxLayer", "ReLU"))]) == ("JaxLayer",)


def test_aliases_name_a_layer_or_activation_that_is_covered() -> None:
    covered = {name.removeprefix("activations.") for case in LAYERS for name in case.covers}
    aliases = {name: reason.removeprefix("alias of ") for name, reason in LEFT_OUT.items() if "alias of" in reason}
    assert len(aliases) == 22
    assert set(aliases.values()) <= covered
