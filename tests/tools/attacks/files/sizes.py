"""Too much of one thing: depth, attributes, names, namespaces, texts, comments."""

from collections.abc import Iterator
from typing import Final

from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.xmlfiles import (
    GOOD,
    JSON,
    JSON_END,
    LANDED,
    MSPDI,
    NATIVE,
    NATIVE_END,
    P6,
    attack,
    joined,
    numbered,
    times,
)

_MB: Final = 1_000_000
_BEFORE: Final = NATIVE + GOOD
_HALF: Final = _BEFORE + b'<project id="bad"><name>half</name>'
_CLOSED: Final = b"</project>" + NATIVE_END
_CHAINED: Final = (
    b"<Project><Id>%d</Id><Name>half</Name><Activity><ObjectId>%d</ObjectId>"
    b"<CalendarObjectId>0</CalendarObjectId></Activity></Project>"
)
_DEEP: Final = r"MALFORMED_XML at 1: elements are nested more than 256 deep"
_LONG: Final = r"MALFORMED_XML at 1: a text is longer than 10,000,000 bytes"
_NAMES: Final = r"the file uses more than 20000 distinct names"
_MANY: Final = r"MALFORMED_XML at 1: an element has more than 1,000 attributes"


def _deep(name: str, opened: bytes) -> Attack:
    return attack(
        f"100,000 elements inside each other, {name}",
        lambda: joined(_BEFORE, opened, times(b"<a>", 300_000)),
        LANDED + _DEEP,
    )


def _long(name: str, opened: bytes, text: bytes = b"x" * 1000) -> Attack:
    return attack(
        f"100 MB of text {name}",
        lambda: joined(_BEFORE, opened, times(text, 100 * _MB)),
        LANDED + _LONG,
    )


def _chain(count: int) -> Iterator[bytes]:
    """Calendars of which each refers to the next."""
    form = b"<Calendar><ObjectId>%d</ObjectId><BaseCalendarObjectId>%d</BaseCalendarObjectId>"
    form += b"</Calendar>"
    return (form % (number, number + 1) for number in range(count))


def _few_names(projects: int) -> Iterator[bytes]:
    for number in range(projects):
        yield b"".join(b"<a%d/>" % (10 * number + place) for place in range(10))
        yield b'<project id="%d"><name>n</name></project>' % number


def _white_spaces(count: int) -> Iterator[bytes]:
    """Tasks with 56 characters of white space after each; the parser keeps each kind."""
    digits = bytes.maketrans(b"01", b" \n")
    kinds = (f"{number * 977:056b}".encode() for number in range(count))
    return (b"<task/>" + kind.translate(digits) for kind in kinds)


def _endless(name: str, opened: bytes) -> Attack:
    return attack(
        f"{name} of 100 MB, without an end",
        lambda: joined(_BEFORE, opened, times(b"x>" * 500, 100 * _MB)),
        LANDED + r"MALFORMED_XML at 1: .* longer than 10,000,000 bytes.*",
    )


