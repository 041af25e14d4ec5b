"""A token of one client can neither read nor change data of another, by any route or id.

The routes are taken from the application itself, so that a new one is tested without an edit here,
unless its path has a parameter of a new name: see ``values_of_client_2``.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest
from aiohttp import ClientSession, FormData

from service.app import create_app
from service.settings import Settings
from service.storage import Pool
from tests.support.raw_http import XML
from tests.support.service import Service, served, token

MARK: Final = "of-client-two"
"""Text that is in everything that client 2 has stored."""

PUBLIC: Final = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/schema/native.xsd",
        "/schema/format.json",
        "/openapi.json",
        "/docs",
        "/docs/{asset}",
        "/",
        "/page/{folder}/{file}",
    }
)
"""Routes without a client. Add a new one only if it reveals nothing about any client."""

NOTHING: Final = "/{path}"
"""Answers 404 wherever there is no route."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
QUERIES: Final = ("missing_from", "idempotency_key", "compare", "cursor", "changed_since")
"""Parameters of queries that could name something of another client's."""

KEY: Final = f"key-{MARK}"
FILE: Final = XML.replace(b"P-", f"P-{MARK}-".encode()).replace(b"One", MARK.encode())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"prune": False})


@dataclass(frozen=True)
class Clients:
    """A service where client 2 has everything and client 1 nothing yet."""

    service: Service
    session: ClientSession

    async def ask(self, method: str, path: str, *, client: int = 1) -> tuple[int, str]:
        """The status and the body that a client's token gets."""
        said = headers(self.service.settings, client)
        body = {"label": MARK} if path.endswith("/label") else {"ttl_seconds": 60}
        json = body if method in ("POST", "PUT") else None
        async with self.session.request(method, path, json=json, headers=said) as answer:
            return answer.status, await answer.text()

    async def upload(self, client: int, file: bytes) -> int:
        """Import a file with notes, a name and a key; the import's id."""
        form = FormData({"notes": MARK})
        form.add_field("file", file, filename=f"{MARK}.xml", content_type="application/xml")
        said = headers(self.service.settings, client) | {"Idempotency-Key": KEY}
        url = self.service.url("projects/bulk", client=client)
        async with self.session.post(url, data=form, headers=said) as answer:
            assert answer.status == 207, await answer.text()
            return int((await answer.json())["import_id"])


@pytest.fixture
async def clients(settings: Settings, dsn: str, pool: Pool) -> AsyncIterator[Clients]:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'One'), (2, $1)", MARK)
    async with served(settings, dsn) as service, ClientSession(service.base) as session:
        clients = Clients(service, session)
        await clients.upload(2, FILE)
        await pool.execute(
            "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
            " SELECT 2, project_id, $1, now() + interval '1 hour' FROM projects",
            MARK,
        )
        await pool.execute(
            "INSERT INTO version_labels (client_id, project_id, version, label)"
            " SELECT 2, project_id, 1, $1 FROM projects",
            MARK,
        )
        yield clients


def headers(settings: Settings, client: int) -> dict[str, str]:
    """With a token that has every scope there is."""
    scopes = [value for name, value in settings if name.endswith("_scope")]
    said = token(clients=[client], scope=" ".join(scopes), sub=f"subject of {client}")
    return {"Authorization": f"Bearer {said}"}


async def values_of_client_2(pool: Pool) -> dict[str, str]:
    """Return, for each path parameter, a value that belongs only to client 2."""
    import_id = await pool.fetchval("SELECT max(import_id) FROM imports WHERE client_id = 2")
    project_id = await pool.fetchval("SELECT min(project_id) FROM projects WHERE client_id = 2")
    return {"import_id": str(import_id), "project_id": str(project_id), "version": "1"}


def paths(settings: Settings) -> Iterator[str]:
    """Every path of the application, with its parameters in braces."""
    for resource in create_app(settings, "").router.resources():
        yield resource.canonical


def client_paths(settings: Settings) -> list[str]:
    return sorted(path for path in paths(settings) if "{client_id}" in path)


def fill_path(path: str, values: Mapping[str, str], client: int) -> str:
    """Return the path with values for its parameters."""
    known = {"client_id": str(client), **values}
    for name in re.findall(r"{(\w+)}", path):
        assert name in known, (
            f"{path} has a new parameter: add a value of client 2 for `{name}` to"
            f" `values_of_client_2` in {__file__}"
        )
        path = path.replace(f"{{{name}}}", known[name])
    return path


async def rows_of_client_2(pool: Pool) -> dict[str, list[str]]:
    """Return all rows of client 2 by table."""
    tables = await pool.fetch(
        "SELECT table_name FROM information_schema.columns JOIN information_schema.tables"
        " USING (table_schema, table_name) WHERE column_name = 'client_id'"
        " AND table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    return {
        table: [
            row[0]
            for row in await pool.fetch(
                f"SELECT to_jsonb(t)::text FROM {table} t WHERE client_id = 2 ORDER BY 1"
            )
        ]
        for (table,) in tables
    }


def test_every_route_belongs_to_a_client_or_is_public(settings: Settings) -> None:
    others = {*paths(settings)} - {*client_paths(settings)}
    assert others == PUBLIC | {NOTHING}


async def test_a_client_can_read_its_own_rows(
    clients: Clients, settings: Settings, pool: Pool
) -> None:
    """Without this test, the ones below would also pass if no client could read anything."""
    values = await values_of_client_2(pool)
    for path in paths(settings):
        if path.endswith(("/imports/{import_id}", "/projects/{project_id}")):
            status, said = await clients.ask("GET", fill_path(path, values, 2), client=2)
            assert (status, MARK in said) == (200, True)


async def test_no_route_reveals_or_changes_rows_of_another_client(
    clients: Clients, settings: Settings, pool: Pool, subtests: pytest.Subtests
) -> None:
    values = await values_of_client_2(pool)
    before = await rows_of_client_2(pool)
    assert len(before["projects"]) == len(before["project_locks"]) == 2
    for path in client_paths(settings):
        named = "{" in path.replace("{client_id}", "")
        for method in METHODS:
            with subtests.test(path=path, method=method):
                status, said = await clients.ask(method, fill_path(path, values, 2))
                assert status in (403, 405)
                assert MARK not in said
                status, said = await clients.ask(method, fill_path(path, values, 1))
                assert status in (404, 405) if named else status < 500
                assert MARK not in said
    assert await rows_of_client_2(pool) == before


async def test_no_query_parameter_reveals_rows_of_another_client(
    clients: Clients, settings: Settings, pool: Pool, subtests: pytest.Subtests
) -> None:
    values = await values_of_client_2(pool)
    before = await rows_of_client_2(pool)
    for path in client_paths(settings):
        for name in QUERIES:
            for value in {*values.values(), KEY}:
                with subtests.test(path=path, query=f"{name}={value}"):
                    url = f"{fill_path(path, values, 1)}?{name}={value}"
                    status, said = await clients.ask("GET", url)
                    assert status < 500
                    assert MARK not in said.replace(KEY, "")
    assert await rows_of_client_2(pool) == before


async def test_two_clients_can_use_the_same_ids_and_keys(clients: Clients, pool: Pool) -> None:
    before = await rows_of_client_2(pool)
    mine = await clients.upload(1, FILE)
    assert str(mine) != (await values_of_client_2(pool))["import_id"]
    assert await pool.fetchval("SELECT count(*) FROM projects WHERE client_id = 1") == 2
    assert await rows_of_client_2(pool) == before
