"""`dnn-harness expect`: the known failures. Thin translations."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from harness.effects.claims import expectation_files
from harness.errors import ExitCode, UsageError
from harness.faces import delivery, terminal
from harness.faces.options import settings_options, settled, zoo_option
from harness.pure.expectations import parse, render
from harness.pure.linting import lint
from harness.pure.updating import update
from harness.routes import all_routes
from harness.usecases.session import Session


@click.group()
def expect() -> None:
    """Keep the known failures."""


@expect.command("update")
@click.argument("run", type=click.Path(path_type=Path))
@settings_options("expectations")
def expect_update(run: Path, **options: Any) -> int:
    """Rewrite the expectation files from a RUN's records; reasons and issues are kept."""
    settings = settled(options)
    files = expectation_files(settings)
    if not files:
        raise UsageError("there is no expectation file to update; name one with --expectations or [tool.dnn-harness]")
    records = delivery.merged(delivery.runs_at(run))
    known = {path: parse(path.read_text(encoding="utf-8"), str(path)) for path in files}
    updated = update([entry for entries in known.values() for entry in entries], records)
    for path, entries in delivery.by_file(files, updated).items():
        if entries != list(known[path]):
            delivery.write(path, render(entries, delivery.header_of(path)))
            terminal.say(f"rewrote {path}: {len(known[path])} -> {len(entries)} entries")
    return ExitCode.OK


@expect.command("lint")
@settings_options("expectations", "regressions")
@zoo_option
def expect_lint(**options: Any) -> int:
    """Refuse files that cannot be read, and entries that are stale, speak of no release or of those nobody has run."""
    with Session(settled(options)) as session:
        cases = [case.id for case in session.zoo()]
        findings = lint(session.expectations, cases=cases, routes=all_routes(), today=datetime.now(UTC).date())
        strange = session.regressions.strange(case.id for case in session.zoo())
    for finding in findings:
        click.echo(str(finding))
    strange = tuple(name for name in strange if not Path(name).exists())
    for name in strange:
        click.echo(f"stale-regression: {name}: no such case or file; delete its lines")
    return ExitCode.FAILED if findings or strange else ExitCode.OK
