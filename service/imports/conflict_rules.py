"""Conflict rules: the outcome of one project, given what the server has stored of it.

The first rule that applies decides. The parser and the batcher have already checked validity,
size and duplicates.

    a lock of another subject           LOCKING_CONFLICT
    equal content                       unchanged, unless archived: an import revives a project
    stored, but the mode is create      ALREADY_EXISTS
    not stored, but the mode is update  UNKNOWN_PROJECT
    the file is from another version    VERSION_CONFLICT
    stored                              updated
    not stored                          created

Equal content precedes mode and version, so that the retry of an interrupted import finds its own
projects unchanged. An archived project counts as stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from service.codes import ErrorCode
from service.imports.options import Mode
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


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a project is refused, and further members of its outcome."""

    code: ErrorCode
    message: str
    extra: Mapping[str, Any]


Decision = Outcome | Failure
_Rule = Callable[[Project, StoredProject | None, Mode], Decision | None]


def _locked(_project: Project, current: StoredProject | None, _mode: Mode) -> Decision | None:
    if current is None or current.locked_by is None or current.locked_until is None:
        return None
    return lock_failure(current.locked_by, current.locked_until)


def lock_failure(holder: str, until: datetime) -> Failure:
    """Return the failure of a project that another subject has locked."""
    moment = until.isoformat()
    return Failure(
        ErrorCode.LOCKING_CONFLICT,
        f"The project is locked by {holder} until {moment}",
        {"locked_by": holder, "locked_until": moment},
    )


def _equal(project: Project, current: StoredProject | None, _mode: Mode) -> Decision | None:
    if current is None or current.archived or current.content_hash != project.content_hash:
        return None
    return Outcome.UNCHANGED


def _mode_excludes(_project: Project, current: StoredProject | None, mode: Mode) -> Decision | None:
    if mode is Mode.CREATE and current is not None:
        message = "The project is on the server already, and the import only creates"
        return Failure(ErrorCode.ALREADY_EXISTS, message, {"project_id": current.project_id})
    if mode is Mode.UPDATE and current is None:
        message = "The server has no such project, and the import only updates"
        return Failure(ErrorCode.UNKNOWN_PROJECT, message, {})
    return None


def _version_conflict(
    project: Project, current: StoredProject | None, _mode: Mode
) -> Decision | None:
    version = None if current is None else current.version
    if project.read_at is None or project.read_at == version:
        return None
    return Failure(
        ErrorCode.VERSION_CONFLICT,
        f"The file was made from version {project.read_at}, "
        + (
            "but the server has no such project"
            if version is None
            else f"but the server has version {version}"
        ),
        {"expected_version": project.read_at, "current_version": version},
    )


def _stored(_project: Project, current: StoredProject | None, _mode: Mode) -> Decision | None:
    return None if current is None else Outcome.UPDATED


def _not_stored(_project: Project, _current: StoredProject | None, _mode: Mode) -> Decision | None:
    return Outcome.CREATED


RULES: tuple[_Rule, ...] = (
    _locked,
    _equal,
    _mode_excludes,
    _version_conflict,
    _stored,
    _not_stored,
)


def decide(project: Project, current: StoredProject | None, mode: Mode) -> Decision:
    """Return the outcome of a project.

    Args:
        project: the project of the file.
        current: the stored project, or None.
        mode: which projects the import may change.
    """
    for rule in RULES:
        decision = rule(project, current, mode)
        if decision is not None:
            return decision
    raise AssertionError("the last rule always decides")
