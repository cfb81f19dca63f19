"""Children that are real processes: a few lines of Python each, spoken to as the worker and the exporter are."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harness.effects.process import Child
from harness.errors import ChildDiedError, ChildTimeoutError, EnvironmentFailedError, ProtocolError
from harness.pure.frames import MAX_HEADER_BYTES, STDERR_KEPT_BYTES

PRELUDE = """
import json, os, signal, sys, time
source, sink = sys.stdin.buffer, sys.stdout.buffer
def hear():
    line = source.readline()
    if not line:
        sys.exit()
    header = json.loads(line)
    return header, [source.read(size) for size in header["sizes"]]
def say(header, *payloads):
    sink.write(json.dumps(dict(header, sizes=[len(p) for p in payloads])).encode() + b"\\n" + b"".join(payloads))
    sink.flush()
"""
ECHO = """
while True:
    header, payloads = hear()
    sys.stderr.write(header.get("complain", ""))
    sys.stderr.flush()
    say({"heard": header.get("do")}, *payloads)
"""
ROOT = Path(__file__).parents[3]
DIES_WITH_HOST = "import ctypes; ctypes.CDLL(None).prctl(1, 9)\n"


def child(code: str, name: str = "the child") -> Child:
    return Child([sys.executable, "-c", PRELUDE + code], name=name)


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process ends within some seconds; a zombie that only init could bury counts as ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def test_echo_keeps_payloads_apart_and_in_order():
    with child(ECHO) as echo:
        reply = echo.request({"do": "x"}, [b"one", b"", memoryview(b"three")], deadline_seconds=20)
    assert reply.header == {"heard": "x", "sizes": [3, 0, 5]}
    assert [bytes(payload) for payload in reply.payloads] == [b"one", b"", b"three"]


def test_payloads_far_larger_than_a_pipe_cross_both_ways_at_once():
    echoes_while_it_reads = """
header = json.loads(source.readline())
size = header["sizes"][0]
sink.write(json.dumps({"sizes": [size]}).encode() + b"\\n")
while size:
    piece = source.read1(65536)
    size -= len(piece)
    sink.write(piece)
sink.flush()
source.readline()
"""
    payload = os.urandom(1 << 20) * 24
    with child(echoes_while_it_reads) as echo:
        reply = echo.request({}, [payload], deadline_seconds=30)
    assert bytes(reply.payloads[0]) == payload


def test_a_child_that_answers_before_it_reads_does_not_deadlock():
    with child("source.readline(); say({'early': True}, bytes(8 << 20)); source.read()") as hasty:
        reply = hasty.request({}, [bytes(8 << 20)], deadline_seconds=20)
    assert reply.header["early"]


def test_of_several_answers_each_is_heard_as_it_comes_with_its_own_stderr():
    code = """
hear()
for number in range(3):
    os.write(2, b"word %d" % number)
    say({"number": number, "more": number < 2}, b"body %d" % number)
    if number == 0:
        time.sleep(0.1)  # the others come as one chunk
