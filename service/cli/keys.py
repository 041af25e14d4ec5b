"""Idempotency keys of uploads: how a second run finds what the first one left unfinished.

A key is made of what is uploaded (content, client, notes, options, size of pieces) and a few random
characters, so that a file can be imported again once it has been: under the same key the service
would only repeat what it said. A run takes the key of an import of the same that is interrupted or
still running. A piece's key is that of its upload with the piece's own content behind it.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from service.cli.asking import find, page
from service.cli.connecting import Service

UNFINISHED: Final = ("interrupted", "running")
LONGEST: Final = 200
"""Characters of a key that somebody gives: a piece adds some to it."""


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


async def unfinished(service: Service) -> list[str]:
    """Keys of imports that are interrupted or run, the latest first; of each state a thousand."""
    found = []
    for state in UNFINISHED:
        rows = await page(service, "imports", {"state": state, "limit": "1000"})
        found += [row["idempotency_key"] for row in rows if row["idempotency_key"]]
    return found


async def begun(service: Service, stem: str, unfinished: list[str]) -> str | None:
    """The key of an upload that begins so and has not come to its end.

    Each is asked for again, as other people's are listed too.
    """
    for key in unfinished:
        if key.startswith(f"{stem}-"):
            found = await find(service, key)
            if found is not None and found["state"] in UNFINISHED:
                return key.partition(".")[0]
    return None
