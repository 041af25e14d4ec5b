"""Idempotency keys of uploads, by which a second run continues an unfinished upload.

A key consists of a hash over the upload (content, client, notes, options, size of pieces) and a few
random characters. The random part lets users import the same file again: under the same key, the
service would only repeat its response. A run reuses the key of the same upload if its import is
interrupted or still running. The key of a piece is the key of its upload, followed by a hash of the
piece.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from service.cli.client import ApiClient

UNFINISHED: Final = ("running", "interrupted")
MAX_KEY: Final = 200
"""Largest number of characters of a key that a user gives; the key of a piece is longer."""


_MAX_STORED_KEY: Final = 255
"""Largest number of characters of a key that the service stores."""


class RecentImport(NamedTuple):
    """The key and the state of an import."""

    key: str
    state: str


def key_prefix(content: bytes, client: int, request: Mapping[str, Any]) -> str:
    """Return the part that all keys of an upload share.

    Args:
        content: a hash of the file.
        request: all other properties that decide the effect of the upload.
    """
    rest = orjson.dumps([client, request], option=orjson.OPT_SORT_KEYS)
    return blake2b(content + rest, digest_size=12).hexdigest()


def new_key(prefix: str) -> str:
    """Return a key for a new upload."""
    return f"{prefix}-{secrets.token_hex(4)}"


def piece_key(key: str, piece_hash: bytes) -> str:
    """Return the key of a piece of an upload."""
    return f"{key}.{piece_hash.hex()[:16]}"


async def list_recent(api: ApiClient) -> list[RecentImport]:
    """Return the client's latest imports, and its unfinished ones, latest first; 1,000 of each.

    Running imports are read first, so that one that is interrupted meanwhile is in the second list.
    """
    found: dict[int, RecentImport] = {}
    queries: tuple[dict[str, str], ...] = ({}, {"state": "running"}, {"state": "interrupted"})
    for query in queries:
        async for row in api.list_imports(query):
            key = row["idempotency_key"] or ""
            found[row["import_id"]] = RecentImport(key[:_MAX_STORED_KEY], row["state"])
    return [found[import_id] for import_id in sorted(found, reverse=True)]


async def find_unfinished(
    api: ApiClient, prefix: str, pieces: int, recent: list[RecentImport]
) -> str | None:
    """Return the key of an unfinished upload with this prefix, or None.

    An upload in pieces continues only if nothing else was imported since it began, because another
    import may have overwritten its completed pieces. A whole file is always sent again.
    """
    for number, (key, state) in enumerate(recent):
        if not key.startswith(f"{prefix}-"):
            continue
        upload = key.partition(".")[0]
        if pieces == 1:
            can_continue = state in UNFINISHED
        else:
            own = [each for each in recent if each.key.startswith(f"{upload}.")]
            complete = {each.key for each in own if each.state == "completed"}
            is_latest = number == 0 and own == recent[: len(own)]
            can_continue = is_latest and len(complete) < pieces
        # The list includes imports of other subjects; the lookup by key does not.
        if can_continue and await api.find_import(key) is not None:
            return upload
    return None
