"""What our ONNX route costs beside the stock command: run with `pytest -m benchmark_export -s`.

CPU seconds of all threads and children, for the same SavedModel of ResNet50, the two ways in turn. Importing TensorFlow
is left out on both sides: ours is a request to an exporter that has done so, theirs a whole process less one that only
imports. Ours is shown in its two parts: opening the model, which all routes and references of a case share, and the
export request that follows. Theirs does both: the ratio with opening is the stricter one. Never asserts on the clock.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest

from harness.effects.exporting import Exporter, exporter_environment
from harness.effects.observing import OpenCV
from harness.manifests import Manifest
from harness.sources import Source, SourceKind

ROUNDS = 2
OPSET = 13
K = 32
"""The tolerance in units of TensorFlow's own rounding error."""
FLOOR = 4 * np.finfo(np.float32).eps
SAVE = """
import sys, keras
keras.utils.set_random_seed(1)
image = keras.Input((224, 224, 3), batch_size=1)
big = keras.applications.ResNet50(weights=None, input_tensor=image, classifier_activation=None)
big.export(sys.argv[1], verbose=False)
keras.Sequential([keras.Input((4,), batch_size=1), keras.layers.Dense(2)]).export(sys.argv[2], verbose=False)
"""


def run(*words: object) -> float:
    """Run a Python process with the exporter's own settings; returns its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, env=exporter_environment(), timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spent_by_our_children() -> float:
    """CPU seconds of the children that live now, and of theirs: the exporter."""
    return sum(sum(child.cpu_times()[:4]) for child in psutil.Process(os.getpid()).children())


def ours(exporter: Exporter, model: Source, tiny: Source, folder: Path) -> tuple[float, float, Manifest]:
    """Export by our route; returns the CPU seconds of opening and of exporting, and the manifest."""
    for name in ("tiny", "onnx"):
        (folder / name).mkdir(parents=True)
    # Imports what a first export imports, and closes the large model where the round before left it open.
    exporter.export(tiny, "onnx", folder / "tiny")
    closed = spent_by_our_children()
    exporter.describe(model)
    opened = spent_by_our_children()
    manifest = exporter.export(model, "onnx", folder / "onnx", OPSET)
    return opened - closed, spent_by_our_children() - opened, manifest


def theirs(model: Source, file: Path) -> float:
    """Export by the stock command; returns CPU seconds less those of a process that imports what it imports."""
    importing = run("-c", "import tensorflow, tf2onnx.convert")
    arguments = ["--saved-model", model.location, "--output", file, "--opset", OPSET]
    return run("-m", "tf2onnx.convert", *arguments) - importing


def named_by(manifest: Manifest, file: Path) -> Manifest:
    """The manifest for another file of the same model with one input and one output."""
    graph = onnx.load(file).graph
    (given,), (made,) = manifest.inputs, manifest.outputs
    inputs, outputs = (replace(given, name=graph.input[0].name),), (replace(made, name=graph.output[0].name),)
    return replace(manifest, file=file.name, inputs=inputs, outputs=outputs)


def margin(manifest: Manifest, file: Path, feeds: list[Any], references: list[Any]) -> float:
    """Load and run a model on the installed OpenCV; returns the largest error in units of what is allowed."""
    with OpenCV() as opencv:
        seen = opencv.observe(manifest, file, [[feed] for feed in feeds])
    assert seen.observation.error is None, seen.observation
    errors = []
    for (found,), reference in zip(seen.outputs, references, strict=True):
        best = reference["f64_0"]
        allowed = K * max(float(reference["noise_0"]), FLOOR * float(np.abs(best).max()))
        varies = float(np.abs(references[0]["f64_0"] - references[1]["f64_0"]).max())
        assert varies > 1000 * allowed, "a check that cannot fail"
        errors.append(float(np.abs(found - best).max()) / allowed)
    return max(errors)


def computed(exporter: Exporter, model: Source, folder: Path) -> tuple[list[Any], list[Any]]:
    """Two inputs and TensorFlow's outputs for them."""
    random = np.random.default_rng(1)
    feeds = [random.normal(size=(1, 224, 224, 3)).astype(np.float32) * scale for scale in (1, 3)]
    names = [[folder / f"{index}.{end}.npz" for index in range(2)] for end in ("in", "out")]
    for path, feed in zip(names[0], feeds, strict=True):
        np.savez(path, i0=feed)
    exporter.reference(model, *names)
    return feeds, [dict(np.load(path)) for path in names[1]]


@pytest.mark.benchmark_export
def test_resnet50_to_onnx_against_the_stock_command(tmp_path, capsys):
    big, tiny = (Source(kind=SourceKind.SAVED_MODEL, location=str(tmp_path / name)) for name in ("resnet50", "tiny"))
    run("-c", SAVE, big.location, tiny.location)
    exporter = Exporter(seconds=600)
    try:
        opening, exporting, stock = [], [], []
        for index in range(ROUNDS):  # in turn, so that a busy machine slows both
            opened, exported, manifest = ours(exporter, big, tiny, tmp_path / f"round_{index}")
            opening.append(opened)
            exporting.append(exported)
            stock.append(theirs(big, tmp_path / "stock.onnx"))
        feeds, references = computed(exporter, big, tmp_path)
    finally:
        exporter.close()
    our_file = tmp_path / f"round_{ROUNDS - 1}" / "onnx" / manifest.file
    stock_file = tmp_path / "stock.onnx"
    our_margin = margin(manifest, our_file, feeds, references)
    stock_margin = margin(named_by(manifest, stock_file), stock_file, feeds, references)
    whole = [first + second for first, second in zip(opening, exporting, strict=True)]
    with capsys.disabled():
        print()
        print(f"ours: opening {shown(opening)}, export request {shown(exporting)} CPU seconds")
        print(f"python -m tf2onnx.convert: {shown(stock)} CPU seconds less its imports")
        print(f"both load; error {our_margin:.2g} and {stock_margin:.2g} of what is allowed")
        print(f"ratio of the export request {sum(exporting) / sum(stock):.2f} (bar: 0.33)")
        print(f"ratio with opening {sum(whole) / sum(stock):.2f}")
    assert max(our_margin, stock_margin) <= 1


def shown(seconds: list[float]) -> str:
    return ", ".join(f"{second:.1f}" for second in seconds)
