"""A group of small imports in one transaction: lock, compare, and write each with one statement.

A group takes four round trips, however many imports it has: the locks, the stored projects, the
imports, the commit. It waits for another transaction for milliseconds only. An import takes the
long way if another transaction holds what it needs, or if the database refuses it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from service.imports import outcomes
from service.imports.conflict_rules import Outcome, StoredProject
from service.imports.fast_path.small_file import SmallFile
from service.imports.fast_path.statement import as_parameter, write_statement
from service.imports.fingerprint import upload_fingerprint
from service.imports.idempotency import FIRST_ATTEMPT
from service.imports.outcomes import Tally
from service.imports.pipeline.copy import NewVersion, figures, shared_objects
from service.imports.pipeline.transaction import WritePlan, plan_items
from service.imports.record import ImportRequest
from service.model import FileCounts, Project
from service.observability import metrics
from service.observability.metrics import Stage, Stopwatch
from service.spool.copy_rows import prefix_rows
from service.storage import Connection
from service.storage.advisory_locks import claim_key, client_key, project_key
from service.storage.events import import_event, notify
from service.storage.queries import Queries
from service.tables import Table

_SQL = Queries("fast_path")
_TRANSACTIONS = Queries("transactions")
_WRITE: Final = write_statement()
ONE_FILE: Final = FileCounts(read=1)
_NEW: Final = -1
"""Stands for the id of a project that the statement creates."""


class CommitUnknown(Exception):
    """The connection broke at the commit: all of the group is stored, or nothing of it."""


@dataclass(frozen=True, slots=True)
class SmallImport:
    """An import whose upload has arrived and was parsed.

    Attributes:
        request: who asks for it, and with which options.
        file: its file.
        notes: the uploader's notes, or None.
        warnings: about the upload, as the row stores them.
        seconds: since it was admitted.
    """

    request: ImportRequest
    file: SmallFile
    notes: str | None
    warnings: list[dict[str, Any]]
    seconds: float

    @property
    def projects(self) -> Iterator[Project]:
        return (item for item in self.file.batch.items if isinstance(item, Project))

    @property
    def fingerprint(self) -> bytes | None:
        digest = self.file.digest
        if digest is None:
            return None
        return upload_fingerprint(digest, self.notes, self.request.options)


@dataclass(frozen=True, slots=True)
class StoredImport:
    """An import that is stored.

    Attributes:
        tally: its result.
        outcomes: as ``list_outcomes`` returns them; None if they must be read.
    """

    import_id: int
    tally: Tally
    outcomes: Sequence[Mapping[str, Any]] | None


async def write_group(
    conn: Connection, imports: Sequence[SmallImport], *, notifies: bool
) -> list[StoredImport | None]:
    """Write a group of imports, no two of which have a project in common.

    Args:
        conn: a connection outside any transaction.
        notifies: the end of each import sends an event.

    Returns:
        For each import what is stored, or None if nothing is stored and it takes the long way.

    Raises:
        CommitUnknown: see there.
        asyncpg.PostgresError, OSError: nothing is stored.
    """
    with Stopwatch(Stage.LOCK) as watch:
        return await _write_group(conn, imports, watch, notifies)


async def _write_group(
    conn: Connection, imports: Sequence[SmallImport], watch: Stopwatch, notifies: bool
) -> list[StoredImport | None]:
    try:
        await conn.execute(_TRANSACTIONS.begin_group.format(locks=", ".join(_locks(imports))))
        watch.switch_to(Stage.COMPARE)
        await _store_shared(conn, imports)
        current = await _read_current(conn, imports)
        plans = [
            plan_items(each.file.batch.items, stored, each.request.options)
            for each, stored in zip(imports, current, strict=True)
        ]
        watch.switch_to(Stage.WRITE)
        stored = await _write(conn, imports, plans)
        if notifies:
            await notify(conn, _events(imports, stored))
    except Exception:
        if not conn.is_closed():
            await conn.execute("ROLLBACK")
        raise
    watch.switch_to(Stage.COMMIT)
    try:
        answer = await conn.execute("COMMIT" if any(stored) else "ROLLBACK")
    except Exception as exc:
        raise CommitUnknown from exc
    return stored if answer == "COMMIT" else [None] * len(imports)


def _locks(imports: Sequence[SmallImport]) -> Iterator[str]:
    """Yield calls that take the locks of a group, in the order of ``advisory_locks``."""
    for each in imports:
        yield f"pg_advisory_xact_lock({claim_key(each.request.nonce)})"
    for key in sorted({client_key(each.request.client_id) for each in imports}):
        yield f"pg_advisory_xact_lock_shared({key})"
    for key in sorted(chain.from_iterable(map(project_keys, imports))):
        yield f"pg_advisory_xact_lock({key})"


def project_keys(small: SmallImport) -> set[int]:
    """Return the keys of the locks of an import's projects."""
    client_id = small.request.client_id
    return {project_key(client_id, project.external_id) for project in small.projects}


