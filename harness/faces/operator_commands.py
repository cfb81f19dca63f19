"""`dnn-harness operators`: which ONNX operators each OpenCV gets right, at which opset. A thin translation."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.effects.operator_runs import OperatorRun
from harness.effects.store import resumable
from harness.encoding import to_json
from harness.errors import ExitCode
from harness.faces import delivery, terminal, terminal_operators
from harness.faces.options import settings_options, settled
from harness.operators import OperatorCell, OperatorPlan, OperatorRecord
from harness.report.operator_pages import write_operator_markdown, write_operator_page
from harness.report.operator_table import OperatorTable, build_table
from harness.usecases.operator_running import OperatorTests
from harness.usecases.session import Session

_TERMINAL_ROWS = 40
_SETTINGS = ("opencv", "engine", "device", "store", "jobs", "load_seconds", "forward_seconds", "memory_gb")


@click.command()
@click.option(
    "--only", default="*", show_default=True, help="glob of case ids, names or operators: 'node/*conv*', Gemm"
)
@click.option("--out", type=click.Path(path_type=Path), help="folder for records, a page and a summary; resumes")
@click.option("--json", "as_json", is_flag=True, help="print one record per line")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "html", "json"]),
    default="terminal",
    show_default=True,
    help="how the table is printed; json is the table, --json the records it is made of",
)
@settings_options(*_SETTINGS)
def operators(only: str, out: Path | None, as_json: bool, form: str, **options: Any) -> int:
    """Run the backend tests of the installed onnx on every OpenCV: a table of operators by opset.

    Compared strictly, as ONNX's own runner does, and leniently, without axes of size 1 and dtypes. Exits with 0 when
    every planned case has a record: what OpenCV lacks is the answer, not an error.
    """
    command = shlex.join(["dnn-harness", *sys.argv[1:]])
    with Session(settled(options)) as session:
        tests = OperatorTests(session, only)
        for name, why in session.seats.unavailable.items():
            terminal.complain(f"{name} is left out: {why}")
        plan = tests.plan(command)
        records = _recorded(tests, plan, out) if out is not None else _run(tests, plan, (), lambda _record: None)
    table = build_table(records, corpus=plan.corpus, command=command, started=plan.started, planned=len(plan.cells))
    if out is not None:
        _deliver(table, out)
    if as_json:
        for record in records:
            click.echo(to_json(record))
    else:
        _print(table, form)
    return ExitCode.OK if len(records) == len(plan.cells) else ExitCode.FAILED


@resumable()
def _recorded(tests: OperatorTests, plan: OperatorPlan, out: Path) -> tuple[OperatorRecord, ...]:
    """Run what an interrupted run of the same plan left, each record on disk as its case ends."""
    run = OperatorRun(out)
    earlier = run.begin(plan)
    if earlier:
        terminal.say(f"resuming: {len(earlier)} of {len(plan.cells)} cases are finished")
    shard = run.writer()
    try:
        _run(tests, plan, earlier, shard.append)
    finally:
        shard.close()
    return run.records()


def _run(
    tests: OperatorTests,
    plan: OperatorPlan,
    earlier: Sequence[OperatorRecord],
    keep: Callable[[OperatorRecord], None],
) -> tuple[OperatorRecord, ...]:
    found: dict[OperatorCell, OperatorRecord] = {}
    with terminal.counting(len(plan.cells), len(earlier)) as step:

        def take(record: OperatorRecord) -> None:
            keep(record)
            if record.cell not in found:  # what was right by luck comes twice
                step(f"{record.case} {record.target.opencv} {record.strict}")
            found[record.cell] = record

        tests.run(take, earlier)
    return tuple(found.values())


def _deliver(table: OperatorTable, out: Path) -> None:
    delivery.write(out / "index.html", write_operator_page(table))
    delivery.write(out / "summary.md", write_operator_markdown(table))
    delivery.write(out / "table.json", f"{to_json(table)}\n")
    terminal.say(f"report: {out / 'index.html'}")


def _print(table: OperatorTable, form: str) -> None:
    if form == "terminal":
        terminal_operators.show(table, _TERMINAL_ROWS)
    elif form == "json":
        click.echo(to_json(table))
    else:
        click.echo(write_operator_page(table) if form == "html" else write_operator_markdown(table), nl=False)
