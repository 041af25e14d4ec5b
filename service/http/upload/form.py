"""The upload's form: ``file`` streamed into its import, ``notes`` before or after it.

What is wrong before the file refuses the upload. What is wrong behind it cannot, since projects
have landed by then or not, as chance has it: it becomes a warning on the answer.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from aiohttp import MultipartReader

from service.codes import WarningCode
from service.errors import BadRequest, FileRefused, FileTooLarge
from service.http.upload.body import Body, BodyFault
from service.http.upload.parts import FormFault, Part, PartFault, next_part
from service.imports.manager import UploadSink
from service.model import FileWarning
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
"""Of the part `file`, which may also have none."""
_SHOWN_LABELS: Final = 10


@dataclass(slots=True)
class Receipt:
    """What came beside the file.

    Attributes:
        cut: the body ended inside the file, without the boundary behind it.
    """

    notes: str | None = None
    warnings: list[FileWarning] = field(default_factory=list)
    cut: bool = False


class Form:
    """Reads one upload.

    Args:
        reader: reads from ``body``.
        upload: takes the file.
    """

    def __init__(
        self, reader: MultipartReader, body: Body, upload: UploadSink, settings: Settings
    ) -> None:
        self._reader = reader
        self._body = body
        self._upload = upload
        self._settings = settings
        self._receipt = Receipt()
        self._labels: list[str] = []
        self._file_seen = False

    async def receive(self) -> Receipt:
        """Read the form to its end, the file's bytes into the import.

        Raises:
            BadRequest: the form has no ``file``, or a fault before it.
            ServiceError: as from ``ImportSession.feed``, and what ``Body`` raises.
            ClientGone: the connection ended before the closing boundary.
        """
        try:
            await self._read_parts()
            await self._body.verify()
        except FormFault:
            if not self._receipt.cut:
                self._fault(self._malformed(), WarningCode.UPLOAD_CUT_SHORT)
            await self._body.read_away()
        except BodyFault as exc:
            self._fault(exc.reason, WarningCode.UPLOAD_CUT_SHORT)
        if not self._file_seen:
            raise BadRequest(self._no_file())
        return self._receipt

    def _fault(self, reason: str, code: WarningCode = WarningCode.PART_IGNORED) -> None:
        """Refuse the upload, or warn where the file is behind us."""
        if not self._file_seen:
            raise self._too_large() if self._body.over else BadRequest(reason)
        self._receipt.warnings.append(FileWarning(code, f"Behind the file: {reason}"))

    async def _read_parts(self) -> None:
        for _ in range(self._settings.max_parts):
            try:
                part = await next_part(self._reader)
                if part is None:
                    return
                await self._take(part)
            except PartFault as fault:
                self._fault(str(fault))
        raise BodyFault(f"the body has more than {self._settings.max_parts} parts")

    async def _take(self, part: Part) -> None:
        self._labels.append(part.label)
        if part.name == "file" and not self._file_seen:
            await self._take_file(part)
        elif part.name == "notes" and self._receipt.notes is None:
            await self._take_notes(part)
        else:
            if part.name in ("file", "notes"):
                self._fault(f"there is a second part {part.label}")
            await part.discard(self._settings.max_part_bytes)

    async def _take_notes(self, part: Part) -> None:
        notes, more = await part.text(self._settings.max_part_bytes)
        limit = self._settings.max_notes_length
        if more or len(notes) > limit:
            self._fault(
                f"the notes are longer than {limit} characters", WarningCode.NOTES_SHORTENED
            )
        self._receipt.notes = notes[:limit]

    async def _take_file(self, part: Part) -> None:
        if part.media_type and part.media_type not in MEDIA_TYPES:
            raise PartFault(
                "the Content-Type of the part `file` must be application/xml or text/xml, "
                "or application/gzip or application/zip"
            )
        decode = part.decoder()
        self._upload.describe(filename=part.filename, charset=part.charset())
        chunks = part.chunks(decode)
        head = await anext(chunks, None)
        if head is None:
            raise PartFault("the part `file` is empty")
        self._file_seen = True
        await self._feed(part, head, chunks)

    async def _feed(self, part: Part, head: bytes, chunks: AsyncIterator[bytes]) -> None:
        """Hand the file on. What breaks it off counts as a fault of the file, at its place."""
        chunk: bytes | None = head
        fault: FileRefused | FileTooLarge | None = None
        try:
            while chunk is not None:
                await self._upload.feed(chunk)
                chunk = await anext(chunks, None)
        except PartFault as exc:
            fault = FileRefused(str(exc))
        except FormFault:
            part.cut = True
        self._receipt.cut = part.cut
        if part.cut and self._body.corrupt:
            fault = FileRefused(self._body.corrupt)
        if self._body.over:
            fault = self._too_large()
        if fault is not None:
            self._upload.break_off(fault)

    def _too_large(self) -> FileTooLarge:
        return FileTooLarge(self._body.excess)

    def _malformed(self) -> str:
        if self._body.corrupt:
            return self._body.corrupt
        if not self._body.size:
            return "the body is empty; send the XML in a part named `file`"
        if not self._body.begun:
            return "the body does not hold the boundary that its Content-Type names"
        if not self._labels:
            return "the headers of the first part are malformed"
        return f"the body is malformed in or behind the part {self._labels[-1]}"

    def _no_file(self) -> str:
        if not self._labels:
            return "there is no part named `file`"
        return f"there is no part named `file`, only {', '.join(self._labels[:_SHOWN_LABELS])}"
