"""The first file of a part as a source. This module imports little."""

from collections.abc import Callable

from service.formats.compression import inflate_files
from service.formats.encoding import ByteSource
from service.formats.limits import Limits


class FirstFile:
    """The file in a part that has one; ``read`` raises the faults of the part too.

    Args:
        source: the part from its first byte.
        limits: of the file.
        give_way: as ``inflate_files`` takes it.
    """

    def __init__(
        self, source: ByteSource, limits: Limits, give_way: Callable[[], None] = lambda: None
    ) -> None:
        self._files = inflate_files(source, limits, give_way)
        self._file: ByteSource | None = None

    def read(self, n: int, /) -> bytes:
        """Return the next bytes, or ``b""`` at the end."""
        if self._file is None:
            self._file = next(self._files)
        return self._file.read(n)
