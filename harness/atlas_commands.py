"""`dnn-harness atlas`: questions to the atlas, and the making of it. Thin translations."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from harness import terminal
from harness.atlas import Atlas, AtlasCase, Span, advice_at, at, build_atlas, find_cases, in_words, near_words
from harness.errors import ExitCode, ModelRejectedError, UsageError
from harness.options import settings_options, settled, zoo_option
from harness.records import Outcome, Record, from_json, to_json
from harness.terminal_upgrades import atlas_answers

ATLAS = Path(__file__).parents[1] / "reports" / "atlas"
"""The committed one, in a checkout."""
_DATA, _PAGE = "atlas.json", "index.html"


@click.command()
@click.argument("word", required=False)
@click.option("--opencv", "release", default=None, help="tell of one release only")
@click.option("--atlas", "folder", type=click.Path(path_type=Path), default=ATLAS, help="folder of another atlas")
@click.option("--json", "as_json", is_flag=True, help="print one case per line")
@click.option("--from", "runs", multiple=True, type=click.Path(path_type=Path), help="make the atlas from these runs")
@zoo_option
@settings_options("store")
def atlas(
    word: str | None,
    release: str | None,
    folder: Path,
    as_json: bool,
    runs: Sequence[Path],
    **options: Any,
) -> int:
    """Tell what is known of WORD: a Keras layer (LayerNormalization), a case, or a part of its name. Runs nothing.

    With --from, write the atlas anew instead, from the records of runs.
    """
    if runs:
        return _make(runs, folder, **options)
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
        return from_json(path.read_text(encoding="utf-8"), Atlas)
    except FileNotFoundError:
        raise UsageError(f"there is no atlas at {path}; name its folder with --atlas") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as an atlas: {error}; make it anew with --from") from error


def _together(commands: Sequence[str]) -> str:
    """Return commands as one line, those that differ in the zoo alone as one loop."""
    zoos: dict[str, dict[str, None]] = {}
    for command in commands:
        words = shlex.split(command)
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
    words = shlex.split(command)
    places = {number for number, word in enumerate(words) if word in {"--out", "--store"}}
    return shlex.join(word for number, word in enumerate(words) if not {number, number - 1} & places)


def _make(runs: Sequence[Path], folder: Path, **options: Any) -> int:
    from harness import delivery
    from harness.report.atlas_page import write_atlas_page
    from harness.routes import all_routes
    from harness.session import Session, shown_versions

    directories = [run for path in runs for run in delivery.runs_at(path)]
    records: Sequence[Record] = delivery.merged(directories)
    cases = {record.case for record in records}
    with Session(settled(options)) as session, session.offline_lane() as lane:
        infos, unknown = session.models(lane.library)
        missing = [subject for subject in unknown if subject.id in cases]
        with terminal.counting(len(missing)) as step:
            for subject in missing:
                with contextlib.suppress(ModelRejectedError):  # its records say so; it has no layers to be found by
                    infos[subject.id] = lane.library.info(subject)
                step(subject.id)
    made = build_atlas(
        records,
        {case: info.layers for case, info in infos.items()},
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_together([_anywhere(directory.plan().command) for directory in directories]),
        versions=shown_versions(),
    )
    ran = {record.route for record in records}
    routes = [route for route in all_routes().values() if route.name in ran]
    page = write_atlas_page(
        made, [one.name for one in routes if not one.stock], [one.name for one in routes if one.stock]
    )
    for name, text in ((_DATA, f"{to_json(made)}\n"), (_PAGE, page)):
        delivery.write(folder / name, text)
        terminal.say(f"wrote {folder / name}")
    return ExitCode.OK
