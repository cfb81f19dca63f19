"""Child processes that answer requests; the same for the OpenCV worker and the TensorFlow exporter.

Knows nothing of what a request means. No threads per child: every pipe is non-blocking and served by one selector, so
that neither side can deadlock on large payloads, and a child that floods stderr fills neither memory nor disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Self

from harness.effects.spawning import Process, spawn
from harness.errors import ChildDiedError, ChildTimeoutError, EnvironmentFailedError, ProtocolError
from harness.pure.frames import Inbox, Reply, Tail, outgoing

DYING_SECONDS = 5.0
"""How long a child that closed its pipes may take to be gone before that counts as misbehaviour."""

_CHUNK_BYTES = 1 << 20
_AT_ONCE = 64
"""Buffers that one call writes; every system takes some more (IOV_MAX)."""
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)
"""Linux only. A tensor crosses a 1 MiB pipe in a tenth of the turns that the usual 64 KiB take."""


class _Group:
    """A child's process group: killed as a whole, and its leader always reaped."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lock = threading.Lock()

    def alive(self) -> bool:
        """Look without reaping: as long as the leader is not reaped, its group's number belongs to nobody else."""
        with self._lock:
            return self._ours() and os.waitid(os.P_PID, self._process.pid, _PEEK) is None

    def _ours(self) -> bool:
        """Whether the leader is still ours to signal; somebody else in this host (psutil) may have reaped it."""
        if self._process.returncode is None:
            try:
                os.waitid(os.P_PID, self._process.pid, _PEEK)
            except ChildProcessError:
                self._process.poll()  # lets it know
        return self._process.returncode is None

    def kill(self) -> int | None:
        """Kill what is left of the group and return the leader's exit status (minus the signal's number)."""
        with self._lock:
            if self._ours():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):  # stuck inside the kernel; it is past our reach
                    self._process.wait(DYING_SECONDS)
                self._bury_orphans()
            return self._process.returncode

    def _bury_orphans(self) -> None:
        """Reap what the leader left, where orphans come to us: to the first process of a container."""
        patience = time.monotonic() + DYING_SECONDS
        with contextlib.suppress(ChildProcessError):  # none of them is ours, as everywhere else
            while time.monotonic() < patience:
                if os.waitpid(-self._process.pid, os.WNOHANG) == (0, 0):
                    time.sleep(0.001)


class Child:
    """One child process, in a process group of its own, that answers one request at a time.

    Safe to use from any thread; two threads that ask at once take turns. After any error the child is dead and
    `alive` is false: start another. Linux (and whatever else has `waitid`).
    """

    def __init__(self, argv: Sequence[str], *, name: str, env: Mapping[str, str] | None = None) -> None:
        """Start it. Raises EnvironmentFailedError when the command cannot be run at all."""
        self.name = name
        self._lock = threading.RLock()
        try:
            self._process = spawn(argv, env)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot start {name} as {argv[0]!r}: {error}; name an executable file"
            ) from error
        self._group = _Group(self._process)
        self._pipes = (_pipe(self._process.stdin), _pipe(self._process.stdout), _pipe(self._process.stderr))
        self._finalizer = weakref.finalize(self, _end, self._group, self._pipes)

    @property
    def pid(self) -> int:
        """Process id, which is also the number of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._group.alive()

    def request(
        self,
        header: Mapping[str, Any],
        payloads: Sequence[bytes | memoryview] = (),
        *,
        deadline_seconds: float,
        hear: Callable[[Reply], None] = lambda _reply: None,
    ) -> Reply:
        """Send one frame and return the answer; of several the last, after `hear` was given each one as it came.

        Each answer has the whole deadline. Raises ChildDiedError, ChildTimeoutError or ProtocolError; the whole process
        group has been killed by then, as it has when anything else (Ctrl-C) comes in between.
        """
        with self._lock:
            if self._pipes[0].closed:
                raise ChildDiedError(
                    f"{self.name} was ended before; start another", signal=None, exit_code=None, stderr=""
                )
            try:
                return _Exchange(self, header, payloads, deadline_seconds).run(hear)
            except BaseException:  # half a conversation cannot be resumed, not even after Ctrl-C
                self.close()
                raise

    def introduce(self, text: bytes, *, deadline_seconds: float) -> Reply:
        """Send a program as text to a child that reads one, and return the frame with which that says it has begun.

        Nothing else may be sent before: an interpreter reads ahead, and would take a request for part of its program.
        Raises what `request` raises.
        """
        with self._lock:
            try:
                return _Exchange(self, {"do": "introduction"}, (), deadline_seconds, text).run(lambda _reply: None)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Kill the process group and free its pipes; from another thread, this also ends a running request."""
        self._group.kill()
        with self._lock:  # not before: a number that is closed while another thread serves it may be opened anew
            self._finalizer()

    def __enter__(self) -> Self:
        """Give the running child."""
        return self

    def __exit__(self, *_reason: object) -> None:
        """Kill it."""
        self.close()


