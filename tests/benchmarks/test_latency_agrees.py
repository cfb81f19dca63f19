"""The harness's latency against a bare `timeit` loop of the same OpenCV.

    LATENCY_TURNS=60 pytest tests/benchmarks/test_latency_agrees.py -s

Both processes load the same file, take the same input and as many threads, and time in turns. Prints the ratio with its
interval; never asserts on the clock.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.effects.observing import OpenCV
from harness.effects.process import Child
from harness.manifests import Layout, Manifest, Port, TensorSpec
from harness.pure.pace import pace
from harness.usecases.turns import in_turns, repeats_for
from tests.integration import models

BARE = Path(__file__).with_name("bare_timeit.py")
ROUNDS = int(os.environ.get("LATENCY_TURNS", "6"))
"""As few as give an interval, where nobody asks for a figure."""
PASSES = 5
"""At least so many a turn: a busy machine disturbs one or two of them, hardly all."""
THREADS = 1
NETWORKS = {
    # height and width, channels in, channels between, layers, channels out
    "8x8x1, 1 layer": (8, 1, 4, 1, 4),
    "28x28x1, 3 layers": (28, 1, 16, 3, 8),
    "112x112x3, 4 layers": (112, 3, 16, 4, 8),
    "224x224x3, 8 layers": (224, 3, 32, 8, 32),
    "512x512x3 to 512x512x24": (512, 3, 8, 2, 24),
}


def network(path: Path, size: int, given: int, between: int, layers: int, made: int) -> Manifest:
    """Write convolutions 3x3 with relu between them, NCHW, and describe them."""
    random = np.random.default_rng(0)
    widths = [given, *[between] * (layers - 1), made]
    nodes, weights, name = [], {}, "x"
    for place in range(layers):
        shape = (widths[place + 1], widths[place], 3, 3)
        weights[f"w{place}"] = (random.normal(size=shape) / np.sqrt(9 * shape[1])).astype(np.float32)
        last = place == layers - 1
        nodes.append(
            models.helper.make_node(
                "Conv",
                [name, f"w{place}"],
                ["y" if last else f"c{place}"],
                name=f"conv{place}",
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
            )
        )
        if not last:
            nodes.append(models.helper.make_node("Relu", [f"c{place}"], [f"r{place}"], name=f"relu{place}"))
        name = f"r{place}"
    models.save(path, nodes, {"x": (1, given, size, size)}, {"y": (1, made, size, size)}, weights)
    ports = [
        Port(name=end, tensor=TensorSpec(name=end, shape=(1, size, size, channels)), layout=Layout.NCHW)
        for end, channels in (("x", given), ("y", made))
    ]
    return Manifest(
        route="onnx", format="onnx", file=path.name, inputs=(ports[0],), outputs=(ports[1],), weights_digest="none"
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_the_figure_is_that_of_a_bare_loop(name, tmp_path, capsys):
    size, given, *_ = NETWORKS[name]
    manifest = network(tmp_path / "model.onnx", *NETWORKS[name])
    x = np.random.default_rng(1).normal(size=(1, size, size, given)).astype(np.float32)
    np.save(tmp_path / "x.npy", np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    setup = {
        "path": str(tmp_path / "model.onnx"),
        "array": str(tmp_path / "x.npy"),
        "input": "x",
        "outputs": ["y"],
        "threads": THREADS,
    }
    with OpenCV() as opencv, Child([sys.executable, str(BARE)], name="bare timeit") as bare:
        run = opencv.begin(manifest, tmp_path / "model.onnx", threads=THREADS)
        run.forward([[x]])
        said = bare.request(setup, deadline_seconds=60).header["threads"]
        assert run.observed().observation.threads == said == THREADS

        def ours(repeats):
            run.time(repeats)
            return run.observed().observation.forward_ms

        def theirs(repeats):
            return bare.request({"repeats": repeats}, deadline_seconds=60).header["forward_ms"]

        repeats = max(PASSES, repeats_for(ours))
        turns = in_turns([(theirs, repeats), (ours, repeats)], ROUNDS)
    assert turns is not None
    with capsys.disabled():
        print(f"\n{name}, {repeats} passes a turn, {ROUNDS} turns each")
        for what, of in (("median", statistics.median), ("least", min), ("first", lambda times: times[0])):
            found = pace(name, "onnx", "default", *([of(times) for times in side] for side in turns))
            print(
                f"  {what:6} of a turn: bare {found.before_ms:.4g} ms, harness {found.after_ms:.4g} ms, ratio "
                f"{found.ratio:.3f} ({found.low:.3f} to {found.high:.3f}), the noise is x {found.noise:.3f}"
            )
