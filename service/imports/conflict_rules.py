"""What becomes of one project, by what the server has of it.

The rules are asked in this order, and the first that applies decides; validation, duplicates and
size came before, in the reader and the producer.

    a lock of another subject           LOCKING_CONFLICT
    equal content                       unchanged, unless archived: an import revives a project
    there, but only new ones may land   ALREADY_EXISTS
    new, but only known ones may land   UNKNOWN_PROJECT
    read at another version             VERSION_CONFLICT
    on the server                       updated
    not on the server                   created

Equal content comes before mode and version, so that the retry of an import that was cut short finds
what it did already. An archived project is on the server.
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
    """What an answer tells of a project."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class StoredProject(NamedTuple):
    """What the server has of a project, read under its advisory lock."""

    project_id: int
    version: int
    content_hash: bytes
    archived: bool
    source: str | None
    locked_by: str | None
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a project is refused, and what its outcome shows beside that."""

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
    """The refusal of a project that another subject has locked."""
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


def _not_wanted(_project: Project, current: StoredProject | None, mode: Mode) -> Decision | None:
    if mode is Mode.CREATE and current is not None:
        message = "The project is on the server already, and the import only creates"
        return Failure(ErrorCode.ALREADY_EXISTS, message, {"project_id": current.project_id})
    if mode is Mode.UPDATE and current is None:
        message = "The server has no such project, and the import only updates"
        return Failure(ErrorCode.UNKNOWN_PROJECT, message, {})
    return None


def _other_version(project: Project, current: StoredProject | None, _mode: Mode) -> Decision | None:
    found = None if current is None else current.version
    if project.read_at is None or project.read_at == found:
        return None
    return Failure(
        ErrorCode.VERSION_CONFLICT,
        f"The file was made from version {project.read_at}, "
        + (
            "but the server has no such project"
            if found is None
            else f"but the server has version {found}"
        ),
        {"expected_version": project.read_at, "current_version": found},
    )


def _on_the_server(
    _project: Project, current: StoredProject | None, _mode: Mode
) -> Decision | None:
    return None if current is None else Outcome.UPDATED


def _not_on_the_server(
    _project: Project, _current: StoredProject | None, _mode: Mode
) -> Decision | None:
    return Outcome.CREATED


RULES: tuple[_Rule, ...] = (
    _locked,
    _equal,
    _not_wanted,
    _other_version,
    _on_the_server,
    _not_on_the_server,
)


def decide(project: Project, current: StoredProject | None, mode: Mode) -> Decision:
    """The verdict on a project.

    Args:
        project: what the file says.
        current: what the server has, or None where it has nothing.
        mode: which projects the import may change.
    """
    for rule in RULES:
        verdict = rule(project, current, mode)
        if verdict is not None:
            return verdict
    raise AssertionError("the last rule always decides")
