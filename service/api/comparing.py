"""Two versions compared: in a working file first, so that no connection waits for the client."""

from typing import Final

from aiohttp import hdrs, web

from service.api import keys
from service.api.database import ask
from service.api.envelope import JSON
from service.api.negotiation import choose
from service.api.streaming import IN_MEMORY, send_file
from service.db import Connection
from service.errors import NotFound, Unavailable
from service.importer.endings import NO_ROOM
from service.reading.comparison import differences
from service.reading.records import Gone, Key
from service.spool import Share, SpoolFile, TooLarge

_HEAD: Final = b'{"status":"success","code":200,"message":"Comparison","details":'
_TAIL: Final = b',"complete":true}'


async def send(request: web.Request, old: Key, new: int) -> web.StreamResponse:
    """Answer with what differs between two versions of a project.

    Raises:
        NotFound: one of them is not there.
        NotAcceptable: JSON is not wanted.
        Unavailable: the database stays away, or there is no room for the working file.
        ConnectionError: the answer broke off.
    """
    choose(request, (JSON,))
    share = request.app[keys.IMPORTER].spool.share()
    try:
        file = await _written(request.app, share, old, new)
        headers: dict[str, str] = {
            hdrs.CONTENT_TYPE: f"{JSON}; charset=utf-8",
            hdrs.VARY: hdrs.ACCEPT,
        }
        return await send_file(request, file, headers)
    except Gone:
        raise NotFound from None
    finally:
        share.close()


async def _written(app: web.Application, share: Share, old: Key, new: int) -> SpoolFile:
    async def write(conn: Connection) -> SpoolFile:
        file = share.file(IN_MEMORY)  # a new one: what an earlier try wrote is no beginning
        _write(file, _HEAD)
        async for block in differences(conn, old, new):
            _write(file, block)
        _write(file, _TAIL)
        return file

    return await ask(app, write)


def _write(file: SpoolFile, block: bytes) -> None:
    try:
        file.write(block)
    except (OSError, TooLarge) as exc:
        raise Unavailable(NO_ROOM) from exc
