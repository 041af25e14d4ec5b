"""Give the outcomes of an import to the reports of its files, each of them once.

Outcomes arrive in the order of their indexes. After a response that broke off, a sink skips the
outcomes that it reads a second time.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final, Protocol

from service.cli.upload.report import OUTCOMES, EndedImport, FileReport, Room
from service.cli.upload.splitting.pieces import Piece, whole_file
from service.codes import ErrorCode, WarningCode
from service.model import FileCounts, Place, format_duplicate

_LINE: Final = re.compile(r"\bline ([0-9]{1,18})$")
"""A line at the end of a warning, which the service has nowhere else."""
_NOT_READ: Final = "the service did not read it, because it ended the upload before"


class OutcomeSink(Protocol):
    """Takes the outcomes of one import.

    Attributes:
        title: name of the upload for messages.
    """

    @property
    def title(self) -> str: ...

    def add_success(self, item: dict[str, Any]) -> None:
        """Add a project that was imported."""

    def add_failure(self, item: dict[str, Any]) -> None:
        """Add a project that failed, or a file that cannot be read to its end."""

    def add_file_warning(self, warning: Mapping[str, Any]) -> None:
        """Add a warning about a file or the upload."""

    def add_import(self, ended: EndedImport) -> None:
        """Add the import itself, after its outcomes."""

    def add_sent(self, sizes: Mapping[str, int]) -> None:
        """Add the bytes that a try has sent, by the name of the file."""

    def take_room(self, value: object) -> bool:
        """Return whether there is room to keep a value from an answer."""


class PieceReport:
    """Adds the outcomes of a file or a piece of it, with the indexes and lines of the file.

    Args:
        file: the report of the file.
        piece: of the file; by default the whole file.
    """

    def __init__(self, file: FileReport, piece: Piece | None = None) -> None:
        self.file = file
        self.title = file.file
        self.take_room = file.take_room
        self._piece = piece or whole_file(0)
        self._last_success = -1
        self._last_failure = -1

    def add_success(self, item: dict[str, Any]) -> None:
        """Add a project that was imported."""
        if item["index"] > self._last_success:
            self._last_success = item["index"]
            self.file.add_success(self._convert(item))

    def add_failure(self, item: dict[str, Any]) -> None:
        """Add a project that failed."""
        if item["index"] > self._last_failure:
            self._last_failure = item["index"]
            self.file.add_failure(self._convert(item))

    def add_file_warning(self, warning: Mapping[str, Any]) -> None:
        """Add a warning about the file, unless it applies only to the piece."""
        if self._piece.is_whole_file:
            self.file.add_file_warning(warning)
        elif warning["code"] != WarningCode.SHARED_OBJECTS_UNUSED:
            message = _LINE.sub(self._in_file, warning["message"])
            self.file.add_file_warning({**warning, "message": message})

    def _in_file(self, line: re.Match[str]) -> str:
        return f"line {self._piece.line_in_file(int(line[1]))}"

    def add_import(self, ended: EndedImport) -> None:
        """Add the import of the piece, with its counts."""
        self.file.add_import(ended)
        files = ended.files or FileCounts()
        if not self._piece.is_whole_file:
            files = FileCounts(failed=self.file.files.failed + files.failed)
            files.read = int(not files.failed)
        self.file.files = files

    def add_sent(self, sizes: Mapping[str, int]) -> None:
        """Add the bytes that a try has sent."""
        self.file.bytes_sent += sum(sizes.values())

    def _convert(self, item: dict[str, Any]) -> dict[str, Any]:
        if self._piece.is_whole_file:
            return item
        item = self._convert_line(item) | {"index": self._piece.index_in_file(item["index"])}
        if item.get("error") == ErrorCode.DUPLICATE_PROJECT:
            first_line = self._piece.line_in_file(item["first_line"])
            message = format_duplicate(Place(item["first_file"], first_line), item["file"])
            item |= {"first_line": first_line, "message": message}
        if "violations" in item:
            item["violations"] = [*map(self._convert_line, item["violations"])]
        if warnings := item.get("warnings"):
            first = [*map(self._convert_line, warnings["first"])]
            item["warnings"] = warnings | {"first": first}
        return item

    def _convert_line(self, item: Mapping[str, Any]) -> dict[str, Any]:
        line = item.get("line")
        return dict(item) if line is None else {**item, "line": self._piece.line_in_file(line)}


class PackReport:
    """Adds the outcomes of a pack to the reports of its files.

    A file's counts are those of its outcomes, because the service counts the whole upload.

    Args:
        title: name of the pack for messages.
        files: the reports, by the name of their file in the upload.
        rest: takes what the service reports about no particular file.
        room: where kept values are counted.
    """

    def __init__(
        self, title: str, files: Mapping[str, FileReport], rest: FileReport, room: Room
    ) -> None:
        self.title = title
        self.take_room = room.take
        self._files = files
        self._rest = rest
        self._last_success = -1
        self._last_failure = -1

    def add_success(self, item: dict[str, Any]) -> None:
        """Add a project that was imported."""
        if item["index"] > self._last_success:
            self._last_success = item["index"]
            report = self._find(item)
            report.count(item["outcome"])
            report.add_success(item)

    def add_failure(self, item: dict[str, Any]) -> None:
        """Add a project that failed, or a file that cannot be read to its end."""
        if item["index"] > self._last_failure:
            self._last_failure = item["index"]
            report = self._find(item)
            if item.get("kind") == "file":
                report.files.failed += 1
            else:
                report.count("failed")
            report.add_failure(item)

    def add_file_warning(self, warning: Mapping[str, Any]) -> None:
        """Add a warning about a file or the upload."""
        self._find(warning).add_file_warning(warning)

    def add_import(self, ended: EndedImport) -> None:
        """Add the import to all files; what it counts and does not list goes to the rest."""
        for report in self._files.values():
            report.add_import(replace(ended, counts={}))
            report.files.read = int(not report.files.failed)
        self._rest.dry_run = ended.dry_run
        for outcome in OUTCOMES:
            listed = sum(report.counts[outcome] for report in self._files.values())
            self._rest.counts[outcome] = max(0, ended.counts.get(outcome, 0) - listed)
        if not any(self._rest.counts.values()):
            for report in self._files.values():
                if report.is_empty:
                    report.refusals.append(_NOT_READ)

    def add_sent(self, sizes: Mapping[str, int]) -> None:
        """Add the bytes that a try has sent, by the name of the file."""
        for name, size in sizes.items():
            self._files[name].bytes_sent += size

    def _find(self, item: Mapping[str, Any]) -> FileReport:
        """Return the report of an outcome's file; the member of an archive belongs to that."""
        name = str(item.get("file") or "")
        if name in self._files:
            return self._files[name]
        folders = map(str, PurePosixPath(name).parents)
        return next((self._files[each] for each in folders if each in self._files), self._rest)
