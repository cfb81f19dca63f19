"""The command line: options in, use cases called, exit codes out. Data goes to stdout, progress and logs to stderr."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness import (
    __version__,
    atlas_commands,
    delivery,
    expect_commands,
    picking,
    scheduling,
    selftest,
    subjects,
    terminal,
    upgrade_commands,
    zoo_commands,
)
from harness.answers import failed, supported
from harness.checking import Check
from harness.errors import ExitCode, HarnessError, UsageError
from harness.inputs import parse_ordinary
from harness.operator_commands import operators
from harness.options import DEADLINES, RUNNING, settings_options, settled, zoo_option
from harness.packing import pack
from harness.planning import parse_share
from harness.records import CellId, Record, to_json
from harness.reproducers import hand_over
from harness.reproducing import Reproducer
from harness.routes import all_routes
from harness.session import Session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dnn-harness")
def cli() -> None:
    """Will cv2.dnn load this Keras model, compute what TensorFlow computes - and if not, which layer is to blame."""


@cli.command()
@click.option("--zoo", "tier", default="core", show_default=True, help="core, full, or a glob of case ids")
@zoo_option
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports/latest"), show_default=True)
@click.option("--shard", default=None, help="run one part of the plan: 2/3 is the second of three; `report` joins them")
@settings_options(*RUNNING, "scheduler", *DEADLINES)
def run(tier: str, out: Path, shard: str | None, **options: Any) -> int:
    """Run the matrix: every case by every route on every OpenCV; writes records and a report, and resumes."""
    started = time.monotonic()
    with Session(settled(options)) as session:
        plan = session.plan_zoo(tier)
        plan = plan.part(parse_share(shard)) if shard else plan
        terminal.seating(session.seats)
        directory, earlier = session.begin(plan, out, shlex.join(["dnn-harness", *sys.argv[1:]]))
        finished = {CellId.of(record) for record in earlier}
        left = [cell for cell, name in zip(plan.cells, plan.ids, strict=True) if name not in finished]
        for case, why in plan.left_out:
            terminal.say(f"left out: {case} {why}")
        if earlier:
            terminal.say(f"resuming: {len(earlier)} of {len(plan.cells)} cells are finished")
        writer = directory.shard("host")
        try:
            with terminal.progress(len(plan.cells), done=len(earlier)) as advance:

                def keep(record: Record) -> None:
                    writer.append(record)
                    advance(record)

                scheduling.run(session, left, keep)
        finally:
            writer.close()
            records = tuple(session.judged(record) for record in directory.records())
            directory.finish(time.monotonic() - started, complete=len(records) == len(plan.cells))
            page = delivery.write_reports(directory, records)
            terminal.say(f"report: {page}")
        session.history.add(records)
        terminal.summary(records, len(plan.cells))
        if not session.tensorflow_started:
            terminal.say("everything came from the store; TensorFlow was not started")
        stale = session.stale_claims()
        for entry in stale:
            terminal.complain(f"stale-entry: {entry.where}: {entry.case} [{entry.route}] is no case or route any more")
        wrong = bool(session.seats.unavailable or stale or failed(records, len(plan.cells)))
    return ExitCode.FAILED if wrong else ExitCode.OK


@cli.command()
@click.argument("model")
@click.option("--input-shape", "shapes", multiple=True, help="1,224,224,3 with the batch axis; once per input")
@click.option("--input", "inputs", multiple=True, help="an input plan from a record, besides the fixed probes")
@click.option("--trust-lambda", is_flag=True, help="run code stored in the model file (Lambda layers)")
@click.option("--layers", is_flag=True, help="run every layer alone, also where the whole model works")
@click.option(
    "--ops",
    is_flag=True,
    help="run every operation of the exported .onnx or .pb alone, also where it works",
)
@click.option("--first", is_flag=True, help="stop at the first layer that fails")
@click.option("--no-advice", is_flag=True, help="do not look for other ways to write the layers that fail")
@click.option("--json", "as_json", is_flag=True, help="print one record per line")
@click.option("--html", "page", type=click.Path(path_type=Path), help="write the answer as a page of its own")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path),
    help="write the best file that works, with its contract and programs that run it",
)
@zoo_option
@settings_options(*RUNNING, *DEADLINES)
def check(
    model: str,
    shapes: Sequence[str],
    inputs: Sequence[str],
    trust_lambda: bool,
    layers: bool,
    ops: bool,
    first: bool,
    no_advice: bool,
    as_json: bool,
    page: Path | None,
    folder: Path | None,
    **options: Any,
) -> int:
    """Try one MODEL: a .keras, .h5, .pb, .onnx or .tflite file, a SavedModel folder, package.module:callable or a case.

    Exits with 0 when a good route works on every OpenCV asked for (with --route: when all of those do).
    """
    started = time.monotonic()
    settings = settled(options)
    plans = tuple(parse_ordinary(text) for text in inputs)
    with Session(settings) as session:
        subject = subjects.from_text(
            model,
            zoo=settings.zoo,
            input_shapes=[_shape(text) for text in shapes],
            trust_lambda=trust_lambda,
        )
        checking = Check(session, subject)
        terminal.seating(session.seats)
        with terminal.progress(len(checking.cells)) as advance:
            answer = checking.run(advance, plans)
        search = checking.layers(answer, every=layers, first=first)
        with terminal.counting(search.total) as step:
            records = search.run(lambda row: step(row.kind.layer))
        records = checking.op_tables(records, every=ops)
        if not no_advice:
            records = checking.advised(answer, records)
        if as_json:
            for record in records:
                click.echo(to_json(record))
        else:
            terminal.checked(subject.id, answer.info, records)
        if page is not None:
            command = shlex.join(["dnn-harness", *sys.argv[1:]])
            delivery.write(page, delivery.page_of(records, command, time.monotonic() - started))
            terminal.say(f"wrote {page}")
        if folder is not None:
            for path in pack(session, replace(answer, records=records), folder):
                terminal.say(f"wrote {path}")
        unavailable = bool(session.seats.unavailable)
    works = supported(records, all_routes(), settings.route) and not unavailable
    return ExitCode.OK if works else ExitCode.FAILED


@cli.command()
@click.argument("record")
@click.option("--case", default=None, help="the case that is meant, or a glob, where there are several")
@click.option("--route", default=None, help="its route")
@click.option("--opencv", default=None, help="its OpenCV")
@click.option("--out", type=click.Path(path_type=Path), default=Path("repro"), show_default=True)
@zoo_option
@settings_options("store", *DEADLINES)
def repro(record: str, case: str | None, route: str | None, opencv: str | None, out: Path, **options: Any) -> int:
    """Make a failing RECORD small enough to hand over: a folder with a minimal model and a script that shows it.

    RECORD is a file from `check --json`, - for standard input, or a run's folder. The script is run before it counts.
    """
    chosen = picking.pick(picking.read_records(record), case, route, opencv)
    with Session(settled(options)) as session:
        with terminal.status() as tell:
            found = Reproducer(session, chosen, tell).run()
        environment = session.environments.resolve(found.cell.environment)
        for path in hand_over(found, environment, out):
            terminal.say(f"wrote {path}")
    terminal.say(f"{found.outcome}: {', '.join(found.layers) or 'the model as it is'}; seen in a bare interpreter")
    return ExitCode.OK


@cli.command()
@click.argument("model")
@click.argument("plan")
@zoo_option
@settings_options("regressions")
def keep(model: str, plan: str, **options: Any) -> int:
    """Keep PLAN, an input on which MODEL once failed: a line in the file of regressions, tried ever since."""
    settings = settled(options)
    if settings.regressions is None:
        raise UsageError("there is no file to keep it in; name one with --regressions or [tool.dnn-harness]")
    kept = parse_ordinary(plan)
    subject = subjects.from_text(model, zoo=settings.zoo)
    new = delivery.keep(settings.regressions, subject.id, kept)
    terminal.say(f"{settings.regressions}: {'keeps' if new else 'has kept already'} {subject.id}  {kept}")
    return ExitCode.OK


@cli.command("selftest")
@click.option("--zoo", "tier", default="core", show_default=True, help="core, full, or a glob of case ids")
@zoo_option
@click.option("--clean", default=500, show_default=True, help="clean cells to judge at least: none may raise an alarm")
@click.option("--json", "as_json", is_flag=True, help="print the figures as one JSON object")
@click.option("--out", type=click.Path(path_type=Path), help="write the figures, for the report of a run's directory")
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


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="file to write (default: stdout)")
@click.option(
    "--format", "form", type=click.Choice(["html", "markdown", "json", "margins"]), default="html", show_default=True
)
def report(runs: Sequence[Path], out: Path | None, form: str) -> int:
    """Write a report from the records of one or more RUNs."""
    text = delivery.report([run for folder in runs for run in delivery.runs_at(folder)], form)
    if out is None:
        click.echo(text, nl=False)
    else:
        delivery.write(out, text)
        terminal.say(f"wrote {out}")
    return ExitCode.OK


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) <= 0:
        raise UsageError(f"--input-shape {text!r} is no shape; write positive numbers with the batch axis: 1,224,224,3")
    return shape


cli.add_command(zoo_commands.zoo)
cli.add_command(zoo_commands.env)
cli.add_command(expect_commands.expect)
cli.add_command(atlas_commands.atlas)
cli.add_command(operators)
cli.add_command(upgrade_commands.diff)
cli.add_command(upgrade_commands.upgrade)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; no traceback reaches the user but for a defect of ours."""
    try:
        return int(cli.main(args=arguments, prog_name="dnn-harness", standalone_mode=False) or ExitCode.OK)
    except HarnessError as error:
        terminal.complain(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        terminal.complain("interrupted; finished records are kept, and the same command resumes")
        return ExitCode.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        terminal.complain(error.format_message())
        return ExitCode.USAGE
    except BrokenPipeError:
        return ExitCode.OK  # `| head` has seen enough
    except Exception as error:  # the last line of defence: a defect of ours is named as one, with what to send
        return terminal.defect(error)


if __name__ == "__main__":
    sys.exit(main())
