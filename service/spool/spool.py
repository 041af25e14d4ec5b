"""Working files on disk: unlinked, and bounded for one import and for all of them.

    Spool ─ share() ─▶ Share ─ file() ─▶ SpoolFile
    the process        an import         rows, names, references, shared objects

What a file holds counts from its first byte on disk until it is closed: an unlinked file gives
nothing back before. Nothing else in the service writes files.
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
"""A file counts in steps of at least this many bytes."""


class TooLarge(Exception):
    """What is being kept is over a limit of its import; the text says which."""


class SpoolFull(OSError):
    """All imports together would hold more than they may, or the disk has no room left."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ENOSPC, reason)


class Spool:
    """The working files of one process.

    Args:
        directory: where they are made, or None for the system's own place.
        most: bytes that they may hold together.
        reserve: bytes that they leave free on the disk.

    Attributes:
        held: bytes that they hold now.
    """

    def __init__(
        self, directory: Path | None = None, *, most: int = sys.maxsize, reserve: int = 0
    ) -> None:
        self.directory = directory or Path(tempfile.gettempdir())
        self.held = 0
        self.lock = threading.Lock()
        self._most = most
        self._reserve = reserve

    def share(
        self, most: int | None = None, settle: Callable[[], None] = lambda: None
    ) -> "SpoolShare":
        """An import's share.

        Args:
            most: bytes that it may hold; never more than the whole spool.
            settle: called before it is found full, to have given back what will be: it blocks until
                all that the import's writers hold is written.
        """
        return SpoolShare(self, self._most if most is None else min(most, self._most), settle)

    def check(self, wanted: int) -> None:
        """Find whether there is room.

        Args:
            wanted: bytes, of the spool; the disk need not have them yet, but something.

        Raises:
            SpoolFull: there is none.
            OSError: the directory is not there.
        """
        if self.held + min(wanted, self._most) > self._most:
            raise SpoolFull(f"the spool would hold more than {self._most} bytes")
        disk = os.statvfs(self.directory)
        if disk.f_bavail * disk.f_frsize <= self._reserve:
            raise SpoolFull(f"{self.directory} has only {self._reserve} bytes free")


class SpoolShare:
    """One import's part of the spool; what it holds is given back when it is closed at the latest.

    Its files are for one thread at a time each. See ``Spool.share``.
    """

    def __init__(self, spool: Spool, most: int, settle: Callable[[], None]) -> None:
        self._spool = spool
        self._most = most
        self._settle = settle
        self._held = 0
        self._files: set[SpoolFile] = set()

    def file(self, memory: int = 0) -> "SpoolFile":
        """A new file, of which the first ``memory`` bytes are kept in memory."""
        return SpoolFile(self, memory)

    def close(self) -> None:
        """Close every file that is still open."""
        for file in tuple(self._files):
            file.close()

    # For its files

    def open(self, file: "SpoolFile") -> IO[bytes]:
        """Make a file on disk."""
        made = tempfile.TemporaryFile(dir=self._spool.directory, prefix="bulk-import-")  # noqa: SIM115
        self._files.add(file)
        return made

    def take(self, size: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            TooLarge, SpoolFull: there is no room for them.
        """
        try:
            self._take(size)
        except (TooLarge, SpoolFull):
            self._settle()
            self._take(size)

    def give_back(self, file: "SpoolFile", size: int) -> None:
        """A file is closed that held ``size`` bytes."""
        with self._spool.lock:
            self._files.discard(file)
            self._held -= size
            self._spool.held -= size

    def _take(self, size: int) -> None:
        with self._spool.lock:
            if self._held + size > self._most:
                raise TooLarge(f"the import's working files are over {self._most} bytes")
            self._spool.check(size)
            self._held += size
            self._spool.held += size


class SpoolFile:
    """Bytes that are added at the end and read back, first in memory, then on disk.

    ``write``, ``seek``, ``tell``, ``read`` and ``readline`` are those of a file, so that ``pickle``
    takes it for one.

    Raises:
        TooLarge: from ``write``, where the import's share is used up.
        OSError: from every method, where the disk fails, or it or the spool is full.
    """

    def __init__(self, share: SpoolShare, memory: int) -> None:
        self._share = share
        self._memory = memory
        self._size = 0
        self._taken = 0
        self._file: IO[bytes] = io.BytesIO()
        self._on_disk = False

    def write(self, data: bytes | bytearray) -> None:
        """Add bytes; the file must stand at its end."""
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
        """Give back memory and disk."""
        with contextlib.suppress(OSError):  # what a full disk has left unwritten goes with it
            self._file.close()
        if self._on_disk:
            self._on_disk = False
            self._share.give_back(self, self._taken)

    def _roll_over(self) -> None:
        held = self._file
        size = held.tell()
        self._file = self._share.open(self)
        self._on_disk = True
        if size:
            self._grow(size)
            held.seek(0)
            self._file.write(held.read())

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._taken:
            more = max(self._size - self._taken, _STEP)
            self._share.take(more)
            self._taken += more
