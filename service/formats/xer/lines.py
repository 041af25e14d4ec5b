"""Reads the bytes of an XER file as blocks of whole lines."""

from collections.abc import Iterator
from typing import Final

from service.errors import FileTooLarge
from service.formats.encoding import ByteSource
from service.formats.xer.encoding import Decoder
from service.formats.xer.layout import MAX_COLUMNS, MAX_NAME, too_many_columns
from service.formats.xer.values import replace_forbidden

MAX_ROW: Final = 10_000_000
"""Bytes of a row, as libxml2 limits a text."""

MAX_LINES: Final = 2_000_000_000
"""Lines of a file, since libxml2 keeps the number of a line in 31 bits."""

_LONGEST_FIELDS: Final = len(b"%F") + MAX_COLUMNS * (len(b"\t") + MAX_NAME) + len(b"\r")
"""Bytes of the longest line that names columns."""

_CHUNK: Final = 64 * 1024
_BOM: Final = "\ufeff".encode()


class LineBlocks:
    """The lines of a file. Iterate over it once.

    Args:
        source: of the file.
        decoder: of the file.
        max_bytes: of the file.

    Raises:
        FileRefused: while iterating: the file is not in its encoding.
        FileTooLarge: likewise: the file, its lines, or one of them are over a limit.
    """

    def __init__(self, source: ByteSource, decoder: Decoder, max_bytes: int) -> None:
        self._source = source
        self._decoder = decoder
        self._max_bytes = max_bytes
        self._line = 1  # the first one that is in no block yet

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks of lines, each without the newline after its last one."""
        rest = bytearray()  # not a list of pieces: a slow upload has pieces of a byte
        for text in self._texts():
            lines, newline, tail = text.rpartition(b"\n")
            if newline:
                rest += lines
                yield self._clean(bytes(rest))
                self._line += rest.count(b"\n") + 1
                rest.clear()
            rest += tail
            self._check(rest)
        if rest:
            yield self._clean(bytes(rest))

    def _texts(self) -> Iterator[bytes]:
        """Yield the text piece by piece, without a byte order mark."""
        left, at_start = self._max_bytes, True
        while True:
            data = self._source.read(_CHUNK)
            left -= len(data)
            if left < 0:
                raise FileTooLarge(f"the file is over {self._max_bytes} bytes", line=self._line)
            text = self._decoder.decode(data, self._line, final=not data)
            if at_start and text:
                text, at_start = text.removeprefix(_BOM), False
            yield text
            if not data:
                return

    def _check(self, line: bytearray) -> None:
        """Check the limits of the line of which this is the beginning."""
        if len(line) > _LONGEST_FIELDS and line.startswith(b"%F"):
            raise too_many_columns(self._line)
        if len(line) > MAX_ROW:
            raise FileTooLarge(f"a line is over {MAX_ROW} bytes", line=self._line)
        if self._line - 1 > MAX_LINES:
            raise FileTooLarge(f"the file has more than {MAX_LINES} lines", line=MAX_LINES + 1)

    @staticmethod
    def _clean(block: bytes) -> bytes:
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
        return replace_forbidden(block)