class _Exchange:
    """One request and its answers: the state of four descriptors, served until the last answer is whole."""

    def __init__(
        self,
        child: Child,
        header: Mapping[str, Any],
        payloads: Sequence[bytes | memoryview],
        seconds: float,
        raw: bytes = b"",
    ) -> None:
        self._what = f"{child.name} ({header.get('do', 'request')})"
        self._child = child
        self._seconds = seconds
        self._stdin, self._stdout, self._stderr = (pipe.fileno() for pipe in child._pipes)
        self._introduces = bool(raw)
        self._outbox = [memoryview(raw)] if raw else outgoing(header, payloads)
        self._inbox = Inbox(self._what)
        self._tail = Tail()
        self._ended = False

    def run(self, hear: Callable[[Reply], None]) -> Reply:
        if not self._introduces:  # what a command says before its program came is why it did not take it
            self._discard_leftovers()
        with selectors.DefaultSelector() as selector, _pidfd(self._child.pid) as pidfd:
            selector.register(self._stdin, selectors.EVENT_WRITE, self._send)
            selector.register(self._stdout, selectors.EVENT_READ, self._receive)
            selector.register(self._stderr, selectors.EVENT_READ, self._overhear)
            if pidfd is not None:  # a grandchild may hold the pipes open, so their end alone is not enough
                selector.register(pidfd, selectors.EVENT_READ, self._bury)
            reply = self._next(selector)
            while self._inbox.more:
                hear(reply)
                self._inbox.go_on()
                self._tail = Tail()
                reply = self._next(selector)
        return reply

    def _next(self, selector: selectors.BaseSelector) -> Reply:
        deadline = time.monotonic() + self._seconds
        while not (self._inbox.complete or self._ended):
            self._serve(selector, deadline)
        self._overhear_rest()
        if not self._inbox.complete or self._inbox.header is None:
            raise self._death()
        return Reply(header=self._inbox.header, payloads=tuple(self._inbox.payloads), stderr=self._tail.text())

    def _serve(self, selector: selectors.BaseSelector, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._overdue()
        for key, _events in selector.select(left):
            step: Callable[[], bool] = key.data
            if not step():
                selector.unregister(key.fd)

    def _send(self) -> bool:
        try:
            written = os.writev(self._stdin, self._outbox[:_AT_ONCE])
        except BrokenPipeError:  # it is dead or dying; what it still says is read before that is judged
            return False
        while self._outbox and written >= len(self._outbox[0]):
            written -= len(self._outbox.pop(0))
        if written:
            self._outbox[0] = self._outbox[0][written:]
        return bool(self._outbox)

    def _receive(self) -> bool:
        chunk = _read(self._stdout)
        if chunk:
            self._inbox.feed(chunk)
        elif chunk is not None:
            self._ended = True
        return not self._ended

    def _overhear(self) -> bool:
        chunk = _read(self._stderr)
        self._tail.feed(chunk or b"")
        return chunk != b""

    def _bury(self) -> bool:
        """Read what the process, which is gone, it left in its stdout, and stop."""
        while (self._inbox.more or not self._inbox.complete) and (chunk := _read(self._stdout)):
            self._inbox.feed(chunk)
        self._ended = True
        return False

    def _overhear_rest(self) -> None:
        for _ in range(64):  # bounded: another thread of the child may never stop writing
            if not (chunk := _read(self._stderr)):
                return
            self._tail.feed(chunk)

    def _discard_leftovers(self) -> None:
        """Whatever was written between two requests belongs to neither."""
        self._overhear_rest()
        self._tail = Tail()
        if stray := _read(self._stdout):
            raise ProtocolError(f"{self._what} spoke without being asked: {stray[:200]!r}")

    def _overdue(self) -> ChildTimeoutError:
        self._child._group.kill()
        self._overhear_rest()
        message = f"{self._what} did not answer within {self._seconds:g} s and was killed; allow it more time"
        return ChildTimeoutError(message, seconds=self._seconds, stderr=self._tail.text())

    def _death(self) -> ChildDiedError | ProtocolError:
        patience = time.monotonic() + DYING_SECONDS
        while self._child.alive:
            if time.monotonic() > patience:
                return ProtocolError(f"{self._what} closed its stdout but lives on; it was killed")
            time.sleep(0.005)
        status = self._child._group.kill()
        self._overhear_rest()
        return _died(self._what, status, self._tail.text())


def _died(what: str, status: int | None, stderr: str) -> ChildDiedError:
    if status is not None and status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return ChildDiedError(f"{what} died of {name}", signal=name, exit_code=None, stderr=stderr)
    last = stderr.strip().rpartition("\n")[2]
    message = f"{what} ended with status {status} before it answered" + (f"; its last words: {last}" if last else "")
    return ChildDiedError(message, signal=None, exit_code=status, stderr=stderr)


def _read(descriptor: int) -> bytes | None:
    """Return what there is: empty at the end of the stream, None when there is nothing yet."""
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except BlockingIOError:
        return None


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the child was started without one of its three pipes")
    os.set_blocking(stream.fileno(), False)
    if _SET_PIPE_SIZE is not None:
        with contextlib.suppress(OSError):  # the user's quota of pipe memory is spent; the small pipe works as well
            fcntl.fcntl(stream, _SET_PIPE_SIZE, _CHUNK_BYTES)
    return stream


def _end(group: _Group, pipes: Iterable[IO[bytes]]) -> None:
    group.kill()
    for pipe in pipes:
        pipe.close()


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """Give a descriptor that becomes readable when the process ends, or None where the kernel has no such thing."""
    descriptor = None
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)
