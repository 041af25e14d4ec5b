"""The commands of ``bulk-import``, by section of its help."""

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
from service.cli.help import HelpCommand, HelpGroup
from service.cli.output import print_line

app = typer.Typer(
    cls=HelpGroup,
    help="Import project plans from files into PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_SECTIONS: Final = {
    "Import": (uploads.upload, imports.watch, imports.imports, imports.cancel, imports.undo),
    "Projects": (
        projects.projects,
        projects.export,
        projects.compare,
        checks.checks,
        projects.label,
        projects.unlock,
    ),
    "Server": (serve.serve, tokens.token, migrate.migrate, prune.prune),
    "Files": (sample.sample,),
}
"""The commands, by section of the help."""

for _section, _commands in _SECTIONS.items():
    for _command in _commands:
        app.command(cls=HelpCommand, rich_help_panel=_section)(_command)
app.command(cls=HelpCommand, hidden=True)(serve.worker)
app.command(
    cls=HelpCommand, rich_help_panel="Server", context_settings={"ignore_unknown_options": True}
)(psql.psql)
app.add_typer(client.app, name="client", cls=HelpGroup, rich_help_panel="Server")
app.add_typer(formats.app, name="format", cls=HelpGroup, rich_help_panel="Files")


@app.callback(invoke_without_command=True)
def _main(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.")
    ] = False,
) -> None:
    if show_version:
        print_line(f"bulk-import {version('project-bulk-import')}")
        raise typer.Exit
