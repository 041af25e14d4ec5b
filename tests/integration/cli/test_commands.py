"""The commands about imports and projects."""

import json
import signal
from pathlib import Path

import pytest

from service.storage import Pool
from tests.support.client import Client
from tests.support.commands import Commands, ended
from tests.support.native import native
from tests.support.network import Network
from tests.support.paths import CHECKOUT
from tests.support.projects import until
from tests.support.raw_http import Connection, head

pytestmark = pytest.mark.settings(heartbeat_every=0.05)

PLAN = native(
    '<project id="A"><name>One</name></project>', '<project id="B"><name>B</name></project>'
)
BREAKING = "projects:import projects:read projects:break-locks"
UNDOING = "projects:import projects:read projects:undo"


def plan(path: Path, text: str = PLAN) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
async def landed(run: Commands, tmp_path: Path) -> Path:
    """A file that was imported."""
    file = plan(tmp_path / "plan.xml")
    assert (await run.upload(file, "--notes", "first night")).code == 0
    return file


@pytest.mark.usefixtures("landed")
async def test_imports_lists_imports_and_filters_them(run: Commands) -> None:
    table = await run("imports")
    assert table.code == 0
    for word in ("completed", "plan.xml", "tester", "2 created", "first night"):
        assert word in table.out
    assert (await run("imports", "--json", "--text", "FIRST")).told["import_id"] == 1
    assert (await run("imports", "--json", "--state", "running")).lines == []
    assert (await run("imports", "--json", "--result", "completed")).told["import_id"] == 1
    assert (await run("imports", "--result", "undone")).err == "There is no such import.\n"


@pytest.mark.usefixtures("landed")
async def test_projects_lists_projects_and_filters_them(run: Commands) -> None:
    table = await run("projects")
    assert "One" in table.out
    one = await run("projects", "--json", "--limit", 1)
    assert one.told["external_id"] == "A"
    assert "--limit" in one.err
    assert (await run("projects", "--json", "--text", "one")).told["external_id"] == "A"
    assert (await run("projects", "--json", "--archived", "only")).lines == []


