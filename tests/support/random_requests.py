"""Requests at random: parts, headers, encodings and options in any order, right and wrong."""

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.support.fuzzing import REAL, zipped
from tests.support.native import EMPTY_FILE, native_file
from tests.support.raw_http import BOUNDARY, chunked, form
from tests.support.service import token

_BULK: Final = "/api/v2/clients/1/projects/bulk"
_PATHS: Final = [
    *("/api/v2/clients/%31/projects/bulk", "/api/v2/clients/01/projects/bulk"),
    *("/api/v2/clients/2/projects/bulk", "/api/v2/clients/x/projects/bulk"),
    *("/api/v2/clients/-1/projects/bulk", "/api/v2/clients/1_0/projects/bulk"),
    *("/api/v2/clients/99999999999999999999/projects/bulk", "/api/v2/clients/1/projects/bulk/"),
    *("/api/v2/clients/1/imports/1", "/api/v2/clients/1/imports/0/results", "/", "//", "/healthz"),
]
_METHODS: Final = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
_NATIVE: Final = native_file('<project id="%b"%b><name>%b</name></project>')
_CONTENTS: Final = {
    "one project": _NATIVE % (b"A", b"", b"one"),
    "the same, changed": _NATIVE % (b"A", b"", b"two"),
    "the same, read at 1": _NATIVE % (b"A", b' version="1"', b"three"),
    "bad and good": _NATIVE % (b"B", b"", b"b") + b"<!-- -->",
    "broken off": _NATIVE.replace(b"</projects>", b"<project id='C'>") % (b"B", b"", b"b"),
    "invalid": _NATIVE % (b"", b' odd="1"', b""),
    "UTF-16": (_NATIVE % (b"A", b"", b"one")).decode().encode("utf-16"),
    "empty": b"",
    "no XML": b"id;name\n1;one",
    "no project": EMPTY_FILE.encode(),
    "a DTD": b"<!DOCTYPE a []><a/>",
    "notes": b"Import on 2026-01-01",
    "long notes": b"n" * 5000,
    "NULs": bytes(100),
} | REAL
_WRAPS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zip": zipped,
    "cut gzip": lambda data: gzip.compress(data)[:-9],
}
_NAMES: Final = ["file"] * 6 + ["notes"] * 3 + ["files", "", "FILE", "file[]", "x" * 300, "\0"]
_PART_HEADERS: Final = [
    *("Content-Type: application/xml", "Content-Type: text/xml; charset=utf-8", "Content-Type:"),
    *("Content-Type: text/xml; charset=utf-16", 'Content-Type: text/xml; charset="\'klingon"'),
    *("Content-Type: application/gzip", "Content-Type: image/png", "Content-Type: ;;;==,"),
    *("Content-Type: multipart/mixed; boundary=x", "content-TYPE: TEXT/XML"),
    *("Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable"),
    *("Content-Transfer-Encoding: 8bit", "Content-Transfer-Encoding: x-uuencode"),
    *("Content-Length: 3", "X-Long: " + "y" * 9000, "Content-Encoding: gzip", ": x", "no colon"),
]
_OPTIONS: Final = {
    "atomic": ["true", "false", "TRUE", "1", ""],
    "dry_run": ["true", "false", "yes"],
    "mode": ["upsert", "create", "update", "delete", "\u00e9"],
    "outcomes": ["all", "errors", "none"],
    "colour": ["red"],
    "%00": ["%00"],
}
_HEADERS: Final = [
    *('Idempotency-Key: "k1"', "Idempotency-Key: k1", "Idempotency-Key: k2", "Idempotency-Key: "),
    *("Idempotency-Key: " + "k" * 300, "Idempotency-Key: k\u00e9", "Expect: 100-continue"),
    *("Expect: 200-ok", "Content-Encoding: gzip", "Content-Encoding: br", "X-Request-Id: mine-1"),
    *("Content-Encoding: identity", "X-Request-Id: <b>", "Connection: close", "Accept: text/csv"),
    *("traceparent: 00-" + "a" * 32 + "-" + "b" * 16 + "-01", "traceparent: x", "Accept: */*"),
    *("Authorization: Basic eDp5", "Cookie: a=b", "X-Long: " + "y" * 7000, "Range: bytes=0-1"),
    *("Upgrade: websocket", "TE: trailers", "Accept-Encoding: gzip"),
]
_TYPES: Final = [
    *(f"multipart/form-data; boundary={BOUNDARY}",) * 12,
    *(f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"', "multipart/form-data"),
    *("multipart/form-data; boundary=other", f"multipart/mixed; boundary={BOUNDARY}"),
    *(
        "text/xml",
        "",
        "multipart/form-data; boundary=" + "b" * 71,
        "multipart/form-data; boundary=",
    ),
]
_MORE: Final = 9
_KINDS: Final = ["length"] * 4 + ["chunked"] * 4 + ["too long", "too short", "none", "both"]


@dataclass(frozen=True)
class Made:
    """A request.

    Attributes:
        pieces: its bytes, as they are sent.
        whole: whether it promises no more than there is, so that an answer must come.
        shown: it, for whoever reads of a failure.
    """

    method: str
    pieces: list[bytes]
    whole: bool
    shown: str


class Maker:
    """Makes one request.

    Args:
        seed: it is the same for the same.
        oddities: about how many things of it are not as a client would send them.
    """

    def __init__(self, seed: int, oddities: int) -> None:
        self._random = random.Random(seed)
        self._chance = oddities / 20

    def make(self) -> Made:
        """The request."""
        method = self._odd("POST", _METHODS)
        path = self._odd(_BULK, _PATHS) + self._query()
        head = [f"{method} {path} HTTP/{self._odd('1.1', ['1.0'])}", "Host: a"]
        if not self._is_odd():
            head.append(
                f"Authorization: {self._odd('Bearer', ['bearer', 'Basic'])} {self._token()}"
            )
        head += self._random.sample(_HEADERS, self._random.randrange(3))
        if kind := self._odd(_TYPES[0], _TYPES):
            head.append(f"Content-Type: {kind}")
        self._random.shuffle(head[2:])
        body = self._body()
        if "Content-Encoding: gzip" in head and not self._is_odd():
            body = gzip.compress(body)
        framing, framed = self._framed(body)
        head += framing
        raw = "\r\n".join([*head, "", ""]).encode("utf-8") + framed
        whole = f"Content-Length: {len(body) + _MORE}" not in head
        return Made(method, self._cut(raw), whole, f"{head} {body[:2000]!r}")

    def _is_odd(self) -> bool:
        return self._random.random() < self._chance

    def _odd(self, right: str, others: list[str]) -> str:
        return self._random.choice(others) if self._is_odd() else right

    def _token(self) -> str:
        clients = self._random.choice([(1,), (1,), (1, 2), (2,)]) if self._is_odd() else (1,)
        return token(clients=clients, scope=self._odd("projects:import", ["", "projects:read"]))

    def _query(self) -> str:
        chance = self._random
        pairs = []
        for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
            name = chance.choice([*_OPTIONS])
            right = [value for value in _OPTIONS[name] if value][:2]
            pairs.append(f"{name}={chance.choice(_OPTIONS[name] if self._is_odd() else right)}")
        return "?" + "&".join(pairs) if pairs else ""

    def _body(self) -> bytes:
        chance = self._random
        parts = [self._part() for _ in range(chance.choice([1, 1, 2, 2, 3, 5]))]
        body = form(*parts)
        if self._is_odd():
            body = chance.choice(
                [b"", b"preamble\r\n" + body, body[:-20], body + b"epilogue", body * 2]
            )
        return body

    def _part(self) -> bytes:
        chance = self._random
        name = chance.choice(_NAMES) if self._is_odd() else chance.choice(["file", "file", "notes"])
        content = chance.choice([*_CONTENTS.values()])
        content = _WRAPS[chance.choice([*_WRAPS]) if self._is_odd() else "plain"](content)
        headers = chance.sample(_PART_HEADERS, 1 + chance.randrange(2)) if self._is_odd() else []
        disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.xml"'
        headers = [
            *headers,
            self._odd(disposition, ["X: y", "Content-Disposition: x", disposition]),
        ]
        chance.shuffle(headers)
        head = "\r\n".join([f"--{BOUNDARY}", *headers, "", ""]).encode()
        return head + content + b"\r\n"

    def _framed(self, body: bytes) -> tuple[list[str], bytes]:
        kind = self._odd(self._random.choice(["length", "chunked"]), _KINDS)
        length = {"too long": len(body) + _MORE, "too short": max(0, len(body) - 9)}.get(
            kind, len(body)
        )
        framing = [] if kind in ("chunked", "none") else [f"Content-Length: {length}"]
        if kind in ("chunked", "both"):
            return [*framing, "Transfer-Encoding: chunked"], chunked(self._cut(body))
        return framing, body

    def _cut(self, data: bytes) -> list[bytes]:
        places = sorted(
            self._random.randrange(len(data) + 1) for _ in range(self._random.randrange(5))
        )
        return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
