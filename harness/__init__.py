"""Conformance and regression harness for running Keras models in OpenCV's dnn module.

`harness.check(model)` says whether a model or a single layer works, by which route, and what is in the way.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from harness.faces.live_models import assert_works, check

__version__ = "0.1.0"

PACKAGE: Final = Path(__file__).parent
"""The folder of this package: its code is digested from here, its programs are started from here."""

__all__ = ["PACKAGE", "__version__", "assert_works", "check"]


def __getattr__(name: str) -> Any:
    """Import the two functions when they are first used: whoever imports the package pays for nothing else."""
    if name in {"check", "assert_works"}:
        from harness.faces import live_models

        return getattr(live_models, name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
