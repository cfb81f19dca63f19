"""The one protocol that children speak, as the host hears it: frames and the end of stderr.

A frame is one JSON line with a list `sizes`, then that many raw bytes for each size, both ways. A reply whose header
says `more` is followed by another one to the same request. Pure: no descriptors, no clock; `process.py` moves bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import ProtocolError

STDERR_KEPT_BYTES = 64 << 10
MAX_HEADER_BYTES = 16 << 20
MAX_REPLY_BYTES = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a child, and what it wrote to stderr (the last 64 KiB) while it worked on it."""

    header: dict[str, Any]
    payloads: tuple[bytearray, ...]
    stderr: str


class Tail:
    """The end of a stream of bytes, in bounded memory."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._dropped = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, and forget the oldest."""
        self._kept += chunk
        if len(self._kept) > 2 * STDERR_KEPT_BYTES:
            self._trim()

    def _trim(self) -> None:
        excess = max(0, len(self._kept) - STDERR_KEPT_BYTES)
        del self._kept[:excess]
        self._dropped += excess

    def text(self) -> str:
        """Return what was kept; a first line says how much was not."""
        self._trim()
        note = f"[{self._dropped} bytes before this are not kept]\n" if self._dropped else ""
        return note + self._kept.decode("utf-8", "replace")


class Inbox:
    """Puts frames together, one at a time, from the chunks that arrive. Raises ProtocolError for what cannot be one."""

    def __init__(self, child: str) -> None:
        self._child = child
        self._line = bytearray()
        self._filled = 0
        self._early = bytearray()
        """Bytes of the frame after this one."""
        self.header: dict[str, Any] | None = None
        self.payloads: list[bytearray] = []

    @property
    def complete(self) -> bool:
        """Whether header and payloads are all here."""
        return self.header is not None and self._filled == sum(map(len, self.payloads))

    @property
    def more(self) -> bool:
        """Whether this frame says that another one follows it."""
        return self.header is not None and bool(self.header.get("more"))

    def go_on(self) -> None:
        """Begin the next frame."""
        early, self._line, self._filled, self._early = self._early, bytearray(), 0, bytearray()
        self.header, self.payloads = None, []
        self.feed(bytes(early))

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(chunk)
        if self.header is None:
            view = self._feed_line(chunk)
        while view and not self.complete:
            view = self._feed_payload(view)
        if view and not self.more:
            raise self._garbage("sent more than it announced", view)
        self._early += view

    def _feed_line(self, chunk: bytes) -> memoryview:
        line, newline, _rest = chunk.partition(b"\n")
        self._line += line
        if newline:
            self._open_header()
        elif len(self._line) > MAX_HEADER_BYTES:
            raise self._garbage("sent a line without end", self._line)
        return memoryview(chunk)[len(line) + len(newline) :]

    def _open_header(self) -> None:
        try:
            header = json.loads(self._line)
            sizes = [int(size) for size in header["sizes"]]
        except (ValueError, TypeError, KeyError) as error:
            raise self._garbage("answered with something that is not a frame", self._line) from error
        if min(sizes, default=0) < 0 or sum(sizes) > MAX_REPLY_BYTES:
            raise self._garbage(f"announced payloads of {sizes} bytes", self._line)
        self.header = header
        self.payloads = [bytearray(size) for size in sizes]

    def _feed_payload(self, view: memoryview) -> memoryview:
        start = 0
        for payload in self.payloads:
            if self._filled < start + len(payload):
                at = self._filled - start
                taken = min(len(payload) - at, len(view))
                payload[at : at + taken] = view[:taken]
                self._filled += taken
                return view[taken:]
            start += len(payload)
        return view

    def _garbage(self, what: str, sample: bytes | bytearray | memoryview) -> ProtocolError:
        return ProtocolError(f"{self._child} {what}: {bytes(sample[:200])!r}; something else writes to its stdout")


def outgoing(header: Mapping[str, Any], payloads: Sequence[bytes | memoryview]) -> list[memoryview]:
    """Return the buffers to send for one frame, in order and without copies of the payloads."""
    bodies = [memoryview(payload).cast("B") for payload in payloads]
    line = json.dumps({**header, "sizes": [body.nbytes for body in bodies]}).encode() + b"\n"
    return [memoryview(line), *(body for body in bodies if body.nbytes)]
