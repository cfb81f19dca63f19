"""Summaries of a bounded size: GitHub drops a step's summary over 1 MiB as a whole, so ours are cut before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

LIMIT_BYTES = 900_000
_NOTE_BYTES = 400
"""Kept back for the sentence that says what was cut."""
_NAMED = 5
"""Sections that were cut altogether and are named; of more, the number."""

Section = tuple[str, Iterable[str]]
"""Its name, as the sentence has it, and its lines."""


def fit(sections: Iterable[Section], limit_bytes: int = LIMIT_BYTES) -> str:
    """Return the lines of all sections within a limit on their UTF-8 form, and in the last line what was cut.

    Cut is between the rows of a table, never between its head and its first row; what follows is left out too, so that
    no reader takes a later section for all there is.
    """
    room = limit_bytes - _NOTE_BYTES
    kept: list[str] = []
    cut: list[str] = []
    for name, found in sections:
        lines = list(found)
        count = 0 if cut else _fitting(lines, room)
        kept += lines[:count]
        room -= _nbytes(lines[:count])
        if any(lines[count:]):
            cut.append(_left(name, lines, count))
    if cut:
        more = f"; and {len(cut) - _NAMED} sections more" if len(cut) > _NAMED else ""
        kept += [
            "",
            f"**Cut to stay within {limit_bytes:,} bytes:** {'; '.join(cut[:_NAMED])}{more}. The records have all.",
        ]
    return "\n".join(kept) + "\n"


def _fitting(lines: Sequence[str], room: int) -> int:
    """Return how many lines fit, as a whole or up to the end of a row; 0 where no row would be among them."""
    count = sum(size <= room for size in accumulate(_nbytes([line]) for line in lines))
    if count == len(lines) or not any(map(_is_ruler, lines)):
        return count
    while count and not (_is_row(lines[count - 1]) and not _is_head(lines, count - 1)):
        count -= 1
    return count


def _left(name: str, lines: Sequence[str], count: int) -> str:
    rows = sum(_is_row(line) and not _is_head(lines, count + at) for at, line in enumerate(lines[count:]))
    number, what = (rows, "row") if rows else (len(lines) - count, "line")
    return f"{'' if count else 'all '}{number:,} {what}{'' if number == 1 else 's'} of “{name}”"


def _is_row(line: str) -> bool:
    return line.startswith("| ")


def _is_ruler(line: str) -> bool:
    return line.startswith("|---")


def _is_head(lines: Sequence[str], at: int) -> bool:
    return at + 1 < len(lines) and _is_ruler(lines[at + 1])


def _nbytes(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
