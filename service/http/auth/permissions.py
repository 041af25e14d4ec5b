"""Authenticates and authorises requests, in the same order for every route.

``tokens`` verifies with PyJWT. aiohttp-jwt matches permissions. Its middleware is not used,
because it supports only one key, no leeway and no required claims, and answers a malformed header
with 403.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp_jwt import match_all, match_any

from service.errors import BadRequest, Forbidden, NotFound, Unauthorized
from service.http import app_keys
from service.http.app_keys import run_query
from service.http.auth.remedies import how_to_get_token
from service.storage import clients

CLAIMS: Final[web.RequestKey[Mapping[str, Any]]] = web.RequestKey("claims", Mapping)

EVERY_CLIENT: Final = "*"
ENABLED_FOR: Final = 1.0
"""Seconds for which a client counts as enabled after a look into the database."""
MAX_ENABLED: Final = 10_000
_FORM: Final = "send `Authorization: Bearer TOKEN`"
_ID: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorised caller.

    Attributes:
        client_id: the client in the path, on whose behalf the caller acts.
        subject: the token's ``sub``; may be empty.
    """

    client_id: int
    subject: str


def parse_id(text: str, name: str) -> int:
    """Parse an id of 1 to 18 ASCII digits.

    Args:
        text: from a path or query.
        name: name of the parameter, for the message.

    Raises:
        BadRequest: the text is not such an id.
    """
    if not _ID.fullmatch(text):
        raise BadRequest(f"{name} must be an integer of 1 to 18 digits")
    return int(text)


async def authenticate(request: web.Request) -> Mapping[str, Any]:
    """Return the claims of the request's token, and store them in ``request[CLAIMS]``.

    Raises:
        Unauthorized: the token is missing or not valid.
        Unavailable: the issuer's keys have not been read yet.
    """
    try:
        claims = await request.app[app_keys.VERIFIER].verify(_bearer_token(request))
    except Unauthorized as exc:
        settings = request.app[app_keys.SETTINGS]
        exc.details += f"; {how_to_get_token(settings, _client_in_path(request))}"
        exc.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        raise
    request[CLAIMS] = claims
    return claims


def _bearer_token(request: web.Request) -> str:
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not headers:
        raise Unauthorized(f"{Unauthorized.default}: {_FORM}")
    scheme, *token = headers[0].split() or [""]
    if scheme and scheme.lower() != "bearer":
        raise Unauthorized(f"Authorization scheme is not Bearer: {_FORM}")
    if len(headers) > 1 or len(token) != 1 or not headers[0].isascii():
        raise Unauthorized(f"Authorization header is malformed: {_FORM}")
    return token[0]


class EnabledClients:
    """The clients that the database had as enabled a moment ago."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def add(self, client_id: int) -> None:
        if len(self._until) == MAX_ENABLED:
            self._until.clear()
        self._until[client_id] = time.monotonic() + ENABLED_FOR

    def has(self, client_id: int) -> bool:
        return time.monotonic() < self._until.get(client_id, 0.0)


ENABLED: Final = web.AppKey("enabled_clients", EnabledClients)


async def authorise(request: web.Request, scope: str, *, checked_again: bool = False) -> Caller:
    """Return the caller if the token permits the request for the client in its path.

    Args:
        scope: the scope that the token must have.
        checked_again: whether the transaction of the request checks the client too. Then the state
            of a moment ago is enough here, and most requests need no round trip for it.

    Raises:
        Unauthorized, Unavailable: see ``authenticate``.
        Forbidden: the token lacks ``scope`` or the client, or the client is disabled.
        BadRequest: ``client_id`` is not an integer.
        NotFound: the client does not exist.
    """
    settings = request.app[app_keys.SETTINGS]
    claims = await authenticate(request)
    if not match_all([scope], parse_scopes(claims.get(settings.jwt_scope_claim))):
        raise lacks_scope(request, claims, scope)
    client_id = parse_id(request.match_info["client_id"], "client_id")
    allowed = parse_client_ids(claims.get(settings.jwt_clients_claim))
    if not match_any([str(client_id), EVERY_CLIENT], allowed):
        remedy = how_to_get_token(settings, str(client_id))
        raise Forbidden(f"{Forbidden.default}: the token is not for client {client_id}; {remedy}")
    enabled = request.app[ENABLED]
    if not (checked_again and enabled.has(client_id)):
        disabled = await run_query(request.app, partial(clients.is_disabled, client_id=client_id))
        if disabled is None:
            raise NotFound(f"there is no client {client_id}; `bulk-import client add` adds one")
        if disabled:
            raise Forbidden(clients.DISABLED)
        enabled.add(client_id)
    return Caller(client_id, claims.get("sub") or "")


def lacks_scope(request: web.Request, claims: Mapping[str, Any], scope: str) -> Forbidden:
    """Return the error for a token without a scope, with the scopes that a new one needs."""
    settings = request.app[app_keys.SETTINGS]
    held = parse_scopes(claims.get(settings.jwt_scope_claim))
    needed = [each for each in settings.scopes if each == scope or each in held]
    remedy = how_to_get_token(settings, _client_in_path(request), " ".join(needed))
    return Forbidden(f"{Forbidden.default}: the token lacks the scope `{scope}`; {remedy}")


def _client_in_path(request: web.Request) -> str | None:
    client = request.match_info.get("client_id", "")
    return client if _ID.fullmatch(client) and int(client) else None


def parse_scopes(claim: object) -> set[str]:
    """Return the scopes of a claim: a string of words, or a list."""
    if isinstance(claim, str):
        return set(claim.split())
    return {item for item in claim if isinstance(item, str)} if isinstance(claim, list) else set()


def parse_client_ids(claim: object) -> set[str]:
    """Return the client ids of a claim: one or a list of integers, strings of digits or ``*``."""
    items = claim if isinstance(claim, list) else [claim]
    return {
        str(item if item == EVERY_CLIENT else int(item))
        for item in items
        if (isinstance(item, int) and not isinstance(item, bool))
        or (isinstance(item, str) and (item == EVERY_CLIENT or _ID.fullmatch(item)))
    }
