"""Reads the first bytes of a file: its encoding, whether it is XML, and its root element.

The parser that reads the rest of the file parses these bytes too. An encoding or a comment
therefore cannot hide anything here that the parser would find later.
"""

import contextlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from lxml import etree

from service.codes import ErrorCode
from service.errors import FileRefused
from service.formats.engine.parser_errors import file_refused
from service.formats.file_kinds import HTML_PAGE, SAMPLE_BYTES, looks_like_html, refusal_of
from service.formats.usual_root import match_root, usual_begin
from service.formats.xer import encoding as xer
from service.model import shorten

if TYPE_CHECKING:
    from lxml.etree import ParserTarget

PROLOG_LIMIT = 64 * 1024
"""The root element must begin, and its start tag end, within this many bytes."""
_NO_ROOT = f"no root element within the first {PROLOG_LIMIT} bytes"
_XHTML = "http://www.w3.org/1999/xhtml"

_DECLARATION_BYTES = 1024
"""Bytes that hold an XML declaration, if there is one."""

_STEP = 1024
"""Bytes parsed at a time: few, because those after the root's start tag are parsed twice."""

ENCODINGS = (
    "UTF-8",
    "UTF-16",
    "UTF-16LE",
    "UTF-16BE",
    "US-ASCII",
    *(f"ISO-8859-{part}" for part in (*range(1, 12), *range(13, 17))),
    *(f"WINDOWS-{page}" for page in range(1250, 1259)),
)
"""The supported encodings. UTF-7 and EBCDIC are not: they hide markup from a reader of ASCII."""

ENCODINGS_SHOWN = "UTF-8, UTF-16, US-ASCII, ISO-8859-1 to -16, windows-1250 to -1258"

FILE_ENCODINGS_SHOWN = f"{ENCODINGS_SHOWN}; for an XER file also {xer.CODE_PAGES_SHOWN}"

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
"""Byte order marks, and ``<`` in UTF-32. A file in UTF-32 is refused."""

_EBCDIC = b"\x4c\x6f\xa7\x94"
"""``<?xm`` in EBCDIC."""

_MISC = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DECLARED = re.compile(r"""<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"'>]*)["']""")


class ByteSource(Protocol):
    """A source of bytes: ``read`` returns about ``n`` bytes, or ``b""`` at the end."""

    def read(self, n: int, /) -> bytes: ...


