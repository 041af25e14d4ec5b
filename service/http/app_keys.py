"""Under which keys the application carries what its routes share."""

from typing import Final

import asyncpg
from aiohttp import web

from service.http.auth.tokens import Verifier
from service.http.body_drain import BodyDrain
from service.imports.manager import ImportManager
from service.settings import Settings

SETTINGS: Final = web.AppKey("settings", Settings)
DSN: Final = web.AppKey("dsn", str)
POOL: Final[web.AppKey["asyncpg.Pool[asyncpg.Record]"]] = web.AppKey("pool", asyncpg.Pool)
MANAGER: Final = web.AppKey("importer", ImportManager)
VERIFIER: Final = web.AppKey("verifier", Verifier)
BODY_DRAIN: Final = web.AppKey("lingering", BodyDrain)
