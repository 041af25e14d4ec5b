"""What a restored service must do."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from service.storage import Connection
from tests.tools.restore.api import BUSY, QUIET, SMALL, Api, read_all
from tests.tools.restore.scene import FILES, LONG_KEY, LONG_PROJECTS, Scene, long_file, plan

_IDS: Final = "SELECT max(import_id) FROM imports UNION ALL SELECT max(project_id) FROM projects"
_BOUND: Final = 60.0


async def last_ids(connection: Connection) -> tuple[int, int]:
    """Return the highest id of an import and of a project."""
    imports, projects = await connection.fetch(_IDS)
    return imports[0], projects[0]


async def answers_equal(api: Api, before: dict[str, tuple[int, bytes]]) -> int:
    """Compare the answers to the quiet client with earlier ones; returns their number."""
    after = await read_all(api, QUIET)
    different = [
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    ]
    assert not different, different
    return len(after)


async def same_files_again(api: Api, scene: Scene) -> None:
    """Send each file under its old key and under a new one, and then a changed project."""
    for key, file in FILES.items():
        replayed = await api.upload(QUIET, file.read_bytes(), key)
        assert replayed == scene.answers[key], (key, replayed)
        again = await api.upload(QUIET, file.read_bytes(), f"{key}-again")
        # The archived project of this file is active again, which is an update.
        updated = 1 if key == "mspdi" else 0
        counts = again["counts"]
        expected = scene.answers[key]["counts"]["created"] - updated
        assert (counts["unchanged"], counts["updated"]) == (expected, updated), (key, counts)
    changed = await api.upload(QUIET, plan("changing", "After the restore"), "third")
    [success] = changed["details"]["successes"]
    assert (success["outcome"], success["project_id"], success["version"]) == (
        "updated",
        scene.project,
        3,
    ), success


async def new_ids(api: Api, imports: int, projects: int) -> None:
    """Import a new project: its ids must be above those that were given before."""
    for number in range(3):
        answer = await api.upload(QUIET, plan(f"new-{number}", "New"), f"new-{number}")
        [success] = answer["details"]["successes"]
        assert success["outcome"] == "created", success
        assert answer["import_id"] > imports, (answer["import_id"], imports)
        assert success["project_id"] > projects, (success["project_id"], projects)


async def long_import_continues(api: Api) -> dict[str, Any]:
    """Wait for the end of the import that ran during the dump, and continue it under its key."""
    async with asyncio.timeout(_BOUND):
        while running := (await api.details(BUSY, "imports?state=running"))["imports"]:
            await api.details(BUSY, f"imports/{running[0]['import_id']}?wait=5")
    [before] = (await api.details(BUSY, "imports"))["imports"]
    assert before["state"] == "interrupted", before
    answer = await api.upload(BUSY, long_file(), LONG_KEY)
    assert answer["import_id"] == before["import_id"], answer
    counts: dict[str, Any] = answer["counts"]
    assert counts["created"] + counts["unchanged"] == LONG_PROJECTS, counts
    assert counts["unchanged"], counts
    return counts


async def reported_are_there(api: Api, reported: list[str]) -> None:
    """Every small import that was reported before the dump began is stored."""
    listed = (await api.details(SMALL, "projects?limit=1000"))["projects"]
    missing = set(reported) - {each["external_id"] for each in listed}
    assert not missing, missing


async def undo_works(api: Api) -> None:
    """Undo the last import that changed something before the dump."""
    listed = (await api.details(QUIET, "imports?limit=1000"))["imports"]
    [last] = [each for each in listed if each["idempotency_key"] == "last"]
    await api.details(QUIET, f"imports/{last['import_id']}/undo", "POST")
    left = (await api.details(QUIET, "projects?limit=1000"))["projects"]
    assert "last" not in {each["external_id"] for each in left}


async def changes_can_be_followed(api: Api) -> None:
    """Lists of changes have the projects of before the restore, and then those of after it."""
    since, missing = "2020-01-01T00:00:00Z", {"000004000127", "changing", "new-0"}
    async with asyncio.timeout(_BOUND):
        while missing:
            path = f"projects?limit=1000&changed_since={since}"
            listed = await api.details(QUIET, path)
            missing -= {each["external_id"] for each in listed["projects"]}
            since = quote(listed["watermark"])
            await asyncio.sleep(0.1)


async def label_is_kept(api: Api, scene: Scene) -> None:
    """The version with a label is still there after pruning, and the one after it is not."""
    path = f"projects/{scene.project}/versions"
    status, _ = await api.ask(QUIET, f"{path}/1")
    assert status == 200, status
    status, _ = await api.ask(QUIET, f"{path}/2")
    assert status == 404, status
