"""Requests that two servers could parse differently: bytes after one never become a second.

Each is an upload that is allowed, framed in a way that one server ends here and another there, with
``GET /healthz`` where the second might begin. ``200 Alive`` shows that it was smuggled.
"""

from typing import Final

from tests.support.raw_http import XML, chunked, form, head, part
from tests.support.service import Service
from tests.tools.attacks.attack import HURRIED, Attack, flooded, sent

_FILE: Final = form(part("file", XML))
_WIDE: Final = XML.replace(b"</projects>", b" " * 100_000 + b"</projects>")
_HIDDEN: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_MALFORMED: Final = "400 Validation error: the request is not well-formed HTTP/1.1, closed"
_BROKEN: Final = "400 Validation error: the (request|body) .*is not well-formed HTTP[^,]*, closed"


def _framed(name: str, *headers: str, body: bytes | None = None, expected: str = "") -> Attack:
    content = chunked([_FILE]) + _HIDDEN if body is None else body

    async def send(service: Service) -> str:
        return await sent(service, head(service, *headers), content)

    return Attack(name, send, expected or _MALFORMED, HURRIED)


def _raw(name: str, lines: bytes, expected: str = _MALFORMED) -> Attack:
    """Build a request with these bytes as header lines after ``Host``."""

    async def send(service: Service) -> str:
        start = head(service, "Content-Length: 0").removesuffix(b"\r\n")
        return await sent(service, start + lines + b"\r\n\r\n" + _HIDDEN)

    return Attack(name, send, expected, HURRIED)


def _chunks(name: str, body: bytes, expected: str = _BROKEN) -> Attack:
    return _framed(name, "Transfer-Encoding: chunked", body=body + _HIDDEN, expected=expected)


