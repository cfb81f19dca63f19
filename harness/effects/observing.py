"""Run one artifact in an OpenCV worker and write down what was seen: no opinion, and nothing is raised for a failure.

Host side: imports no cv2. Arrays come and go in Keras's layout.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from harness.effects.launching import WORKER, environment, program, reading_program
from harness.effects.network_run import Observed, Run
from harness.effects.process import Child
from harness.errors import ChildDiedError, ChildTimeoutError, EnvironmentFailedError, HarnessError, ProtocolError
from harness.manifests import Manifest
from harness.observations import Capabilities, CvError, Observation
from harness.pure.blobs import Feed
from harness.pure.frames import Reply
from harness.records import Stage, Target

PROTOCOL = "protocol"
"""Kind of the error of a worker whose answer is no frame."""

_SHELL_SIGNALS = 128
_MUCH_BYTES = 256 << 20
"""Memory that a worker does not keep when its turn is over; OpenCV alone takes a third of it."""
_GRACE_SECONDS = 5.0
"""How much longer than its deadline a worker, which is to end itself, may take before it is killed."""


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
        threads: int | None = None,
    ) -> Observed:
        """Load `model` once, run every feed through it, and time `timing_repeats` more runs of the last feed.

        `engine` and `threads` are others than the worker's own. Without `winograd`, an OpenCV that has this fast
        convolution is told not to use it. It stops at the first failure, which the observation holds. Raises
        EnvironmentFailedError only, when the command itself cannot be started.
        """
        seen = self._start(Observation(stage=Stage.START))
        if self._child is None:
            return Observed(observation=seen)
        run = Run(self, manifest, seen)
        run.load(model, {"winograd": winograd} | ({"engine": engine} if engine else {}))
        run.forward(feeds, threads=threads)
        run.name_failed_feed(len(feeds))
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
        replies, seen = self.ask_all(seen, request, payloads, times=times)
        return (replies[0] if replies else None), seen

    def ask_all(
        self,
        seen: Observation,
        request: Mapping[str, Any],
        payloads: Sequence[memoryview] = (),
        *,
        times: int = 1,
    ) -> tuple[list[Reply], Observation]:
        """Send one request that has several replies, and return those of what went through until something failed."""
        if self._child is None:
            raise HarnessError(f"there is no worker to ask {request.get('do')!r}; start one first")
        seconds = self._seconds[seen.stage] * times
        # It ends itself: what was forked is all that is lost then, and elsewhere nobody else could end it.
        request, most = {**request, "within": seconds}, seconds + _GRACE_SECONDS
        heard: list[Reply] = []
        try:
            heard.append(self._child.request(request, payloads, deadline_seconds=most, hear=heard.append))
        except (ChildDiedError, ChildTimeoutError, ProtocolError) as failure:
            self._drop()
            return heard, _in_time(_ended(self._with_words(seen, heard), failure), seconds)
        seen, told = self._with_words(seen, heard), heard[-1].header
        if "ended" in told:  # a fork; what it was forked from lives, and has another one by now
            return heard[:-1], _in_time(replace(seen, **told["ended"]), seconds)
        if "error" in told:
            return heard[:-1], replace(seen, error=CvError(**told["error"]))
        return heard, seen

    def _with_words(self, seen: Observation, heard: Sequence[Reply]) -> Observation:
        """Return what was seen with what replies tell besides their answer."""
        told = [reply.header["peak_rss_bytes"] for reply in heard if "ended" not in reply.header]
        if told:
            self._peak_bytes = told[-1] or 0
            seen = replace(seen, peak_rss_bytes=told[-1])
        return replace(seen, stderr=seen.stderr + "".join(reply.stderr for reply in heard))

    def load_request(self, manifest: Manifest, model: Path) -> tuple[dict[str, Any], list[memoryview]]:
        """Return the request that loads a model, and its payloads."""
        request = {"do": "load", "format": manifest.format, **self._choices}
        if self._program:
            return request, [memoryview(model.read_bytes())]
        return {**request, "path": str(model.resolve())}, []


def _ended(seen: Observation, failure: ChildDiedError | ChildTimeoutError | ProtocolError) -> Observation:
    if isinstance(failure, ChildTimeoutError):
        return replace(seen, timed_out_after=failure.seconds, stderr=seen.stderr + failure.stderr)
    if isinstance(failure, ChildDiedError):
        signal_name = failure.signal or _told_by_a_shell(failure.status)
        status = None if signal_name else failure.status
        return replace(seen, signal=signal_name, exit_status=status, stderr=seen.stderr + failure.stderr)
    return replace(seen, error=CvError(kind=PROTOCOL, message=str(failure)))


def _in_time(seen: Observation, seconds: float) -> Observation:
    """Return what was seen of a worker that ended: by its own alarm, or by ours, it took too long."""
    if seen.signal == "SIGALRM" or seen.timed_out_after is not None:
        return replace(seen, signal=None, timed_out_after=seconds)
    return seen


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
