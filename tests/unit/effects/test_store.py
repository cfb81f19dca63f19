from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.effects.store import RunDirectory, RunPlan, ShardWriter, read_shard
from harness.encoding import to_json
from harness.errors import HarnessError, UsageError
from harness.records import TIMING, CellId, Outcome, Record, Target


def record(case="a", outcome=Outcome.OK, **more) -> Record:
    return Record(case=case, route="onnx", target=Target(opencv="5.0.0.93"), outcome=outcome, **more)


RECORDS = tuple(record(case, message=f"{case} → größer 日本") for case in "abc")
PLAN = RunPlan(
    cells=tuple(CellId.of(entry) for entry in RECORDS), fingerprint="f", started="2026-11-22T10:00:00", command="run"
)


def write(directory: RunDirectory, *entries: Record, writer: str = "w1") -> None:
    shard = directory.shard(writer)
    for entry in entries:
        shard.append(entry)
    shard.close()


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    directory = RunDirectory(tmp_path / "out" / "run")
    assert directory.begin(PLAN) == ()
    return directory


def test_a_plan_and_records_come_back(run):
    write(run, *RECORDS)
    assert run.plan() == PLAN
    assert run.records() == RECORDS


def test_each_record_is_on_disk_before_the_next_cell_begins(run):
    shard = run.shard("w1")
    for number, entry in enumerate(RECORDS, start=1):
        shard.append(entry)
        assert run.records() == RECORDS[:number]
    shard.close()


def test_a_process_that_is_killed_loses_nothing_that_it_finished(run):
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom harness.encoding import from_json\n"
        "from harness.records import Record\n"
        "from harness.effects.store import RunDirectory\nshard = RunDirectory(Path(sys.argv[1])).shard('w1')\n"
        "for line in sys.argv[2:]: shard.append(from_json(line, Record))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    lines = [to_json(entry) for entry in RECORDS]
    done = subprocess.run([sys.executable, "-c", code, str(run.folder), *lines], check=False)
    assert done.returncode == -signal.SIGKILL
    assert run.records() == RECORDS


def test_a_line_cut_anywhere_costs_its_own_cell_only_and_the_run_goes_on(run):
    """A full disk or a kill may end a line at any byte, even inside a character."""
    write(run, *RECORDS[:2])
    (shard,) = (run.folder / "records").glob("*.jsonl")
    whole = shard.read_bytes()
    first = len(to_json(RECORDS[0]).encode()) + 1
    for length in range(first, len(whole) - 1):
        shard.write_bytes(whole[:length])
        assert run.records() == RECORDS[:1], length
        write(run, RECORDS[2])
        assert run.records() == (RECORDS[0], RECORDS[2]), length


def test_an_interrupted_run_of_the_same_plan_is_resumed(run):
    write(run, RECORDS[1])
    run.finish(10.0, complete=False)
    again = RunDirectory(run.folder)
    assert again.begin(PLAN) == (RECORDS[1],)
    write(again, RECORDS[0], RECORDS[2])
    again.finish(5.0, complete=True)
    assert again.records() == (RECORDS[1], RECORDS[0], RECORDS[2])
    assert again.seconds() == 15.0


def test_a_finished_run_is_repeated_and_not_resumed(run):
    write(run, *RECORDS)
    run.finish(10.0, complete=True)
    assert run.begin(PLAN) == ()
    assert run.records() == ()
    assert run.seconds() == 0


TIMED = tuple(replace(entry, seconds={TIMING: 0.5}) for entry in RECORDS)


@pytest.mark.parametrize(
    ("records", "done"),
    [
        (RECORDS, False),
        ((*TIMED[:2], RECORDS[2]), False),
        (TIMED[:2], False),
        (TIMED, True),
        ((*TIMED[:2], replace(RECORDS[2], outcome=Outcome.CRASH)), True),  # what does not work has no time
    ],
)
def test_a_run_that_times_is_not_done_before_all_that_works_was_timed(run, records, done):
    plan = replace(PLAN, latency=True)
    run.begin(plan)
    write(run, *records)
    assert plan.is_done(run.records()) is done
    assert run.begin(plan) == (() if done else records)


@pytest.mark.parametrize("latency", [False, True])
def test_an_interrupted_run_is_resumed_also_where_times_are_wanted_no_more_or_only_now(run, latency):
    run.begin(replace(PLAN, latency=not latency))
    write(run, RECORDS[0])
    assert run.begin(replace(PLAN, latency=latency)) == RECORDS[:1]
    assert run.plan() == replace(PLAN, latency=latency)


