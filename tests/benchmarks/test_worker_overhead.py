"""What isolation costs: run with `pytest tests/benchmarks -s`. Prints time and memory, never asserts on the clock."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from harness.effects.observing import OpenCV
from harness.effects.process import Child
from harness.manifests import Layout, Manifest, Port, TensorSpec
from tests.integration import models

ROUNDS = 40
SIZES = {"28x28x1": (1, 28, 28, 1), "224x224x3": (1, 224, 224, 3)}
BARE = Path(__file__).with_name("bare_cv2.py")
"""The same load and forward in one process with nothing of ours around them."""


def network(path: Path, shape: tuple[int, int, int, int]) -> Manifest:
    """Write conv 3x3 -> relu -> conv 3x3 stride 2 over NCHW, and describe it."""
    _, height, width, channels = shape
    random = np.random.default_rng(0)
    node = models.helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["c"], name="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"], name="relu"),
        node("Conv", ["r", "v"], ["y"], name="down", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
    ]
    weights = {
        "w": random.normal(size=(16, channels, 3, 3)).astype(np.float32),
        "v": random.normal(size=(8, 16, 3, 3)).astype(np.float32),
    }
    given, made = (1, channels, height, width), (1, 8, height // 2, width // 2)
    models.save(path, nodes, {"x": given}, {"y": made}, weights)
    ports = [Port(name=n, tensor=TensorSpec(name=n, shape=shape), layout=Layout.NCHW) for n in ("x", "y")]
    return Manifest(
        route="onnx", format="onnx", file=path.name, inputs=(ports[0],), outputs=(ports[1],), weights_digest="none"
    )


@pytest.mark.parametrize("size", SIZES)
def test_cell_through_the_worker_against_a_bare_loop(size, tmp_path, capsys):
    shape, model = SIZES[size], tmp_path / "model.onnx"
    manifest = network(model, shape)
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    isolated, bare = [], []
    with OpenCV() as opencv, Child([sys.executable, str(BARE)], name="bare cv2") as plain:
        setup = {"path": str(model), "shape": [shape[0], shape[3], shape[1], shape[2]]}
        for _ in range(ROUNDS):  # interleaved, so that a busy machine slows both
            started = time.perf_counter()
            seen = opencv.observe(manifest, model, [[x]])
            isolated.append((time.perf_counter() - started) * 1000)
            told = plain.request(setup, deadline_seconds=60).header
            bare.append(told["cell_ms"])
        assert len(seen.outputs) == 1
        worker_rss = seen.observation.peak_rss_bytes
    assert worker_rss is not None
    bare_rss = told["peak_rss_bytes"]
    with capsys.disabled():
        print()
        for name, take in (("median", statistics.median), ("least", min)):  # the least is what a quiet machine gives
            ours, theirs = take(isolated[3:]), take(bare[3:])
            print(
                f"{size}: load + forward {ours:.2f} ms isolated, {theirs:.2f} ms bare ({name} of {ROUNDS - 3}), "
                f"ratio {ours / theirs:.2f}, difference {ours - theirs:+.2f} ms (bar: 10)"
            )
        print(
            f"{size}: peak memory {worker_rss / 2**20:.1f} MiB worker, {bare_rss / 2**20:.1f} MiB bare cv2, "
            f"difference {(worker_rss - bare_rss) / 2**20:+.1f} MiB (bar: 30)"
        )
    assert worker_rss - bare_rss < 30 * 2**20


def test_memory_of_a_host_without_tensorflow(capsys):
    script = (
        "import sys, harness.effects.observing, harness.records, harness.cases, harness.routes\n"
        "assert not {'tensorflow', 'cv2'} & set(sys.modules)\n"
        "print(next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    host_rss = int(done.stdout) * 1024
    with capsys.disabled():
        print(f"\nhost without TensorFlow: {host_rss / 2**20:.1f} MiB (bar: 200)")
    assert host_rss < 200 * 2**20


def test_start_and_restart(capsys):
    spent = []
    with OpenCV() as opencv:
        for _ in range(5):
            started = time.perf_counter()
            opencv.identity()
            spent.append((time.perf_counter() - started) * 1000)
            opencv.close()
    with capsys.disabled():
        print(f"\nstarting a worker: {statistics.median(spent):.0f} ms (median of {len(spent)})")
