"""The form of an upload: the notes, and a part for each file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp

from service.cli.upload.packs import PackFile
from service.cli.upload.splitting.piece_file import PieceFile, SizedPayload, UnreadableFile
from service.cli.upload.splitting.pieces import Piece

_MEDIA_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True)
class UploadOptions:
    """The options of the user, for every upload.

    Attributes:
        notes: a comment, or None.
        query: parameters of the request.
        retry_for: total time in seconds of the pauses between attempts.
        charset: encoding of XER files, or None if the service finds it.
    """

    notes: str | None
    query: Mapping[str, str]
    retry_for: float
    charset: str | None = None


@dataclass(frozen=True)
class UploadPart:
    """A file, or a piece of it, to send.

    Attributes:
        charset: its encoding; None if the service finds it.
    """

    file: PackFile
    piece: Piece
    charset: str | None = None

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPE if self.charset is None else f"{_MEDIA_TYPE}; charset={self.charset}"


class UploadForm:
    """The body of one attempt; close it at its end.

    Args:
        parts: the files, in their order.
    """

    def __init__(self, parts: Sequence[UploadPart], notes: str | None) -> None:
        self._files = [
            (part.file, PieceFile(part.file.path, part.piece, part.file.stamp)) for part in parts
        ]
        self._parts = parts
        self.body = aiohttp.MultipartWriter("form-data")
        if notes is not None:
            notes_part = self.body.append(notes)
            notes_part.set_content_disposition("form-data", name="notes")
        for part, (_, opened) in zip(parts, self._files, strict=True):
            payload = SizedPayload(opened, part.piece.size, content_type=part.media_type)
            payload.set_content_disposition(
                "form-data", quote_fields=False, name="file", filename=part.file.name
            )
            self.body.append_payload(payload)

    @property
    def bytes_read(self) -> int:
        """The number of bytes of all files that were read so far."""
        return sum(opened.bytes_read for _, opened in self._files)

    @property
    def files_read(self) -> int:
        """The number of files that were read to their end."""
        sizes = (part.piece.size for part in self._parts)
        return sum(
            opened.bytes_read >= size for size, (_, opened) in zip(sizes, self._files, strict=True)
        )

    def count_by_name(self) -> Mapping[str, int]:
        """Return the number of bytes of each file that were read."""
        return {file.name: opened.bytes_read for file, opened in self._files}

    def check_files(self) -> None:
        """Check that no file was the reason of a failure.

        Raises:
            UnreadableFile: a file cannot be read.
        """
        for file, opened in self._files:
            if opened.problem is not None:
                raise UnreadableFile(file.name, opened.problem) from None

    def close(self) -> None:
        """Close all files."""
        for _, opened in self._files:
            opened.close()
