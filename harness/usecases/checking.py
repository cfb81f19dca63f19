"""The use case `check`: one model by every route on every OpenCV asked for, with what helps where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.cells import sizing
from harness.cells.lane import Lane
from harness.cells.layerwise import first_failing
from harness.cells.opwise import is_told_by_ops
from harness.cells.subjects import Cell, Subject
from harness.manifests import ModelInfo
from harness.pure.inputs import PROBES, InputPlan
from harness.records import CellId, Outcome, Record
from harness.routes import all_routes
from harness.usecases.advising import Advisor
from harness.usecases.answers import advise
from harness.usecases.layer_search import LayerSearch
from harness.usecases.planning import cell_id
from harness.usecases.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a model."""

    subject: Subject
    info: ModelInfo
    records: tuple[Record, ...]
    """By release, then by route in the order in which routes are shown."""
    plans: tuple[InputPlan, ...]
    """What every cell was run on."""


def check(session: Session, subject: Subject, plans: Sequence[InputPlan] = (), *, advice: bool = True) -> Answer:
    """Return all that `dnn-harness check` finds out: records with their layers, operations and, if wanted, advice.

    Raises ModelRejectedError where the model cannot be opened.
    """
    checking = Check(session, subject)
    answer = checking.run(plans=plans)
    records = checking.layers(answer).run(lambda _row: None)
    records = checking.op_tables(records)
    return replace(answer, records=checking.advised(answer, records) if advice else records)


class Check:
    """One model to be checked; opening it is part of making one, so that it is refused once, not route by route."""

    def __init__(self, session: Session, subject: Subject) -> None:
        """Raise ModelRejectedError where the model cannot be opened."""
        self._session = session
        self._subject = subject
        self.cells: tuple[Cell, ...] = tuple(session.cells(subject, quick=True))
        self._info = session.info(subject)

    def run(self, on_record: Callable[[Record], object] | None = None, plans: Sequence[InputPlan] = ()) -> Answer:
        """Judge every cell on the fixed probes and `plans`, or else the settings' draws; `on_record` as each ends."""
        found: list[Record] = []

        def keep(record: Record) -> None:
            found.append(record)
            if on_record is not None:
                on_record(record)

        plans = (*PROBES, *plans) if plans else self._session.plans()
        self._session.run(self.cells, keep, plans)
        shown = list(all_routes())
        found = sorted(self._at_other_size(found), key=lambda one: (one.target.opencv, shown.index(one.route)))
        return Answer(subject=self._subject, info=self._info, records=advise(found), plans=plans)

    def layers(self, answer: Answer, *, every: bool = False, first: bool = False) -> LayerSearch:
        """Return the search through the layers of failing cells, or of all: run it, it gives the records anew."""
        return LayerSearch(self._session, self.cells, answer.records, answer.plans, every=every, first=first)

    def op_tables(self, records: Sequence[Record], *, every: bool = False) -> tuple[Record, ...]:
        """Return records with the operations of the graphs that do not load or run, with `every` of all graphs."""
        by_id = {cell_id(cell): cell for cell in self.cells}
        wanted = [record for record in records if self._is_tabled(record, every=every)]
        if not wanted:
            return tuple(records)
        with self._session.lane() as lane:
            tables = {CellId.of(record): lane.op_table(record, by_id[CellId.of(record)]) for record in wanted}
        return tuple(replace(record, op_table=tables.get(CellId.of(record))) for record in records)

    def advised(self, answer: Answer, records: Sequence[Record]) -> tuple[Record, ...]:
        """Return failing records with other ways to write their layers, where nothing else works or was asked for."""
        by_id = {cell_id(cell): cell for cell in self.cells}
        wanted = [record for record in records if self._wants_advice(record, records)]

        def work(lane: Lane, record: Record) -> Iterator[tuple[CellId, tuple[str, ...]]]:
            cell = by_id[CellId.of(record)]
            yield CellId.of(record), Advisor(lane, cell, record, answer.plans).advice()

        found: dict[CellId, tuple[str, ...]] = {}
        self._session.over_lanes(wanted, work, lambda pair: found.update([pair]))
        return tuple(replace(record, advice=(*record.advice, *found.get(CellId.of(record), ()))) for record in records)

    def _wants_advice(self, record: Record, records: Sequence[Record]) -> bool:
        """Whether there is a layer to write anew, on a target where no good route works, or by a route asked for."""
        if first_failing(record.layers or ()) is None or record.outcome is Outcome.OK:
            return False
        works = any(
            other.outcome is Outcome.OK and not all_routes()[other.route].stock and _is_same_target(other, record)
            for other in records
        )
        return record.route in self._session.settings.route or not works

    def _is_tabled(self, record: Record, *, every: bool) -> bool:
        """Other people's recipes are looked into where they were asked for."""
        ours = not all_routes()[record.route].stock or record.route in self._session.settings.route
        return ours and (every or is_told_by_ops(record))

    def _at_other_size(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """Return the records, those that are ok with what they are at another size, where the model leaves it open.

        A model for which somebody asked for a size is left at that one.
        """
        sizes = sizing.farthest(self._info)
        good = {CellId.of(record) for record in records if record.outcome is Outcome.OK}
        chosen = [cell for cell in self.cells if cell_id(cell) in good and not cell.subject.source.input_shapes]
        others = (
            [replace(cell, subject=sizing.resized(cell.subject, self._info, sizes)) for cell in chosen] if sizes else []
        )
        found: dict[CellId, Record] = {}
        if others:
            self._session.run(
                others, lambda record: found.update({CellId.of(record): record}), PROBES, properties=False
            )
        shapes = sizing.shapes_at(self._info, sizes) if found else ()
        return tuple(
            sizing.with_other_size(record, found[name], shapes) if (name := CellId.of(record)) in found else record
            for record in records
        )


def _is_same_target(one: Record, other: Record) -> bool:
    """Whether two cells were asked of the same OpenCV; which engine it used in the end does not count."""
    return replace(one.target, engine_used="") == replace(other.target, engine_used="")
