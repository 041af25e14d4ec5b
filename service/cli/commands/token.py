"""``bulk-import token``: a token for a client program."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.credentials import sign_token
from service.cli.database import load_settings
from service.cli.output import CommandError, print_line

if TYPE_CHECKING:
    from service.settings import Settings

ALL: Final = "all"


def token(
    client: Annotated[
        list[int], typer.Option(min=0, help="Id of a client that the token is for; repeatable.")
    ],
    scope: Annotated[
        str | None,
        typer.Option(
            help="Scopes, separated by spaces, or `all`; by default importing and reading."
        ),
    ] = None,
    subject: Annotated[
        str, typer.Option(help="Name of the user or program; locks and the history show it.")
    ] = "cli",
    hours: Annotated[float, typer.Option(help="Hours until the token expires.")] = 24,
) -> None:
    """Print a new token, and nothing else."""
    settings = load_settings()
    if hours <= 0:
        raise CommandError(f"--hours {hours:g}: the token would have expired; give more than 0")
    scopes = None if scope is None else _check_scopes(settings, scope)
    print_line(sign_token(settings, client, scope=scopes, subject=subject, hours=hours))


def _check_scopes(settings: "Settings", text: str) -> str:
    """Return the scopes of the option.

    Raises:
        CommandError: a route needs no such scope, so it would be without effect.
    """
    import difflib

    if text == ALL:
        return " ".join(settings.scopes)
    for scope in text.split():
        if scope not in settings.scopes:
            similar = difflib.get_close_matches(scope, settings.scopes, n=1)
            hint = f"did you mean {similar[0]}? " if similar else ""
            known = ", ".join(settings.scopes)
            raise CommandError(f"--scope: there is no scope {scope}: {hint}Known are {known}")
    return text
