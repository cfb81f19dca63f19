"""What is put to the test: a zoo case or a user's own model, with the digest of everything it is made from."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cases import Case, load_zoos
from harness.effects import fingerprint
from harness.effects.sniff import recognise
from harness.errors import UsageError
from harness.records import Target
from harness.sources import Cut, Rewrite, Source, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model to be tried, named but not opened."""

    id: str
    """Case id, or the model as the user named it."""
    source: Source
    family: str = ""
    picture: str | None = None
    """`module:callable` giving real inputs, or None."""
    by_itself: bool = False
    """Whether a rewritten model is held to its own numbers in TensorFlow, not to those of the model it stands for."""

    def conditioned(self) -> Subject | None:
        """Return the same model with conditioned weights; None where it has them already, or no Keras layers."""
        source = self.source
        if source.kind is SourceKind.CASE or not source.kind.has_keras or source.conditioned:
            return None
        return replace(self, source=replace(source, conditioned=True))

    def part(self, cut: Cut) -> Subject:
        """Return a part of this model as a subject of its own, without pictures: its inputs may be no images.

        A part of a part is one of the whole: what the first names its outputs are tensors of the whole network.
        """
        if self.source.cut is not None:
            own = {f"output_{place}:0": name for place, name in enumerate(self.source.cut.outputs)}
            inputs = tuple(own.get(name, name) for name in cut.inputs)
            cut = Cut(outputs=tuple(own.get(name, name) for name in cut.outputs), inputs=inputs)
        return replace(self, source=replace(self.source, cut=cut), picture=None)

    def rewritten(self, rewrites: Sequence[Rewrite], *, by_itself: bool = False) -> Subject:
        """Return the same model with some layers written another way; `by_itself` it is held to its own numbers."""
        return replace(self, source=replace(self.source, rewrites=tuple(rewrites)), by_itself=by_itself)

    def up_to(self, layer: str) -> Subject:
        """Return the model that ends with one of this one's layers."""
        return replace(self, source=replace(self.source, until=layer))

    def referred(self) -> Subject:
        """Return the model that says what the outputs should be: for a rewritten one, the one it stands for."""
        if self.by_itself or not self.source.rewrites:
            return self
        return replace(self, source=replace(self.source, rewrites=()))

    def whole(self) -> Subject:
        """Return the model that this is a part of: itself, in most cases."""
        return self if self.source.cut is None else replace(self, source=replace(self.source, cut=None))

    def fingerprint(self) -> str | None:
        """Return the digest of what the model is made from; None where only opening it can tell (a callable)."""
        source = self.source
        shapes = repr((source.input_shapes, source.trust_lambda, source.conditioned, source.until, source.rewrites))
        if source.kind is SourceKind.CALLABLE:
            return None
        if source.kind is SourceKind.CHAIN:
            return fingerprint.combine(source.kind, shapes, source.location)
        if source.kind is SourceKind.CASE:
            return fingerprint.combine("case", self.id, shapes, *(fingerprint.module(name) for name in self._modules()))
        return fingerprint.combine(source.kind, shapes, fingerprint.path(Path(source.location)))

    def _modules(self) -> tuple[str, ...]:
        case = next(case for case in load_zoos(self.source.zoo) if case.id == self.id)
        return (case.module,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where a cell runs, in the words of the settings."""

    environment: str
    """The word of `--opencv`."""
    engine: str = "default"
    device: str = "CPU"

    def __str__(self) -> str:
        """Return what differs from the usual."""
        engine = "" if self.engine == "default" else f" {self.engine}"
        device = "" if self.device == "CPU" else f" {self.device}"
        return f"{self.environment}{engine}{device}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One question: this model, by this route, on this target."""

    subject: Subject
    route: str
    target: Target
    environment: str
    """The word of `--opencv` that names the target."""
    device: str = "CPU"

    @property
    def seat(self) -> Seat:
        """Where it runs."""
        return Seat(environment=self.environment, engine=self.target.engine_asked, device=self.device)


def from_case(case: Case, zoo: tuple[str, ...]) -> Subject:
    """Return the subject for a zoo case."""
    source = Source(kind=SourceKind.CASE, location=case.id, zoo=zoo)
    return Subject(id=case.id, source=source, family=case.family, picture=case.picture)


def from_text(
    model: str, *, zoo: tuple[str, ...], input_shapes: Sequence[tuple[int, ...]] = (), trust_lambda: bool = False
) -> Subject:
    """Return the subject a user means by a file, a folder, `package.module:callable` or a case id.

    Raises UsageError (ModelRejectedError for a file that is not what it seems).
    """
    options = {"input_shapes": tuple(input_shapes), "trust_lambda": trust_lambda}
    path = _path(model)
    if path is not None:
        source = Source(kind=recognise(path), location=str(path.resolve()), **options)  # type: ignore[arg-type]
        return Subject(id=model, source=source, family="files")
    if ":" in model:
        return Subject(
            id=model,
            source=Source(kind=SourceKind.CALLABLE, location=_callable_name(model), **options),  # type: ignore[arg-type]
            family="callables",
        )
    subject = from_case(_find_case(model, zoo), zoo)
    return replace(subject, source=replace(subject.source, **options))  # type: ignore[arg-type]


def _path(model: str) -> Path | None:
    """Return the file or folder that is meant, be it there or not; None for what can only be another name."""
    try:
        path = Path(model).expanduser()
        return path if path.exists() or _looks_like_a_path(model) else None
    except (OSError, RuntimeError) as error:  # too long a name; the home of a user who is not there
        raise UsageError(f"{model[:80]!r} cannot be a file: {error}; name a file, a folder or a case id") from None


def _looks_like_a_path(model: str) -> bool:
    return ":" not in model and bool(Path(model).suffix or model.startswith((".", "/", "~")) or model.endswith("/"))


def _callable_name(model: str) -> str:
    module, _, name = model.partition(":")
    if not (all(part.isidentifier() for part in module.split(".")) and name.isidentifier()):
        raise UsageError(
            f"{model!r} is neither a file nor package.module:callable; write for example my_nets.unet:build"
        )
    return model


def _find_case(model: str, zoo: tuple[str, ...]) -> Case:
    cases = {case.id: case for case in load_zoos(zoo)}
    if model in cases:
        missing = cases[model].missing_packages()
        if missing:
            raise UsageError(f"case {model!r} needs {', '.join(missing)}, not installed here; see its `requires`")
        return cases[model]
    near = difflib.get_close_matches(model, cases, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`dnn-harness zoo list` shows the cases"
    raise UsageError(f"{model!r} is no file, no package.module:callable and no case id; {hint}")
