"""Live Keras models and layers from somebody's own process: saved where the exporter can read them, then checked."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cells import subjects
from harness.cells.subjects import Subject
from harness.effects.config import Settings, settle
from harness.errors import UsageError
from harness.faces.terminal import sentence
from harness.records import Outcome, Record
from harness.routes import all_routes
from harness.usecases.answers import supported
from harness.usecases.checking import check as check_subject
from harness.usecases.session import Session

_KERAS_PACKAGES = ("keras", "tensorflow", "tf_keras")
_OF_WHOLE_NUMBERS = frozenset({"Embedding", "CategoryEncoding"})

Shapes = Sequence[int] | Sequence[Sequence[int]]
"""One shape with the batch axis, or one for each input."""


def check(
    model: Any,
    *,
    input_shape: Shapes = (),
    opencv: Iterable[str] = (),
    routes: Iterable[str] = (),
    trust_lambda: bool = False,
    store: str | Path | None = None,
) -> tuple[Record, ...]:
    """Try a model on every OpenCV by every route; returns one record for each, with layers and advice where it fails.

    `model`: a Keras model; a Keras layer, which needs `input_shape`; or a path, `package.module:callable` or case id as
    for `dnn-harness check`. `input_shape`: with the batch axis; one, or one for each input. `opencv`, `routes`: as
    `--opencv` and `--route`; empty: what the settings say. Raises HarnessError for what cannot be checked at all.
    """
    options = {} if store is None else {"store": str(store)}
    with (
        Session(settle(options, start=Path.cwd())) as session,
        tempfile.TemporaryDirectory(prefix="dnn-harness-check-") as folder,
    ):
        settings = chosen(session.settings, opencv, routes)
        return checked(session, settings, model, Path(folder), input_shape, trust_lambda=trust_lambda)


def checked(
    session: Session, settings: Settings, model: Any, folder: Path, input_shape: Shapes, *, trust_lambda: bool
) -> tuple[Record, ...]:
    """Return the records of a model; a live one is saved into `folder`. Raises HarnessError."""
    subject = subject_of(model, settings, folder, input_shape, trust_lambda=trust_lambda)
    with session.using(settings):
        return check_subject(session, subject).records


def subject_of(
    model: Any, settings: Settings, folder: Path, input_shape: Shapes = (), *, trust_lambda: bool = False
) -> Subject:
    """Return what is meant by a model, a live one saved into `folder`. Raises HarnessError."""
    shapes = _shapes(input_shape)
    if not isinstance(model, str | Path):
        model = save_model(_as_model(model, shapes), folder)
    return subjects.from_text(str(model), zoo=settings.zoo, input_shapes=shapes, trust_lambda=trust_lambda)


def chosen(settings: Settings, opencv: Iterable[str], routes: Iterable[str]) -> Settings:
    """Return settings with other releases and routes where some are given."""
    return replace(settings, opencv=tuple(opencv) or settings.opencv, route=tuple(routes) or settings.route)


def assert_works(records: Record | Sequence[Record]) -> None:
    """Raise AssertionError, saying what is in the way and what helps, unless every record is `ok`."""
    several = [records] if isinstance(records, Record) else list(records)
    if any(record.outcome is not Outcome.OK for record in several):
        raise AssertionError(explain(several))


def is_supported(records: Sequence[Record], settings: Settings) -> bool:
    """Whether a model works: by every route asked for, or by a good one on each OpenCV where none was."""
    return supported(records, all_routes(), settings.route)


def explain(records: Sequence[Record]) -> str:
    """Return what helps, and what is in the way on each target."""
    tried = [f"tried: {line}" for line in dict.fromkeys(line for record in records for line in record.advice)]
    failing = [sentence(replace(record, judgement=None)) for record in records if record.outcome is not Outcome.OK]
    return "\n".join([*tried, *failing])


def _shapes(given: Shapes) -> tuple[tuple[int, ...], ...]:
    if not given:
        return ()
    several = given if isinstance(given[0], Sequence) else [given]
    return tuple(tuple(shape) for shape in several)  # type: ignore[arg-type]  # the line above has told them apart


def _as_model(model: Any, shapes: tuple[tuple[int, ...], ...]) -> Any:
    """Return a model as it is, and around a layer one of its own. Raises UsageError for anything else."""
    if hasattr(model, "save") and hasattr(model, "layers"):
        return model
    if not (hasattr(model, "get_config") and hasattr(model, "call") and "keras" in sys.modules):
        raise UsageError(
            f"got a {type(model).__name__}; give a Keras model or layer, a path or package.module:callable"
        )
    if not shapes:
        raise UsageError(
            f"the layer {type(model).__name__} needs input_shape, such as (1, 64, 64, 3): with the batch axis"
        )
    try:
        return _around(_copied(model), shapes)
    except Exception as error:  # whatever the layer raises for inputs that it does not take
        words = " ".join(str(error).split())
        raise UsageError(
            f"the layer {type(model).__name__} cannot be called on inputs of shape "
            f"{', '.join(map(str, shapes))}: {type(error).__name__}: {words[:300]}"
        ) from error


def _copied(layer: Any) -> Any:
    """Return a layer of the same configuration and weights, so that the caller's own is left as it is."""
    if type(layer).__module__.partition(".")[0] not in _KERAS_PACKAGES:
        return layer  # somebody's own: whether its configuration says all there is to say, nobody knows
    copy = type(layer).from_config(layer.get_config())
    if layer.built and layer.weights:
        copy.build_from_config(layer.get_build_config())
        copy.set_weights(layer.get_weights())
    return copy


def _around(layer: Any, shapes: tuple[tuple[int, ...], ...]) -> Any:
    keras = sys.modules["keras"]
    dtype = "int32" if type(layer).__name__ in _OF_WHOLE_NUMBERS else "float32"
    inputs = [keras.Input(batch_shape=shape, dtype=dtype) for shape in shapes]
    if len(inputs) == 1:
        return keras.Model(inputs, layer(inputs[0]))
    try:
        return keras.Model(inputs, layer(inputs))
    except (TypeError, ValueError):  # attention takes query and value as arguments, sums take a list
        return keras.Model(inputs, layer(*inputs))


def save_model(model: Any, folder: Path) -> Path:
    """Save a live Keras model where the exporter can read it; returns the path. Raises UsageError where it cannot be.

    A model with layers of the user's own cannot be opened elsewhere without their code: it goes as a SavedModel.
    """
    place = folder / f"dnn_check_{hashlib.sha256(str(id(model)).encode()).hexdigest()[:8]}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Keras warns of while we save is not the user's test's business
            return _save(model, place)
    except Exception as error:  # whatever a user's own layers raise; Keras raises everything from TypeError up
        words = " ".join(str(error).split())
        raise UsageError(
            f"cannot save this {type(model).__name__}: {type(error).__name__}: {words[:300]}; give "
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
