"""Entities, DTDs, and what else in XML asks a reader to fetch something."""

from typing import Final

from service.formats.native.mapping import NAMESPACE
from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.xmlfiles import GOOD, NATIVE, NATIVE_END, attack, guarded

_REFUSED: Final = r"400 Validation error: a DOCTYPE is not allowed, line 2, column 1"
_XML: Final = b'<?xml version="1.0"?>\n'
_USING: Final = NATIVE + b'<project id="half"><name>%b</name></project>' + NATIVE_END
_LAUGHS: Final = b"".join(
    b'<!ENTITY l%d "%b">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10)
)


def _with_dtd(dtd: bytes, name: bytes = b"&e;") -> bytes:
    return _XML + b"<!DOCTYPE projects %b>" % dtd + _USING % name


def _fetching(dtd: bytes) -> Attack:
    shown = dtd.decode().replace("%b", "URL")
    return guarded(
        f"a DTD that names an address: {shown}",
        lambda url: _with_dtd(dtd.replace(b"%b", url.encode())),
        _REFUSED,
    )


ATTACKS: Final[list[Attack]] = [
    attack(
        "ten to the ninth laughs in an element",
        _with_dtd(b'[<!ENTITY l0 "ha">' + _LAUGHS + b"]", b"&l9;"),
        _REFUSED,
    ),
    attack(
        "the same in an attribute",
        _XML
        + b'<!DOCTYPE projects [<!ENTITY l0 "ha">'
        + _LAUGHS
        + b"]>"
        + _USING.replace(b'"half"', b'"&l9;"') % b"half",
        _REFUSED,
    ),
    attack(
        "one entity of 50 KB, 20,000 times",
        _with_dtd(b'[<!ENTITY e "%b">]' % (b"x" * 50_000), b"&e;" * 20_000),
        _REFUSED,
    ),
    attack(
        "parameter entities",
        _with_dtd(b'[<!ENTITY % a "<!ENTITY e \'x\'>"><!ENTITY % b "%a;%a;">%b;]'),
        _REFUSED,
    ),
    attack(
        "an external entity of a file",
        _with_dtd(b'[<!ENTITY e SYSTEM "file:///etc/passwd">]'),
        _REFUSED,
    ),
    attack("a default attribute by a DTD", _with_dtd(b"[<!ATTLIST name a CDATA 'x'>]"), _REFUSED),
    _fetching(b'[<!ENTITY e SYSTEM "%b">]'),
    _fetching(b'[<!ENTITY % e SYSTEM "%b"> %e;]'),
    _fetching(b'SYSTEM "%b"'),
    _fetching(b'PUBLIC "-//x//y" "%b"'),
    attack(
        "a DTD in UTF-16",
        _with_dtd(b'[<!ENTITY e "x">]')
        .replace(b'"1.0"', b'"1.0" encoding="UTF-16"')
        .decode()
        .encode("utf-16"),
        _REFUSED,
    ),
    attack(
        "a DTD behind 60 KB of comments",
        _XML + b"<!--" + b"x" * 60_000 + b"-->" + b"<!DOCTYPE a []>" + _USING % b"half",
        r"400 .*a DOCTYPE is not allowed, line 2, column 60008",
    ),
    attack(
        "a DTD behind 70 KB of comments",
        _XML + b"<!--" + b"x" * 70_000 + b"-->" + b"<!DOCTYPE a []>" + _USING % b"half",
        r"400 .*no root element within the first 65536 bytes",
    ),
    attack(
        "a DTD after a project",
        NATIVE + GOOD + b'<!DOCTYPE a [<!ENTITY e "x">]><project id="half"/>',
        r"207 good\+1; MALFORMED_XML at 1: not well-formed XML after 1 project: .*",
    ),
    attack(
        "an entity that nothing declares",
        NATIVE + GOOD + b'<project id="half"><name>half&e;</name></project>' + NATIVE_END,
        r"207 good\+1; MALFORMED_XML at 1: .*: Entity 'e' not defined",
    ),
    guarded(
        "an XInclude of an address",
        lambda url: (
            NATIVE
            + GOOD
            + b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="%b"/>' % url.encode()
            + NATIVE_END
        ),
        r"207 good\+1",
    ),
    guarded(
        "a stylesheet's and a schema's address",
        lambda url: (
            b'<?xml-stylesheet type="text/xsl" href="%b"?>' % url.encode()
            + NATIVE.replace(
                b">",
                b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
                b' xsi:schemaLocation="%b %b" xml:base="%b">'
                % (NAMESPACE.encode(), url.encode(), url.encode()),
            )
            + GOOD
            + NATIVE_END
        ),
        r"207 good\+1",
    ),
    attack(
        "one xml:id twice",
        NATIVE + GOOD + b'<x xml:id="a"/><x xml:id="a"/>' + NATIVE_END,
        r"207 good\+1(; MALFORMED_XML at 1: not well-formed XML: ID a already defined.*)?",
    ),
]
