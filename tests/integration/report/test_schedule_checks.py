"""The schedule checks as reports see them."""

from service.storage import Pool
from service.storage.readers import grant_reader
from tests.support.plans import recording_pool
from tests.support.readers import READER, Acting

_TASKS = 3000
_LARGE = (
    "INSERT INTO clients (client_id, name) VALUES (1, 'One'), (2, 'Two')",
    "INSERT INTO projects (client_id, project_id, external_id, version, content_hash)"
    " SELECT c, 7, 'P', 1, '' FROM generate_series(1, 2) c",
    "INSERT INTO project_versions (client_id, project_id, version, content_hash, name, source,"
    " attributes, data_date) SELECT c, 7, 1, '', 'Plan ' || c, 'native', '{}', '2026-06-01'"
    " FROM generate_series(1, 2) c",
    "INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, milestone,"
    " summary, attributes) SELECT c, 7, 1, n, n::text, 'activity', false, false, '{}'"
    " FROM generate_series(1, 2) c, generate_series(1, $1::integer) n",
    "INSERT INTO dependencies (client_id, project_id, version, ordinal, predecessor_id,"
    " successor_id, type, lag, attributes) SELECT c, 7, 1, n, n::text, (n + 1)::text, 'FS',"
    " interval '8 hours', '{}' FROM generate_series(1, 2) c, generate_series(1, $1::integer) n",
    "INSERT INTO assignments (client_id, project_id, version, ordinal, task_id, resource_id,"
    " attributes) SELECT c, 7, 1, n, n::text, 'R', '{}'"
    " FROM generate_series(1, 2) c, generate_series(1, $1::integer) n",
    "INSERT INTO baselines (client_id, project_id, version, ordinal, number, current, attributes)"
    " SELECT c, 7, 1, 0, 0, true, '{}' FROM generate_series(1, 2) c",
    "INSERT INTO baseline_tasks (client_id, project_id, version, ordinal, number, kind, task_id,"
    " attributes) SELECT c, 7, 1, n, 0, 'activity', n::text, '{}'"
    " FROM generate_series(1, 2) c, generate_series(1, $1::integer) n",
)


async def _fill(pool: Pool, tasks: int) -> None:
    for statement in _LARGE:
        await pool.execute(statement, *([tasks] if "$1" in statement else []))


async def test_a_reader_sees_the_checks_of_its_clients(
    dsn: str, pool: Pool, acting: Acting
) -> None:
    await _fill(pool, 3)
    await grant_reader(dsn, READER, [2])
    async with acting(READER) as connection:
        rows = await connection.fetch(
            "SELECT DISTINCT client_id, project_name FROM report.schedule_checks"
        )
        found = await connection.fetch(
            "SELECT task_id, predecessor_id, value FROM report.schedule_check_findings"
            " WHERE client_id = 2 AND check_name = 'lags' ORDER BY task_id"
        )
    assert [tuple(row) for row in rows] == [(2, "Plan 2")]
    assert [tuple(row) for row in found] == [("2", "1", "1 days"), ("3", "2", "1 days")]


async def test_the_checks_of_a_large_project_need_no_statistics(dsn: str, pool: Pool) -> None:
    await _fill(pool, _TASKS)
    async with recording_pool(dsn) as (recording, plans):
        query = "SELECT * FROM report.{} WHERE client_id = 1 AND project_id = 7"
        for view in ("schedule_checks", "schedule_check_findings"):
            assert await recording.fetch(query.format(view))
        reads = [plan.rows for plan in plans]
    # A nested loop over tasks and links would compare nine million pairs.
    assert max(reads) < 50 * _TASKS, reads
