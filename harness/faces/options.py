"""Options of the command line that are settings: declared from `config.py`, so that commands cannot drift apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from harness.effects.config import SETTINGS, Settings, settle

RUNNING = (
    "opencv",
    "engine",
    "device",
    "route",
    "expectations",
    "regressions",
    "store",
    "jobs",
    "draws",
    "repeats",
    "threads",
    "shared_store",
)
DEADLINES = ("load_seconds", "forward_seconds", "export_seconds", "memory_gb")


class _File(click.Path):
    """A file to be written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse a name without letters, which is what an unset variable of a shell becomes."""
        if not str(value):
            self.fail("'' names no file; is a variable empty that should hold one?", param, ctx)
        return super().convert(value, param, ctx)


FILE = _File(path_type=Path)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def settings_options(*names: str) -> Callable[[Any], Any]:
    """Add the options of the named settings to a command; unset ones stay None, so that their source can be told."""

    def decorate(command: Any) -> Any:
        for name in reversed(names):
            setting = _BY_NAME[name]
            command = click.option(f"--{setting.key}", name, default=None, help=setting.help)(command)
        return command

    return decorate


def zoo_option(command: Any) -> Any:
    """Add `--dnn-zoo`, which is not called `--zoo`: that one picks cases."""
    return click.option("--dnn-zoo", "zoo", default=None, help=_BY_NAME["zoo"].help)(command)


def settled(options: Mapping[str, object]) -> Settings:
    """Return the settings for the folder we are in. Raises UsageError."""
    return settle(options, start=Path.cwd())
