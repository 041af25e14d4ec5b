"""Packs files into few uploads: small files together, a large one alone.

A pack is limited, because a lost connection repeats one. Only the order and the sizes of the files
decide their packs, so a second run of the same command makes the same ones.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from service.cli.upload.find import XER_SUFFIXES
from service.cli.upload.splitting.piece_file import FileStamp, UnreadableFile, read_stamp

MAX_FILES: Final = 1000
"""Largest number of files in a pack, and of members of its archives; the service takes at most
``BULK_IMPORT_MAX_FILES`` in an upload."""
_END_OF_ZIP: Final = struct.Struct("<4s6xH10x")
"""The end of the directory of a ZIP: its signature, and the number of members."""
_MAX_ZIP_COMMENT: Final = 65_535


@dataclass(frozen=True)
class PackFile:
    """A file of a pack.

    Attributes:
        path: of the file.
        name: in the upload.
        stamp: of the file when it was last looked at.
    """

    path: Path
    name: str
    stamp: FileStamp

    @property
    def is_xer(self) -> bool:
        """Whether its name is that of an XER file."""
        return self.path.name.lower().endswith(XER_SUFFIXES)

    def refresh(self) -> "PackFile":
        """Return the file with its stamp of now.

        Raises:
            UnreadableFile: the file does not exist.
        """
        try:
            return replace(self, stamp=read_stamp(self.path))
        except OSError as error:
            raise UnreadableFile(self.name, error) from error


@dataclass(frozen=True)
class Pack:
    """Files that are sent in one upload, at least one."""

    files: list[PackFile]

    @cached_property
    def size(self) -> int:
        """Its size in bytes."""
        return sum(each.stamp.size for each in self.files)

    @property
    def title(self) -> str:
        """Its name for messages."""
        first, more = self.files[0].path.name, len(self.files) - 1
        return f"{first} and {more} more" if more else first


def make_packs(files: Iterable[PackFile], size: int, *, one: bool = False) -> Iterator[Pack]:
    """Yield the packs of files, in the order of the files.

    Args:
        size: largest size of a pack in bytes; a larger file is a pack alone.
        one: make one pack of all files.
    """
    pack: list[PackFile] = []
    bytes_, members = 0, 0
    for file in files:
        number = 1 if one else count_members(file.path)
        fits = bytes_ + file.stamp.size <= size and members + number <= MAX_FILES
        if pack and not one and not fits:
            yield Pack(pack)
            pack, bytes_, members = [], 0, 0
        pack.append(file)
        bytes_ += file.stamp.size
        members += number
    if pack:
        yield Pack(pack)


def count_members(path: Path) -> int:
    """Return the number of members of a ZIP by the end of its directory; 1 for any other file.

    The standard library would read the whole directory, whose size has no limit.
    """
    if path.suffix.lower() != ".zip":
        return 1
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - _END_OF_ZIP.size - _MAX_ZIP_COMMENT))
            tail = file.read()
    except OSError:
        return 1
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END_OF_ZIP.size:
        return 1
    _, members = _END_OF_ZIP.unpack_from(tail, at)
    return max(1, int(members))