async def _store_shared(conn: Connection, imports: Sequence[SmallImport]) -> None:
    """Store the shared objects that the imports bring."""
    objects = [
        (each.request.client_id, new.hash, new.element, new.object_id, new.attributes.decode())
        for each in imports
        for new in each.file.batch.shared
    ]
    if objects:
        await conn.execute(_SQL.store_shared, *zip(*objects, strict=True))


async def _read_current(
    conn: Connection, imports: Sequence[SmallImport]
) -> list[dict[str, StoredProject]]:
    """Return, for each import, the stored state of its projects."""
    wanted = [
        (place, each.request.client_id, project.external_id, each.request.subject)
        for place, each in enumerate(imports)
        for project in each.projects
    ]
    current: list[dict[str, StoredProject]] = [{} for _ in imports]
    if wanted:
        for row in await conn.fetch(_SQL.read_current, *zip(*wanted, strict=True)):
            current[row[0]][row[1]] = StoredProject(*row[2:])
    return current


async def _write(
    conn: Connection, imports: Sequence[SmallImport], plans: Sequence[WritePlan]
) -> list[StoredImport | None]:
    stored: list[StoredImport | None] = [None] * len(imports)
    tallies: dict[int, Tally] = {}
    calls = []
    for at, (each, plan) in enumerate(zip(imports, plans, strict=True)):
        for project in plan.created:  # the statement adds the project's id
            created = outcomes.imported_row(project, Outcome.CREATED, None, 1)
            plan.results[project.index] = created
        tally = outcomes.count_rows(plan.results.values())
        atomic = each.request.options.atomic
        if tally.conflict is None and not (atomic and tally.counts[Outcome.FAILED]):
            tallies[at] = replace(tally, warnings=each.warnings, files=ONE_FILE)
            calls.append(_parameters(each, plan, tally.counts))
    metrics.DATABASE_BYTES.inc(sum(each.file.batch.size for each in imports))
    rows = await conn.fetchmany(_WRITE, calls) if calls else []
    for (at, tally), row in zip(tallies.items(), rows, strict=True):
        if row["import_id"] is not None:
            written = sorted(row["outcomes"], key=itemgetter("index"))
            stored[at] = StoredImport(row["import_id"], tally, written)
    return stored


def _events(
    imports: Sequence[SmallImport], stored: Sequence[StoredImport | None]
) -> Iterator[Mapping[str, Any]]:
    for small, each in zip(imports, stored, strict=True):
        if each is not None:
            request = small.request
            key = (request.client_id, each.import_id, FIRST_ATTEMPT)
            yield import_event(*key, "completed", request.options.as_dict())


def _parameters(small: SmallImport, plan: WritePlan, counts: Mapping[str, int]) -> list[Any]:
    """Return the parameters of the statement, in the order of ``fast_path.sql``."""
    request, file = small.request, small.file
    written = [*plan.moved, *(NewVersion(project, _NEW, 1) for project in plan.created)]
    shared = {digest for new in written for digest in new.project.shared}
    return [
        request.client_id,
        request.subject,
        request.options.as_dict(),
        request.request_id,
        request.traceparent,
        request.key,
        request.nonce,
        small.seconds,
        small.notes,
        file.name,
        file.format,
        file.bytes_read,
        small.warnings,
        counts,
        small.fingerprint,
        list(shared),
        len(file.batch.items),
        [new.project.external_id for new in written],
        [new.project.content_hash for new in written],
        [None if new.project_id == _NEW else new.project_id for new in written],
        [new.version for new in written],
        as_parameter(
            b"%d\t%b\t%b\t%b\n"
            % (place, shared_objects(new.project), figures(new.project), new.project.row)
            for place, new in enumerate(written, 1)
        ),
        *(as_parameter(_records(written, table)) for table in Table),
        as_parameter(plan.results.values()),
    ]


def _records(written: Sequence[NewVersion], table: Table) -> Iterator[bytes]:
    for place, new in enumerate(written, 1):
        for block in new.project.rows.blocks(table):
            yield prefix_rows(block, b"%d\t" % place)
