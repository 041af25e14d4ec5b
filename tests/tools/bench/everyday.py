"""The everyday case: a database that is full already, and the same export again and again."""

from typing import Final

from service.observability.logging import configure_logging
from service.projects.retention import prune
from service.settings import Settings
from service.storage.pool import create_pool
from tests.tools.bench import native
from tests.tools.bench.database import Database, add_clients, another
from tests.tools.bench.measure import figure, ratio
from tests.tools.bench.process import prepare
from tests.tools.bench.runs import PROJECTS, Bench
from tests.tools.bench.upload import upload

_ROUNDS: Final = 10
_EVERY: Final = 10
_OTHERS: Final = range(301, 400)
_PROJECTS_OF_OTHERS: Final = 500_000
_MIB: Final = 1 << 20
_SIZED: Final = ("tables", "indexes", "outcomes (kept 30 days)", "indexes of outcomes")

_FILL: Final = (
    f"""
    INSERT INTO projects (client_id, external_id, version, content_hash)
    SELECT {_OTHERS.start} + n % {len(_OTHERS)}, 'P-' || n, 1, sha256(n::text::bytea)
      FROM generate_series(1, {_PROJECTS_OF_OTHERS}) n
    """,
    """
    INSERT INTO project_versions
           (client_id, project_id, version, import_id, content_hash, name, source, attributes)
    SELECT client_id, project_id, 1, 1, content_hash, 'Project ' || project_id, 'native', '{}'
      FROM projects
    """,
    f"""
    INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, parent_id, name,
                       start, finish, duration, milestone, summary, attributes)
    SELECT client_id, project_id, 1, n, 'T' || n, 'activity', 'T1', 'Foundation ' || n,
           timestamp '2026-01-05 08:00' + n * interval '1 day',
           timestamp '2026-01-05 17:00' + n * interval '3 days', interval '24 hours',
           false, false, '{{}}'
      FROM projects, generate_series(1, {native.TASKS}) n
    """,
    "VACUUM (ANALYZE)",
    "CHECKPOINT",
)


async def loaded(bench: Bench) -> None:
    """A first import beside 10 million tasks of others, against one into empty tables."""
    file = native.write(bench.directory / "loaded.xml", PROJECTS)
    full = await another(bench.database, "loaded")
    await prepare(full)
    await add_clients(full)
    bench.report.progress("10 million tasks of others")
    await full.execute(*_FILL)
    times: dict[Database, list[float]] = {bench.database: [], full: []}
    for run in range(bench.runs):
        bench.progress("into empty tables, and beside 10 million tasks", run)
        for database, seconds in times.items():
            async with bench.fresh(database) as (server, _idle):
                # Every run has its own client, because the loaded tables cannot be emptied.
                await bench.database.empty()
                await database.settle()
                answer = await upload(server.bulk(run + 1), bench.token, file)
                seconds.append(answer.expect(created=PROJECTS).seconds)
    file.unlink()
    await bench.database.execute("DROP DATABASE loaded WITH (FORCE)")
    bench.report.bar("loaded", ratio(times[full], times[bench.database]), most=1.3)
    bench.report.tell("  beside 10 million tasks", figure(times[full]), "s")
    bench.report.tell("  into empty tables", figure(times[bench.database]), "s")


async def aged(bench: Bench) -> None:
    """The same tenth of the projects changed ten times over, with pruning after each time.

    Always the same tenth, so that their versions pile up as fast as they can.
    """
    configure_logging("console", "error")
    lasts: list[float] = []
    firsts: list[float] = []
    sizes: list[tuple[int, ...]] = []
    for series in range(bench.runs):
        bench.progress("10 re-imports with 10 % changed", series)
        async with bench.fresh() as (server, _idle):
            await bench.database.empty()
            file = native.write(bench.directory / "aged.xml", PROJECTS)
            (await bench.send(server, file)).expect(created=PROJECTS)
            sizes = [await _sizes(bench.database)]
            seconds: list[float] = []
            for edition in range(1, _ROUNDS + 1):
                native.write(file, PROJECTS, lambda n, e=edition: 0 if n % _EVERY else e)  # type: ignore[misc]
                answer = await bench.send(server, file)
                answer.expect(updated=PROJECTS // _EVERY, unchanged=PROJECTS - PROJECTS // _EVERY)
                seconds.append(answer.seconds)
                await _prune(bench.database)
                sizes.append(await _sizes(bench.database))
            firsts.append(seconds[0])
            lasts.append(seconds[-1])
            file.unlink()
    _tell(bench, firsts, lasts, sizes)


async def _prune(database: Database) -> None:
    """One round of the service's pruning, which keeps only the last three versions."""
    settings = Settings(
        DATABASE_URL=database.dsn, keep_versions=3, keep_days=0, keep_months=0, keep_superseded=0
    )
    pool = await create_pool(settings, database.dsn)
    try:
        await prune(pool, settings)
    finally:
        await pool.close()


async def _sizes(database: Database) -> tuple[int, ...]:
    """Bytes of what ``_SIZED`` names."""
    versions = await database.sizes(outcomes=False)
    return *versions, *await database.sizes(outcomes=True)


def _tell(
    bench: Bench, firsts: list[float], lasts: list[float], sizes: list[tuple[int, ...]]
) -> None:
    report = bench.report
    report.bar("aged", ratio(lasts, firsts), most=1.1)
    report.tell("  the first of the 10", figure(firsts), "s")
    report.tell("  the last of the 10", figure(lasts), "s")
    for place, what in enumerate(_SIZED):
        each = [size[place] / _MIB for size in sizes]
        growth = each[-1] / each[_ROUNDS // 2]
        level = "level off" if growth <= 1.05 else "do not level off"
        after = " ".join(f"{size:.0f}" for size in each)
        note = f"{level}: after 10 ÷ after 5 = {growth:.3f}"
        report.tell(f"  {what}: {after}", figure(each[-1:]), "MiB", note)
