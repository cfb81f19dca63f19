"""The layers of checked models, over all lanes: which of them fail, be it in failing cells or in all of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.anatomy import Kind
from harness.cells.lane import Lane
from harness.cells.layerwise import Layerwise, can_be_taken_apart, first_failing, is_told_by_layers
from harness.cells.locating import Locator
from harness.cells.subjects import Cell
from harness.errors import HarnessError
from harness.evidence import Node
from harness.pure.inputs import InputPlan
from harness.records import CellId, LayerVerdict, Outcome, Record
from harness.routes import all_routes
from harness.usecases.planning import cell_id
from harness.usecases.prefixes import first_failing_end
from harness.usecases.session import Session

_WORTH_A_LANE = 16
"""Layers that take about as long as another TensorFlow takes to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """Some layers of one cell: what one lane does in one go."""

    cell: Cell
    record: Record
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one layer of one cell."""

    cell: CellId
    kind: Kind
    verdict: LayerVerdict | None
    """None where it could not be run by itself."""


class LayerSearch:
    """Runs the layers of some cells alone."""

    def __init__(
        self,
        session: Session,
        cells: Sequence[Cell],
        records: Sequence[Record],
        plans: Sequence[InputPlan],
        *,
        every: bool = False,
        first: bool = False,
    ) -> None:
        """Take failing cells apart, with `every` also those that are ok; with `first` stop at the first failing layer.

        Only cells of routes that can export a part, and no recipes of other people unless they were asked for.
        """
        self._session = session
        self._records = tuple(records)
        self._plans = plans
        self._stop_at_first = first
        self._found_one = threading.Event()
        by_id = {cell_id(cell): cell for cell in cells}
        wanted = [(by_id[CellId.of(record)], record) for record in records if every or is_told_by_layers(record)]
        self._kinds: dict[CellId, tuple[Kind, ...]] = {}
        self._graphs: dict[CellId, tuple[Node, ...]] = {}
        self._chosen = [pair for pair in wanted if self._is_open(pair[0])]
        self._whole = [pair for pair in wanted if pair not in self._chosen and self._can_be_shortened(*pair)]
        if self._chosen:
            self._take_apart()

    @property
    def total(self) -> int:
        """How many layers there are to run, over all cells."""
        return sum(map(len, self._kinds.values()))

    def run(self, on_row: Callable[[Row], object]) -> tuple[Record, ...]:
        """Return the records with their layers; `on_row` is called as each layer ends."""
        rows: dict[tuple[CellId, str], LayerVerdict] = {}

        def keep(row: Row) -> None:
            if row.verdict is not None:
                rows[row.cell, row.kind.layer] = row.verdict
            on_row(row)

        self._session.over_lanes(self._shares(), self._work, keep)
        done = {name: self._told(name, rows) for name in self._kinds}
        done |= {cell_id(cell): self._shortened(cell, record) for cell, record in self._whole}
        return tuple(done.get(CellId.of(record), record) for record in self._records)

    def _is_open(self, cell: Cell) -> bool:
        route = all_routes()[cell.route]
        asked = cell.route in self._session.settings.route
        return (asked or not route.stock) and can_be_taken_apart(route, cell.subject.source.kind)

    def _can_be_shortened(self, cell: Cell, record: Record) -> bool:
        """Whether a failing cell is of a route that takes whole Keras models, and was asked for."""
        asked = cell.route in self._session.settings.route
        return asked and cell.subject.source.kind.has_keras and record.outcome is not Outcome.OK

    def _shortened(self, cell: Cell, record: Record) -> Record:
        found = None
        with self._session.lane() as lane, contextlib.suppress(HarnessError):
            found = first_failing_end(lane, cell, record, self._session.plans_for(cell, self._plans))
        return record if found is None else _blamed(replace(record, layers=(found,)), found)

    def _take_apart(self) -> None:
        with self._session.lane() as lane:
            for cell, record in self._chosen:
                with contextlib.suppress(HarnessError):  # no graph, or a model that cannot be opened: no layers
                    layerwise = self._layerwise(lane, cell, record)
                    self._kinds[cell_id(cell)], self._graphs[cell_id(cell)] = layerwise.kinds, layerwise.nodes

    def _layerwise(self, lane: Lane, cell: Cell, record: Record) -> Layerwise:
        return Layerwise(lane.bench(record, cell, self._session.plans_for(cell, self._plans)))

    def _shares(self) -> list[_Share]:
        """Deal the layers of every cell out: to several lanes where there are enough to be worth a second exporter."""
        shares = []
        for cell, record in self._chosen:
            kinds = self._kinds.get(cell_id(cell), ())
            count = max(1, min(self._session.settings.jobs, len(kinds) // _WORTH_A_LANE))
            shares += [_Share(cell=cell, record=record, kinds=kinds[place::count]) for place in range(count)]
        return [share for share in shares if share.kinds]

    def _work(self, lane: Lane, share: _Share) -> Iterator[Row]:
        layerwise = self._layerwise(lane, share.cell, share.record)
        for kind in share.kinds:
            if self._stop_at_first and self._found_one.is_set():
                return
            verdict = None
            with contextlib.suppress(HarnessError):  # TensorFlow cannot compute what reaches it: nothing is known of it
                verdict = next(layerwise.verdicts([kind]), None)
            if verdict is not None and verdict.outcome is not Outcome.OK:
                self._found_one.set()
            yield Row(cell=cell_id(share.cell), kind=kind, verdict=verdict)

    def _told(self, name: CellId, rows: dict[tuple[CellId, str], LayerVerdict]) -> Record:
        """Return a record with its layers, in the order of their work, and the layer to blame if none was known."""
        cell, record = next(pair for pair in self._chosen if cell_id(pair[0]) == name)
        found = [rows[name, kind.layer] for kind in self._kinds[name] if (name, kind.layer) in rows]
        if record.outcome is not Outcome.OK and first_failing(found) is None:
            found = self._with_company(cell, record, found)
        failing = first_failing(found) if record.outcome is not Outcome.OK else None
        record = replace(record, layers=tuple(found), graph=self._graphs[name])
        return record if failing is None else _blamed(record, failing)

    def _with_company(self, cell: Cell, record: Record, found: list[LayerVerdict]) -> list[LayerVerdict]:
        """Add what fails only in company: where no layer fails alone, one must."""
        together = None
        with self._session.lane() as lane, contextlib.suppress(HarnessError):
            bench = lane.bench(record, cell, self._session.plans_for(cell, self._plans))
            culprit = record.culprit or Locator(bench).find(record)
            layer = culprit.layer if culprit is not None else record.layer
            together = None if layer is None else Layerwise(bench).company_of(layer, record)
        if together is None:
            return found
        return [*(verdict for verdict in found if verdict.name != together.name), together]


def _blamed(record: Record, failing: LayerVerdict) -> Record:
    """Return a record with the layer to blame, where OpenCV's own words named none."""
    if record.layer is not None:
        return record
    return replace(record, layer=failing.name, op=record.op or failing.op)
