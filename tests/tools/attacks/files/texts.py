"""Texts of megabytes where short ones belong, duplicate keys, and wrappers inside each other."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.archives import gzipped
from tests.tools.attacks.files.xmlfiles import (
    FORMATS,
    GOOD,
    JSON,
    JSON_END,
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
_BOUNDED: Final = r"(207|400|413) .*"
_MICROSOFT: Final = MSPDI[: MSPDI.index(b"<Name>")]


def _long_texts(before: bytes, start: bytes, end: bytes, after: bytes) -> Iterator[bytes]:
    """Elements whose texts have 9 MB each and differ at the end, so that no cache knows them."""
    yield before
    for number in range(4):
        yield from (start, *times(b"x" * 1000, 9 * _MB), b"%d" % number, end)
    yield after


def _texts(name: str, before: bytes, start: bytes, end: bytes, after: bytes) -> Attack:
    return attack(
        f"four {name} of 9 MB each",
        lambda: joined(_long_texts(before, start, end, after)),
        _BOUNDED,
    )


def _bad_values(before: bytes, unit: bytes, size: int, count: int, after: bytes) -> Iterator[bytes]:
    """Records with a bad value of so many bytes each; each has its number, wherever ``%d`` is."""
    start, end = unit.split(b"...")
    padding = b"x" * size
    return joined(before, (start % number + padding + end for number in range(count)), after)


def _wrapped(depth: int, siblings: int, rounds: int) -> Iterator[bytes]:
    """Microsoft plans in wrappers inside each other, with empty elements beside each wrapper."""
    plan = b'<Project xmlns="http://schemas.microsoft.com/project"><Name>w%d</Name></Project>'
    yield b'<w xmlns="urn:w">'
    for number in range(rounds):
        yield b"".join(b"<w>" + b"<v/>" * siblings for _ in range(depth))
        yield plan % number
        yield b"</w>" * depth
    yield b"</w>"


_NATIVE: Final = NATIVE + GOOD + b'<project id="bad"><name>half</name><tasks>'
_NATIVE_AFTER: Final = b"</tasks></project>" + NATIVE_END
_ACTIVITIES: Final = P6 + b"<Project><Id>1</Id><Name>p</Name>"
_P6_AFTER: Final = b"</Project></APIBusinessObjects>"
ATTACKS: Final[list[Attack]] = [
    _texts("ids of tasks", _NATIVE, b'<task id="', b'"/>', _NATIVE_AFTER),
    _texts("dates", _NATIVE, b'<task id="1"><start>', b"</start></task>", _NATIVE_AFTER),
    _texts("kinds", _NATIVE, b'<task id="1" kind="', b'"/>', _NATIVE_AFTER),
    _texts(
        "names of attributes",
        _NATIVE,
        b'<task id="1"><attributes><attribute name="',
        b'">x</attribute></attributes></task>',
        _NATIVE_AFTER,
    ),
    _texts("ids of projects", NATIVE, b'<project id="', b'"/>', NATIVE_END),
    _texts(
        "dates in a Microsoft plan",
        MSPDI + b"<Tasks>",
        b"<Task><UID>1</UID><Start>",
        b"</Start></Task>",
        b"</Tasks></Project>",
    ),
    _texts(
        "ids in a Microsoft plan",
        MSPDI + b"<Tasks>",
        b"<Task><UID>",
        b"</UID></Task>",
        b"</Tasks></Project>",
    ),
    _texts(
        "GUIDs of Microsoft plans",
        b"<w>",
        _MICROSOFT + b"<Name>m</Name><GUID>",
        b"</GUID></Project>",
        b"</w>",
    ),
    _texts(
        "dates in a Primavera plan",
        _ACTIVITIES,
        b"<Activity><ObjectId>1</ObjectId><StartDate>",
        b"</StartDate></Activity>",
        _P6_AFTER,
    ),
    _texts(
        "ids in a Primavera plan",
        _ACTIVITIES,
        b"<Activity><ObjectId>",
        b"</ObjectId></Activity>",
        _P6_AFTER,
    ),
    _texts(
        "types in a Primavera plan",
        _ACTIVITIES,
        b"<Activity><ObjectId>1</ObjectId><Type>",
        b"</Type></Activity>",
        _P6_AFTER,
    ),
    _texts(
        "ids of shared objects",
        P6,
        b"<Calendar><ObjectId>",
        b"</ObjectId></Calendar>",
        _P6_AFTER.removeprefix(b"</Project>"),
    ),
    _texts(
        "references to shared objects",
        _ACTIVITIES,
        b"<Activity><ObjectId>1</ObjectId><CalendarObjectId>",
        b"</CalendarObjectId></Activity>",
        _P6_AFTER,
    ),
    attack(
        "3,000 bad dates of 10 KB each",
        lambda: gzipped(
            _bad_values(
                _NATIVE, b'<task id="%d"><start>...</start></task>', 10_000, 3000, _NATIVE_AFTER
            )
        ),
        _BOUNDED,
    ),
    attack(
        "3,000 bad dates of 10 KB each in a Microsoft plan",
        lambda: gzipped(
            _bad_values(
                MSPDI + b"<Tasks>",
                b"<Task><UID>%d</UID><Start>...</Start></Task>",
                *(10_000, 3000, b"</Tasks></Project>"),
            )
        ),
        _BOUNDED,
    ),
    attack(
        "100 projects with a bad date of 1 MB each",
        lambda: gzipped(
            _bad_values(
                NATIVE,
                b'<project id="%d"><name>half</name><start>...</start></project>',
                *(_MB, 100, NATIVE_END),
            )
        ),
        _BOUNDED,
    ),
    attack(
        "30,000 bad dates in a Primavera plan",
        lambda: joined(
            _ACTIVITIES,
            numbered(
                b"<Activity><ObjectId>%d</ObjectId><StartDate>bad</StartDate></Activity>", 30_000
            ),
            _P6_AFTER,
        ),
        _BOUNDED,
    ),
    attack(
        "a JSON of 15 MB with one key again and again",
        lambda: joined(
            NATIVE,
            b'<project id="p"><name>p</name>',
            JSON,
            b"{",
            times(b'"key":1,', 9_900_000),
            b'"key":1}',
            JSON_END,
            b"</project>",
            NATIVE_END,
        ),
        _BOUNDED,
    ),
    attack(
        "attributes of one name again and again",
        lambda: joined(
            NATIVE,
            b'<project id="p"><name>p</name><attributes>',
            times(b'<attribute name="a">x</attribute>', 12 * _MB),
            b"</attributes></project>",
            NATIVE_END,
        ),
        _BOUNDED,
    ),
    attack(
        "a task of 200,000 elements with the same name",
        lambda: joined(
            MSPDI,
            b"<Tasks><Task><UID>1</UID>",
            times(b"<a>x</a>", 1_600_000),
            b"</Task></Tasks></Project>",
        ),
        _BOUNDED,
    ),
    attack(
        "a record just below 16 MB of attributes",
        lambda: joined(
            MSPDI,
            b"<Tasks><Task><UID>1</UID>",
            times(b"<a>" + b"x" * 990 + b"</a>", 15_000_000),
            b"</Task></Tasks></Project>",
        ),
        _BOUNDED,
    ),
    attack(
        "200 wrappers inside each other with 100 elements beside each, 20 times",
        lambda: joined(_wrapped(200, 100, 20)),
        _BOUNDED,
    ),
    attack(
        "a wrapper with 400,000 elements before each of five plans",
        lambda: joined(_wrapped(1, 400_000, 5)),
        _BOUNDED,
    ),
    attack(
        "wrappers 200 deep, 1,000 times",
        lambda: gzipped(joined(_wrapped(200, 0, 1000))),
        _BOUNDED,
    ),
    *(
        attack(
            f"300,000 projects inside a project, {opened.format}",
            partial(joined, opened.start, inner * 300_000, opened.end),
            _BOUNDED,
        )
        for opened, inner in zip(
            FORMATS, (b"<project/>", b"<Project/>", b"<Project/>"), strict=True
        )
    ),
]
