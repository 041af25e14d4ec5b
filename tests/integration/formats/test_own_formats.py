"""Uploads in a format of the operator, from the setting to the rows and back."""

from pathlib import Path

import pytest

from service.cli.output import CommandError
from service.formats.custom.language import json_schema
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT, execute
from tests.support.own_format import FILE, TOML
from tests.support.raw_http import form, get, part
from tests.support.service import served
from tests.support.uploads import read_outcomes, send


async def test_a_format_of_the_operator_is_imported_and_exported(
    settings: Settings, dsn: str, pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(TOML)
    await execute(dsn, ADD_CLIENT)
    uploads = [
        FILE,  # by the fast path
        FILE.replace("<Name>A</Name>", "<Name>A</Name>" + " " * 600_000),  # by the long way
        FILE.replace("now", "later"),
        FILE.replace("<Name>A</Name>", "<Name>B</Name>"),
    ]
    async with served(settings.model_copy(update={"formats_dir": tmp_path}), dsn) as service:
        outcomes = [
            read_outcomes(await send(service, form(part("file", each.encode()))))["P1"]
            for each in uploads
        ]
        assert outcomes == ["created", "unchanged", "unchanged", "updated"]
        listed = await get(service, "/api/v2/clients/1/projects?source=acme")
        [project] = listed.json["details"]["projects"]
        path = f"/api/v2/clients/1/projects/{project['project_id']}"
        exported = await get(service, path, "Accept: application/xml")
        again = exported.body.replace(b'version="2" ', b"")
        assert read_outcomes(await send(service, form(part("file", again)))) == {"P1": "unchanged"}
        old = FILE.replace("<Deadline>2026-02", "<Deadline>2026-01")
        refused = await send(service, form(part("file", old.encode())), "if_newer=true")
        assert refused.json["errors"][0]["error"] == "STORED_IS_NEWER"
        compared = await get(service, f"{path}/versions/2?compare=1")
        assert compared.status == 200
        schema = await get(service, "/schema/format.json", token=None)
        assert schema.json == json_schema()
    task = await pool.fetchrow(
        "SELECT source, t.name, duration::text FROM current_tasks t"
        "  JOIN project_versions v USING (client_id, project_id, version)"
        " WHERE client_id = 1 AND task_id = '1' AND kind = 'activity'"
    )
    assert task is not None
    assert tuple(task.values()) == ("acme", "B", "20:00:00")


async def test_a_fault_of_a_format_stops_the_start(
    settings: Settings, dsn: str, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(TOML.replace("task_id", "tusk_id"))
    with pytest.raises(CommandError, match=r"acme\.toml: .*no column tusk_id"):
        async with served(settings.model_copy(update={"formats_dir": tmp_path}), dsn):
            pass
