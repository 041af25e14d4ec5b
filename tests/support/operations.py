"""What the service reads for its routes and for pruning, on the rows of ``large_tenant``."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from service.imports import history, outcomes
from service.imports.history import ImportQuery
from service.imports.outcomes import OutcomeQuery
from service.projects import export, listing, retention
from service.projects.checks import CHECKS, read_checks
from service.projects.comparison import compare
from service.projects.listing import ProjectQuery
from service.projects.prune_round import PruneRound, begin_round, end_round
from service.projects.records import Page, Query, VersionKey
from service.projects.retention import PruneResult
from service.projects.sorting import Place, Sort, list_sorted
from service.settings import Settings
from service.storage import Pool
from service.storage.advisory_locks import share_client
from service.storage.queries import Queries
from tests.support.large_tenant import KEEP, LARGE, Size, last_import

PAGE: Final = 100
_BATCH: Final = 200
_LATEST: Final = 2**63 - 1
_WRITER: Final = Queries("writer")
_PROGRESS: Final = _WRITER.read_progress.format(progress=_WRITER.progress)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a route or pruning does.

    Attributes:
        name: the route, or the step of pruning.
        rows: the most rows that it may read.
    """

    name: str
    run: Callable[[Pool], Awaitable[object]]
    rows: int


def routes(size: Size) -> Iterator[Operation]:
    """Yield the requests that read."""
    middle = size.projects // 2
    everything = 4 * size.projects
    yield Operation("GET projects: first page", partial(_projects, after=-1), 3 * PAGE)
    yield Operation("GET projects: middle page", partial(_projects, after=middle), 3 * PAGE)
    last = partial(_projects, after=size.projects - PAGE)
    yield Operation("GET projects: last page", last, 3 * PAGE)
    day, now = timedelta(days=1), datetime.now(UTC)
    for name, query in (
        ("text, none found", ProjectQuery(text="nowhere")),
        ("source, none found", ProjectQuery(source="p6")),
    ):
        yield Operation(f"GET projects: {name}", partial(_projects, query=query), everything)
    latest, place = Sort("updated_at", descending=True), Place(f"{now - day}", middle)
    for name, sort, after, examined in (
        ("first page", Sort("title"), None, everything + 4 * PAGE),
        ("middle page", Sort("updated_at"), place, everything + 4 * PAGE),
        ("latest, first page", latest, None, 8 * PAGE),
        ("latest, middle page", latest, place, 8 * PAGE),
    ):
        sorted_page = partial(_sorted, sort=sort, after=after)
        yield Operation(f"GET projects: sort, {name}", sorted_page, examined)
    exact = ProjectQuery(external_id=f"{size.prefix}{middle}")
    yield Operation("GET projects: external_id", partial(_projects, query=exact), 4)
    few = ProjectQuery(changed=(now - 5.5 * day, now))
    yield Operation(
        "GET projects: changed_since, few found", partial(_projects, query=few), 4 * size.superseded
    )
    none = ProjectQuery(changed=(now - day, now))
    yield Operation("GET projects: changed_since, none found", partial(_projects, query=none), 4)
    yield Operation("GET projects: missing_from", partial(_missing, size=size), 4 * size.projects)
    key = VersionKey(LARGE, middle, 1)
    yield Operation("GET projects/{id}", partial(_document, key=key), 200)
    # Some 320 of them are rows of the list of checks itself, compared in vain.
    yield Operation("GET projects/{id}/checks", partial(_checks, project=middle), 400)
    yield Operation("GET projects/{id}/versions", partial(_versions, project=middle), 20)
    changed = VersionKey(LARGE, 36, 1)
    yield Operation("GET projects/{id}/versions/{version}: diff", partial(_compare, changed), 300)
    yield Operation("GET imports", partial(_imports, query=ImportQuery()), 3 * PAGE)
    scan = 3 * history.EXAMINED
    for name, imports, examined in (
        ("idempotency_key", ImportQuery(key=("s", f"key-{size.imports // 2}")), 10),
        ("idempotency_key, none found", ImportQuery(key=("s", "nowhere")), 10),
        ("text, none found", ImportQuery(text="nowhere"), scan),
        ("state, none found", ImportQuery(state="failed"), scan),
        ("result, none found", ImportQuery(result="undone"), scan + history.EXAMINED),
    ):
        yield Operation(f"GET imports: {name}", partial(_imports, query=imports), examined)
    yield Operation("GET imports/{id}", partial(_import, import_id=size.imports // 2), 10)
    waiting = list(range(size.imports // 2, size.imports // 2 + PAGE))
    yield Operation("GET imports/{id}: wait", partial(_ended, imports=waiting), 2 * PAGE)
    results = partial(_results, import_id=last_import(size))
    yield Operation("GET results: first page", results, 2 * PAGE)
    yield Operation("GET results: middle page", partial(results, after=middle), 2 * PAGE)
    text = OutcomeQuery(text="nowhere")
    yield Operation("GET results: text, none found", partial(results, query=text), everything)
    failed = OutcomeQuery(kinds=outcomes.FAILED)
    yield Operation("GET causes: none found", partial(results, query=failed), everything)
    end = partial(_last_index, import_id=last_import(size))
    yield Operation("GET causes: the last outcome", end, 1)


def writes(size: Size) -> Iterator[Operation]:
    """Yield what a batch and an undo read of 200 stored projects."""
    ids = [*range(size.projects // 2, size.projects // 2 + _BATCH)]
    names = [f"{size.prefix}{number}" for number in ids]
    for name, query, args in (
        ("POST bulk: compare a batch", _WRITER.read_current, (names, "s", ["DataDate"])),
        ("POST undo: compare a batch", Queries("undo").read_current, (ids, 1, "s", 2)),
        ("POST bulk: progress of a batch", _PROGRESS, (ids, [1] * _BATCH)),
        ("POST undo: copied versions", Queries("version_copy").find_versions, (ids, [1] * _BATCH)),
    ):
        rows = _BATCH * (2 * size.tasks if query is _PROGRESS else 10)
        yield Operation(name, partial(_write, query, args), rows)


def pruning(size: Size, settings: Settings) -> Iterator[Operation]:
    """Yield the steps of pruning the large client."""
    rules = {"keep_versions": KEEP, "keep_days": 1, "keep_months": 0, "keep_superseded": 3600}
    settings = settings.model_copy(update=rules)
    kept: dict[str, Any] = {"settings": settings, "result": PruneResult()}
    now = datetime.now(UTC)
    versions = partial(retention._prune_versions, this=PruneRound(now, now, None, now), **kept)
    old = size.superseded
    idle = PruneRound(now, now, now - timedelta(minutes=1), now)
    changed = partial(retention._prune_versions, this=idle, **kept)
    yield Operation("prune: changed versions, none found", partial(_prune, changed), 4)
    clients = partial(_find_clients, settings=settings)
    yield Operation("prune: clients with work", clients, 10 * size.clients)
    yield Operation("prune: versions", partial(_prune, versions), 2 * size.projects + 10 * old)
    rows = old * size.tasks
    yield Operation("prune: records", partial(_prune, retention._prune_records), 3 * rows + 9 * old)
    rows = size.old_imports * size.tasks
    results = partial(retention._prune_outcomes, **kept)
    yield Operation("prune: outcomes", partial(_prune, results), 3 * rows + 9 * size.old_imports)


async def _write(query: str, args: tuple[Any, ...], pool: Pool) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await share_client(conn, LARGE, lock_timeout=1)
        assert len(await conn.fetch(query, LARGE, *args)) == _BATCH


async def _find_clients(pool: Pool, settings: Settings) -> None:
    """Begin a round after another one, with a state that is rolled back."""
    async with retention._transaction(pool) as conn:
        transaction = conn.transaction()
        await transaction.start()
        first, _ = await begin_round(conn, settings)
        await end_round(conn, settings, first)
        second, clients = await begin_round(conn, settings)
        await transaction.rollback()
    assert (second.since, clients) == (first.began_at, [LARGE])


async def _prune(run: Callable[..., Awaitable[None]], pool: Pool) -> None:
    await run(pool, LARGE)


async def _run_query(pool: Pool, query: Query) -> Page:
    async with pool.acquire() as conn:
        return await query(conn)


async def _projects(pool: Pool, after: int = -1, query: ProjectQuery | None = None) -> Page:
    query = ProjectQuery() if query is None else query
    return await listing.list_projects(partial(_run_query, pool), LARGE, query, after, PAGE)


async def _sorted(pool: Pool, sort: Sort, after: Place | None) -> None:
    run = partial(_run_query, pool)
    await list_sorted(run, LARGE, ProjectQuery(), sort, after, PAGE)


async def _missing(pool: Pool, size: Size) -> Page:
    async with pool.acquire() as conn:
        found = await listing.find_complete_import(conn, LARGE, last_import(size))
    page = await _projects(pool, query=ProjectQuery(missing_from=found))
    assert len(page) == 10
    return page


async def _drain(blocks: AsyncIterator[bytes]) -> None:
    async for _ in blocks:
        pass


async def _document(pool: Pool, key: VersionKey) -> None:
    async with pool.acquire() as conn:
        await listing.read_current_version(conn, *key[:2])
    await _drain(export.export_json(partial(_run_query, pool), key))


async def _versions(pool: Pool, project: int) -> None:
    await listing.list_versions(partial(_run_query, pool), LARGE, project, -1, PAGE)


async def _checks(pool: Pool, project: int) -> None:
    async with pool.acquire() as conn:
        await read_checks(conn, LARGE, project, CHECKS, -1, PAGE)


async def _compare(key: VersionKey, pool: Pool) -> None:
    async with pool.acquire() as conn:
        request = compare.Request(key, key.version + 1)
        await compare.compare_versions(conn, request, lambda _: None)


async def _imports(pool: Pool, query: ImportQuery) -> None:
    async with pool.acquire() as conn:
        await history.list_imports(conn, LARGE, query=query, before=_LATEST, limit=PAGE)


async def _import(pool: Pool, import_id: int) -> None:
    async with pool.acquire() as conn:
        await history.find_import(conn, LARGE, import_id)


async def _ended(pool: Pool, imports: list[int]) -> None:
    async with pool.acquire() as conn:
        assert len(await history.list_ended(conn, LARGE, imports)) == len(imports)


async def _last_index(pool: Pool, import_id: int) -> None:
    async with pool.acquire() as conn:
        assert await outcomes.last_index(conn, LARGE, import_id, 1) > 0


async def _results(
    pool: Pool, import_id: int, after: int = -1, query: OutcomeQuery = outcomes.ALL_OUTCOMES
) -> None:
    async with pool.acquire() as conn:
        await outcomes.list_outcomes(
            conn, LARGE, import_id, 1, after=after, limit=PAGE, query=query
        )
