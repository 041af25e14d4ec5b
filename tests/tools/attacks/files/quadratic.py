"""Files whose cost could grow with the square of their size, or of two of their parts."""

from typing import Final

from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.archives import gzipped
from tests.tools.attacks.files.xmlfiles import (
    GOOD,
    JSON,
    JSON_END,
    LANDED,
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
_TASKS: Final = NATIVE + GOOD + b'<project id="bad"><name>half</name><tasks>'
_TASKS_END: Final = b"</tasks></project>" + NATIVE_END
_LINES: Final = b"\n" * 70_000
"""More lines than the parser's nodes can count."""
_P6_PROJECT: Final = (
    b"<Project><ObjectId>%d</ObjectId><Id>%d</Id><Name>p</Name>"
    b"<CalendarObjectId>1</CalendarObjectId></Project>"
)
_P6_END: Final = b"</APIBusinessObjects>"

ATTACKS: Final[list[Attack]] = [
    attack(
        "an id of four million combining marks",
        lambda: joined(
            *(_TASKS, b'<task id="', times("\u0301\u0316".encode(), 8 * _MB), b'"/>', _TASKS_END)
        ),
        LANDED + r"VALIDATION_ERROR at 1: id .*longer than 255 characters",
    ),
    attack(
        "10,000 faults after a text of 8 MB, beyond line 65,535",
        lambda: gzipped(
            joined(
                *(NATIVE, GOOD, _LINES, b'<project id="bad"><name>half</name><tasks><task id="1">'),
                *(b"<attributes>", times(b"t" * 999 + b" ", 8 * _MB)),
                *(b"<x/>y" * 10_000, b"</attributes></task>", _TASKS_END),
            )
        ),
        LANDED + r"(VALIDATION_ERROR|FILE_TOO_LARGE) .*",
    ),
    attack(
        "900 unknown attributes with a text of 9 MB, beyond line 65,535",
        lambda: gzipped(
            joined(
                *(NATIVE, GOOD, _LINES, b'<project id="bad"><name>half</name><tasks><task '),
                *(numbered(b'a%d="1" ', 900), b">", times(b"t" * 999 + b" ", 9 * _MB)),
                *(b"</task>", _TASKS_END),
            )
        ),
        LANDED + r"(VALIDATION_ERROR|FILE_TOO_LARGE) .*",
    ),
    attack(
        "2,000 shared objects of one name, and 2,000 projects that use it",
        lambda: joined(
            *(P6, b"<Calendar><ObjectId>1</ObjectId></Calendar>"),
            b"<Calendar><ObjectId>1</ObjectId><Name>x</Name></Calendar>" * 2000,
            *(numbered(_P6_PROJECT, 2000), _P6_END),
        ),
        _BOUNDED,
    ),
    attack(
        "a JSON of 10 MB of backslashes",
        lambda: joined(
            *(NATIVE, GOOD, b'<project id="p"><name>p</name>', JSON),
            *(b'"', times(b"\\\\", 9_500_000), b'"', JSON_END, b"</project>", NATIVE_END),
        ),
        _BOUNDED,
    ),
]
