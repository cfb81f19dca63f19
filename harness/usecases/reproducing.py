"""A failing cell made small enough to hand over: fewest layers, smallest shapes, same failure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from harness.anatomy import Anatomy
from harness.cells import subjects
from harness.cells.bench import Bench, Tried
from harness.cells.lane import Lane
from harness.cells.layerwise import can_be_taken_apart, is_told_by_layers
from harness.cells.library import Artifact
from harness.cells.locating import Locator
from harness.cells.subjects import Cell, Subject
from harness.chains import Chain
from harness.effects.config import Settings
from harness.encoding import to_json
from harness.errors import HarnessError, UsageError
from harness.pure.diagnose import Failure, diagnose
from harness.pure.inputs import PROBES, Array, InputPlan, expand, parse_ordinary
from harness.pure.pieces import Piece, Pieces
from harness.pure.shrinking import shrink
from harness.pure.tolerance import Reference
from harness.records import Outcome, Record, Stage
from harness.routes import all_routes
from harness.sources import Source, SourceKind
from harness.usecases.session import Session

TRIES = 150
"""Of smaller models; each takes a tenth of a second or so."""
_MOST_ALONE = 48
_CLEARLY = 4.0
"""In tolerances: a wrong result that is to convince somebody else must not be one that a coin decides."""

_CHANGING = re.compile(r"\S*/\S*|[\"'].*?[\"']|\d+")
"""What differs between two messages of one failure: places in files, names, numbers."""

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A small model, what it is given, and what comes of it."""

    record: Record
    """What was to be reproduced, as it was seen again just now."""
    cell: Cell
    artifact: Artifact
    feed: tuple[Array, ...]
    expected: tuple[Reference, ...]
    """TensorFlow's outputs; empty where OpenCV gives none that could be compared."""
    outcome: Outcome
    op: str | None
    message: str
    signal: str | None
    layers: tuple[str, ...]
    """What is left of the model, as class names; empty where its layers are not known."""
    chain: Chain | None = None
    """The model built anew; None where it is a piece of the user's own."""


