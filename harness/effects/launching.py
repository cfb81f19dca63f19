"""How a worker is started: by path on this machine, or as text handed to a Python that may be anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import PACKAGE

WORKER = PACKAGE / "worker.py"

_HOST_ONLY = ("OPENCV_FORCE_DNN_ENGINE", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT")
"""Variables that would change what a worker runs: an engine nobody asked for, or modules of another interpreter."""


def program(options: Sequence[str]) -> bytes:
    """Return the worker as one line for an interpreter that runs line by line."""
    begun = {"__name__": "__main__", "__doc__": None}
    source = WORKER.read_text(encoding="utf-8")
    arguments = ["worker", "--announce", *options]
    line = f"import sys; sys.argv = {arguments!a}; exec(compile({source!a}, 'worker', 'exec'), {begun!a})"
    return f"{line}\n".encode("ascii")


def reading_program(command: Sequence[str]) -> list[str]:
    """Return a command ending in `-` so that its Python runs each line as it comes.

    Without `-i` it would wait for the end of its input, which is where the requests come from.
    """
    return [*command[:-1], "-i", "-q", "-"]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return a worker's environment: the host's, without what would change the engine or the modules it runs."""
    return {name: value for name, value in inherited.items() if name not in _HOST_ONLY}
