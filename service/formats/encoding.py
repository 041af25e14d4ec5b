"""The first bytes of a file: its encoding, what it is, and its root element.

They are parsed by the parser that reads the rest, so that nothing before the root, in whatever
encoding and behind whatever comments, can look different to it than it did here.
"""

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from lxml import etree

from service.errors import FileRefused
from service.formats.engine.parser_errors import file_refused

if TYPE_CHECKING:
    from lxml.etree import ParserTarget

PROLOG_LIMIT = 64 * 1024
"""The root element must begin, and its start tag end, within this many bytes."""

_STEP = 1024
"""Bytes looked at together: little behind the root is parsed twice."""

ENCODINGS = (
    "UTF-8",
    "UTF-16",
    "UTF-16LE",
    "UTF-16BE",
    "US-ASCII",
    *(f"ISO-8859-{part}" for part in (*range(1, 12), *range(13, 17))),
    *(f"WINDOWS-{page}" for page in range(1250, 1259)),
)
"""What is read. An encoding that hides markup from a reader of ASCII (UTF-7, EBCDIC) is not."""

ENCODINGS_SHOWN = "UTF-8, UTF-16, US-ASCII, ISO-8859-1 to -16, windows-1250 to -1258"

_ALIASES = (
    (re.compile(r"^UTF(8|16)"), r"UTF-\1"),
    (re.compile(r"^ASCII$"), "US-ASCII"),
    (re.compile(r"^LATIN-?1$"), "ISO-8859-1"),
    (re.compile(r"^ISO-?8859-"), "ISO-8859-"),
    (re.compile(r"^CP-?125"), "WINDOWS-125"),
)

_BOMS = (
    (b"\xef\xbb\xbf", "UTF-8"),
    (b"\xff\xfe\x00\x00", None),
    (b"\x00\x00\xfe\xff", None),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
    (b"<\x00\x00\x00", None),
    (b"\x00\x00\x00<", None),
)
"""Byte order marks, and those of UTF-32 and its first character, which are refused."""

_COMPRESSED = "the file is compressed in a way that is not read; read are gzip and ZIP"
_NESTED = "the file is compressed twice; send the XML, or one gzip or ZIP of it"
_MAGICS = (
    (b"PK\x03\x04", _NESTED),
    (b"\x1f\x8b", _NESTED),
    (b"BZh", _COMPRESSED),
    (b"\xfd7zXZ", _COMPRESSED),
    (b"7z\xbc\xaf", _COMPRESSED),
    (b"\x28\xb5\x2f\xfd", _COMPRESSED),
    (b"\xd0\xcf\x11\xe0", "the file is a binary Microsoft Project plan (.mpp); save it as XML"),
    (b"ERMHDR", "the file is a Primavera XER export; export it as Primavera P6 XML"),
    (b"MPX", "the file is an MPX plan; save it as Microsoft Project XML"),
    (b"%PDF", "the file is a PDF document, not XML"),
    (b"{", "the file is JSON, not XML"),
    (b"[", "the file is JSON, not XML"),
    (b"\x4c\x6f\xa7\x94", f"the file's encoding is EBCDIC; read are {ENCODINGS_SHOWN}"),
)

_MISC = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DECLARED = re.compile(r"""<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"'>]*)["']""")


class ByteSource(Protocol):
    """Where bytes come from: ``read`` gives about ``n`` of them, ``b""`` at the end."""

    def read(self, n: int, /) -> bytes: ...


