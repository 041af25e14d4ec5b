"""A small upload that is held until it is complete."""

from collections import deque
from collections.abc import Sequence

from service.errors import FileRefused, FileTooLarge
from service.imports.pipeline.pipe import FilePart
from service.imports.upload import FileSink


class HeldUpload:
    """A ``FileSink`` that holds the files. The caller has limited the size of the upload.

    Attributes:
        files: number of files that have begun.
        faulty: whether a file has a fault.
    """

    def __init__(self) -> None:
        self.files = 0
        self.faulty = False
        self._held: deque[FilePart | bytes | FileRefused | FileTooLarge] = deque()
        self._sink: FileSink | None = None

    @property
    def part(self) -> FilePart:
        """What the upload states about its first file, which must have begun."""
        part = self._held[0]
        assert isinstance(part, FilePart)
        return part

    @property
    def chunks(self) -> Sequence[bytes]:
        """The bytes of the files that are held."""
        return [each for each in self._held if isinstance(each, bytes)]

    async def begin_file(self, part: FilePart) -> None:
        self.files += 1
        await self._take(part)

    async def feed(self, chunk: bytes) -> None:
        await self._take(chunk)

    async def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        self.faulty = True
        await self._take(fault)

    async def _take(self, each: FilePart | bytes | FileRefused | FileTooLarge) -> None:
        if self._sink is None:
            self._held.append(each)
        else:
            await _pass(each, self._sink)

    async def pass_on(self, sink: FileSink) -> None:
        """Pass the files on to an import, and later bytes at once; raises as its ``feed``."""
        while self._held:
            await _pass(self._held.popleft(), sink)
        self._sink = sink


async def _pass(each: FilePart | bytes | FileRefused | FileTooLarge, sink: FileSink) -> None:
    match each:
        case FilePart():
            await sink.begin_file(each)
        case bytes():
            await sink.feed(each)
        case _:
            await sink.break_off(each)
