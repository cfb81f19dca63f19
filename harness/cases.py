"""What a zoo is made of: cases, declared and not yet built. Importing a zoo module must not import Keras.

Pure: no I/O beyond importing the zoo's own modules, no pytest, no TensorFlow.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from harness.errors import UsageError
from harness.manifests import TensorSpec

BuildModel = Callable[[], Any]
"""Returns a `keras.Model`; called in the exporter only, which is where Keras may be imported."""


class Tier(StrEnum):
    """How much of the zoo: `core` is the small, quick part and belongs to `full` as well."""

    CORE = "core"
    FULL = "full"


class Weights(StrEnum):
    """Where a case's weights come from."""

    CONDITIONED = "conditioned"
    """Random, then scaled layer by layer to unit-variance activations, with biases and statistics that count."""
    TRAINED = "trained"
    """The builder loads them; they are left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One zoo entry: a lazily built Keras model, its inputs, and what it stands for.

    `inputs` have the static shapes to export with, batch axis first, in Keras's layout.
    """

    id: str
    build: BuildModel
    inputs: tuple[TensorSpec, ...]
    module: str
    """Import name of the declaring module: its source decides whether a stored artifact is still valid."""
    tier: Tier = Tier.CORE
    weights: Weights = Weights.CONDITIONED
    tags: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    """Keras layer classes, and functions as `ops.name`, that this case is about."""
    requires: tuple[str, ...] = ()
    """Import names of packages the builder needs beyond Keras."""
    picture: str | None = None
    """`module:callable` that gives the real inputs (list of `Picture`), or None."""

    @property
    def family(self) -> str:
        """Everything before the last part of the id."""
        return self.id.rpartition("/")[0]

    def missing_packages(self) -> tuple[str, ...]:
        """Return those of `requires` that are not installed."""
        return tuple(name for name in self.requires if importlib.util.find_spec(name) is None)


@cache
def load_zoo(package: str) -> tuple[Case, ...]:
    """Import every module below `package` and collect what its `CASES` declare, ordered by id.

    Raises UsageError for a package that cannot be imported and for an id declared twice.
    """
    cases: dict[str, Case] = {}
    for module in _modules(package):
        for case in getattr(module, "CASES", ()):
            if case.id in cases:
                raise UsageError(f"case {case.id!r} is declared in {cases[case.id].module} and again in {case.module}")
            cases[case.id] = case
    return tuple(cases[key] for key in sorted(cases))


def load_zoos(packages: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases of several zoos, in their order. Raises UsageError for an id that two of them declare."""
    cases: dict[str, Case] = {}
    for case in (case for package in packages for case in load_zoo(package)):
        other = cases.setdefault(case.id, case)
        if other.module != case.module:
            raise UsageError(
                f"case {case.id!r} is declared in {other.module} and again in {case.module}; "
                "name the zoos to take with --dnn-zoo"
            )
    return tuple(cases.values())


def _modules(package: str) -> Iterator[Any]:
    root = _import(package, "name importable packages with --dnn-zoo")
    yield root
    for found in pkgutil.walk_packages(getattr(root, "__path__", []), prefix=f"{package}."):
        yield _import(found.name, "mend that module")


def _import(name: str, advice: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a zoo is somebody's own code, which may raise anything while it is imported
        raise UsageError(f"zoo {name!r} cannot be imported: {type(error).__name__}: {error}; {advice}") from error


def select(cases: tuple[Case, ...], wanted: str) -> tuple[Case, ...]:
    """Return the cases of a tier (`core`, `full`) or those whose id matches a glob; a bare prefix counts as one.

    Raises UsageError when nothing matches: an empty run would look like a green one.
    """
    if wanted == Tier.FULL:
        return cases
    if wanted == Tier.CORE:
        return tuple(case for case in cases if case.tier is Tier.CORE)
    found = tuple(
        case for case in cases if fnmatchcase(case.id, wanted) or case.id.startswith(f"{wanted.rstrip('/')}/")
    )
    if not found:
        raise UsageError(f"no case matches {wanted!r}; `dnn-harness zoo list` shows all {len(cases)}")
    return found
