"""Run one artifact in an OpenCV worker and write down what was seen: no opinion, and nothing is raised for a failure.

Host side: imports no cv2. Arrays come and go in Keras's layout.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from harness import npy
from harness.blobs import Feed, blob_parameters, encode, match_outputs, to_keras
from harness.errors import ChildDiedError, ChildTimeoutError, EnvironmentFailedError, HarnessError, ProtocolError
from harness.frames import Reply
from harness.launching import WORKER, environment, program, reading_program
from harness.npy import Array
from harness.process import Child
from harness.records import Capabilities, CvError, Manifest, Observation, Stage, Target

OUTPUT_NOT_FOUND = "output-not-found"
"""Kind of the error of a network that offers no output of an exported name."""
PROTOCOL = "protocol"
"""Kind of the error of a worker whose answer is no frame."""

_SHELL_SIGNALS = 128
_MUCH_BYTES = 256 << 20
"""Memory that a worker does not keep when its turn is over; OpenCV alone takes a third of it."""
_GRACE_SECONDS = 5.0
"""How much longer than its deadline a worker elsewhere may take before it ends itself."""


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


class OpenCV:
    """A worker for one interpreter (or command) and engine: started when needed, and again after it died."""

    def __init__(
        self,
        argv: Sequence[str] = (),
        *,
        threads: int = 1,
        memory_bytes: int = 8 << 30,
        start_seconds: float = 60.0,
        load_seconds: float = 60.0,
        forward_seconds: float = 60.0,
        engine: str = "default",
        backend: str | None = None,
        target: str | None = None,
        elsewhere: bool = False,
    ) -> None:
        """Prepare; nothing runs yet.

        `argv` starts a worker and gets `--threads` and `--memory-bytes` (address space, 0: no cap) appended; empty
        means the OpenCV installed beside us. `engine` is `default`, `CLASSIC`, `NEW`, `AUTO` or `ORT`; `backend` and
        `target` are names of `cv2.dnn.DNN_BACKEND_*` and `DNN_TARGET_*`. A worker `elsewhere` does not see our files:
        `argv` is a Python that reads its program, ending in `-`, and is sent the worker's source and the models' bytes.
        """
        options = ["--threads", str(threads), "--memory-bytes", str(memory_bytes)]
        self._program = program(options) if elsewhere else b""
        self._argv = (
            reading_program(argv or [sys.executable, "-"])
            if elsewhere
            else [*(argv or [sys.executable, str(WORKER)]), *options]
        )
        self.forward_seconds = forward_seconds
        self._seconds = {Stage.START: start_seconds, Stage.LOAD: load_seconds, Stage.FORWARD: forward_seconds}
        self._engine = engine
        self._choices = {"engine": engine, "backend": backend, "target": target}
        self._child: Child | None = None
        self._other: Child | None = None
        self._hello: dict[str, Any] = {}
        self._peak_bytes = 0

    def identity(self) -> Target:
        """Return what the worker found itself to be.

        Raises EnvironmentFailedError where it cannot import cv2, or has no such backend and target.
        """
        seen = self._start(Observation(stage=Stage.START))
        if self._child is None:
            raise EnvironmentFailedError(f"{self._argv[0]} cannot serve as an OpenCV worker: {_reason(seen)}")
        backend, target = self._choices["backend"] or "OPENCV", self._choices["target"] or "CPU"
        if target not in self._hello["backends"].get(backend, ()):
            usable = ", ".join(f"{name}/{one}" for name, found in self._hello["backends"].items() for one in found)
            raise EnvironmentFailedError(
                f"OpenCV {self._hello['opencv']} cannot compute on {backend}/{target} here; it has {usable}"
            )
        return Target(
            opencv=self._hello["opencv"],
            engine_asked=self._engine,
            backend=f"{backend}/{target}".lower(),
            numpy=self._hello["numpy"],
            python=self._hello["python"],
        )

    def capabilities(self) -> Mapping[str, Any]:
        """Return the worker's whole `hello`. Raises EnvironmentFailedError like `identity`."""
        self.identity()
        return self._hello

    def offers(self) -> Capabilities:
        """Return what the worker's OpenCV has. Raises EnvironmentFailedError like `identity`."""
        told = self.capabilities()
        return Capabilities(
            engines=tuple(told["engines"]),
            importers=tuple(told["importers"]),
            backends={name: tuple(targets) for name, targets in told["backends"].items()},
        )

    def allow(self, *, load_seconds: float, forward_seconds: float) -> None:
        """Set the deadlines of what comes next."""
        self.forward_seconds = forward_seconds
        self._seconds |= {Stage.LOAD: load_seconds, Stage.FORWARD: forward_seconds}

    @property
    def running(self) -> bool:
        """Whether there is a worker that can be asked."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        """Process id of the worker, which leads a process group of its own; None while there is none."""
        return self._child.pid if self._child is not None else None

    def renew(self) -> None:
        """Go on with a fresh worker, as one must where what ran before may have decided.

        That is a fork, which takes milliseconds, of the other one of two processes that do nothing but import: whatever
        depends on addresses or on memory that nobody wrote then meets others than before, as in a new process.
        """
        before, self._child, self._other = self._child, self._other, None
        self._other = self._retired(before)

    def rest(self) -> None:
        """Give back what the last network took, where that is much: a lane keeps a worker for every release."""
        if self._peak_bytes > _MUCH_BYTES:
            self._child = self._retired(self._child)
            self._peak_bytes = 0

    def _retired(self, child: Child | None) -> Child | None:
        """Return a child with a fresh fork in place of the one it had; None where it cannot be had, and has ended."""
        if child is None:
            return None
        if self._hello.get("forks"):
            with contextlib.suppress(ChildDiedError, ChildTimeoutError, ProtocolError):  # it is dead by then
                child.request({"do": "retire"}, deadline_seconds=_GRACE_SECONDS)
                return child
        child.close()
        return None

    def close(self) -> None:
        """End the worker; the next call gets a fresh one."""
        self._drop()
        if self._other is not None:
            self._other.close()
            self._other = None

    def _drop(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def __enter__(self) -> Self:
        """Give the client."""
        return self

    def __exit__(self, *_reason: object) -> None:
        """End the worker."""
        self.close()

    def observe(
        self,
        manifest: Manifest,
        model: Path,
        feeds: Sequence[Feed],
        *,
        timing_repeats: int = 0,
        engine: str | None = None,
        winograd: bool = True,
    ) -> Observed:
        """Load `model` once, run every feed through it, and time `timing_repeats` more runs of the last feed.

        `engine` is another one than the worker's own. Without `winograd`, an OpenCV that has this fast convolution is
        told not to use it. It stops at the first failure, which the observation holds. Raises EnvironmentFailedError
        only, when the command itself cannot be started.
        """
        seen = self._start(Observation(stage=Stage.START))
        if self._child is None:
            return Observed(observation=seen)
        run = Run(self, manifest, seen)
        run.load(model, {"winograd": winograd} | ({"engine": engine} if engine else {}))
        for index, feed in enumerate(feeds):
            run.forward(index, len(feeds), feed)
        if feeds and timing_repeats:
            run.time(timing_repeats)
        return run.observed()

    def resume(self, manifest: Manifest, seen: Observation) -> Run:
        """Return the way on from where `observe` left off: its network is still loaded, and nothing failed."""
        return Run(self, manifest, seen)

    def begin(self, manifest: Manifest, model: Path, *, threads: int | None = None) -> Run:
        """Return a way that has just loaded `model`, in a fresh worker where the last one died.

        With `threads`, it is for times: the worker computes with so many from now on, and leaves its memory as a plain
        program would, if it has loaded nothing before.
        """
        run = Run(self, manifest, self._start(Observation(stage=Stage.START)), started=self._child is not None)
        run.load(model, {} if threads is None else {"threads": threads, "as_alone": True})
        return run

    def _start(self, seen: Observation) -> Observation:
        """Provide a worker that lives and has said hello; without one, the observation says why."""
        if self.running:
            return seen
        self._drop()  # frees what is left of one that died between two cells
        self._child = Child(self._argv, name="the OpenCV worker", env=environment(os.environ))
        if self._program:
            seen = self._introduce(self._child, seen)
        reply, seen = self.ask(seen, {"do": "hello"}) if self._child is not None else (None, seen)
        if reply is None:
            self._drop()
        else:
            self._hello = reply.header
        return seen

    def _introduce(self, child: Child, seen: Observation) -> Observation:
        """Send the worker's source to a Python that waits for a program."""
        try:
            child.introduce(self._program, deadline_seconds=self._seconds[Stage.START])
        except (ChildDiedError, ChildTimeoutError, ProtocolError) as failure:
            self._drop()
            return _ended(seen, failure)
        return seen

    def ask(
        self,
        seen: Observation,
        request: Mapping[str, Any],
        payloads: Sequence[memoryview] = (),
        *,
        times: int = 1,
    ) -> tuple[Reply | None, Observation]:
        """Send one request and add what came of it to what was seen; the reply is None for every failure."""
        if self._child is None:
            raise HarnessError(f"there is no worker to ask {request.get('do')!r}; start one first")
        seconds = self._seconds[seen.stage] * times
        if self._program:  # what runs at the other end outlives the command that started it
            request = {**request, "within": seconds + _GRACE_SECONDS}
        try:
            reply = self._child.request(request, payloads, deadline_seconds=seconds)
        except (ChildDiedError, ChildTimeoutError, ProtocolError) as failure:
            self._drop()
            return None, _ended(seen, failure)
        told = reply.header
        seen = replace(seen, stderr=seen.stderr + reply.stderr)
        if "ended" in told:  # a fork; what it was forked from lives, and has another one by now
            return None, replace(seen, **told["ended"])
        self._peak_bytes = told["peak_rss_bytes"] or 0
        seen = replace(seen, peak_rss_bytes=told["peak_rss_bytes"])
        if "error" in told:
            return None, replace(seen, error=CvError(**told["error"]))
        return reply, seen

    def load_request(self, manifest: Manifest, model: Path) -> tuple[dict[str, Any], list[memoryview]]:
        """Return the request that loads a model, and its payloads."""
        request = {"do": "load", "format": manifest.format, **self._choices}
        if self._program:
            return request, [memoryview(model.read_bytes())]
        return {**request, "path": str(model.resolve())}, []


