"""Pages by keyset: how many, from where on, and no parameter that means nothing."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from service.errors import BadRequest
from service.model import shorten

MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100
_LIMIT: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_MAX_KEY: Final = 2**63
MAX_TEXT: Final = 100
"""Characters of a text that is looked for."""


def check_parameters(query: MultiMapping[str], *known: str) -> None:
    """Refuse parameters that are not known, and any given twice.

    Raises:
        BadRequest: there is one.
    """
    for name in query:
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in known) or "none"
            raise BadRequest(f"the parameter `{shorten(name)}` is not known; known are {listed}")
        if len(query.getall(name)) > 1:
            raise BadRequest(f"the parameter `{name}` is given more than once")


def parse_limit(query: MultiMapping[str]) -> int:
    """The parameter ``limit``: items of a page.

    Raises:
        BadRequest: it is not a number from 1 to ``MAX_LIMIT``.
    """
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadRequest(f"limit must be an integer from 1 to {MAX_LIMIT}")
    return int(text)


def encode_cursor(after: int) -> str:
    """An opaque text for the key of a page's last item."""
    return base64.urlsafe_b64encode(str(after).encode()).decode().rstrip("=")


def parse_cursor(query: MultiMapping[str]) -> int:
    """The parameter ``cursor``: the key behind which a page begins, -1 for the first page.

    Raises:
        BadRequest: it is not one that was given out.
    """
    given = query.get("cursor")
    if given is None:
        return -1
    try:
        key = int(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except ValueError:
        key = -2
    if encode_cursor(key) != given or not -1 <= key < _MAX_KEY:
        raise BadRequest("the cursor is not one that was given out")
    return key


def parse_text(query: MultiMapping[str]) -> str | None:
    """The parameter ``text``, to be looked for.

    Raises:
        BadRequest: it is empty, too long, or what PostgreSQL cannot compare with.
    """
    given = query.get("text")
    if given is not None and (not 0 < len(given) <= MAX_TEXT or "\0" in given):
        raise BadRequest(f"text must have 1 to {MAX_TEXT} characters")
    return given


def next_page_url(
    request: web.Request,
    filters: Sequence[str],
    limit: int,
    last: int,
    more: Mapping[str, str] | None = None,
) -> str:
    """The address of the page behind the one that ends with ``last``, with the same filters.

    Args:
        more: filters that the request has not, or has otherwise.
    """
    kept = {name: request.query[name] for name in filters if name in request.query}
    asked = kept | dict(more or {}) | {"limit": str(limit), "cursor": encode_cursor(last)}
    return f"{request.path}?{urlencode(asked)}"
