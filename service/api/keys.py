"""Under which keys the application carries what its routes share."""

from typing import Final

import asyncpg
from aiohttp import web

from service.api.lingering import Lingering
from service.api.tokens import Verifier
from service.importer.importer import Importer
from service.settings import Settings

SETTINGS: Final = web.AppKey("settings", Settings)
DSN: Final = web.AppKey("dsn", str)
POOL: Final[web.AppKey["asyncpg.Pool[asyncpg.Record]"]] = web.AppKey("pool", asyncpg.Pool)
IMPORTER: Final = web.AppKey("importer", Importer)
VERIFIER: Final = web.AppKey("verifier", Verifier)
LINGERING: Final = web.AppKey("lingering", Lingering)