class Run:
    """One artifact's way through a worker: every step is skipped once one has failed."""

    def __init__(self, opencv: OpenCV, manifest: Manifest, seen: Observation, *, started: bool = True) -> None:
        self._opencv = opencv
        self._manifest = manifest
        self._seen = seen
        self._outputs: list[tuple[Array, ...]] = []
        self._failed = not started
        self._failed_feed: int | None = None

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
        request, payloads = self._opencv.load_request(self._manifest, model)
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

    def forward(self, index: int, of: int, feed: Feed, *, last_first: bool = False) -> None:
        """Run feed number `index` of `of`; with `last_first` its inputs are set in the other order."""
        if self._failed:
            return
        self._seen = replace(self._seen, stage=Stage.FORWARD)
        ports = self._manifest.inputs
        if len(feed) != len(ports):
            raise HarnessError(
                f"a feed has {len(feed)} values but the model has {len(ports)} inputs; give one for each"
            )
        given = list(zip(feed, ports, strict=True))[:: -1 if last_first else 1]
        request = {
            "do": "forward",
            "inputs": [port.name for _, port in given],
            "outputs": list(self._seen.output_names),
            "blob": [blob_parameters(value, port) for value, port in given],
        }
        reply = self._ask(request, [encode(value, port) for value, port in given])
        if reply is None:
            self._failed_feed = index
            self._name_feed(index, of)
            return
        if self._seen.first_ms is None:
            self._seen = replace(self._seen, first_ms=reply.header["forward_ms"])
        self._take([npy.loads(payload) for payload in reply.payloads])

    def _take(self, arrays: Sequence[Array]) -> None:
        self._seen = replace(self._seen, output_shapes=tuple(array.shape for array in arrays))
        ports = self._manifest.outputs
        self._outputs.append(tuple(to_keras(array, port) for array, port in zip(arrays, ports, strict=True)))

    def _name_feed(self, index: int, of: int) -> None:
        if self._seen.error is not None and of > 1:
            message = f"{self._seen.error.message.rstrip()} [input {index + 1} of {of}]"
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
        seconds = self._opencv.forward_seconds
        asked = {"do": "time", "repeats": repeats, "seconds": seconds, "profile": profile}
        reply = self._ask(asked, times=2)
        if reply is not None:
            self._seen = replace(self._seen, forward_ms=tuple(reply.header["forward_ms"]))
        return reply

    def count(self) -> Counts:
        """Return what OpenCV counts of the network on the last input; nothing where it does not, or dies of it.

        What was seen stays as it was. Ask last: the worker may be gone.
        """
        reply = None if self._failed else self._opencv.ask(self._seen, {"do": "count"})[0]
        told = {} if reply is None else reply.header
        return Counts(
            flops=told.get("flops"), weights_bytes=told.get("weights_bytes"), blobs_bytes=told.get("blobs_bytes")
        )

    def _ask(self, request: Mapping[str, Any], payloads: Sequence[memoryview] = (), *, times: int = 1) -> Reply | None:
        reply, self._seen = self._opencv.ask(self._seen, request, payloads, times=times)
        self._failed = reply is None
        return reply

    def _fail(self, seen: Observation) -> None:
        self._seen = seen
        self._failed = True


