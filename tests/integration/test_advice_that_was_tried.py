"""Advice of `check`: what is printed loads and matches when it is pasted; what was not run is not printed."""

from __future__ import annotations

import pytest

from harness.cells import subjects
from harness.effects.config import settle
from harness.errors import ExitCode
from harness.records import Outcome
from harness.usecases.checking import check
from harness.usecases.session import Session

pytestmark = pytest.mark.xdist_group("advice_that_was_tried")  # what its fixtures make is made once

NETS = """
import keras
import numpy as np
import math
import tensorflow as tf
from keras import layers, ops

class Bessel(layers.Layer):
    def call(self, x):
        return tf.math.bessel_i0(x)

class Sorted(layers.Layer):
    def call(self, x):
        return tf.sort(tf.math.lgamma(tf.abs(x) + 1.0))

def best_three():
    x = values = keras.Input((12,), name="values")
    x = layers.Dense(10, name="dense")(x)
    return keras.Model(values, layers.Dense(2, name="last")(ops.top_k(x, 3)[0]))

def three():
    x = image = keras.Input((4, 6, 5, 2), name="image")
    x = layers.AveragePooling3D(2, name="pool")(x)
    x = Bessel(name="bessel")(layers.Flatten(name="flatten")(x))
    return keras.Model(image, ops.cumsum(x, axis=-1))

def hopeless():
    x = values = keras.Input((12,), name="values")
    return keras.Model(values, Sorted(name="sorted")(Bessel(name="bessel")(x)))
"""


@pytest.fixture(scope="module")
def advised(checks):
    return checks("advised", NETS)


def test_code_that_is_printed_works_when_it_is_pasted(advised, checks):
    (record,) = advised("advised:best_three", "pb", advice=True)
    assert (record.outcome, record.layer) == (Outcome.UNSUPPORTED_OP, "top_k")
    (advice,) = record.advice
    sentence, _, code = advice.partition("\n")
    assert sentence.startswith("instead of layer 'top_k' (TopK): compare all with all and pick by products; with this")
    assert "gives the original's numbers (off by" in sentence
    assert "ms a forward pass" in sentence
    pasted = NETS.replace("def best_three", f"{code}\n\ndef best_three").replace(
        "ops.top_k(x, 3)[0]", "replacement(x)[0]"
    )
    (again,) = checks("pasted", pasted)("pasted:best_three", "pb")
    assert again.outcome is Outcome.OK


def test_changes_that_help_only_together_are_judged_together(advised):
    (record,) = advised("advised:three", "pb", advice=True)
    assert {layer.name for layer in record.layers if layer.outcome is not Outcome.OK} == {"pool", "bessel", "cumsum"}
    assert len(record.advice) == 3
    assert all("with all 3 changes the network loads and" in advice for advice in record.advice)


def test_what_works_alone_is_no_promise_for_the_whole(advised):
    """For one of the two layers there is no way."""
    (record,) = advised("advised:hopeless", "pb", advice=True)
    (advice,) = record.advice
    assert "instead of BesselI0 in layer 'bessel'" in advice
    assert "alone it loads and matches" in advice
    assert "the whole network is then still unsupported-op at layer 'sorted'" in advice


def test_a_route_that_works_is_the_advice_where_no_route_was_asked_for(dnn_harness, tmp_path):
    (tmp_path / "advised.py").write_text(NETS)
    done = dnn_harness("check", "advised:best_three", cwd=tmp_path)
    assert done.returncode == ExitCode.OK
    tried = [line for line in done.stdout.splitlines() if line.startswith("tried: ")]
    assert "tried: route onnx loads and matches on OpenCV" in tried[0]
    assert not [line for line in tried if "instead of" in line]


def test_a_warm_store_gives_the_same_advice_without_tensorflow(dnn_harness, models_folder, tmp_path):
    settings = settle({"store": str(tmp_path), "route": "pb"}, start=tmp_path, environ={})
    subject = subjects.from_text(str(models_folder / "best_three.keras"), zoo=())
    found = []
    for _ in range(2):
        with Session(settings) as session:
            (record,) = check(session, subject).records
            found.append((record.advice, session.tensorflow_started))
    ((cold, started), (warm, again)) = found
    assert [advice.partition("; with")[0] for advice in cold] == [advice.partition("; with")[0] for advice in warm]
    assert (len(cold), started, again) == (1, True, False)
    quiet = dnn_harness("check", subject.id, "--route", "pb", "--no-advice", DNN_HARNESS_STORE=str(tmp_path))
    assert (quiet.returncode, "tried: " in quiet.stdout) == (ExitCode.FAILED, False)
