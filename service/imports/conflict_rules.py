"""Conflict rules: the outcome of one project, given what the server has stored of it.

The first rule that applies decides. The parser and the batcher have already checked validity,
size and duplicates.

    a lock of another subject           LOCKING_CONFLICT
    equal content                       unchanged, unless archived: an import revives a project
    stored, but the mode is create      ALREADY_EXISTS
    not stored, but the mode is update  UNKNOWN_PROJECT
    the file is from another version    VERSION_CONFLICT
    if_newer, and the file is older     STORED_IS_NEWER
    stored                              updated
    not stored                          created

Equal content precedes mode and version, so that the retry of an interrupted import finds its own
projects unchanged. An archived project counts as stored. A file whose age cannot be compared counts
as newer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from service.codes import ErrorCode
from service.imports.options import ImportOptions, Mode
from service.imports.plan_dates import Comparison, Dates, compare_dates, read_dates
from service.model import Project


class Outcome(StrEnum):
    """What an import did with a project."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class StoredProject(NamedTuple):
    """The stored state of a project, read under its advisory lock."""

    project_id: int
    version: int
    content_hash: bytes
    archived: bool
    source: str | None
    locked_by: str | None
    locked_until: datetime | None
    dates: Dates | None = None
    """Of its current version; None unless the import asks for them."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a project is refused, and further members of its outcome."""

    code: ErrorCode
    message: str
    extra: Mapping[str, Any]


Decision = Outcome | Failure


def decide(project: Project, current: StoredProject | None, options: ImportOptions) -> Decision:
    """Return the outcome of a project.

    Args:
        project: the project of the file.
        current: the stored project, or None.
        options: which projects the import may change.
    """
    mode = options.mode
    if current is None:
        if mode is Mode.UPDATE:
            message = "The server has no such project, and the import only updates"
            return Failure(ErrorCode.UNKNOWN_PROJECT, message, {})
        return Outcome.CREATED if project.read_at is None else _version_conflict(project, None)
    if current.locked_by is not None and current.locked_until is not None:
        return lock_failure(current.locked_by, current.locked_until)
    if current.content_hash == project.content_hash and not current.archived:
        return Outcome.UNCHANGED
    if mode is Mode.CREATE:
        message = "The project is on the server already, and the import only creates"
        return Failure(ErrorCode.ALREADY_EXISTS, message, {"project_id": current.project_id})
    if project.read_at is not None and project.read_at != current.version:
        return _version_conflict(project, current.version)
    if options.if_newer and (compared := compare_age(project, current)) and compared.older:
        return _stored_is_newer(compared, current.version)
    return Outcome.UPDATED


def compare_age(project: Project, current: StoredProject) -> Comparison | None:
    """Compare the dates of a file with those of the stored version; None if they cannot be."""
    if current.source != project.source or current.dates is None:
        return None
    return compare_dates(project.dated_by, read_dates(project), current.dates)


def find_newer_dates(project: Project, current: StoredProject) -> Dates | None:
    """Return the dates that count from now on if a file with the stored content is newer."""
    if current.source != project.source or current.dates is None:
        return None
    dates = read_dates(project)
    compared = compare_dates(project.dated_by, dates, current.dates)
    newer = bool(dates) if compared is None else compared.newer
    return {**current.dates, **dates} if newer else None


def lock_failure(holder: str, until: datetime) -> Failure:
    """Return the failure of a project that another subject has locked."""
    moment = until.isoformat()
    return Failure(
        ErrorCode.LOCKING_CONFLICT,
        f"The project is locked by {holder} until {moment}",
        {"locked_by": holder, "locked_until": moment},
    )


def _version_conflict(project: Project, version: int | None) -> Failure:
    stored = (
        "but the server has no such project"
        if version is None
        else f"but the server has version {version}"
    )
    return Failure(
        ErrorCode.VERSION_CONFLICT,
        f"The file was made from version {project.read_at}, {stored}",
        {"expected_version": project.read_at, "current_version": version},
    )


def _stored_is_newer(compared: Comparison, version: int) -> Failure:
    name, file, stored = compared
    return Failure(
        ErrorCode.STORED_IS_NEWER,
        f"The file is older than the stored version {version}: its {name} is {file}, that of the "
        f"version is {stored}",
        {
            "dated_by": name,
            "file_date": file,
            "stored_date": stored,
            "current_version": version,
        },
    )
