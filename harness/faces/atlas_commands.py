"""`dnn-harness atlas`: questions to the atlas, and the making of it. Thin translations."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import click

from harness import PACKAGE
from harness.effects.store import RunDirectory
from harness.encoding import from_json, to_data, to_json
from harness.errors import ExitCode, UsageError
from harness.faces import terminal
from harness.faces.options import settings_options, settled, zoo_option
from harness.faces.terminal_upgrades import atlas_answers
from harness.faces.zoo_commands import known_models
from harness.pure.atlas import (
    Atlas,
    AtlasCase,
    Part,
    Span,
    advice_at,
    at,
    belongs,
    build_atlas,
    find_cases,
    in_words,
    is_sound,
    join,
    near_words,
)
from harness.records import CellId, Outcome, Record
from harness.usecases.session import Session

ATLAS = PACKAGE.parent / "reports" / "atlas"
"""The committed one, in a checkout."""
_DATA, _PAGE = "atlas.json", "index.html"
_FOLDERS = frozenset({"--out", "--store"})


@click.command()
@click.argument("word", required=False)
@click.option("--opencv", "release", default=None, help="tell of one release only")
@click.option("--atlas", "folder", type=click.Path(path_type=Path), default=ATLAS, help="folder of another atlas")
@click.option("--json", "as_json", is_flag=True, help="print one case per line")
@click.option("--from", "runs", multiple=True, type=click.Path(path_type=Path), help="make the atlas from these runs")
@click.option("--add", is_flag=True, help="with --from: keep what the atlas has and these runs have not")
@zoo_option
@settings_options("store")
def atlas(
    word: str | None,
    release: str | None,
    folder: Path,
    as_json: bool,
    runs: Sequence[Path],
    add: bool,
    **options: Any,
) -> int:
    """Tell what is known of WORD: a Keras layer (LayerNormalization), a case, or a part of its name. Runs nothing.

    With --from, write the atlas anew instead, from the records of runs; with --add too, add them to what it has.
    """
    if runs and word is not None:
        raise UsageError(f"--from makes the atlas and takes no {word!r}; ask in a second command")
    if runs:
        return _make(runs, folder, add=add, **options)
    if add:
        raise UsageError("--add takes the runs to add: dnn-harness atlas --from RUN --add")
    if word is None:
        raise UsageError("name a layer or a case: dnn-harness atlas LayerNormalization")
    known = _read(folder)
    place = _place(known, release)
    found = find_cases(known, word)
    if not found:
        near = near_words(known, word)
        hint = f"did you mean {', '.join(near)}?" if near else "it has Keras layers (Conv2D) and cases of the zoo"
        raise UsageError(f"the atlas knows no {word!r}; {hint}")
    if as_json:
        for case in found:
            click.echo(to_json(case))
    else:
        atlas_answers(known, [_row(known, case, place) for case in found], release)
    return ExitCode.OK


def _row(known: Atlas, case: AtlasCase, place: int | None) -> tuple[AtlasCase, list[tuple[str, str, bool, str]]]:
    """Return a case with, for each of its ways: name, what is known, whether it works, and what helps."""
    rows = []
    for one in case.answers:
        name = one.route if one.engine == "default" else f"{one.route} {one.engine}"
        span = at(one, len(known.releases) - 1 if place is None else place)
        words = in_words(known, one) if place is None else _alone(span)
        advice = advice_at(case, one, len(known.releases) - 1 if place is None else place, known.releases)
        rows.append((name, words, span is not None and span.outcome is Outcome.OK, "; ".join(advice)))
    return case, rows


def _alone(span: Span | None) -> str:
    if span is None:
        return "not run"
    blame = span.op or span.layer
    what = f"{span.outcome}{f' at {span.stage}' if span.stage else ''}{f' ({blame})' if blame else ''}"
    return f"{what}: {span.message}" if span.message else what


def _place(known: Atlas, release: str | None) -> int | None:
    if release is None:
        return None
    for place, name in enumerate(known.releases):
        if name == release or name.startswith(f"{release}."):
            return place
    raise UsageError(f"the atlas has no OpenCV {release}; it has {', '.join(known.releases)}")


def _read(folder: Path) -> Atlas:
    path = folder / _DATA
    try:
        known = from_json(path.read_text(encoding="utf-8"), Atlas)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"there is no atlas at {path}; name its folder with --atlas") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as an atlas: {error}; make it anew with --from") from error
    if not is_sound(known):
        raise UsageError(f"{path} cannot be read as an atlas: its parts do not fit together; make it anew with --from")
    return known


def _together(commands: Sequence[str]) -> str:
    """Return commands as one line, those that differ in the zoo alone as one loop."""
    zoos: dict[str, dict[str, None]] = {}
    for command in commands:
        words = _words(command)
        place = words.index("--zoo") + 1 if "--zoo" in words[:-1] else len(words)
        zoo, words[place : place + 1] = words[place : place + 1], ['"$zoo"'] if place < len(words) else []
        line = " ".join(word if word == '"$zoo"' else shlex.quote(word) for word in words)
        zoos.setdefault(line, {}).update(dict.fromkeys(zoo))
    return " && ".join(_loop(line, [shlex.quote(zoo) for zoo in found]) for line, found in zoos.items())


def _loop(line: str, zoos: Sequence[str]) -> str:
    if len(zoos) > 1:
        return f"for zoo in {' '.join(zoos)}; do {line}; done"
    return line.replace('"$zoo"', zoos[0]) if zoos else line


def _anywhere(command: str) -> str:
    """Return a command without the folders of the machine it ran on."""
    words = _words(command)
    places = {number for number, word in enumerate(words) if word in _FOLDERS}
    kept = [word for number, word in enumerate(words) if not {number, number - 1} & places]
    return shlex.join(word for word in kept if word.partition("=")[0] not in _FOLDERS)


def _words(command: str) -> list[str]:
    """Return the words of a command; one that no shell would take, out of a file that was edited, is one word."""
    try:
        return shlex.split(command)
    except ValueError:
        return [command]


def _make(runs: Sequence[Path], folder: Path, *, add: bool, **options: Any) -> int:
    from harness.faces import delivery

    older = [_read(folder)] if add else []  # before the work that would be lost
    directories = [run for path in runs for run in delivery.runs_at(path)]
    records = {CellId.of(record): record for record in _belonging(directories)}
    layers = _layers({cell.case for cell in records}, **options)
    newer = []
    for directory in sorted(directories, key=lambda one: one.plan().started):
        plan = directory.plan()
        cells = dict.fromkeys(CellId.of(record) for record in directory.records())
        found = [records[cell] for cell in cells if cell in records]
        if found:
            part = Part(started=plan.started, command=_anywhere(plan.command))
            newer.append(build_atlas(found, layers, part=part, versions=plan.versions))
    try:
        made = join(*older, *newer)
    except ValueError as error:
        raise UsageError(
            f"{error}: their cells cannot stand side by side; run everything with the same versions"
        ) from error
    _write(made, folder)
    return ExitCode.OK


def _belonging(directories: Sequence[RunDirectory]) -> list[Record]:
    """Return the records that an atlas is made of, and tell of what is missing. Raises UsageError where none is."""
    from harness.faces import delivery

    records = delivery.merged(directories)
    found = [record for record in records if belongs(record)]
    missing = len(delivery.describe(directories, records).missing)
    if missing:
        terminal.say(f"{missing} planned cells have no record; the command of an interrupted run resumes it")
    if len(found) < len(records):
        terminal.say(f"{len(records) - len(found)} records are left out: other devices, or no OpenCV")
    if not found:
        folders = ", ".join(str(one.folder) for one in directories)
        hint = "an atlas is of OpenCV's releases on their usual device" if records else "run its command again"
        raise UsageError(f"{folders}: there is no record to make an atlas of; {hint}")
    return found


def _layers(cases: Collection[str], **options: Any) -> dict[str, tuple[str, ...]]:
    """Return the Keras classes of cases of the zoo; those that the store does not know are built for it."""
    with Session(settled(options)) as session, session.offline_lane() as lane:
        infos = known_models(session, lane.library, build=cases)
    return {case: tuple(info.layers) for case, info in infos.items()}


def _compact(made: Atlas) -> str:
    """Return an atlas as JSON without what is null: half of its spans work, and have no words, stage or operation."""
    return to_json(_told(to_data(made)))


def _told(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _told(value) for name, value in data.items() if value is not None}
    return [_told(value) for value in data] if isinstance(data, list | tuple) else data


def _write(made: Atlas, folder: Path) -> None:
    from harness.faces import delivery
    from harness.report.atlas_page import write_atlas_page
    from harness.routes import all_routes

    ran = {answers.route for case in made.cases for answers in case.answers}
    routes = [route for route in all_routes().values() if route.name in ran]
    good, stock = [one.name for one in routes if not one.stock], [one.name for one in routes if one.stock]
    page = write_atlas_page(made, _together([part.command for part in made.parts]), good, stock)
    for name, text in ((_DATA, f"{_compact(made)}\n"), (_PAGE, page)):
        delivery.write(folder / name, text)
        terminal.say(f"wrote {folder / name}")
