"""One batch, one transaction: lock, compare, write the new versions and their outcomes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from service.codes import WarningCode
from service.imports import outcomes
from service.imports.conflict_rules import Failure, Outcome, StoredProject, decide
from service.imports.options import Mode
from service.imports.pipeline.batch import BatchItem, Lease
from service.imports.pipeline.copy import NewVersion, copy_results, copy_versions
from service.model import Notice, Project, Refusal, SharedObject
from service.observability import metrics, tracing
from service.observability.metrics import Stage, Stopwatch
from service.storage import Connection
from service.storage.advisory_locks import client_key, import_key, project_key
from service.storage.db_errors import LeaseLost
from service.storage.queries import Queries

_SQL = Queries("writer")


@dataclass(slots=True)
class WritePlan:
    """What a transaction is about to write.

    Attributes:
        results: the outcomes' rows, by the index of their projects.
        failed: the indices of those that are refused.
    """

    created: list[Project] = field(default_factory=list)
    moved: list[NewVersion] = field(default_factory=list)
    results: dict[int, bytes] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)

    def refuse(self, item: BatchItem, failure: Failure) -> None:
        self.results[item.index] = outcomes.failed_row(item, failure)
        self.failed.add(item.index)


@asynccontextmanager
async def lease_transaction(
    conn: Connection,
    owner: Lease,
    *,
    alone: bool = False,
    keep: bool = True,
    projects: int | None = None,
) -> AsyncIterator[Stopwatch]:
    """A transaction that holds the import's and the client's lock, with its time-outs set.

    READ COMMITTED is set explicitly: under a higher default, what is read after the locks would be
    what was there before them.

    Args:
        alone: hold the client's lock exclusively, so that nothing else of the client is written;
            both are shared by default.
        keep: commit in the end; what is not kept is rolled back.
        projects: how many it is about, for its trace.

    Yields:
        What counts its seconds: those inside as written, unless it is told otherwise.
    """
    with tracing.transaction_span(projects), Stopwatch(Stage.LOCK) as watch:
        transaction = conn.transaction(isolation="read_committed")
        await transaction.start()
        try:
            with metrics.LOCK_SECONDS.labels("client").time():
                await conn.execute(
                    _SQL.hold,
                    import_key(owner.client_id, owner.import_id),
                    client_key(owner.client_id),
                    f"{owner.lock_timeout * 1000:.0f}",
                    f"{owner.idle_timeout * 1000:.0f}",
                    alone,
                )
            watch.switch_to(Stage.WRITE)
            yield watch
        except BaseException:
            await transaction.rollback()
            raise
        watch.switch_to(Stage.COMMIT)
        await (transaction.commit() if keep else transaction.rollback())


async def check_lease(conn: Connection, owner: Lease) -> None:
    """Compare attempt and state; to be asked in a statement after the locks.

    Raises:
        Fenced: the import was ended or taken over.
    """
    if not await conn.fetchval(_SQL.fence, owner.client_id, owner.import_id, owner.attempt):
        raise LeaseLost


async def write_batch(
    conn: Connection, owner: Lease, items: Sequence[BatchItem], recheck: bool
) -> list[BatchItem]:
    """Write a batch in one transaction.

    Args:
        conn: a connection outside any transaction.
        owner: the import that the batch belongs to.
        items: what the reader handed on.
        recheck: an earlier try of these items ended without an answer, so look for its outcomes.

    Returns:
        The projects whose lock another transaction holds: nothing of them was written.

    Raises:
        Fenced: the import was ended or taken over; nothing was written.
        RowRefused: the database refused one row; nothing was written.
        asyncpg.PostgresError: the database refused something else; nothing was written, or, where
            the connection broke at the commit, perhaps all.
    """
    plan = WritePlan()
    keep = not owner.options.dry_run
    async with lease_transaction(conn, owner, keep=keep, projects=len(items)) as watch:
        watch.switch_to(Stage.COMPARE)
        held, contested = await try_project_locks(conn, owner, items)
        await check_lease(conn, owner)
        if recheck:
            held = await drop_written(conn, owner, held)
        if held:
            plan = await make_plan(conn, owner, held)
            watch.switch_to(Stage.WRITE)
            await write_plan(conn, owner, plan)
    if plan.results and not keep:
        await store_results(conn, owner, plan.results)
    return contested


async def store_results(conn: Connection, owner: Lease, results: Mapping[int, bytes]) -> None:
    """Write the outcomes of what was rolled back; raises as ``land`` does."""
    async with lease_transaction(conn, owner):
        await check_lease(conn, owner)
        await copy_results(conn, owner, results)


async def has_outcomes(conn: Connection, owner: Lease) -> bool:
    """Whether an outcome of the import's first entry is stored; asked after a connection broke."""
    key = (owner.client_id, owner.import_id, owner.attempt)
    return bool(await conn.fetch(_SQL.landed, *key, [0]))


