"""A working model in a folder of its own: the file, its contract, programs that run it, and an example to run on."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.cells.library import Artifact, Library
from harness.effects.environments import ONNX_RUNTIME
from harness.encoding import from_json, to_data
from harness.errors import HarnessError, UsageError
from harness.faces.delivery import write, write_bytes
from harness.faces.snippets import Blob, Example, programs
from harness.manifests import Layout, Manifest, Port
from harness.pure import winograd
from harness.pure.contracts import Contract, best, contract_of
from harness.pure.inputs import PROBES, expand
from harness.pure.npy import Array
from harness.pure.tolerance import Reference, derive
from harness.records import Record
from harness.routes import all_routes
from harness.usecases.checking import Answer
from harness.usecases.session import Session

_TYPES = {"f": ("CV_32F", np.float32), "i": ("CV_32S", np.int32), "u": ("CV_32S", np.int32), "b": ("CV_8U", np.uint8)}


def pack(session: Session, answer: Answer, folder: Path) -> tuple[Path, ...]:
    """Write the best artifact that loads and matches, with all that goes with it; returns the files.

    Raises UsageError where no route works, HarnessError where the folder cannot be written.
    """
    on_opencv = [record for record in answer.records if not record.target.opencv.startswith(ONNX_RUNTIME)]
    stock = frozenset(name for name, route in all_routes().items() if route.stock)
    chosen = best(on_opencv, list(all_routes()), stock)
    if not chosen:
        raise UsageError(
            "no route works for this model, so there is nothing to write; the table says what is in the way"
        )
    key = next(record.artifact for record in chosen if record.outcome == "ok")
    artifact = _artifact(session, key or "", chosen[0].route)
    with session.offline_lane() as lane:
        feed, references = _example(lane.library, answer, artifact)
    return tuple(_write(answer, chosen, artifact, feed, references, folder))


def _artifact(session: Session, key: str, route: str) -> Artifact:
    entry = session.store.get("artifact", key)
    if entry is None:
        raise HarnessError(f"the store lost artifact {key} of route {route}; run check again")
    manifest = from_json((entry / "manifest.json").read_text(), Manifest)
    return Artifact(key=key, manifest=manifest, model=entry / manifest.file)


def _example(library: Library, answer: Answer, artifact: Artifact) -> tuple[tuple[Array, ...], tuple[Reference, ...]]:
    """Return an input that every cell was run on, and TensorFlow's outputs for it."""
    feed = expand(PROBES[0], [port.tensor for port in artifact.manifest.inputs])
    return feed, library.references(answer.subject, artifact, [feed])[0]


def _write(
    answer: Answer,
    records: Sequence[Record],
    artifact: Artifact,
    feed: Sequence[Array],
    references: Sequence[Reference],
    folder: Path,
) -> Iterator[Path]:
    manifest = artifact.manifest
    model = folder / f"model{Path(manifest.file).suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact.model, model)
    except OSError as error:
        raise HarnessError(f"cannot write {model}: {error.strerror or error}; name another folder") from error
    yield model
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    contract = contract_of(manifest, answer.info, records, model.name, digest)
    write(folder / "contract.json", f"{json.dumps(to_data(contract), indent=1)}\n")
    yield folder / "contract.json"
    yield from _write_example(contract, answer, manifest, feed, references, folder)


def _write_example(
    contract: Contract,
    answer: Answer,
    manifest: Manifest,
    feed: Sequence[Array],
    references: Sequence[Reference],
    folder: Path,
) -> Iterator[Path]:
    outputs = [np.asarray(reference.float32) for reference in references]
    # Another machine may convolve by Winograd where ours did not.
    wider = winograd.AMPLIFICATION if winograd.concerns(manifest.ops) else 1.0
    allowed = tuple(wider * derive(reference).allowed for reference in references)
    arrays: dict[str, Array] = {f"input_{place}": array for place, array in enumerate(feed)}
    arrays |= {f"output_{place}": array for place, array in enumerate(outputs)}
    arrays |= {f"allowed_{place}": np.asarray(one) for place, one in enumerate(allowed)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes allow_pickle for a keyword array
    write_bytes(folder / "example.npz", buffer.getvalue())
    yield folder / "example.npz"
    inputs = [_blob(array, port) for array, port in zip(feed, manifest.inputs, strict=True)]
    expected = [_blob(array.astype(np.float32), port) for array, port in zip(outputs, manifest.outputs, strict=True)]
    for side, blobs in (("input", inputs), ("output", expected)):
        for place, (_, raw) in enumerate(blobs):
            write_bytes(folder / "example" / f"{side}_{place}.bin", raw)
    example = Example(
        inputs=tuple(blob for blob, _ in inputs), outputs=tuple(blob for blob, _ in expected), allowed=allowed
    )
    for name, text in programs(answer.subject.id, contract, example).items():
        write(folder / name, text)
        yield folder / name


def _blob(array: Array, port: Port) -> tuple[Blob, bytes]:
    """Return a tensor as OpenCV holds it, and its bytes."""
    kind, dtype = _TYPES[array.dtype.kind]
    turned = array.transpose(0, 3, 1, 2) if port.layout is Layout.NCHW and array.ndim == 4 else array
    blob = np.ascontiguousarray(turned.astype(dtype))
    return Blob(shape=blob.shape, type=kind), blob.tobytes()
