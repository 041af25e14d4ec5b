"""Uploads with as many files as the service takes, and more."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Final

from tests.support.raw_http import XML, Connection, form, head, part
from tests.support.service import Service
from tests.tools.attacks.attack import (
    HURRIED,
    Attack,
    all_that_comes,
    dribbled,
    flooded,
    push,
)
from tests.tools.attacks.http.many_files import HUGE, TAKEN, files, own_names, plan, upload_made

_MOST: Final = 10_000
"""The default of ``BULK_IMPORT_MAX_FILES``."""
_SETTINGS: Final = {**HURRIED, "upload_timeout": 30}
_OF_A_FILE: Final = 4e-6
"""CPU seconds per byte: a file takes half a millisecond, even if it has only 190 bytes."""
_UNFINISHED: Final = part("file", XML[:-60])[:-2]


async def _silent(service: Service) -> str:
    """All files but one, and the start of that one."""
    async with Connection(service) as connection:
        await push(connection, head(service, HUGE), files(_MOST - 1), _UNFINISHED)
        return await all_that_comes(connection)


def _with_own_root(number: int) -> bytes:
    """A plan with a root that only a parser can read, and 60 names that no other plan has."""
    names = " ".join(f"{name}='1'" for name in own_names(number, 60))
    return plan(number).replace(b"<projects", f"<!-- \u00e4 --><projects {names}".encode())


def _body(name: str, make: Callable[[], bytes], expected: str) -> Attack:
    send = partial(upload_made, make=make)
    limits = {"most_mib": 24, "most_seconds": 30, "most_cpu_per_byte": _OF_A_FILE}
    return Attack(name, send, f"{expected}, closed", _SETTINGS, **limits)


ATTACKS: Final = [
    _body("10,000 files of one project", lambda: form(files(_MOST)), TAKEN),
    _body(
        "10,001 files of one project",
        lambda: form(files(_MOST + 1)),
        "207 10000 of 10000 projects imported; .*more than 10000 files",
    ),
    _body(
        "10,000 files that are empty",
        lambda: form(files(_MOST, lambda _: b"")),
        "207 0 of 0 .*the file is empty.*",
    ),
    _body(
        "10,000 files of one byte",
        lambda: form(files(_MOST, lambda _: b"x")),
        "207 0 of 0 .*the file is plain text.*",
    ),
    _body(
        "400 files with 60 long names in each root element",
        lambda: form(files(400, _with_own_root)),
        TAKEN,
    ),
    Attack(
        "empty files without an end",
        lambda s: flooded(s, head(s, HUGE), part("file", b"", filename="a.xml") * 1000, 1 << 17),
        "207 0 of 0 .*the file is empty.*",
        _SETTINGS,
        most_seconds=30,
    ),
    Attack(
        "9,999 files, and one that comes a byte five times a second",
        lambda s: dribbled(
            s, head(s, HUGE) + files(_MOST - 1) + _UNFINISHED, itertools.repeat(b" ")
        ),
        "408 The upload took longer than 30 seconds",
        _SETTINGS,
        most_seconds=40,
        most_cpu_per_byte=_OF_A_FILE,
    ),
    Attack(
        "9,999 files, and one that falls silent",
        _silent,
        "408 No bytes arrived for 1 seconds, closed",
        _SETTINGS,
        most_seconds=30,
        most_cpu_per_byte=_OF_A_FILE,
    ),
]
