"""One batch in one transaction: lock, compare, write the new versions and their outcomes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from service.codes import WarningCode
from service.imports import outcomes
from service.imports.conflict_rules import (
    Failure,
    Outcome,
    StoredProject,
    compare_age,
    decide,
    find_newer_dates,
)
from service.imports.lease import Lease, check_lease
from service.imports.options import ImportOptions
from service.imports.pipeline.batch import BatchItem
from service.imports.pipeline.copy import NewVersion, copy_results, copy_versions
from service.imports.plan_dates import Dates
from service.model import Notice, Project, Refusal, SharedObject
from service.observability import metrics, tracing
from service.observability.metrics import Stage, Stopwatch
from service.storage import Connection, advisory_locks, watchdog
from service.storage.queries import Queries

_SQL = Queries("writer")


class Redated(NamedTuple):
    """An unchanged project, and the dates that count from now on."""

    project_id: int
    project: Project
    dates: Dates


@dataclass(slots=True)
class WritePlan:
    """What a transaction writes.

    Attributes:
        created: new projects.
        moved: new versions of stored projects.
        redated: unchanged projects whose file is newer than any with this content before.
        results: the rows of the outcomes, by the index of the item.
        failed: the indices of refused items.
    """

    created: list[Project] = field(default_factory=list)
    moved: list[NewVersion] = field(default_factory=list)
    redated: list[Redated] = field(default_factory=list)
    results: dict[int, bytes] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)

    def refuse(self, item: BatchItem, failure: Failure) -> None:
        self.results[item.index] = outcomes.failed_row(item, failure)
        self.failed.add(item.index)


@asynccontextmanager
async def lease_transaction(
    conn: Connection,
    lease: Lease,
    *,
    work: int | None = None,
    exclusive: bool = False,
    keep: bool = True,
    projects: int | None = None,
) -> AsyncIterator[Stopwatch]:
    """A transaction that shares the locks of the import and of its client.

    Args:
        work: the key of the transaction's work, of which only one try runs at a time.
        exclusive: hold the client's lock exclusively, so that no other transaction writes for it.
        keep: commit at the end; False rolls back.
        projects: the number of projects in the transaction, for its trace.

    Yields:
        The stopwatch of the transaction, which counts as writing until it is switched.
    """
    with tracing.transaction_span(projects), Stopwatch(Stage.LOCK) as watch:
        try:
            with metrics.LOCK_SECONDS.labels("client").time():
                await advisory_locks.share_client(
                    conn,
                    lease.client_id,
                    work=work,
                    import_id=lease.import_id,
                    exclusive=exclusive,
                    lock_timeout=lease.lock_timeout,
                    idle_timeout=lease.idle_timeout,
                    begin=True,
                )
            watch.switch_to(Stage.WRITE)
            yield watch
        except asyncio.CancelledError:
            # A rollback would wait for a server that may not answer.
            watchdog.terminate(conn)
            raise
        except BaseException:
            await conn.execute("ROLLBACK;")
            raise
        watch.switch_to(Stage.COMMIT)
        await conn.execute("COMMIT;" if keep else "ROLLBACK;")


async def write_batch(
    conn: Connection, lease: Lease, items: Sequence[BatchItem], work: int, recheck: bool
) -> list[BatchItem]:
    """Write a batch in one transaction.

    Args:
        conn: a connection outside any transaction.
        lease: the import.
        items: the items of the batch.
        work: the key that all tries of the batch share.
        recheck: an earlier try ended without an answer, so skip the items that have an outcome.

    Returns:
        The contested items: another transaction holds their project's lock, and nothing of them
        was written.

    Raises:
        LeaseLost: another process ended the import or took it over; nothing was written.
        RowRefused: the database refused one row; nothing was written.
        asyncpg.PostgresError: any other refusal. Nothing was written, except perhaps all if the
            connection broke at the commit.
    """
    plan = WritePlan()
    keep = not lease.options.dry_run
    async with lease_transaction(conn, lease, work=work, keep=keep, projects=len(items)) as watch:
        watch.switch_to(Stage.COMPARE)
        locked, contested = await lock_projects(conn, lease, items)
        if recheck:
            locked = await drop_written(conn, lease, locked)
        if locked:
            plan = await make_plan(conn, lease, locked)
            watch.switch_to(Stage.WRITE)
            await write_plan(conn, lease, plan)
    if plan.results and not keep:
        await store_results(conn, lease, plan.results, work)
    return contested


async def store_results(
    conn: Connection, lease: Lease, results: Mapping[int, bytes], work: int
) -> None:
    """Write the outcomes of a batch that was rolled back; raises as ``write_batch``."""
    async with lease_transaction(conn, lease, work=work):
        await check_lease(conn, lease)
        await copy_results(conn, lease, results)


async def has_outcomes(conn: Connection, lease: Lease) -> bool:
    """Return whether the outcome of the first item is stored; needed after a connection broke."""
    key = (lease.client_id, lease.import_id, lease.attempt)
    return bool(await conn.fetch(_SQL.find_outcomes, *key, [0]))


async def store_shared(conn: Connection, lease: Lease, objects: Sequence[SharedObject]) -> None:
    """Store shared objects, once per client, in a separate short transaction.

    Raises:
        LeaseLost: another process ended the import or took it over.
        asyncpg.PostgresError: the database refused.
    """
    async with lease_transaction(conn, lease, keep=not lease.options.dry_run):
        await check_lease(conn, lease)
        await insert_shared(conn, lease, objects)


async def insert_shared(conn: Connection, lease: Lease, objects: Sequence[SharedObject]) -> None:
    """Insert the shared objects that are not stored yet."""
    await conn.execute(
        _SQL.store_shared,
        lease.client_id,
        [shared.hash for shared in objects],
        [shared.element for shared in objects],
        [shared.object_id for shared in objects],
        [shared.attributes.decode() for shared in objects],
    )


async def lock_projects(
    conn: Connection, lease: Lease, items: Sequence[BatchItem]
) -> tuple[list[BatchItem], list[BatchItem]]:
    """Take the locks of the items' projects that are free, and check the lease.

    Returns:
        The items whose lock is held or that need none, and the contested ones.

    Raises:
        LeaseLost: another process ended the import or took it over.
    """
    projects = [item for item in items if not isinstance(item, Refusal)]
    keys = advisory_locks.project_keys(lease.client_id, [each.external_id for each in projects])
    await check_lease(conn, lease)
    rows = await conn.fetch(_SQL.lock_projects, keys)
    if not rows:
        return list(items), []
    contested = {projects[row["place"] - 1].index for row in rows}
    locked = [item for item in items if item.index not in contested]
    return locked, [item for item in items if item.index in contested]


async def drop_written(conn: Connection, lease: Lease, items: list[BatchItem]) -> list[BatchItem]:
    """Return the items without an outcome; needed after a connection broke."""
    key = (lease.client_id, lease.import_id, lease.attempt)
    rows = await conn.fetch(_SQL.find_outcomes, *key, [item.index for item in items])
    written = {row["index"] for row in rows}
    return [item for item in items if item.index not in written]


async def make_plan(conn: Connection, lease: Lease, items: Sequence[BatchItem]) -> WritePlan:
    """Compare the items with the stored projects, and decide on each."""
    names = [item.external_id for item in items if isinstance(item, Project)]
    dates: set[str] = set()
    if lease.options.if_newer:
        dates.update(*(item.dated_by for item in items if isinstance(item, Project)))
    key = lease.client_id, names, lease.subject, sorted(dates)
    rows = await conn.fetch(_SQL.read_current, *key) if names else []
    current = {row[0]: StoredProject(*row[1:]) for row in rows}
    return plan_items(items, current, lease.options)


def plan_items(
    items: Sequence[BatchItem], current: Mapping[str, StoredProject], options: ImportOptions
) -> WritePlan:
    """Decide on each item, given the stored projects by external id."""
    plan = WritePlan()
    for item in items:
        if isinstance(item, Project):
            _plan_project(plan, item, current.get(item.external_id), options)
        elif isinstance(item, Refusal):
            failure = Failure(item.code, item.message, item.extra)
            plan.refuse(item, failure)
    return plan


def _plan_project(
    plan: WritePlan, project: Project, current: StoredProject | None, options: ImportOptions
) -> None:
    decision = decide(project, current, options)
    if isinstance(decision, Failure):
        plan.refuse(project, decision)
    elif current is None:
        plan.created.append(project)
    elif decision is Outcome.UNCHANGED:
        plan.results[project.index] = outcomes.imported_row(
            project, decision, current.project_id, current.version
        )
        if (dates := find_newer_dates(project, current)) is not None:
            plan.redated.append(Redated(current.project_id, project, dates))
    else:
        moved = NewVersion(project, current.project_id, current.version + 1)
        plan.moved.append(moved)
        notices = []
        place = project.line, "project", current.source
        if current.source not in (None, project.source):
            notices.append(Notice(WarningCode.DIALECT_CHANGED, *place))
        if options.if_newer and compare_age(project, current) is None:
            notices.append(Notice(WarningCode.AGE_UNKNOWN, *place))
        plan.results[project.index] = outcomes.imported_row(
            project, decision, moved.project_id, moved.version, notices
        )


async def write_plan(conn: Connection, lease: Lease, plan: WritePlan) -> None:
    """Write a plan: projects, versions, outcomes."""
    written = [*plan.moved, *await _create(conn, lease, plan)]
    if plan.moved:
        await conn.execute(
            _SQL.move_pointers,
            lease.client_id,
            [moved.project_id for moved in plan.moved],
            [moved.project.external_id for moved in plan.moved],
            [moved.version for moved in plan.moved],
            [moved.project.content_hash for moved in plan.moved],
        )
    if plan.redated:
        await conn.execute(
            _SQL.set_dates,
            lease.client_id,
            [redated.project_id for redated in plan.redated],
            [redated.project.external_id for redated in plan.redated],
            [redated.project.content_hash for redated in plan.redated],
            [orjson.dumps(redated.dates).decode() for redated in plan.redated],
        )
    if written:
        await copy_versions(conn, lease, written)
    await copy_results(conn, lease, plan.results)


async def _create(conn: Connection, lease: Lease, plan: WritePlan) -> list[NewVersion]:
    if not plan.created:
        return []
    rows = await conn.fetch(
        _SQL.create_projects,
        lease.client_id,
        [project.external_id for project in plan.created],
        [project.content_hash for project in plan.created],
    )
    ids = {row["external_id"]: row["project_id"] for row in rows}
    created = [NewVersion(project, ids[project.external_id], 1) for project in plan.created]
    for new in created:
        project_id = None if lease.options.dry_run else new.project_id
        plan.results[new.project.index] = outcomes.imported_row(
            new.project, Outcome.CREATED, project_id, new.version
        )
    return created
