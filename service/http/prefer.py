"""Reads the preference ``respond-async`` of a request: RFC 7240."""

import re
from typing import Final

from aiohttp import web

PREFER: Final = "Prefer"
PREFERENCE_APPLIED: Final = "Preference-Applied"
MAX_WAIT: Final = 60
"""Most seconds that a request may ask the service to wait for the end of an import."""

_QUOTED: Final = r'"(?:[^"\\]|\\.)*+"'
_ELEMENT: Final = re.compile(rf'(?:[^,"]|{_QUOTED}|".*)++', re.DOTALL)
"""A quote that is not closed takes the rest: a search from each later one would be quadratic."""
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_PREFERENCE: Final = re.compile(
    rf"({_TOKEN})[ \t]*+(?:=[ \t]*+({_TOKEN}|{_QUOTED}))?+[ \t]*+(?:;.*)?", re.DOTALL
)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def parse_async_wait(request: web.Request) -> int | None:
    """Return for how many seconds a request that prefers ``respond-async`` waits for its result.

    As the RFC demands, what is malformed or unknown is ignored, and the first of several values of
    a preference counts.

    Returns:
        ``wait``, at most ``MAX_WAIT``; 0 without it. None without ``respond-async``.
    """
    preferences: dict[str, str] = {}
    for element in _ELEMENT.findall(", ".join(request.headers.getall(PREFER, []))):
        if match := _PREFERENCE.fullmatch(element.strip(" \t")):
            preferences.setdefault(match[1].lower(), (match[2] or "").strip('"'))
    if preferences.get("respond-async") != "":  # it has no value
        return None
    wait = preferences.get("wait", "")
    return min(int(wait), MAX_WAIT) if _SECONDS.fullmatch(wait) else 0
