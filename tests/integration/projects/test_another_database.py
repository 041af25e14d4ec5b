"""Real Primavera files whose ObjectIds are replaced, as another database would."""

import re

import pytest

from tests.support.client import Client
from tests.support.real.files import FILES, File

P6 = [file for file in FILES if file.dialect == "p6"]
RECORDS = ("tasks", "dependencies", "resources", "assignments")


def shifted(content: bytes, by: int) -> bytes:
    return re.sub(
        rb"(ObjectId>)(\d+)(?=<)", lambda found: found[1] + b"%d" % (int(found[2]) + by), content
    )


@pytest.mark.parametrize("file", P6, ids=lambda file: file.name)
async def test_a_plan_from_another_database_is_the_same_plan(client: Client, file: File) -> None:
    first = await client.land(file.content)
    second = await client.land(shifted(file.content, 70_000_000))
    assert {outcome["outcome"] for outcome in second} == {"updated"}
    for outcome in first[:40]:
        path = f"projects/{outcome['project_id']}/versions/2?compare=1"
        details = (await client.ask(path)).details
        differing = {kind: details[kind] for kind in RECORDS if details[kind]}
        assert differing == {}, (outcome["external_id"], str(differing)[:2000])
