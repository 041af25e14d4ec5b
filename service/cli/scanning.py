"""One pass over a file's tags, for where its projects begin and end and what they are called.

Expat tells the place of every tag in bytes, which lxml does not. What is to become of a project
once it has ended is decided in ``units``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from service.cli.splitting import MIB, Cut, Cutter, Slice, uncut
from service.cli.units import Unit, Units
from service.codes import WarningCode
from service.errors import FileRefused
from service.formats.encoding import Prolog, read_prolog
from service.formats.format import Format
from service.formats.registry import FORMATS
from service.spool.spool import Spool, SpoolShare

SEPARATOR: Final = " "
_CHUNK: Final = MIB


def cut(path: Path, size: int, seen: Callable[[bytes], None] = lambda data: None) -> Cut:
    """Find the pieces of a file.

    A file that is no XML, or none of a dialect that is read, is one piece: the service says what is
    wrong with it.

    Args:
        size: about how many bytes a piece shall have.
        seen: is given the file's bytes as they are read.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            prolog = read_prolog(file)
        except FileRefused:
            dialect = None
        else:
            dialect = _dialect(prolog)
        file.seek(0)
        if dialect is None:
            return _whole(file, seen)
        share = Spool().share()
        try:
            return _Scan(dialect, prolog, size, share).read(file, seen)
        finally:
            share.close()


