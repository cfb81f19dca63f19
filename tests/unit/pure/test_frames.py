from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ProtocolError
from harness.pure.frames import STDERR_KEPT_BYTES, Inbox, Tail, outgoing


def joined(header: dict[str, object], payloads: list[bytes]) -> bytes:
    return b"".join(outgoing(header, payloads))


@given(payloads=st.lists(st.binary(max_size=40), max_size=5), cuts=st.lists(st.integers(1, 60), min_size=1))
def test_a_frame_survives_being_cut_anywhere(payloads, cuts):
    stream, inbox, turn = joined({"do": "x"}, payloads), Inbox("the child"), 0
    while stream:
        assert not inbox.complete
        size = cuts[turn % len(cuts)]
        inbox.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert inbox.complete
    assert inbox.header == {"do": "x", "sizes": [len(payload) for payload in payloads]}
    assert [bytes(payload) for payload in inbox.payloads] == payloads


@given(
    frames=st.lists(st.lists(st.binary(max_size=40), max_size=3), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 200), min_size=1),
)
def test_frames_that_follow_one_another_are_taken_one_by_one(frames, cuts):
    more = [{"more": True}] * (len(frames) - 1) + [{}]
    stream = b"".join(joined(header, payloads) for header, payloads in zip(more, frames, strict=True))
    inbox, found, turn = Inbox("the child"), [], 0
    while len(found) < len(frames):
        while not inbox.complete:
            size = cuts[turn % len(cuts)]
            inbox.feed(stream[:size])
            stream, turn = stream[size:], turn + 1
        found.append([bytes(payload) for payload in inbox.payloads])
        if inbox.more:
            inbox.go_on()
    assert found == frames
    assert not stream


def test_one_byte_after_the_last_of_several_is_refused():
    inbox = Inbox("the child")
    inbox.feed(joined({"more": True}, [b"a"]) + joined({}, [b"b"]) + b"!")
    with pytest.raises(ProtocolError, match="more than it announced: b'!'"):
        inbox.go_on()


def test_payloads_are_counted_in_bytes_and_not_copied():
    values = memoryview(bytearray(8)).cast("d")
    line, body = outgoing({}, [values])
    assert json.loads(bytes(line))["sizes"] == [8]
    assert body.obj is values.obj


@pytest.mark.parametrize("payloads", [[], [b"ab"]])
def test_one_byte_too_many_is_refused(payloads):
    with pytest.raises(ProtocolError, match="more than it announced: b'!'"):
        Inbox("the child").feed(joined({}, payloads) + b"!")


def test_the_tail_of_a_stream_says_how_much_is_missing():
    tail = Tail()
    for _ in range(50):
        tail.feed(b"x" * 10_000)
    tail.feed(b"end")
    first, _, rest = tail.text().partition("\n")
    assert first == f"[{500_003 - STDERR_KEPT_BYTES} bytes before this are not kept]"
    assert len(rest) == STDERR_KEPT_BYTES
    assert rest.endswith("xend")


def test_a_short_stream_is_whole_and_odd_bytes_do_not_matter():
    tail = Tail()
    tail.feed(b"caf\xe9")
    assert tail.text() == "caf\N{REPLACEMENT CHARACTER}"
