"""Heads of requests: slow, endless, oversize, or no HTTP/1.1 at all."""

import asyncio
import itertools
import ssl
from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.support.raw_http import Connection, get, head
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

MALFORMED: Final = "400 Validation error: the request is not well-formed HTTP/1.1, closed"
TOO_LONG: Final = "400 Validation error: the request line or a header is too long, closed"
LATE: Final = "408 No complete request arrived within 1 seconds"
_START: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


def _client_hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="x.org")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError


async def _silent(service: Service) -> str:
    async with Connection(service) as connection:
        return await outcome(connection)


async def _idle(service: Service) -> str:
    async with Connection(service) as connection:
        await connection.send(head(service, method="GET", path="/healthz"))
        return await all_that_comes(connection)


async def _second_head(service: Service) -> str:
    """A whole request, then another a byte at a time."""
    async with Connection(service) as connection:
        await connection.send(head(service, method="GET", path="/healthz"))
        said = [await outcome(connection)]
        listening = asyncio.create_task(outcome(connection))
        for byte in itertools.chain(_START, itertools.repeat(ord("a"))):
            if listening.done():
                break
            await push(connection, bytes([byte]))
            await asyncio.wait({listening}, timeout=0.1)
        return ", ".join([*said, await listening])


async def _unread(service: Service) -> str:
    """Many requests, and none of their answers read."""
    async with Connection(service) as connection:
        asking = head(service, method="GET", path="/metrics") * 32
        taken = 0
        while taken < 3000:
            if not await asyncio.wait_for(push(connection, asking), 15):
                return CLOSED
            taken += 1
        return "all taken"


async def _pipelined(service: Service) -> str:
    async with Connection(service) as connection:
        await connection.send(head(service, method="GET", path="/healthz") * 2000)
        said = {await outcome(connection) for _ in range(2000)}
        return ", ".join(said)


_H2C: Final = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
)
_WEBSOCKET: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def _plain(method: str, target: str, *headers: str, host: str = "Host: x") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", host, *headers, "", ""]).encode()


def _bytes(text: bytes) -> Iterator[bytes]:
    return itertools.chain((bytes([byte]) for byte in text), itertools.repeat(b"a"))


async def _long_header(service: Service, size: int, name: str = "X-Long") -> str:
    return await sent(
        service, head(service, f"{name}: {'x' * size}", method="GET", path="/healthz")
    )


async def _asked(service: Service, path: str) -> str:
    return await sent(service, head(service, "Connection: close", method="GET", path=path))


async def _full_heads(service: Service) -> str:
    """The largest head that is taken, left without its end, on many connections at once."""
    lines = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 8000) for number in range(120))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sent(service, _START + lines)) for _ in range(80)]
    return ", ".join({task.result() for task in tasks})


async def _known_path(service: Service) -> str:
    answer = await get(service, "/api/v2/clients/1/" + "x" * 7000)
    return str(answer.status)


SLOW: Final = [
    Attack(
        "a head, five bytes a second, for ever",
        lambda s: dribbled(s, b"", _bytes(_START)),
        LATE,
        HURRIED,
    ),
    Attack(
        "empty lines for ever, before any request",
        lambda s: dribbled(s, b"", itertools.repeat(b"\r\n")),
        LATE,
        HURRIED,
    ),
    Attack(
        "header lines for ever, five a second",
        lambda s: dribbled(s, _START, itertools.repeat(b"X: y\r\n")),
        LATE,
        HURRIED,
    ),
    Attack(
        "a whole request, then another a byte at a time",
        _second_head,
        f"200 Alive, {LATE}",
        HURRIED,
    ),
    Attack("a connection and no byte", _silent, CLOSED, HURRIED),
    Attack("a request, and nothing after its answer", _idle, "200 Alive, closed", HURRIED),
    Attack("requests whose answers are never read", _unread, CLOSED, HURRIED, most_seconds=30),
    Attack("2,000 requests at once on a connection", _pipelined, "200 Alive", HURRIED),
    Attack(
        "80 heads of 1 MB each, without their ends",
        _full_heads,
        f"{TOO_LONG}(, closed)?",
        HURRIED,
    ),
]

