"""Turn records into the view model: which cells there are, how they rank, what they add up to. Pure functions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from itertools import groupby
from statistics import median

from packaging.version import InvalidVersion, Version

from harness.records import Judgement, Outcome, Record
from harness.report.model import Cell, Column, ColumnSummary, Family, Place, Rate, RateRow, Report, Row, RunInfo

_WORST_FIRST = (
    Outcome.HARNESS_ERROR,
    Outcome.MISMATCH,
    Outcome.WRONG_SHAPE,
    Outcome.NONDETERMINISTIC,
    Outcome.CRASH,
    Outcome.TIMEOUT,
    Outcome.OUT_OF_MEMORY,
    Outcome.RUNTIME_ERROR,
    Outcome.IMPORT_ERROR,
    Outcome.UNSUPPORTED_OP,
    Outcome.VACUOUS,
    Outcome.NO_REFERENCE,
    Outcome.EXPORT_FAILED,
    Outcome.ROUTE_ABSENT,
    Outcome.OK,
)
"""Silent wrong numbers before loud crashes before polite refusals: by the harm done to who did not look."""

_JUDGED_FIRST = (Judgement.NEW_FAILURE, Judgement.CHANGED_FAILURE, None, Judgement.FIXED, Judgement.AS_EXPECTED)


def build_report(records: Iterable[Record], info: RunInfo) -> Report:
    """Turn records into the view model. Of several records of one cell the last counts, as in a resumed run."""
    everything = list(records)
    cells = _cells(everything)
    columns = _columns(cells, info)
    ranked = sorted(cells, key=rank)
    families = _families(cells, columns)
    return Report(
        info=info,
        columns=columns,
        places=_places(cells, columns),
        families=families,
        rates=tuple(_rate_rows(families, columns)),
        outcomes=_ordered_counts(cells),
        judgements={judgement: sum(cell.record.judgement is judgement for cell in cells) for judgement in Judgement},
        unjudged=sum(cell.record.judgement is None for cell in cells),
        attention=tuple(cell for cell in ranked if cell.attention),
        known=tuple(cell for cell in ranked if not cell.attention and cell.outcome is not Outcome.OK),
        passing=tuple(cell for cell in cells if not cell.attention and cell.outcome is Outcome.OK),
        cases=sum(len(family.rows) for family in families),
        reported=len(cells),
        broken=dict(Counter(name for cell in cells for name in cell.broken).most_common()),
        unsteady=sum(bool(cell.broken) for cell in cells),
        repeated=len(everything) - len(cells),
    )


def _cells(records: Sequence[Record]) -> list[Cell]:
    latest: dict[tuple[str, Column], Record] = {}
    for record in records:
        latest[record.case, _column(record)] = record
    return [
        Cell(id=cell_id(case, column), column=column, record=record, attention=_needs_attention(record))
        for (case, column), record in sorted(latest.items(), key=lambda item: item[0])
    ]


def _column(record: Record) -> Column:
    target = record.target
    return Column(opencv=target.opencv, engine=target.engine_asked, backend=target.backend, route=record.route)


def cell_id(case: str, column: Column) -> str:
    """Name a cell by a digest: short, safe anywhere, the same for the same cell in every report."""
    return f"c-{digest(chr(10).join([case, *astuple(column)]))}"


def digest(text: str) -> str:
    """Return ten characters that tell one text from some millions of others."""
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


def _needs_attention(record: Record) -> bool:
    if record.judgement is None:
        return record.outcome not in {Outcome.OK, Outcome.ROUTE_ABSENT}
    return record.judgement is not Judgement.AS_EXPECTED


def _columns(cells: Sequence[Cell], info: RunInfo) -> tuple[Column, ...]:
    order = {route: index for index, route in enumerate(info.routes)}

    def position(column: Column) -> tuple[Version, str, str, str, int, str]:
        place = order.get(column.route, len(order))
        return (_version(column.opencv), column.opencv, column.engine, column.backend, place, column.route)

    return tuple(sorted({cell.column for cell in cells}, key=position))


def _version(text: str) -> Version:
    """Order releases by PEP 440; what is not one (a path, a command) comes first."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")


