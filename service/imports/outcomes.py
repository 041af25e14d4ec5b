"""Outcomes of projects: the rows that batches store, and the JSON that the API returns."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.codes import ErrorCode, WarningCode
from service.imports.conflict_rules import Failure, Outcome
from service.imports.pipeline.batch import BatchItem, Reversal
from service.model import MAX_LISTED_NAME, FileCounts, Notice, Project, Refusal, Warnings
from service.spool.copy_rows import copy_field
from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("outcomes")

PAGE = 1000
"""Outcomes that one query reads."""

_OF_FILE = frozenset(code.value for code in ErrorCode if code.of_file)

LAST = 2**63 - 1
LOOK_AHEAD = 20_000
"""Outcomes that ``last_contiguous`` examines."""

IMPORTED = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
FAILED = (Outcome.FAILED,)
ALL = tuple(Outcome)


COLUMNS = (
    "client_id",
    "import_id",
    "attempt",
    "index",
    "outcome",
    "external_id",
    "name",
    "file",
    "line",
    "project_id",
    "version",
    "tasks",
    "error",
    "message",
    "extra",
    "warnings",
)
"""The columns of ``import_results``. The rows made here lack the first three."""

_NULL = copy_field(None)

_CONFLICTS = {ErrorCode.LOCKING_CONFLICT, ErrorCode.VERSION_CONFLICT, ErrorCode.STORED_IS_NEWER}
"""If only these refused all projects, the response is a 409."""


def imported_row(
    project: Project,
    outcome: Outcome,
    project_id: int | None,
    version: int,
    notices: Sequence[Notice] = (),
) -> bytes:
    """Return the row, as COPY text, of a project that is now stored as it is in the file.

    Args:
        project_id: None if a dry run would create the project.
        notices: warnings in addition to those of the parser.
    """
    warnings = project.warnings
    if notices:
        warnings = Warnings(warnings.count, list(warnings.first))
        for notice in notices:
            warnings.add(notice)
    stored = copy_field(orjson.dumps(warnings.as_dict()).decode()) if warnings.count else _NULL
    known = _NULL if project_id is None else str(project_id)
    rest = f"{known}\t{version}\t{project.tasks}\t{_NULL}\t{_NULL}\t{_NULL}\t{stored}"
    return _row(project, outcome, rest)


def restored_row(item: Reversal, outcome: Outcome, version: int, tasks: int) -> bytes:
    """Return the row, as COPY text, of a project that an undo restored."""
    rest = f"{item.project_id}\t{version}\t{tasks}\t{_NULL}\t{_NULL}\t{_NULL}\t{_NULL}"
    return _row(item, outcome, rest)


def failed_row(item: BatchItem, failure: Failure) -> bytes:
    """Return the row, as COPY text, of a project that failed."""
    extra = orjson.dumps(dict(failure.extra)).decode() if failure.extra else None
    fields = "\t".join(map(copy_field, (failure.code, failure.message, extra)))
    return _row(item, Outcome.FAILED, f"{_NULL}\t{_NULL}\t{_NULL}\t{fields}\t{_NULL}")


def _row(item: BatchItem, outcome: Outcome, rest: str) -> bytes:
    external_id = copy_field(item.external_id)
    name = copy_field(item.name and item.name[:MAX_LISTED_NAME])
    file = copy_field(item.file)
    line = _NULL if item.line is None else item.line
    place = f"{file}\t{line}"
    return f"{item.index}\t{outcome.value}\t{external_id}\t{name}\t{place}\t{rest}\n".encode()


@dataclass(frozen=True, slots=True)
class Tally:
    """The result of an import.

    Attributes:
        counts: the number of projects by outcome.
        conflict: the details of the 409 if locks or versions refused every project; else None.
        refused_files: the number of outcomes that concern a file.
        warnings: warnings about the upload, once the import has ended.
        files: the files of the upload, once the import has ended; None for an undo.
    """

    counts: dict[str, int]
    conflict: str | None
    refused_files: int = 0
    warnings: Sequence[Mapping[str, Any]] = ()
    files: FileCounts | None = None

    @property
    def outcomes(self) -> int:
        """The number of all outcomes."""
        return sum(self.counts.values()) + self.refused_files


async def count_outcomes(
    conn: Connection, client_id: int, import_id: int, attempt: int, *, atomic: bool = False
) -> Tally:
    """Count the stored outcomes of an import's attempt.

    Args:
        atomic: the import is atomic, so ``NOT_IMPORTED`` follows from another project's failure.
    """
    rows = await conn.fetch(_SQL.count_outcomes, client_id, import_id, attempt)
    return _tally((tuple(row) for row in rows), atomic)


def count_rows(rows: Iterable[bytes]) -> Tally:
    """Count outcomes that are not stored yet, given their rows as COPY text."""
    at, error_at = (COLUMNS[3:].index(name) for name in ("outcome", "error"))
    counted: Counter[tuple[str, str | None]] = Counter()
    for row in rows:
        fields = row.split(b"\t")
        error = fields[error_at].decode()
        counted[fields[at].decode(), None if error == "\\N" else error] += 1
    return _tally(((*key, number) for key, number in counted.items()), atomic=False)


def _tally(counted: Iterable[tuple[Any, ...]], atomic: bool) -> Tally:
    """Sum up; each of ``counted`` has an outcome, an error or None, and how often they occur."""
    counts = {outcome.value: 0 for outcome in Outcome}
    refused_files = 0
    causes = set()
    for outcome, error, number in counted:
        causes.add(error)
        if error in _OF_FILE:
            refused_files += number
        else:
            counts[outcome] += number
    if atomic:
        causes.discard(ErrorCode.NOT_IMPORTED)
    conflict = None
    if causes and causes <= _CONFLICTS:
        locked = ErrorCode.LOCKING_CONFLICT in causes
        conflict = "Locking conflict" if locked else "Version conflict"
    return Tally(counts, conflict, refused_files)


@dataclass(frozen=True, slots=True)
class OutcomeQuery:
    """Which outcomes to list; None lists all.

    Attributes:
        kinds: the outcomes.
        error: the code of their failure.
        warning: the code of one of their stored warnings.
        text: a text in the external id, the name or the name of the file, regardless of case.
        warned: only outcomes that have a warning.
        upto: the last index.
    """

    kinds: tuple[Outcome, ...] = ALL
    error: ErrorCode | None = None
    warning: WarningCode | None = None
    text: str | None = None
    warned: bool = False
    upto: int = LAST


ALL_OUTCOMES = OutcomeQuery()


async def list_outcomes(
    conn: Connection,
    client_id: int,
    import_id: int,
    attempt: int,
    *,
    after: int = -1,
    limit: int = PAGE,
    query: OutcomeQuery = ALL_OUTCOMES,
) -> list[dict[str, Any]]:
    """Return a page of stored outcomes in the order of the file; see ``format_outcome``.

    Args:
        after: list the outcomes with larger indices; -1 begins with the first.
        limit: the maximum number of outcomes.
    """
    rows = await conn.fetch(
        _SQL.list_outcomes,
        client_id,
        import_id,
        attempt,
        after,
        query.upto,
        list(query.kinds),
        query.error,
        query.warning,
        query.text,
        query.warned,
        limit,
    )
    return [dict(row) for row in rows]


async def last_index(conn: Connection, client_id: int, import_id: int, attempt: int) -> int:
    """Return the largest index of an outcome of an import's attempt; -1 if there is none."""
    last: int | None = await conn.fetchval(_SQL.last_index, client_id, import_id, attempt)
    return -1 if last is None else last


