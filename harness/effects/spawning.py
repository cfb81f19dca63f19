"""Starting children so that they live as long as the host and no longer.

A child may ask the kernel to be killed when its parent is gone (a hung one could not notice otherwise), and to Linux
the parent is the *thread* that started it, which may well end before the child is done with. So one thread, which ends
with the host alone, starts them all.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from queue import SimpleQueue

Process = subprocess.Popen[bytes]


def spawn(argv: Sequence[str], env: Mapping[str, str] | None) -> Process:
    """Start a child in a session and process group of its own, all three streams as pipes. Raises OSError."""
    return _spawner.start(argv, env)


class _Spawner:
    """The thread that starts children, and its orders."""

    def __init__(self) -> None:
        self._orders: SimpleQueue[tuple[Future[Process], Sequence[str], Mapping[str, str] | None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="dnn-harness-spawner", daemon=True)
        self._lock = threading.Lock()

    def start(self, argv: Sequence[str], env: Mapping[str, str] | None) -> Process:
        with self._lock:
            if not self._thread.is_alive():
                self._thread.start()
        started: Future[Process] = Future()
        self._orders.put((started, argv, env))
        return started.result()

    def _work(self) -> None:
        pipe = subprocess.PIPE
        while True:
            started, argv, env = self._orders.get()
            try:
                process = subprocess.Popen(
                    argv, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True
                )
            except BaseException as error:  # whatever it is, it belongs to the thread that waits for this child
                started.set_exception(error)
            else:
                started.set_result(process)
            del started, argv, env


_spawner = _Spawner()


def _renew_spawner() -> None:
    global _spawner  # noqa: PLW0603 - threads do not survive a fork of the host
    _spawner = _Spawner()


os.register_at_fork(after_in_child=_renew_spawner)
