"""A bounded reader of protobuf's wire format: top-level fields only, no schema, no recursion, no copies.

Enough to tell a GraphDef from a SavedModel from an ONNX model without importing any of their libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _LEN, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_NBYTES = 10
_MAX_FIELD_NUMBER = 1 << 20
"""Far above any number in the schemas of interest; random bytes soon decode to larger ones."""


class WireFormatError(ValueError):
    """The bytes are no protobuf message, or one that ends too early."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: number, wire type, and its value (int, or the bytes of a LEN or fixed field)."""

    number: int
    wire_type: int
    value: int | memoryview


def read_fields(data: bytes | memoryview) -> Iterator[Field]:
    """Yield the fields of one message in order. Raises WireFormatError where the bytes stop making sense."""
    view, at = memoryview(data), 0
    while at < len(view):
        key, at = _varint(view, at)
        number, wire_type = key >> 3, key & 7
        if not 0 < number < _MAX_FIELD_NUMBER:
            raise WireFormatError(f"field number {number} at byte {at}")
        value, at = _value(view, at, wire_type)
        yield Field(number, wire_type, value)


def first_messages(data: bytes | memoryview, *, number: int, limit: int | None = None) -> Iterator[memoryview]:
    """Yield the contents of a repeated message field, at most `limit` of them; stops quietly at broken bytes."""
    seen = 0
    try:
        for field in read_fields(data):
            if field.number == number and isinstance(field.value, memoryview):
                yield field.value
                seen += 1
                if seen == limit:
                    return
    except WireFormatError:
        return


def _value(view: memoryview, at: int, wire_type: int) -> tuple[int | memoryview, int]:
    if wire_type == _VARINT:
        return _varint(view, at)
    if wire_type == _LEN:
        nbytes, at = _varint(view, at)
    elif wire_type in {_FIXED64, _FIXED32}:
        nbytes = 8 if wire_type == _FIXED64 else 4
    else:
        raise WireFormatError(f"wire type {wire_type} at byte {at}")
    if at + nbytes > len(view):
        raise WireFormatError(f"a field of {nbytes} bytes at byte {at} runs over the end at {len(view)}")
    return view[at : at + nbytes], at + nbytes


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_MAX_VARINT_NBYTES):
        if at >= len(view):
            raise WireFormatError("the bytes end inside a number")
        byte = view[at]
        value |= (byte & 0x7F) << (7 * shift)
        at += 1
        if byte < 0x80:
            return value, at
    raise WireFormatError(f"a number of more than {_MAX_VARINT_NBYTES} bytes before byte {at}")
