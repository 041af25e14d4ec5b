"""A push parser for ``multipart/form-data`` (RFC 7578): it takes bytes, yields parts, does no I/O.

aiohttp's ``MultipartReader`` reads the request's stream itself and bounds neither the preamble nor
the headers of a part. A push parser leaves time, size and transport to its caller.
"""

import warnings
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Final

from aiohttp import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    hdrs,
    parse_content_disposition,
)
from aiohttp.helpers import parse_mimetype
from aiohttp.http import HeadersParser
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from service.errors import BadRequest, FileTooLarge
from service.formats.encoding import (
    ENCODINGS_SHOWN,
    FILE_ENCODINGS_SHOWN,
    canonical_name,
    charset_name,
)
from service.http.upload.content_encoding import Decoder, transfer_decoder
from service.model import shorten

MAX_PREAMBLE: Final = 64 * 1024
"""Largest preamble, in bytes."""
MAX_HEADERS: Final = 8 * 1024
"""Largest header block of a part, in bytes. RFC 7578 defines three headers."""
MAX_HEADER_LINES: Final = 128
_MAX_PADDING: Final = 256
"""Most white space after a boundary, in bytes."""
_END_OF_LINE: Final = b"\r\n"

# aiohttp would print the client's header to standard error.
warnings.filterwarnings("ignore", category=BadContentDispositionHeader)
warnings.filterwarnings("ignore", category=BadContentDispositionParam)


class FormError(Exception):
    """The rest of the form cannot be read.

    Args:
        error: the answer if the part ``file`` has not begun. ``FileRefused`` and ``FileTooLarge``
            also end a file that has begun.
    """

    def __init__(self, error: BadRequest | FileTooLarge) -> None:
        super().__init__(error.details)
        self.error = error


