"""The contents of the database after the import of each real file over HTTP."""

import json
from collections import Counter

import aiohttp

from service.storage import Pool
from tests.support.real.compare import compare
from tests.support.real.files import FILES
from tests.support.real.stored import stored
from tests.support.service import Service
from tests.support.upload import upload

COMPUTED = {"project finish", "wbs start", "wbs finish", "wbs percent"}
"""What Primavera's files do not state: the independent reader sums it up from below."""


async def test_the_database_has_what_an_independent_reader_found(
    service: Service, pool: Pool
) -> None:
    compared: Counter[str] = Counter()
    computed: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    async with aiohttp.ClientSession() as http:
        for file in FILES:
            details = (await upload(http, service, file.content, file.name))["details"]
            assert details["errors"] == []
            expected = [json.loads(line) for line in file.expected.read_text().splitlines()]
            for success, there in zip(details["successes"], expected, strict=True):
                project, children = await stored(pool, success["project_id"])
                for field, ours, theirs in compare(file.dialect, project, children, there):
                    if ours is None and theirs is not None and field in COMPUTED:
                        computed[field] += 1
                    else:
                        assert ours == theirs, (file.name, project["external_id"], field)
                compared["projects"] += 1
                compared.update({table: len(rows) for table, rows in children.items()})
                warnings.update(notice["code"] for notice in success["warnings"]["first"])
    print(len(FILES), "files;", dict(compared), "computed:", dict(computed))
    print("warnings:", dict(warnings))
