"""A worker with one planted fault: `plant.py KIND STAGE [worker options]`.

The fault strikes when the request named STAGE (`load`, `forward` or `count`) meets a model file whose name begins with
`poisoned`, so that one worker command serves sound cells and a broken one. `forward:2` means from the second one on.
"""

import importlib.util
import os
import signal
import sys
import time
from pathlib import Path

WORKER = Path(__file__).parents[3] / "harness" / "worker.py"
LIVES_SECONDS = 600
REPLIES = []
"""The worker's private duplicate of stdout, once it has made it."""


def abort():
    os.abort()


def abort_when_freed():
    """Return what puts the crash into the answer: it comes as the outputs are freed, as after a write beyond them."""

    class Aborts(list):
        def __del__(self):
            os.abort()

    return lambda answer: (answer[0], Aborts(answer[1]))


def ignore_the_alarm():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    hang()


def dawdle():
    time.sleep(1.5)


def hang():
    while True:
        pass


def hang_with_grandchild():
    """Leave a grandchild that holds every pipe open, then crash: the pipes' end alone would never come."""
    if os.fork() == 0:
        time.sleep(LIVES_SECONDS)
    os.abort()


def allocate():
    import numpy as np

    np.ones(40 << 30, dtype=np.uint8)


def reserve():
    """Take 3 GiB that any machine grants, since none of it is touched; only a limit refuses it."""
    import numpy as np

    np.empty(3 << 30, dtype=np.uint8)


def exit_quietly():
    os.write(2, b"no licence for today\n")
    os._exit(7)


def exit_as_if_retired():
    os._exit(77)


def garbage():
    os.write(REPLIES[0].fileno(), b"Segmentation fault (just kidding)\n")
    time.sleep(LIVES_SECONDS)


def huge_frame():
    os.write(REPLIES[0].fileno(), b'{"sizes": [99999999999999]}\n')
    time.sleep(LIVES_SECONDS)


def close_stdout():
    os.close(REPLIES[0].fileno())
    time.sleep(LIVES_SECONDS)


def complain():
    os.write(2, b"a word\n")


def flood():
    for _ in range(200):
        os.write(2, b"x" * (1 << 20))
    os.write(2, b"\nthe last words\n")


def print_to_stdout():
    os.write(1, b"printed by native code\n")


def load_worker():
    spec = importlib.util.spec_from_file_location("planted_worker", WORKER)
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    return worker


def plant(worker, stage, fault):
    sound = {name: getattr(worker.Worker, name) for name in ("do_load", "do_forward", "do_count")}
    loaded, met = {}, []
    stage, _, number = stage.partition(":")

    def strike(self, request, payloads):
        spoiled = None
        loaded["path"] = request.get("path") or loaded.get("path", "")
        if request["do"] == stage and Path(loaded["path"]).name.startswith("poisoned"):
            met.append(request)
            if len(met) >= int(number or 1):
                spoiled = fault()
        answer = sound[f"do_{request['do']}"](self, request, payloads)
        return spoiled(answer) if spoiled else answer

    for name in sound:
        setattr(worker.Worker, name, strike)


def main():
    kind, stage, *options = sys.argv[1:]
    worker = load_worker()
    open_replies = worker.private_stdout

    def private_stdout():
        REPLIES.append(open_replies())
        return REPLIES[0]

    worker.private_stdout = private_stdout
    plant(worker, stage, globals()[kind])
    worker.main(options)


if __name__ == "__main__":
    main()
