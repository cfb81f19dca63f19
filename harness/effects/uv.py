"""uv, the tool that makes environments and knows which releases there are: one call, and its words when it refuses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from harness.errors import HarnessError

INSTALL_SECONDS = 600
_DRAWING = " \t\u2502\u2570\u2500\u25b6\u00d7"
"""Box drawing and cross with which uv sets its messages."""


class UvRefusedError(HarnessError):
    """uv did not do what it was asked for; the message is its own, on one line."""


def uv(arguments: Sequence[str], *, given: str = "", seconds: float = INSTALL_SECONDS) -> str:
    """Run uv with something on its standard input and return what it prints. Raises UvRefusedError."""
    from uv import find_uv_bin

    try:
        done = subprocess.run(
            [find_uv_bin(), *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "VIRTUAL_ENV": ""},
        )
    except subprocess.TimeoutExpired as error:
        raise UvRefusedError(f"it was not done within {seconds:g} s") from error
    if done.returncode:
        words = " ".join(line.strip(_DRAWING) for line in done.stderr.strip().splitlines())
        raise UvRefusedError(words[-800:])
    return done.stdout
