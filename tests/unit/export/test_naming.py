"""Names for graphs."""

from __future__ import annotations

import pytest

from harness.export import naming


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["input_1", "mask"], ("input_1", "mask")),
        (["serving_default_x:0"], ("serving_default_x_0",)),
        (["a/b", "a.b"], ("a_b", "a_b_1")),
        (["0"], ("input_0",)),
        (["", "--"], ("input_0", "input_1")),
        (["output_0"], ("input_output_0",)),
    ],
)
def test_clean_names_are_plain_and_unique(given, expected):
    assert naming.clean(given) == expected