async def store_shared(conn: Connection, owner: Lease, objects: Sequence[SharedObject]) -> None:
    """Store shared objects, each once for the client, in a short transaction of its own.

    Raises:
        Fenced: the import was ended or taken over.
        asyncpg.PostgresError: the database refused.
    """
    async with lease_transaction(conn, owner, keep=not owner.options.dry_run):
        await check_lease(conn, owner)
        await insert_shared(conn, owner, objects)


async def insert_shared(conn: Connection, owner: Lease, objects: Sequence[SharedObject]) -> None:
    """Insert those shared objects that are not there yet."""
    await conn.execute(
        _SQL.store_shared,
        owner.client_id,
        [shared.hash for shared in objects],
        [shared.element for shared in objects],
        [shared.object_id for shared in objects],
        [shared.attributes.decode() for shared in objects],
    )


async def try_project_locks(
    conn: Connection, owner: Lease, items: Sequence[BatchItem]
) -> tuple[list[BatchItem], list[BatchItem]]:
    """Take the projects' locks as far as they are free.

    Returns:
        the items whose lock is held, or that need none, and those that somebody else has.
    """
    projects = [item for item in items if not isinstance(item, Refusal)]
    keys = [project_key(owner.client_id, project.external_id) for project in projects]
    others = await conn.fetch(_SQL.try_projects, keys) if keys else []
    contested = {projects[place - 1].index for (place,) in others}
    held = [item for item in items if item.index not in contested]
    return held, [item for item in items if item.index in contested]


async def drop_written(conn: Connection, owner: Lease, items: list[BatchItem]) -> list[BatchItem]:
    """The items that have no outcome yet; to be asked after a connection broke."""
    rows = await conn.fetch(
        _SQL.landed,
        owner.client_id,
        owner.import_id,
        owner.attempt,
        [item.index for item in items],
    )
    there = {row["index"] for row in rows}
    return [item for item in items if item.index not in there]


async def make_plan(conn: Connection, owner: Lease, items: Sequence[BatchItem]) -> WritePlan:
    """Compare with what is there, and decide on each item."""
    names = [item.external_id for item in items if isinstance(item, Project)]
    rows = await conn.fetch(_SQL.current, owner.client_id, names, owner.subject) if names else []
    there = {row[0]: StoredProject(*row[1:]) for row in rows}
    plan = WritePlan()
    for item in items:
        if isinstance(item, Project):
            _plan_project(plan, item, there.get(item.external_id), owner.options.mode)
        elif isinstance(item, Refusal):
            failure = Failure(item.code, item.message, item.extra)
            plan.refuse(item, failure)
    return plan


def _plan_project(
    plan: WritePlan, project: Project, current: StoredProject | None, mode: Mode
) -> None:
    verdict = decide(project, current, mode)
    if isinstance(verdict, Failure):
        plan.refuse(project, verdict)
    elif current is None:
        plan.created.append(project)
    elif verdict is Outcome.UNCHANGED:
        plan.results[project.index] = outcomes.landed_row(
            project, verdict, current.project_id, current.version
        )
    else:
        moved = NewVersion(project, current.project_id, current.version + 1)
        plan.moved.append(moved)
        notices = []
        if current.source not in (None, project.source):
            notices.append(
                Notice(WarningCode.DIALECT_CHANGED, project.line, "project", current.source)
            )
        plan.results[project.index] = outcomes.landed_row(
            project, verdict, moved.project_id, moved.version, notices
        )


async def write_plan(conn: Connection, owner: Lease, plan: WritePlan) -> None:
    """Write a plan: projects, versions, outcomes."""
    written = [*plan.moved, *await _create(conn, owner, plan)]
    if plan.moved:
        await conn.execute(
            _SQL.move_pointers,
            owner.client_id,
            [moved.project_id for moved in plan.moved],
            [moved.project.external_id for moved in plan.moved],
            [moved.version for moved in plan.moved],
            [moved.project.content_hash for moved in plan.moved],
        )
    if written:
        await copy_versions(conn, owner, written)
    await copy_results(conn, owner, plan.results)


async def _create(conn: Connection, owner: Lease, plan: WritePlan) -> list[NewVersion]:
    if not plan.created:
        return []
    rows = await conn.fetch(
        _SQL.create_projects,
        owner.client_id,
        [project.external_id for project in plan.created],
        [project.content_hash for project in plan.created],
    )
    ids = {row["external_id"]: row["project_id"] for row in rows}
    created = [NewVersion(project, ids[project.external_id], 1) for project in plan.created]
    for new in created:
        project_id = None if owner.options.dry_run else new.project_id
        plan.results[new.project.index] = outcomes.landed_row(
            new.project, Outcome.CREATED, project_id, new.version
        )
    return created
