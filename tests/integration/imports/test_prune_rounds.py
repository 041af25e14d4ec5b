"""Which clients and projects a round of pruning visits."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from service.imports.lease import Lease
from service.imports.pipeline.writer import Writer
from service.projects import retention
from service.projects.retention import prune
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import earlier
from tests.support.projects import finish, project

HOUR = 3600
AGE = f"UPDATE project_versions SET {earlier('created_at', '62 minutes')}"
ADD = "INSERT INTO clients (client_id, name) VALUES (0, 'Idle')"

Visit = Callable[[Settings], Awaitable[list[int]]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    last = {"keep_versions": 2, "keep_days": 0, "keep_months": 0, "keep_superseded": HOUR}
    return settings.model_copy(update=last)


@pytest.fixture
async def visit(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Prune once, and return the clients that the round visited."""
    await pool.execute(ADD)
    visited: list[int] = []
    prune_client = retention._prune_client

    async def note(pool: Pool, client_id: int, *rest: object) -> None:
        visited.append(client_id)
        await prune_client(pool, client_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "_prune_client", note)

    async def visit(settings: Settings) -> list[int]:
        visited.clear()
        await prune(pool, settings)
        return [*visited]

    return visit


async def write(writer: Writer, *versions: int) -> None:
    for n in versions:
        await writer.write_batch([project("A", index=n, tasks=n + 2)])


async def versions(pool: Pool) -> list[int]:
    rows = await pool.fetch("SELECT version FROM project_versions ORDER BY version")
    return [row["version"] for row in rows]


async def test_a_round_visits_only_the_clients_that_changed(
    visit: Visit, settings: Settings, writer: Writer
) -> None:
    await write(writer, 0)
    assert await visit(settings) == [0, 1]
    assert await visit(settings) == []
    await write(writer, 1)
    assert await visit(settings) == [1]


async def test_a_round_prunes_versions_that_became_old_enough_since_the_last(
    pool: Pool, visit: Visit, settings: Settings, writer: Writer
) -> None:
    await write(writer, *range(5))
    await visit(settings)
    assert await versions(pool) == [1, 2, 3, 4, 5]
    await pool.execute(AGE)
    assert await visit(settings) == [1]
    assert await versions(pool) == [4, 5]


async def test_a_round_prunes_versions_that_a_new_one_supersedes(
    pool: Pool, visit: Visit, settings: Settings, writer: Writer
) -> None:
    await write(writer, 0, 1)
    await pool.execute(AGE)
    await visit(settings)
    await write(writer, 2)
    assert await visit(settings) == [1]
    assert await versions(pool) == [2, 3]


async def test_a_round_examines_all_projects_of_a_client_with_many_changes(
    pool: Pool,
    visit: Visit,
    settings: Settings,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "_CHANGED_AT_MOST", 1)
    await write(writer, *range(5))
    await visit(settings)
    await pool.execute(AGE)
    assert await visit(settings) == [1]
    assert await versions(pool) == [4, 5]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE prune_state SET swept_at = now() - interval '25 hours'",
        "UPDATE prune_state SET began_at = now() + interval '1 hour'",
    ],
    ids=["a day later", "after the clock was set back"],
)
async def test_a_round_visits_all_clients(
    pool: Pool, visit: Visit, settings: Settings, writer: Writer, change: str
) -> None:
    await visit(settings)
    await pool.execute(change)
    assert await visit(settings) == [0, 1]


async def test_a_round_visits_all_clients_after_a_change_of_the_settings(
    pool: Pool, visit: Visit, settings: Settings, writer: Writer
) -> None:
    await write(writer, *range(3))
    await pool.execute(f"UPDATE project_versions SET {earlier('created_at', '1 day')}")
    await visit(settings)
    assert await versions(pool) == [2, 3]
    fewer = settings.model_copy(update={"keep_versions": 1})
    assert await visit(fewer) == [0, 1]
    assert await versions(pool) == [3]
    assert await visit(fewer) == []


async def test_a_failed_round_is_repeated_by_the_next(
    pool: Pool, visit: Visit, settings: Settings, writer: Writer
) -> None:
    await visit(settings)
    await write(writer, *range(5))
    await pool.execute(AGE)
    await pool.execute("ALTER TABLE pruned_versions RENAME TO hidden")
    with pytest.raises(asyncpg.UndefinedTableError):
        await visit(settings)
    await pool.execute("ALTER TABLE hidden RENAME TO pruned_versions")
    assert await visit(settings) == [1]
    assert await versions(pool) == [4, 5]


OLD = "UPDATE imports SET started_at = now() - interval '{0}', ended_at = now() - interval '{0}'"
SHARED = "INSERT INTO shared_objects VALUES (1, 'x', 'Calendar', '1', '{}')"


@pytest.mark.parametrize(
    ("changes", "visited"),
    [
        (["INSERT INTO pruned_versions VALUES (1, 1, 9)"], [1]),
        ([OLD.format("29 days")], []),
        ([OLD.format("31 days")], [1]),
        (["DELETE FROM import_results", OLD.format("364 days")], []),
        (["DELETE FROM import_results", OLD.format("366 days")], [1]),
        ([SHARED, OLD.format("1 day")], []),
        ([SHARED, OLD.format("0 days")], [1]),
    ],
    ids=[
        "deleted versions",
        "young outcomes",
        "old outcomes",
        "young imports",
        "old imports",
        "shared objects",
        "shared objects of a recent import",
    ],
)
async def test_a_round_visits_the_clients_with_work(
    pool: Pool,
    visit: Visit,
    settings: Settings,
    writer: Writer,
    lease: Lease,
    changes: list[str],
    visited: list[int],
) -> None:
    await write(writer, 0)
    await finish(pool, lease)
    year = settings.model_copy(update={"keep_imports_days": 365})
    await visit(year)
    for change in changes:
        await pool.execute(change)
    assert await visit(year) == visited
