from __future__ import annotations

import subprocess
import sys

from harness.pure.corpora import corpus
from harness.pure.inputs import PROBES


def test_the_corpus_begins_with_the_probes_and_repeats_nothing():
    plans = corpus(5)
    assert plans[: len(PROBES)] == PROBES
    assert len(set(plans)) == len(plans) == len(PROBES) + 5
    assert corpus(0) == PROBES
    assert sum(plan.items > 1 for plan in plans[len(PROBES) :]) == 1, "each item costs a reference"
    assert corpus(3) == plans[: len(PROBES) + 3]


def test_another_process_draws_the_same_corpus():
    """A warm store is only warm if every run asks for the same inputs."""
    code = "from harness.pure.corpora import corpus; print(*corpus(5))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(plan) for plan in corpus(5)]
