"""ZIPs for tests."""

import io
import zipfile


class Unseekable(io.RawIOBase):
    """A ZIP written to a pipe, and by Java, has its sizes after the data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(memoryview(data))  # type: ignore[arg-type]
        self.data += piece
        return len(piece)


def zipped(
    *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, streamed: bool = False
) -> bytes:
    seekable, pipe = io.BytesIO(), Unseekable()
    with zipfile.ZipFile(pipe if streamed else seekable, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return pipe.data or seekable.getvalue()