ATTACKS: Final[list[Attack]] = [
    _deep("outside the projects", b""),
    _deep("in a project", b'<project id="bad"><name>half</name>'),
    _deep("in an attribute", b'<project id="bad"><attributes><attribute name="a">'),
    _deep("in a part", b'<project id="bad"><parts><part element="a">'),
    attack(
        "100,000 elements inside each other, around the projects",
        lambda: joined(times(b"<a>", 300_000)),
        r"400 .*elements are nested more than 256 deep, line 1, column \d+",
    ),
    attack(
        "200 elements inside each other in a task",
        MSPDI + b"<Tasks><Task><UID>1</UID>" + b"<a>" * 200 + b"x" + b"</a>" * 200 + b"</Task>"
        b"</Tasks></Project>",
        r"207 ; VALIDATION_ERROR at 1: .*is nested too deep.*",
    ),
    attack(
        "10,000 attributes on one project",
        lambda: joined(
            _BEFORE,
            b'<project id="bad" ',
            numbered(b'a%d="" ', 10_000),
            b"><name>half</name>",
            _CLOSED,
        ),
        LANDED + rf"(VALIDATION_ERROR at 1: .*|{_MANY})",
    ),
    attack(
        "100,000 attributes on an element that is not known",
        lambda: joined(_BEFORE, b"<x ", numbered(b'a%d="" ', 100_000), b"/>", NATIVE_END),
        rf"207 good\+1(; FILE_TOO_LARGE at \S+: {_NAMES}|; {_MANY})?",
    ),
    attack(
        "an attribute of 11 MB",
        lambda: joined(_BEFORE, b'<project id="', times(b"x" * 1000, 11 * _MB), b'"/>', NATIVE_END),
        LANDED + r".*longer than 10,000,000 bytes.*",
    ),
    attack(
        "an id of 9 MB",
        lambda: joined(
            _BEFORE, b'<project id="', times(b"x" * 1000, 9 * _MB), b'"><name>half</name>', _CLOSED
        ),
        LANDED + r"VALIDATION_ERROR at 1: id \"x+…\" is longer than 255 characters",
    ),
    attack(
        "100,000 namespaces declared on one element",
        lambda: joined(_HALF, b"<x ", numbered(b'xmlns:a%d="urn:%d" ', 100_000), b"/>", _CLOSED),
        LANDED + r"(VALIDATION_ERROR at 1: x is not known here.*|FILE_TOO_LARGE .*)",
    ),
    attack(
        "100,000 elements with a namespace of their own",
        lambda: joined(_HALF, numbered(b'<x xmlns="urn:%d"/>', 100_000), _CLOSED),
        LANDED + rf"FILE_TOO_LARGE at \S+: {_NAMES}",
    ),
    attack(
        "a million names of elements",
        lambda: joined(_HALF, numbered(b"<a%d/>", _MB), _CLOSED),
        LANDED + rf"FILE_TOO_LARGE at \S+: {_NAMES}",
    ),
    attack(
        "a million names of elements in a Microsoft plan",
        lambda: joined(MSPDI, numbered(b"<a%d/>", _MB), b"</Project>"),
        rf"413 {_NAMES}",
    ),
    attack(
        "a million names of elements in a Primavera plan",
        lambda: joined(P6, b"<Project><Id>1</Id>", numbered(b"<a%d/>", _MB), b"</Project>"),
        rf"413 {_NAMES}",
    ),
    attack(
        "a million names of attributes",
        lambda: joined(_HALF, b"<tasks>", numbered(b'<x a%d="1"/>', _MB)),
        LANDED + rf"FILE_TOO_LARGE at \S+: {_NAMES}",
    ),
    attack(
        "200,000 names, a few of them before each project",
        lambda: joined(NATIVE, _few_names(20_000), NATIVE_END),
        rf"207 .*; FILE_TOO_LARGE at \S+: {_NAMES}",
    ),
    attack(
        "a million instructions with names of their own",
        lambda: joined(_BEFORE, numbered(b"<?a%d?>", _MB), NATIVE_END),
        LANDED + rf"FILE_TOO_LARGE at \S+: {_NAMES}",
    ),
    attack(
        "a million prefixes that nothing uses",
        lambda: joined(_HALF, b"<tasks>", numbered(b'<task id="%d" xmlns:a%d="urn:a"/>', _MB)),
        LANDED + rf"FILE_TOO_LARGE at \S+: {_NAMES}",
    ),
    attack(
        "a million white spaces, all different",
        lambda: joined(_HALF, b"<tasks>", _white_spaces(_MB), b"</tasks>", _CLOSED),
        LANDED + r"FILE_TOO_LARGE at \S+: the names in the file take more than \d+ bytes",
    ),
    _endless("a comment", b"<!--"),
    _endless("an attribute", b'<x a="'),
    _endless("an instruction", b"<?a "),
    _endless("a CDATA section", b"<x><![CDATA["),
    _long("in a name", b'<project id="bad"><name>'),
    _long("in an element that is not known", b'<project id="bad"><x>'),
    _long("outside the projects", b""),
    _long(
        "in small CDATA sections", b'<project id="bad"><name>', b"<![CDATA[%b]]>" % (b"x" * 1000)
    ),
    attack(
        "100 MB of white space between projects",
        lambda: joined(_BEFORE, times(b" " * 1000, 100 * _MB), NATIVE_END),
        LANDED + _LONG,
    ),
    attack(
        "100 MB of white space before the root",
        lambda: joined(times(b" " * 1000, 100 * _MB)),
        r"400 .*(the file is empty|no root element within the first 65536 bytes).*",
    ),
    attack(
        "100 MB of white space behind the root",
        lambda: joined(_BEFORE, NATIVE_END, times(b" " * 1000, 100 * _MB)),
        r"207 good\+1",
    ),
    attack(
        "a million comments and instructions",
        lambda: joined(_BEFORE, times(b"<!----><?a?>", 12 * _MB), NATIVE_END),
        r"207 good\+1",
    ),
    attack(
        "a comment of 11 MB",
        lambda: joined(_BEFORE, b"<!--", times(b"x>" * 500, 11 * _MB), b"-->", NATIVE_END),
        LANDED + r"(MALFORMED_XML|FILE_TOO_LARGE) at \S+: .*longer than 10,000,000 bytes.*",
    ),
    attack(
        "an instruction of 11 MB",
        lambda: joined(_BEFORE, b"<?a ", times(b"x>" * 500, 11 * _MB), b"?>", NATIVE_END),
        LANDED + r"(MALFORMED_XML|FILE_TOO_LARGE) at \S+: .*longer than 10,000,000 bytes.*",
    ),
    attack(
        "a CDATA section of 11 MB",
        lambda: joined(_HALF, b"<x><![CDATA[", times(b"x>" * 500, 11 * _MB), b"]]></x>", _CLOSED),
        LANDED + r"(MALFORMED_XML|FILE_TOO_LARGE) at \S+: .*longer than 10,000,000 bytes.*",
    ),
    attack(
        "a tag's name of 1 MB",
        lambda: joined(_BEFORE, b"<", times(b"x" * 1000, _MB), b"/>", NATIVE_END),
        LANDED + r"MALFORMED_XML at 1: a name is longer than 50,000 bytes",
    ),
    attack(
        "three million character references in a name",
        lambda: joined(
            _BEFORE, b'<project id="big"><name>', times(b"&#65;", 15 * _MB), b"</name>", _CLOSED
        ),
        r"207 good\+1 big\+0",
    ),
    attack(
        "JSON nested four million deep",
        lambda: joined(_HALF, JSON, times(b"[", 4 * _MB), JSON_END, _CLOSED),
        LANDED + r"(VALIDATION_ERROR|PROJECT_TOO_LARGE) at 1: .*",
    ),
    attack(
        "a JSON number of 9 million digits",
        lambda: joined(_HALF, JSON, times(b"9" * 1000, 9 * _MB), JSON_END, _CLOSED),
        LANDED + r"(VALIDATION_ERROR|PROJECT_TOO_LARGE) at 1: .*",
    ),
    attack(
        "two million values in one JSON",
        lambda: joined(_HALF, JSON, b"[", times(b"1,", 4 * _MB), b"1]", JSON_END, _CLOSED),
        LANDED + r"VALIDATION_ERROR at 1: .* more than 250000 values",
    ),
    attack(
        "ten small projects that each take a chain of 120,000 calendars",
        lambda: joined(P6, _chain(120_000), numbered(_CHAINED, 10), b"</APIBusinessObjects>"),
        r"207 (; PROJECT_TOO_LARGE at 1: it refers to more shared objects than a project may){3}",
    ),
    attack(
        "100,000 faults in one project",
        lambda: joined(_HALF, b"<tasks>", times(b'<task a="x"/>', 1_300_000), b"</tasks>", _CLOSED),
        LANDED + r"VALIDATION_ERROR at 1: .*\(and \d+ more\)",
    ),
    attack(
        "10,000 projects with the same id",
        lambda: joined(_BEFORE, times(GOOD, 10_000 * len(GOOD)), NATIVE_END),
        r"207 good\+1(; DUPLICATE_PROJECT at 1: [^;]*){3}",
    ),
]
