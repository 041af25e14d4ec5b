"""Compresses what an attack sends, and counts what it inflates to."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator

from tests.tools.attacks.attack import inflated


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Compress pieces while they are made."""
    squeezed = zlib.compressobj(9, wbits=31)
    for piece in pieces:
        inflated.append(len(piece))
        yield squeezed.compress(piece)
    yield squeezed.flush()


def streamed(pieces: Iterable[bytes]) -> bytes:
    """A ZIP with its sizes after the data, as programs write that compress while sending."""
    archive = _Unseekable()
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("plan.xml", "w") as member,
    ):
        for piece in pieces:
            inflated.append(len(piece))
            member.write(piece)
    return archive.getvalue()


class _Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation
