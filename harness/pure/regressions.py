"""Inputs that once failed, kept as lines of a text file: `case  plan`, `#` before comments. Pure.

Every later run, check and conformance test of the case tries them besides the probes.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.pure.inputs import InputPlan, parse_ordinary

HEADER = """\
# Inputs that once failed, one a line: case, two spaces, plan. `dnn-harness keep CASE PLAN` adds one in its place;
# every run, check and conformance test of the case tries them besides the probes.

"""


@dataclass(frozen=True, slots=True)
class Regressions:
    """Kept plans by case id."""

    plans: dict[str, tuple[InputPlan, ...]] = field(default_factory=dict)

    def besides(self, case: str, plans: Sequence[InputPlan]) -> tuple[InputPlan, ...]:
        """Return the plans and, after them, those kept for a case that are not among them."""
        return tuple(dict.fromkeys((*plans, *self.plans.get(case, ()))))

    def strange(self, cases: Iterable[str]) -> tuple[str, ...]:
        """Return the ids that are no cases; `package.module:callable` is none either, but rightly so."""
        known = set(cases)
        return tuple(case for case in self.plans if case not in known and ":" not in case)

    def __str__(self) -> str:
        """Return all of it as text that tells one state from another."""
        return "\n".join(f"{case}  {plan}" for case, plans in self.plans.items() for plan in plans)


def parse(text: str, name: str) -> Regressions:
    """Read a file's lines. Raises UsageError with `name` and the line for one that is malformed or there twice."""
    found: dict[str, tuple[InputPlan, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = _entry(line, f"{name}:{number}")
        if entry is not None:
            case, plan = entry
            if plan in found.get(case, ()):
                raise UsageError(f"{name}:{number}: {case!r} has {plan} twice; delete this line")
            found[case] = (*found.get(case, ()), plan)
    return Regressions(found)


def _entry(line: str, where: str) -> tuple[str, InputPlan] | None:
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    words = line.strip().rsplit(maxsplit=1)
    if len(words) != 2:
        raise UsageError(f"{where}: {line.strip()!r} is no `case  plan`")
    try:
        return words[0], parse_ordinary(words[1])
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def added(text: str, case: str, plan: InputPlan) -> str:
    """Return a file's text with one line more, in its sorted place; comments stay with the line they stand above.

    The same text where it has that line already.
    """
    lines = text.splitlines()
    entries = [(entry, number) for number, line in enumerate(lines) if (entry := _entry(line, "")) is not None]
    if (case, plan) in [entry for entry, _ in entries]:
        return text
    keys = [(name, str(kept)) for (name, kept), _ in entries]
    place = bisect(keys, (case, str(plan)))
    at = len(lines) if place == len(entries) else _above(lines, entries[place][1])
    lines.insert(at, f"{case}  {plan}")
    return "\n".join(lines) + "\n"


def _above(lines: Sequence[str], number: int) -> int:
    """Return where a line begins, with the comments that stand right above it."""
    while number and lines[number - 1].lstrip().startswith("#"):
        number -= 1
    return number
