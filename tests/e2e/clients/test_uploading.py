"""What the clients send, what they print of the response, and their exit codes."""

from pathlib import Path

import pytest

from service.storage import Pool
from tests.support.client_programs import EVERY_IN_TIME, peak, upload
from tests.support.native import native
from tests.support.service import Service

MB = 1_000_000
GOOD = '<project id="P-1"><name>Köln</name></project>\n'
BAD = '<project id="P-2"><name>Two</name><start>soon</start></project>\n'
IMPORTS = "SELECT state, notes, filename, bytes_read FROM imports"

every_client = pytest.mark.parametrize("client", EVERY_IN_TIME)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "a plan; of, one.xml"
    path.write_text(native(GOOD), "utf-8")
    return path


@every_client
async def test_a_file_is_imported(client: str, service: Service, good: Path, pool: Pool) -> None:
    notes = "@Zürich; week 2"
    done = await upload(client, service, good, notes)
    assert (done.code, done.err) == (0, "")
    assert done.out == "created P-1 Köln\nProjects successfully imported\n"
    assert await pool.fetchval("SELECT name FROM current_projects") == "Köln"
    (kept,) = await pool.fetch(IMPORTS)
    assert tuple(kept) == ("completed", notes, good.name, len(native(GOOD).encode()))
    again = await upload(client, service, good)
    assert again.out.startswith("unchanged P-1 Köln\n")
    keys = await pool.fetchval("SELECT count(DISTINCT idempotency_key) FROM imports")
    assert keys == 2


@every_client
async def test_a_failed_project_is_named_with_its_line(
    client: str, service: Service, tmp_path: Path, pool: Pool
) -> None:
    file = tmp_path / "plans.xml"
    file.write_text(native(GOOD, BAD), "utf-8")
    line = file.read_text("utf-8").split("P-2")[0].count("\n") + 1
    done = await upload(client, service, file)
    assert done.code == 1
    landed, failed, summary = done.out.splitlines()
    assert landed == "created P-1 Köln"
    assert failed.startswith(f'failed P-2, line {line}: VALIDATION_ERROR, start "soon" is not')
    assert summary == "1 of 2 projects imported"
    assert await pool.fetchval("SELECT array_agg(external_id) FROM current_projects") == ["P-1"]


@every_client
async def test_a_refusal_is_printed_as_the_service_worded_it(
    client: str, service: Service, good: Path, pool: Pool
) -> None:
    done = await upload(client, service, good, token_="wrong")
    assert (done.code, done.out) == (2, "")
    assert "refused with 401: " in done.err
    assert '"details":"JWT token is malformed"' in done.err
    assert await pool.fetch(IMPORTS) == []


@every_client
async def test_memory_does_not_grow_with_the_file(
    client: str, service: Service, good: Path, tmp_path: Path
) -> None:
    """What collects garbage lets some tens of MB gather, so it is measured by a larger file."""
    size = 200 * MB if client in ("fetch", "rest-client") else 32 * MB
    large = tmp_path / "large.xml"
    comment = f"<!-- {'x' * 1000} -->\n"
    large.write_text(native(GOOD, comment * (size // len(comment))), "utf-8")
    grown = await peak(client, service, large) - await peak(client, service, good)
    print(f"{client} takes {grown / MB:.0f} MB more for {size / MB:.0f} MB")
    assert grown < size / 2
