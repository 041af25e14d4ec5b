"""Which of the types that a route has a client wants: RFC 9110 section 12.5.1."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from service.errors import NotAcceptable

_RANGE: Final = re.compile(r"\s*([^\s/;,]+)/([^\s/;,]+)\s*")
_QUALITY: Final = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


def choose(request: web.Request, offered: Sequence[str]) -> str:
    """The type that the request's ``Accept`` likes best; the first of those it likes equally.

    Args:
        request: without ``Accept`` it takes anything.
        offered: media types in lower case, the one for whoever does not care first.

    Raises:
        NotAcceptable: it takes none of them.
    """
    accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
    if not accept.strip():
        return offered[0]
    ranges = dict(filter(None, map(_range, accept.split(","))))
    best = max(offered, key=lambda kind: _quality(kind, ranges))
    if not _quality(best, ranges):
        raise NotAcceptable(f"There is {' and '.join(offered)}", headers={hdrs.VARY: hdrs.ACCEPT})
    return best


def _range(text: str) -> tuple[str, float] | None:
    """One media range and its quality; one that cannot be read is passed over."""
    kind, *parameters = text.split(";")
    if not (match := _RANGE.fullmatch(kind)):
        return None
    for parameter in parameters:
        if quality := _QUALITY.fullmatch(parameter):
            return f"{match[1]}/{match[2]}".lower(), float(quality[1])
    return f"{match[1]}/{match[2]}".lower(), 1.0


def _quality(kind: str, ranges: dict[str, float]) -> float:
    """By the most specific range that the type is in."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