_TAKEN: Final = "207 Projects successfully imported, 200 Alive, closed"
_ENDED: Final = f"207 Projects successfully imported, closed|{_BROKEN}"
"""The upload ends with its closing boundary. What is broken after it may be seen before that."""
_SIZE: Final = b"%x" % len(_FILE)
_LENGTHS: Final = [
    _framed(
        "Content-Length and Transfer-Encoding",
        f"Content-Length: {len(_FILE)}",
        "Transfer-Encoding: chunked",
    ),
    _framed(
        "Transfer-Encoding and Content-Length", "Transfer-Encoding: chunked", "Content-Length: 5"
    ),
    _framed(
        "two Content-Lengths, 0 and the body's",
        "Content-Length: 0",
        f"Content-Length: {len(_FILE)}",
        body=_FILE + _HIDDEN,
    ),
    _framed(
        "two Content-Lengths that agree",
        *[f"Content-Length: {len(_FILE)}"] * 2,
        body=_FILE + _HIDDEN,
    ),
    *(
        _framed(f"Content-Length: `{value}`", f"Content-Length: {value}", body=_FILE + _HIDDEN)
        for value in ("-1", "+5", "0x5", "5, 5", "5 5", "1e3", "5;", "", "1" * 30, "\u0665")
    ),
]
_CODINGS: Final = [
    _framed(f"Transfer-Encoding: `{value}`", f"Transfer-Encoding: {value}")
    for value in (
        "xchunked",
        "chunked, identity",
        "identity",
        "chunked;q=1",
        "\x0bchunked",
        "chunked,",
        "gzip",
        "cow, chunked",
        "gzip, chunked",
        "chunked, chunked",
    )
]
_MORE_CODINGS: Final = [
    _framed(
        "two Transfer-Encodings, identity behind chunked",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: identity",
    ),
    _framed("two Transfer-Encodings, chunked twice", *["Transfer-Encoding: chunked"] * 2),
    _framed(
        "`Transfer-Encoding : chunked`, a space before the colon", "Transfer-Encoding : chunked"
    ),
    _framed("`Transfer-Encoding` with a line folded behind it", "Transfer-Encoding:\r\n chunked"),
]
_LINES: Final = [
    _raw("a folded line (obs-fold)", b"X-One: a\r\n b: c"),
    _raw("a space before a header's name", b" X-One: a"),
    _raw("a header without a colon", b"X-One"),
    _raw("a header without a name", b": a"),
    _raw("a NUL in a header", b"X-One: a\0b"),
    _raw("a NUL in a header's name", b"X\0One: a"),
    _raw("a bare CR in a header", b"X-One: a\rX-Two: b"),
    _raw("a bare LF behind a header", b"X-One: a\nX-Two: b"),
    _raw("a control character in a header's name", b"X\x7fOne: a"),
    _raw("a name that is not ASCII", "Cöntent-Length: 5".encode()),
]
_CHUNKS: Final = [
    _chunks("a chunk size with 0x", b"0x" + _SIZE + b"\r\n" + _FILE + b"\r\n0\r\n\r\n"),
    _chunks("a chunk size with a sign", b"-" + _SIZE + b"\r\n" + _FILE + b"\r\n0\r\n\r\n"),
    _chunks(
        "a chunk size with a space before it", b" " + _SIZE + b"\r\n" + _FILE + b"\r\n0\r\n\r\n"
    ),
    _chunks("a chunk size with an underscore", b"1_0\r\n" + _FILE + b"\r\n0\r\n\r\n"),
    _chunks("a chunk size of 17 hexadecimal digits", b"F" * 17 + b"\r\n" + _FILE),
    _chunks("a chunk size without an end", b"0" * 100_000),
    _chunks("a chunk longer than its size", b"5\r\n" + _FILE + b"\r\n0\r\n\r\n"),
    _chunks("bare LF behind chunk sizes", _SIZE + b"\n" + _FILE + b"\n0\n\n"),
    _chunks("bare CR behind chunk sizes", _SIZE + b"\r" + _FILE + b"\r0\r\r"),
    _chunks("a chunk's end without CR LF", _SIZE + b"\r\n" + _FILE + b"0\r\n\r\n", _ENDED),
    _chunks("a chunk extension with a bare LF", _SIZE + b";a\nb\r\n" + _FILE + b"\r\n0\r\n\r\n"),
    _chunks(
        "a chunk extension of 1 MB",
        _SIZE + b";" + b"x" * 1_000_000 + b"\r\n" + _FILE + b"\r\n0\r\n\r\n",
        _TAKEN,
    ),
    _chunks(
        "a file in 100,000 chunks of one byte",
        chunked(bytes([byte]) for byte in form(part("file", _WIDE))),
        _TAKEN,
    ),
    Attack(
        "a chunk extension without an end",
        lambda s: flooded(s, head(s, "Transfer-Encoding: chunked") + b"5;", b"x" * 65536, 1 << 16),
        "408 No bytes arrived for 1 seconds",
        HURRIED,
    ),
    Attack(
        "Transfer-Encoding in HTTP/1.0",
        lambda s: sent(
            s, head(s, "Transfer-Encoding: chunked", version="1.0"), chunked([_FILE]) + _HIDDEN
        ),
        _MALFORMED,
        HURRIED,
    ),
    _chunks(
        "a chunk extension, as is allowed",
        _SIZE + b";a=b\r\n" + _FILE + b"\r\n0\r\n\r\n",
        _TAKEN,
    ),
    _chunks(
        "trailers of 1 MB",
        _SIZE + b"\r\n" + _FILE + b"\r\n0\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
        "(207 .*|400 .*), closed",
    ),
    _chunks(
        "a trailer that is a Content-Length",
        _SIZE + b"\r\n" + _FILE + b"\r\n0\r\nContent-Length: 5\r\n\r\n",
        "(207 .*|400 .*), closed",
    ),
]

ATTACKS: Final = [*_LENGTHS, *_CODINGS, *_MORE_CODINGS, *_LINES, *_CHUNKS]
