"""Control and bidirectional characters wherever a client may write: none reaches the log."""

from functools import partial
from typing import Final

from tests.support.raw_http import XML, Connection, form, head, part, upload
from tests.support.service import Service
from tests.tools.attacks.attack import Attack, outcome, told
from tests.tools.attacks.files.xmlfiles import NATIVE, NATIVE_END, attack

_BIDI: Final = "\u202egnp.exe\u2066\u200f"
_CONTROL: Final = "\x1b]0;owned\x07\x1b[2J\x9b31m"
_C1: Final = f"\x9b31m{_BIDI}"
_FILE: Final = part("file", XML)


async def _uploaded(service: Service, body: bytes, *headers: str) -> str:
    return told(await upload(service, body, *headers))


async def _requested(service: Service, path: str, *headers: str) -> str:
    async with Connection(service) as connection:
        start = head(service, *headers, "Connection: close", method="GET", path=path)
        await connection.send(start)
        return await outcome(connection)


def _body(name: str, body: bytes, expected: str, *headers: str) -> Attack:
    async def send(service: Service) -> str:
        return await _uploaded(service, body, *headers)

    return Attack(name, send, expected)


def _project(name: str, field: str, text: str, expected: str) -> Attack:
    fields = {"id": "escaped", "name": "Escaped"} | {field: text}
    project = '<project id="{id}"><name>{name}</name></project>'.format(**fields)
    return attack(name, NATIVE + project.encode() + NATIVE_END, expected)


ATTACKS: Final = [
    _project("an id with bidirectional characters", "id", _BIDI, r"207 .*"),
    _project("a name with bidirectional characters", "name", _BIDI, r"207 .*"),
    _project("an id with C1 characters", "id", "a\x9b31mb\x85c", r"207 .*"),
    _project(
        "a bad id with bidirectional characters", "id", _BIDI * 100, r"207 .*longer than 255.*"
    ),
    _body(
        "notes with a terminal's escapes",
        form(part("notes", _CONTROL.encode()), _FILE),
        "400 Validation error: .*",
    ),
    _body(
        "notes of 1 MB in punycode",
        form(
            part("notes", b"-aaaa" * 200_000, "Content-Type: text/plain; charset=punycode"), _FILE
        ),
        "400 .*is not supported.*",
    ),
    _body(
        "notes with bidirectional characters",
        form(part("notes", _BIDI.encode()), _FILE),
        "(207|400) .*",
    ),
    _body(
        "a file name with bidirectional characters",
        form(part("file", XML, filename=_BIDI)),
        "(207|400) .*",
    ),
    _body(
        "a file name with a terminal's escapes",
        form(part("file", XML, filename="\x1b[2Ja\x9b.xml")),
        "(207|400) .*",
    ),
    _body("an unknown part with escapes", form(part(_CONTROL, b"x"), _FILE), "(207|400) .*"),
    *(
        _body(f"`{name}` with {kind}", form(_FILE), "(207|400) .*", f"{name}: a{text}")
        for name in ("User-Agent", "Idempotency-Key", "X-Request-ID", "traceparent", "Origin")
        for kind, text in (("escapes", "\x1b[2J"), ("C1 and bidirectional characters", _C1))
    ),
    *(
        Attack(f"a path with {name}", partial(_requested, path=path), "40[04] .*")
        for name, path in (
            ("escapes", "/api/v2/%1b%5b2J%9b"),
            ("bidirectional characters", "/api/v2/clients/1/%e2%80%ae%e2%81%a6"),
            ("line breaks", "/%0d%0a2026-01-01 [error] forged"),
        )
    ),
    Attack(
        "an option with escapes",
        partial(_requested, path="/api/v2/clients/1/imports?%1b%5b2J=%e2%80%ae"),
        "400 .*",
    ),
]
