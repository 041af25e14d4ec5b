"""Temporary working files, with a limit for each import and one for all imports together.

    Spool ─ share() ─▶ SpoolShare ─ new_file() ─▶ SpoolFile
    the process        an import                  rows, names, references, shared objects

The files are unlinked as soon as they are created, so the kernel removes them however the process
ends. Their bytes count until the file is closed, because the disk frees them only then. No other
module writes files while the service runs.
"""

import contextlib
import errno
import io
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

_STEP = 64 * 1024
"""Bytes that a file reserves at a time, at least."""


class TooLarge(Exception):
    """Data of an import exceeds a limit; the message names the limit."""


class SpoolFull(OSError):
    """The limit of all imports together is reached, or the disk is full."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ENOSPC, reason)


class Spool:
    """The working files of one process.

    Args:
        directory: directory of the files, or None for the system's temporary directory.
        max_bytes: limit of all files together.
        reserved_bytes: bytes that the files leave free on the disk.

    Attributes:
        used_bytes: bytes that the files occupy now.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        max_bytes: int = sys.maxsize,
        reserved_bytes: int = 0,
    ) -> None:
        self.directory = directory or Path(tempfile.gettempdir())
        self.used_bytes = 0
        self.lock = threading.Lock()
        self._max_bytes = max_bytes
        self._reserved_bytes = reserved_bytes

    def share(
        self, max_bytes: int | None = None, reclaim: Callable[[], None] = lambda: None
    ) -> "SpoolShare":
        """Return a share for one import.

        Args:
            max_bytes: limit of the share; the limit of the whole spool applies too.
            reclaim: called once before a write is refused for lack of space. It blocks until the
                import's writers have written their batches and closed the files of these.
        """
        limit = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        return SpoolShare(self, limit, reclaim)

    def check_space(self, size: int) -> None:
        """Check whether the spool has room for more bytes.

        On the disk only the reserve has to be free, not ``size`` bytes.

        Args:
            size: bytes to be written.

        Raises:
            SpoolFull: there is no room.
            OSError: the directory does not exist.
        """
        if self.used_bytes + min(size, self._max_bytes) > self._max_bytes:
            raise SpoolFull(f"working files would exceed {self._max_bytes} bytes")
        disk = os.statvfs(self.directory)
        if disk.f_bavail * disk.f_frsize <= self._reserved_bytes:
            raise SpoolFull(f"{self.directory} has no more than {self._reserved_bytes} bytes free")


class SpoolShare:
    """The working files of one import; ``Spool.share`` creates it.

    Only one thread at a time may use a file. Closing the share closes its files.

    Attributes:
        max_bytes: limit of all its files together.
    """

    def __init__(self, spool: Spool, max_bytes: int, reclaim: Callable[[], None]) -> None:
        self._spool = spool
        self.max_bytes = max_bytes
        self._reclaim = reclaim
        self._used_bytes = 0
        self._files: set[SpoolFile] = set()

    def new_file(self, memory: int = 0) -> "SpoolFile":
        """Return a new file that keeps up to ``memory`` bytes in memory."""
        return SpoolFile(self, memory)

    def close(self) -> None:
        """Close all files that are still open."""
        for file in tuple(self._files):
            file.close()

    # For SpoolFile only

    def open_on_disk(self, file: "SpoolFile") -> IO[bytes]:
        """Create the unlinked file of ``file``."""
        opened = tempfile.TemporaryFile(dir=self._spool.directory, prefix="bulk-import-")  # noqa: SIM115
        self._files.add(file)
        return opened

    def reserve(self, size: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            TooLarge: the limit of the import is reached.
            SpoolFull: the limit of all imports is reached, or the disk is full.
        """
        try:
            self._reserve(size)
        except (TooLarge, SpoolFull):
            self._reclaim()
            self._reserve(size)

    def release(self, file: "SpoolFile", size: int) -> None:
        """Stop counting the ``size`` bytes of a closed file."""
        with self._spool.lock:
            self._files.discard(file)
            self._used_bytes -= size
            self._spool.used_bytes -= size

    def _reserve(self, size: int) -> None:
        with self._spool.lock:
            if self._used_bytes + size > self.max_bytes:
                raise TooLarge(f"the import's working files are over {self.max_bytes} bytes")
            self._spool.check_space(size)
            self._used_bytes += size
            self._spool.used_bytes += size


class SpoolFile:
    """An append-only file, in memory while it is small and then on disk.

    ``write``, ``seek``, ``tell``, ``read`` and ``readline`` work as those of a file object, so that
    ``pickle`` can use it.

    Raises:
        TooLarge: from ``write``, when the import's share is used up.
        OSError: from every method, when the disk fails, or the disk or the spool is full.
    """

    def __init__(self, share: SpoolShare, memory: int) -> None:
        self._share = share
        self._memory = memory
        self._size = 0
        self._reserved = 0
        self._file: IO[bytes] = io.BytesIO()
        self._on_disk = False

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes; the position must be the end of the file."""
        if not self._on_disk and self._file.tell() + len(data) > self._memory:
            self._roll_over()
        if self._on_disk:
            self._grow(len(data))
        self._file.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readline(self) -> bytes:
        return self._file.readline()

    def close(self) -> None:
        """Free memory and disk space."""
        with contextlib.suppress(OSError):  # a full disk cannot take the last write
            self._file.close()
        if self._on_disk:
            self._on_disk = False
            self._share.release(self, self._reserved)

    def _roll_over(self) -> None:
        buffer = self._file
        size = buffer.tell()
        self._file = self._share.open_on_disk(self)
        self._on_disk = True
        if size:
            self._grow(size)
            buffer.seek(0)
            self._file.write(buffer.read())

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._reserved:
            more = max(self._size - self._reserved, _STEP)
            self._share.reserve(more)
            self._reserved += more
