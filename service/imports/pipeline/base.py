"""What every import's stages have in common, whatever they do."""

# ruff: noqa: B027 - those of an import without a file leave out what is about one

import asyncio
from abc import ABC, abstractmethod

from service.errors import FileRefused, FileTooLarge
from service.model import FileWarning


class Pipeline(ABC):
    """What runs between an import's beginning and its last outcome.

    Attributes:
        fault: the first that any stage met, or why the import is to end.
        halted: set once there is a fault.
        done: outcomes written so far.
    """

    def __init__(self) -> None:
        self.fault: BaseException | None = None
        self.halted = asyncio.Event()
        self.done = 0

    @abstractmethod
    async def run(self) -> None:
        """Run until every stage has ended; the first fault of any is kept."""

    async def land_held(self) -> bool:
        """After the last byte of an atomic import: land all of it, or none.

        Returns:
            Whether it landed; every other import has by now.
        """
        return True

    def halt(self, fault: BaseException) -> None:
        """End every stage as soon as may be; on the event loop. The first fault counts."""
        if self.fault is None:
            self.fault = fault
            self.halted.set()

    @abstractmethod
    def close(self) -> None:
        """Give back the disk."""

    @abstractmethod
    def fingerprint(self, notes: str | None) -> bytes | None:
        """The fingerprint of what was asked for, where one is wanted."""

    @property
    def bytes_read(self) -> int:
        """Bytes of the file, as its part holds it, that the reader has taken so far."""
        return 0

    @property
    def dialect(self) -> str | None:
        """The file's, once it is known."""
        return None

    def warnings(self, *, cut: bool) -> list[FileWarning]:
        """What was noticed in the file; ``cut`` tells that its upload has no closing boundary."""
        return []

    def describe(self, charset: str | None) -> None:
        """The charset of the file's part; before its first byte."""

    async def take(self, chunk: bytes) -> None:
        """Take the file's next bytes, waiting while there is enough to do; drop them at its end."""

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        """The file gives out here: what came before counts."""

    def complete(self) -> None:
        """The file's last byte is there."""
