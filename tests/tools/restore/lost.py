"""Recovery to a point in time: what was imported after it is lost, and its ids stay unused."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.tools.restore.api import SMALL, Api
from tests.tools.restore.contents import connected
from tests.tools.restore.scene import plan

LOST: int = 40
"""Imports after the point in time: more ids than the 32 that a sequence writes ahead to the WAL."""


@dataclass
class Lost:
    """What the service reported after the point in time.

    Attributes:
        until: the point in time, by the clock of the database.
        imports: ids of imports that are lost.
        projects: ids of projects that are lost.
    """

    until: datetime
    imports: list[int] = field(default_factory=list)
    projects: list[int] = field(default_factory=list)


async def import_around(api: Api, dsn: str) -> Lost:
    """Import a project, note the time, and then change it and import others."""
    await api.upload(SMALL, plan("kept", "Before"), "kept")
    async with connected(dsn) as connection:
        lost = Lost(await connection.fetchval("SELECT clock_timestamp()"))
    await api.upload(SMALL, plan("kept", "After"), "changed")
    for number in range(LOST):
        answer = await api.upload(SMALL, plan(f"lost-{number}", "Lost"), f"lost-{number}")
        lost.imports.append(answer["import_id"])
        lost.projects.append(answer["details"]["successes"][0]["project_id"])
    return lost


async def ids_at_risk(dsn: str, lost: Lost) -> int:
    """Return how many ids of lost imports the recovered database would give again."""
    async with connected(dsn) as connection:
        last = await connection.fetchval(
            "SELECT last_value FROM pg_sequences WHERE sequencename LIKE 'imports%'"
        )
    return sum(each > last for each in lost.imports)


async def send_again(api: Api, lost: Lost) -> None:
    """The state is that of the point in time; the uploads after it are imported again."""
    [kept] = (await api.details(SMALL, "projects?external_id=kept"))["projects"]
    assert (kept["version"], kept["name"]) == (1, "Before"), kept
    for number, (import_id, project_id) in enumerate(zip(lost.imports, lost.projects, strict=True)):
        for path in (f"imports/{import_id}", f"projects/{project_id}"):
            status, _ = await api.ask(SMALL, path)
            assert status == 404, (path, status)
        answer = await api.upload(SMALL, plan(f"lost-{number}", "Lost"), f"lost-{number}")
        [success] = answer["details"]["successes"]
        assert success["outcome"] == "created", success
        assert answer["import_id"] > lost.imports[-1], answer
        assert success["project_id"] > lost.projects[-1], success
    answer = await api.upload(SMALL, plan("kept", "After"), "changed")
    assert answer["details"]["successes"][0]["outcome"] == "updated", answer
