"""The kept versions of a project."""

from typing import Any

import pytest
from lxml import etree

from service.projects.retention import prune
from service.storage import Pool
from tests.support.client import XML, Client
from tests.support.native import native


def named(name: str) -> str:
    return native(
        f'<project id="P"><name>{name}</name><tasks><task id="{name}"/></tasks></project>'
    )


async def listed(client: Client, path: str = "projects/1/versions") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    following: str | None = path
    while following is not None:
        details = (await client.ask(following)).details
        items += details["versions"]
        following = details["next"]
    return items


async def test_a_version_names_its_import_user_and_notes(client: Client) -> None:
    await client.land(named("One"))
    await client.land(named("Two"))
    await client.ask("projects/1", "DELETE", sub="ann")
    first, second, third = await listed(client, "projects/1/versions?limit=1")
    assert first.pop("updated_at") < second["updated_at"] < third["updated_at"]
    assert first == {
        "version": 1,
        "current": False,
        "label": None,
        "name": "One",
        "status": None,
        "source": "native",
        "import_id": 1,
        "updated_by": "tester",
        "notes": None,
    }
    assert (second["name"], second["import_id"], second["current"]) == ("Two", 2, False)
    assert (third["import_id"], third["updated_by"], third["current"]) == (None, "ann", True)


async def test_an_old_version_can_be_read_unchanged(client: Client) -> None:
    for name in ("One", "Two", "Three"):
        await client.land(named(name))
    for number, name in enumerate(("One", "Two", "Three"), 1):
        path = f"projects/1/versions/{number}"
        details = (await client.ask(path)).details
        assert (details["version"], details["current_version"], details["name"]) == (
            number,
            3,
            name,
        )
        assert [task["task_id"] for task in details["tasks"]] == [name]
        [project] = etree.fromstring((await client.ask(path, accept=XML)).body)
        assert (project.get("version"), project.findtext("{*}name")) == (str(number), name)


async def test_a_pruned_version_is_a_404(client: Client, pool: Pool) -> None:
    for name in ("One", "Two"):
        await client.land(named(name))
    few = {"keep_versions": 1, "keep_days": 0, "keep_months": 0, "keep_superseded": 0}
    await prune(pool, client.service.settings.model_copy(update=few))
    assert [item["version"] for item in await listed(client)] == [2]
    for accept in (None, XML):
        assert (await client.ask("projects/1/versions/1", accept=accept)).status == 404


async def test_an_invalid_version_is_refused(
    client: Client, pool: Pool, subtests: pytest.Subtests
) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    await client.land(named("One"))
    cases: list[tuple[str, int, dict[str, Any], int]] = [
        ("projects/1/versions/2", 1, {}, 404),
        ("projects/1/versions/0", 1, {}, 404),
        ("projects/1/versions/99999999999", 1, {}, 404),
        ("projects/1/versions/x", 1, {}, 400),
        ("projects/1/versions/1?x=1", 1, {}, 400),
        ("projects/2/versions/1", 1, {}, 404),
        ("projects/2/versions", 1, {}, 404),
        ("projects/x/versions", 1, {}, 400),
        ("projects/1/versions?x=1", 1, {}, 400),
        ("projects/1/versions?cursor=x", 1, {}, 400),
        ("projects/1/versions?cursor=OTk5OTk5OTk5OTk5", 1, {}, 200),
        ("projects/1/versions", 1, {"scope": "projects:import"}, 403),
        ("projects/1/versions/1", 1, {"scope": "projects:import"}, 403),
        ("projects/1/versions", 2, {"clients": "*"}, 404),
        ("projects/1/versions/1", 2, {"clients": "*"}, 404),
    ]
    for path, tenant, claims, status in cases:
        with subtests.test(path=path, tenant=tenant, claims=claims):
            assert (await client.ask(path, tenant=tenant, **claims)).status == status
