"""A company's XML: its example becomes a draft, the draft a format, and its files rows."""

import json
from pathlib import Path

from typer.testing import CliRunner

from service.cli.app import app
from service.settings import Settings
from tests.support.commands import Commands
from tests.support.databases import ADD_CLIENT, execute
from tests.support.paths import CHECKOUT
from tests.support.service import served

EXAMPLES = [CHECKOUT / "docs/formats" / name for name in ("ganttproject.gan", "sap-network.xml")]
ROWS = """
SELECT json_object_agg(p.source, json_build_object(
         'tasks',
         (SELECT count(*) FROM current_tasks t
           WHERE t.client_id = p.client_id AND t.project_id = p.project_id),
         'dependencies',
         (SELECT count(*) FROM current_dependencies d
           WHERE d.client_id = p.client_id AND d.project_id = p.project_id)))::text
  FROM current_projects p
"""


async def test_drafted_formats_import_their_examples(
    settings: Settings, dsn: str, tmp_path: Path
) -> None:
    expected = {}
    for example in EXAMPLES:
        draft = tmp_path / f"{example.stem}.toml"
        format_ = [str(each) for each in (draft, example)]
        written = CliRunner().invoke(app, ["format", "guess", format_[1], "--output", format_[0]])
        assert written.exit_code == 0
        checked = CliRunner().invoke(app, ["format", "check", *format_, "--json"])
        tables = json.loads(checked.output)["tables"]
        expected[example.stem] = {name: tables[name]["rows"] for name in ("tasks", "dependencies")}
    await execute(dsn, ADD_CLIENT)
    async with served(settings.model_copy(update={"formats_dir": tmp_path}), dsn) as service:
        assert (await Commands(service).upload(*EXAMPLES)).code == 0
    assert json.loads(await execute(dsn, ROWS)) == expected