class PushbackSource:
    """A source that first returns bytes that were read from it earlier, then the rest.

    Args:
        head: the bytes that were read.
        source: the source that they were read from.
    """

    def __init__(self, head: bytes, source: ByteSource) -> None:
        self._head = head
        self._source = source

    def read(self, n: int, /) -> bytes:
        """As ``ByteSource.read``; the first call returns the head."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._source.read(n)


@dataclass(frozen=True, slots=True)
class Prolog:
    """The properties of a file that its first bytes define.

    Attributes:
        encoding: for the parser; it overrides the XML declaration.
        namespace: of the root element, or None.
        name: of the root element, without prefix.
        source: the file from its first byte.
    """

    encoding: str
    namespace: str | None
    name: str
    source: PushbackSource


class PrologMemory:
    """The begin of the last file with a usual root. Files of one program mostly have the same.

    Attributes:
        begin: its bytes up to the end of the root's start tag; empty before the first one.
        charset: of its part.
        properties: encoding, and namespace and name of the root element.
    """

    def __init__(self) -> None:
        self.begin = b""
        self.charset: str | None = None
        self.properties: tuple[str, str | None, str] = "", None, ""


def read_prolog(
    source: ByteSource, charset: str | None = None, memory: PrologMemory | None = None
) -> Prolog:
    """Read a file up to its root element's start tag.

    Args:
        source: the file from its first byte; exceptions of its ``read`` pass through.
        charset: of the part's Content-Type. It overrides the XML declaration, and a byte order
            mark overrides both.
        memory: of earlier files.

    Raises:
        FileRefused: the file is empty or not XML, its encoding is not supported, it has a
            DOCTYPE, or it has no root element within ``PROLOG_LIMIT`` bytes. The error has line
            and column if the fault has a position.
    """
    head = _read_declaration(source)
    if memory and memory.begin and memory.charset == charset and head.startswith(memory.begin):
        return Prolog(*memory.properties, PushbackSource(head, source))
    if not head.startswith(b"<"):
        if xer.is_xer(head):
            return _xer_prolog(head, source, charset)
        head = _check_kind(head, source)
    encoding = _detect_encoding(head, charset)
    if not encoding.startswith("UTF-16") and (root := match_root(head)) is not None:
        if memory is not None:
            memory.begin, memory.charset = usual_begin(head), charset
            memory.properties = encoding, *root
        return Prolog(encoding, *root, PushbackSource(head, source))
    return _read_root(head, source, encoding)


def _xer_prolog(head: bytes, source: ByteSource, charset: str | None) -> Prolog:
    marked = next((name for mark, name in _BOMS if name and head.startswith(mark)), "")
    encoding = marked or (
        _supported(charset, "the part's charset", xer.CODE_PAGES) if charset else ""
    )
    if encoding == "UTF-16":
        encoding = "UTF-16BE" if head[0] == 0 else "UTF-16LE"
    return Prolog(encoding, None, xer.NAME, PushbackSource(head, source))


def require_xml(prolog: Prolog) -> None:
    """Check that a file can be described by a format file.

    Raises:
        FileRefused: it is an XER file.
    """
    if prolog.name == xer.NAME:
        raise _unsupported(
            "the file is an XER file of Primavera P6, which is imported without a format file"
        )


def _read_declaration(source: ByteSource) -> bytes:
    """Read enough bytes to detect the encoding: the complete XML declaration, if there is one."""
    head = b""
    while len(head) < _DECLARATION_BYTES and not _decides_encoding(head):
        data = source.read(PROLOG_LIMIT)
        if not data:
            break
        head += data
    return head


def _check_kind(head: bytes, source: ByteSource) -> bytes:
    """Refuse a file that is not XML; return enough bytes of another one to detect the encoding."""
    while len(head) < SAMPLE_BYTES or (not head.strip() and len(head) < PROLOG_LIMIT):
        if not (data := source.read(PROLOG_LIMIT)):
            break
        head += data
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        if len(head) >= PROLOG_LIMIT:
            raise FileRefused(_NO_ROOT)
        raise _unsupported("the file is empty; export the plan again")
    for mark, encoding in _BOMS:
        if encoding is None and head.startswith(mark):
            raise _unsupported(f"the file's encoding is UTF-32; supported are {ENCODINGS_SHOWN}")
    if head.startswith(_EBCDIC):
        raise _unsupported(f"the file's encoding is EBCDIC; supported are {ENCODINGS_SHOWN}")
    if (reason := refusal_of(head.lstrip()[:SAMPLE_BYTES])) is not None:
        raise _unsupported(reason)
    return head


def _unsupported(reason: str) -> FileRefused:
    return FileRefused(reason, code=ErrorCode.UNSUPPORTED_FILE)


def _decides_encoding(head: bytes) -> bool:
    plain = head[:_DECLARATION_BYTES].replace(b"\0", b"")
    return len(plain) >= 16 and (b"<?xml" not in plain[:16] or b"?>" in plain)


def _detect_encoding(head: bytes, charset: str | None) -> str:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            if encoding is None:
                raise _unsupported(
                    f"the file's encoding is UTF-32; supported are {ENCODINGS_SHOWN}"
                )
            return encoding
    if charset is not None:
        encoding = _supported(charset, "the part's charset")
        if encoding == "UTF-16":
            return "UTF-16BE" if head[0] == 0 else "UTF-16LE"
        return encoding
    wide = {b"<\0": "UTF-16LE", b"\0<": "UTF-16BE"}.get(head[:2])
    declared = _DECLARED.match(head[:2048].decode(wide or "latin-1", "replace"))
    if declared is None:
        if wide:
            raise _unsupported("UTF-16 without a byte order mark needs an XML declaration")
        return "UTF-8"
    encoding = _supported(declared[1], "the encoding declared")
    if wide:
        return wide
    # The declaration was readable as single bytes, so the file is not UTF-16. Some programs declare
    # UTF-16 in a string, and then write it to a file in UTF-8.
    return "UTF-8" if encoding.startswith("UTF-16") else encoding


@lru_cache(maxsize=64)
def canonical_name(name: str) -> str | None:
    """Return an encoding's name as the parser knows it, or None if it is not supported."""
    known = name.strip().upper().replace("_", "-")
    for pattern, canonical in _ALIASES:
        known = pattern.sub(canonical, known)
    return known if known in ENCODINGS else None


