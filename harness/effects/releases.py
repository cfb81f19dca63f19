"""OpenCV releases by the words that stand for them: `4.8:5.0`, `4.8`, `latest`, each of any of the four wheels.

The package index is asked through uv, with whatever index it is set up for, and its answers are remembered for a day;
where it cannot be asked, what it said last is taken, so that a machine without a network runs what was prepared.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.effects.uv import UvRefusedError, uv
from harness.errors import EnvironmentFailedError

LATEST = "latest"
WHEELS = {
    "headless": "opencv-python-headless",
    "python": "opencv-python",
    "contrib": "opencv-contrib-python",
    "contrib-headless": "opencv-contrib-python-headless",
}
"""What may follow a release after `+`, and the distribution it is; without it, the first."""
_DAY_SECONDS = 86_400.0
_ASKING_SECONDS = 60.0
_COMPLETE = 4
"""Numbers in a wheel's release: three of OpenCV's, one of the build's."""
_NOT_ASKED = ("network was disabled", "was not found in the")
"""Words of uv where no solution is found because the index could not be read, not because there is none."""
_PARTIAL = re.compile(r"\d+(\.\d+){0,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of one wheel."""

    number: str
    """As on the package index: `4.14.0.94`."""
    wheel: str = "headless"

    @property
    def name(self) -> str:
        """Release for records: a PEP 440 version, the wheel as its local label, so that sets of releases hold both."""
        return self.number if self.wheel == "headless" else f"{self.number}+{self.wheel.replace('-', '.')}"

    @property
    def requirement(self) -> str:
        """What an installer is asked for."""
        return f"{WHEELS[self.wheel]}=={self.number}"


def parse_release(word: str) -> Release | None:
    """Return the one release that a word names in full; None for any other word."""
    number, wheel = _split(word)
    try:
        complete = len(Version(number).release) >= _COMPLETE
    except InvalidVersion:
        return None
    return Release(number=number, wheel=wheel) if complete and wheel in WHEELS else None


def stands_for_several(word: str) -> bool:
    """Whether a word is a range, a release in part, or `latest`: only the package index can tell what it means."""
    number, wheel = _split(word)
    ends = number.split(":")
    if wheel not in WHEELS or len(ends) > 2:
        return False
    if number == LATEST:
        return True
    known = all(_PARTIAL.fullmatch(end) for end in ends if end) and any(ends)
    return known and (len(ends) == 2 or parse_release(word) is None)


def _split(word: str) -> tuple[str, str]:
    number, _, wheel = word.partition("+")
    number = number.removesuffix(LATEST) if number.endswith(f":{LATEST}") else number  # what an open range ends with
    return number, wheel.replace(".", "-") or "headless"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the index said, and when, in seconds since the epoch."""

    at: float
    numbers: tuple[str, ...]


class Releases:
    """What the package index says, remembered in one file."""

    def __init__(self, file: Path) -> None:
        """Take the file; it need not exist."""
        self._file = file
        self.from_memory: dict[str, str] = {}
        """Words that were answered from memory because the index could not be asked, and why it could not."""

    def meant_by(self, word: str, *, ask: bool = False) -> tuple[Release, ...]:
        """Return what a word stands for, oldest first: of each minor release the newest, and the ends as written.

        With `ask`, what is remembered is not enough. Raises EnvironmentFailedError.
        """
        known = self._remembered()
        entry = known.get(word)
        if entry is not None and not ask and 0 <= time.time() - entry.at < _DAY_SECONDS:
            return _releases(word, entry.numbers)
        try:
            numbers = list(_find(word))[::-1]
        except UvRefusedError as error:
            if entry is None:
                raise EnvironmentFailedError(
                    f"which releases {word!r} stands for cannot be found out: {error}; name them in full"
                ) from error
            self.from_memory[word] = str(error)
            return _releases(word, entry.numbers)
        if not numbers:
            raise EnvironmentFailedError(
                f"no release is meant by {word!r}; `pip index versions opencv-python` lists them"
            )
        self._remember({**known, word: _Answer(at=time.time(), numbers=tuple(numbers))})
        return _releases(word, numbers)

    def _remembered(self) -> dict[str, _Answer]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(word): _Answer(at=float(at), numbers=tuple(numbers)) for word, (at, numbers) in found.items()}
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ):  # nothing that asking again cannot bring back
            return {}

    def _remember(self, known: dict[str, _Answer]) -> None:
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({word: (a.at, a.numbers) for word, a in known.items()}), encoding="utf-8")
            draft.replace(self._file)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot write {self._file}: {error.strerror}; choose another --store"
            ) from error


def _releases(word: str, numbers: Iterable[str]) -> tuple[Release, ...]:
    _, wheel = _split(word)
    return tuple(Release(number=number, wheel=wheel) for number in numbers)


def _find(word: str) -> Iterator[str]:
    """Yield numbers newest first: the newest there is, then the newest before its minor release, and so on."""
    number, wheel = _split(word)
    if number == LATEST:
        yield from filter(None, [_newest(wheel, "")])
        return
    low, colon, high = number.partition(":")
    if not colon:
        yield from filter(None, [_newest(wheel, f"=={low}.*")])
        return
    below = f"<={_up_to(high)}" if high else ""
    while found := _newest(wheel, ",".join(filter(None, (f">={low}" if low else "", below)))):
        yield found
        minor = ".".join(found.split(".")[:2])
        below = f"<{minor}"
        if _is_complete(low) and low != found and low.startswith(f"{minor}."):
            yield low


def _up_to(end: str) -> str:
    """Return a number that no release of `5.0` is above; a release in full is its own end."""
    return end if _is_complete(end) else f"{end}.999999"


def _is_complete(number: str) -> bool:
    return number.count(".") + 1 >= _COMPLETE


def _newest(wheel: str, versions: str) -> str | None:
    """Return the newest release within a PEP 440 set, None where there is none. Raises UvRefusedError."""
    plain = ["--quiet", "--no-header", "--no-annotate", "--no-deps", "--only-binary", ":all:"]
    command = ["pip", "compile", *plain, "--python", sys.executable, "-"]
    try:
        said = uv(command, given=f"{WHEELS[wheel]}{versions}\n", seconds=_ASKING_SECONDS)
    except UvRefusedError as error:
        words = str(error)
        if "No solution found" in words and not any(sign in words for sign in _NOT_ASKED):
            return None
        raise
    return said.strip().rpartition("==")[2] or None
