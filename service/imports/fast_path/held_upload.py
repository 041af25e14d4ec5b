"""A small upload that is held until it is complete."""

from collections import deque

from service.errors import FileRefused, FileTooLarge
from service.imports.upload import FileSink


class HeldUpload:
    """A ``FileSink`` that holds the file. The caller has limited the size of the upload.

    Attributes:
        chunks: the file as its part has it, as far as it was not passed on.
        filename: its name, or None.
        charset: the charset that its part names, or None.
        fault: why it breaks off, or None.
    """

    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.filename: str | None = None
        self.charset: str | None = None
        self.fault: FileRefused | FileTooLarge | None = None
        self._sink: FileSink | None = None

    def describe(self, *, filename: str | None, charset: str | None) -> None:
        self.filename, self.charset = filename, charset
        if self._sink is not None:
            self._sink.describe(filename=filename, charset=charset)

    async def feed(self, chunk: bytes) -> None:
        if self._sink is None:
            self.chunks.append(chunk)
        else:
            await self._sink.feed(chunk)

    def break_off(self, fault: FileRefused | FileTooLarge) -> None:
        self.fault = fault
        if self._sink is not None:
            self._sink.break_off(fault)

    async def pass_on(self, sink: FileSink) -> None:
        """Pass the file on to an import, and what arrives later at once; raises as its ``feed``."""
        sink.describe(filename=self.filename, charset=self.charset)
        while self.chunks:
            await sink.feed(self.chunks.popleft())
        if self.fault is not None:
            sink.break_off(self.fault)
        self._sink = sink
