from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from test_expectations import CLAIM

from harness.pure.expectations import Expectations
from harness.pure.linting import lint

TODAY = date(2026, 4, 1)
CASES, ROUTES = ["layers/gelu"], ["onnx"]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, []),
        ({"opencv": ">=4.8.1.78,<=5.0.0.93"}, []),
        ({"opencv": "==5.0.*"}, []),
        ({"opencv": "===4.12-3-gabc"}, []),
        ({"case": "layers/gone"}, ["stale-entry"]),
        ({"route": "caffe"}, ["stale-entry"]),
        ({"case": "blocks/*"}, ["stale-entry"]),
        ({"case": "layers/*"}, []),
        ({"opencv": ">=5,<4.9"}, ["shadowed"]),
        ({"opencv": "==5.0.0.93,!=5.0.0.93"}, ["shadowed"]),
        ({"opencv": ">=4.8"}, ["too-wide"]),
        ({"opencv": "!=5.0.0.93"}, ["too-wide"]),
        ({"opencv": "<=4.9"}, ["too-wide"]),
        ({"until": date(2026, 3, 31)}, ["ended"]),
        ({"until": TODAY}, []),
        ({"case": "x", "opencv": ">5", "until": date(2020, 1, 1)}, ["stale-entry", "too-wide", "ended"]),
    ],
)
def test_what_should_not_stay_is_found(changes, kinds):
    book = Expectations((replace(CLAIM, **changes),), TODAY)
    assert [found.kind for found in lint(book, cases=CASES, routes=ROUTES, today=TODAY)] == kinds


def test_a_claim_that_a_pattern_makes_too_is_shadowed():
    pattern = replace(CLAIM, case="layers/*", opencv=">=4.5.5.64,<=5.0.0.93", where="x.toml:1")
    book = Expectations((pattern, CLAIM))
    (found,) = lint(book, cases=CASES, routes=ROUTES, today=TODAY)
    assert (found.kind, found.entry, found.what) == ("shadowed", CLAIM, "x.toml:1 says the same; delete it")
    other = Expectations((pattern, replace(CLAIM, op="Tanh")))
    wider = Expectations((replace(pattern, opencv="==4.5.5.64"), CLAIM))
    for book in (other, wider):
        assert lint(book, cases=CASES, routes=ROUTES, today=TODAY) == ()


def test_a_finding_begins_with_file_and_line():
    book = Expectations((replace(CLAIM, opencv=">=4.8", where="known.toml:7"),))
    (found,) = lint(book, cases=CASES, routes=ROUTES, today=TODAY)
    assert str(found) == (
        "known.toml:7: too-wide: layers/gelu [onnx, OpenCV >=4.8]: it speaks of releases to come; end its set with the "
        "last that was run"
    )
