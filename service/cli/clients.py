"""``bulk-import client``: who may have imports."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import asyncpg
import typer
from rich.table import Table

from service.cli.database import load_settings, opened, reaching
from service.cli.screen import Failure, console
from service.imports import client_removal
from service.storage import Connection
from service.storage.queries import Queries

app = typer.Typer(help="Add, list, disable and remove clients.", no_args_is_help=True)

_SQL = Queries("clients")
Id = Annotated[int, typer.Argument(min=0, max=10**18 - 1, metavar="ID")]
T = TypeVar("T")


@app.command()
def add(
    client_id: Id,
    name: Annotated[str, typer.Option(help="What people call it.")],
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing where the id is taken.")
    ] = False,
) -> None:
    """Add a client."""
    if _run(lambda db: db.fetchval(_SQL.add, client_id, name)):
        typer.echo(f"Added client {client_id}, {name}.")
    elif not if_missing:
        raise Failure(f"client {client_id} exists already")


@app.command("list")
def list_() -> None:
    """List all clients."""
    table = Table("id", "name", "projects", "since", "state")
    for row in _run(lambda db: db.fetch(_SQL.list)):
        state = "disabled" if row["disabled_at"] else "active"
        since = f"{row['created_at']:%Y-%m-%d}"
        table.add_row(str(row["client_id"]), row["name"], str(row["projects"]), since, state)
    console().print(table)


@app.command()
def disable(client_id: Id) -> None:
    """Refuse a client's requests from now on, and cancel its running imports; its data stays."""
    expiry = load_settings().heartbeat_expiry
    _require(_run(lambda db: client_removal.disable_client(db, client_id, expiry)), client_id)
    typer.echo(f"Disabled client {client_id}.")


@app.command()
def enable(client_id: Id) -> None:
    """Take a disabled client's requests again."""
    _require(_run(lambda db: db.fetchval(_SQL.enable, client_id)), client_id)
    typer.echo(f"Enabled client {client_id}.")


@app.command()
def remove(
    client_id: Id,
    force: Annotated[
        bool, typer.Option("--force", help="Remove its projects and its history with it.")
    ] = False,
) -> None:
    """Remove a client; one that was interrupted is gone on with."""
    _run(lambda db: _remove(db, client_id, force=force))
    typer.echo(f"Removed client {client_id}.")


async def _remove(connection: Connection, client_id: int, *, force: bool) -> None:
    """Remove all that a client has.

    Raises:
        Failure: there is no such client, or it has projects and ``force`` is not given.
    """
    projects = await connection.fetchval(_SQL.count_projects, client_id)
    _require(projects is not None, client_id)
    if projects and not force:
        raise Failure(f"client {client_id} has {projects} projects: --force removes them too")
    await client_removal.remove_client(connection, client_id, load_settings().heartbeat_expiry)


def _require(found: object, client_id: int) -> None:
    if not found:
        raise Failure(f"there is no client {client_id}")


def _run(work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do something with a connection to the database."""

    async def connected(dsn: str) -> T:
        connection = await asyncpg.connect(dsn, statement_cache_size=0)
        try:
            return await work(connection)
        except asyncpg.UndefinedTableError as error:
            raise Failure("the database has no schema: run `bulk-import migrate` first") from error
        finally:
            await connection.close()

    with opened(load_settings()) as dsn, reaching():
        return asyncio.run(connected(dsn))
