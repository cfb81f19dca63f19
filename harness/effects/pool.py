"""Children that several lanes use one after another: starting an exporter or a worker takes longer than most requests.

Each has one user at a time. Closing the pool ends all of them, also those at work in other threads.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol, TypeVar


class Child(Protocol):
    """A client of a child process."""

    def close(self) -> None:
        """End the process, if there is one; a request under way ends at once."""


_Kept = TypeVar("_Kept", bound=Child)


class Pool:
    """Lends children by kind: any hashable that says with what they were started."""

    def __init__(self) -> None:
        self._idle: dict[Hashable, list[Child]] = defaultdict(list)
        self._lent: list[Child] = []
        self._guard = threading.RLock()
        self.closed = False

    @contextlib.contextmanager
    def lend(self, kind: Hashable, make: Callable[[], _Kept]) -> Iterator[_Kept]:
        """Lend the child of this kind that was used last, or a new one."""
        with self._guard:
            idle = self._idle[kind]
            child: _Kept = idle.pop() if idle else make()  # type: ignore[assignment]  # a kind has one type
            self._lent.append(child)
        try:
            yield child
        finally:
            self._take_back(kind, child)

    def close(self) -> None:
        """End every child; what is given back from now on is ended as well."""
        with self._guard:
            self.closed = True
            for child in [*self._lent, *(child for idle in self._idle.values() for child in idle)]:
                child.close()
            self._idle.clear()

    def _take_back(self, kind: Hashable, child: Child) -> None:
        with self._guard:
            self._lent.remove(child)
            if self.closed:
                child.close()
            else:
                self._idle[kind].append(child)