async def test_an_exported_project_is_unchanged_when_imported_again(
    run: Commands, client: Client, landed: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.xml"
    done = await run("export", "--external-id", "B", "--output", output)
    assert (done.code, done.out) == (0, "")
    assert await run.upload(output, "--dry-run")
    assert (await run.upload(output)).told["counts"]["unchanged"] == 1
    project = (await run("projects", "--json", "--text", "B")).told["project_id"]
    assert (await run("export", project)).out.encode() == await client.export(project)
    assert {*file_names(tmp_path)} == {"plan.xml", "out.xml"}


async def test_a_plan_from_microsoft_project_is_exported_as_its_xml(
    run: Commands, client: Client, tmp_path: Path
) -> None:
    sample = CHECKOUT / "samples" / "mspdi.xml"
    [first, *_] = await client.land(sample.read_bytes())
    output = tmp_path / "out.xml"
    done = await run("export", first["project_id"], "--format", "mspdi", "--output", output)
    assert done.code == 0, done.err
    assert (await run.upload(output)).told["counts"]["unchanged"] == 1


async def test_a_plan_of_another_format_is_not_exported_as_mspdi(
    run: Commands, landed: Path
) -> None:
    project = (await run("projects", "--json", "--text", "B")).told["project_id"]
    done = await run("export", project, "--format", "mspdi")
    assert done.code == 2
    assert "Microsoft Project" in done.err


def file_names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_export_of_an_unknown_project_leaves_no_file(
    run: Commands, landed: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.xml"
    for which in (["99"], ["--external-id", "nobody"], []):
        done = await run("export", *which, "--output", output)
        assert done.code == 2
        assert done.err.startswith("bulk-import: ")
    assert file_names(tmp_path) == [landed.name]


async def test_an_export_that_breaks_off_leaves_no_file(
    run: Commands, client: Client, network: Network, tmp_path: Path
) -> None:
    tasks = "".join(f'<task id="{number}"><name>{number}</name></task>' for number in range(5000))
    (landed,) = await client.land(
        native(f'<project id="A"><name>A</name><tasks>{tasks}</tasks></project>')
    )
    network.back.cut_after(50_000)
    output = tmp_path / "out.xml"
    done = await run("export", landed["project_id"], "--output", output, base=network.base)
    assert done.code == 2
    assert "broke" in done.err
    assert file_names(tmp_path) == []


async def test_two_versions_are_compared_and_an_import_is_undone(
    run: Commands, landed: Path, pool: Pool
) -> None:
    plan(landed, PLAN.replace("One", "Two"))
    second = await run.upload(landed)
    project = (await run("projects", "--json", "--text", "A")).told["project_id"]
    compared = await run("compare", project, 1, 2)
    assert 'name: "One" -> "Two"' in compared.out
    assert compared.out.startswith("Nothing changed that a summary states.\n")
    summary, change = (await run("compare", project, 1, 2, "--json", "--match", "id")).lines
    assert summary["summary"]["matched_by"] == "id"
    assert change["change"] == "changed"
    (import_id,) = second.told["import_ids"]
    undone = await run("undo", import_id, scope=UNDOING)
    assert undone.code == 0, undone.out
    assert "1 updated" in undone.out
    assert await pool.fetchval("SELECT name FROM current_projects WHERE external_id = 'A'") == "One"
    assert "403 Access denied" in (await run("undo", import_id)).err


async def test_a_version_is_compared_with_its_baseline(run: Commands, tmp_path: Path) -> None:
    baseline = '<baselines><baseline number="0" current="true"/></baselines>'
    planned = '<baseline-task number="0" task="1"><name>Dig</name></baseline-task>'
    task = '<tasks><task id="1"><name>Dig deep</name></task></tasks>'
    inside = f"<name>A</name>{task}{baseline}<baseline-tasks>{planned}</baseline-tasks>"
    await run.upload(plan(tmp_path / "plan.xml", native(f'<project id="A">{inside}</project>')))
    compared = await run("compare", 1, 1, "--against-baseline")
    assert (compared.code, 'name: "Dig" -> "Dig deep"' in compared.out) == (0, True), compared.err
    assert len((await run("compare", 1, 1, "--against-baseline", "--json")).lines) == 2
    for wrong in ((1, 1), (1, 1, 1, "--against-baseline")):
        refused = await run("compare", *wrong)
        assert (refused.code, "--against-baseline" in refused.err) == (2, True)


@pytest.mark.usefixtures("landed")
async def test_label_names_a_version_and_removes_the_name(run: Commands, client: Client) -> None:
    project = (await run("projects", "--json", "--text", "A")).told["project_id"]
    path = f"projects/{project}/versions"
    done = await run("label", project, 1, "Approved \x1b[2J")
    assert (done.code, "label must be text" in done.err) == (2, True)
    done = await run("label", project, 1, "Approved")
    assert (done.code, done.out.endswith("is kept as Approved.\n")) == (0, True), done.err
    assert (await client.ask(path)).details["versions"][0]["label"] == "Approved"
    assert (await run("label", project, 1, "--remove")).code == 0
    assert (await client.ask(path)).details["versions"][0]["label"] is None
    assert (await run("label", project, 1)).code == 2
    assert "404 Not found" in (await run("label", project, 9, "Approved")).err


@pytest.mark.usefixtures("landed")
async def test_unlock_releases_own_lock_and_breaks_another_with_a_reason(
    run: Commands, client: Client
) -> None:
    project = (await run("projects", "--json", "--text", "A")).told["project_id"]
    await client.ask(f"projects/{project}/lock", "PUT", json={"ttl_seconds": 60}, sub="bob")
    assert "bob" in (await run("projects")).out
    refused = await run("unlock", project)
    assert refused.code == 2
    assert "409 Conflict" in refused.err
    broken = await run("unlock", project, "--reason", "on holiday", scope=BREAKING)
    assert broken.code == 0, broken.err
    assert (await client.ask(f"projects/{project}/lock")).details["lock"] is None
    assert (await run("unlock", project)).code == 0


async def test_a_running_import_is_watched_and_cancelled(run: Commands, pool: Pool) -> None:
    async with Connection(run.service) as other:
        await other.send(head(run.service, "Content-Length: 99999"))
        await until(pool, "SELECT 1 FROM imports WHERE state = 'running'")
        watching = await run.begin("watch", 1)
        cancelled = await run("cancel", 1)
        assert cancelled.code == 0
        done = await ended(watching)
    assert done.code == 2
    assert "is cancelled" in done.out
    again = await run("cancel", 9)
    assert again.code == 2
    assert "404" in again.err


@pytest.mark.usefixtures("landed")
async def test_watch_prints_the_outcomes_of_an_ended_import(run: Commands) -> None:
    done = await run("watch", 1, "--json")
    assert (done.code, done.told["counts"]["created"]) == (0, 2)
    assert (await run("watch", 9)).code == 2


async def test_ctrl_c_ends_watch_without_an_error(
    run: Commands, network: Network, pool: Pool
) -> None:
    answered = network.back.hold_after(1)
    async with Connection(run.service) as other:
        await other.send(head(run.service, "Content-Length: 99999"))
        await until(pool, "SELECT 1 FROM imports WHERE state = 'running'")
        watching = await run.begin("watch", 1, base=network.base)
        await answered.reached.wait()
        watching.send_signal(signal.SIGINT)
        assert (await ended(watching)).code == 130


async def test_the_checks_of_a_project_and_the_tasks_of_one_are_printed(
    run: Commands, landed: Path
) -> None:
    tasks = "".join(f'<task id="{number}"><name>Dig</name></task>' for number in range(3))
    plan(landed, native(f'<project id="A"><name>One</name><tasks>{tasks}</tasks></project>'))
    await run.upload(landed)
    project = (await run("projects", "--json", "--text", "A")).told["project_id"]
    printed = (await run("checks", project)).out
    assert "open_ends" in printed
    assert "no data date" in printed
    found = await run("checks", project, "--check", "open_ends", "--json", "--limit", 2)
    first, second = map(json.loads, found.out.splitlines())
    assert (first["task_id"], second["value"]) == ("0", "predecessor and successor")
    assert "more than 2" in found.err
    assert "Dig" in (await run("checks", project, "--check", "open_ends")).out
    assert "400" in (await run("checks", project, "--check", "late")).err
