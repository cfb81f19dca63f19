from __future__ import annotations

import pytest

from harness.atlas_commands import _together


@pytest.mark.parametrize(
    ("commands", "line"),
    [
        (["h run --zoo core --opencv 5"], "h run --zoo core --opencv 5"),
        (["h run", "h run"], "h run"),
        (["h run --zoo", "h run"], "h run --zoo && h run"),
        (["h run --zoo a", "h run --zoo b --engine NEW"], "h run --zoo a && h run --zoo b --engine NEW"),
        (
            ["h run --zoo a --opencv 5", "h run", "h run --zoo 'b/*-small' --opencv 5", "h run --zoo a --opencv 5"],
            """for zoo in a 'b/*-small'; do h run --zoo "$zoo" --opencv 5; done && h run""",
        ),
    ],
)
def test_commands_that_differ_in_the_zoo_alone_are_one_loop(commands, line):
    assert _together(commands) == line
