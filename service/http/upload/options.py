"""The options in the query of an upload, and its idempotency key."""

import re
from enum import StrEnum
from typing import Final, TypeVar

from aiohttp import web
from multidict import MultiMapping

from service.errors import BadRequest
from service.imports.options import ImportOptions, Mode, OutcomeFilter
from service.model import shorten

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
MAX_KEY: Final = 255
_KEY: Final = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY}}}", re.ASCII)
_KNOWN: Final = ("mode", "atomic", "dry_run", "outcomes", "if_newer")

E = TypeVar("E", bound=StrEnum)


class _Flag(StrEnum):
    TRUE = "true"
    FALSE = "false"


def parse_options(query: MultiMapping[str]) -> ImportOptions:
    """Parse the options of a query.

    Raises:
        BadRequest: an option is unknown or repeated, or its value is not supported.
    """
    for name in query:
        if name not in _KNOWN:
            known = ", ".join(f"`{option}`" for option in _KNOWN)
            raise BadRequest(f"the option `{shorten(name)}` is not known; known are {known}")
        if len(query.getall(name)) > 1:
            raise BadRequest(f"the option `{name}` is given more than once")
    return ImportOptions(
        mode=_one_of(Mode, query, "mode", Mode.UPSERT),
        atomic=_one_of(_Flag, query, "atomic", _Flag.FALSE) is _Flag.TRUE,
        dry_run=_one_of(_Flag, query, "dry_run", _Flag.FALSE) is _Flag.TRUE,
        outcomes=_one_of(OutcomeFilter, query, "outcomes", OutcomeFilter.ALL),
        if_newer=_one_of(_Flag, query, "if_newer", _Flag.FALSE) is _Flag.TRUE,
    )


def _one_of(kind: type[E], query: MultiMapping[str], name: str, default: E) -> E:
    value = query.get(name, default)
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(f"`{member}`" for member in kind)
        raise BadRequest(
            f"the option `{name}` is `{shorten(value)}`; it must be one of {known}"
        ) from None


def parse_idempotency_key(request: web.Request) -> str | None:
    """Return the idempotency key of a request; quotes around it do not count.

    Raises:
        BadRequest: the key is empty, too long or not printable ASCII, or there are several.
    """
    keys = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not keys:
        return None
    if len(keys) > 1:
        raise BadRequest(f"there are several {IDEMPOTENCY_KEY} headers")
    return parse_key(keys[0], f"the {IDEMPOTENCY_KEY}")


def parse_key(key: str, name: str) -> str:
    """Return a key without quotes around it.

    Args:
        key: the key as sent.
        name: name of the header or parameter, for the message.

    Raises:
        BadRequest: the key is empty, too long or not printable ASCII.
    """
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise BadRequest(f"{name} must have 1 to {MAX_KEY} characters of printable ASCII")
    return key
