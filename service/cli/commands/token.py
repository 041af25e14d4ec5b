"""``bulk-import token``: a token for a client program."""

from typing import Annotated

import typer

from service.cli.credentials import sign_token
from service.cli.database import load_settings
from service.cli.output import print_line


def token(
    client: Annotated[
        list[int], typer.Option(min=0, help="Id of a client that the token is for; repeatable.")
    ],
    scope: Annotated[
        str | None,
        typer.Option(help="Scopes, separated by spaces; by default importing and reading."),
    ] = None,
    subject: Annotated[
        str, typer.Option(help="Name of the user or program; locks and the history show it.")
    ] = "cli",
    hours: Annotated[float, typer.Option(min=0, help="Hours until the token expires.")] = 24,
) -> None:
    """Print a new token, and nothing else."""
    print_line(sign_token(load_settings(), client, scope=scope, subject=subject, hours=hours))
