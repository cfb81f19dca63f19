"""Children lent to one user at a time, kept for the next one, and ended with the pool."""

from __future__ import annotations

import sys

import pytest

from harness.effects.observing import OpenCV
from harness.effects.pool import Pool


@pytest.fixture
def pool():
    pool = Pool()
    yield pool
    pool.close()


def worker() -> OpenCV:
    return OpenCV([sys.executable, "-c", "raise SystemExit('never started here')"])


def test_what_was_given_back_is_lent_again_the_last_one_first(pool):
    with pool.lend("a", worker) as first, pool.lend("a", worker) as second:
        assert first is not second
    with pool.lend("a", worker) as again:
        assert again is first  # it was given back last


def test_kinds_are_kept_apart(pool):
    with pool.lend(("a", 1), worker) as first:
        pass
    with pool.lend(("a", 2), worker) as other:
        assert other is not first


def test_closing_ends_the_idle_and_the_lent_ones_and_whatever_is_given_back_later(pool):
    with pool.lend("running", OpenCV) as idle:
        idle.identity()
    with pool.lend("lent", OpenCV) as lent:
        lent.identity()
        pool.close()
        assert not idle.running
        assert not lent.running
        lent.identity()  # a thread that did not know starts another one
    assert not lent.running
