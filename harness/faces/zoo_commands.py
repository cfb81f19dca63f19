"""`dnn-harness zoo` and `env`: what there is to run, and to run on. Thin translations."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import click

from harness.cells import subjects
from harness.cells.library import Library
from harness.effects.environments import INSTALLED
from harness.effects.exporting import ExporterLostError
from harness.encoding import to_json
from harness.errors import ExitCode, ModelRejectedError, UsageError
from harness.faces import terminal
from harness.faces.options import settings_options, settled, zoo_option
from harness.manifests import ModelInfo
from harness.usecases.session import Session


@click.group()
def zoo() -> None:
    """Look at the models that are run."""


@zoo.command("list")
@click.option("--json", "as_json", is_flag=True, help="print one object per line")
@click.option("--build", is_flag=True, help="build the models whose parameters the store does not know (with --json)")
@zoo_option
@settings_options("store", "export_seconds")
def zoo_list(as_json: bool, build: bool, **options: Any) -> int:
    """List every case."""
    if build and not as_json:
        raise UsageError("--build is for the parameters that --json prints; add --json")
    with Session(settled(options)) as session, session.offline_lane() as lane:
        wanted = {case.id for case in session.zoo()} if build else ()
        known = known_models(session, lane.library, build=wanted) if as_json else {}
        for case in session.zoo():
            missing = case.missing_packages()
            if as_json:
                click.echo(terminal.one_json_line(terminal.case_row(case, missing, known.get(case.id))))
            else:
                click.echo(terminal.case_line(case, missing))
    return ExitCode.OK


def known_models(session: Session, library: Library, *, build: Collection[str]) -> dict[str, ModelInfo]:
    """Return what the store knows of the zoo's models, by case; of `build`, what it did not know is added first."""
    found, unknown = session.models(library)
    missing = [subject for subject in unknown if subject.id in build]
    with terminal.counting(len(missing)) as step:
        for subject in missing:
            try:
                found[subject.id] = library.info(subject)
            except (ModelRejectedError, ExporterLostError) as error:
                terminal.complain(f"{subject.id}: {error}")
            step(subject.id)
    return found


@zoo.command("show")
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True)
@zoo_option
@settings_options("store", "export_seconds")
def zoo_show(case_id: str, as_json: bool, **options: Any) -> int:
    """Show one case: inputs, outputs, layers, and how each route names and lays out its tensors."""
    settings = settled(options)
    with Session(settings) as session, session.offline_lane() as lane:
        subject = subjects.from_text(case_id, zoo=settings.zoo)
        info = lane.library.info(subject)
        if as_json:
            click.echo(to_json(info))
        else:
            terminal.model(subject.id, info)
            terminal.ports([lane.library.artifact(subject, name).manifest for name in session.good_routes(subject)])
    return ExitCode.OK


@click.group()
def env() -> None:
    """Provide OpenCV releases, each in an environment of its own."""


@env.command("list")
@settings_options("store")
def env_list(**options: Any) -> int:
    """List the environments there are."""
    with Session(settled(options)) as session:
        here = session.environments.resolve(INSTALLED)
        click.echo(f"{INSTALLED}\t{here.release or 'no OpenCV wheel'}\t{here.python}")
        for made in session.environments.made():
            click.echo(f"{made.asked}\t{made.release}\t{made.python}")
    return ExitCode.OK


@env.command("sync")
@settings_options("opencv", "engine", "device", "store")
def env_sync(**options: Any) -> int:
    """Install every OpenCV asked for and start it once; after that nothing needs a network."""
    with Session(settled(options)) as session:
        for seat, place in session.seats.all(session.settings, ask=True).items():
            click.echo(terminal.seat_line(seat, place))
        terminal.seating(session.seats)
        unavailable = bool(session.seats.unavailable)
    return ExitCode.FAILED if unavailable else ExitCode.OK
