"""A ``serve`` process that writes its log to a file, and the records of that log."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from service.settings import Settings
from tests.support.service import SECRET, Service
from tests.tools.bench.database import Database
from tests.tools.bench.process import serving

DATABASE_PASSWORD: Final = "a-password-of-the-database"


@asynccontextmanager
async def serve_with_log(
    settings: Settings, dsn: str, log_format: str, **more: object
) -> AsyncIterator[tuple[Service, Path]]:
    """A ``serve`` process that says all that it can, and the file that it says it in.

    Args:
        settings: of the test's database.
        more: settings beyond the defaults, as ``tests.tools.bench.process.serving`` takes them.
    """
    parts = urlsplit(dsn)
    user = parts.username or ""
    host = parts.netloc.rpartition("@")[2]
    secret = urlunsplit(parts._replace(netloc=f"{user}:{DATABASE_PASSWORD}@{host}"))
    said = {"log_level": "debug", "log_format": log_format, "jwt_secret": SECRET}
    cache = {"statement_cache_size": settings.statement_cache_size}
    changed = cache | said | more
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        with path.open("wb") as log:
            async with serving(Database(secret), "", log, **changed) as at:
                yield Service(at.base, dsn, settings), path


def read_records(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]