class PartError(Exception):
    """A part cannot be used, but the parts after it can.

    Args:
        reason: what is wrong, for the caller.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Part:
    """The headers of one part.

    Args:
        headers: headers of the part.

    Attributes:
        name: name of the form field; empty if there is none.
        label: the name for messages, quoted and shortened.
        filename: name of the file, or None.
        media_type: media type in lower case, without parameters; empty if there is none.
    """

    def __init__(self, headers: "CIMultiDict[str] | CIMultiDictProxy[str]") -> None:
        _, parameters = parse_content_disposition(headers.get(hdrs.CONTENT_DISPOSITION))
        kind = parse_mimetype(headers.get(hdrs.CONTENT_TYPE, ""))
        self.name = _read_name(parameters, "name") or ""
        self.label = f"`{shorten(self.name)}`"
        self.filename = _read_name(parameters, "filename")
        self.media_type = f"{kind.type}/{kind.subtype}" if kind.type else ""
        self._charset = kind.parameters.get("charset", "").strip("'\" ")
        self._transfer_encoding = headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "")

    def charset(self, *, of_file: bool = False) -> str | None:
        """Return the charset of the part's Content-Type, or None.

        Only the encodings of files are supported: Python has others that decode in quadratic time.

        Args:
            of_file: accept the code pages of XER files too, which are not the names of codecs.

        Raises:
            PartError: the charset is not supported.
        """
        find = charset_name if of_file else canonical_name
        charset = find(self._charset) if self._charset else None
        if self._charset and charset is None:
            shown = FILE_ENCODINGS_SHOWN if of_file else ENCODINGS_SHOWN
            raise PartError(
                f"the charset of the part {self.label} is not supported; supported are {shown}"
            )
        return charset

    def decoder(self) -> Decoder:
        """Return a decoder for the part's Content-Transfer-Encoding.

        Raises:
            PartError: the encoding is not supported.
        """
        try:
            return transfer_decoder(self._transfer_encoding)
        except LookupError:
            raise PartError(
                f"the Content-Transfer-Encoding of the part {self.label} must be 7bit, 8bit, "
                "binary, base64 or quoted-printable"
            ) from None


class _State(Enum):
    PREAMBLE = auto()
    BOUNDARY = auto()
    HEADERS = auto()
    CONTENT = auto()


class MultipartParser:
    """Splits a form into its parts.

    Args:
        boundary: from the Content-Type, without the leading dashes; ASCII without CR and LF.

    Attributes:
        complete: whether the closing boundary was parsed. All bytes after it are ignored.
    """

    def __init__(self, boundary: str) -> None:
        self.complete = False
        self._delimiter = f"\r\n--{boundary}".encode()
        self._state = _State.PREAMBLE
        self._buffer = _END_OF_LINE  # so the first boundary is found like all others
        self._skip = len(_END_OF_LINE)  # bytes of the buffer that belong to no content
        self._preamble = 0
        self._part: Part | None = None

    def parse(self, data: bytes) -> Iterator[Part | bytes]:
        """Parse the next bytes of the body; exhaust the iterator before the next call.

        Args:
            data: the bytes; empty at the end of the body.

        Yields:
            A ``Part``, then its content in blocks that are not empty, then ``b""``.

        Raises:
            FormError: the body is not a well-formed form, or ends before its closing boundary.
        """
        if not data:
            raise FormError(BadRequest(self._describe_end()))
        self._buffer = self._buffer + data if self._buffer else data
        while not self.complete:
            if self._state is _State.BOUNDARY:
                if not self._parse_boundary():
                    return
            elif self._state is _State.HEADERS:
                if not self._parse_headers():
                    return
                assert self._part is not None
                yield self._part
            else:
                in_part = self._state is _State.CONTENT
                content, ended = self._take_content()
                if in_part and content:
                    yield content
                if not ended:
                    return
                if in_part:
                    yield b""

    def _take_content(self) -> tuple[bytes, bool]:
        """Take what precedes the next boundary, or all that cannot be the start of one.

        Returns:
            The bytes, and whether the boundary follows.
        """
        buffer = self._buffer
        end = buffer.find(self._delimiter)
        ended = end >= 0
        if not ended:
            end = len(buffer)
            start = buffer.rfind(b"\r", max(0, end - len(self._delimiter) + 1))
            if start >= 0 and self._delimiter.startswith(buffer[start:]):
                end = start
        if self._state is _State.PREAMBLE:
            self._preamble += end
            if self._preamble > MAX_PREAMBLE:
                raise FormError(BadRequest("the preamble of the form is too long"))
        content = buffer[self._skip : end] if self._skip or end < len(buffer) else buffer
        if end:
            self._skip = 0
        self._buffer = buffer[end:]
        if ended:
            self._state = _State.BOUNDARY
        return content, ended

    def _parse_boundary(self) -> bool:
        """Parse the rest of a boundary's line; False if more bytes are needed."""
        start = len(self._delimiter)
        rest = self._buffer[start : start + _MAX_PADDING]
        if rest.startswith(b"--"):
            self.complete = True
            self._buffer = b""
            return True
        line, newline, _ = rest.partition(b"\n")
        if not newline and len(rest) < _MAX_PADDING and rest.strip(b" \t") in (b"", b"\r", b"-"):
            return False
        if not line.endswith(b"\r") and not line.strip():
            raise FormError(BadRequest("the lines around the parts must end with CR LF"))
        if line.strip():
            raise FormError(BadRequest("the body is malformed: a boundary ends with other text"))
        self._buffer = self._buffer[start + len(line) - 1 :]
        self._state = _State.HEADERS
        return True

    def _parse_headers(self) -> bool:
        """Parse the headers of a part; False if more bytes are needed."""
        end = self._buffer.find(2 * _END_OF_LINE, 0, MAX_HEADERS + 2 * len(_END_OF_LINE))
        if end < 0:
            if len(self._buffer) > MAX_HEADERS:
                raise FormError(BadRequest("the headers of a part are too long"))
            return False
        lines = self._buffer[len(_END_OF_LINE) : end].split(_END_OF_LINE)
        if len(lines) > MAX_HEADER_LINES:
            raise FormError(BadRequest("a part has too many headers"))
        try:
            headers, _ = HeadersParser().parse_headers([*lines, b""])
        except HttpProcessingError:
            raise FormError(BadRequest(self._describe_bad_headers())) from None
        self._part = Part(headers)
        self._buffer = self._buffer[end + len(_END_OF_LINE) :]
        self._skip = len(_END_OF_LINE)
        self._state = _State.CONTENT
        return True

    def _describe_bad_headers(self) -> str:
        if self._part is None:
            return "the headers of the first part are malformed"
        return f"the headers of the part after {self._part.label} are malformed"

    def _describe_end(self) -> str:
        if self._part is not None:
            return f"the body ends without a closing boundary, in or after {self._part.label}"
        if self._state is not _State.PREAMBLE:
            return "the headers of the first part are malformed: the body ends in them"
        if self._preamble or len(self._buffer) > len(_END_OF_LINE):
            return "the body does not hold the boundary that its Content-Type names"
        return "the body is empty; send the file in a part named `file`"


def _read_name(parameters: Mapping[str, str], key: str) -> str | None:
    """Return a name of the part, if it has one that can be read.

    What PostgreSQL cannot store is replaced: undecodable bytes and NULs.
    """
    try:
        text = content_disposition_filename(parameters, key)
    except ValueError:  # aiohttp expects two apostrophes in a continued name (RFC 2231) or none
        return None
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