class PushbackSource:
    """A source that gives back bytes already taken from it, then goes on.

    Args:
        head: the bytes taken.
        source: where they came from.
    """

    def __init__(self, head: bytes, source: ByteSource) -> None:
        self._head = head
        self._source = source

    def read(self, n: int, /) -> bytes:
        """As ``ByteSource.read``; the head comes first, at once."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._source.read(n)


@dataclass(frozen=True, slots=True)
class Prolog:
    """What the first bytes say.

    Attributes:
        encoding: to be given to the parser; it overrides the XML declaration.
        namespace: of the root element, or None.
        name: of the root element, without prefix.
        source: the whole file, from its first byte.
    """

    encoding: str
    namespace: str | None
    name: str
    source: PushbackSource


def read_prolog(source: ByteSource, charset: str | None = None) -> Prolog:
    """Read a file up to its root element's start tag.

    Args:
        source: the file from its first byte; whatever its ``read`` raises passes through.
        charset: of the part's Content-Type. It overrides the XML declaration, and a byte order
            mark overrides both.

    Raises:
        FileRefused: empty, not XML, an encoding that is not read, a DOCTYPE, or no root element
            within ``PROLOG_LIMIT`` bytes; with line and column where there is a place.
    """
    head = _declaration(source)
    if not head.strip():
        raise FileRefused("the file is empty")
    start = head.lstrip()
    for magic, reason in _MAGICS:
        if start.startswith(magic):
            raise FileRefused(reason)
    encoding = _encoding(head, charset)
    return _root(head, source, encoding)


def _declaration(source: ByteSource) -> bytes:
    """As many bytes as tell the encoding: a whole XML declaration, where there is one."""
    head = b""
    while len(head) < 1024 and not _is_decided(head):
        data = source.read(PROLOG_LIMIT)
        if not data:
            break
        head += data
    return head


def _is_decided(head: bytes) -> bool:
    plain = head.replace(b"\0", b"")
    return len(plain) >= 16 and (b"<?xml" not in plain[:16] or b"?>" in plain)


def _encoding(head: bytes, charset: str | None) -> str:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            if encoding is None:
                raise FileRefused(f"the file's encoding is UTF-32; read are {ENCODINGS_SHOWN}")
            return encoding
    if charset is not None:
        encoding = _allowed(charset, "the part's charset")
        if encoding == "UTF-16":
            return "UTF-16BE" if head[0] == 0 else "UTF-16LE"
        return encoding
    wide = {b"<\0": "UTF-16LE", b"\0<": "UTF-16BE"}.get(head[:2])
    declared = _DECLARED.match(head[:2048].decode(wide or "latin-1", "replace"))
    if declared is None:
        if wide:
            raise FileRefused("UTF-16 without a byte order mark needs an XML declaration")
        return "UTF-8"
    encoding = _allowed(declared[1], "the encoding declared")
    if wide:
        return wide
    # A declaration in bytes cannot be UTF-16: programs that write strings to files say so wrongly.
    return "UTF-8" if encoding.startswith("UTF-16") else encoding


def _allowed(name: str, where: str) -> str:
    """The encoding's name as the parser knows it."""
    known = name.strip().upper().replace("_", "-")
    for pattern, canonical in _ALIASES:
        known = pattern.sub(canonical, known)
    if known not in ENCODINGS:
        raise FileRefused(f"{where}, {name[:40]!r}, is not read; read are {ENCODINGS_SHOWN}")
    return known


class _Watch:
    """A parser target that remembers the first thing of interest: the root, or a DOCTYPE.

    It throws nothing: lxml never frees the document of a target that did, nor, with it, the names
    that the thread has read.
    """

    def __init__(self) -> None:
        self.root: etree.QName | None = None
        self.doctype_name: str | None = None

    @property
    def found(self) -> bool:
        return self.root is not None or self.doctype_name is not None

    def doctype(self, name: str, _public: str | None, _system: str | None) -> None:
        self.doctype_name = name

    def start(self, tag: str, _attributes: object) -> None:
        if not self.found:
            self.root = etree.QName(tag)

    def close(self) -> None:
        """Wanted by the parser."""


def _root(head: bytes, source: ByteSource, encoding: str) -> Prolog:
    watch = _Watch()
    parser = etree.XMLParser(
        target=cast("ParserTarget", watch),
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
    )
    taken = bytearray(head)
    fed = 0
    try:
        while fed < min(len(taken), PROLOG_LIMIT) and not watch.found:
            piece = bytes(taken[fed : min(fed + _STEP, PROLOG_LIMIT)])
            parser.feed(piece)
            fed += len(piece)
            if fed == len(taken) and not watch.found:
                taken += source.read(PROLOG_LIMIT)
        if fed < PROLOG_LIMIT and not watch.found:
            parser.close()
    except etree.XMLSyntaxError as fault:
        if not watch.found:
            raise file_refused(fault) from None
    finally:
        # An open one is not freed either.
        with contextlib.suppress(etree.XMLSyntaxError):
            parser.close()
    if watch.doctype_name is not None:
        _refuse_doctype(taken.decode(encoding, "replace"), watch.doctype_name)
    if watch.root is None:
        raise FileRefused(f"no root element within the first {PROLOG_LIMIT} bytes")
    if watch.root.namespace is None and watch.root.localname.lower() == "html":
        raise FileRefused("the file is an HTML page, not XML")
    replay = PushbackSource(bytes(taken), source)
    return Prolog(encoding, watch.root.namespace, watch.root.localname, replay)


def _refuse_doctype(text: str, name: str) -> NoReturn:
    if name.lower() == "html":
        raise FileRefused("the file is an HTML page, not XML")
    text = text.removeprefix("\ufeff")
    place = 0
    while skipped := _MISC.match(text, place):
        place = skipped.end()
    line = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    raise FileRefused("a DOCTYPE is not allowed", line=line, column=column)