hear()
say({"number": "next"})
source.read()
"""
    heard = []
    with child(code) as several:
        last = several.request({}, deadline_seconds=20, hear=heard.append)
        following = several.request({}, deadline_seconds=20)
    assert [reply.header["number"] for reply in (*heard, last)] == [0, 1, 2]
    assert [bytes(reply.payloads[0]) for reply in (*heard, last)] == [b"body 0", b"body 1", b"body 2"]
    assert "".join(reply.stderr for reply in (*heard, last)) == "word 0word 1word 2"
    assert following.header["number"] == "next"


def test_what_was_answered_before_a_crash_has_been_heard():
    code = "hear(); [say({'number': n, 'more': True}) for n in range(3)]; os.write(1, b'{\"half\": '); os.abort()"
    heard = []
    with child(code) as dying, pytest.raises(ChildDiedError, match="SIGABRT"):
        dying.request({}, deadline_seconds=20, hear=heard.append)
    assert [reply.header["number"] for reply in heard] == [0, 1, 2]


def test_every_one_of_several_answers_has_the_whole_deadline():
    code = "hear()\nfor n in range(4): time.sleep(0.5); say({'number': n, 'more': n < 3})\nhear()"
    heard = []
    with child(code) as slow:
        last = slow.request({}, deadline_seconds=1.5, hear=heard.append)
    assert (len(heard), last.header["number"]) == (3, 3)


def test_stderr_belongs_to_its_request():
    with child(ECHO) as echo:
        first = echo.request({"complain": "first"}, deadline_seconds=20)
        second = echo.request({}, deadline_seconds=20)
    assert (first.stderr, second.stderr) == ("first", "")


def test_flooded_stderr_is_bounded_and_keeps_its_end():
    flood = "hear(); [os.write(2, b'x' * (1 << 20)) for _ in range(100)]; os.write(2, b'the end'); say({}); hear()"
    with child(flood) as noisy:
        reply = noisy.request({}, deadline_seconds=30)
    assert reply.stderr.endswith("the end")
    assert reply.stderr.startswith(f"[{(100 << 20) + len('the end') - STDERR_KEPT_BYTES} bytes before this")
    assert len(reply.stderr) < STDERR_KEPT_BYTES + 100


def test_exit_status_and_last_words_of_a_child_that_ends():
    with (
        child("hear(); sys.exit('out of paper')") as dying,
        pytest.raises(ChildDiedError, match="out of paper") as told,
    ):
        dying.request({}, deadline_seconds=20)
    assert (told.value.status, told.value.signal) == (1, None)
    assert told.value.stderr == "out of paper\n"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_signal_of_a_child_that_crashes_is_named(number):
    code = f"hear(); os.write(2, b'about to go'); os.kill(os.getpid(), {int(number)})"
    with child(code) as dying, pytest.raises(ChildDiedError, match=number.name) as told:
        dying.request({"do": "work"}, deadline_seconds=20)
    assert (told.value.signal, told.value.status, told.value.stderr) == (number.name, None, "about to go")
    assert "(work)" in str(told.value)
    assert not psutil.pid_exists(dying.pid)


def test_a_crash_is_noticed_although_a_grandchild_holds_the_pipes_open():
    code = "hear()\nif os.fork() == 0:\n    time.sleep(600)\nos.abort()"
    with child(code) as dying:
        started = time.monotonic()
        with pytest.raises(ChildDiedError, match="SIGABRT"):
            dying.request({}, deadline_seconds=60)
    assert time.monotonic() - started < 30


def test_a_deadline_kills_the_whole_group():
    code = "pid = os.fork() or time.sleep(600)\nhear(); say({'pid': pid}); hear(); time.sleep(600)"
    with child(code) as slow:
        grandchild = slow.request({}, deadline_seconds=20).header["pid"]
        with pytest.raises(ChildTimeoutError, match=r"0\.3 s") as told:
            slow.request({"do": "wait"}, deadline_seconds=0.3)
        assert told.value.seconds == 0.3
        assert not slow.alive
    assert not psutil.pid_exists(slow.pid)
    assert gone(grandchild)


def test_a_deadline_holds_for_a_child_that_never_reads():
    with child("time.sleep(600)") as deaf, pytest.raises(ChildTimeoutError):
        deaf.request({}, [bytes(4 << 20)], deadline_seconds=0.3)


def test_a_deadline_holds_for_a_child_that_never_stops_complaining():
    with child("hear()\nwhile True: os.write(2, b'still here')") as chatty, pytest.raises(ChildTimeoutError) as told:
        chatty.request({}, deadline_seconds=0.5)
    assert "still here" in told.value.stderr


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"Segmentation fault\\n", "not a frame: b'Segmentation fault'"),
        (b"[1, 2]\\n", "not a frame"),
        (b"{}\\n", "not a frame"),
        (b'{\\"sizes\\": [\\"many\\"]}\\n', "not a frame"),
        (b'{\\"sizes\\": [-1]}\\n', "announced payloads"),
        (b'{\\"sizes\\": [9e18]}\\n', "announced payloads"),
        (b'{\\"sizes\\": [2]}\\nabcdef', "more than it announced"),
        (b"\\xff\\xfe\\n", "not a frame"),
    ],
)
def test_garbage_is_a_protocol_error_and_ends_the_child(answer, complaint):
    code = f'hear(); sink.write(b"{answer.decode()}"); sink.flush(); time.sleep(600)'
    with child(code) as liar:
        with pytest.raises(ProtocolError, match=complaint):
            liar.request({}, deadline_seconds=20)
        assert not liar.alive
    assert not psutil.pid_exists(liar.pid)


def test_a_line_without_end_is_not_collected_for_ever():
    code = f"hear()\nfor _ in range({(MAX_HEADER_BYTES >> 20) + 2}): sink.write(bytes(1 << 20))\ntime.sleep(600)"
    with child(code) as liar, pytest.raises(ProtocolError, match="line without end"):
        liar.request({}, deadline_seconds=30)


def test_words_between_two_requests_are_a_protocol_error():
    with child("hear(); say({}); time.sleep(0.2); sink.write(b'stray'); sink.flush(); time.sleep(600)") as liar:
        liar.request({}, deadline_seconds=20)
        time.sleep(1)
        with pytest.raises(ProtocolError, match="without being asked: b'stray'"):
            liar.request({}, deadline_seconds=20)


def test_closed_stdout_of_a_living_child_is_a_protocol_error(monkeypatch):
    monkeypatch.setattr("harness.effects.process.DYING_SECONDS", 0.3)
    with child("hear(); os.close(1); time.sleep(600)") as mute, pytest.raises(ProtocolError, match="lives on"):
        mute.request({}, deadline_seconds=20)
    assert not psutil.pid_exists(mute.pid)


def test_a_child_killed_between_requests_is_reported_by_the_next():
    with child(ECHO) as echo:
        echo.request({}, deadline_seconds=20)
        os.kill(echo.pid, signal.SIGKILL)
        with pytest.raises(ChildDiedError, match="SIGKILL"):
            echo.request({}, [bytes(4 << 20)], deadline_seconds=20)
        with pytest.raises(ChildDiedError, match="start another"):
            echo.request({}, deadline_seconds=20)


def test_a_command_that_cannot_run_is_the_users_error():
    with pytest.raises(EnvironmentFailedError, match="no/such/python"):
        Child(["/no/such/python"], name="the worker")


def test_leaving_the_block_leaves_neither_zombie_nor_orphan():
    with child(ECHO) as echo:
        echo.request({}, deadline_seconds=20)
        assert echo.alive
    assert not echo.alive
    assert not psutil.pid_exists(echo.pid)


ORPHANS = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans come to us, as to the first process of a container
import psutil
from harness.effects.process import Child
code = {PRELUDE + "os.fork()" + chr(10) + "os.getpid() == os.getsid(0) or time.sleep(600)" + chr(10) + ECHO!r}
with Child([sys.executable, "-c", code], name="the child") as child:
    child.request({{"do": "greet"}}, deadline_seconds=30)
print([process.status() for process in psutil.Process().children(recursive=True)])
"""


