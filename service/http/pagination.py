"""Keyset pagination, and checks of the query parameters of lists."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import urlencode

import orjson
from aiohttp import web
from multidict import MultiMapping

from service.errors import BadRequest
from service.model import MAX_ID, normalize_id, shorten

MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100
_LIMIT: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_MAX_KEY: Final = 2**63
FOREIGN_CURSOR: Final = "the cursor is not from a `next` link of this list"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
MAX_TEXT: Final = 100
"""Longest text filter, in characters."""


def check_parameters(query: MultiMapping[str], *known: str) -> None:
    """Refuse unknown and repeated parameters.

    Raises:
        BadRequest: a parameter is unknown or repeated.
    """
    for name in query:
        if name not in known:
            names = ", ".join(f"`{each}`" for each in known) or "none"
            raise BadRequest(f"the parameter `{shorten(name)}` is not known; known are {names}")
        if len(query.getall(name)) > 1:
            raise BadRequest(f"the parameter `{name}` is given more than once")


def parse_limit(query: MultiMapping[str]) -> int:
    """Return the parameter ``limit``: the number of items of a page.

    Raises:
        BadRequest: the value is not a number from 1 to ``MAX_LIMIT``.
    """
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadRequest(f"limit must be an integer from 1 to {MAX_LIMIT}")
    return int(text)


def encode_cursor(after: int) -> str:
    """Encode the key of a page's last item as an opaque text."""
    return base64.urlsafe_b64encode(str(after).encode()).decode().rstrip("=")


def parse_cursor(query: MultiMapping[str]) -> int:
    """Return the parameter ``cursor``: the key after which the page begins; -1 for the first page.

    Raises:
        BadRequest: the service has not issued the cursor.
    """
    value = query.get("cursor")
    if value is None:
        return -1
    try:
        key = int(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except ValueError:
        key = -2
    if encode_cursor(key) != value or not -1 <= key < _MAX_KEY:
        raise BadRequest(FOREIGN_CURSOR)
    return key


def parse_sorted_cursor(query: MultiMapping[str]) -> tuple[str | None, int] | None:
    """Return the parameter ``cursor`` of a sorted list: the key and the id of the last item.

    Raises:
        BadRequest: the service has not issued the cursor.
    """
    value = query.get("cursor")
    if value is None:
        return None
    try:
        key, item = orjson.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        if isinstance(item, int) and 0 <= item < _MAX_KEY and (key is None or isinstance(key, str)):
            return key, item
    except (ValueError, TypeError):
        pass
    raise BadRequest(FOREIGN_CURSOR)


def encode_sorted_cursor(key: str | None, item: int) -> str:
    """Encode the key and the id of a sorted page's last item as an opaque text."""
    return base64.urlsafe_b64encode(orjson.dumps([key, item])).decode().rstrip("=")


def parse_text(query: MultiMapping[str]) -> str | None:
    """Return the parameter ``text``, a filter, in the form in which ids are stored.

    Raises:
        BadRequest: the text is empty, too long, or has a NUL, which PostgreSQL cannot store.
    """
    return _parse_text(query, "text", MAX_TEXT)


def parse_external_id(query: MultiMapping[str]) -> str | None:
    """Return the parameter ``external_id``, in the form in which ids are stored.

    Raises:
        BadRequest: no project can have this id.
    """
    return _parse_text(query, "external_id", MAX_ID)


def _parse_text(query: MultiMapping[str], name: str, longest: int) -> str | None:
    value = query.get(name)
    if value is not None and (not 0 < len(value) <= longest or "\0" in value):
        raise BadRequest(f"{name} must have 1 to {longest} characters")
    return None if value is None else normalize_id(value)


def parse_word(query: MultiMapping[str], name: str, words: Iterable[str]) -> str | None:
    """Return a parameter that is one of some words, or None if the query does not have it.

    Raises:
        BadRequest: the value is none of the words.
    """
    word, known = query.get(name), list(words)
    if word is not None and word not in known:
        raise BadRequest(f"{name} must be one of {', '.join(known)}")
    return word


def parse_moment(query: MultiMapping[str], name: str) -> datetime | None:
    """Return a parameter that is a time, or None if the query does not have it.

    Raises:
        BadRequest: the time is invalid, or has no time zone.
    """
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadRequest(f"{name} must be a date and time with Z, such as 2026-01-05T08:00:00Z")


def parse_day(query: MultiMapping[str], name: str) -> date | None:
    """Return a parameter that is a day, or None if the query does not have it.

    Raises:
        BadRequest: there is no such day.
    """
    text = query.get(name)
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadRequest(f"{name} must be a date, such as 2026-01-05")


def next_page_url(
    request: web.Request,
    filters: Sequence[str],
    limit: int | None,
    last: int | str,
    more: Mapping[str, str] | None = None,
) -> str:
    """Return the address of the next page, with the same filters.

    Args:
        request: for the current page.
        filters: names of the parameters to keep.
        limit: items of a page, unless the route decides.
        last: key of the current page's last item, or the encoded cursor.
        more: filters to add or replace.
    """
    kept = {name: request.query[name] for name in filters if name in request.query}
    parameters = kept | dict(more or {})
    if limit is not None:
        parameters["limit"] = str(limit)
    parameters["cursor"] = last if isinstance(last, str) else encode_cursor(last)
    return f"{request.path}?{urlencode(parameters)}"
