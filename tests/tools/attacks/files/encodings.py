"""Encodings that are mixed, cut off or made up, and characters that are none."""

from typing import Final

from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.xmlfiles import (
    GOOD,
    JSON,
    JSON_END,
    LANDED,
    NATIVE,
    NATIVE_END,
    attack,
)

_NOT_READ: Final = r"400 .*is not supported; supported are UTF-8, .*"
_FILE: Final = (NATIVE + GOOD + NATIVE_END).decode()


def _declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>{_FILE}'


def _named(name: bytes, behind: bytes = b"") -> bytes:
    bad = b'<project id="bad"><name>half%b</name>%b</project>' % (name, behind)
    return NATIVE + GOOD + bad + NATIVE_END


def _character(
    shown: str, written: bytes, said: str = "not well-formed XML in project bad: .*"
) -> Attack:
    return attack(shown, _named(written), LANDED + rf"MALFORMED_XML at 1: {said}")


def _escaped(shown: str, escape: bytes, said: str) -> Attack:
    file = _named(b"", JSON + b'"%b"' % escape + JSON_END)
    return attack(f"a JSON text with {shown}", file, LANDED + f"VALIDATION_ERROR at 1: .*{said}")


ATTACKS: Final[list[Attack]] = [
    attack("UTF-16 with a BOM", _declared("UTF-16").encode("utf-16"), r"207 good\+1"),
    attack("UTF-16 with a declaration alone", _declared("UTF-16").encode("utf-16-le"), r"207 .*"),
    attack(
        "UTF-16 that nothing names",
        _FILE.encode("utf-16-be"),
        r"400 .*UTF-16 without a byte order mark needs an XML declaration",
    ),
    attack("UTF-16 cut in a character", _declared("UTF-16").encode("utf-16")[:-1], LANDED + ".*"),
    attack(
        "UTF-16 that becomes UTF-8 behind a project",
        _declared("UTF-16").encode("utf-16")[:-22] + GOOD,
        LANDED + r"MALFORMED_XML at 1: .*",
    ),
    attack(
        "UTF-16 by its BOM, UTF-8 by its declaration and Latin by its part",
        _declared("UTF-8").encode("utf-16"),
        r"207 good\+1",
        "Content-Type: text/xml; charset=iso-8859-1",
    ),
    attack(
        "UTF-8 by its BOM, UTF-16 by its declaration and its part",
        _declared("UTF-16").encode("utf-8-sig"),
        r"207 good\+1",
        "Content-Type: text/xml; charset=utf-16",
    ),
    attack(
        "UTF-16 by its part alone",
        _FILE.encode(),
        r"400 .*",
        "Content-Type: text/xml; charset=utf-16",
    ),
    attack("UTF-32 with a BOM", _FILE.encode("utf-32"), r"400 .*encoding is UTF-32; .*"),
    attack("UTF-32 without", _FILE.encode("utf-32-be"), r"400 .*encoding is UTF-32; .*"),
    attack("EBCDIC", _declared("cp037").encode("cp037"), r"400 .*encoding is EBCDIC; .*"),
    attack("EBCDIC by name", _declared("IBM037").encode(), _NOT_READ),
    attack("UTF-7 by name", _declared("UTF-7").encode("utf-7"), _NOT_READ),
    attack(
        "UTF-7 by its part",
        _FILE.encode("utf-7"),
        _NOT_READ,
        "Content-Type: text/xml; charset=utf-7",
    ),
    attack(
        "a DTD in UTF-7 that nothing names",
        b'<?xml version="1.0"?>+ADwAIQ-DOCTYPE a []>' + _FILE.encode(),
        r"400 .*not well-formed XML: .*",
    ),
    attack("an encoding that nobody has", _declared("x-klingon").encode(), _NOT_READ),
    attack("an encoding of 500 letters", _declared("A" * 500).encode(), r"400 .*"),
    attack("Shift JIS, where a byte of two is a mark", _declared("Shift_JIS").encode(), _NOT_READ),
    attack("HZ, where letters are marks", _declared("HZ").encode(), _NOT_READ),
    attack(
        "an encoding declared with an unended quote",
        b'<?xml version="1.0" encoding="UTF-7?>' + _FILE.encode(),
        r"400 .*",
    ),
    attack(
        "Latin with a charset that is none",
        _FILE.encode(),
        r"400 .*charset .*",
        "Content-Type: text/xml; charset=base64",
    ),
    attack("a UTF-8 character cut off", NATIVE + GOOD + b"\xf0\x9f\x98", LANDED + ".*"),
    _character("a UTF-8 character broken off", b"\xc3(", ".*"),
    _character("an overlong NUL", b"\xc0\x80"),
    _character("an overlong sign", b"\xe0\x80\xbcx\xe0\x80\xbe"),
    _character("half a surrogate pair in UTF-8", b"\xed\xa0\x80"),
    _character("a code point past Unicode", b"\xf4\x90\x80\x80"),
    _character("a NUL", b"\0"),
    _character("a control character", b"\x08"),
    _character("a character that is none", b"\xef\xbf\xbf"),
    _character("a reference to a NUL", b"&#0;"),
    _character("a reference to a control character", b"&#x1B;"),
    _character("a reference to half a surrogate pair", b"&#xD800;"),
    _character("a reference to a character that is none", b"&#xFFFE;"),
    _character("a reference past Unicode", b"&#x110000;"),
    _character("a reference past all numbers", b"&#99999999999999999999;"),
    _escaped("an escaped NUL", rb"\u0000", r"a text holds the character U\+0000"),
    _escaped("half a surrogate pair", rb"\ud800", "half a surrogate pair"),
    attack(
        "a NUL in a part's charset",
        _FILE.encode(),
        r"400 .*",
        'Content-Type: text/xml; charset="utf\0-8"',
    ),
]