async def last_contiguous(
    conn: Connection, client_id: int, import_id: int, attempt: int, *, after: int
) -> int:
    """Return the last index after ``after`` before which no outcome is missing."""
    last: int = await conn.fetchval(
        _SQL.last_contiguous, client_id, import_id, attempt, after, LOOK_AHEAD
    )
    return last


def summarize(
    counts: Mapping[str, int],
    files: FileCounts | None = None,
    *,
    dry_run: bool = False,
    undo: bool = False,
) -> tuple[str, str]:
    """Return the status of an import in one word, and its message in one sentence.

    Args:
        counts: the number of projects by outcome.
        files: the files of the upload.
        dry_run: whether the import changes nothing.
        undo: whether the import undoes another one.
    """
    total = sum(counts.values())
    imported = total - counts["failed"]
    faulty = files is not None and files.failed > 0
    all_imported = imported == total and not faulty
    status = "success" if all_imported else "partial" if imported else "error"
    share = f"{imported} of {total} projects"
    end = _describe_files(files) if files is not None and faulty else ""
    if dry_run:
        return status, f"Dry run: {share} would be imported{end}"
    if undo:
        return status, f"{share} restored"
    if all_imported:
        return status, "Projects successfully imported"
    return status, f"{share} imported{end}"


def _describe_files(files: FileCounts) -> str:
    every = files.read + files.failed
    if every == 1:
        return "; the file could not be read to its end"
    return f"; {files.failed} of {every} files could not be read to their end"


def format_outcome(row: Mapping[str, Any]) -> dict[str, Any]:
    """Format a stored outcome as the API returns it."""
    if row["outcome"] == Outcome.FAILED:
        return format_refusal(
            Refusal(
                row["index"],
                row["line"],
                row["external_id"],
                row["name"],
                ErrorCode[row["error"]],
                row["message"],
                row["extra"] or {},
                row["file"],
            )
        )
    return {
        "index": row["index"],
        "external_id": row["external_id"],
        "project_id": row["project_id"],
        "name": row["name"],
        "file": row["file"],
        "line": row["line"],
        "version": row["version"],
        "outcome": row["outcome"],
        "tasks": row["tasks"],
        "warnings": row["warnings"] or {"count": 0, "first": []},
    }


def format_refusal(refusal: Refusal) -> dict[str, Any]:
    """Format the outcome of a project or a file that failed as the API returns it."""
    kind = {"kind": "file", "project": None} if refusal.code.of_file else {"kind": "project"}
    return {
        "index": refusal.index,
        **kind,
        "external_id": refusal.external_id,
        "name": refusal.name,
        "file": refusal.file,
        "line": refusal.line,
        "code": refusal.code.status,
        "error": refusal.code.value,
        "message": refusal.message,
        "retryable": refusal.code.retryable,
        **refusal.extra,
    }
