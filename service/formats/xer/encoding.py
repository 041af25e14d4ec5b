"""The encoding of an XER file, which the file does not state.

P6 writes in the code page of its computer, and newer versions in UTF-8. The part can name the
encoding. Otherwise a file that is UTF-8 as a whole is read as UTF-8, and any other as windows-1252.
That is known only at the end of the file, so its rows stay as they are until then.
"""

import codecs
from typing import Final, Protocol

from service.codes import WarningCode
from service.errors import FileRefused
from service.model import FileWarning

MARK: Final = b"ERMHDR"
"""The first bytes of a file."""

NAME: Final = "ERMHDR\t"
"""What the format recognises instead of the name of a root element, which never has a tab."""

CODE_PAGES: Final = {
    **dict.fromkeys(("GB18030", "GBK", "GB2312", "CP936", "WINDOWS-936"), "gb18030"),
    **dict.fromkeys(("BIG5", "BIG5-HKSCS", "CP950", "WINDOWS-950"), "big5hkscs"),
    **dict.fromkeys(("SHIFT-JIS", "SJIS", "CP932", "WINDOWS-31J", "WINDOWS-932"), "cp932"),
    **dict.fromkeys(("EUC-KR", "CP949", "WINDOWS-949", "KS-C-5601-1987"), "cp949"),
    **dict.fromkeys(("WINDOWS-874", "CP874", "TIS-620"), "cp874"),
    "EUC-JP": "euc_jp",
    "KOI8-R": "koi8_r",
    "KOI8-U": "koi8_u",
}
"""Python's codecs of the code pages that P6 writes in and an XML file cannot have."""

CODE_PAGES_SHOWN: Final = (
    "GB18030, GBK, Big5, Shift_JIS, EUC-JP, EUC-KR, KOI8-R, KOI8-U, windows-874"
)

ASSUMED: Final = "WINDOWS-1252"
"""The encoding of a file that is not UTF-8 and names none."""

_ASSUMED: Final = "cp1252"
_MISREAD: Final = "\ufffd".encode().decode(_ASSUMED)
"""How a character is read that ``replace_forbidden`` replaced before the encoding was known."""

_ERRORS: Final = "keep-c1"


def _keep_c1(error: UnicodeError) -> tuple[str, int]:
    """Decode a byte that windows-1252 leaves undefined to the control character of its number.

    Browsers do the same (WHATWG, Encoding Standard, windows-1252).
    """
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(_ERRORS, _keep_c1)


def is_xer(head: bytes) -> bool:
    """Return whether a file is an XER file, in any encoding, by its first bytes."""
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        head = head.removeprefix(mark)
    return head[:1024].replace(b"\0", b"").lstrip().startswith(MARK)


def encoding_assumed() -> FileWarning:
    """Warn about a file that names no encoding and is not UTF-8."""
    return FileWarning(
        WarningCode.ENCODING_ASSUMED,
        "The file is not UTF-8 and was read as windows-1252; if letters look wrong, send it again "
        "and name its encoding, such as windows-1251: on the page, with --charset of the command, "
        "or as the charset of its part",
        1,
    )


class Decoder(Protocol):
    """Decodes a file piece by piece."""

    @property
    def assumed(self) -> bool:
        """Whether the encoding is an assumption; known after the end of the file."""

    def decode(self, data: bytes, line: int, *, final: bool = False) -> bytes:
        """Return the next bytes of the file: in UTF-8, or as they are until the end is known.

        Args:
            data: the next bytes.
            line: of the file, for an error.
            final: whether these are the last bytes.

        Raises:
            FileRefused: the bytes are not in the encoding that was given.
        """

    def note(self, row: bytes) -> None:
        """Note a row that is stored, because rows of other tables can have any bytes."""

    def to_utf8(self, row: bytes) -> bytes:
        """Return a stored row in UTF-8. Call it only after the end of the file."""


def decoder_of(encoding: str) -> Decoder:
    """Return the decoder of an encoding; if it is empty, of a file that does not name one."""
    return _GivenDecoder(encoding) if encoding else _AssumingDecoder()


class _GivenDecoder:
    assumed = False

    def __init__(self, encoding: str) -> None:
        codec = CODE_PAGES.get(encoding, encoding)
        name = codecs.lookup(codec).name
        self._name = encoding
        self._decoder = codecs.getincrementaldecoder(codec)(
            _ERRORS if name == _ASSUMED else "strict"
        )

    def decode(self, data: bytes, line: int, *, final: bool = False) -> bytes:
        try:
            return self._decoder.decode(data, final).encode()
        except UnicodeDecodeError as error:
            decoded = error.object[: error.start].count(b"\n")
            raise FileRefused(
                f"the file is not in {self._name}, as its charset or byte order mark says; name "
                "another charset, or none",
                line=line + decoded,
            ) from None

    def note(self, _row: bytes) -> None:
        pass

    def to_utf8(self, row: bytes) -> bytes:
        return row


class _AssumingDecoder:
    def __init__(self) -> None:
        self.assumed = False

    def decode(self, data: bytes, _line: int, *, final: bool = False) -> bytes:
        return data

    def note(self, row: bytes) -> None:
        if not self.assumed and not row.isascii():
            try:
                row.decode()
            except UnicodeDecodeError:
                self.assumed = True

    def to_utf8(self, row: bytes) -> bytes:
        if not self.assumed or row.isascii():
            return row
        text = row.decode(_ASSUMED, _ERRORS)
        return text.replace(_MISREAD, "\ufffd").encode()
