"""`dnn-harness check`, `repro` and `keep`: one model at a time. Thin translations."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness.cells import subjects
from harness.encoding import to_json
from harness.errors import ExitCode, UsageError
from harness.faces import delivery, picking, terminal, terminal_latency
from harness.faces.options import DEADLINES, FILE, RUNNING, settings_options, settled, zoo_option
from harness.faces.packing import pack
from harness.faces.reproducers import hand_over
from harness.manifests import ModelInfo
from harness.pure.inputs import parse_ordinary
from harness.records import Record
from harness.routes import all_routes
from harness.usecases.answers import supported
from harness.usecases.checking import Check
from harness.usecases.latency import timed
from harness.usecases.reproducing import Reproducer
from harness.usecases.session import Session


@click.command()
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
@click.option(
    "--latency",
    is_flag=True,
    help="time what works again, alone, in turns with TensorFlow and ONNX Runtime, and by layer",
)
@click.option("--json", "as_json", is_flag=True, help="print one record per line")
@click.option("--html", "page", type=FILE, help="write the answer as a page of its own")
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
    latency: bool,
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
        shown = list(records)
        try:
            if latency:
                with terminal.counting(len(shown)) as tell:
                    for place, record in enumerate(timed(session, checking.cells, records, tell)):
                        shown[place] = record
        finally:  # nothing is kept: whoever stops the timing gets what was judged and what was timed by then
            records = tuple(shown)
            _show(subject.id, answer.info, records, as_json=as_json, latency=latency)
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


@click.command()
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


@click.command()
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


def _show(model: str, info: ModelInfo, records: Sequence[Record], *, as_json: bool, latency: bool) -> None:
    if as_json:
        for record in records:
            click.echo(to_json(record))
    else:
        terminal.checked(model, info, records)
        if latency:
            terminal_latency.latencies([record for record in records if not record.untimed])


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) <= 0:
        raise UsageError(f"--input-shape {text!r} is no shape; write positive numbers with the batch axis: 1,224,224,3")
    return shape
