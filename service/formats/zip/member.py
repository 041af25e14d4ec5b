"""Reads a member of a ZIP, and finds what follows it, also if it is damaged."""

from collections.abc import Callable, Iterator
from typing import Final

from isal import isal_zlib
from isal.igzip_lib import IsalError

from service.codes import ErrorCode
from service.errors import FileRefused, FileTooLarge
from service.formats.limits import check_ratio
from service.formats.zip.descriptor import LONGEST, SIGNATURE, Descriptor, match_descriptor
from service.formats.zip.header import MEMBER, Header, show
from service.formats.zip.input import WINDOW, Input

_CHUNK: Final = 64 * 1024
_MAX_SEARCHES: Final = 100
"""Damaged members whose end is searched; each may have been inflated too far."""
_MAX_CANDIDATES: Final = 1_000
"""Signatures of a descriptor in the data of one member."""

_STORED, _DEFLATE = 0, 8
_METHODS: Final = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}


class Archive:
    """What the members of a ZIP share.

    Args:
        source: the bytes of the ZIP.
        max_ratio: inflated size divided by compressed size, of each member and of all together.
        give_way: called between steps; as ``FileContext.give_way``.

    Attributes:
        input: the bytes of the ZIP.
        give_way: see above.
        ended: whether the fault of a member ends the ZIP.
    """

    def __init__(self, source: Input, max_ratio: int, give_way: Callable[[], None]) -> None:
        self.input = source
        self.give_way = give_way
        self.ended = False
        self._max_ratio = max_ratio
        self._given = 0
        self._searches = 0

    def count(self, size: int, given: int, taken: int) -> None:
        """Check the ratios after a piece of inflated data.

        Args:
            size: of the piece.
            given: bytes of the member's inflated data so far.
            taken: bytes that they were inflated from.

        Raises:
            FileTooLarge: one ratio is exceeded. If it is that of all members, the ZIP ends.
        """
        self._given += size
        try:
            check_ratio(self._given, self.input.at, self._max_ratio)
        except FileTooLarge:
            self.ended = True
            raise
        check_ratio(given, taken, self._max_ratio)

    def cut_in(self, name: str) -> FileRefused:
        """End the ZIP, and return the refusal of the member in which it is cut off."""
        self.ended = True
        return FileRefused(f"the ZIP ends in the middle of {show(name)}; send the whole ZIP")

    def may_search(self) -> bool:
        """Whether the end of one more damaged member may be searched."""
        self._searches += 1
        return self._searches <= _MAX_SEARCHES


