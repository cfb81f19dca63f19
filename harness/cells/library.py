"""Artifacts and references: from the store where it has them, else from the exporter, and into the store.

With a warm store the exporter is never started, and so TensorFlow is never imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import errors
from harness.anatomy import Anatomy
from harness.cells.subjects import Subject
from harness.chains import Chain
from harness.effects import fingerprint
from harness.effects.artifacts import ArtifactStore
from harness.effects.exporting import Exporter
from harness.encoding import from_json, to_json
from harness.errors import ExportFailedError, HarnessError, ModelRejectedError, NoReferenceError
from harness.manifests import Manifest, ModelInfo, OpEntries, OpEntry
from harness.pure import npy
from harness.pure.inputs import Array, digest
from harness.pure.tolerance import SINGLE, K, Reference
from harness.suggestions import Suggestion, Suggestions

_FAILURE = "failure.json"
_NOISE = "noise.json"
_LASTING = (ExportFailedError, ModelRejectedError, NoReferenceError)
"""Errors that are facts about the model: they are stored like a success. A lost child or a full disk is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An exported model on disk."""

    key: str
    manifest: Manifest
    model: Path


class Library:
    """What is known of models, by content. One per lane: it owns an exporter."""

    def __init__(self, store: ArtifactStore, exporter: Exporter) -> None:
        self._store = store
        self._exporter = exporter
        self._models: dict[Subject, str] = {}
        self._read: dict[str, tuple[Reference, ...]] = {}
        self._read_of = ""
        """The weights whose references were read last: every route of a case asks for the same ones."""

    def info(self, subject: Subject) -> ModelInfo:
        """Return what a model is. Raises ModelRejectedError."""

        def build(folder: Path) -> None:
            (folder / "info.json").write_text(to_json(self._exporter.describe(subject.source)))

        return _read_info(self._entry("info", self._key(subject), build))

    def anatomy(self, subject: Subject) -> Anatomy:
        """Return a model's layers and what passes between them. Raises ModelRejectedError, ExportFailedError."""

        def build(folder: Path) -> None:
            (folder / "anatomy.json").write_text(to_json(self._exporter.anatomy(subject.source)))

        folder = self._entry("anatomy", self._key(subject), build)
        return from_json((folder / "anatomy.json").read_text(), Anatomy)

    def suggestions(self, subject: Subject, layers: Sequence[str]) -> tuple[Suggestion, ...]:
        """Return the other ways to write some layers, none of them tried. Raises HarnessError."""

        def build(folder: Path) -> None:
            (folder / "suggestions.json").write_text(to_json(self._exporter.suggest(subject.source, layers)))

        folder = self._entry("suggestions", self._key(subject, *layers), build)
        return from_json((folder / "suggestions.json").read_text(), Suggestions).entries

    def chain(self, subject: Subject, layers: Sequence[str], shape: Sequence[int]) -> Chain:
        """Return layers of a model as a chain of their own. Raises ExportFailedError where they are no stock layers."""

        def build(folder: Path) -> None:
            (folder / "chain.json").write_text(to_json(self._exporter.chain(subject.source, layers, shape)))

        folder = self._entry("chain", self._key(subject, *layers, repr(tuple(shape))), build)
        return from_json((folder / "chain.json").read_text(), Chain)

    def stored_info(self, subject: Subject) -> ModelInfo | None:
        """Return what the store knows of a model, or None; no model is opened for it.

        Raises ModelRejectedError for one that was refused.
        """
        if subject.fingerprint() is None:
            return None
        folder = self._store.get("info", self._key(subject))
        return None if folder is None else _read_info(folder)

    def artifact(self, subject: Subject, route: str, opset: int | None = None) -> Artifact:
        """Return a model exported by a route, at an opset other than the route's own where one is given.

        Raises ExportFailedError, ModelRejectedError.
        """
        key = self._key(subject, route, *([] if opset is None else [f"opset {opset}"]))

        def build(folder: Path) -> None:
            manifest = self._exporter.export(subject.source, route, folder, opset)
            (folder / "manifest.json").write_text(to_json(manifest))

        folder = self._entry("artifact", key, build)
        manifest = from_json((folder / "manifest.json").read_text(), Manifest)
        return Artifact(key=key, manifest=manifest, model=_within(folder, manifest.file))

    def single_ops(self, artifact: Artifact) -> tuple[tuple[OpEntry, Path | None], ...]:
        """Return an ONNX artifact's distinct operations, each with the file of its own where it has one.

        Raises ExportFailedError.
        """

        def build(folder: Path) -> None:
            found = self._exporter.single_ops(artifact.model, artifact.manifest, folder)
            (folder / "ops.json").write_text(to_json(found))

        folder = self._entry("ops", fingerprint.combine(artifact.key, "ops"), build)
        found = from_json((folder / "ops.json").read_text(), OpEntries)
        return tuple(
            (one, None if one.manifest is None else _within(folder, one.manifest.file)) for one in found.entries
        )

    def references(
        self, subject: Subject, artifact: Artifact, feeds: Sequence[Sequence[Array]]
    ) -> tuple[tuple[Reference, ...], ...]:
        """Return TensorFlow's outputs for each feed (arrays in Keras layout), in the artifact's output order.

        All that are missing are computed in one request. A network that was rewritten is held to what it stands for.
        Raises NoReferenceError.
        """
        subject = subject.referred()
        names = [port.name for port in artifact.manifest.outputs]
        return self._references(subject, artifact.manifest.weights_digest, names, feeds)

    def values(self, subject: Subject, feed: Sequence[Array]) -> tuple[Array, ...]:
        """Return TensorFlow's float32 outputs of a model for a feed: no artifact, no tolerance.

        Raises ModelRejectedError, ExportFailedError, NoReferenceError.
        """

        def build(folder: Path) -> None:
            with self._store.scratch() as scratch:
                given = npy.write_feed(scratch / "in.npz", feed)
                self._exporter.values(subject.source, given, folder / "values.npz")

        folder = self._entry("values", self._key(subject, digest(feed)), build)
        arrays = npy.read_archive(folder / "values.npz")
        return tuple(arrays[f"o{index}"] for index in range(len(arrays)))

    def rounding(self, subject: Subject, feed: Sequence[Array]) -> tuple[float, ...]:
        """Return more of what rounding does to each of TensorFlow's outputs for a feed, as E.

        The largest of how far they go as the feed moves by an ulp, and of a K-th of how far as means are off by what a
        sum one after another may be. Raises NoReferenceError.
        """
        subject = subject.referred()

        def build(folder: Path) -> None:
            with self._store.scratch() as scratch:
                moved, bent = self._exporter.rounding(subject.source, npy.write_feed(scratch / "in.npz", feed))
            noise = [max(one, other / K) for one, other in zip(moved, bent, strict=True)]
            (folder / _NOISE).write_text(json.dumps(noise))

        folder = self._entry("rounding", self._key(subject, digest(feed)), build)
        return tuple(json.loads((folder / _NOISE).read_text()))

    def _references(
        self, subject: Subject, weights: str, names: Sequence[str], feeds: Sequence[Sequence[Array]]
    ) -> tuple[tuple[Reference, ...], ...]:
        if self._read_of != weights:
            self._read, self._read_of = {}, weights
        keys = [self._key(subject, weights, digest(feed)) for feed in feeds]
        missing = {
            key: feed
            for key, feed in zip(keys, feeds, strict=True)
            if key not in self._read and self._store.get("reference", key) is None
        }
        if missing:
            with self._store.lock("references", self._key(subject, weights)):
                left = {key: feed for key, feed in missing.items() if self._store.get("reference", key) is None}
                self._compute(subject, weights, left)
        found = tuple(self._read_reference(key, names) for key in keys)
        if subject.source.cut is not None:  # asked for once; all taps of a case would be a network's activations
            for key in keys:
                self._read.pop(key, None)
        return found

    def _compute(self, subject: Subject, weights: str, missing: dict[str, Sequence[Array]]) -> None:
        if not missing:
            return
        with self._store.scratch() as scratch:
            inputs = [npy.write_feed(scratch / f"{key}.in.npz", feed) for key, feed in missing.items()]
            folders = {key: scratch / key for key in missing}
            for folder in folders.values():
                folder.mkdir()
            try:
                outputs = [folder / "reference.npz" for folder in folders.values()]
                answer = self._exporter.reference(subject.source, inputs, outputs)
            except NoReferenceError as error:
                for folder in folders.values():
                    _write_failure(folder, error)
                answer = {"weights_digest": weights, "why": ""}
            if answer["weights_digest"] != weights:
                raise HarnessError(
                    f"{subject.id} builds different weights each time, so its artifact cannot be compared; "
                    "load fixed weights in its builder"
                )
            for key, folder in folders.items():
                (folder / "why.txt").write_text(answer["why"])
                self._store.put("reference", key, folder)

    def _read_reference(self, key: str, names: Sequence[str]) -> tuple[Reference, ...]:
        if key not in self._read:
            self._read[key] = self._read_arrays(key, names)
        return tuple(replace(one, name=name) for one, name in zip(self._read[key], names, strict=True))

    def _read_arrays(self, key: str, names: Sequence[str]) -> tuple[Reference, ...]:
        folder = self._store.get("reference", key)
        if folder is None:
            raise HarnessError(f"the store lost a reference that was just written ({key}); run again")
        _raise_stored(folder)
        why = (folder / "why.txt").read_text()
        arrays = npy.read_archive(folder / "reference.npz")
        return tuple(
            Reference(
                name=name,
                float32=arrays[f"f32_{index}"],
                best=arrays[f"f64_{index}"],
                noise=float(arrays[f"noise_{index}"]),
                why=why,
                roundoff=float(arrays["roundoff"]) if "roundoff" in arrays else SINGLE,
            )
            for index, name in enumerate(names)
        )

    def _key(self, subject: Subject, *more: str) -> str:
        """Return the store key of something made from this model by today's exporter."""
        whole = subject.whole()
        if whole not in self._models:
            self._models[whole] = whole.fingerprint() or self._built(whole)
        part = [] if subject.source.cut is None else [repr(subject.source.cut)]
        return fingerprint.combine(self._models[whole], fingerprint.exporter(), *part, *more)

    def _built(self, subject: Subject) -> str:
        """Return the digest of what a callable builds: only building it tells whether it is the same as last time."""
        info = self._exporter.describe(subject.source)
        return fingerprint.combine("built", info.weights_digest, info.structure_digest)

    def _entry(self, kind: str, key: str, build: Callable[[Path], None]) -> Path:
        """Return the stored folder, building it under a lock where it is absent or damaged."""
        folder = self._store.get(kind, key)
        if folder is None:
            with self._store.lock(kind, key):
                folder = self._store.get(kind, key) or self._build(kind, key, build)
        _raise_stored(folder)
        return folder

    def _build(self, kind: str, key: str, build: Callable[[Path], None]) -> Path:
        with self._store.scratch() as scratch:
            folder = scratch / "entry"
            folder.mkdir()
            try:
                build(folder)
            except _LASTING as error:
                for left in folder.iterdir():
                    left.unlink()
                _write_failure(folder, error)
            return self._store.put(kind, key, folder)


def _within(folder: Path, name: str) -> Path:
    """Return a file of an entry, whose names may come from another machine. Raises HarnessError for any other file."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise HarnessError(f"{folder} names {name!r} as its model, which is not in it; delete that folder")
    return path


def _read_info(folder: Path) -> ModelInfo:
    _raise_stored(folder)
    return from_json((folder / "info.json").read_text(), ModelInfo)


def _write_failure(folder: Path, error: HarnessError) -> None:
    (folder / _FAILURE).write_text(json.dumps({"error": type(error).__name__, "message": str(error)}))


def _raise_stored(folder: Path) -> None:
    """Raise the error that was stored instead of a result, if one was."""
    path = folder / _FAILURE
    if path.exists():
        stored = json.loads(path.read_text())
        kind = {error.__name__: error for error in _LASTING}.get(stored["error"], errors.HarnessError)
        raise kind(stored["message"])