def _ended(seen: Observation, failure: ChildDiedError | ChildTimeoutError | ProtocolError) -> Observation:
    if isinstance(failure, ChildTimeoutError):
        return replace(seen, timed_out_after=failure.seconds, stderr=seen.stderr + failure.stderr)
    if isinstance(failure, ChildDiedError):
        signal_name = failure.signal or _told_by_a_shell(failure.status)
        status = None if signal_name else failure.status
        return replace(seen, signal=signal_name, exit_status=status, stderr=seen.stderr + failure.stderr)
    return replace(seen, error=CvError(kind=PROTOCOL, message=str(failure)))


def _told_by_a_shell(status: int | None) -> str | None:
    """Return the signal that a shell in between tells of by its own exit status, 128 and the signal's number."""
    number = (status or 0) - _SHELL_SIGNALS
    return signal.Signals(number).name if number in set(signal.Signals) else None


def _reason(seen: Observation) -> str:
    if seen.error is not None:
        return f"{seen.error.kind}: {seen.error.message}"
    if seen.timed_out_after is not None:
        return f"no answer within {seen.timed_out_after:g} s"
    last = seen.stderr.strip().rpartition("\n")[2]
    return f"it ended by {seen.signal or f'exit status {seen.exit_status}'}" + (
        f"; its last words: {last}" if last else ""
    )
