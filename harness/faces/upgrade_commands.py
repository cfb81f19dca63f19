"""`dnn-harness diff` and `upgrade`: what another OpenCV changes. Thin translations."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness.encoding import to_json
from harness.errors import ExitCode, UsageError
from harness.faces import delivery, terminal, terminal_latency, terminal_upgrades
from harness.faces.options import DEADLINES, FILE, settings_options, settled, zoo_option
from harness.pure.differing import WORSE, Change, Comparison, compare
from harness.records import Record
from harness.report.differences import write_difference_markdown, write_difference_page
from harness.usecases.answers import advise
from harness.usecases.session import Session
from harness.usecases.upgrading import cells_of, compared, models_of, sides_of


def _faces(command: Any) -> Any:
    """Add the options that say how a comparison is given out."""
    for option in (
        click.option(
            "--fail-on",
            default=",".join(sorted(WORSE)),
            show_default=True,
            help=f"kinds that make the exit code 1, of {', '.join(Change)}; empty: none",
        ),
        click.option("--markdown", type=FILE, help="write a summary for GitHub"),
        click.option("--html", "page", type=FILE, help="write a page"),
        click.option("--json", "as_json", is_flag=True, help="print the comparison as one JSON object"),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from", "old", default=None, help="release of the records before, where the run has several; 4.14 will do"
)
@click.option("--to", "new", default=None, help="release of the records after")
@_faces
def diff(before: Path, after: Path | None, old: str | None, new: str | None, **faces: Any) -> int:
    """Compare run BEFORE with run AFTER, or two releases of one run: --from 4.14.0.94 --to 5.0.0.93.

    A run is a folder that `run` wrote, or one that holds the folders of its shards. Exits with 1 where something is
    newly broken or fails otherwise; latency is left to `upgrade`, which times both in turns.
    """
    if after is None and not (old and new):
        raise UsageError("one run was given; name the releases to compare with --from and --to, or a second run")
    records = [delivery.merged(delivery.runs_at(path)) for path in (before, after or before)]
    sides = [_of(found, release) for found, release in zip(records, (old, new), strict=True)]
    return _give(compare(sides[0], advise(sides[1])), **faces)


def _of(records: Sequence[Record], release: str | None) -> tuple[Record, ...]:
    """Return the records of one release. Raises UsageError where it cannot be told which, or there are none."""
    there = list(dict.fromkeys(record.target.opencv for record in records))
    if release is None and len(there) > 1:
        raise UsageError(f"a run has records of OpenCV {', '.join(there)}; name the one to compare with --from or --to")
    meant = there if release is None else _meant(release, there)
    if len(meant) != 1:
        many = (
            f"{release} is {len(meant)} releases here" if meant else f"no record of OpenCV {release or 'any release'}"
        )
        raise UsageError(f"{many}; there are those of {', '.join(there) or 'none'}")
    return tuple(record for record in records if record.target.opencv == meant[0])


def _meant(release: str, there: Sequence[str]) -> list[str]:
    """Return which recorded releases a word means: itself, else those that it begins (`4.14` does `4.14.0.94`)."""
    return [release] if release in there else [one for one in there if one.startswith(f"{release}.")]


@click.command()
@click.argument("old")
@click.argument("new")
@click.argument("models", nargs=-1, required=True)
@click.option("--no-timing", is_flag=True, help="do not time what works on both")
@_faces
@zoo_option
@settings_options("engine", "device", "route", "expectations", "store", "jobs", "draws", "threads", *DEADLINES)
def upgrade(old: str, new: str, models: Sequence[str], no_timing: bool, **options: Any) -> int:
    """Run MODELS on OpenCV OLD and NEW, and tell what breaks, what is fixed and what gets slower.

    OLD and NEW are words of --opencv; MODELS are files, package.module:callable, cases, `core`, or globs of the zoo.
    """
    faces = {name: options.pop(name) for name in ("fail_on", "markdown", "page", "as_json")}
    settings = replace(settled(options), opencv=(old, new))
    with Session(settings) as session:
        cells = cells_of(session, models_of(session, models))
        records: list[Record] = []
        with terminal.progress(len(cells)) as advance:

            def keep(record: Record) -> None:
                records.append(record)
                advance(record)

            session.run(cells, keep)
        session.history.add(records)
        sides = sides_of(session, cells, records)
        with terminal.counting(0 if no_timing else len(sides.before)) as step:
            found = compared(session, sides, step, timing=not no_timing)
    return _give(found, **faces)


def _give(found: Comparison, *, fail_on: str, markdown: Path | None, page: Path | None, as_json: bool) -> int:
    kinds = _kinds(fail_on)
    if as_json:
        click.echo(to_json(found))
    else:
        terminal_upgrades.compared(found)
        terminal_latency.layers_that_changed(found)
    command = shlex.join(["dnn-harness", *sys.argv[1:]])
    for path, text in ((page, write_difference_page), (markdown, lambda one, _command: write_difference_markdown(one))):
        if path is not None:
            delivery.write(path, text(found, command))
            terminal.say(f"wrote {path}")
    return ExitCode.FAILED if found.fails(kinds) else ExitCode.OK


def _kinds(words: str) -> tuple[Change, ...]:
    try:
        return tuple(Change(word.strip()) for word in words.split(",") if word.strip())
    except ValueError as error:
        raise UsageError(f"--fail-on: {error}; the kinds are {', '.join(Change)}") from None
