"""What the pytest fixtures do: thin translations of `session`. Only `dnn_harness_plugin` imports pytest besides."""

from __future__ import annotations

import hashlib
import shlex
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import subjects
from harness.answers import supported
from harness.checking import check
from harness.config import SETTINGS, Settings, settle
from harness.errors import HarnessError, UsageError
from harness.inputs import InputPlan
from harness.records import Judgement, Record
from harness.routes import all_routes
from harness.session import Session
from harness.terminal import sentence

_KERAS_PACKAGES = ("keras", "tensorflow", "tf_keras")


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a pytest run: `--dnn-*`, environment, `[tool.dnn-harness]` of the project's root."""
    options = {setting.name: config.getoption(f"dnn_{setting.name}", default=None) for setting in SETTINGS}
    try:
        return settle(options, start=config.rootpath)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def open_session(config: pytest.Config) -> Session:
    """Return a session for a pytest run."""
    try:
        return Session(settings_of(config))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


class DnnCheck:
    """The `dnn_check` fixture: call it with a model."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder

    def __call__(
        self,
        model: Any,
        *,
        input_shape: Sequence[int] | Sequence[Sequence[int]] = (),
        opencv: Iterable[str] = (),
        routes: Iterable[str] = (),
        trust_lambda: bool = False,
    ) -> tuple[Record, ...]:
        """Try a model and fail the test where it is not supported; returns the records.

        `model`: a Keras model, or a path, `package.module:callable` or case id as for `dnn-harness check`.
        `input_shape`: with the batch axis; one, or one for each input. `opencv`, `routes`: as `--opencv`, `--route`;
        without `routes` one good route on each OpenCV is enough, with it all of them must work.
        """
        __tracebackhide__ = True
        settings = self._session.settings
        settings = replace(settings, opencv=tuple(opencv) or settings.opencv, route=tuple(routes) or settings.route)
        records: tuple[Record, ...] = ()
        refusal = ""
        try:
            records = self._try(model, settings, _shapes(input_shape), trust_lambda)
        except HarnessError as error:
            refusal = str(error)
        if refusal:  # not inside `except`: pytest would show the same sentence twice, as an error during another
            pytest.fail(refusal, pytrace=False)
        if not supported(records, all_routes(), settings.route):
            pytest.fail(_explain(records), pytrace=False)
        return records

    def _try(
        self, model: Any, settings: Settings, shapes: tuple[tuple[int, ...], ...], trust_lambda: bool
    ) -> tuple[Record, ...]:
        named = model if isinstance(model, str | Path) else save_model(model, self._folder)
        subject = subjects.from_text(str(named), zoo=settings.zoo, input_shapes=shapes, trust_lambda=trust_lambda)
        with self._session.using(settings):
            return check(self._session, subject).records


def _shapes(given: Sequence[Any]) -> tuple[tuple[int, ...], ...]:
    if not given:
        return ()
    return tuple(tuple(shape) for shape in (given if isinstance(given[0], Sequence) else [given]))


def save_model(model: Any, folder: Path) -> Path:
    """Save a live Keras model where the exporter can read it; returns the path. Raises UsageError for anything else.

    A model with layers of the user's own cannot be opened elsewhere without their code: it goes as a SavedModel.
    """
    if not (hasattr(model, "save") and hasattr(model, "layers")):
        raise UsageError(
            f"dnn_check got a {type(model).__name__}; give a Keras model, a path or package.module:callable"
        )
    place = folder / f"dnn_check_{hashlib.sha256(str(id(model)).encode()).hexdigest()[:8]}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Keras warns of while we save is not the user's test's business
            return _save(model, place)
    except Exception as error:  # whatever a user's own layers raise; Keras raises everything from TypeError up
        words = " ".join(str(error).split())
        raise UsageError(
            f"dnn_check cannot save this {type(model).__name__}: {type(error).__name__}: {words[:300]}; give "
            "package.module:callable instead, which is called where it is exported"
        ) from error


def _save(model: Any, place: Path) -> Path:
    if _only_stock_layers(model):
        path = place.with_suffix(".keras")
        model.save(path)
        return path
    model.export(place, verbose=False)
    return place


def _only_stock_layers(model: Any) -> bool:
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else model.layers
    classes = {type(layer) for layer in (*layers, model)}
    return all(found.__module__.partition(".")[0] in _KERAS_PACKAGES for found in classes)


def _explain(records: Sequence[Record]) -> str:
    tried = [f"tried: {line}" for line in dict.fromkeys(line for record in records for line in record.advice)]
    failing = [sentence(replace(record, judgement=None)) for record in records if record.outcome != "ok"]
    return "\n".join([*tried, *failing])


def expect(record: Record, drawn: InputPlan | None = None) -> None:
    """Fail the test unless a record is as expected; the message ends with a line that reproduces it.

    For an input that was drawn, another one follows: the command that keeps it.
    """
    __tracebackhide__ = True
    if record.judgement is not Judgement.AS_EXPECTED:
        kept = "" if drawn is None else f"\n    {shlex.join(['dnn-harness', 'keep', record.case, str(drawn)])}"
        pytest.fail(f"{sentence(record)}{kept}", pytrace=False)
