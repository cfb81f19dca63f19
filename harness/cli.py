"""The command line: its commands by name, and exit codes. Data goes to stdout, progress and logs to stderr.

A command's module is imported when it is asked for: `atlas` answers before the modules that run models were read.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from harness import __version__
from harness.errors import ExitCode, HarnessError
from harness.faces import terminal

_COMMANDS = {
    "atlas": "atlas_commands:atlas",
    "check": "check_commands:check",
    "diff": "upgrade_commands:diff",
    "env": "zoo_commands:env",
    "expect": "expect_commands:expect",
    "keep": "check_commands:keep",
    "operators": "operator_commands:operators",
    "report": "run_commands:report",
    "repro": "check_commands:repro",
    "run": "run_commands:run",
    "selftest": "run_commands:self_test",
    "upgrade": "upgrade_commands:upgrade",
    "zoo": "zoo_commands:zoo",
}


class _Commands(click.Group):
    """Finds a command in its module when it is first wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(f"harness.faces.{module}"), name)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dnn-harness")
def cli() -> None:
    """Will cv2.dnn load this Keras model, compute what TensorFlow computes - and if not, which layer is to blame."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; no traceback reaches the user but for a defect of ours."""
    try:
        return int(cli.main(args=arguments, prog_name="dnn-harness", standalone_mode=False) or ExitCode.OK)
    except HarnessError as error:
        terminal.complain(str(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        terminal.complain("interrupted")
        return ExitCode.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        terminal.complain(error.format_message())
        return ExitCode.USAGE
    except BrokenPipeError:
        return ExitCode.OK  # `| head` has seen enough
    except Exception as error:  # the last line of defence: a defect of ours is named as one, with what to send
        return terminal.defect(error)


if __name__ == "__main__":
    sys.exit(main())
