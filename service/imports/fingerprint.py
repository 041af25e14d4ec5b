"""What was uploaded, in 32 bytes: the file's XML, the notes, the options."""

import contextlib
from hashlib import blake2b
from typing import Final

import orjson

from service.errors import FileRefused, FileTooLarge
from service.formats.encoding import ByteSource
from service.imports.options import ImportOptions

_SIZE: Final = 32
_CHUNK: Final = 64 * 1024


class FingerprintReader:
    """A source that takes the fingerprint of what passes through it.

    Args:
        source: the file's XML.
        most: bytes of it that count; what is behind them is not read by anybody.
    """

    def __init__(self, source: ByteSource, most: int) -> None:
        self._source = source
        self._left = most
        self._file = blake2b(digest_size=_SIZE)

    def read(self, n: int, /) -> bytes:
        """As the source's."""
        data = self._source.read(n)
        self._file.update(data[: self._left])
        self._left -= min(len(data), self._left)
        return data

    def read_away(self) -> None:
        """Read what is left, up to the file's end, its fault or its limit."""
        with contextlib.suppress(FileRefused, FileTooLarge):
            while self._left and self.read(_CHUNK):
                pass

    def of(self, notes: str | None, options: ImportOptions) -> bytes:
        """The fingerprint of an upload of this file."""
        return upload_fingerprint(self._file.digest(), notes, options)


NO_FILE: Final = blake2b(digest_size=_SIZE).digest()


def upload_fingerprint(file: bytes, notes: str | None, options: ImportOptions) -> bytes:
    """The fingerprint of an upload, of whose file this is the digest."""
    beside = orjson.dumps([notes, options.as_dict()], option=orjson.OPT_SORT_KEYS)
    return blake2b(file + beside, digest_size=_SIZE).digest()
