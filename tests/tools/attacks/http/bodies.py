"""Bodies of uploads: slow, cut, endless, or of odd parts."""

import asyncio
import itertools
from functools import partial
from typing import Final

from tests.support.raw_http import BOUNDARY, XML, Connection, form, head, part
from tests.support.service import Service
from tests.tools.attacks.attack import (
    CLOSED,
    HURRIED,
    Attack,
    all_that_comes,
    dribbled,
    flooded,
    outcome,
    push,
    sent,
)

_FILE: Final = part("file", XML)
_WHOLE: Final = form(_FILE)
_BEGUN: Final = _FILE[:-60]
_HUGE: Final = f"Content-Length: {1 << 33}"
_SOME: Final = b" " * 65536


async def _cut(service: Service, more: int) -> str:
    """A body shorter than its ``Content-Length``, after which the client stops sending."""
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(_WHOLE) + more}"), _BEGUN)
        connection.writer.write_eof()
        return await all_that_comes(connection)


async def _gone(service: Service) -> str:
    """Twenty uploads that are left in the middle."""
    for _ in range(20):
        async with Connection(service) as connection:
            await connection.send(head(service, _HUGE), _BEGUN)
    return CLOSED


async def _silent(service: Service) -> str:
    async with Connection(service) as connection:
        await connection.send(head(service, _HUGE), _BEGUN)
        return await all_that_comes(connection)


async def _no_continue(service: Service) -> str:
    async with Connection(service) as connection:
        await connection.send(head(service, _HUGE, "Expect: 100-continue"))
        assert (await connection.answer()).status == 100
        return await all_that_comes(connection)


async def _refused(service: Service, piece: bytes, most: int) -> str:
    """Keep sending after a 401, until the service stops reading."""
    async with Connection(service) as connection:
        await connection.send(head(service, _HUGE, token=None))
        said = await outcome(connection)
        for _ in range(most):
            if not await push(connection, piece):
                return f"{said}, {CLOSED}"
            await asyncio.sleep(0.2 if len(piece) < 100 else 0)
        return f"{said}, all taken"


async def _behind_a_refused_body(service: Service) -> str:
    """Requests after a refused body: each gets its own response, in order."""
    refused = head(service, f"Content-Length: {len(_WHOLE)}", token=None) + _WHOLE
    asked = head(service, method="GET", path="/healthz")
    return await sent(service, refused + asked * 3)


