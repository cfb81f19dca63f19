"""The one JSON codec of the words of this project: manifests, observations, records and what they hold.

Pure. May not do I/O, look at a clock, or import pytest, TensorFlow or cv2.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeVar

import cattrs

from harness.evidence import Culprit, Node
from harness.manifests import NamedLayer
from harness.records import LayerVerdict
from harness.timings import LayerTime

_T = TypeVar("_T")


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (LayerVerdict, LayerTime, Culprit, NamedLayer, Node):
        rename = cattrs.gen.override(rename="class")
        to_dict = cattrs.gen.make_dict_unstructure_fn(kind, converter, class_=rename)
        from_dict = cattrs.gen.make_dict_structure_fn(kind, converter, class_=rename, _cattrs_forbid_extra_keys=True)
        converter.register_unstructure_hook(kind, to_dict)
        converter.register_structure_hook(kind, from_dict)
    converter.register_structure_hook(str, _text)
    return converter


def _text(value: object, kind: type[str]) -> str:
    """Take a text, or one of an enum's words, as it is; cattrs would make a text of anything, `None` among it."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return kind(value)


_CONVERTER = _converter()

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(value: object) -> str:
    """Encode any of these values as one line of strict JSON (no NaN) that can be written as UTF-8."""
    line = json.dumps(_CONVERTER.unstructure(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # A file name that is no UTF-8 comes with lone surrogates; they occur within texts only, where JSON has escapes.
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def to_data(value: object) -> Any:
    """Turn any of these values into plain dicts, lists and scalars."""
    return _CONVERTER.unstructure(value)


def from_json(text: str | bytes, kind: type[_T]) -> _T:
    """Decode what `to_json` wrote. Raises ValueError (or a cattrs error, which is one) on anything else."""
    return from_data(json.loads(text, parse_float=_finite_number, parse_constant=_finite_number), kind)


def _finite_number(text: str) -> float:
    """Refuse `NaN` and `Infinity`, which Python reads though JSON has no such words, and 1e999, which is too large."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:80]} is no finite number")
    return value


def from_data(data: object, kind: type[_T]) -> _T:
    """Build one of these values from plain data. Raises ValueError for unknown keys and values that do not fit."""
    if not isinstance(data, dict):
        raise ValueError(f"{str(data)[:80]!r} is no JSON object")  # noqa: TRY004 - bad data, not a bad call
    try:
        return _CONVERTER.structure(data, kind)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error, format_exception=_reason))) from error


def _reason(error: BaseException, kind: type | None) -> str:
    """Say what is wrong with one value, the value included."""
    if isinstance(error, TypeError | ValueError) and kind is not None:
        return f"{error} (expected {getattr(kind, '__name__', kind)})"
    return cattrs.v.format_exception(error, kind)


def finite(value: float) -> float | None:
    """Return a float fit for JSON, None where it is not finite."""
    return value if math.isfinite(value) else None
