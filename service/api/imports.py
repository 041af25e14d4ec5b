"""An import and its outcomes, read again."""

import base64
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web
from multidict import MultiMapping

from service.api import keys
from service.api.auth import Caller, authorise, number
from service.api.database import ask
from service.api.envelope import respond
from service.api.uploads import location
from service.errors import BadRequest, Conflict, NotFound
from service.importer import history, lifecycle, outcomes
from service.model import shorten

MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100
RUNNING: Final = "running"
CANCELLED: Final = "cancelled"
_LIMIT: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_MAX_INDEX: Final = 2**63


async def one(request: web.Request) -> web.Response:
    """One import."""
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    _only(request.query)
    return respond(200, "Import", await _find(request, caller))


async def cancel(request: web.Request) -> web.Response:
    """Have a running import stopped: its owner reads the wish with its next heartbeat.

    What has landed stays. Asked again it says the same.
    """
    caller = await authorise(request, request.app[keys.SETTINGS].import_scope)
    _only(request.query)
    expiry = request.app[keys.SETTINGS].heartbeat_expiry
    import_id = number(request.match_info["import_id"], "import_id")
    wish = partial(
        lifecycle.cancel,
        client_id=caller.client_id,
        import_id=import_id,
        by=caller.subject,
        expiry=expiry,
    )
    stopping = await ask(request.app, wish)
    found = await _find(request, caller)
    if not stopping and found["state"] != CANCELLED:
        raise Conflict(f"The import has ended: it is {found['state']}")
    place: dict[str, str] = {hdrs.LOCATION: location(caller.client_id, import_id)}
    return respond(202, "Import is being cancelled", found, headers=place)


async def results(request: web.Request) -> web.Response:
    """A page of an import's outcomes, in the file's order.

    While the import runs, pages reach as far as every outcome is there; ``complete`` is false then,
    and ``next`` can be asked again.
    """
    caller = await authorise(request, request.app[keys.SETTINGS].read_scope)
    _only(request.query, "limit", "cursor")
    limit = _limit(request.query.get("limit", str(DEFAULT_LIMIT)))
    after = _after(request.query.get("cursor"))
    found = await _find(request, caller)
    after, items = await _page(request, caller, found, after, limit)
    ended = found["state"] != RUNNING
    complete = ended and len(items) < limit
    here = f"{location(caller.client_id, found['import_id'])}/results"
    following = None if complete else f"{here}?limit={limit}&cursor={_cursor(after)}"
    return respond(200, "Results", {"results": items, "complete": complete, "next": following})


async def _find(request: web.Request, caller: Caller) -> dict[str, Any]:
    expiry = request.app[keys.SETTINGS].heartbeat_expiry
    import_id = number(request.match_info["import_id"], "import_id")
    found = await ask(
        request.app,
        partial(history.find, client_id=caller.client_id, import_id=import_id, expiry=expiry),
    )
    if found is None:
        raise NotFound
    return found


async def _page(
    request: web.Request, caller: Caller, found: Mapping[str, Any], after: int, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    """Outcomes behind ``after``, without a gap while more come, and the index of the last."""
    items = await ask(
        request.app,
        partial(
            outcomes.page,
            client_id=caller.client_id,
            import_id=found["import_id"],
            attempt=found["attempt"],
            after=after,
            limit=limit,
        ),
    )
    if found["state"] == RUNNING:
        items = [item for place, item in enumerate(items, after + 1) if item["index"] == place]
    return (items[-1]["index"] if items else after), items


def _only(query: MultiMapping[str], *known: str) -> None:
    """Refuse parameters that are not known, and any given twice."""
    for name in query:
        if name not in known:
            raise BadRequest(f"the parameter `{shorten(name)}` is not known")
        if len(query.getall(name)) > 1:
            raise BadRequest(f"the parameter `{name}` is given more than once")


def _limit(text: str) -> int:
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadRequest(f"limit must be an integer from 1 to {MAX_LIMIT}")
    return int(text)


def _cursor(after: int) -> str:
    return base64.urlsafe_b64encode(str(after).encode()).decode().rstrip("=")


def _after(cursor: str | None) -> int:
    """The index behind which a page begins."""
    if cursor is None:
        return -1
    try:
        after = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        after = None
    if after is None or _cursor(after) != cursor or not -1 <= after < _MAX_INDEX:
        raise BadRequest("the cursor is not one that was given out")
    return after
