"""Reads the form of an upload: streams its files into the import, keeps ``notes``.

Errors before the first file refuse the upload. Later ones become warnings, because projects may
already be committed. A fault of a file is an outcome of the import.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from service.codes import ErrorCode, WarningCode
from service.control_characters import find_excluded
from service.errors import BadRequest, FileRefused, FileTooLarge
from service.formats.file_names import clean_name
from service.http.upload.body import BodyReader
from service.http.upload.multipart import FormError, MultipartParser, Part, PartError
from service.imports.pipeline.pipe import FilePart
from service.imports.upload import FileSink
from service.model import MAX_QUOTED_VALUE, FileWarning, shorten
from service.settings import Settings

FILE_FIELDS: Final = ("file", "file[]", "files", "files[]")
"""Fields of files. The Content-Type of a file does not matter: its first bytes decide."""
_NOTES: Final = "notes"
_SIMILAR: Final = 0.6
"""Similarity from which on a known field is suggested for an unknown one."""
_MAX_LABELS: Final = 10
"""Names of parts that a refusal lists."""


@dataclass(slots=True)
class Receipt:
    """What an upload contains besides its files.

    Attributes:
        notes: the uploader's notes, or None.
        warnings: what was ignored, or is wrong after the first file.
        cut: whether the upload ended inside a file, without a boundary after it.
    """

    notes: str | None = None
    warnings: list[FileWarning] = field(default_factory=list)
    cut: bool = False


class FormReader:
    """Reads one upload.

    Args:
        body: the form.
        boundary: boundary of its parts, without the leading dashes.
        sink: takes the files.
        settings: limits of parts and notes.
    """

    def __init__(self, body: BodyReader, boundary: str, sink: FileSink, settings: Settings) -> None:
        self._body = body
        self._parser = MultipartParser(boundary)
        self._events: Iterator[Part | bytes] = iter(())
        self._sink = sink
        self._settings = settings
        self._receipt = Receipt()
        self._labels: list[str] = []
        self._files = 0
        self._other_parts = 0
        self._unread: str | None = None

    async def receive(self) -> Receipt:
        """Read the form to its end and feed the files to the import.

        Raises:
            BadRequest: the form has no file, or an error before the first one.
            ServiceError: as from ``FileSink.feed`` and ``BodyReader.read``.
            ClientGone: the connection was closed before the closing boundary.
        """
        try:
            await self._read_parts()
        except FormError as exc:
            if not self._files:
                raise exc.error from exc.error.__cause__
            if not self._receipt.cut:
                await self._refuse_rest(exc.error)
        else:
            await self._check_end()
        if not self._files:
            raise BadRequest(self._describe_missing_file())
        return self._receipt

    async def _refuse_rest(self, error: BadRequest | FileTooLarge) -> None:
        """Report the rest of the upload as a file that failed, because it can have files."""
        if not isinstance(error, FileRefused | FileTooLarge):
            error = FileRefused(error.reason)
        await self._sink.begin_file(FilePart(self._unread))
        await self._sink.break_off(error)

    async def _check_end(self) -> None:
        try:
            await self._body.read_checksum()
        except FormError as exc:
            if not self._files:
                raise exc.error from exc.error.__cause__
            self._warn(exc.error, WarningCode.UPLOAD_CUT_SHORT)

    async def _next(self) -> Part | bytes | None:
        """Return the parser's next event; None after the closing boundary.

        Raises:
            FormError, ServiceError, ClientGone: as from ``MultipartParser.parse`` and
                ``BodyReader.read``.
        """
        while (event := next(self._events, None)) is None and not self._parser.complete:
            self._events = self._parser.parse(await self._body.read())
        return event

    async def _content(self, part: Part) -> AsyncIterator[bytes]:
        """Yield the content of the current part, decoded, in blocks that are not empty.

        Raises:
            PartError: the Content-Transfer-Encoding is not supported, or the content is not in it.
            FormError: the body is not a well-formed form.
        """
        decode = part.decoder()
        try:
            while isinstance(data := await self._next(), bytes) and data:
                if decoded := decode(data):
                    yield decoded
            if decoded := decode(b"", last=True):
                yield decoded
        except ValueError:
            raise PartError(
                f"the part {part.label} is not in the encoding that its "
                "Content-Transfer-Encoding names"
            ) from None

    async def _read_parts(self) -> None:
        while (event := await self._next()) is not None:
            if not isinstance(event, Part):
                continue  # the rest of a part that was not read to its end
            if self._files:
                await asyncio.sleep(0)  # hundreds of parts can arrive at once: serve others too
            if event.name in FILE_FIELDS:
                await self._read_file(event)
                continue
            self._other_parts += 1
            if len(self._labels) < _MAX_LABELS:
                self._labels.append(event.label)
            if self._other_parts > self._settings.max_parts:
                reason = f"the body has more than {self._settings.max_parts} parts that are no file"
                raise FormError(BadRequest(reason))
            try:
                await self._read_part(event)
            except PartError as exc:
                self._reject(exc.reason)

    def _reject(self, reason: str, code: WarningCode = WarningCode.PART_IGNORED) -> None:
        """Refuse the upload before its first file; add a warning after it."""
        error = BadRequest(reason)
        if not self._files:
            raise error
        self._warn(error, code)

    def _warn(self, error: BadRequest | FileTooLarge, code: WarningCode) -> None:
        reason = error.reason if isinstance(error, BadRequest) else error.details
        self._receipt.warnings.append(FileWarning(code, f"After a file: {reason}"))

    async def _read_part(self, part: Part) -> None:
        if part.media_type.startswith("multipart/"):
            raise PartError(_describe_nested(part))
        if part.name != _NOTES:
            warning = FileWarning(WarningCode.PART_IGNORED, _describe_unknown(part))
            if warning not in self._receipt.warnings:
                self._receipt.warnings.append(warning)
            await self._skip(part)
        elif self._receipt.notes is None:
            await self._read_notes(part)
        else:
            self._reject(f"there is a second part {part.label}")
            await self._skip(part)

    async def _skip(self, part: Part) -> None:
        size = 0
        while isinstance(data := await self._next(), bytes) and data:
            size += len(data)
            if size > self._settings.max_part_bytes:
                raise PartError(
                    f"the part {part.label} is larger than {self._settings.max_part_bytes} bytes; "
                    "a file belongs in a part named `file`"
                )

    async def _read_notes(self, part: Part) -> None:
        charset = part.charset() or "utf-8"
        limit = self._settings.max_part_bytes
        content = bytearray()
        async for data in self._content(part):
            content += data
            if len(content) > limit:
                break
        too_long = len(content) > limit
        try:
            notes = bytes(content[:limit]).decode(charset, "ignore" if too_long else "strict")
        except ValueError:
            raise PartError(f"the part {part.label} is not valid {shorten(charset)}") from None
        if excluded := find_excluded(notes):
            raise PartError(f"the part {part.label} has the control character {excluded}")
        most = self._settings.max_notes_length
        if too_long or len(notes) > most:
            reason = f"the notes are longer than {most} characters"
            self._reject(reason, WarningCode.NOTES_SHORTENED)
        self._receipt.notes = notes[:most]

    async def _read_file(self, part: Part) -> None:
        """Feed a file to the import. A fault ends it: its projects before that place are imported.

        Raises:
            FormError: the rest of the form cannot be read, or the upload has too many files.
            ServiceError, ClientGone: as from ``receive``.
        """
        sink = self._sink
        self._files += 1
        name = clean_name(part.filename)
        most = self._settings.max_files
        if self._files > most:
            self._unread = name
            raise FormError(FileTooLarge(f"the upload has more than {most} files"))
        try:
            if part.media_type.startswith("multipart/"):
                raise PartError(_describe_nested(part))
            file = FilePart(name, part.charset(of_file=True))
        except PartError as exc:
            await sink.begin_file(FilePart(name))
            await sink.break_off(FileRefused(exc.reason, code=ErrorCode.UNSUPPORTED_FILE))
            return
        await sink.begin_file(file)
        try:
            async for data in self._content(part):
                await sink.feed(data)
        except PartError as exc:
            await sink.break_off(FileRefused(exc.reason))
        except FormError as exc:
            self._receipt.cut = True
            if isinstance(exc.error, FileRefused | FileTooLarge):
                await sink.break_off(exc.error)
            raise

    def _describe_missing_file(self) -> str:
        others = ", ".join(self._labels[:_MAX_LABELS])
        only = f", only {others}" if others else ""
        return f"there is no part named `file`{only}; give that name to each part with a file"


def _describe_nested(part: Part) -> str:
    return f"the part {part.label} is a multipart body itself, which is not supported"


def _describe_unknown(part: Part) -> str:
    known = (*FILE_FIELDS, _NOTES)
    reason = f"The field {part.label} is not known, and was ignored"
    if close := get_close_matches(part.name[:MAX_QUOTED_VALUE].lower(), known, 1, _SIMILAR):
        return f"{reason}; did you mean `{close[0]}`?"
    return f"{reason}; known are {', '.join(f'`{name}`' for name in known)}"
