"""The items that a reader yields and the pipeline stores: projects, refusals and their warnings.

All folders use these types, so this module imports only the codes and the rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, overload
from unicodedata import normalize

from service.codes import ErrorCode, WarningCode
from service.spool.copy_rows import CopyRows, StoredRows

MAX_ID = 255
"""Longest identifier of a project, task or resource, in characters."""


def normalize_id(text: str) -> str:
    """Return an identifier in Unicode's form NFC: `é` is one character, however it was typed."""
    return normalize("NFC", text)


MAX_LISTED_WARNINGS = 10
"""Warnings of a project that an outcome lists; it counts all of them."""
MAX_LISTED_VIOLATIONS = 20
"""Violations of a project that an outcome lists."""
MAX_LISTED_NAME = 500
"""Characters of a project's name that an outcome or a list shows; ``sql/queries/projects.sql`` has
the number too. A page of a thousand names of 10 MB would not fit in memory."""
MAX_QUOTED_VALUE = 80
"""Characters of a value from the file that a message quotes."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning of a project.

    Attributes:
        line: line in the file, from 1.
        element: local name of the element.
        value: value in the file, shortened, or None.
    """

    code: WarningCode
    line: int
    element: str
    value: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "line": self.line, "element": self.element, "value": self.value}


@dataclass(slots=True)
class Warnings:
    """The number of warnings of a project, and the first of them."""

    count: int = 0
    first: list[Notice] = field(default_factory=list)

    def add(self, notice: Notice) -> None:
        self.count += 1
        if len(self.first) < MAX_LISTED_WARNINGS:
            self.first.append(notice)

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "first": [notice.as_dict() for notice in self.first]}


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a project is refused; the attributes are as in ``Notice``."""

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
    """One complete and valid project.

    Attributes:
        index: position in the upload, from 0; refused projects count too. Within the reader of a
            file: position in the file.
        line: line of its start tag, from 1.
        file: name of its file, or None.
        read_at: the stored version that the file is based on, as the file states it, or None.
        row: COPY text of ``tables.PROJECT_COLUMNS``, without a newline.
        rows: rows of its tasks, dependencies and so on; the consumer of the project closes them.
        content_hash: 32-byte hash of its content, without what programs change at every save.
        shared: hashes of the shared objects that it uses, sorted and distinct.
        tasks: number of rows of ``tasks``.
        dated_by: members of its attributes that state its age; see ``Format``.
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
    file: str | None = None
    dated_by: tuple[str, ...] = ()


@dataclass(slots=True)
class Refusal:
    """A project, or a file from some line on, that the reader refused.

    Attributes:
        line: line of the (first) error, from 1, or None.
        extra: members of the outcome besides the common ones, such as ``violations``.
        file: name of its file, or None.
    """

    index: int
    line: int | None
    external_id: str | None
    name: str | None
    code: ErrorCode
    message: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file of an upload."""

    file: str | None
    line: int


def duplicate_project(
    index: int,
    line: int | None,
    external_id: str,
    name: str | None,
    first: Place,
    file: str | None = None,
) -> Refusal:
    """Refuse a project that the upload already has at ``first``."""
    code, message = ErrorCode.DUPLICATE_PROJECT, format_duplicate(first, file)
    extra = {"first_file": first.file, "first_line": first.line}
    return Refusal(index, line, external_id, name, code, message, extra, file)


def format_duplicate(first: Place, file: str | None) -> str:
    """Format the message of ``DUPLICATE_PROJECT`` for a project of ``file``."""
    if first.file == file:
        return f"The file already has this project at line {first.line}"
    return f"The upload already has this project in {first.file} at line {first.line}"


@dataclass(slots=True)
class FileCounts:
    """The number of files of an upload that were read to their end, and of those that failed."""

    read: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return {"read": self.read, "failed": self.failed}


@dataclass(frozen=True, slots=True)
class SharedObject:
    """An object outside the projects that several projects refer to, such as a P6 calendar.

    Attributes:
        hash: 32-byte hash of element and content, without what programs change at every save.
        element: local name in the file.
        object_id: its id in the file, or None.
        attributes: JSON object, UTF-8.
    """

    hash: bytes
    element: str
    object_id: str | None
    attributes: bytes


@dataclass(frozen=True, slots=True)
class SharedObjects:
    """The shared objects that the next project is the first to use.

    The consumer must iterate over ``objects`` once, before it takes the next item.
    """

    objects: Iterable[SharedObject]


Item = Project | Refusal | SharedObjects
"""What a reader yields, in the order of the file."""


@dataclass(frozen=True, slots=True)
class FileWarning:
    """A warning about a file, or about the upload as a whole, in ``details.warnings``."""

    code: WarningCode
    message: str
    count: int | None = None
    file: str | None = None

    def as_dict(self) -> dict[str, Any]:
        # In the order of jsonb, so that the replay of a response has the same bytes.
        named = {} if self.file is None else {"file": self.file}
        counted = {} if self.count is None else {"count": self.count}
        return {"code": self.code, **named, **counted, "message": self.message}


@overload
def shorten(value: str) -> str: ...
@overload
def shorten(value: None) -> None: ...
def shorten(value: str | None) -> str | None:
    """Shorten a value from the file to ``MAX_QUOTED_VALUE`` characters."""
    if value is None or len(value) <= MAX_QUOTED_VALUE:
        return value
    return value[: MAX_QUOTED_VALUE - 1] + "…"
