"""Stored outcomes are read for one attempt of one import."""

from dataclasses import replace

import pytest

from service.imports import outcomes
from service.imports.lease import Lease
from service.imports.manager import ImportManager
from service.imports.options import ImportOptions
from service.imports.pipeline.pipe import FilePart
from service.imports.pipeline.transaction import drop_written, has_outcomes
from service.imports.upload import UploadSession
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.projects import CLIENT, HEAD, REQUEST, TAIL, begun, project, project_line


async def store(pool: Pool, lease: Lease, attempt: int, *indices: int) -> None:
    """Store outcomes whose external ids name their import, attempt and index."""
    await pool.executemany(
        "INSERT INTO import_results (client_id, import_id, attempt, index, outcome, external_id)"
        " VALUES ($1, $2, $3, $4, 'created', $5)",
        [
            (CLIENT, lease.import_id, attempt, index, f"{lease.import_id}.{attempt}.{index}")
            for index in indices
        ],
    )


@pytest.fixture
async def leases(pool: Pool) -> list[Lease]:
    """Two imports; the first has two attempts."""
    await pool.execute(ADD_CLIENT)
    first, second = await begun(pool), await begun(pool)
    await store(pool, first, 1, 0, 1, 2, 3, 7)
    await store(pool, first, 2, 0, 1, 3)
    await store(pool, second, 1, 1, 2)
    return [first, second]


async def test_the_contiguous_outcomes_are_those_of_one_attempt(
    pool: Pool, leases: list[Lease]
) -> None:
    first, second = (lease.import_id for lease in leases)
    async with pool.acquire() as conn:

        async def last(import_id: int, attempt: int, after: int = -1) -> int:
            key = (CLIENT, import_id, attempt)
            return await outcomes.last_contiguous(conn, *key, after=after)

        assert [await last(first, 1), await last(first, 2), await last(second, 1)] == [3, 1, -1]
        assert [await last(first, 1, 1), await last(first, 1, 3), await last(first, 2, 2)] == [
            3
        ] * 3
        assert [await last(second, 1, 0), await last(second, 1, 2)] == [2, 2]


async def test_outcomes_are_listed_and_counted_for_one_attempt(
    pool: Pool, leases: list[Lease]
) -> None:
    first, second = (lease.import_id for lease in leases)
    expected = {(first, 1): [0, 1, 2, 3, 7], (first, 2): [0, 1, 3], (second, 1): [1, 2]}
    async with pool.acquire() as conn:
        for (import_id, attempt), indices in expected.items():
            key = (CLIENT, import_id, attempt)
            listed = await outcomes.list_outcomes(conn, *key)
            names = [f"{import_id}.{attempt}.{index}" for index in indices]
            assert [row["external_id"] for row in listed] == names
            assert (await outcomes.count_outcomes(conn, *key)).counts["created"] == len(indices)


async def test_a_repeated_batch_skips_only_outcomes_of_its_own_attempt(
    pool: Pool, leases: list[Lease]
) -> None:
    items = [project(str(index), index) for index in range(5)]
    async with pool.acquire() as conn:
        left = [await drop_written(conn, lease, [*items]) for lease in leases]
        assert [await has_outcomes(conn, lease) for lease in leases] == [True, False]
    assert [[item.index for item in each] for each in left] == [[4], [0, 3, 4]]


async def test_a_refused_atomic_import_reports_its_stored_outcomes_as_done(
    pool: Pool, settings: Settings
) -> None:
    await pool.execute(ADD_CLIENT)
    atomic = replace(REQUEST, options=ImportOptions(atomic=True))
    async with ImportManager(pool, settings) as manager, manager.open(atomic) as session:
        await session.begin_file(FilePart())
        await session.feed(HEAD + project_line("A") + project_line("A") + TAIL)
        assert (await session.finish()).counts["failed"] == 2
        assert isinstance(session, UploadSession)
        assert session.projects_done == 2
