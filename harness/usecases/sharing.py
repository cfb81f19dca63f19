"""One subject's cells, worked on by the lane that builds its model and, where they are many, by idle ones as well."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence

from harness.cells.subjects import Cell

Turn = Callable[[], Generator[Cell]]
"""What a lane does until it looks for something else: a group's own work, or help with it."""

WORTH_HELP = 6
"""Cells that must be left for a second lane to join: it starts processes of its own, which takes as long as some."""


class Group:
    """The cells of one subject. Thread-safe.

    The first cell of each route comes first: it has the model exported by that route, after which the others need
    workers alone.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        openers: dict[str, Cell] = {}
        for cell in cells:
            openers.setdefault(cell.route, cell)
        self._openers = tuple(openers.values())
        first = set(map(id, self._openers))
        self._rest = deque(cell for cell in cells if id(cell) not in first)
        self._open: set[str] = set()
        self._over = False
        self._changed = threading.Condition()

    def own(self) -> Generator[Cell]:
        """Yield what the lane that builds the model is to do, as long as there is something."""
        try:
            for opener in self._openers:
                yield opener
                with self._changed:
                    self._open.add(opener.route)
                    self._changed.notify_all()
            while (cell := self._next()) is not None:
                yield cell
        finally:  # after an error as well, or helpers would wait for ever
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def help(self) -> Generator[Cell]:
        """Yield what another lane may do meanwhile, from the far end; waits for the first export."""
        while (cell := self._last()) is not None:
            yield cell

    def _next(self) -> Cell | None:
        with self._changed:
            return self._rest.popleft() if self._rest else None

    def _last(self) -> Cell | None:
        with self._changed:
            while not self._over and len(self._rest) >= WORTH_HELP:
                found = next((cell for cell in reversed(self._rest) if cell.route in self._open), None)
                if found is not None:
                    self._rest.remove(found)
                    return found
                self._changed.wait()
        return None
