"""The bytes of a ZIP on their way to its reader, some of which can be read again."""

from collections.abc import Callable
from typing import Final

from service.formats.encoding import ByteSource

KEPT: Final = 128 * 1024
"""Bytes that can be read again at most."""

WINDOW: Final = 4 * 1024
"""Compressed bytes inflated at a time. A corrupt byte discards the inflated data of its window, so
windows must not depend on the pieces in which the file arrives."""

_CHUNK: Final = 64 * 1024


class Input:
    """A file that is read forwards, and a little backwards.

    Args:
        source: the file; exceptions of its ``read`` pass through.
        head: the first bytes, which were already read from it.

    Attributes:
        at: the position in the file; it can be moved over bytes that ``peek`` returned.
        keep: the position from which on bytes can be read again, as far as ``KEPT`` allows; None
            if none are needed again.
    """

    def __init__(self, source: ByteSource, head: bytes) -> None:
        self._source = source
        self._data = bytearray(head)
        self._first = 0
        self._ended = False
        self.at = 0
        self.keep: int | None = None

    def peek(self, size: int) -> bytes:
        """Return the next bytes without moving: fewer than ``size`` only at the end."""
        while self._first + len(self._data) - self.at < size and self._read():
            pass
        begin = self.at - self._first
        return bytes(self._data[begin : begin + size])

    def peek_until(self, signature: bytes) -> bytes:
        """Return some of the next bytes, up to a signature; none if it is next, or at the end."""
        data = self.peek(WINDOW)
        found = data.find(signature)
        if found >= 0:
            return data[:found]
        # A part of the signature may be at the end of a window.
        return data[: 1 - len(signature)] if len(data) == WINDOW else data

    def rewind(self, to: int) -> None:
        """Move to an earlier position, or to the first one that can be read again."""
        self.at = max(to, self._first)

    def skip_to(self, end: int, give_way: Callable[[], None]) -> bool:
        """Move forward; False if the file ends before that position."""
        while (have := self._first + len(self._data)) < end:
            self.at = have
            if not self._read():
                return False
            give_way()
        self.at = end
        return True

    def _read(self) -> bool:
        """Read more, and remove what is not needed again; False at the end."""
        if self._ended:
            return False
        needed = self.at if self.keep is None else max(self.keep, self.at - KEPT, self._first)
        passed = needed - self._first
        if passed >= _CHUNK or passed == len(self._data):
            del self._data[:passed]
            self._first = needed
        data = self._source.read(_CHUNK)
        self._data += data
        self._ended = not data
        return not self._ended