@pytest.mark.parametrize(
    "changed",
    [replace(PLAN, fingerprint="g"), replace(PLAN, cells=PLAN.cells[:2]), replace(PLAN, cells=PLAN.cells[::-1])],
)
def test_a_run_of_another_question_starts_afresh(run, changed):
    write(run, RECORDS[0])
    assert run.begin(changed) == ()
    assert run.records() == ()
    assert run.plan() == changed


def test_when_and_how_a_run_was_called_does_not_make_it_another(run):
    write(run, RECORDS[0])
    assert run.begin(replace(PLAN, started="2026-11-23T10:00:00", command="run --jobs 2")) == RECORDS[:1]


def test_two_writers_share_a_run_and_the_later_word_on_a_cell_counts(run):
    write(run, RECORDS[0], RECORDS[1], writer="w1")
    write(run, replace(RECORDS[1], outcome=Outcome.CRASH), RECORDS[2], writer="w2")
    os.utime(run.folder / "records" / "w1.jsonl", (1, 1))
    found = {entry.case: entry.outcome for entry in run.records()}
    assert found == {"a": Outcome.OK, "b": Outcome.CRASH, "c": Outcome.OK}
    os.utime(run.folder / "records" / "w2.jsonl", (0, 0))
    assert {entry.case: entry.outcome for entry in run.records()}["b"] is Outcome.OK


def test_writers_in_several_processes_do_not_disturb_each_other(run):
    code = (
        "import sys\nfrom pathlib import Path\nfrom harness.records import Outcome, Record, Target\n"
        "from harness.effects.store import RunDirectory\nshard = RunDirectory(Path(sys.argv[1])).shard(sys.argv[2])\n"
        "for i in range(50):\n"
        "    target = Target(opencv='5')\n"
        "    shard.append(Record(case=f'{sys.argv[2]}/{i}', route='pb', target=target, outcome=Outcome.OK))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(run.folder), name]) for name in ("w1", "w2")]
    assert [process.wait() for process in both] == [0, 0]
    assert len(run.records()) == 100


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"is no run directory: it has no plan.json"):
        RunDirectory(tmp_path).plan()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"cells": 3}', "\x00"])
def test_a_broken_plan_is_named_and_a_new_run_replaces_it(run, text):
    (run.folder / "plan.json").write_text(text)
    with pytest.raises(UsageError, match=r"plan.json cannot be read as a run's plan"):
        run.plan()
    assert run.begin(PLAN) == ()
    assert run.plan() == PLAN


@pytest.mark.parametrize("line", ['{"case": "a"}', '{"schema": 99}', "[]", "null", "7"])
def test_a_whole_line_that_is_no_record_is_named_with_its_place(tmp_path, line):
    shard = tmp_path / "w1.jsonl"
    shard.write_text(f"{to_json(RECORDS[0])}\n{line}\n")
    with pytest.raises(UsageError, match=r"w1.jsonl:2 is not a record of this release"):
        list(read_shard(shard, Record))


def test_a_note_that_is_broken_counts_as_no_time(run):
    (run.folder / "finished.json").write_text("{")
    assert run.seconds() == 0
    run.finish(3.0, complete=True)
    assert run.seconds() == 3


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match=r"cannot write .*file.*choose another --out"):
        RunDirectory(tmp_path / "file" / "run").begin(PLAN)
    with pytest.raises(HarnessError, match=r"cannot write .*choose another --out"):
        ShardWriter(tmp_path / "file" / "w.jsonl").append(RECORDS[0])


def test_a_full_disk_is_said_and_the_records_before_it_stay(run):
    """A limit on file size stops a write in the middle of a line, as a full disk does."""
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom harness.errors import HarnessError\n"
        "from harness.encoding import from_json\nfrom harness.records import Record\n"
        "from harness.effects.store import RunDirectory\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))\n"
        "shard = RunDirectory(Path(sys.argv[1])).shard('w1')\n"
        "for line in sys.argv[3:]:\n"
        "    try: shard.append(from_json(line, Record))\n"
        "    except HarnessError as error: print(error)\n"
        "    if line == sys.argv[4]: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, resource.RLIM_INFINITY))\n"
    )
    lines = [to_json(entry) for entry in RECORDS]
    room = len(lines[0].encode()) + len(lines[1].encode()) // 2
    argv = [sys.executable, "-c", code, str(run.folder), str(room), *lines]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "cannot write" in done.stdout
    assert run.records() == (RECORDS[0], RECORDS[2])
