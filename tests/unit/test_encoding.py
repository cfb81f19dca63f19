from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.encoding import finite, from_data, from_json, to_data, to_json
from harness.manifests import Manifest, ModelInfo
from harness.observations import Observation
from harness.records import LayerVerdict, Outcome, Record, Target

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def values(hint: object) -> st.SearchStrategy:
    """Return any value of a field's type, so that a new field is tested from the day it exists."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of([values(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXTS, values(arguments[1]), max_size=3)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{field.name: values(hints[field.name]) for field in dataclasses.fields(hint)})
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    return {str: TEXTS, float: FLOATS, int: st.integers(), bool: st.booleans(), type(None): st.none()}[hint]


RECORD = Record(case="layers/dense", route="onnx", target=Target(opencv="5.0.0.93"), outcome=Outcome.OK)


@pytest.mark.parametrize("kind", [Record, Manifest, Observation, ModelInfo], ids=lambda kind: kind.__name__)
def test_what_is_written_is_what_is_read(kind):
    @settings(max_examples=60, deadline=None)
    @given(values(kind))
    def round_trip(value):
        line = to_json(value)
        assert from_json(line, kind) == value
        assert from_json(line.encode(), kind) == value
        assert "\n" not in line

    round_trip()


@pytest.mark.parametrize("text", ["a\nb\r\u2028c", '"}]\\', "\x00\x1b[31m", "</script>", "\ud800 half", "日本 ✓"])
def test_hostile_text_stays_one_line_and_comes_back(text):
    line = to_json(dataclasses.replace(RECORD, message=text))
    assert b"\n" not in line.encode()
    assert from_json(line.encode(), Record).message == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(dataclasses.replace(RECORD, seconds={"load": value}))
    assert finite(value) is None


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_not_read(word):
    line = to_json(dataclasses.replace(RECORD, seconds={"load": 0.0625}))
    assert from_json(line, Record).seconds == {"load": 0.0625}
    with pytest.raises(ValueError, match=f"^{word} is no finite number$"):
        from_json(line.replace("0.0625", word), Record)


def test_a_finite_number_is_kept():
    assert finite(1.5) == 1.5


def test_the_class_of_a_layer_is_called_class():
    verdict = LayerVerdict(name="d", class_="Dense", outcome=Outcome.OK)
    assert to_data(verdict)["class"] == "Dense"
    assert "class_" not in to_data(verdict)
    assert from_data(to_data(verdict), LayerVerdict) == verdict


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"outcome": "splendid"}, "splendid"),
        ({"verdict": "ok"}, "verdict"),
        ({"target": {"opencv": "5", "colour": "red"}}, "colour"),
        ({"target": None}, "target"),
        ({"parity": {"max_abs": 1.0}}, "parity"),
    ],
)
def test_anything_else_is_refused_by_name(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_data({**to_data(RECORD), **change}, Record)


@pytest.mark.parametrize("field", ["case", "route", "target", "outcome"])
def test_what_every_record_needs_must_be_there(field):
    data = {key: value for key, value in to_data(RECORD).items() if key != field}
    with pytest.raises(ValueError, match=field):
        from_data(data, Record)


def test_text_that_is_no_json_is_a_value_error():
    for text in ("", "{", "[]", "null", "7", '"x"'):
        with pytest.raises((ValueError, json.JSONDecodeError)):
            from_json(text, Record)
