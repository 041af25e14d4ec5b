"""``bulk-import client``: add, list, disable and remove clients."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from service.cli.database import database_errors, load_settings, open_database
from service.cli.help import HelpCommand
from service.cli.output import CommandError, print_error, print_line
from service.cli.tables import fixed, number, print_table

if TYPE_CHECKING:
    from service.storage import Connection
    from service.storage.queries import Queries

app = typer.Typer(help="Add, list, disable and remove clients.", no_args_is_help=True)

Id = Annotated[int, typer.Argument(min=0, max=10**18 - 1, metavar="ID", help="Id of the client.")]
T = TypeVar("T")


@app.command(cls=HelpCommand)
def add(
    client_id: Id,
    name: Annotated[str, typer.Option(help="Name that people use for the client.")],
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing if the id exists.")
    ] = False,
) -> None:
    """Add a client."""
    if _run(lambda conn, sql: conn.fetchval(sql.add, client_id, name)):
        print_line(f"Added client {client_id}, {name}.")
    elif not if_missing:
        raise CommandError(f"client {client_id} exists already")


@app.command("list", cls=HelpCommand)
def list_() -> None:
    """List all clients."""
    rows = []
    for client in _run(lambda conn, sql: conn.fetch(sql.list)):
        state = "disabled" if client["disabled_at"] else "active"
        since = f"{client['created_at']:%Y-%m-%d}"
        rows.append((client["client_id"], client["name"], client["projects"], since, state))
    columns = (number("id"), "name", number("projects"), fixed("since"), fixed("state"))
    print_table("", columns, rows)
    if not rows:
        print_error("There is no client: add one with `bulk-import client add 1 --name NAME`.")


@app.command(cls=HelpCommand)
def disable(client_id: Id) -> None:
    """Refuse a client's requests and cancel its running imports; its data stays."""
    from service.imports.client_removal import disable_client

    _require(_run(lambda conn, _: disable_client(conn, client_id)), client_id)
    print_line(f"Disabled client {client_id}.")


@app.command(cls=HelpCommand)
def enable(client_id: Id) -> None:
    """Accept the requests of a disabled client again."""
    _require(_run(lambda conn, sql: conn.fetchval(sql.enable, client_id)), client_id)
    print_line(f"Enabled client {client_id}.")


@app.command(cls=HelpCommand)
def remove(
    client_id: Id,
    force: Annotated[
        bool, typer.Option("--force", help="Remove its projects and its history too.")
    ] = False,
) -> None:
    """Remove a client. If the command is interrupted, run it again to finish."""
    _run(lambda conn, sql: _remove(conn, sql, client_id, force=force))
    print_line(f"Removed client {client_id}.")


async def _remove(conn: "Connection", sql: "Queries", client_id: int, *, force: bool) -> None:
    """Remove all data of a client.

    Raises:
        CommandError: the client does not exist, or has projects and ``force`` is not given.
    """
    from service.imports.client_removal import remove_client

    projects = await conn.fetchval(sql.count_projects, client_id)
    _require(projects is not None, client_id)
    if projects and not force:
        raise CommandError(f"client {client_id} has {projects} projects: --force removes them too")
    settings = load_settings()
    await remove_client(conn, client_id, settings.heartbeat_expiry, notifies=settings.notify)


def _require(exists: object, client_id: int) -> None:
    if not exists:
        raise CommandError(f"there is no client {client_id}")


def _run(work: "Callable[[Connection, Queries], Awaitable[T]]") -> T:
    """Run ``work`` with a connection to the database and the queries about clients."""
    import asyncpg

    from service.storage.pool import set_json_codec
    from service.storage.queries import Queries

    async def run(dsn: str) -> T:
        conn: Any = await asyncpg.connect(dsn, statement_cache_size=0)
        try:
            await set_json_codec(conn)
            return await work(conn, Queries("clients"))
        except asyncpg.UndefinedTableError as error:
            problem = "the database has no schema: run `bulk-import migrate` first"
            raise CommandError(problem) from error
        finally:
            await conn.close()

    with open_database(load_settings()) as dsn, database_errors():
        return asyncio.run(run(dsn))
