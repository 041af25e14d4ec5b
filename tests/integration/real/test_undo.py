"""Undoing changes to real portfolios."""

import pytest

from service.storage import Pool
from tests.support.native import native
from tests.support.raw_http import form, part
from tests.support.real.files import FILES, File
from tests.support.service import Service
from tests.support.uploads import current, read_outcomes, send, undo

PORTFOLIOS = [file for file in FILES if file.name in ("plants.xml", "portfolio.xml")]


def upload_of(content: bytes) -> bytes:
    return form(part("file", content))


@pytest.mark.parametrize("file", PORTFOLIOS, ids=lambda file: file.name)
async def test_an_undo_restores_a_changed_portfolio_row_by_row(
    service: Service, pool: Pool, file: File
) -> None:
    imported = await send(service, upload_of(file.content))
    projects = imported.json["counts"]["created"]
    before = await current(pool)
    changed = upload_of(file.content.replace(b"<Name>", b"<Name>Changed "))
    first = await send(service, changed)
    assert first.json["counts"]["updated"] == projects
    assert await current(pool) != before
    await undo(service, first.json["import_id"])
    assert await current(pool) == before
    assert (await send(service, upload_of(file.content))).json["counts"]["unchanged"] == projects

    second = await send(service, changed)
    mine = second.json["details"]["successes"][0]["external_id"]
    plan = native(f'<project id="{mine}"><name>Mine</name></project>')
    await send(service, upload_of(plan.encode()))
    outcomes = read_outcomes(await undo(service, second.json["import_id"]))
    assert outcomes.pop(mine) == "VERSION_CONFLICT"
    assert list(outcomes.values()) == ["updated"] * (projects - 1)
    after = await current(pool)
    others = [row for row in before["projects"] if row["external_id"] != mine]
    assert [row for row in after["projects"] if row["external_id"] != mine] == others
    print(projects, "projects put back;", {view: len(rows) for view, rows in before.items()})
