"""Where cells run: in this process, or on a dask.distributed cluster. Decides what becomes of those it loses.

`distributed` is an optional package, imported when a scheduler is named. Planned = reported, whatever dies.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from harness.cells.recording import blank_record
from harness.cells.subjects import Cell
from harness.effects.config import LOCAL, Settings
from harness.effects.shared_store import INSTALL
from harness.encoding import from_json, to_json
from harness.errors import HarnessError, UsageError
from harness.pure.inputs import InputPlan
from harness.records import CellId
from harness.usecases import groups
from harness.usecases.groups import Answer, Group
from harness.usecases.planning import cell_id, longest_first
from harness.usecases.session import OnRecord, Session

CONNECT_SECONDS = 10
"""How long a scheduler may take to answer, and then to have a worker."""
_DIED = (
    "every worker that judged it died: killed from outside, or short of memory; run it alone without --scheduler, and "
    "read the cluster's logs"
)
_LOCAL_CONFIG = {
    # Twice: what kills its workers is tried again, alone, before that counts.
    "distributed.scheduler.allowed-failures": 1,
    # Not a group more than a worker can judge at once: another worker may take it sooner.
    "distributed.scheduler.worker-saturation": 1.0,
    # An answer is fetched from the process that gave it; one that has died since is waited for as long as this, then
    # its group is judged again.
    "distributed.comm.timeouts.connect": "10s",
    # Dask would have NumPy's and OpenMP's threads counted to one: children run as they do without it.
    "distributed.nanny.pre-spawn-environ": {},
}


def run(
    session: Session,
    cells: Sequence[Cell],
    on_record: OnRecord,
    plans: Sequence[InputPlan] = (),
    *,
    properties: bool = True,
) -> None:
    """Judge every cell where the settings say; `on_record` is called from this thread as each, or its group, ends.

    Raises UsageError where a cluster cannot be used, HarnessError where it is lost or a machine of it cannot go on.
    """
    if session.settings.scheduler is None:
        session.run(cells, on_record, plans, properties=properties)
    elif cells:
        with _connected(session.settings) as client:
            _Dispatch(client, session, on_record).run(_grouped(session, cells, plans or session.plans(), properties))


def _grouped(session: Session, cells: Sequence[Cell], plans: Sequence[InputPlan], properties: bool) -> list[Group]:
    name, own_store = uuid.uuid4().hex, session.settings.scheduler != LOCAL
    return [
        Group(
            run=name,
            cells=tuple(group),
            plans=session.plans_for(group[0], plans),
            settings=session.settings,
            model=group[0].subject.fingerprint() or "",
            own_store=own_store,
            properties=properties,
        )
        for group in longest_first(cells, session.history.seconds)
    ]


class _Dispatch:
    """One run's groups on their way to a cluster and back."""

    def __init__(self, client: Any, session: Session, on_record: OnRecord) -> None:
        self._distributed = _package("distributed")
        self._client = client
        self._session = session
        self._on_record = on_record

    def run(self, waiting: Sequence[Group]) -> None:
        """Report every cell of every group.

        A group that is lost with its workers is judged again, cell by cell with nothing beside it: it may have been
        another one that killed them. What is lost once more is a record of just that.
        """
        try:
            lost = list(self._judge(waiting))
            for alone in (replace(group, cells=(cell,)) for group in lost for cell in group.cells):
                for killer in self._judge([alone]):
                    self._give_up(killer, killer.cells, _DIED)
        finally:
            # Whatever is said from here on, the first error is the one to tell; a cluster that is gone has no children.
            with contextlib.suppress(Exception):
                self._client.run(groups.end, waiting[0].run, on_error="ignore")

    def _judge(self, waiting: Iterable[Group]) -> Iterator[Group]:
        """Report the cells of groups as they are judged; yield the groups that were lost with their workers."""
        digest = groups.harness_digest()
        futures = {self._submit(digest, group): group for group in waiting}
        try:
            for future in self._distributed.as_completed(list(futures), loop=self._client.loop):
                group = futures.pop(future)
                answer = self._result(future)
                if answer is None:
                    yield group
                else:
                    self._report(group, answer)
        finally:
            self._client.cancel(list(futures))

    def _submit(self, digest: str, group: Group) -> Any:
        key = f"{group.cells[0].subject.id}-{uuid.uuid4().hex}"  # what dask's own pages show
        return self._client.submit(groups.judge, digest, to_json(group), key=key, pure=False)

    def _result(self, future: Any) -> Answer | None:
        """Return a group's answer, None where its workers died. Raises HarnessError."""
        try:
            return from_json(future.result(), Answer)
        except self._distributed.KilledWorker:
            return None
        except (self._distributed.CancelledError, self._distributed.scheduler.NoValidWorkerError) as error:
            raise HarnessError(
                f"the scheduler {self._session.settings.scheduler}, or every worker it had, was lost; finished cells "
                "are kept: run the same command again when it is back, or without --scheduler"
            ) from error
        except ImportError as error:
            raise _no_harness("a worker", error) from error

    def _report(self, group: Group, answer: Answer) -> None:
        self._session.tensorflow_started |= answer.tensorflow_started
        found = {CellId.of(record): record for record in answer.records}
        for cell in group.cells:
            record = found.get(cell_id(cell))
            if record is None:
                self._give_up(group, [cell], "the cluster answered without it")
            else:
                self._on_record(self._session.judged(record))

    def _give_up(self, group: Group, cells: Iterable[Cell], why: str) -> None:
        for cell in cells:
            self._on_record(self._session.judged(replace(blank_record(cell, group.plans), message=why)))