async def _many_at_once(service: Service) -> str:
    """50 uploads of one client that send a byte now and then."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                dribbled(service, head(service, _HUGE) + _BEGUN, itertools.repeat(b" "))
            )
            for _ in range(50)
        ]
    return ", ".join(sorted({task.result() for task in tasks}))


async def _uploaded(service: Service, body: bytes, boundary: str = BOUNDARY) -> str:
    content_type = f"multipart/form-data; boundary={boundary}"
    length = f"Content-Length: {len(body)}"
    start = head(service, length, "Connection: close", content_type=content_type)
    return await sent(service, start, body)


def _body(name: str, body: bytes, expected: str, mib: float = 16) -> Attack:
    return Attack(name, partial(_uploaded, body=body), expected, HURRIED, mib)


def _part(disposition: str, *lines: str) -> bytes:
    said = [f"--{BOUNDARY}", f"Content-Disposition: form-data; {disposition}", *lines, "", ""]
    return "\r\n".join(said).encode() + b"x\r\n"


_TAKEN: Final = "207 Projects successfully imported, closed"
_SILENT: Final = "408 No bytes arrived for 1 seconds"
_SLOW: Final = "408 The upload took longer than 3 seconds"
_TIMES: Final = [
    Attack("a body that falls silent", _silent, f"{_SILENT}, closed", HURRIED),
    Attack(
        "a body, a byte five times a second, for ever",
        lambda s: dribbled(s, head(s, _HUGE) + _BEGUN, itertools.repeat(b" ")),
        _SLOW,
        HURRIED,
    ),
    Attack(
        "50 uploads of one client, a byte five times a second",
        _many_at_once,
        rf"({_SILENT}, )?{_SLOW}, 429 The client has too many imports running",
        HURRIED,
    ),
    Attack(
        "`Expect: 100-continue`, and then nothing",
        _no_continue,
        f"{_SILENT}, closed",
        HURRIED,
    ),
    Attack(
        "a body behind a 401, a byte five times a second",
        partial(_refused, piece=b" ", most=100),
        f"401 JWT token not found: .*, {CLOSED}",
        HURRIED,
    ),
    Attack(
        "8 GiB behind a 401",
        partial(_refused, piece=_SOME, most=1 << 17),
        f"401 JWT token not found: .*, {CLOSED}",
        HURRIED,
    ),
    Attack(
        "requests behind a body that is refused",
        _behind_a_refused_body,
        "401 JWT token not found: .*, 200 Alive, 200 Alive, 200 Alive, closed",
        HURRIED,
    ),
    Attack("a body cut in the middle of the file", partial(_cut, more=0), "closed", HURRIED),
    Attack("a Content-Length beyond the body's end", partial(_cut, more=1000), "closed", HURRIED),
    Attack(
        "a Content-Length short of the body's end",
        lambda s: sent(s, head(s, f"Content-Length: {len(_WHOLE) - 50}"), _WHOLE),
        "(207 .*, )?400 .*, closed",
        HURRIED,
    ),
    Attack("20 uploads left in the middle", _gone, CLOSED, HURRIED),
]
_FORMS: Final = [
    Attack(
        "a preamble without an end, 8 GiB",
        lambda s: flooded(s, head(s, _HUGE), b"x" * 60_000 + b"\r\n", 1 << 17),
        "400 Validation error: the preamble of the form is too long",
        HURRIED,
    ),
    Attack(
        "a preamble of one line without an end",
        lambda s: flooded(s, head(s, _HUGE), _SOME, 1 << 17),
        "400 Validation error: .*too long",
        HURRIED,
    ),
    Attack(
        "part headers without an end",
        lambda s: flooded(
            s, head(s, _HUGE) + _part("name=x")[:-5], b"X-Many: y\r\n" * 5000, 1 << 17
        ),
        "400 Validation error: .*",
        HURRIED,
    ),
    Attack(
        "one part header without an end",
        lambda s: flooded(s, head(s, _HUGE) + _part("name=x")[:-5] + b"X: ", _SOME, 1 << 17),
        "400 Validation error: .*too long",
        HURRIED,
    ),
    Attack(
        "parts without an end",
        lambda s: flooded(s, head(s, _HUGE), _part("name=x") * 1000, 1 << 17),
        "400 Validation error: the body has more than 100 parts that are no file",
        HURRIED,
    ),
    Attack(
        "a part that is not the file, without an end",
        lambda s: flooded(s, head(s, _HUGE) + _part("name=x")[:-3], _SOME, 1 << 17),
        "400 Validation error: the part `x` is larger than 1048576 bytes.*",
        HURRIED,
    ),
    Attack(
        "notes without an end",
        lambda s: flooded(s, head(s, _HUGE) + _part("name=notes")[:-3], _SOME, 1 << 17),
        "400 Validation error: the notes are longer than 4000 characters",
        HURRIED,
    ),
    _body(
        "10,000 parts before the file",
        _part("name=x") * 10_000 + _WHOLE,
        "400 Validation error: the body has more than 100 parts that are no file, closed",
    ),
    _body(
        "10,000 parts after the file",
        _FILE + _part("name=x") * 10_000,
        "207 2 of 2 projects imported; .*more than 100 parts.*, closed",
    ),
    _body("no closing boundary", _FILE, _TAKEN),
    _body("nothing but the closing boundary", form(), "400 .*no part named `file`.*, closed"),
    _body(
        "a million boundaries and nothing between",
        f"--{BOUNDARY}\r\n".encode() * 200_000,
        "400 Validation error: .*, closed",
    ),
    _body("a name of 7,000 bytes", form(_part(f'name="{"n" * 7000}"')), "400 .*, closed"),
    _body(
        "a name of 60,000 bytes", form(_part(f'name="{"n" * 60_000}"')), "400 .*too long, closed"
    ),
    _body("a name that never ends its quotes", form(_part('name="file')), "400 .*, closed"),
    _body(
        "a filename of 7,000 bytes",
        form(part("file", XML, filename="f" * 7000)),
        "(207|400) .*, closed",
    ),
    _body(
        "a filename that climbs: ../../etc/passwd",
        form(part("file", XML, filename="../../etc/passwd")),
        _TAKEN,
    ),
    _body(
        "two Content-Dispositions",
        form(_part('name="x"', 'Content-Disposition: form-data; name="file"')),
        "400 .*, closed",
    ),
    _body(
        "notes that hold a lone surrogate and a terminal's escape",
        form(part("notes", b"\xed\xa0\x80\x1b[2J"), _FILE),
        "400 .*, closed",
    ),
    _body(
        "parts nested a thousand deep",
        b"".join(
            f"--{BOUNDARY}\r\nContent-Type: multipart/mixed; boundary={BOUNDARY}\r\n\r\n".encode()
            for _ in range(1000)
        ),
        "400 .*, closed",
    ),
    Attack(
        "a boundary of 7,000 bytes",
        partial(_uploaded, body=_WHOLE, boundary="b" * 7000),
        "400 Validation error: the boundary must be at most 70 ASCII characters, closed",
        HURRIED,
    ),
    Attack(
        "a boundary that is CR LF",
        partial(_uploaded, body=_WHOLE, boundary='"\\\r\\\n"'),
        "400 .*, closed",
        HURRIED,
    ),
]

ATTACKS: Final = [*_TIMES, *_FORMS]
