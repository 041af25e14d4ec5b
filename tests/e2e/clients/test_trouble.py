"""How the clients handle rare failures; runs only in ``make clients-check``."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from service.storage import Pool
from tests.support.client_programs import EVERY, begin, upload
from tests.support.commands import ended, says
from tests.support.native import native
from tests.support.network import Network, between
from tests.support.old_proxy import before
from tests.support.projects import until
from tests.support.raw_http import Connection, form, head, part
from tests.support.service import Service

pytestmark = pytest.mark.clients

ONE = '\n<project id="P-1"><name>One</name></project>\n'
MANY = [f'<project id="P-{n}"><name>{n}</name></project>\n' for n in range(300)]
COMMENT = f"<!-- {'x' * 10_000} -->\n"
LAST = b',"complete":true}'
IMPORTS = "SELECT array_agg(state || ' ' || attempt ORDER BY import_id) FROM imports"

every_client = pytest.mark.parametrize("client", EVERY)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.xml"
    path.write_text(native(ONE), "utf-8")
    return path


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Some MB, so that a connection can break while they are sent."""
    path = tmp_path / "many.xml"
    path.write_text(native(*(project + COMMENT for project in MANY)), "utf-8")
    return path


@pytest.fixture
async def network(service: Service) -> AsyncIterator[Network]:
    async with between(service.base) as network:
        yield network


@every_client
async def test_a_project_without_an_id_is_reported_by_its_line(
    client: str, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "plans.xml"
    file.write_text(native(ONE).removesuffix("</projects>") + "<project", "utf-8")
    done = await upload(client, service, file)
    assert done.code == 1
    assert "\nfailed plans.xml, line " in done.out
    assert "MALFORMED_XML" in done.out


@every_client
async def test_locks_that_refuse_every_project_are_no_refusal_of_the_file(
    client: str, service: Service, one: Path, pool: Pool
) -> None:
    await upload(client, service, one)
    project = await pool.fetchval("SELECT project_id FROM projects")
    async with aiohttp.ClientSession(headers=service.headers(sub="somebody else")) as http:
        lock = service.url(f"projects/{project}/lock")
        assert (await http.put(lock, json={"ttl_seconds": 600})).status == 201
    done = await upload(client, service, one)
    assert done.code == 1
    assert "failed P-1, line 2: LOCKING_CONFLICT, " in done.out


@every_client
async def test_a_missing_file_is_not_a_failure_of_projects(
    client: str, service: Service, tmp_path: Path
) -> None:
    done = await upload(client, service, tmp_path / "plan.xml")
    assert done.code == 2
    assert "plan.xml" in done.err


@every_client
async def test_a_refusal_ends_the_upload_early(
    client: str, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "large.xml"
    file.write_text(native(COMMENT * 3000), "utf-8")
    done = await upload(client, service, file, token_="wrong")
    assert done.code == 2
    assert '"details":"JWT token is malformed; ' in done.err


@every_client
async def test_a_client_resumes_the_same_import_after_a_lost_connection(
    client: str, network: Network, many: Path, pool: Pool
) -> None:
    network.there.cut_after(len(MANY) * len(COMMENT) // 2)
    done = await ended(await begin(client, network.base, many, ""))
    assert (done.code, len(done.out.splitlines())) == (0, len(MANY) + 1)
    assert done.err
    assert await pool.fetchval(IMPORTS) == ["completed 2"]
    assert await pool.fetchval("SELECT count(*) FROM current_projects") == len(MANY)


@every_client
async def test_a_client_waits_for_an_import_that_outlives_its_connection(
    client: str, network: Network, one: Path, pool: Pool
) -> None:
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE projects IN EXCLUSIVE MODE")
        process = await begin(client, network.base, one, "")
        size = len(native(ONE))
        await until(pool, f"SELECT 1 FROM import_progress WHERE bytes_read = {size}")
        network.cut()
        await says(process, "409")
    done = await ended(process)
    assert (done.code, done.out) == (0, "created P-1 One\nProjects successfully imported\n")
    assert await pool.fetchval(IMPORTS) == ["completed 1"]


@every_client
async def test_a_lost_response_is_replayed_by_the_same_key(
    client: str, network: Network, many: Path, pool: Pool
) -> None:
    network.back.cut_after(10_000)
    done = await ended(await begin(client, network.base, many, ""))
    assert (done.code, done.out.count("created P-")) == (0, len(MANY))
    assert done.err
    assert await pool.fetchval(IMPORTS) == ["completed 1"]


@every_client
@pytest.mark.parametrize(
    "spoil", [lambda whole: whole[:-20], lambda whole: whole.replace(LAST, b"}")]
)
async def test_a_truncated_response_is_noticed(
    client: str, service: Service, one: Path, spoil: Callable[[bytes], bytes], pool: Pool
) -> None:
    """JSON that breaks off, and JSON that is well-formed but lacks its last member."""
    async with before(service, spoil) as base:
        done = await ended(await begin(client, base, one, ""))
    assert done.code == 0
    assert done.out == "created P-1 One\nProjects successfully imported\n"
    assert done.err
    assert await pool.fetchval(IMPORTS) == ["completed 1"]


@every_client
@pytest.mark.settings(max_imports_per_client=1)
async def test_a_client_obeys_retry_after(
    client: str, service: Service, one: Path, pool: Pool
) -> None:
    body = form(part("file", native().encode()))
    async with Connection(service) as other:
        await other.send(head(service, f"Content-Length: {len(body)}"), body[:-10])
        await until(pool, "SELECT 1 FROM imports WHERE state = 'running'")
        process = await begin(client, service.base, one, "")
        await says(process, "429")
        await other.send(body[-10:])
        await other.answer()
        done = await ended(process)
    assert done.code == 0
    assert done.out.startswith("created P-1 One")
