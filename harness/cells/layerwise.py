"""Every layer of a network alone: all that fail, not only the first, and what fails only in company.

Layers that compute alike are run once. Each is exported by the cell's route and given what really reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harness.anatomy import Anatomy, Kind
from harness.cells.bench import Bench, Tried
from harness.encoding import finite
from harness.evidence import Node
from harness.pure.diagnose import Failure, unconverted_op
from harness.pure.inputs import Array
from harness.pure.pieces import Piece, Pieces
from harness.records import LayerVerdict, Outcome, Record, Stage
from harness.routes import Needs, Route
from harness.sources import SourceKind

_TOLD_BY_LAYERS = frozenset(
    {
        Outcome.UNSUPPORTED_OP,
        Outcome.IMPORT_ERROR,
        Outcome.RUNTIME_ERROR,
        Outcome.WRONG_SHAPE,
        Outcome.MISMATCH,
        Outcome.CRASH,
        Outcome.TIMEOUT,
        Outcome.OUT_OF_MEMORY,
        Outcome.EXPORT_FAILED,
    }
)


def can_be_taken_apart(route: Route, kind: SourceKind) -> bool:
    """Whether layers can be exported by a route on their own: the converters of other people take whole models."""
    return kind.has_graph and route.needs not in {Needs.KERAS, Needs.FILE}


def is_told_by_layers(record: Record) -> bool:
    """Whether a failing cell's layers may tell more: not where there is no importer, or nothing to compare with."""
    return record.outcome in _TOLD_BY_LAYERS


class Layerwise:
    """Tries the layers of one cell's model."""

    def __init__(self, bench: Bench) -> None:
        """Raise HarnessError where the model cannot be taken apart."""
        self._bench = bench
        self._anatomy: Anatomy = bench.library.anatomy(bench.subject)
        self._pieces = Pieces(self._anatomy)
        self._reaching: dict[str, Array] | None = None
        self.kinds: tuple[Kind, ...] = self._anatomy.kinds()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The network as its picture needs it."""
        return self._anatomy.nodes

    def verdicts(self, kinds: Iterable[Kind]) -> Iterator[LayerVerdict]:
        """Yield what becomes of each kind of layer; of those that cannot be run by themselves, nothing."""
        for kind in kinds:
            verdict = self._verdict(kind)
            if verdict is not None:
                yield verdict

    def company_of(self, layer: str, record: Record) -> LayerVerdict | None:
        """Return the verdict on a layer that is fine alone but fails, as the cell did, after another: the nearest one.

        None where no such layer can be told.
        """
        kind = next((kind for kind in self.kinds if layer in (kind.layer, *kind.like)), None)
        places = [place for place, part in enumerate(self._anatomy.parts) if part.layer == layer]
        if kind is None or not places:
            return None
        chain = self._anatomy.chain_to(places[-1])
        for start in [place for place in reversed(chain[:-1]) if place not in places]:
            piece = self._pieces.from_to(start, places[-1])
            tried = None if piece is None else self._run(piece)
            if tried is not None and tried.outcome == record.outcome:
                before = self._anatomy.parts[start]
                how = f"fine alone, fails after {before.layer!r} ({before.class_})"
                found = _row(kind, tried)
                return replace(found, name=layer, like=(), message=_joined(how, found.message))
        return None

    def _verdict(self, kind: Kind) -> LayerVerdict | None:
        """Return the first failure among a layer's parts, or that all are fine; None where none could be run."""
        pieces = [piece for piece in map(self._pieces.around, kind.places) if piece is not None]
        company: set[int] = set()
        tried = None
        for piece in pieces:
            tried = self._run(piece)
            others = piece.places - set(kind.places)
            company |= others
            if tried.outcome is Outcome.NO_REFERENCE:
                return None
            if tried.outcome is not Outcome.OK:
                if not self._is_asked(kind, piece) or any(self._fails_by_itself(place, piece) for place in others):
                    return None  # it could not be run without another, which is to blame or may be
                return _row(kind, tried, self._names(others))
        return None if tried is None else _row(kind, tried, self._names(company))

    def _is_asked(self, kind: Kind, piece: Piece) -> bool:
        """Whether OpenCV is asked for something that the layer itself gives: a mask is heard of by its taker alone."""
        own = {spec.name for place in kind.places for spec in self._anatomy.parts[place].outputs}
        return not own.isdisjoint(piece.cut.outputs)

    def _fails_by_itself(self, place: int, within: Piece) -> bool:
        smaller = self._pieces.around(place)
        return smaller is not None and smaller.places < within.places and self._run(smaller).outcome is not Outcome.OK

    def _names(self, places: Iterable[int]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._anatomy.parts[place].layer for place in sorted(places)))

    def _run(self, piece: Piece) -> Tried:
        return self._bench.settle(piece.cut, self._arrays(piece.cut.inputs))

    def _arrays(self, tensors: Sequence[str]) -> dict[str, Array]:
        """Return what reaches a piece: all that any layer is given is computed in one go."""
        if self._reaching is None:
            wanted = [
                name
                for kind in self.kinds
                for piece in map(self._pieces.around, kind.places)
                if piece is not None
                for name in piece.cut.inputs
            ]
            self._reaching = self._bench.reaching(wanted, self._anatomy.inputs)
        if all(name in self._reaching for name in tensors):
            return self._reaching
        return self._bench.reaching(tensors, self._anatomy.inputs)


def _row(kind: Kind, tried: Tried, company: Sequence[str] = ()) -> LayerVerdict:
    failure: Failure | None = tried.failure
    message = tried.message if failure is None else " ".join(failure.message.split())
    worst = tried.worst
    if worst is not None and not worst.passed:
        off = f"output has shape {list(worst.shape_got)}, but should be {list(worst.shape_expected)}"
        message = off if not worst.same_shape else f"off by {worst.max_abs:.3g}, {worst.margin:.3g} times the allowed"
    together = f"run together with {', '.join(map(repr, company))}" if company else None
    return LayerVerdict(
        name=kind.layer,
        class_=kind.class_,
        config=kind.config,
        outcome=tried.outcome,
        stage=_stage(tried),
        op=unconverted_op(tried.message or "") if failure is None else failure.op,
        message=_joined(together, message) or None,
        like=kind.like,
        max_abs=None if worst is None else finite(worst.max_abs),
        allowed=None if worst is None else worst.tolerance.allowed,
    )


def _stage(tried: Tried) -> Stage | None:
    if tried.outcome is Outcome.OK:
        return None
    if tried.failure is not None:
        return tried.failure.stage
    return Stage.EXPORT if tried.outcome is Outcome.EXPORT_FAILED else Stage.COMPARE


def _joined(*words: str | None) -> str:
    return ": ".join(word for word in words if word)


def first_failing(verdicts: Sequence[LayerVerdict]) -> LayerVerdict | None:
    """Return the first layer that fails; None where all that were run are fine."""
    return next((verdict for verdict in verdicts if verdict.outcome is not Outcome.OK), None)
