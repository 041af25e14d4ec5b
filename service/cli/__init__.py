"""The command ``bulk-import``.

Two kinds of commands: those that use the database of ``DATABASE_URL`` or the embedded one, whether
``serve`` runs or not, and those that ask a service over HTTP (``upload``, and what is ``around``).
What goes wrong is told in one line, and ends with code 2.
"""

import signal
import sys
from importlib.metadata import version
from typing import Annotated, Final

import typer

from service.cli import around, clients, database, pruning, sample, serving, tokens, upload
from service.cli.screen import Failure
from service.observability.tracing import TracingError
from service.storage.embedded.program_files import EmbeddedError
from service.storage.migrate import MigrationError

INTERRUPTED: Final = 130
"""The exit code of what a signal ended, as a shell has it for Ctrl-C."""

app = typer.Typer(
    help="Import project plans in XML into PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(serving.serve)
app.command(hidden=True)(serving.worker)
app.command()(database.migrate)
app.command(context_settings={"ignore_unknown_options": True})(database.psql)
app.command()(pruning.prune)
app.command()(tokens.token)
app.command()(upload.upload)
for command in (
    around.watch,
    around.imports,
    around.projects,
    around.export,
    around.compare,
    around.cancel,
    around.undo,
    around.unlock,
):
    app.command()(command)
app.command()(sample.sample)
app.add_typer(clients.app, name="client")


@app.callback(invoke_without_command=True)
def _main(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.")
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"bulk-import {version('project-bulk-import')}")
        raise typer.Exit


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's job in the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Run the command line; SIGTERM ends it as Ctrl-C does, with everything put back."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except KeyboardInterrupt:  # before a command was found, from when on it is Typer's to take
        sys.exit(INTERRUPTED)
    except (Failure, EmbeddedError, MigrationError, TracingError, OSError) as error:
        print("bulk-import:", *str(error).split(), file=sys.stderr)
        sys.exit(2)
