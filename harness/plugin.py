"""What the pytest fixtures do: thin translations of `session`. Only `dnn_harness_plugin` imports pytest besides."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness.cells.subjects import Seat
from harness.effects.config import SETTINGS, Settings, settle
from harness.effects.environments import Environments
from harness.errors import HarnessError, UsageError
from harness.faces.live_models import Shapes, checked, chosen, explain, is_supported, subject_of
from harness.faces.terminal import sentence
from harness.pure.inputs import InputPlan
from harness.pure.pace import Pace
from harness.records import Judgement, Record
from harness.report.junit import NAMES, properties_of
from harness.routes import all_routes, pick_routes
from harness.sources import SourceKind
from harness.timings import Latency
from harness.usecases.clocking import Clocked, NotWorkingError, clocked, paced
from harness.usecases.session import Session


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a pytest run: `--dnn-*`, environment, `[tool.dnn-harness]` of the project's root."""
    options = {setting.name: config.getoption(f"dnn_{setting.name}", default=None) for setting in SETTINGS}
    try:
        return settle(options, start=config.rootpath)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def open_session(config: pytest.Config) -> Session:
    """Return a session for a pytest run."""
    try:
        return Session(settings_of(config))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


class DnnCheck:
    """The `dnn_check` fixture: call it with a model."""

    def __init__(self, session: Session, folder: Path, node: pytest.Item) -> None:
        self._session = session
        self._folder = folder
        self._node = node
        self.settings = session.settings

    def __call__(
        self,
        model: Any,
        *,
        input_shape: Shapes = (),
        opencv: Iterable[str] = (),
        routes: Iterable[str] = (),
        trust_lambda: bool = False,
    ) -> tuple[Record, ...]:
        """Try a model and fail the test where it is not supported; returns the records.

        `model`: a Keras model or layer, or a path, `package.module:callable` or case id as for `dnn-harness check`.
        `input_shape`: with the batch axis; one, or one for each input. `opencv`, `routes`: as `--opencv`, `--route`;
        without `routes` one good route on each OpenCV is enough, with it all of them must work.
        """
        __tracebackhide__ = True
        settings = chosen(self._session.settings, opencv, routes)
        records = self.records(model, settings, input_shape, trust_lambda=trust_lambda)
        if not is_supported(records, settings):
            pytest.fail(explain(records), pytrace=False)
        return records

    def records(self, model: Any, settings: Settings, input_shape: Shapes, *, trust_lambda: bool) -> tuple[Record, ...]:
        """Return the records of a model; the test fails where it cannot be checked at all."""
        __tracebackhide__ = True
        refusal = ""
        try:
            records = checked(self._session, settings, model, self._folder, input_shape, trust_lambda=trust_lambda)
            tell(self._node, records)
            return records
        except HarnessError as error:
            refusal = str(error)
        # Not inside `except`: pytest would show the same sentence twice, as an error during another.
        pytest.fail(refusal, pytrace=False)


class DnnLatency:
    """The `dnn_latency` fixture: call it with a model, once in a test."""

    def __init__(self, session: Session, folder: Path, benchmark: Any, advance: Callable[[float], None]) -> None:
        """`benchmark` is pytest-benchmark's, whose clock `advance` moves by seconds."""
        self._session = session
        self._folder = folder
        self._benchmark = benchmark
        self._advance = advance
        self._used = False

    def __call__(
        self,
        model: Any,
        *,
        input_shape: Shapes = (),
        opencv: str = "",
        route: str = "",
        rounds: int = 30,
        trust_lambda: bool = False,
    ) -> Latency:
        """Time a model in OpenCV, by the worker's own clock, and have pytest-benchmark keep it; returns its latency.

        Each round is the median of some forward passes. The test fails where the model does not work. `model`,
        `input_shape` as for `dnn_check`; `opencv` and `route` are the settings' first ones unless given.
        """
        __tracebackhide__ = True
        settings = chosen(self._session.settings, (opencv,) if opencv else (), (route,) if route else ())
        with _failing(), self._session.using(settings), contextlib.ExitStack() as stack:
            self._begin(rounds)
            opened: list[Clocked] = []

            def turn() -> None:
                if not opened:  # in the round that warms up; what is refused here, pytest-benchmark knows of
                    subject = subject_of(model, settings, self._folder, input_shape, trust_lambda=trust_lambda)
                    opened.append(stack.enter_context(clocked(self._session, subject)))
                self._advance(opened[0].turn())

            self._benchmark.pedantic(turn, rounds=rounds, warmup_rounds=1)
            (network,) = opened
            latency = network.latency()
        self._benchmark.extra_info |= {
            "route": network.record.route,
            "opencv": network.record.target.place,
            "threads": latency.threads,
            "load_ms": latency.load_ms,
            "first_ms": latency.first_ms,
            "peak_rss_bytes": latency.peak_rss_bytes,
        }
        return latency

    def _begin(self, rounds: int) -> None:
        """Refuse what pytest-benchmark would answer with a traceback. Raises UsageError."""
        if self._used:
            raise UsageError("dnn_latency was called twice in one test; pytest-benchmark keeps one: write two tests")
        self._used = True
        if not isinstance(rounds, int) or rounds < 1:
            # Within a round, as all else that is refused: pytest-benchmark warns of a fixture that was never used.
            self._benchmark.pedantic(_refuse_rounds, args=(rounds,))


