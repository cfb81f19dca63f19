"""`dnn-harness run`, `selftest` and `report`: the matrix, the instrument, what records become. Thin translations."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from harness.effects.store import resumable
from harness.encoding import to_json
from harness.errors import ExitCode, UsageError
from harness.faces import delivery, terminal
from harness.faces.options import DEADLINES, FILE, RUNNING, settings_options, settled, zoo_option
from harness.faces.picking import read_records
from harness.records import CellId, Record
from harness.report.model import RunInfo
from harness.report.since import Baseline
from harness.usecases import scheduling, selftest
from harness.usecases.answers import failed
from harness.usecases.latency import timed
from harness.usecases.planning import parse_share
from harness.usecases.session import Session

_STDIN = Path("-")


@click.command()
@click.option("--zoo", "tier", default="core", show_default=True, help="core, full, or a glob of case ids")
@zoo_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports/latest"), show_default=True)
@click.option("--shard", default=None, help="run one part of the plan: 2/3 is the second of three; `report` joins them")
@click.option(
    "--latency",
    is_flag=True,
    help="then time what works again, alone, in turns with TensorFlow and ONNX Runtime, and by layer",
)
@settings_options(*RUNNING, "scheduler", *DEADLINES)
@resumable()
def run(tier: str, out: Path, shard: str | None, latency: bool, **options: Any) -> int:
    """Run the matrix: every case by every route on every OpenCV; writes records and a report, and resumes."""
    started = time.monotonic()
    with Session(settled(options)) as session:
        plan = session.plan_zoo(tier)
        plan = plan.part(parse_share(shard)) if shard else plan
        terminal.seating(session.seats)
        command = shlex.join(["dnn-harness", *sys.argv[1:]])
        directory, earlier = session.begin(plan, out, command, latency=latency)
        finished = {CellId.of(record) for record in earlier}
        left = [cell for cell, name in zip(plan.cells, plan.ids, strict=True) if name not in finished]
        for case, why in plan.left_out:
            terminal.say(f"left out: {case} {why}")
        if earlier:
            untimed = sum(record.untimed for record in earlier) if latency else 0
            but = f", {untimed} of them but for their latency" if untimed else ""
            terminal.say(f"resuming: {len(earlier)} of {len(plan.cells)} cells are finished{but}")
        writer = directory.shard("host")
        try:
            with terminal.progress(len(plan.cells), done=len(earlier)) as advance:

                def keep(record: Record) -> None:
                    writer.append(record)
                    advance(record)

                scheduling.run(session, left, keep)
            if latency:
                waiting = [record for record in directory.records() if record.untimed]
                with terminal.counting(len(waiting)) as tell:
                    for record in timed(session, plan.cells, waiting, tell, layers=False):
                        writer.append(record)
        finally:
            writer.close()
            records = tuple(session.judged(record) for record in directory.records())
            directory.finish(time.monotonic() - started, complete=directory.plan().is_done(records))
            page = delivery.write_reports(directory, records)
            terminal.say(f"report: {page}")
            if latency:
                terminal.say(
                    f"times: on that page, and from {shlex.join(['dnn-harness', 'report', str(out)])} --format csv"
                )
        session.history.add(records)
        terminal.summary(records, len(plan.cells))
        if not session.tensorflow_started:
            terminal.say("everything came from the store; TensorFlow was not started")
        stale = session.stale_claims()
        for entry in stale:
            terminal.complain(f"stale-entry: {entry.where}: {entry.case} [{entry.route}] is no case or route any more")
        wrong = bool(session.seats.unavailable or stale or failed(records, len(plan.cells)))
    return ExitCode.FAILED if wrong else ExitCode.OK


@click.command("selftest")
@click.option("--zoo", "tier", default="core", show_default=True, help="core, full, or a glob of case ids")
@zoo_option
@click.option("--clean", default=500, show_default=True, help="clean cells to judge at least: none may raise an alarm")
@click.option("--json", "as_json", is_flag=True, help="print the figures as one JSON object")
@click.option("--out", type=FILE, help="write the figures, for the report of a run's directory")
@settings_options("opencv", "engine", "store", "jobs", "draws", *DEADLINES)
def self_test(tier: str, clean: int, as_json: bool, out: Path | None, **options: Any) -> int:
    """Measure the instrument: plant faults in every case, judge them as `run` does, and count what is detected."""
    with Session(settled(options)) as session:
        cells = selftest.cells_of(session, tier)
        with terminal.counting(len(cells)) as step:
            findings = selftest.plant_faults(session, cells, step)
        sound = selftest.clean_among(cells, findings)
        with terminal.counting(len(sound)) as step:
            judged = selftest.judge_clean_cells(session, sound, clean, step)
        command = shlex.join(["dnn-harness", *sys.argv[1:]])
        found = selftest.summarise(session, tier, findings, judged, command)
    if as_json:
        click.echo(to_json(found))
    else:
        terminal.detected(found)
    if out is not None:
        delivery.write(out, f"{to_json(found)}\n")
        terminal.say(f"wrote {out}")
    for shortfall in found.shortfalls:
        terminal.complain(shortfall)
    return ExitCode.FAILED if found.shortfalls else ExitCode.OK


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=FILE, help="file to write (default: stdout)")
@click.option(
    "--format", "form", type=click.Choice(list(delivery.FORMS)), default="html", show_default=True, help="its face"
)
@click.option("--baseline", type=click.Path(path_type=Path), help="another RUN: what changed since comes first (html)")
def report(runs: Sequence[Path], out: Path | None, form: str, baseline: Path | None) -> int:
    """Write a report from the records of one or more RUNs: a page, text, Markdown, tables for programs, a badge.

    A RUN is the folder of one, or a file of records that `check --json` printed; - is standard input.
    """
    records, info = _read(runs)
    before = None if baseline is None else _baseline(baseline, form)
    _hand_over(delivery.face(records, info, form, before), out, form)
    if info.missing:
        terminal.say(f"{len(info.missing):,} of {info.planned:,} planned cells have no record")
    return ExitCode.OK


def _read(runs: Sequence[Path]) -> tuple[Sequence[Record], RunInfo]:
    """Return the records of runs' folders, or of files. Raises UsageError where runs disagree, and for both at once."""
    files = [run for run in runs if _is_file(run)]
    if not files:
        directories = [run for folder in runs for run in delivery.runs_at(folder)]
        records: Sequence[Record] = delivery.merged(directories)
        return records, delivery.describe(directories, records)
    if len(files) < len(runs):
        raise UsageError(f"{files[0]} is no folder, and others are folders of runs; report them apart")
    records = [record for file in files for record in read_records(str(file))]
    written = datetime.now(UTC) if files[0] == _STDIN else datetime.fromtimestamp(files[0].stat().st_mtime, UTC)
    return records, delivery.describe_answers(records, "dnn-harness check --json", written)


def _is_file(run: Path) -> bool:
    """Whether records are read from it as they come: a file, a pipe (`<(...)`), or standard input."""
    return run == _STDIN or (run.exists() and not run.is_dir())


def _baseline(run: Path, form: str) -> Baseline:
    """Return a run as what another is held against. Raises UsageError for faces without a place for it."""
    if form != "html":
        raise UsageError(f"--baseline goes with --format html, not {form}; dnn-harness diff compares in other forms")
    records, info = _read([run])
    return Baseline(name=str(run), started=info.started, versions=info.versions, records=tuple(records))


def _hand_over(made: str | bytes, out: Path | None, form: str) -> None:
    """Write a report to a file or to standard output. Raises UsageError for bytes on a terminal."""
    if out is not None:
        delivery.write_bytes(out, made if isinstance(made, bytes) else made.encode())
        terminal.say(f"wrote {out}")
    elif isinstance(made, bytes) and sys.stdout.isatty():
        raise UsageError(f"{form} is not text, and standard output is a terminal; name a file: --out report.{form}")
    else:
        click.echo(made, nl=False)