def charset_name(name: str) -> str | None:
    """Return the name of an encoding that a file can have, XML or XER; None if none can."""
    known = canonical_name(name)
    plain = name.strip().upper().replace("_", "-")
    return plain if known is None and plain in xer.CODE_PAGES else known


def _supported(name: str, where: str, others: Collection[str] = ()) -> str:
    """Return the canonical name of an encoding; refuse the file if it is not supported.

    Args:
        others: names of encodings that the file can have in addition.
    """
    known = charset_name(name)
    if known is None or known not in (*ENCODINGS, *others):
        shown = FILE_ENCODINGS_SHOWN if others else ENCODINGS_SHOWN
        raise _unsupported(f"{where}, {name[:40]!r}, is not supported; supported are {shown}")
    return known


class _PrologTarget:
    """A parser target that keeps the root element or a DOCTYPE, whichever comes first.

    It must not raise: lxml would then never free the document of the target, nor the names that
    the thread has read.
    """

    def __init__(self) -> None:
        self.root: tuple[str, str] | None = None  # namespace and local name
        self.doctype_name: str | None = None

    @property
    def complete(self) -> bool:
        return self.root is not None or self.doctype_name is not None

    def doctype(self, name: str, _public: str | None, _system: str | None) -> None:
        self.doctype_name = name

    def start(self, tag: str, _attributes: object) -> None:
        if not self.complete:
            namespace, _, name = tag.rpartition("}")
            self.root = namespace[1:], name

    def close(self) -> None:
        """Do nothing; the parser requires the method."""


def _read_root(head: bytes, source: ByteSource, encoding: str) -> Prolog:
    target = _PrologTarget()
    parser = etree.XMLParser(
        target=cast("ParserTarget", target),
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
    )
    taken = bytearray(head)
    fed = 0
    ended = False
    try:
        while fed < min(len(taken), PROLOG_LIMIT) and not target.complete:
            piece = bytes(taken[fed : min(fed + _STEP, PROLOG_LIMIT)])
            parser.feed(piece)
            fed += len(piece)
            if fed == len(taken) and not target.complete:
                taken += source.read(PROLOG_LIMIT)
                ended = fed == len(taken)
        if fed < PROLOG_LIMIT and not target.complete:
            parser.close()
    except etree.XMLSyntaxError as fault:
        if not target.complete:
            if looks_like_html(bytes(taken[:SAMPLE_BYTES])):
                raise _unsupported(HTML_PAGE) from None
            raise file_refused(fault, ended=ended) from None
    finally:
        # lxml does not free a parser that is still open.
        with contextlib.suppress(etree.XMLSyntaxError):
            parser.close()
    if target.doctype_name is not None:
        _refuse_doctype(taken.decode(encoding, "replace"), target.doctype_name)
    if target.root is None:
        raise FileRefused(_NO_ROOT)
    namespace, name = target.root
    if namespace in ("", _XHTML) and name.lower() == "html":
        raise _unsupported(HTML_PAGE)
    if "{" in namespace or "}" in namespace:  # lxml could not tell it from the name
        raise FileRefused(f"the namespace of the root element is not a URI: {shorten(namespace)}")
    return Prolog(encoding, namespace or None, name, PushbackSource(bytes(taken), source))


def _refuse_doctype(text: str, name: str) -> NoReturn:
    if name.lower() == "html":
        raise _unsupported(HTML_PAGE)
    text = text.removeprefix("\ufeff")
    offset = 0
    while skipped := _MISC.match(text, offset):
        offset = skipped.end()
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    raise FileRefused("a DOCTYPE is not allowed", line=line, column=column)
