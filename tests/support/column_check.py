"""Import, export and compare a task with a value in a new column, and print what comes back.

``test_columns.py`` runs this in a copy of the checkout that has one column more.
"""

import asyncio
import json
import sys
from typing import Any

import aiohttp
import asyncpg
from pydantic import SecretStr

from service.settings import Settings
from service.storage.migrate import migrate
from tests.support.client import Client
from tests.support.native import native
from tests.support.service import SECRET, served

COMMENT = """
SELECT col_description(attrelid, attnum)
  FROM pg_attribute
 WHERE attrelid = $1::text::regclass AND attname = 'risk'
"""


def plan(risk: str) -> str:
    return native(
        '<project id="P"><name>Plant</name>'
        f'<tasks><task id="T"><name>Dig</name><risk>{risk}</risk></task></tasks></project>'
    )


async def main(dsn: str) -> None:
    migrate(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO clients (client_id, name) VALUES (1, 'Demo')")
    settings = Settings(jwt_secret=SecretStr(SECRET), prune=False)
    async with served(settings, dsn) as service, aiohttp.ClientSession() as http:
        client = Client(http, service)
        await client.land(plan("0.5"))
        exported = await client.export(1)
        same = await client.land(exported)
        await client.land(plan("0.75"))
        found: dict[str, Any] = {
            "json": (await client.ask("projects/1")).details["tasks"][0],
            "xml": exported.decode(),
            "outcome": same[0]["outcome"],
            "changes": (await client.ask("projects/1/versions/2?compare=1")).details["tasks"],
            "view": str(await connection.fetchval("SELECT risk FROM current_tasks")),
            "comments": [
                await connection.fetchval(COMMENT, relation)
                for relation in ("tasks", "current_tasks")
            ],
            "schema": (await client.ask("/openapi.json")).json["components"]["schemas"]["Task"],
            "xsd": (await client.ask("/schema/native.xsd")).body.decode(),
        }
    await connection.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
