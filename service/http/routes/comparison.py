"""Two versions compared: in a working file first, so that no connection waits for the client."""

from typing import Final

from aiohttp import hdrs, web

from service.errors import NotFound, Unavailable
from service.http import app_keys
from service.http.database import run_query
from service.http.negotiation import choose
from service.http.responses import JSON
from service.http.streaming import IN_MEMORY, send_file
from service.imports.ending import NO_ROOM
from service.projects.comparison import compare_versions
from service.projects.records import VersionGone, VersionKey
from service.spool.spool import SpoolFile, SpoolShare, TooLarge
from service.storage import Connection

_HEAD: Final = b'{"status":"success","code":200,"message":"Comparison","details":'
_TAIL: Final = b',"complete":true}'


async def send_comparison(request: web.Request, old: VersionKey, new: int) -> web.StreamResponse:
    """Answer with what differs between two versions of a project.

    Raises:
        NotFound: one of them is not there.
        NotAcceptable: JSON is not wanted.
        Unavailable: the database stays away, or there is no room for the working file.
        ConnectionError: the answer broke off.
    """
    choose(request, (JSON,))
    share = request.app[app_keys.MANAGER].spool.share()
    try:
        file = await _written(request.app, share, old, new)
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: f"{JSON}; charset=utf-8",
            hdrs.VARY: hdrs.ACCEPT,
        }
        return await send_file(request, file, headers)
    except VersionGone:
        raise NotFound from None
    finally:
        share.close()


async def _written(app: web.Application, share: SpoolShare, old: VersionKey, new: int) -> SpoolFile:
    async def write(conn: Connection) -> SpoolFile:
        file = share.new_file(IN_MEMORY)  # a new one: what an earlier try wrote is no beginning
        _write(file, _HEAD)
        async for block in compare_versions(conn, old, new):
            _write(file, block)
        _write(file, _TAIL)
        return file

    return await run_query(app, write)


def _write(file: SpoolFile, block: bytes) -> None:
    try:
        file.write(block)
    except (OSError, TooLarge) as exc:
        raise Unavailable(NO_ROOM) from exc
