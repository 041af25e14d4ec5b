"""Links between projects resolve as soon as both are there, whichever came first."""

from datetime import timedelta

import pytest

from service.storage import Pool
from tests.support.p6_files import activity, file, project
from tests.support.plan_views import element, import_plans, mspdi, select
from tests.support.service import Service

COLUMNS = (
    "project_id, predecessor_project, predecessor_external_id, predecessor_id,"
    " successor_project, successor_external_id, successor_id, type, lag"
)


def relationship(own: int, other: int) -> str:
    return element(
        "Relationship",
        PredecessorActivityObjectId=501,
        PredecessorProjectObjectId=other,
        SuccessorActivityObjectId=301,
        SuccessorProjectObjectId=own,
        Type="Start to Start",
        Lag=16,
    )


def p6(number: int, *content: str) -> str:
    return file(project(f"<ObjectId>{number}</ObjectId>", *content, id=f"P-{number}"))


HERE = p6(1, activity(301), relationship(1, 2))
THERE = p6(2, activity(501))


@pytest.mark.parametrize("first", [True, False])
async def test_a_link_of_p6_resolves_in_both_orders(
    service: Service, pool: Pool, first: bool
) -> None:
    files = (HERE, THERE) if first else (THERE, HERE)
    ids = await import_plans(service, *files)
    here, there = ids if first else reversed(ids)
    [shown] = await select(pool, COLUMNS, "current_external_dependencies")
    expected = (here, there, "P-2", "501", here, None, "301", "SS", timedelta(hours=16))
    assert shown == expected


async def test_a_link_is_unresolved_without_the_other_project(service: Service, pool: Pool) -> None:
    [here] = await import_plans(service, HERE)
    [shown] = await select(
        pool, f"{COLUMNS}, predecessor_reference", "current_external_dependencies"
    )
    assert shown[1:5] == (None, None, "501", here)
    assert shown[-1] == "2"


async def test_a_link_is_unresolved_if_two_projects_fit(service: Service, pool: Pool) -> None:
    twin = file(project("<ObjectId>2</ObjectId>", id="P-3"))
    await import_plans(service, HERE, THERE, twin)
    [shown] = await select(pool, COLUMNS, "current_external_dependencies")
    assert shown[1:3] == (None, None)


async def test_a_link_follows_the_current_version_of_the_other_project(
    service: Service, pool: Pool
) -> None:
    moved = THERE.replace("<ObjectId>2</ObjectId>", "<ObjectId>3</ObjectId>")
    await import_plans(service, HERE, THERE, moved)
    [shown] = await select(pool, COLUMNS, "current_external_dependencies")
    assert shown[1:3] == (None, None)


async def test_a_link_does_not_resolve_to_an_archived_project(service: Service, pool: Pool) -> None:
    twin = file(project("<ObjectId>2</ObjectId>", id="P-3"))
    _, _, archived = await import_plans(service, HERE, THERE, twin)
    await pool.execute(
        "UPDATE projects SET archived_at = now() WHERE client_id = 1 AND project_id = $1", archived
    )
    [shown] = await select(pool, COLUMNS, "current_external_dependencies")
    assert shown[2] == "P-2"


async def test_a_link_of_another_client_does_not_resolve(service: Service, pool: Pool) -> None:
    await import_plans(service, HERE, THERE)
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    for table in ("projects", "project_versions"):
        await pool.execute(f"UPDATE {table} SET client_id = 2 WHERE project_id = 2")
    [shown] = await select(pool, COLUMNS, "current_external_dependencies")
    assert shown[1:3] == (None, None)


def link(uid: int, path: str) -> str:
    return element(
        "PredecessorLink", PredecessorUID=uid, Type=1, CrossProject=1, CrossProjectName=path
    )


def task(uid: int, *content: str, **fields: object) -> str:
    return element("Task", f"<UID>{uid}</UID><Name>T{uid}</Name>", *content, **fields)


@pytest.mark.parametrize("first", [True, False])
async def test_a_link_of_project_resolves_by_the_name_of_the_file(
    service: Service, pool: Pool, first: bool
) -> None:
    path = r"C:\Plans\Supply.MPP\7"
    here = mspdi(element("Tasks", task(1, link(99, path))), name="Site.mpp")
    there = mspdi(element("Tasks", task(7)), name="supply.xml")
    files = (here, there) if first else (there, here)
    ids = await import_plans(service, *files)
    own, other = ids if first else reversed(ids)
    [shown] = await select(pool, COLUMNS, "current_external_dependencies")
    assert shown == (own, other, "supply.xml", "7", own, None, "1", "FS", timedelta())


async def test_a_link_of_project_to_a_stand_in_resolves(service: Service, pool: Pool) -> None:
    """Project adds a row for the task elsewhere, as predecessor or as successor."""
    before, after = r"C:\Plans\Supply.mpp\7", r"C:\Plans\Handover.mpp\2"
    tasks = element(
        "Tasks",
        task(1, link(3, before)),
        task(3, ExternalTask=1, ExternalTaskProject=before),
        task(
            4,
            element("PredecessorLink", PredecessorUID=1, Type=1, LinkLag=600),
            ExternalTask=1,
            ExternalTaskProject=after,
        ),
    )
    own, supply, handover = await import_plans(
        service, mspdi(tasks, name="Site.mpp"), mspdi(name="Supply.mpp"), mspdi(name="Handover.mpp")
    )
    shown = await select(pool, COLUMNS, "current_external_dependencies", "ORDER BY predecessor_id")
    assert shown == [
        (own, own, None, "1", handover, "Handover.mpp", "2", "FS", timedelta(hours=1)),
        (own, supply, "Supply.mpp", "7", own, None, "1", "FS", timedelta()),
    ]


async def test_a_broken_link_within_a_project_is_not_external(service: Service, pool: Pool) -> None:
    await import_plans(service, p6(1, activity(301), relationship(1, 1)))
    assert await select(pool, COLUMNS, "current_external_dependencies") == []
