"""Options that several commands share, and the call of a service by these commands."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.database import load_settings
from service.cli.output import SUCCESS, CommandError

if TYPE_CHECKING:
    from service.cli.client import ApiClient

PROJECT_HELP: Final = "Number of the project, as `projects` lists it."
_IMPORT: Final = "Number of the import, as `imports` lists it."

ClientId = Annotated[int, typer.Option("--client", min=0, help="Id of the client.")]
Url = Annotated[str | None, typer.Option(help="Address of the service, such as http://host:8080.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="BULK_IMPORT_TOKEN", help="Token to send; by default a new one is signed."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON for each item.")]
Limit = Annotated[int, typer.Option(min=1, help="Print at most this many items.")]
ImportId = Annotated[
    int,
    typer.Argument(min=0, metavar="IMPORT_ID", help="Number of the import, as `imports` lists it."),
]
ProjectId = Annotated[
    int,
    typer.Argument(
        min=0, metavar="PROJECT_ID", help="Number of the project, as `projects` lists it."
    ),
]
RetryFor = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="Give up when the pauses between attempts add up to more than this; 0 tries once.",
    ),
]


def run_with_client(
    client: int,
    url: str | None,
    token: str | None,
    work: "Callable[[ApiClient], Awaitable[int | None]]",
    *,
    scope: str | None = None,
) -> None:
    """Send requests to a service, then exit with the code that ``work`` returns.

    Args:
        scope: a scope that a new token needs besides importing and reading.

    Raises:
        CommandError: no service answers.
    """
    from service.cli.connection import run_at_service
    from service.cli.response import TemporaryFailure

    settings = load_settings()
    scopes = f"{settings.import_scope} {settings.read_scope}"
    if scope is not None:
        scopes = f"{scopes} {scope}"
    try:
        code = run_at_service(work, client, url, token, scope=scopes)
    except TemporaryFailure as error:
        raise CommandError(str(error)) from error
    raise typer.Exit(code or SUCCESS)


def filter_query(**options: str | None) -> dict[str, str]:
    """Return the query of the options that are given."""
    return {name: value for name, value in options.items() if value is not None}
