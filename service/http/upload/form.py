"""Reads the form of an upload: streams ``file`` into its import, keeps ``notes``.

Errors before the file refuse the upload. Errors after the file part become warnings, because
projects may already be committed.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final

from service.codes import WarningCode
from service.control_characters import find_excluded
from service.errors import BadRequest, FileRefused, FileTooLarge
from service.http.upload.body import BodyReader
from service.http.upload.multipart import FormError, MultipartParser, Part, PartError
from service.imports.upload import FileSink
from service.model import FileWarning, shorten
from service.settings import Settings

_XML: Final = frozenset({"application/xml", "text/xml", "application/octet-stream"})
_COMPRESSED: Final = frozenset(
    {
        "application/gzip",
        "application/x-gzip",
        "application/zip",
        "application/x-zip",
        "application/x-zip-compressed",
    }
)
MEDIA_TYPES: Final = _XML | _COMPRESSED
"""Accepted for the part `file`, which may also have no Content-Type."""
_MAX_LABELS: Final = 10
"""Names of parts that a refusal lists."""


@dataclass(slots=True)
class Receipt:
    """What an upload contains besides its file.

    Attributes:
        notes: the uploader's notes, or None.
        warnings: what was ignored or is wrong after the file.
        cut: whether the upload ended inside the file, without a boundary after it.
    """

    notes: str | None = None
    warnings: list[FileWarning] = field(default_factory=list)
    cut: bool = False


class FormReader:
    """Reads one upload.

    Args:
        body: the form.
        boundary: boundary of its parts, without the leading dashes.
        file: takes the file.
        settings: limits of parts and notes.
    """

    def __init__(self, body: BodyReader, boundary: str, file: FileSink, settings: Settings) -> None:
        self._body = body
        self._parser = MultipartParser(boundary)
        self._events: Iterator[Part | bytes] = iter(())
        self._file = file
        self._settings = settings
        self._receipt = Receipt()
        self._labels: list[str] = []
        self._file_begun = False

    async def receive(self) -> Receipt:
        """Read the form to its end and feed the file to the import.

        Raises:
            BadRequest: the form has no ``file``, or an error before it.
            ServiceError: as from ``FileSink.feed`` and ``BodyReader.read``.
            ClientGone: the connection was closed before the closing boundary.
        """
        try:
            await self._read_parts()
            await self._body.read_checksum()
        except FormError as exc:
            if not self._file_begun:
                raise exc.error from exc.error.__cause__
            if not self._receipt.cut:
                self._warn(exc.error, WarningCode.UPLOAD_CUT_SHORT)
        if not self._file_begun:
            raise BadRequest(self._describe_missing_file())
        return self._receipt

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
            self._labels.append(event.label)
            if len(self._labels) > self._settings.max_parts:
                reason = f"the body has more than {self._settings.max_parts} parts"
                raise FormError(BadRequest(reason))
            try:
                await self._read_part(event)
            except PartError as exc:
                self._reject(exc.reason)

    def _reject(self, reason: str, code: WarningCode = WarningCode.PART_IGNORED) -> None:
        """Refuse the upload before its file; add a warning after it."""
        error = BadRequest(reason)
        if not self._file_begun:
            raise error
        self._warn(error, code)

    def _warn(self, error: BadRequest | FileTooLarge, code: WarningCode) -> None:
        reason = error.reason if isinstance(error, BadRequest) else error.details
        self._receipt.warnings.append(FileWarning(code, f"After the file: {reason}"))

    async def _read_part(self, part: Part) -> None:
        if part.media_type.startswith("multipart/"):
            raise PartError(
                f"the part {part.label} is a multipart body itself, which is not supported"
            )
        if part.name == "file" and not self._file_begun:
            await self._read_file(part)
        elif part.name == "notes" and self._receipt.notes is None:
            await self._read_notes(part)
        else:
            if part.name in ("file", "notes"):
                self._reject(f"there is a second part {part.label}")
            await self._skip(part)

    async def _skip(self, part: Part) -> None:
        size = 0
        while isinstance(data := await self._next(), bytes) and data:
            size += len(data)
            if size > self._settings.max_part_bytes:
                raise PartError(
                    f"the part {part.label} is larger than {self._settings.max_part_bytes} bytes; "
                    "the XML belongs in a part named `file`"
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
        if part.media_type and part.media_type not in MEDIA_TYPES:
            raise PartError(
                "the Content-Type of the part `file` must be application/xml or text/xml, "
                "or application/gzip or application/zip"
            )
        self._file.describe(filename=part.filename, charset=part.charset())
        content = self._content(part)
        while data := await self._next_of_file(content):
            self._file_begun = True
            await self._file.feed(data)
        if not self._file_begun:
            raise PartError("the part `file` is empty")

    async def _next_of_file(self, content: AsyncIterator[bytes]) -> bytes:
        """Return the next bytes of the file; ``b""`` at its end.

        An error ends a file that has begun: its projects before that place are imported.
        """
        try:
            return await anext(content, b"")
        except PartError as exc:
            if not self._file_begun:
                raise
            self._file.break_off(FileRefused(exc.reason))
            return b""
        except FormError as exc:
            if self._file_begun:
                self._receipt.cut = True
                if isinstance(exc.error, FileRefused | FileTooLarge):
                    self._file.break_off(exc.error)
            raise

    def _describe_missing_file(self) -> str:
        if not self._labels:
            return "there is no part named `file`"
        return f"there is no part named `file`, only {', '.join(self._labels[:_MAX_LABELS])}"
