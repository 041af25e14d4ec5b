"""Imports: their history, one of them, and how to stop it."""

from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web
from multidict import MultiMapping

from service.api import keys, paging
from service.api.auth import Caller, authorise, number
from service.api.database import ask
from service.api.envelope import respond
from service.api.options import read_key
from service.api.uploads import location
from service.errors import BadRequest, Conflict, NotFound
from service.importer import history, lifecycle
from service.importer.history import Wanted

STATES: Final = ("running", "completed", "failed", "interrupted", "cancelled")
FILTERS: Final = ("state", "text", "idempotency_key")
_LATEST: Final = 2**63 - 1


async def listed(request: web.Request) -> web.Response:
    """A page of the client's imports, the latest first.

    By its ``idempotency_key`` whoever uploads finds the import while it runs.
    """
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    query = request.query
    paging.only(query, "limit", "cursor", *FILTERS)
    limit, cursor = paging.limit(query), paging.after(query)
    key = query.get("idempotency_key")
    wanted = Wanted(
        state=_state(query),
        text=paging.text(query),
        key=None if key is None else (caller.subject, read_key(key, "idempotency_key")),
    )
    rows = await ask(
        request.app,
        partial(
            history.page,
            client_id=caller.client_id,
            expiry=request.app[keys.SETTINGS].heartbeat_expiry,
            wanted=wanted,
            before=_LATEST if cursor < 0 else cursor,
            limit=limit,
        ),
    )
    following = None
    if len(rows) == limit:
        following = paging.following(request, FILTERS, limit, rows[-1]["import_id"])
    return respond(200, "Imports", {"imports": rows, "next": following})


async def one(request: web.Request) -> web.Response:
    """One import."""
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    paging.only(request.query)
    return respond(200, "Import", await find(request, caller))


async def cancel(request: web.Request) -> web.Response:
    """Have a running import stopped: its owner reads the wish with its next heartbeat.

    What has landed stays. Asked again it says the same.
    """
    caller = await authorise(request, request.app[keys.SETTINGS].import_scope)
    paging.only(request.query)
    import_id = _id(request)
    wish = partial(
        lifecycle.cancel,
        client_id=caller.client_id,
        import_id=import_id,
        by=caller.subject,
        expiry=request.app[keys.SETTINGS].heartbeat_expiry,
    )
    stopping = await ask(request.app, wish)
    found = await find(request, caller)
    if not stopping and found["state"] != "cancelled":
        raise Conflict(f"The import has ended: it is {found['state']}")
    place: dict[str, str] = {hdrs.LOCATION: location(caller.client_id, import_id)}
    return respond(202, "Import is being cancelled", found, headers=place)


async def find(request: web.Request, caller: Caller) -> dict[str, Any]:
    """The import that the request's path names.

    Raises:
        NotFound: the client has none such.
    """
    question = partial(
        history.find,
        client_id=caller.client_id,
        import_id=_id(request),
        expiry=request.app[keys.SETTINGS].heartbeat_expiry,
    )
    found = await ask(request.app, question)
    if found is None:
        raise NotFound
    return found


def _id(request: web.Request) -> int:
    return number(request.match_info["import_id"], "import_id")


def _state(query: MultiMapping[str]) -> str | None:
    state = query.get("state")
    if state is not None and state not in STATES:
        raise BadRequest(f"state must be one of {', '.join(STATES)}")
    return state
