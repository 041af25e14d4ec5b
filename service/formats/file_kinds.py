"""Recognises files that are no plans by their first bytes, and says what to do with them."""

import re
from typing import Final

SAMPLE_BYTES: Final = 1024
"""Bytes from the begin of a file that decide its kind, if it has as many."""

_ARCHIVE: Final = "the file is {}, which is not supported; use gzip or ZIP"
_COMPRESSED_TWICE: Final = "the file is compressed twice; send the plan, or one gzip or ZIP of it"
EXPORT: Final = "export the plan as XML, or from P6 as XER"
"""What to do with a file that is no plan."""
_OTHER: Final = f"the file is {{}}, neither XML nor XER; {EXPORT}"
_TAR_MARK: Final = slice(257, 262)

_BINARY: Final = (
    ((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"), _COMPRESSED_TWICE),
    ((b"BZh",), _ARCHIVE.format("compressed with bzip2")),
    ((b"\xfd7zXZ",), _ARCHIVE.format("compressed with xz")),
    ((b"\x28\xb5\x2f\xfd",), _ARCHIVE.format("compressed with Zstandard")),
    ((b"7z\xbc\xaf",), _ARCHIVE.format("a 7z archive")),
    ((b"Rar!\x1a",), _ARCHIVE.format("a RAR archive")),
    (
        (b"\xd0\xcf\x11\xe0",),
        "the file is a binary Microsoft file, such as a Microsoft Project plan (.mpp); open the "
        "plan in Microsoft Project and save it as XML",
    ),
    (
        (b"\xac\xed\x00\x05",),
        "the file is Java data, such as a ProjectLibre plan (.pod); open the plan in ProjectLibre "
        "and save it as Microsoft Project XML",
    ),
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*"), _OTHER.format("an image")),
    ((b"SQLite format 3", b"\x00\x01\x00\x00Standard "), _OTHER.format("a database")),
)
"""Beginnings of binary files, with the reason of the refusal."""

_TEXT: Final = (
    (
        r"MPX[,;\t]",
        "the file is an MPX plan; open it in Microsoft Project and save it as XML",
    ),
    (r"%PDF", _OTHER.format("a PDF document")),
    (r"\{\\rtf", _OTHER.format("a document (RTF)")),
    (r"""\{\s*["'}]|\[\s*[\["'{\d\]-]""", _OTHER.format("JSON")),
    (r"BEGIN:VCALENDAR", _OTHER.format("a calendar (iCalendar)")),
    (r"HTTP/\d", _OTHER.format("an HTTP response with its headers")),
    (r"%T\t", "the file is an XER file without its first line, ERMHDR; export it again"),
    (r"[^\n]*[,;\t|][^\n]*\n[^\n]*[,;\t|]", _OTHER.format("a table (CSV)")),
)
"""Beginnings of texts, with the reason of the refusal; the first that matches counts."""

_HTML_NAMES: Final = "head|body|div|script|style|meta|title|link|iframe|center|form|h1|br|p"
"""The roots of parts of HTML pages."""

_HTML: Final = re.compile(
    rf"(?:<!--.*?-->\s*)*<(?:(?i:!doctype\s+html|html)\b|(?:{_HTML_NAMES})[\s/>])", re.DOTALL
)
"""The begin of an HTML page or of a part of one. A company's own XML can use other names than
``html``, so only a file that cannot be read is compared with this."""

HTML_PAGE: Final = (
    "the file is an HTML page, perhaps a login or error page that was saved in place of the plan; "
    f"{EXPORT}"
)

_COMPILED: Final = tuple((re.compile(pattern), reason) for pattern, reason in _TEXT)


def refusal_of(sample: bytes) -> str | None:
    """Return why a file is not read, or None if it may be XML.

    Args:
        sample: the first ``SAMPLE_BYTES`` of the file, or all of it.
    """
    for beginnings, reason in _BINARY:
        if sample.startswith(beginnings):
            return reason
    text = _decode(sample).lstrip("\ufeff \t\r\n")
    if not text or text.startswith("<"):  # white space can be longer than the sample
        return None
    if sample[_TAR_MARK] == b"ustar":
        return _ARCHIVE.format("a tar archive")
    for pattern, reason in _COMPILED:
        if pattern.match(text):
            return reason
    if "\0" in text or "\ufffd" in text[: SAMPLE_BYTES // 2]:
        return _OTHER.format("binary data")
    return _OTHER.format("plain text")


def looks_like_html(sample: bytes) -> bool:
    """Whether a file that cannot be read is a part of an HTML page; argument as above."""
    return _HTML.match(_decode(sample).lstrip("\ufeff \t\r\n")) is not None


def is_html_root(namespace: str | None, name: str) -> bool:
    """Whether a file without a project is a part of an HTML page, by its root element."""
    return not namespace and re.fullmatch(_HTML_NAMES, name) is not None


def _decode(sample: bytes) -> str:
    """Decode a text; a replacement character shows that it is not one."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return sample.decode("utf-16", "replace")
    if len(sample) >= 4 and not any(sample[1:4:2]) and sample[0]:
        return sample.decode("utf-16-le", "replace")
    if len(sample) >= 4 and not any(sample[0:4:2]) and sample[1]:
        return sample.decode("utf-16-be", "replace")
    text = sample.decode("utf-8", "replace")
    if "\ufffd" not in text[: SAMPLE_BYTES // 2]:
        return text
    # Texts in Windows' encodings have no control characters but white space.
    text = sample.decode("latin-1")
    return text if re.fullmatch(r"[\t\r\n\x20-\x7e\x80-\xff]*", text) else "\ufffd"
