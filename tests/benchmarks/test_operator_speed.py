"""What judging the ONNX backend tests costs: run with `pytest tests/benchmarks/test_operator_speed.py -s`.

Prints two ratios and asserts on neither: ours (two opinions, every failure repeated, records written) to a plain loop
over one persistent worker, and a fresh process for each case (a sample, extrapolated) to ours. `OPERATOR_SPEED` names
the cases (a glob; default: a small part), `OPERATOR_OPENCV` the OpenCV, `OPERATOR_ROUNDS` how often they take turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from harness.effects.config import settle
from harness.effects.operator_runs import OperatorRun
from harness.operators import OperatorCase
from harness.usecases.operator_running import OperatorTests
from harness.usecases.session import Session

PLAIN = Path(__file__).with_name("plain_operators.py")
WANTED = os.environ.get("OPERATOR_SPEED", "node/test_re*")
OPENCV = os.environ.get("OPERATOR_OPENCV", "installed")
ROUNDS = int(os.environ.get("OPERATOR_ROUNDS", "1"))
FRESH = 24
"""Cases that get a process each; the time of all is extrapolated from them."""


def ours(tests: OperatorTests, folder: Path) -> float:
    """Seconds of a whole run, records on disk included."""
    started = time.perf_counter()
    run = OperatorRun(folder)
    run.begin(tests.plan("benchmark"))
    shard = run.writer()
    tests.run(shard.append)
    shard.close()
    spent = time.perf_counter() - started
    assert len(run.records()) == len(tests.cases)
    return spent


def request(tests: OperatorTests, case: OperatorCase) -> bytes:
    told = {"folder": str(tests.corpus.folder / case.id), "inputs": case.inputs, "outputs": case.outputs}
    return json.dumps(told).encode() + b"\n"


def plain(python: Path, tests: OperatorTests, cases: Sequence[OperatorCase]) -> float:
    """Seconds of a loop over one worker, which is started anew after each crash."""
    started = time.perf_counter()
    worker = None
    for case in cases:
        if worker is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            worker = subprocess.Popen([python, PLAIN], **pipes)
        worker.stdin.write(request(tests, case))
        worker.stdin.flush()
        if not worker.stdout.readline():
            worker.communicate()
            worker = None
    if worker is not None:
        worker.communicate()
    return time.perf_counter() - started


def fresh(python: Path, tests: OperatorTests, cases: Sequence[OperatorCase]) -> float:
    """Seconds per case of a process each."""
    started = time.perf_counter()
    for case in cases:
        subprocess.run([python, PLAIN], input=request(tests, case), capture_output=True, check=False, timeout=60)
    return (time.perf_counter() - started) / len(cases)


def test_operators_against_a_plain_loop_and_fresh_processes(tmp_path, capsys):
    with Session(settle({"opencv": OPENCV}, start=tmp_path)) as session:
        tests = OperatorTests(session, WANTED)
        count = len(tests.cases)
        ((seat, target),) = tests.targets.items()
        python = session.environments.resolve(seat.environment).python
        sample = tests.cases[:: max(1, count // FRESH)]
        told: dict[str, list[float]] = {"ours, 1 lane": [], "ours": [], "plain": [], "fresh": []}
        for index in range(ROUNDS):  # in turn, so that a busy machine slows all
            with session.using(settle({"opencv": OPENCV, "jobs": "1"}, start=tmp_path)):
                told["ours, 1 lane"].append(ours(tests, tmp_path / f"one_{index}"))
            told["plain"].append(plain(python, tests, tests.cases))
            told["ours"].append(ours(tests, tmp_path / f"all_{index}"))
            told["fresh"].append(fresh(python, tests, sample) * count)
    seconds = {name: statistics.median(spent) for name, spent in told.items()}
    with capsys.disabled():
        print(f"\nOpenCV {target.opencv}, {count} cases, median of {ROUNDS}: ", end="")
        print(", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items()))
        for name in ("ours, 1 lane", "ours"):
            print(f"{name}: {seconds[name] / seconds['plain']:.2f} times a plain loop (bar: 1.5), ", end="")
            print(f"{seconds['fresh'] / seconds[name]:.1f} times as fast as a fresh process each (bar: 20)")
