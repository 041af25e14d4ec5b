"""Chooses the media type of a response by ``Accept``: RFC 9110 section 12.5.1."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from service.errors import NotAcceptable

_RANGE: Final = re.compile(r"\s*([^\s/;,]+)/([^\s/;,]+)\s*")
_QUALITY: Final = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


def choose(request: web.Request, offered: Sequence[str]) -> str:
    """Return the offered type with the highest quality; the first one if several are equal.

    Args:
        request: accepts every type if it has no ``Accept``.
        offered: media types in lower case; the default is first.

    Raises:
        NotAcceptable: the request accepts none of them.
    """
    accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
    if not accept.strip():
        return offered[0]
    ranges = dict(filter(None, map(_parse_range, accept.split(","))))
    best = max(offered, key=lambda kind: _quality(kind, ranges))
    if not _quality(best, ranges):
        raise NotAcceptable(
            f"The header Accept must allow {' or '.join(offered)}",
            headers={hdrs.VARY: hdrs.ACCEPT},
        )
    return best


def _parse_range(text: str) -> tuple[str, float] | None:
    """Parse a media range and its quality; None if it is malformed."""
    kind, *parameters = text.split(";")
    if not (match := _RANGE.fullmatch(kind)):
        return None
    for parameter in parameters:
        if quality := _QUALITY.fullmatch(parameter):
            return f"{match[1]}/{match[2]}".lower(), float(quality[1])
    return f"{match[1]}/{match[2]}".lower(), 1.0


def _quality(kind: str, ranges: dict[str, float]) -> float:
    """Return the quality of the most specific range that includes the type."""
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
