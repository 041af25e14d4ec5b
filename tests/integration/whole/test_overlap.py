"""Two uploads of the same projects in opposite order at the same time."""

import asyncio
from collections import defaultdict

import aiohttp

from service.storage import Pool
from tests.support.native import native_file
from tests.support.service import Service
from tests.support.upload import upload

PROJECTS = 2000
ROUNDS = 4


def file_of(order: range, mark: str) -> bytes:
    """A file whose content differs from every other, so that each upload changes all projects."""
    projects = "".join(
        f'<project id="P{n}"><name>{mark}</name><tasks><task id="T1"/><task id="T2"/></tasks>'
        "</project>"
        for n in order
    )
    return native_file(projects)


async def test_opposite_uploads_do_not_deadlock_and_report_each_version_once(
    service: Service, pool: Pool
) -> None:
    versions: defaultdict[str, list[int]] = defaultdict(list)
    async with aiohttp.ClientSession() as http:
        for number in range(ROUNDS):
            answers = await asyncio.gather(
                upload(http, service, file_of(range(PROJECTS), f"up {number}")),
                upload(http, service, file_of(range(PROJECTS - 1, -1, -1), f"down {number}")),
            )
            for answer in answers:
                assert answer["details"]["errors"] == []
                for success in answer["details"]["successes"]:
                    versions[success["external_id"]].append(success["version"])

    assert len(versions) == PROJECTS
    assert {tuple(sorted(told)) for told in versions.values()} == {tuple(range(1, 2 * ROUNDS + 1))}
    current = await pool.fetch(
        "SELECT p.external_id, p.version, p.name = r.name AS told FROM current_projects p"
        " JOIN import_results r USING (client_id, project_id, version)"
    )
    assert [row for row in current if row["version"] != 2 * ROUNDS or not row["told"]] == []
    assert len(current) == PROJECTS
    assert await pool.fetchval("SELECT count(*) FROM current_tasks") == 2 * PROJECTS
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await pool.fetchval(deadlocks) == 0
