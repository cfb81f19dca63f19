"""Writing what was reproduced: a folder to attach to an issue of OpenCV's, whose script was seen to fail."""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from harness.chains import code
from harness.effects.environments import INSTALLED, Environment
from harness.effects.launching import environment as worker_environment
from harness.encoding import to_json
from harness.errors import HarnessError
from harness.faces.delivery import write, write_bytes
from harness.faces.snippets import environment as templates
from harness.pure.contracts import IMPORTERS
from harness.pure.inputs import Array
from harness.pure.tolerance import derive
from harness.records import Outcome
from harness.usecases.reproducing import Reproduction

_SECONDS = 120
_COMPARED = frozenset({Outcome.MISMATCH, Outcome.WRONG_SHAPE})


def hand_over(found: Reproduction, environment: Environment, folder: Path) -> tuple[Path, ...]:
    """Write the folder once its script was seen to show the failure in a bare interpreter; returns the files.

    Raises HarnessError, and leaves nothing behind, where it does not show there or the folder cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise HarnessError(f"{folder} exists and is no empty folder; name another one with --out")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".dnn-harness-repro-", dir=folder.parent) as scratch:
            draft = Path(scratch) / "repro"
            _write(found, draft)
            told = _prove(found, environment, draft)
            write(draft / "ISSUE.md", _issue(found, environment, told))
            draft.replace(folder)
    except OSError as error:
        raise HarnessError(f"cannot write {folder}: {error.strerror or error}; name another place") from error
    return tuple(sorted(folder.iterdir()))


def _write(found: Reproduction, draft: Path) -> None:
    manifest = found.artifact.manifest
    model = f"model{Path(manifest.file).suffix}"
    draft.mkdir()
    shutil.copyfile(found.artifact.model, draft / model)
    write_bytes(draft / "input.npz", _npz({f"input_{place}": array for place, array in enumerate(found.feed)}))
    if found.expected:
        arrays: dict[str, Array] = {}
        for place, reference in enumerate(found.expected):
            arrays[f"output_{place}"] = reference.float32
            arrays[f"allowed_{place}"] = np.asarray(derive(reference).allowed)
        write_bytes(draft / "expected.npz", _npz(arrays))
    _write_script(found, draft, "")
    write(draft / "record.json", f"{to_json(found.record)}\n")
    if found.chain is not None:
        write(draft / "model.py", code(found.chain))


def _write_script(found: Reproduction, draft: Path, signature: str) -> None:
    words = _words(found) | {"signature": signature}
    write(draft / "reproduce.py", templates().get_template("reproduce.py.j2").render(words))


def _npz(arrays: Mapping[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stub takes allow_pickle for a keyword array
    return buffer.getvalue()


def _prove(found: Reproduction, environment: Environment, draft: Path) -> str:
    """Run the script as whoever gets it would; returns what it printed. Raises HarnessError where nothing shows.

    Where an exception is expected, a first run tells its words, which must be the record's; a second must find them.
    """
    if found.expected or found.signal or found.outcome is Outcome.TIMEOUT:
        return _seen(found, environment, draft)
    told = _ran(environment, draft)
    words = re.search(r"^\w[\w.]*: (.*)\nThis is another failure", told.stdout, re.MULTILINE | re.DOTALL)
    said = told.stdout + told.stderr
    known = found.op or stable(found.message.splitlines()[0] if found.message else "")
    if words is None or (known not in said and known not in stable(said)):
        raise HarnessError(
            f"the failure does not show in a bare interpreter: {known!r} was expected; it said: {_last(told)}"
        )
    _write_script(found, draft, stable(words[1]))
    return _seen(found, environment, draft)


def stable(text: str) -> str:
    """Leave out of an error's words what differs between releases and machines: places in files, numbers, names."""
    return " ".join(re.sub(r"\S*/\S*|[\"'].*?[\"']|\d+", "", text).split())


def _seen(found: Reproduction, environment: Environment, draft: Path) -> str:
    """Return what the script prints where it ends as it should."""
    try:
        done = _ran(environment, draft)
    except subprocess.TimeoutExpired as error:
        if found.outcome is Outcome.TIMEOUT:
            return f"it did not end in {_SECONDS} s"
        raise HarnessError(f"the reproducer did not end in {_SECONDS} s in a bare interpreter") from error
    expected = -getattr(signal, found.signal) if found.signal else 0
    if done.returncode != expected:
        raise HarnessError(
            f"the failure does not show in a bare interpreter: it ended with {done.returncode} where {expected} was "
            f"expected; it said: {_last(done)}"
        )
    return done.stdout.strip()


def _ran(environment: Environment, draft: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(environment.python), "-I", "reproduce.py"],
        cwd=draft,
        env=worker_environment(os.environ),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())[-500:]


def _words(found: Reproduction) -> dict[str, object]:
    manifest = found.artifact.manifest
    asked = found.cell.target.engine_asked
    several = not found.cell.target.opencv.startswith("4.")
    return {
        "title": _title(found),
        "signal": found.signal,
        "raises": not found.expected,
        "importer": IMPORTERS[manifest.format],
        "model": f"model{Path(manifest.file).suffix}",
        "engine": asked if asked != "default" and several else None,
        "inputs": manifest.inputs,
        "outputs": manifest.outputs,
    }


def _issue(found: Reproduction, environment: Environment, told: str) -> str:
    target, manifest = found.cell.target, found.artifact.manifest
    words = _words(found) | {
        "opencv": target.opencv,
        "headless": environment.asked != INSTALLED,
        "platform": platform.platform(),
        "python": target.python,
        "description": "".join(_description(found)),
        "message": found.message if not found.expected else "",
        "layers": found.layers,
        "opset": manifest.opset,
        "converter": next(iter(manifest.notes), None),
        "ops": ", ".join(f"{op} x {count}" for op, count in manifest.ops.items()),
        "code": code(found.chain) if found.chain is not None else None,
        "outcome": "It prints:\n\n```\n" + told.replace("```", "'''") + "\n```" + _ending(found),
    }
    return templates().get_template("ISSUE.md.j2").render(words)


def _title(found: Reproduction) -> str:
    what = f"a model of {', '.join(found.layers)}" if found.layers else "a model"
    stage = "loading" if found.record.stage == "load" else "running"
    if found.outcome is Outcome.CRASH:
        return f"cv2.dnn crashes ({found.signal}) when {stage} {what}"
    if found.outcome in _COMPARED:
        return f"cv2.dnn gives wrong results for {what}"
    op = f" because of {found.op}" if found.op else ""
    return f"cv2.dnn fails when {stage} {what}{op}"


def _description(found: Reproduction) -> Iterator[str]:
    if found.outcome is Outcome.CRASH:
        yield f"The interpreter ends by {found.signal}; no exception is raised."
    elif found.outcome in _COMPARED:
        yield f"Compared with TensorFlow in float64: {found.record.message or found.outcome}."
    else:
        yield f"It should load and run; TensorFlow runs the same network. Outcome: {found.outcome}."


def _ending(found: Reproduction) -> str:
    return f"\n\nand then the interpreter ends by {found.signal}." if found.signal else ""
