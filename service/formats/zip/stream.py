"""Reads a ZIP in one pass: its members, one after another.

The members are imported while the ZIP arrives, so the central directory at its end comes too late.
The local header before each member has its name, and mostly its size. A program that writes to a
pipe puts the size into a descriptor after the data instead.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from service.codes import ErrorCode
from service.errors import FileRefused
from service.formats.encoding import ByteSource
from service.formats.limits import Limits
from service.formats.zip.descriptor import AFTER_MEMBER, EMPTY
from service.formats.zip.header import (
    MEMBER,
    SIZE,
    Header,
    header_size,
    is_litter,
    parse_header,
    refuse_document,
    show,
)
from service.formats.zip.input import Input
from service.formats.zip.member import Archive, Member

_ENTRY: Final = 46
_END: Final = 22
"""Bytes of an entry of the directory, and of the record at its end, without what follows them."""

_USUAL_SIZE: Final = 256
"""Bytes that mostly hold a header with its name."""


def iterate_members(
    source: ByteSource, head: bytes, limits: Limits, give_way: Callable[[], None]
) -> Iterator[Member]:
    """Yield the files in a ZIP. Folders and files that macOS or Windows adds are passed over.

    Args:
        source: the ZIP; exceptions of its ``read`` pass through.
        head: the first bytes, which were already read from it; a signature at least.
        limits: ``max_inflate_ratio`` applies to each member, and to all of them together.
        give_way: called between steps; as ``FileContext.give_way``.

    Raises:
        FileRefused: the ZIP is a document of another program, or has no file, or it ends too early
            or is damaged, and no member has reported that.
        FileTooLarge: a member that is passed over inflates to more than the ratio allows.
    """
    archive = Archive(Input(source, head), limits.max_inflate_ratio, give_way)
    count = 0
    header = _read_header(archive, count)
    if header is not None:
        refuse_document(header.name)
    while header is not None:
        member = Member(archive, header)
        if not is_litter(header.name):
            count += 1
            yield member
        if archive.ended:
            return
        if not member.skip_rest():
            raise _damaged_after(count, f" in or after {show(header.name)}")
        give_way()
        header = _read_header(archive, count)
    if not count:
        raise FileRefused("the ZIP holds no file", code=ErrorCode.UNSUPPORTED_FILE)
    _pass_directory(archive.input, give_way)
    if archive.input.peek(len(MEMBER)) == MEMBER:
        raise FileRefused(
            f"another ZIP follows the end of this one, {_after(count)}, and was not read; "
            "send each ZIP as a file"
        )


def _pass_directory(source: Input, give_way: Callable[[], None]) -> None:
    """Pass over the directory at the end, as far as it is complete. The members need none of it."""
    while (head := source.peek(_ENTRY)).startswith(AFTER_MEMBER):
        if head.startswith(b"PK\1\2") and len(head) == _ENTRY:
            size = _ENTRY + sum(struct.unpack_from("<3H", head, 28))
        elif head.startswith(b"PK\6\6") and len(head) >= _END:
            size = 12 + int(struct.unpack_from("<Q", head, 4)[0])
        elif head.startswith(b"PK\6\7"):
            size = 20
        elif head.startswith(EMPTY) and len(head) >= _END:
            size = _END + int(struct.unpack_from("<H", head, 20)[0])
        else:
            return
        source.skip_to(source.at + size, give_way)
        give_way()
        if head.startswith(EMPTY):
            return


def _read_header(archive: Archive, count: int) -> Header | None:
    """Read the header of the next member, after a number of files; None after the last one."""
    source = archive.input
    head = source.peek(_USUAL_SIZE)
    if head.startswith(AFTER_MEMBER) and not head.startswith(MEMBER):
        return None
    if head.startswith(MEMBER) and len(head) >= SIZE:
        size = header_size(head)
        if len(head) >= size or len(head := source.peek(size)) == size:
            source.at += size
            return parse_header(head)
    elif not MEMBER.startswith(head[: len(MEMBER)]):
        raise _damaged_after(count, "")
    raise FileRefused(
        f"the ZIP ends too early, {_after(count)}: the rest is missing; send the whole ZIP"
    )


def _damaged_after(count: int, where: str) -> FileRefused:
    return FileRefused(
        f"the ZIP is damaged{where}, {_after(count)}: the rest cannot be read; make the ZIP again"
    )


def _after(count: int) -> str:
    return f"after {count} files" if count else "before its first file"
