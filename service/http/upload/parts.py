"""One part of a multipart body: its name, what it says of itself, and its content as a stream."""

import warnings
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

from aiohttp import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    BodyPartReader,
    MultipartReader,
    hdrs,
)
from aiohttp.helpers import parse_mimetype
from aiohttp.http_exceptions import HttpProcessingError

from service.http.upload.transfer_encoding import Decoder, decoder
from service.model import shorten

_T = TypeVar("_T")

# aiohttp would tell of one on standard error, in the client's own words.
warnings.filterwarnings("ignore", category=BadContentDispositionHeader)
warnings.filterwarnings("ignore", category=BadContentDispositionParam)

CHUNK: Final = 256 * 1024
"""Bytes read at a time: few and large hand-overs."""

_READER_FAULTS: Final = (ValueError, RuntimeError, AssertionError, LookupError, HttpProcessingError)
"""What aiohttp's multipart reader raises for a body that is not well-formed."""


class PartFault(Exception):
    """A part cannot be taken; the parts behind it can. The text says why."""


class FormFault(Exception):
    """The form of the body is broken: where its parts begin and end is not known any more."""


class Part:
    """One part.

    Attributes:
        name: its name in the form, or the empty string.
        label: its name as it is told, quoted and shortened.
        cut: whether the body ended without the boundary behind this part; known once it was read.
    """

    def __init__(self, reader: BodyPartReader) -> None:
        self.name = _storable(reader.name) or ""
        self.label = f"`{shorten(self.name)}`"
        self.cut = False
        self._reader = reader
        self._type = parse_mimetype(reader.headers.get(hdrs.CONTENT_TYPE, ""))

    @property
    def filename(self) -> str | None:
        return _storable(self._reader.filename)

    @property
    def media_type(self) -> str:
        """In lower case and without parameters; empty where the part has none."""
        return f"{self._type.type}/{self._type.subtype}" if self._type.type else ""

    def charset(self) -> str | None:
        """The part's own charset, or None.

        Raises:
            PartFault: it is not a text encoding that we know.
        """
        charset = self._type.parameters.get("charset", "").strip("'\" ")
        if not charset:
            return None
        try:
            bytes(4).decode(charset, "replace")
        except (LookupError, ValueError):
            raise PartFault(f"the charset of the part {self.label} is not known") from None
        return charset

    def decoder(self) -> Decoder:
        """What undoes the part's transfer encoding.

        Raises:
            PartFault: it is not one that we undo.
        """
        encoding = self._reader.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "")
        try:
            return decoder(encoding)
        except LookupError:
            raise PartFault(
                f"the Content-Transfer-Encoding of the part {self.label} must be 7bit, 8bit, "
                "binary, base64 or quoted-printable"
            ) from None

    async def chunks(self, decode: Decoder) -> AsyncIterator[bytes]:
        """The part's content, decoded, in chunks that are not empty.

        Raises:
            PartFault: it is not in its transfer encoding.
            FormFault: the body is not well-formed.
        """
        while data := await _reading(self._reader.read_chunk(CHUNK)):
            if decoded := self._decoded(decode, data):
                yield decoded
        self.cut = not self._reader.at_eof()
        if decoded := self._decoded(decode, b"", last=True):
            yield decoded

    def _decoded(self, decode: Decoder, data: bytes, *, last: bool = False) -> bytes:
        try:
            return decode(data, last=last)
        except ValueError:
            raise PartFault(
                f"the part {self.label} is not in the encoding that its "
                "Content-Transfer-Encoding names"
            ) from None

    async def text(self, limit: int) -> tuple[str, bool]:
        """The part's content as text.

        Args:
            limit: bytes kept; the rest is left unread.

        Returns:
            The text, and whether there was more of it.

        Raises:
            PartFault: it is not in its encoding or charset (UTF-8 by default), or holds a NUL.
            FormFault: the body is not well-formed.
        """
        charset = self.charset() or "utf-8"
        content = bytearray()
        async for data in self.chunks(self.decoder()):
            content += data
            if len(content) > limit:
                break
        more = len(content) > limit
        try:
            text = bytes(content[:limit]).decode(charset, "ignore" if more else "strict")
        except ValueError:
            raise PartFault(f"the part {self.label} is not valid {shorten(charset)}") from None
        if "\0" in text:
            raise PartFault(f"the part {self.label} holds a NUL character")
        return text, more

    async def discard(self, limit: int) -> None:
        """Read the part away.

        Raises:
            PartFault: it holds more than ``limit`` bytes.
            FormFault: the body is not well-formed.
        """
        size = 0
        while data := await _reading(self._reader.read_chunk(CHUNK)):
            size += len(data)
            if size > limit:
                raise PartFault(
                    f"the part {self.label} is larger than {limit} bytes; "
                    "the XML belongs in a part named `file`"
                )


async def next_part(reader: MultipartReader) -> Part | None:
    """The next part, or None behind the last one; what is left of the one before is read away.

    Raises:
        PartFault: it is a multipart body itself.
        FormFault: the body is not well-formed.
    """
    part = await _reading(reader.next())
    if isinstance(part, MultipartReader):
        raise PartFault("a part is a multipart body itself, which is not read")
    return None if part is None else Part(part)


async def _reading(reading: Awaitable[_T]) -> _T:
    try:
        return await reading
    except _READER_FAULTS as exc:
        raise FormFault from exc


def _storable(text: str | None) -> str | None:
    """A header's text without what is no character: undecodable bytes and NULs."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
