"""What the old service does before and during the dump."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from service.samples import write_sample
from tests.support.native import native_file, native_project
from tests.support.paths import CHECKOUT
from tests.tools.restore.api import BUSY, QUIET, SMALL, Api

LONG_PROJECTS: Final = 200
LONG_KEY: Final = "long"
FILES: Final[Mapping[str, Path]] = {
    "native": CHECKOUT / "samples" / "native.xml",
    "mspdi": CHECKOUT / "samples" / "mspdi.xml",
    "p6": CHECKOUT / "samples" / "p6.xml",
    "own": CHECKOUT / "docs" / "formats" / "sap-network.xml",
}
"""A file of each format, by the key of its import."""


def plan(external_id: str, name: str) -> bytes:
    """Return a native file of one project."""
    return native_file(native_project(external_id, name))


@dataclass
class Scene:
    """What was done in the old service, for the checks of the new one.

    Attributes:
        answers: the responses to ``FILES``.
        project: a project with two versions, of which the first has a label.
        reported: external ids of the small imports that the service reported.
    """

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    project: int = 0
    reported: list[str] = field(default_factory=list)


async def fill(api: Api, scene: Scene) -> None:
    """Import each format, and label, lock, archive and undo, as the quiet client."""
    for key, file in FILES.items():
        scene.answers[key] = await api.upload(QUIET, file.read_bytes(), key)
        assert scene.answers[key]["counts"]["failed"] == 0, scene.answers[key]
    first = await api.upload(QUIET, plan("changing", "Before"), "first")
    scene.project = first["details"]["successes"][0]["project_id"]
    label = {"label": "Approved"}
    await api.details(QUIET, f"projects/{scene.project}/versions/1/label", "PUT", json=label)
    await api.upload(QUIET, plan("changing", "After"), "second")
    mspdi, p6 = (
        [each["project_id"] for each in scene.answers[key]["details"]["successes"]]
        for key in ("mspdi", "p6")
    )
    await api.details(QUIET, f"projects/{p6[0]}/lock", "PUT", json={"ttl_seconds": 80_000})
    await api.details(QUIET, f"projects/{mspdi[0]}", "DELETE")
    undone = await api.upload(QUIET, plan("undone", "Undone"), "undone")
    await api.details(QUIET, f"imports/{undone['import_id']}/undo", "POST")
    await api.upload(QUIET, plan("last", "Undo this after the restore"), "last")


def long_file() -> bytes:
    """Return the file of an import that runs during the dump."""
    return "".join(write_sample("native", LONG_PROJECTS, 5, 7)).encode()


async def until_some_are_stored(api: Api) -> None:
    """Wait until the long import has stored a part of its projects."""
    async with asyncio.timeout(60):
        while not (await api.details(BUSY, "projects"))["projects"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def import_small_files(api: Api, scene: Scene, stop: asyncio.Event) -> None:
    """Import one small file after another until ``stop`` is set."""
    number = 0
    while not stop.is_set():
        name = f"small-{number}"
        await api.upload(SMALL, plan(name, "Small"), name)
        scene.reported.append(name)
        number += 1
