from __future__ import annotations

import pytest

from harness.usecases.turns import in_turns, repeats_for


class Side:
    """Notes when it was asked, and for how many passes; fails at the turn `fails`."""

    def __init__(self, name, log, ms, fails=None):
        self.name, self.log, self.ms, self.fails = name, log, ms, fails

    def __call__(self, repeats):
        self.log.append((self.name, repeats))
        return None if len(self.log) == self.fails else [self.ms] * repeats


def test_every_side_has_its_turn_in_every_round_and_goes_first_in_its_time():
    log = []
    sides = [(Side(name, log, ms), repeats) for name, ms, repeats in (("a", 1.0, 2), ("b", 2.0, 1), ("c", 3.0, 3))]
    found = in_turns(sides, 4)
    assert "".join(name for name, _ in log) == "abcbcacababc"
    assert found == [[(1.0, 1.0)] * 4, [(2.0,)] * 4, [(3.0, 3.0, 3.0)] * 4]


def test_one_that_fails_ends_it():
    log = []
    assert in_turns([(Side("a", log, 1.0), 1), (Side("b", log, 1.0, fails=3), 1)], 10) is None
    assert len(log) == 3


def test_no_pass_takes_no_time():
    ((times,),) = in_turns([(Side("a", [], 0.0), 2)], 1)
    assert min(times) > 0


@pytest.mark.parametrize(("ms", "repeats"), [(0.0, 200), (0.05, 200), (0.5, 40), (4.0, 5), (20.0, 1), (3000.0, 1)])
def test_a_turn_takes_about_twenty_milliseconds(ms, repeats):
    assert repeats_for(Side("a", [], ms)) == repeats


def test_what_fails_at_once_has_turns_of_one():
    assert repeats_for(lambda _repeats: None) == 1
