"""Faults planted in the Keras model: what a converter folds into weights cannot be found in its graph any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.export.keras_models import from_model
from harness.export.opening import open_source
from harness.routes import all_routes
from harness.sources import Source

ROUTE = "onnx"
_LARGE, _SMALL = 1e-3, 1e-5
"""Keras's own epsilon, and the one of the library that people port from."""


def plant(source: Source, opset: int | None, kind: str, target: Path) -> str | None:
    """Build a model, plant a fault, and export it by route `onnx` to `target`; None where the fault does not apply."""
    network = open_source(source)
    change = KINDS[kind](network.model) if network.model is not None else None
    if change is None:
        return None
    # Traced anew: the function that was traced before the change knows nothing of it.
    changed = from_model(network.model, network.interface.inputs, ())
    manifest = all_routes()[ROUTE].export(changed, target.parent, opset)
    (target.parent / manifest.file).replace(target)
    return change


def _epsilon(model: Any, *, batch: bool) -> str | None:
    changed = []
    for layer in model._flatten_layers():
        is_batch = type(layer).__name__ == "BatchNormalization"
        epsilon = getattr(layer, "epsilon", None)
        if isinstance(epsilon, float) and is_batch is batch:
            layer.epsilon = _SMALL if epsilon > _SMALL * 1.5 else _LARGE
            changed.append(f"{layer.name}: {epsilon:g} became {layer.epsilon:g}")
    return f"epsilon of {changed[0]}" + (f" ({len(changed)} layers)" if len(changed) > 1 else "") if changed else None


KINDS = {
    "batch-norm-epsilon": lambda model: _epsilon(model, batch=True),
    "other-norm-epsilon": lambda model: _epsilon(model, batch=False),
}
"""Kind -> a change of a built `keras.Model`, in place; returns what was changed, or None."""
