"""Real files over HTTP into one server, compared with what an independent reader found in them."""

import json
from collections import Counter

import aiohttp
import pytest

from service.db import Pool
from tests.integration.real.compare import Difference, differences
from tests.integration.real.files import FILES, HERE, expected_of
from tests.integration.real.stored import stored
from tests.integration.whole.uploading import upload
from tests.serving import Service

pytestmark = pytest.mark.skipif(not FILES, reason=HERE)


async def test_the_database_has_what_an_independent_reader_found(
    service: Service, pool: Pool
) -> None:
    compared: Counter[str] = Counter()
    found: list[tuple[str, Difference]] = []
    warnings: Counter[str] = Counter()
    async with aiohttp.ClientSession() as http:
        for file, content in FILES.items():
            details = (await upload(http, service, content, file.name))["details"]
            assert isinstance(details, dict)
            assert details["errors"] == []
            expected = [json.loads(line) for line in expected_of(file).read_text().splitlines()]
            assert len(details["successes"]) == len(expected)
            for success, there in zip(details["successes"], expected, strict=True):
                here = await stored(pool, success["project_id"])
                compared["projects"] += 1
                compared["tasks"] += len(here.tasks)
                compared["relations"] += here.relations.total()
                compared["assignments"] += here.assignments.total()
                warnings.update(w["code"] for w in success["warnings"]["first"])
                found += [
                    (file.name, difference)
                    for difference in differences(file.parent.name, here, there)
                ]
    print(dict(compared), dict(warnings), Counter(d.field for _, d in found))
    assert [difference for difference in found if not difference[1].computed] == []