def _refuse_rounds(rounds: object) -> NoReturn:
    raise UsageError(f"rounds={rounds!r} is no number of rounds; give a whole number from 1 on")


class DnnPace:
    """The `dnn_pace` fixture: call it with a model and two OpenCV."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder

    def __call__(
        self,
        model: Any,
        *,
        before: str,
        after: str = "installed",
        route: str = "",
        input_shape: Shapes = (),
        trust_lambda: bool = False,
    ) -> Pace:
        """Time a model on two OpenCV in turns; returns the ratio with its interval, the noise and the opinion.

        `speed` is `slower` or `faster` only where the whole interval lies beyond the noise of that very run, `alike`
        where it lies within, else `cannot-tell`. The test fails where the model does not work on both.
        """
        __tracebackhide__ = True
        settings = chosen(self._session.settings, (), (route,) if route else ())
        with _failing(), self._session.using(settings):
            subject = subject_of(model, settings, self._folder, input_shape, trust_lambda=trust_lambda)
            return paced(self._session, subject, before, after)


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """Fail the test in one sentence where the harness refuses, or where a model does not work."""
    __tracebackhide__ = True
    try:
        yield
    except HarnessError as error:
        refusal = sentence(error.record) if isinstance(error, NotWorkingError) else str(error)
        # `from None`: pytest would show the same sentence twice, as an error during another.
        raise pytest.fail.Exception(refusal, pytrace=False) from None


def parametrize(metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
    """Make one test of a marked one for each route and OpenCV; a mistake in the mark is one sentence."""
    refusal = ""
    try:
        cells = cells_of(metafunc.config, marker)
    except UsageError as error:
        refusal = f"{metafunc.definition.nodeid}: {error}"
    if refusal:
        pytest.fail(refusal, pytrace=False)
    names = [f"{route}-{seat}" for route, seat in cells]
    metafunc.parametrize("dnn_record", cells, indirect=True, ids=names)


def cells_of(config: pytest.Config, marker: pytest.Mark) -> list[tuple[str, Seat]]:
    """Return the routes and places of `@pytest.mark.dnn_model(...)`: every good route, unless it names some.

    Raises UsageError for a route or an argument that there is not.
    """
    options = {"input_shape", "opencv", "routes", "trust_lambda"}
    models = [*marker.args, *(marker.kwargs[name] for name in ("model",) if name in marker.kwargs)]
    others = [name for name in marker.kwargs if name != "model"]
    if len(models) != 1 or not options.issuperset(others):
        raise UsageError(
            f"dnn_model takes one model and {', '.join(sorted(options))}, but got {len(models)} models and "
            f"{', '.join(others) or 'nothing else'}"
        )
    settings = chosen(settings_of(config), marker.kwargs.get("opencv", ()), marker.kwargs.get("routes", ()))
    routes = [route.name for route in pick_routes(settings.route, SourceKind.KERAS)]
    known_routes = all_routes()
    wanted = [name for name in routes if settings.route or (known_routes[name].quick and not known_routes[name].stock)]
    words = Environments(settings.store / "environments").spelled_out(settings.opencv)
    seats = [
        Seat(environment=word, engine=engine, device=device)
        for word in words
        for engine in settings.engine
        for device in settings.device
    ]
    return [(route, seat) for seat in seats for route in wanted]


def record_of(check: DnnCheck, marker: pytest.Mark, cell: tuple[str, Seat]) -> Record:
    """Return the record of one cell of a marked test."""
    __tracebackhide__ = True
    route, seat = cell
    # A function alone goes by its name, `dnn_model(model=build)`: pytest takes it for the test that is marked.
    (model,) = marker.args or (marker.kwargs["model"],)
    if callable(model) and not hasattr(model, "get_config"):
        model = model()
    settings = chosen(check.settings, (seat.environment,), (route,))
    settings = replace(settings, engine=(seat.engine,), device=(seat.device,))
    (record,) = check.records(
        model,
        settings,
        marker.kwargs.get("input_shape", ()),
        trust_lambda=marker.kwargs.get("trust_lambda", False),
    )
    return record


def expect(record: Record, *, node: pytest.Item | None = None, drawn: InputPlan | None = None) -> None:
    """Fail the test unless a record is as expected; the message ends with a line that reproduces it.

    For an input that was drawn, another one follows: the command that keeps it. Of several records that one test
    expects, its properties tell the last: where one fails, hypothesis ends with that.
    """
    __tracebackhide__ = True
    if node is not None:
        node.user_properties[:] = [told for told in node.user_properties if told[0] not in NAMES]
        tell(node, [record])
    if record.judgement is not Judgement.AS_EXPECTED:
        kept = "" if drawn is None else f"\n    {shlex.join(['dnn-harness', 'keep', record.case, str(drawn)])}"
        pytest.fail(f"{sentence(record)}{kept}", pytrace=False)


def tell(node: pytest.Item, records: Iterable[Record]) -> None:
    """Add what records say to a test's properties, which `pytest --junitxml` writes."""
    for record in records:
        node.user_properties.extend(properties_of(record))