def test_where_orphans_come_to_the_host_it_buries_them():
    done = subprocess.run([sys.executable, "-c", ORPHANS], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_forgotten_child_is_killed_when_it_is_collected():
    pid = child(ECHO).pid
    gc.collect()
    assert not psutil.pid_exists(pid)


def test_threads_each_use_their_own_child():
    def talk(number: int) -> list[str]:
        with child(ECHO) as echo:
            return [echo.request({"do": f"{number}-{turn}"}, deadline_seconds=30).header["heard"] for turn in range(20)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(talk, range(4))) == [[f"{n}-{turn}" for turn in range(20)] for n in range(4)]


def test_a_child_outlives_the_thread_that_started_it():
    started: list[Child] = []

    def start() -> None:
        echo = child(DIES_WITH_HOST + ECHO)
        echo.request({}, deadline_seconds=20)  # by now it has asked the kernel to die with its parent
        started.append(echo)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with started[0] as echo:
        time.sleep(0.2)
        assert echo.request({"do": "again"}, deadline_seconds=20).header["heard"] == "again"


def test_close_from_another_thread_ends_a_running_request():
    with child("hear(); time.sleep(600)") as slow:
        threading.Timer(0.3, slow.close).start()
        started = time.monotonic()
        with pytest.raises(ChildDiedError, match="SIGKILL"):
            slow.request({}, deadline_seconds=60)
    assert time.monotonic() - started < 30


HOST = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in what a shell starts in the background
    "from harness.effects.process import Child\n"
    "child = Child([sys.executable, '-c', sys.argv[1]], name='the child')\n"
    "print(child.request({}, deadline_seconds=20).header['pid'], flush=True)\n"
    "child.request({}, deadline_seconds=600)\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_child_survives_its_host(number):
    hung = PRELUDE + DIES_WITH_HOST + "hear(); say({'pid': os.getpid()}); hear()\nwhile True: pass"
    with subprocess.Popen(
        [sys.executable, "-c", HOST, hung], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        time.sleep(0.3)
        host.send_signal(number)
        _, stderr = host.communicate(timeout=30)
    assert gone(pid)
    assert ("KeyboardInterrupt" in stderr) == (number == signal.SIGINT)


def test_a_child_that_somebody_else_reaped_is_dead_and_no_error():
    with child(ECHO) as echo:
        os.kill(echo.pid, signal.SIGKILL)
        os.waitpid(echo.pid, 0)
        assert not echo.alive
        with pytest.raises(ChildDiedError):
            echo.request({}, deadline_seconds=20)
