"""Plans of Project and P6 for the tests of views, and what the views show of them."""

from typing import Any

import aiohttp

from service.storage import Pool
from tests.support.service import Service
from tests.support.upload import upload

MSPDI = "http://schemas.microsoft.com/project"


def mspdi(*content: str, name: str = "Plan.mpp") -> str:
    """Return a plan of Project."""
    return f'<Project xmlns="{MSPDI}"><Name>{name}</Name>{"".join(content)}</Project>'


def element(name: str, *content: str, **fields: object) -> str:
    """Return an element with leaves, and other content before them."""
    leaves = "".join(f"<{field}>{text}</{field}>" for field, text in fields.items())
    return f"<{name}>{''.join(content)}{leaves}</{name}>"


async def import_plans(service: Service, *files: str) -> list[int]:
    """Import files one after another, and return the ids of all their projects."""
    ids = []
    async with aiohttp.ClientSession() as http:
        for content in files:
            told = await upload(http, service, content.encode())
            assert told["details"]["errors"] == []
            ids += [one["project_id"] for one in told["details"]["successes"]]
    return ids


async def select(pool: Pool, columns: str, view: str, rest: str = "") -> list[tuple[Any, ...]]:
    """Return rows of client 1 as tuples; ``rest`` follows the condition for the client."""
    rows = await pool.fetch(f"SELECT {columns} FROM {view} WHERE client_id = 1 {rest}")
    return [tuple(row) for row in rows]
