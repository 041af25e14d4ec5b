"""Finds where a file's projects and shared objects begin and end, in one pass over its tags.

This uses Expat, because it reports the byte position of every tag, and lxml does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from xml.parsers import expat

from service.cli.upload.splitting.allocator import Allocator, Unit
from service.cli.upload.splitting.pieces import PieceBuilder, Slice, SplitFile, whole_file
from service.errors import FileRefused
from service.formats.encoding import Prolog
from service.formats.format import Format
from service.spool.spool import SpoolShare

SEPARATOR: Final = " "


@lru_cache(4096)
def _split_name(name: str) -> tuple[str, str, str]:
    """Return namespace, local name and prefix of a name that expat reports."""
    namespace, _, rest = name.rpartition(SEPARATOR) if SEPARATOR in name else ("", "", name)
    if SEPARATOR in namespace:  # the prefix follows the local name
        namespace, _, local = namespace.rpartition(SEPARATOR)
        return namespace, local, rest
    return namespace, rest, ""


@dataclass
class _OpenElement:
    """An element that is open and not a project; ``end`` is where its start tag ends."""

    name: str
    start: int
    line: int
    end: int | None = None
    last_line: int = 0


class XmlScan:
    """The state of the pass.

    Args:
        source: the format of the file.
        prolog: of the file.
        size: as for ``split_file``.
        share: where spool files are created.
    """

    def __init__(self, source: Format, prolog: Prolog, size: int, share: SpoolShare) -> None:
        self._format = source
        self._encoding = prolog.encoding
        self._namespace = prolog.namespace or "" if source.namespace is None else source.namespace
        self._builder = PieceBuilder(size)
        self._allocator = Allocator(source, share, self._builder)
        self._open: list[_OpenElement] = []
        self._unit: Unit | None = None
        self._ended: Unit | None = None
        self._depth = 0
        self._record = ""
        self._text: list[str] | None = None
        self._text_field = (0, "")
        parser = self._parser = expat.ParserCreate(prolog.encoding, SEPARATOR)
        parser.namespace_prefixes = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._leave_unit()

    def read(self, chunks: Iterable[bytes]) -> SplitFile:
        """Read the file, and split it up to its end or to the first syntax error."""
        size = 0
        broken = False
        for data in chunks:
            size += len(data)
            if not broken:
                broken = not self._feed(data)
        if not broken:
            self._feed(b"")
        line = self._parser.CurrentLineNumber
        self._end_unit(size, line)
        allocator = self._allocator
        pieces = self._builder.finish(size, line, allocator.projects)
        if len(pieces) == 1 and not allocator.duplicates:
            return SplitFile([whole_file(size)], [])
        return SplitFile(pieces, allocator.duplicates, allocator.unused)

    def _feed(self, data: bytes) -> bool:
        try:
            self._parser.Parse(data, not data)
        except (expat.ExpatError, FileRefused, ValueError):
            return False
        return True

    def _refuse_doctype(self, *_: object) -> None:
        raise FileRefused("a DOCTYPE is not allowed")

    # Outside of projects and shared objects

    def _leave_unit(self) -> None:
        self._parser.StartElementHandler = self._start_outside
        self._parser.EndElementHandler = self._end_outside
        self._parser.CharacterDataHandler = None

    def _start_outside(self, name: str, attributes: dict[str, str]) -> None:
        parser = self._parser
        at, line = parser.CurrentByteIndex, parser.CurrentLineNumber
        self._reach(at, line)
        namespace, local, _ = _split_name(name)
        is_known = namespace == self._namespace
        under_root = len(self._open) == 1
        may_be_project = self._format.anywhere or under_root
        if is_known and may_be_project and local == self._format.project.name:
            self._start_project(at, line, attributes)
        elif is_known and under_root and local in self._allocator.shared_elements:
            self._enter_unit(Unit(at, line, local))
        else:
            self._open.append(_OpenElement(name, at, line))
            parser.DefaultHandler = self._after_tag

    def _end_outside(self, _name: str) -> None:
        self._reach(self._parser.CurrentByteIndex, self._parser.CurrentLineNumber)
        self._open.pop()

    def _after_tag(self, _data: str) -> None:
        self._reach(self._parser.CurrentByteIndex, self._parser.CurrentLineNumber)

    def _reach(self, at: int, line: int) -> None:
        """End the start tag or the unit before this place."""
        if self._open and self._open[-1].end is None:
            self._open[-1].end, self._open[-1].last_line = at, line
            self._parser.DefaultHandler = None
        self._end_unit(at, line)

    def _end_unit(self, at: int, line: int) -> None:
        if self._ended is not None:
            self._allocator.end(self._ended, at, line)
            self._ended = None

    def _start_project(self, at: int, line: int, attributes: dict[str, str]) -> None:
        if self._builder.is_full:
            opening = [
                Slice(each.start if place else 0, each.end or 0, each.line, each.last_line)
                for place, each in enumerate(self._open)
            ]
            if opening:
                opening[0] = opening[0]._replace(line=1)
            self._builder.begin_piece(at, line, opening, self._end_tags())
        unit = Unit(at, line)
        unit.texts = {f"@{name}": text for name, text in attributes.items()}
        self._enter_unit(unit)

    def _end_tags(self) -> bytes:
        """The end tags of the open elements."""
        names = [_split_name(each.name)[1:] for each in reversed(self._open)]
        tags = (f"</{prefix}:{local}>" if prefix else f"</{local}>" for local, prefix in names)
        return "".join(tags).encode(self._encoding)

    # Inside a project or a shared object

    def _enter_unit(self, unit: Unit) -> None:
        self._unit = unit
        self._depth = 0
        self._text = None
        self._parser.StartElementHandler = self._start_inside
        self._parser.EndElementHandler = self._end_inside

    def _start_inside(self, name: str, _attributes: Any) -> None:
        self._depth = depth = self._depth + 1
        if depth == 1:
            self._record = local = _split_name(name)[1]
            if local not in self._allocator.wanted and not local.endswith("ObjectId"):
                return
        elif not self._allocator.shared_elements or "ObjectId" not in name:
            return
        else:
            local = _split_name(name)[1]
        self._text = text = list[str]()
        self._text_field = depth, local
        self._parser.CharacterDataHandler = text.append

    def _end_inside(self, _name: str) -> None:
        depth = self._depth
        if not depth:
            self._ended, self._unit = self._unit, None
            self._leave_unit()
            return
        if self._text is not None and self._text_field[0] == depth:
            self._take_text("".join(self._text), *self._text_field)
            self._text = None
            self._parser.CharacterDataHandler = None
        self._depth = depth - 1

    def _take_text(self, text: str, depth: int, local: str) -> None:
        assert self._unit is not None
        if depth == 1:
            self._unit.texts.setdefault(local, text)
        self._allocator.refer(self._unit, "" if depth == 1 else self._record, local, text)
