"""The ``playvitals`` command: its subcommands, and how it ends when something is wrong."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from models.errors import PlayvitalsError, SettingsError

COMMANDS = {
    "up": "app.commands.up",
    "demo": "app.commands.demo",
    "api": "app.commands.api",
    "worker": "app.commands.worker",
    "topics": "app.commands.topics",
    "replay": "app.commands.replay",
    "bench": "bench.command",
}

_FAILURE = 1
_USAGE = 2
_INTERRUPTED = 130


class _CommandPerFile(click.Group):
    """Loads a subcommand's file when it is asked for, so that no command pays for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name])
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(
    cls=_CommandPerFile,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings come from the environment: see docs/configuration.md.",
)
@click.version_option(package_name="playvitals", message="playvitals %(version)s")
def cli() -> None:
    """Web vitals, but for video playback: playback events in, rolling quality metrics out.

    \b
    Example:
      playvitals up
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 success, 2 a usage error, 1 a failure with one line on stderr."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        result = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="playvitals",
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILURE
    except Exception as error:
        return _fail(error)
    # A command's own exit code; a command that returns nothing succeeded.
    return result if isinstance(result, int) else 0


def _fail(error: BaseException) -> int:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if os.environ.get("PLAYVITALS_LOG_LEVEL", "").strip().lower() == "debug":
        traceback.print_exception(error)
    text = " ".join(str(error).split())
    if not isinstance(error, PlayvitalsError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    click.echo(f"playvitals: {text}", err=True)
    return _USAGE if isinstance(error, SettingsError) else _FAILURE


if __name__ == "__main__":
    main()