class Member:
    """A file in a ZIP. Read it before the next one is taken.

    Args:
        archive: the ZIP, whose position is at the member's data.
        header: of the member.

    Attributes:
        name: its path in the ZIP.
    """

    def __init__(self, archive: Archive, header: Header) -> None:
        self.name = header.name
        self._archive = archive
        self._input = archive.input
        self._header = header
        self._begin = archive.input.at
        self._given = 0
        self._crc = 0
        self._complete = False  # the position is after it
        self._faulty = False
        self._pieces = self._contents()
        self._input.keep = self._begin if header.size is None else None

    def read(self, _n: int, /) -> bytes:
        """Return the next bytes, or ``b""`` at the end.

        Raises:
            FileRefused: the member is damaged, encrypted, or compressed in an unsupported way.
            FileTooLarge: it inflates to more than the ratio allows.
        """
        try:
            return next(self._pieces, b"")
        except (FileRefused, FileTooLarge):
            self._faulty = True
            raise

    def skip_rest(self) -> bool:
        """Move to what follows the member; False if that cannot be found.

        Raises:
            FileRefused: the ZIP is cut off in the member.
            FileTooLarge: all members together inflate to more than the ratio allows.
        """
        size = self._header.size
        if self._complete:
            return True
        if size is not None:
            if not self._input.skip_to(self._begin + size, self._archive.give_way):
                raise self._archive.cut_in(self.name)
            return not self._header.has_descriptor or self._pass_descriptor(size)
        if not self._faulty:
            try:
                while self.read(_CHUNK):
                    pass
            except (FileRefused, FileTooLarge):
                if self._archive.ended:
                    raise
        return self._complete or (self._archive.may_search() and self._search_end())

    def _contents(self) -> Iterator[bytes]:
        header = self._header
        if header.encrypted:
            raise self._unsupported("is encrypted; make the ZIP without a password")
        if header.method == _DEFLATE:
            yield from self._inflate()
        elif header.method != _STORED:
            method = _METHODS.get(header.method, f"method {header.method}")
            raise self._unsupported(f"is compressed with {method}; make the ZIP with deflate")
        elif header.size is None:
            yield from self._copy_until_descriptor()
        else:
            yield from self._copy(header.size)

    def _copy(self, left: int) -> Iterator[bytes]:
        while left:
            data = self._input.peek(min(left, _CHUNK))
            if not data:
                raise self._archive.cut_in(self.name)
            self._input.at += len(data)
            left -= len(data)
            yield self._count(data)
        self._check_end()

    def _copy_until_descriptor(self) -> Iterator[bytes]:
        for _ in range(_MAX_CANDIDATES):
            while data := self._input.peek_until(SIGNATURE):
                self._input.at += len(data)
                yield self._count(data)
            if not self._input.peek(1):
                raise self._archive.cut_in(self.name)
            if self._descriptor(self._given, self._given) is not None:
                self._check_end()
                return
            self._input.at += len(SIGNATURE)
            yield self._count(SIGNATURE)
        raise self._damaged("its end cannot be found")

    def _inflate(self) -> Iterator[bytes]:
        end = None if self._header.size is None else self._begin + self._header.size
        inflate = isal_zlib.decompressobj(wbits=-isal_zlib.MAX_WBITS)
        while not inflate.eof:
            room = WINDOW if end is None else min(WINDOW, end - self._input.at)
            data = self._input.peek(room)
            if not data:
                raise (
                    self._damaged("its size is wrong")
                    if room == 0
                    else (self._archive.cut_in(self.name))
                )
            self._input.at += len(data)
            piece = b"-"
            while piece and not inflate.eof:
                try:
                    piece = inflate.decompress(data, _CHUNK)
                except IsalError:  # type: ignore[misc]  # its stub takes the class for an instance
                    raise self._damaged("its compressed data is wrong") from None
                data = inflate.unconsumed_tail
                if piece:
                    yield self._count(piece)
        self._input.at -= len(inflate.unused_data)
        if end is not None and self._input.at != end:
            raise self._damaged("its size is wrong")
        self._check_end()

    def _count(self, piece: bytes) -> bytes:
        self._given += len(piece)
        self._crc = isal_zlib.crc32(piece, self._crc)
        self._archive.count(len(piece), self._given, self._input.at - self._begin)
        self._archive.give_way()
        return piece

    def _check_end(self) -> None:
        """Check sizes and checksum after the data, and move after the descriptor."""
        crc, inflated_size = self._header.crc, self._header.inflated_size
        if self._header.has_descriptor:
            found = self._descriptor(self._input.at - self._begin, self._given)
            if found is None:
                if len(self._input.peek(LONGEST)) < LONGEST:
                    raise self._archive.cut_in(self.name)
                raise self._damaged("its size is wrong")
            self._input.at += found.length
            crc, inflated_size = found.crc, self._given
        self._complete = True
        if inflated_size != self._given:
            raise self._damaged("its size is wrong")
        if crc != self._crc:
            raise self._damaged("its checksum is wrong")

    def _descriptor(
        self, size: int, inflated_size: int | None, *, signed: bool = False
    ) -> Descriptor | None:
        """Return the descriptor that is next; as ``match_descriptor``."""
        data = self._input.peek(LONGEST + len(MEMBER))
        return match_descriptor(data, size, inflated_size, signed=signed)

    def _pass_descriptor(self, size: int) -> bool:
        found = self._descriptor(size, None)
        self._input.at += 0 if found is None else found.length
        return found is not None

    def _search_end(self) -> bool:
        """Move to what follows a damaged member of unknown size; False if that is not found.

        The distance of its descriptor from its begin is the size in the descriptor.
        """
        source = self._input
        source.rewind(self._begin)
        for _ in range(_MAX_CANDIDATES):
            while data := source.peek_until(SIGNATURE):
                source.at += len(data)
                self._archive.give_way()
            if not source.peek(1):
                return False
            found = self._descriptor(source.at - self._begin, None, signed=True)
            if found is not None:
                source.at += found.length
                return True
            source.at += len(SIGNATURE)
        return False

    def _damaged(self, reason: str) -> FileRefused:
        return FileRefused(f"the file {show(self.name)} in the ZIP is damaged: {reason}")

    def _unsupported(self, reason: str) -> FileRefused:
        return FileRefused(
            f"the file {show(self.name)} in the ZIP {reason}", code=ErrorCode.UNSUPPORTED_FILE
        )
