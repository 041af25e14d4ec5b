"""The fingerprint of an upload: 32 bytes over the XML of its files, the notes and the options."""

import contextlib
from hashlib import blake2b
from typing import Final

import orjson

from service.errors import FileRefused, FileTooLarge
from service.formats.encoding import ByteSource
from service.imports.options import ImportOptions

_SIZE: Final = 32
_CHUNK: Final = 64 * 1024

NO_FILE: Final = blake2b(digest_size=_SIZE).digest()
"""The digest of an upload without a file."""


class FingerprintReader:
    """A source that hashes the bytes that are read through it.

    Args:
        source: the file's XML.
        max_bytes: number of bytes to hash, which is the size limit of a file.
    """

    def __init__(self, source: ByteSource, max_bytes: int) -> None:
        self._source = source
        self._left = max_bytes
        self._file = blake2b(digest_size=_SIZE)

    def read(self, n: int, /) -> bytes:
        """Read as the source does."""
        data = self._source.read(n)
        self._file.update(data[: self._left])
        self._left -= min(len(data), self._left)
        return data

    def read_rest(self) -> None:
        """Read to the end of the file, to its first fault or to the limit."""
        with contextlib.suppress(FileRefused, FileTooLarge):
            while self._left and self.read(_CHUNK):
                pass

    def file_digest(self) -> bytes:
        """Return the digest of the bytes read so far."""
        return self._file.digest()


class UploadDigest:
    """The digest of the files of an upload, in their order.

    The digest of one file is that of its XML, as it was before an upload could have several.

    Args:
        max_bytes: number of bytes of each file to hash, which is the size limit of a file.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._file: FingerprintReader | None = None
        self._earlier = blake2b(digest_size=_SIZE)
        self._several = False

    def hash_file(self, source: ByteSource) -> FingerprintReader:
        """Return a source that hashes the next file."""
        if self._file is not None:
            self._earlier.update(self._file.file_digest())
            self._several = True
        self._file = FingerprintReader(source, self._max_bytes)
        return self._file

    def read_rest(self) -> None:
        """Hash the rest of the current file; as ``FingerprintReader.read_rest``."""
        if self._file is not None:
            self._file.read_rest()

    def digest(self) -> bytes:
        """Return the digest of what was read so far."""
        if self._file is None:
            return NO_FILE
        last = self._file.file_digest()
        if not self._several:
            return last
        files = self._earlier.copy()
        files.update(last)
        return files.digest()


def upload_fingerprint(file_digest: bytes, notes: str | None, options: ImportOptions) -> bytes:
    """Return the fingerprint of an upload."""
    rest = orjson.dumps([notes, options.as_dict()], option=orjson.OPT_SORT_KEYS)
    return blake2b(file_digest + rest, digest_size=_SIZE).digest()
