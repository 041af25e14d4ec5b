"""Reads the local header of a member of a ZIP."""

import struct
from typing import Final, NamedTuple

from service.codes import ErrorCode
from service.control_characters import make_visible
from service.errors import FileRefused
from service.formats.file_kinds import EXPORT
from service.model import shorten

MEMBER: Final = b"PK\x03\x04"
"""The signature of a local header."""

SIZE: Final = 30
"""Bytes of a header without name and extra field."""

_HEADER: Final = struct.Struct("<4xHHHIIIIHH")
_LENGTHS: Final = struct.Struct("<HH")
_ZIP64: Final = 1
_IN_ZIP64: Final = 2**32 - 1
_ENCRYPTED, _HAS_DESCRIPTOR, _UTF8 = 0x01, 0x08, 0x0800

_OFFICE: Final = ("[content_types].xml", "_rels/", "docprops/", "xl/", "word/", "ppt/")
_DOCUMENTS: Final = (
    (_OFFICE, "an Office document, such as an Excel workbook (.xlsx)"),
    (("mimetype",), "an OpenDocument or EPUB file"),
    (("meta-inf/",), "a Java archive (.jar)"),
)
"""Files that are ZIPs, by the beginnings of their first member's name."""


class Header(NamedTuple):
    """A local header.

    Attributes:
        crc: of the inflated data, as is ``inflated_size``; both are wrong if there is a descriptor.
        size: of the data in the ZIP; None if only the descriptor has it.
    """

    name: str
    encrypted: bool
    has_descriptor: bool
    method: int
    crc: int
    size: int | None
    inflated_size: int


def header_size(data: bytes) -> int:
    """Return the size of a header with name and extra field, from at least ``SIZE`` bytes."""
    name_size, extra_size = _LENGTHS.unpack_from(data, SIZE - _LENGTHS.size)
    return SIZE + int(name_size) + int(extra_size)


def parse_header(data: bytes) -> Header:
    """Read a header with name and extra field; more may follow."""
    _, flags, method, _, crc, size, inflated_size, name_size, extra_size = _HEADER.unpack_from(data)
    end = SIZE + name_size
    raw = data[SIZE:end]
    try:
        name = raw.decode()  # as most programs write it, also without saying so
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "replace") if flags & _UTF8 else raw.decode("cp437")
    if _IN_ZIP64 in (size, inflated_size):
        size, inflated_size = _zip64_sizes(data[end : end + extra_size], size, inflated_size)
    has_descriptor = bool(flags & _HAS_DESCRIPTOR)
    return Header(
        name,
        bool(flags & _ENCRYPTED),
        has_descriptor,
        method,
        crc,
        None if has_descriptor and not size else size,
        inflated_size,
    )


def _zip64_sizes(extra: bytes, size: int, inflated_size: int) -> tuple[int, int]:
    """Return the sizes of a member from the extra field of ZIP64, which has those of 4 GiB."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        if kind == _ZIP64:
            if inflated_size == _IN_ZIP64 and len(field) >= 8:
                inflated_size, field = int.from_bytes(field[:8], "little"), field[8:]
            if size == _IN_ZIP64 and len(field) >= 8:
                size = int.from_bytes(field[:8], "little")
            break
        at += 4 + length
    return size, inflated_size


def is_litter(name: str) -> bool:
    """Whether a member of a ZIP is a folder, or a file that macOS or Windows adds."""
    *folders, last = name.replace("\\", "/").split("/")
    return (
        not last
        or "__MACOSX" in folders
        or last.startswith("._")
        or last in (".DS_Store", "Thumbs.db", "desktop.ini")
    )


def refuse_document(name: str) -> None:
    """Refuse a file that is a ZIP, but not one of files, by the name of its first member.

    Raises:
        FileRefused: it is a document of another program.
    """
    for beginnings, kind in _DOCUMENTS:
        if name.lower().startswith(beginnings):
            raise FileRefused(
                f"the file is {kind}, neither XML nor XER; {EXPORT}",
                code=ErrorCode.UNSUPPORTED_FILE,
            )


def show(name: str) -> str:
    """Return the name of a member as messages quote it."""
    return make_visible(shorten(name))