@contextlib.contextmanager
def _connected(settings: Settings) -> Iterator[Any]:
    """Give a client of the settings' cluster, whose workers have our harness; a local one ends with it."""
    distributed = _package("distributed")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_unheard(logging.getLogger("distributed.client")))
        address = settings.scheduler
        if address == LOCAL:
            address = stack.enter_context(_local_cluster(settings.jobs)).scheduler_address
        try:
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            stack.enter_context(client)
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise UsageError(
                f"--scheduler {address} cannot be used: {error}; start `dask scheduler` there, and `dask worker "
                f"{address}` on each machine"
            ) from error
        _muster(client)
        yield client


@contextlib.contextmanager
def _unheard(logger: logging.Logger) -> Iterator[None]:
    """Keep a logger quiet: what it complains of reaches us as errors as well, and the user in our words."""
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _local_cluster(jobs: int) -> Iterator[Any]:
    """Start worker processes on this machine that nobody else can reach."""
    with _package("dask.config").set(_LOCAL_CONFIG):
        cluster = _package("distributed").LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # whatever port is free; nobody looks
            memory_limit=0,  # what is large here are the children, which have limits of their own
            silence_logs=logging.ERROR,
            preload=groups.__name__,  # its `dask_setup`
        )
        with cluster:
            yield cluster


def _muster(client: Any) -> None:
    """Ask every worker for its harness before anything is sent. Raises UsageError for one that has another, or none."""
    for worker, answer in client.run(groups.check_harness, groups.harness_digest(), on_error="return").items():
        if isinstance(answer, ImportError | AttributeError):
            raise _no_harness(worker, answer)
        if isinstance(answer, Exception):
            raise HarnessError(f"the cluster's worker {worker} does not answer: {answer}; end it") from answer
        if answer:
            raise UsageError(f"the cluster's worker {worker}: {answer}")


def _no_harness(worker: str, error: Exception) -> UsageError:
    return UsageError(
        f"the cluster's {worker} has no such opencv-dnn-harness ({error}); install the same requirements.txt there as "
        "on the host, and start it anew"
    )


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"--scheduler needs dask.distributed: {error}; run `{INSTALL}`") from None