def whole(path: Path, seen: Callable[[bytes], None] = lambda data: None) -> Cut:
    """A file as one piece.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return _whole(file, seen)


def unused(number: int) -> dict[str, Any]:
    """What a service says of shared objects that no project refers to."""
    message = "Shared objects that no project refers to are not imported"
    return {"code": WarningCode.SHARED_OBJECTS_UNUSED, "message": message, "count": number}


def _whole(file: BinaryIO, seen: Callable[[bytes], None]) -> Cut:
    size = 0
    while data := file.read(_CHUNK):
        seen(data)
        size += len(data)
    return Cut([uncut(size)], [])


def _dialect(prolog: Prolog) -> Format | None:
    found = (each for each in FORMATS if each.recognises(prolog.namespace or "", prolog.name))
    return next(found, None)


@lru_cache(4096)
def _parts(name: str) -> tuple[str, str, str]:
    """Namespace, local name and prefix of a name as expat gives it."""
    namespace, _, rest = name.rpartition(SEPARATOR) if SEPARATOR in name else ("", "", name)
    if SEPARATOR in namespace:  # a prefix stands behind the local name
        namespace, _, local = namespace.rpartition(SEPARATOR)
        return namespace, local, rest
    return namespace, rest, ""


@dataclass
class _Open:
    """An element that is open and no project; ``end`` is behind its start tag."""

    name: str
    start: int
    line: int
    end: int | None = None
    last_line: int = 0


class _Scan:
    """The state of the pass.

    Args:
        dialect: of the file.
        prolog: of the file.
        size: see ``cut``.
        share: where working files are made.
    """

    def __init__(self, dialect: Format, prolog: Prolog, size: int, share: SpoolShare) -> None:
        self._dialect = dialect
        self._encoding = prolog.encoding
        self._namespace = (
            (prolog.namespace or "") if dialect.namespace is None else dialect.namespace
        )
        self._cutter = Cutter(size)
        self._units = Units(dialect, share, self._cutter)
        self._shared = self._units.shared
        self._open: list[_Open] = []
        self._unit: Unit | None = None
        self._depth = 0
        self._text: list[str] | None = None
        self._text_of = (0, "")
        self._ended: Unit | None = None
        parser = self._parser = expat.ParserCreate(prolog.encoding, SEPARATOR)
        parser.namespace_prefixes = True
        parser.StartDoctypeDeclHandler = self._refuse
        self._go_outside()

    def read(self, file: BinaryIO, seen: Callable[[bytes], None]) -> Cut:
        """Read the file to its end, or to where it is no XML any more."""
        size = 0
        broken = False
        while data := file.read(_CHUNK):
            seen(data)
            size += len(data)
            if not broken:
                broken = not self._feed(data)
        if not broken:
            self._feed(b"")
        line = self._parser.CurrentLineNumber
        self._settle(size, line)
        pieces = self._cutter.finish(size, line, self._units.projects)
        if len(pieces) == 1 and not self._units.duplicates:
            return Cut([uncut(size)], [])
        return Cut(pieces, self._units.duplicates, self._shared.unused)

    def _feed(self, data: bytes) -> bool:
        try:
            self._parser.Parse(data, not data)
        except (expat.ExpatError, FileRefused, ValueError):
            return False
        return True

    def _refuse(self, *_: object) -> None:
        raise FileRefused("a DOCTYPE is not allowed")

    # Outside of projects

    def _go_outside(self) -> None:
        self._parser.StartElementHandler = self._outer_start
        self._parser.EndElementHandler = self._outer_end
        self._parser.CharacterDataHandler = None

    def _outer_start(self, name: str, attributes: dict[str, str]) -> None:
        parser = self._parser
        at, line = parser.CurrentByteIndex, parser.CurrentLineNumber
        self._come_to(at, line)
        namespace, local, _ = _parts(name)
        ours = namespace == self._namespace
        if ours and local == self._dialect.project.name and self._may_be_project():
            self._begin_project(at, line, attributes)
        elif ours and len(self._open) == 1 and local in self._shared.kinds:
            self._go_inside(Unit(at, line, local))
        else:
            self._open.append(_Open(name, at, line))
            parser.DefaultHandler = self._behind_tag

    def _outer_end(self, _name: str) -> None:
        self._come_to(self._parser.CurrentByteIndex, self._parser.CurrentLineNumber)
        self._open.pop()

    def _behind_tag(self, _data: str) -> None:
        self._come_to(self._parser.CurrentByteIndex, self._parser.CurrentLineNumber)

    def _come_to(self, at: int, line: int) -> None:
        """Something begins or ends here: a start tag, or a unit, ended before it."""
        if self._open and self._open[-1].end is None:
            self._open[-1].end, self._open[-1].last_line = at, line
            self._parser.DefaultHandler = None
        self._settle(at, line)

    def _settle(self, at: int, line: int) -> None:
        if self._ended is not None:
            self._units.settle(self._ended, at, line)
            self._ended = None

    def _may_be_project(self) -> bool:
        return self._dialect.anywhere or len(self._open) == 1

    def _begin_project(self, at: int, line: int, attributes: dict[str, str]) -> None:
        if self._cutter.full:
            opening = [
                Slice(each.start if place else 0, each.end or 0, each.line, each.last_line)
                for place, each in enumerate(self._open)
            ]
            if opening:
                opening[0] = opening[0]._replace(line=1)
            self._cutter.cut(at, line, opening, self._closing())
        unit = Unit(at, line)
        unit.texts = {f"@{name}": text for name, text in attributes.items()}
        self._go_inside(unit)

    def _closing(self) -> bytes:
        """The end tags of what is open."""
        names = [_parts(each.name)[1:] for each in reversed(self._open)]
        tags = (f"</{prefix}:{local}>" if prefix else f"</{local}>" for local, prefix in names)
        return "".join(tags).encode(self._encoding)

    # Inside of a project or a shared object

    def _go_inside(self, unit: Unit) -> None:
        self._unit = unit
        self._depth = 0
        self._text = None
        self._parser.StartElementHandler = self._inner_start
        self._parser.EndElementHandler = self._inner_end
        if unit.kind:
            self._shared.begin(unit.kind)

    def _inner_start(self, name: str, _attributes: Any) -> None:
        self._depth = depth = self._depth + 1
        if depth == 1:
            local = _parts(name)[1]
            self._shared.record(local)
            if local not in self._units.wanted and not local.endswith("ObjectId"):
                return
        elif not self._shared.kinds or "ObjectId" not in name:
            return
        else:
            local = _parts(name)[1]
        self._text = text = list[str]()
        self._text_of = depth, local
        self._parser.CharacterDataHandler = text.append

    def _inner_end(self, _name: str) -> None:
        depth = self._depth
        if not depth:
            self._ended, self._unit = self._unit, None
            self._go_outside()
            return
        if self._text is not None and self._text_of[0] == depth:
            self._take_text("".join(self._text), *self._text_of)
            self._text = None
            self._parser.CharacterDataHandler = None
        self._depth = depth - 1

    def _take_text(self, text: str, depth: int, local: str) -> None:
        assert self._unit is not None
        if depth == 1:
            self._unit.texts.setdefault(local, text)
        self._shared.refer(local, text, own=depth == 1)