def rank(cell: Cell) -> tuple[int, int, float, str, Column]:
    """Return how a cell ranks, worst first: by judgement, by the harm its outcome does, by its margin."""
    # None is "not finite" for what was compared: worse than any number.
    margin = cell.margin if cell.margin is not None else float("inf")
    judged = _JUDGED_FIRST.index(cell.record.judgement)
    return (judged, _WORST_FIRST.index(cell.outcome), -margin, cell.record.case, cell.column)


def _families(cells: Sequence[Cell], columns: tuple[Column, ...]) -> tuple[Family, ...]:
    by_family: dict[str, dict[str, dict[Column, Cell]]] = {}
    for cell in cells:
        rows = by_family.setdefault(_family_name(cell.record), {})
        rows.setdefault(cell.record.case, {})[cell.column] = cell
    return tuple(_family(name, by_family[name], columns) for name in sorted(by_family))


def _family_name(record: Record) -> str:
    return record.family or record.case.rpartition("/")[0] or "models"


def _family(name: str, cases: dict[str, dict[Column, Cell]], columns: tuple[Column, ...]) -> Family:
    rows = tuple(Row(case=case, cells=tuple(cases[case].get(column) for column in columns)) for case in sorted(cases))
    by_column = ([found for row in rows if (found := row.cells[index])] for index in range(len(columns)))
    return Family(name=name, rows=rows, rates=tuple(_rate(cells) for cells in by_column))


def _rate(cells: Sequence[Cell]) -> Rate:
    tried = [cell for cell in cells if cell.outcome is not Outcome.ROUTE_ABSENT]
    return Rate(ok=sum(cell.outcome is Outcome.OK for cell in tried), tried=len(tried))


def _rate_rows(families: Sequence[Family], columns: tuple[Column, ...]) -> Iterator[RateRow]:
    """Yield each kind of cases with its families; a kind that is one family is one row."""
    for kind, found in groupby(families, lambda family: family.name.partition("/")[0]):
        members = list(found)
        yield _rate_row(kind, True, [row for family in members for row in family.rows], columns)
        for family in members:
            if family.name != kind:
                yield _rate_row(family.name, False, family.rows, columns)


def _rate_row(name: str, is_kind: bool, rows: Sequence[Row], columns: tuple[Column, ...]) -> RateRow:
    by_column = ([found for row in rows if (found := row.cells[index])] for index in range(len(columns)))
    places = [[index for index, _ in group] for _, group in groupby(enumerate(columns), lambda item: item[1].place)]
    return RateRow(
        name=name,
        is_kind=is_kind,
        rates=tuple(_rate(cells) for cells in by_column),
        best=tuple(_best(rows, indices) for indices in places),
    )


def _best(rows: Sequence[Row], indices: Sequence[int]) -> Rate:
    tried = [[found for index in indices if (found := row.cells[index])] for row in rows]
    tried = [cells for cells in tried if any(cell.outcome is not Outcome.ROUTE_ABSENT for cell in cells)]
    return Rate(ok=sum(any(cell.outcome is Outcome.OK for cell in cells) for cells in tried), tried=len(tried))


def _places(cells: Sequence[Cell], columns: tuple[Column, ...]) -> tuple[Place, ...]:
    by_column: dict[Column, list[Cell]] = {column: [] for column in columns}
    for cell in cells:
        by_column[cell.column].append(cell)
    ways = [_summarise(column, found) for column, found in by_column.items()]
    grouped = groupby(ways, lambda way: way.column.place)
    return tuple(Place(name=name, ways=tuple(found)) for name, found in grouped)


def _summarise(column: Column, cells: Sequence[Cell]) -> ColumnSummary:
    margins = [cell.margin for cell in cells if cell.outcome is Outcome.OK and cell.margin is not None]
    latencies = [cell.latency_ms for cell in cells if cell.latency_ms is not None]
    return ColumnSummary(
        column=column,
        rate=_rate(cells),
        attention=sum(cell.attention for cell in cells),
        engines_used=tuple(sorted({used for cell in cells if (used := cell.record.target.engine_used)})),
        worst_ok_margin=max(margins, default=None),
        latency_ms=median(latencies) if latencies else None,
        outcomes=_ordered_counts(cells),
    )


def _ordered_counts(cells: Sequence[Cell]) -> dict[Outcome, int]:
    counts = Counter(cell.outcome for cell in cells)
    order = (Outcome.OK, *(outcome for outcome in _WORST_FIRST if outcome is not Outcome.OK))
    return {outcome: counts[outcome] for outcome in order if counts[outcome]}