class Reproducer:
    """Shrinks one failing cell."""

    def __init__(self, session: Session, record: Record, progress: Progress) -> None:
        """Raise UsageError for a record of which there is nothing to reproduce in OpenCV."""
        if not is_told_by_layers(record) or record.outcome is Outcome.EXPORT_FAILED:
            raise UsageError(
                f"the record of {record.case} [{record.route}] is {record.outcome}: there is nothing in OpenCV to "
                "reproduce; give the record of a crash, a refusal or a wrong result"
            )
        self._session = session
        self._wanted = record
        self._progress = progress
        self._words = Words.of(record)
        self._of_chains: dict[str, Record] = {}
        """What became of the small models that fail as the record says."""

    def run(self) -> Reproduction:
        """Return the smallest model found that fails as the record says. Raises UsageError where it fails no more."""
        settings = self._words.settings(self._session.settings, self._wanted)
        subject = self._words.subject(settings)
        with self._session.using(settings), self._session.lane() as lane:
            cell = next(iter(self._session.cells(subject)))
            record = lane.judge(cell, self._plans(), properties=False, locate=False)
            self._refuse_another_failure(record)
            return self._shrunk(lane, cell, record)

    def _plans(self) -> tuple[InputPlan, ...]:
        return (*PROBES, *self._words.plans)

    def _refuse_another_failure(self, record: Record) -> None:
        if not _is_same(record, self._wanted):
            raise UsageError(
                f"the record says {_shown(self._wanted)}, but now it is {_shown(record)}: the model or this harness "
                "changed since; check the model again and give the new record"
            )

    # -- layers -------------------------------------------------------------------------------------------------

    def _shrunk(self, lane: Lane, cell: Cell, record: Record) -> Reproduction:
        route, kind = all_routes()[cell.route], cell.subject.source.kind
        try:
            if can_be_taken_apart(route, kind):
                return self._taken_apart(lane, cell, record)
            if kind.has_keras:
                return self._rebuilt_alone(lane, cell, record)
        except HarnessError as error:
            self._progress(f"it cannot be taken apart: {error}")
        return self._as_it_is(lane, cell, record)

    def _taken_apart(self, lane: Lane, cell: Cell, record: Record) -> Reproduction:
        bench = lane.bench(record, cell, self._plans())
        anatomy = bench.library.anatomy(bench.subject)
        piece = self._smallest_piece(bench, anatomy, record)
        if piece is None:
            return self._as_it_is(lane, cell, record)
        parts = [anatomy.parts[place] for place in sorted(piece.places)]
        chain = self._rebuilt(lane, cell, record, anatomy, piece)
        if chain is not None:
            return self._of_chain(lane, cell, chain)
        arrays = bench.reaching(piece.cut.inputs, anatomy.inputs)
        small = replace(cell, subject=cell.subject.part(piece.cut))
        return self._of(lane, small, record, tuple(dict.fromkeys(part.class_ for part in parts)), arrays=arrays)

    def _rebuilt_alone(self, lane: Lane, cell: Cell, record: Record) -> Reproduction:
        """Return one layer built anew that fails alone, by a route of other people's, which takes whole models only."""
        anatomy = lane.library.anatomy(cell.subject)
        pieces = Pieces(anatomy)
        for place in range(min(len(anatomy.parts), _MOST_ALONE)):
            piece = pieces.around(place)
            chain = None if piece is None else self._rebuilt(lane, cell, record, anatomy, piece)
            if chain is not None:
                return self._of_chain(lane, cell, chain)
        return self._as_it_is(lane, cell, record)

    def _smallest_piece(self, bench: Bench, anatomy: Anatomy, record: Record) -> Piece | None:
        """Return one layer that fails alone, or the fewest in a row that do; None where only the whole does."""
        pieces = Pieces(anatomy)
        blamed = self._wanted.layer or record.layer
        order = sorted(range(len(anatomy.parts)), key=lambda place: anatomy.parts[place].layer != blamed)
        for place in order[:_MOST_ALONE]:
            piece = pieces.around(place)
            if piece is not None and self._fails(bench, anatomy, piece, record):
                return piece
            self._progress(f"{anatomy.parts[place].layer} is fine alone")
        culprit = Locator(bench).find(record)
        ends = [
            place for place, part in enumerate(anatomy.parts) if culprit is not None and part.layer == culprit.layer
        ]
        for start in reversed(anatomy.chain_to(ends[-1])[:-1]) if ends else ():
            piece = pieces.from_to(start, ends[-1])
            if piece is not None and self._fails(bench, anatomy, piece, record):
                return piece
        return None

    def _fails(self, bench: Bench, anatomy: Anatomy, piece: Piece, record: Record) -> bool:
        tried = bench.settle(piece.cut, bench.reaching(piece.cut.inputs, anatomy.inputs))
        return _tried_alike(tried, record)

    # -- shapes and configurations --------------------------------------------------------------------------------

    def _rebuilt(self, lane: Lane, cell: Cell, record: Record, anatomy: Anatomy, piece: Piece) -> Chain | None:
        """Return the piece built anew from its layers' configurations, as small as it still fails."""
        specs = {spec.name: spec for part in anatomy.parts for spec in part.outputs}
        inputs = dict(zip(anatomy.inputs, lane.library.info(cell.subject).inputs, strict=False)) | specs
        if len(piece.cut.inputs) != 1 or piece.cut.inputs[0] not in inputs:
            return None
        shape = inputs[piece.cut.inputs[0]].shape
        layers = tuple(dict.fromkeys(anatomy.parts[place].layer for place in sorted(piece.places)))
        try:
            chain = lane.library.chain(cell.subject, layers, tuple(size or 1 for size in shape))
        except HarnessError as error:
            self._progress(f"it stays a piece of the model: {error}")
            return None
        fails = partial(self._chain_fails, lane, cell, record)
        return shrink(chain, fails, TRIES) if fails(chain) else None

    def _chain_fails(self, lane: Lane, cell: Cell, record: Record, chain: Chain) -> bool:
        classes = ", ".join(link.class_name for link in chain.links)
        self._progress(f"{classes} on {' x '.join(map(str, chain.shape))}")
        small = _of_chain(cell, chain)
        try:
            found = self._seen(lane, small, record)
        except HarnessError:
            return False
        if found is None or not (_is_same(found, record) and _is_clear(found)):
            return False
        self._of_chains[repr(chain)] = found
        return True

    def _seen(self, lane: Lane, small: Cell, record: Record) -> Record | None:
        """Return what becomes of a small model: judged where numbers are compared, else run once."""
        if record.stage is Stage.COMPARE:
            return lane.judge(small, PROBES, properties=False, locate=False)
        artifact = lane.library.artifact(small.subject, small.route, self._opset(small, record))
        feed = expand(PROBES[0], [port.tensor for port in artifact.manifest.inputs])
        failure = diagnose(lane.run(small, artifact, feed, fresh=False).observation)
        if failure is None:
            return None
        return replace(
            record,
            outcome=failure.outcome,
            stage=failure.stage,
            op=failure.op,
            message=failure.message,
            signal=failure.signal,
            parity=None,
        )

    @staticmethod
    def _opset(cell: Cell, record: Record) -> int | None:
        """Return the opset that a record is about, where it is not the route's own."""
        return record.opset if record.opset in all_routes()[cell.route].opsets[1:] else None

    # -- what is handed over ----------------------------------------------------------------------------------------

    def _as_it_is(self, lane: Lane, cell: Cell, record: Record) -> Reproduction:
        return self._of(lane, cell, record, lane.library.info(cell.subject).layers)

    def _of_chain(self, lane: Lane, cell: Cell, chain: Chain) -> Reproduction:
        classes = tuple(link.class_name for link in chain.links)
        return self._of(lane, _of_chain(cell, chain), self._of_chains[repr(chain)], classes, chain)

    def _of(
        self,
        lane: Lane,
        cell: Cell,
        record: Record,
        layers: tuple[str, ...],
        chain: Chain | None = None,
        arrays: dict[str, Array] | None = None,
    ) -> Reproduction:
        artifact = lane.library.artifact(cell.subject, cell.route, self._opset(cell, record))
        specs = [port.tensor for port in artifact.manifest.inputs]
        plan = next((item for plan in self._plans() for item in plan.each if str(item) == _worst(record)), PROBES[0])
        feed = expand(plan, specs) if arrays is None else tuple(arrays[spec.name] for spec in specs)
        seen = lane.run(cell, artifact, feed)
        failure = diagnose(seen.observation)
        expected = () if failure is not None else lane.library.references(cell.subject, artifact, [feed])[0]
        return Reproduction(
            record=record,
            cell=cell,
            artifact=artifact,
            feed=feed,
            expected=expected,
            outcome=record.outcome if failure is None else failure.outcome,
            op=record.op if failure is None else failure.op,
            message=(record.message or "") if failure is None else failure.message,
            signal=None if failure is None else failure.signal,
            layers=layers,
            chain=chain,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The command that a record can be seen again with, taken apart."""

    model: str
    opencv: str
    engine: str | None
    device: str | None
    shapes: tuple[tuple[int, ...], ...]
    plans: tuple[InputPlan, ...]
    trust_lambda: bool

    @classmethod
    def of(cls, record: Record) -> Words:
        """Read a record's `reproduce`. Raises UsageError for one without a model."""
        words = shlex.split(record.reproduce)
        if words[:2] != ["dnn-harness", "check"] or len(words) < 3:
            raise UsageError(f"the record does not say how to run it again: {record.reproduce!r}; check the model anew")
        options: dict[str, list[str]] = {}
        left = words[3:]
        while left:
            name = left.pop(0)
            options.setdefault(name, []).append(left.pop(0) if left and not left[0].startswith("--") else "")
        return cls(
            model=words[2],
            opencv=options.get("--opencv", ["installed"])[0],
            engine=options.get("--engine", [None])[0],
            device=options.get("--device", [None])[0],
            shapes=tuple(tuple(map(int, text.split(","))) for text in options.get("--input-shape", [])),
            plans=tuple(map(parse_ordinary, options.get("--input", []))),
            trust_lambda="--trust-lambda" in options,
        )

    def settings(self, settings: Settings, record: Record) -> Settings:
        """Return settings under which the record's one cell is planned."""
        changes: dict[str, Any] = {"opencv": (self.opencv,), "route": (record.route,)}
        changes |= {"engine": (self.engine,)} if self.engine else {}
        changes |= {"device": (self.device,)} if self.device else {}
        return replace(settings, **changes)

    def subject(self, settings: Settings) -> Subject:
        """Return the model that the record is about. Raises UsageError where it is gone."""
        return subjects.from_text(
            self.model, zoo=settings.zoo, input_shapes=self.shapes, trust_lambda=self.trust_lambda
        )


def _of_chain(cell: Cell, chain: Chain) -> Cell:
    source = Source(kind=SourceKind.CHAIN, location=to_json(chain))
    return replace(cell, subject=Subject(id="minimal", source=source))


def _is_same(record: Record, other: Record) -> bool:
    """Whether two cells fail in the same way: what may differ are the numbers and names in their messages."""
    if (record.outcome, record.stage) != (other.outcome, other.stage):
        return False
    return record.stage is Stage.COMPARE or _fingerprint(record) == _fingerprint(other)


def _tried_alike(tried: Tried, record: Record) -> bool:
    if tried.failure is None:
        worst = tried.worst
        clear = worst is not None and (not worst.same_shape or worst.margin > _CLEARLY)
        return tried.outcome is record.outcome and clear
    failure = tried.failure
    return (failure.outcome, failure.stage) == (record.outcome, record.stage) and (
        _fingerprint(failure) == _fingerprint(record)
    )


def _fingerprint(failed: Record | Failure) -> tuple[str | None, str | None, str]:
    """Return what tells one failure from another of the same outcome: signal, op, and else what is said of it."""
    if failed.signal or failed.op:
        return failed.signal, failed.op, ""
    said = (failed.message or "").splitlines()
    return None, None, " ".join(_CHANGING.sub("", said[0]).split()) if said else ""


def _is_clear(record: Record) -> bool:
    return record.parity is None or record.parity.margin is None or record.parity.margin > _CLEARLY


def _worst(record: Record) -> str:
    return record.parity.worst_input if record.parity is not None else str(PROBES[0])


def _shown(record: Record) -> str:
    return " ".join(filter(None, (record.outcome, record.stage and f"at {record.stage}", record.op)))
