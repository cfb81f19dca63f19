"""What a project has written down, read from its files: known failures, and inputs that once failed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from harness.effects.config import Settings
from harness.errors import UsageError
from harness.pure.expectations import Expectations, parse
from harness.pure.regressions import Regressions
from harness.pure.regressions import parse as parse_regressions


def read_expectations(settings: Settings) -> Expectations:
    """Read every expectation file of the settings. Raises UsageError with file and line."""
    entries = [entry for path in expectation_files(settings) for entry in parse(_read(path), str(path))]
    return Expectations(entries, datetime.now(UTC).date())


def read_regressions(settings: Settings) -> Regressions:
    """Read the file of kept inputs, where the settings name one. Raises UsageError with file and line."""
    path = settings.regressions
    if path is None:
        return Regressions()
    if not path.exists():
        raise UsageError(
            f"regressions: {path} does not exist; `dnn-harness keep` creates it, "
            "or correct [tool.dnn-harness] regressions"
        )
    return parse_regressions(_read(path), str(path))


def expectation_files(settings: Settings) -> tuple[Path, ...]:
    """Return the TOML files that the settings name, or that lie in the folders they name."""
    found: list[Path] = []
    for name in settings.expectations:
        path = settings.root / name
        if not path.exists():
            raise UsageError(
                f"expectations: {path} does not exist; create it or correct [tool.dnn-harness] expectations"
            )
        found += sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
