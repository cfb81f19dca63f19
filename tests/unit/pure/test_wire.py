"""The reader of protobuf's wire format against onnx's own protobuf, and against bytes that are none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from harness.pure.wire import WireFormatError, first_messages, read_fields


def test_fields_are_those_protobuf_wrote():
    tensor = TensorProto(dims=[3, 300], data_type=1, name="weights", raw_data=b"\x00\x01")
    found = [
        (field.number, field.value if isinstance(field.value, int) else bytes(field.value))
        for field in read_fields(tensor.SerializeToString())
    ]
    assert found == [(1, 3), (1, 300), (2, 1), (8, b"weights"), (9, b"\x00\x01")]


@given(st.binary(max_size=200))
def test_any_bytes_end_in_fields_or_in_a_wire_format_error(data):
    try:
        consumed = list(read_fields(data))
    except WireFormatError:
        return
    assert bool(consumed) == bool(data)


def test_a_truncated_message_is_noticed_at_every_length():
    data = TensorProto(name="a name", raw_data=bytes(range(100))).SerializeToString()
    whole = [field.number for field in read_fields(data)]
    for length in range(1, len(data)):
        with contextlib.suppress(WireFormatError):
            assert [field.number for field in read_fields(data[:length])] != whole


@pytest.mark.parametrize("limit", [1, 2])
def test_messages_stop_at_the_limit(limit):
    data = b"\x0a\x01a\x0a\x01b\x0a\x01c"
    assert [bytes(item) for item in first_messages(data, number=1, limit=limit)] == [b"a", b"b"][:limit]
