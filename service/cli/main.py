"""The program ``bulk-import``.

``upload`` and the commands about imports and projects send requests to a service. The others use
the database of ``DATABASE_URL``, or the embedded one, whether or not ``serve`` runs. A command that
fails prints one line and exits with 2.
"""

import io
import re
import signal
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, Final

import typer

from service.cli.commands import (
    checks,
    client,
    imports,
    migrate,
    projects,
    prune,
    psql,
    sample,
    serve,
)
from service.cli.commands import format as formats
from service.cli.commands import token as tokens
from service.cli.commands import upload as uploads
from service.cli.output import CommandError, print_error, print_line

INTERRUPTED: Final = 130
"""The exit code after a signal, as a shell reports it for Ctrl-C."""

_SPACE: Final = re.compile(r"[ \t\r\n]+")

app = typer.Typer(
    help="Import project plans in XML into PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(serve.serve)
app.command(hidden=True)(serve.worker)
app.command()(migrate.migrate)
app.command(context_settings={"ignore_unknown_options": True})(psql.psql)
app.command()(prune.prune)
app.command()(tokens.token)
app.command()(uploads.upload)
app.command()(imports.watch)
app.command()(imports.imports)
app.command()(projects.projects)
app.command()(projects.export)
app.command()(projects.compare)
app.command()(checks.checks)
app.command()(projects.label)
app.command()(imports.cancel)
app.command()(imports.undo)
app.command()(projects.unlock)
app.command()(sample.sample)
app.add_typer(client.app, name="client")
app.add_typer(formats.app, name="format")


@app.callback(invoke_without_command=True)
def _main(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.")
    ] = False,
) -> None:
    if show_version:
        print_line(f"bulk-import {version('project-bulk-import')}")
        raise typer.Exit


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job of a script
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Run the command line. SIGTERM has the effect of Ctrl-C, including all clean-up."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(app(standalone_mode=False))
    except KeyboardInterrupt:  # until Typer runs the command, and handles Ctrl-C itself
        sys.exit(INTERRUPTED)
    except (CommandError, OSError) as error:
        print_error(f"bulk-import: {' '.join(_SPACE.split(str(error)))}")
        sys.exit(2)
    except Exception as error:
        sys.exit(_print_failure(error))


def _print_failure(error: Exception) -> int:
    """Print how to use a command, or the traceback of a fault; return the exit code."""
    text = io.StringIO()
    if hasattr(error, "show"):  # Typer's class for the errors of options is private
        error.show(text)
    else:
        traceback.print_exception(error, file=text)
    for line in text.getvalue().rstrip("\n").split("\n"):
        print_error(line)
    return getattr(error, "exit_code", 1)
