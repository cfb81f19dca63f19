"""Every error a user can meet. A message says what happened, the offending value and what to do."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; other tools may rely on them."""

    OK = 0
    FAILED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4


class HarnessError(Exception):
    """Base of all errors raised on purpose; shown to the user without a traceback."""

    exit_code = ExitCode.INTERNAL


class UsageError(HarnessError):
    """The user asked for something that cannot be: a file, a name, a shape, a version."""

    exit_code = ExitCode.USAGE


class RunInterruptedError(HarnessError):
    """Ctrl-C came in the middle of a run whose finished records are on disk."""

    exit_code = ExitCode.INTERRUPTED


class ModelRejectedError(UsageError):
    """The model cannot be read or is not one that can be exported; the message names the reason."""


class ExportFailedError(HarnessError):
    """A route's converter refused the model; the message carries the tool's own last words."""


class NoReferenceError(HarnessError):
    """TensorFlow could not compute the model's outputs, so nothing can be compared."""


class EnvironmentFailedError(UsageError):
    """An OpenCV release or interpreter that was asked for cannot be provided."""


class ChildDiedError(HarnessError):
    """A child process ended before it answered."""

    def __init__(self, message: str, *, signal: str | None, exit_code: int | None, stderr: str) -> None:
        super().__init__(message)
        self.signal = signal
        self.status = exit_code
        self.stderr = stderr


class ChildTimeoutError(HarnessError):
    """A child process did not answer before its deadline and was killed."""

    def __init__(self, message: str, *, seconds: float, stderr: str) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.stderr = stderr


class ProtocolError(HarnessError):
    """A child answered with something that is not a frame of the protocol."""