LONG: Final = [
    Attack(
        "a request line without an end, 64 KiB at a time",
        lambda s: flooded(s, b"GET /", b"a" * 65536, 1000),
        TOO_LONG.removesuffix(", closed"),
        HURRIED,
    ),
    Attack(
        "a header without an end, 64 KiB at a time",
        lambda s: flooded(s, _START + b"X: ", b"a" * 65536, 1000),
        TOO_LONG.removesuffix(", closed"),
        HURRIED,
    ),
    Attack(
        "a header's name without an end",
        lambda s: flooded(s, _START, b"a" * 65536, 1000),
        TOO_LONG.removesuffix(", closed"),
        HURRIED,
    ),
    Attack(
        "header lines without an end",
        lambda s: flooded(s, _START, b"X: y\r\n" * 1000, 1000),
        MALFORMED.removesuffix(", closed"),
        HURRIED,
    ),
    Attack("a header of 9,000 bytes", lambda s: _long_header(s, 9000), TOO_LONG, HURRIED),
    Attack(
        "a token of 100,000 bytes",
        lambda s: sent(s, head(s, "Content-Length: 0", token="x" * 100_000)),
        TOO_LONG,
        HURRIED,
    ),
    Attack("a path of 9,000 bytes", lambda s: _asked(s, "/" + "x" * 9000), TOO_LONG, HURRIED),
    Attack("a path of 7,000 bytes", _known_path, "404", HURRIED),
    Attack(
        "a query of 9,000 bytes", lambda s: _asked(s, "/healthz?" + "x" * 9000), TOO_LONG, HURRIED
    ),
    Attack(
        "a query of 2,000 options on the upload",
        lambda s: sent(
            s,
            head(
                s,
                "Content-Length: 0",
                "Connection: close",
                path="/api/v2/clients/1/projects/bulk?" + "&".join(f"{n}=" for n in range(1500)),
            ),
        ),
        r"400 Validation error: the option `0` is not known.*, closed",
        HURRIED,
    ),
    Attack(
        "a method of 9,000 bytes",
        lambda s: sent(s, b"G" * 9000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n"),
        MALFORMED,
        HURRIED,
    ),
]

NO_HTTP: Final = [
    Attack("a TLS ClientHello", lambda s: sent(s, _client_hello()), MALFORMED, HURRIED),
    Attack(
        "the preface of HTTP/2",
        lambda s: sent(s, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        MALFORMED,
        HURRIED,
    ),
    Attack(
        "HTTP/0.9: `GET /healthz` alone",
        lambda s: sent(s, b"GET /healthz\r\n\r\n"),
        MALFORMED,
        HURRIED,
    ),
    Attack(
        "HTTP/3.0",
        lambda s: sent(s, b"GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n"),
        MALFORMED,
        HURRIED,
    ),
    Attack(
        "HTTP/1.1 without a Host",
        lambda s: sent(s, b"GET /healthz HTTP/1.1\r\n\r\n"),
        MALFORMED,
        HURRIED,
    ),
    Attack(
        "two Hosts",
        lambda s: sent(
            s, b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n"
        ),
        MALFORMED,
        HURRIED,
    ),
    Attack("an SSH banner", lambda s: sent(s, b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), MALFORMED, HURRIED),
    Attack("256 kinds of bytes", lambda s: sent(s, bytes(range(256)) * 4), MALFORMED, HURRIED),
    Attack(
        "CONNECT to another host",
        lambda s: sent(
            s, b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
        ),
        "40[045] .*, closed",
        HURRIED,
    ),
    Attack(
        "a request for another host, as to a proxy",
        lambda s: sent(
            s,
            b"GET http://example.org/nowhere HTTP/1.1\r\n"
            b"Host: example.org\r\nConnection: close\r\n\r\n",
        ),
        "404 .*, closed",
        HURRIED,
    ),
    Attack(
        "TRACE",
        lambda s: sent(s, b"TRACE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        "405 .*, closed",
        HURRIED,
    ),
    Attack(
        "OPTIONS *",
        lambda s: sent(s, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        "40[045] .*, closed",
        HURRIED,
    ),
    Attack(
        "an upgrade to h2c, and its frames",
        lambda s: sent(s, _plain("GET", "/healthz", *_H2C), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        "200 Alive, (400 .*, )?closed",
        HURRIED,
    ),
    Attack(
        "an upgrade to a WebSocket, and its frames",
        lambda s: sent(s, _plain("GET", "/healthz", *_WEBSOCKET), b"\x81\x85" * 10_000),
        f"200 Alive, {MALFORMED}",
        HURRIED,
    ),
    *(
        Attack(f"the path {path}", partial(_asked, path=path), "40[034] [^,]*, closed", HURRIED)
        for path in (
            "/api/v2/clients/1/../2/imports/1",
            "/api/v2/clients/1/%2e%2e/2/imports/1",
            "/api/v2/clients/2%2fimports%2f1/imports/1",
            "/schema/..%2f..%2fetc/passwd",
            "/schema/%00native.xsd",
            "//healthz",
            "/\\healthz",
        )
    ),
]

ATTACKS: Final = [*SLOW, *LONG, *NO_HTTP]
