"""The nouns of an import: what a reader hands on, what a writer stores, what an answer tells.

Every room of the service speaks in these; this module imports nothing of the service but ``rows``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.codes import ErrorCode, WarningCode
from service.spool.copy_rows import CopyRows, StoredRows

MAX_ID = 255
"""Longest identifier of a project, task or resource, in characters."""

SHOWN_WARNINGS = 10
SHOWN_VIOLATIONS = 20
SHOWN_VALUE = 80
"""How much of a file's own value is shown back, in characters."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning of a project.

    ``line`` counts from 1; ``element`` is a local name; ``value`` is the file's own, shortened.
    """

    code: WarningCode
    line: int
    element: str
    value: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "line": self.line, "element": self.element, "value": self.value}


@dataclass(slots=True)
class Warnings:
    """How many warnings a project has, and the first of them."""

    count: int = 0
    first: list[Notice] = field(default_factory=list)

    def add(self, notice: Notice) -> None:
        self.count += 1
        if len(self.first) < SHOWN_WARNINGS:
            self.first.append(notice)

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "first": [notice.as_dict() for notice in self.first]}


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of a project that is refused: which element, which value, and what is wrong."""

    line: int
    element: str
    value: str | None
    message: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "element": self.element,
            "value": self.value,
            "message": self.message,
        }


@dataclass(slots=True)
class Project:
    """One complete and valid project, as a reader hands it on.

    Attributes:
        index: place in the file, from 0, refused projects counted.
        line: line of its start tag, from 1.
        read_at: the server version that the file says it was read at, or None.
        row: COPY text of ``tables.PROJECT_COLUMNS``, without a newline.
        rows: its children's rows; whoever ends the project closes them.
        content_hash: 32 bytes over all that it says, without what changes at every save.
        shared: hashes of the shared objects that it takes, sorted, each once.
        tasks: how many rows of ``tasks`` it has.
    """

    index: int
    line: int
    external_id: str
    name: str
    source: str
    read_at: int | None
    row: bytes
    rows: CopyRows | StoredRows
    content_hash: bytes
    shared: tuple[bytes, ...]
    tasks: int
    warnings: Warnings


@dataclass(slots=True)
class Refusal:
    """One project, or the rest of the file, that a reader could not hand on.

    ``line`` is where the (first) fault is: the line that somebody has to look at.
    ``extra`` is what the outcome shows beside the common fields, such as ``violations``.
    """

    index: int
    line: int | None
    external_id: str | None
    name: str | None
    code: ErrorCode
    message: str
    extra: Mapping[str, Any] = field(default_factory=dict)


def duplicate_project(
    index: int, line: int | None, external_id: str, name: str | None, first_line: int
) -> Refusal:
    """Refuse a project that the file already has at ``first_line``."""
    code, message = ErrorCode.DUPLICATE_PROJECT, format_duplicate(first_line)
    return Refusal(index, line, external_id, name, code, message, {"first_line": first_line})


def format_duplicate(first_line: int) -> str:
    """Format the message of ``DUPLICATE_PROJECT``."""
    return f"The file already has this project at line {first_line}"


@dataclass(frozen=True, slots=True)
class SharedObject:
    """An object outside the projects that several of them refer to (Primavera's calendars, …).

    Attributes:
        hash: 32 bytes over element and content, without what changes at every save.
        element: local name in the file.
        object_id: the file's own id of it, or None.
        attributes: JSON object, UTF-8.
    """

    hash: bytes
    element: str
    object_id: str | None
    attributes: bytes


@dataclass(frozen=True, slots=True)
class SharedObjects:
    """Shared objects that the project after this item is the first to take.

    ``objects`` is iterated once, before the reader is asked for more.
    """

    objects: Iterable[SharedObject]


Item = Project | Refusal | SharedObjects
"""What a reader yields, in the file's order."""


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Something noticed in the upload as a whole; shown in ``details.warnings``."""

    code: WarningCode
    message: str
    count: int | None = None

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"code": self.code, "message": self.message}
        return shown if self.count is None else shown | {"count": self.count}


def shorten(value: str | None) -> str | None:
    """A file's own value as it is shown back: at most ``SHOWN_VALUE`` characters."""
    if value is None or len(value) <= SHOWN_VALUE:
        return value
    return value[: SHOWN_VALUE - 1] + "…"
