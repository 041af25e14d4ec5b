"""Idempotency keys of uploads: how a second run finds what the first one left unfinished.

A key is made of what is uploaded (content, client, notes, options, size of pieces) and a few random
characters, so that a file can be imported again once it has been: under the same key the service
would only repeat what it said. A run takes the key of an import of the same that is interrupted or
still running. A piece's key is that of its upload with the piece's own content behind it.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from service.cli.asking import find, page
from service.cli.connecting import Service

UNFINISHED: Final = ("running", "interrupted")
LONGEST: Final = 200
"""Characters of a key that somebody gives: a piece adds some to it."""


class Import(NamedTuple):
    """An import by its key and state."""

    key: str
    state: str


def stem(file: bytes, client: int, asked: Mapping[str, Any]) -> str:
    """What all keys of an upload begin with.

    Args:
        file: hash of its content.
        asked: what is asked for beside it.
    """
    beside = orjson.dumps([client, asked], option=orjson.OPT_SORT_KEYS)
    return blake2b(file + beside, digest_size=12).hexdigest()


def new(stem: str) -> str:
    """A key for an upload that begins."""
    return f"{stem}-{secrets.token_hex(4)}"


def of_piece(key: str, content: bytes) -> str:
    """The key of a piece with such a hash."""
    return f"{key}.{content.hex()[:16]}"


async def latest(service: Service) -> list[Import]:
    """The client's latest imports, and those that run or are interrupted; a thousand of each."""
    found: dict[int, Import] = {}
    for wanted in ({}, {"state": "running"}, {"state": "interrupted"}):  # the way that they go
        for row in await page(service, "imports", wanted | {"limit": "1000"}):
            found[row["import_id"]] = Import(row["idempotency_key"] or "", row["state"])
    return [found[import_id] for import_id in sorted(found, reverse=True)]


async def begun(service: Service, stem: str, pieces: int, latest: list[Import]) -> str | None:
    """The key of an upload that begins so and has not come to its end.

    An upload in pieces is gone on with only if nothing else was imported since it began: what its
    complete pieces said may have been overwritten. A whole file is sent again in any case.
    """
    for number, (key, state) in enumerate(latest):
        if not key.startswith(f"{stem}-"):
            continue
        upload = key.partition(".")[0]
        if pieces == 1:
            wanted = state in UNFINISHED
        else:
            own = [each for each in latest if each.key.startswith(f"{upload}.")]
            done = {each.key for each in own if each.state == "completed"}
            wanted = number == 0 and own == latest[: len(own)] and len(done) < pieces
        # Asked for again, as other people's are listed too.
        if wanted and await find(service, key) is not None:
            return upload
    return None
