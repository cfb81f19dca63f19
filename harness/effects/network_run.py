"""One artifact's way through an OpenCV worker: load, forward passes, times; what was seen is written down step by step.

No opinion, and nothing is raised for a failure. Arrays come and go in Keras's layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from harness.errors import HarnessError
from harness.manifests import Manifest, Port
from harness.observations import CvError, Observation
from harness.pure import npy
from harness.pure.blobs import Feed, blob_parameters, encode, match_outputs, to_keras
from harness.pure.frames import Reply
from harness.pure.npy import Array
from harness.records import Stage

_TOGETHER_BYTES = 4 << 20
"""Feeds are handed over together until they are as large as this; beyond it, that is little beside their bytes."""
OUTPUT_NOT_FOUND = "output-not-found"
"""Kind of the error of a network that offers no output of an exported name."""


class Worker(Protocol):
    """What is asked on the way: `observing.OpenCV`."""

    forward_seconds: float
    """How long one forward pass may take."""

    def ask(
        self,
        seen: Observation,
        request: Mapping[str, Any],
        payloads: Sequence[memoryview] = (),
        *,
        times: int = 1,
    ) -> tuple[Reply | None, Observation]:
        """Send one request and add what came of it to what was seen; the reply is None for every failure."""

    def ask_all(
        self, seen: Observation, request: Mapping[str, Any], payloads: Sequence[memoryview] = ()
    ) -> tuple[list[Reply], Observation]:
        """Send one request that has several replies, and return those of what went through until something failed."""

    def load_request(self, manifest: Manifest, model: Path) -> tuple[dict[str, Any], list[memoryview]]:
        """Return the request that loads a model, and its payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """An observation with the arrays that belong to it."""

    observation: Observation
    outputs: tuple[tuple[Array, ...], ...] = ()
    """Per feed that went through, one array per output port, in Keras's layout."""
    failed_feed: int | None = None
    """Index of the feed under way when it ended badly; None when none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Forward passes by OpenCV's layers, in the order in which they are run."""

    layers: tuple[tuple[str, str], ...]
    """Name and type of each, as OpenCV has them."""
    ms: Array
    """(passes, layers), milliseconds; 0 for a layer whose work another one does."""
    forward_ms: tuple[float, ...]
    """The same passes as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """OpenCV's own count of a network's operations and memory; None where it offers none."""

    flops: int | None
    weights_bytes: int | None
    blobs_bytes: int | None


class _Sent(NamedTuple):
    """One feed on its way."""

    blob: list[dict[str, Any] | None]
    payloads: list[memoryview]

    @property
    def nbytes(self) -> int:
        return sum(payload.nbytes for payload in self.payloads)


class Run:
    """One artifact's way through a worker: every step is skipped once one has failed."""

    def __init__(self, worker: Worker, manifest: Manifest, seen: Observation, *, started: bool = True) -> None:
        self._worker = worker
        self._manifest = manifest
        self._seen = seen
        self._outputs: list[tuple[Array, ...]] = []
        self._failed = not started
        self._failed_feed: int | None = None
        self.threads_used: int | None = None
        """What OpenCV kept to in the last pass: without threads built in that is 1."""

    def observed(self) -> Observed:
        """Return what was seen so far."""
        return Observed(observation=self._seen, outputs=tuple(self._outputs), failed_feed=self._failed_feed)

    @property
    def works(self) -> bool:
        """Whether no step has failed so far."""
        return not self._failed

    def load(self, model: Path, choices: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Load the model and find its outputs; `choices` go before the worker's own."""
        if self._failed:
            return
        self._seen = replace(self._seen, stage=Stage.LOAD)
        request, payloads = self._worker.load_request(self._manifest, model)
        reply = self._ask({**request, **choices}, payloads)
        if reply is None:
            return
        told = reply.header
        if told.get("importer_absent"):
            self._fail(replace(self._seen, importer_absent=told["importer_absent"]))
            return
        self._seen = replace(
            self._seen,
            load_ms=told["load_ms"],
            empty_net=told["empty"],
            engine_used=told["engine_used"],
            threads=told.get("threads"),
        )
        if told["empty"]:
            self._fail(self._seen)
            return
        self._find_outputs(told["output_names"], told["layer_names"])

    def _find_outputs(self, offered: Sequence[str], layers: Sequence[str]) -> None:
        wanted = [port.name for port in self._manifest.outputs]
        found = match_outputs(wanted, offered, layers, renamed=self._manifest.format == "pb")
        missing = [name for name, place in zip(wanted, found, strict=True) if place is None]
        if missing:
            message = f"no output is named {', '.join(missing)}; the network offers {', '.join(offered) or 'none'}"
            self._fail(replace(self._seen, error=CvError(kind=OUTPUT_NOT_FOUND, message=message)))
        self._seen = replace(self._seen, output_names=tuple(place for place in found if place is not None))

    def forward(self, feeds: Sequence[Feed], *, last_first: bool = False, threads: int | None = None) -> None:
        """Run feeds one after another, with other than the usual `threads` where these are given.

        With `last_first` the inputs of each are set in the other order.
        """
        ports = self._manifest.inputs[:: -1 if last_first else 1]
        waiting: list[_Sent] = []
        for place, feed in enumerate(feeds):
            if self._failed:
                return
            waiting.append(self._sent(feed[:: -1 if last_first else 1], ports))
            if place + 1 == len(feeds) or sum(sent.nbytes for sent in waiting) >= _TOGETHER_BYTES:
                through = self._forward(waiting, ports, threads)
                if self._failed:
                    self._failed_feed = place + 1 - len(waiting) + through
                waiting = []

    def _sent(self, feed: Feed, ports: Sequence[Port]) -> _Sent:
        if len(feed) != len(ports):
            raise HarnessError(
                f"a feed has {len(feed)} values but the model has {len(ports)} inputs; give one for each"
            )
        given = list(zip(feed, ports, strict=True))
        return _Sent([blob_parameters(*one) for one in given], [encode(*one) for one in given])

    def _forward(self, sent: Sequence[_Sent], ports: Sequence[Port], threads: int | None) -> int:
        """Run feeds as one request, and return how many went through.

        What it takes to hand one over is more than most of a zoo's networks compute.
        """
        self._seen = replace(self._seen, stage=Stage.FORWARD)
        request = {
            "do": "forward",
            "feeds": len(sent),
            "inputs": [port.name for port in ports],
            "outputs": list(self._seen.output_names),
            "blob": [one for feed in sent for one in feed.blob],
            "threads": threads,
        }
        payloads = [one for feed in sent for one in feed.payloads]
        replies, self._seen = self._worker.ask_all(self._seen, request, payloads)
        for reply in replies:
            self._take(reply)
            self.threads_used = reply.header["threads"]
        self._failed = len(replies) < len(sent)
        return len(replies)

    def _take(self, reply: Reply) -> None:
        arrays = [npy.loads(payload) for payload in reply.payloads]
        first = reply.header["forward_ms"] if self._seen.first_ms is None else self._seen.first_ms
        self._seen = replace(self._seen, first_ms=first, output_shapes=tuple(array.shape for array in arrays))
        ports = self._manifest.outputs
        self._outputs.append(tuple(to_keras(array, port) for array, port in zip(arrays, ports, strict=True)))

    def name_failed_feed(self, of: int) -> None:
        """Add to OpenCV's words which of so many inputs they are about, where that is known."""
        if self._failed_feed is not None and self._seen.error is not None and of > 1:
            message = f"{self._seen.error.message.rstrip()} [input {self._failed_feed + 1} of {of}]"
            self._seen = replace(self._seen, error=replace(self._seen.error, message=message))

    def threads(self, count: int) -> int | None:
        """Set OpenCV's thread count; returns the one it keeps to, None where it could not be asked."""
        reply = None if self._failed else self._ask({"do": "threads", "threads": count})
        return None if reply is None else int(reply.header["threads"])

    def time(self, repeats: int) -> None:
        """Time more runs, for at most as long as one run may take; the deadline leaves room for the last one."""
        self._time(repeats)

    def profile(self, repeats: int) -> Steps | None:
        """Time more runs by layer; None where that failed, or this OpenCV (or another runtime) tells of no layers."""
        reply = self._time(repeats, profile=True)
        if reply is None:
            return None
        told = [(str(name), str(type_)) for name, type_ in reply.header["layers"]]
        ms = npy.loads(reply.payloads[0])
        if ms.ndim != 2 or ms.shape[1] != len(told):  # whose time is whose cannot be said then
            return None
        return Steps(layers=tuple(told), ms=ms, forward_ms=tuple(reply.header["forward_ms"]))

    def _time(self, repeats: int, *, profile: bool = False) -> Reply | None:
        if self._failed:
            return None
        seconds = self._worker.forward_seconds
        asked = {"do": "time", "repeats": repeats, "seconds": seconds, "profile": profile}
        reply = self._ask(asked, times=2)
        if reply is not None:
            self._seen = replace(self._seen, forward_ms=tuple(reply.header["forward_ms"]))
        return reply

    def count(self) -> Counts:
        """Return what OpenCV counts of the network on the last input; nothing where it does not, or dies of it.

        What was seen stays as it was. Ask last: the worker may be gone.
        """
        reply = None if self._failed else self._worker.ask(self._seen, {"do": "count"})[0]
        told = {} if reply is None else reply.header
        return Counts(
            flops=told.get("flops"), weights_bytes=told.get("weights_bytes"), blobs_bytes=told.get("blobs_bytes")
        )

    def _ask(self, request: Mapping[str, Any], payloads: Sequence[memoryview] = (), *, times: int = 1) -> Reply | None:
        reply, self._seen = self._worker.ask(self._seen, request, payloads, times=times)
        self._failed = reply is None
        return reply

    def _fail(self, seen: Observation) -> None:
        self._seen = seen
        self._failed = True
