"""Ids of tasks as the key of a comparison: they match the same tasks as codes and GUIDs."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from service.projects.comparison.keys import same_ids
from service.projects.comparison.kinds import Basis, Match
from service.projects.comparison.queries import SQL, differences
from service.storage import Pool
from tests.support import p6_files as p6
from tests.support.client import Client
from tests.support.native import native

KINDS = ("tasks", "dependencies", "assignments")
PLANS = 150
_ATTRIBUTES = ("code", "guid", "wbs", "parent", "name")


def random_versions(number: int) -> tuple[str, str]:
    """Two versions of a small plan. A few ids, codes, GUIDs and parents were changed by chance."""
    random = Random(number)
    tasks = [random_task(random, place) for place in range(6)]
    old = build_plan(number, tasks)
    for _ in range(random.randrange(4)):
        place = random.randrange(6)
        match random.randrange(4):
            case 0:
                tasks[place] = random_task(random, place)
            case 1:
                tasks[place] = random_task(random, place) | {"id": f"{place + 6}"}
            case 2:
                tasks[place]["id"] = f"{random.randrange(12)}"
            case _:
                name, other = random.choice(_ATTRIBUTES), random.randrange(6)
                task = random_task(random, place) if other < place else tasks[other]
                tasks[place][name], task[name] = task[name], tasks[place][name]
    return old, build_plan(number, tasks)


def random_task(random: Random, place: int) -> dict[str, str]:
    is_element = place < 3
    return {
        "id": str(place),
        "kind": "wbs" if is_element else "activity",
        "code": "" if is_element else f"A{random.choice((place, place, 1))}",
        "guid": random.choice(("", f"G{place}", "G1")),
        "wbs": random.choice((f"W{place}", "W")) if is_element else "",
        "parent": str(random.randrange(place)) if is_element and place else "",
        "name": random.choice("xy"),
    }


def build_plan(number: int, tasks: list[dict[str, str]]) -> str:
    """A plan of the tasks. Ids that occur twice, and parents that do not exist, are left out."""
    kept = {(task["kind"], task["id"]): task for task in reversed(tasks)}
    elements = {key for kind, key in kept if kind == "wbs"}
    rows = []
    for task in kept.values():
        named = {name: task[name] for name in ("id", "kind", "code", "guid", "wbs") if task[name]}
        if task["parent"] in elements - {task["id"]} and task["parent"] < task["id"]:
            named["parent"] = task["parent"]
        attributes = " ".join(f'{name}="{value}"' for name, value in named.items())
        rows.append(f"<task {attributes}><name>{task['name']}</name></task>")
    ids = [key for _, key in kept]
    links = "".join(
        f'<dependency predecessor="{one}" successor="{two}"/>'
        for one, two in pairwise(ids)
        if one != two
    )
    work = "".join(f'<assignment task="{key}" units="1"/>' for key in ids)
    return (
        f'<project id="P{number}"><name>Plan</name><tasks>{"".join(rows)}</tasks>'
        f"<dependencies>{links}</dependencies><assignments>{work}</assignments></project>"
    )


async def test_ids_match_the_same_tasks_as_other_keys(client: Client, pool: Pool) -> None:
    versions = [random_versions(number) for number in range(PLANS)]
    for side in (0, 1):
        outcomes = await client.land(native(*(pair[side] for pair in versions)))
        assert {each["outcome"] for each in outcomes} <= {"created", "updated", "unchanged"}
    found: Counter[bool] = Counter()
    projects = await pool.fetch("SELECT project_id FROM projects WHERE version = 2")
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(SQL.settings)
        for project in projects:
            values = (1, project["project_id"], 1, 2)
            for match in (Match.CODE, Match.GUID):
                basis = Basis(match)
                agree = await conn.fetchval(same_ids(basis), *values)
                found[agree] += 1
                if not agree:
                    continue
                for kind in KINDS:
                    lines = [
                        await conn.fetch(differences(kind, each), *values)
                        for each in (basis, basis._replace(same_ids=True))
                    ]
                    assert lines[0] == lines[1], (project, kind)
    assert min(found[True], found[False]) > PLANS // 10, found


SITE = p6.wbs(10, Name="Site", Code="S")
DIG = p6.activity(20, Id="A1", Name="Dig", WBSObjectId=10)
FILL = p6.activity(21, Id="A2", Name="Fill", WBSObjectId=10)
GUID = "{9A1B0000-0000-0000-0000-000000000001}"
SAME = {
    "renamed": [SITE, FILL, p6.activity(20, Id="A1", Name="Dig deep", WBSObjectId=10)],
    "removed": [SITE, DIG],
    "added": [SITE, DIG, FILL, p6.activity(22, Id="A3", Name="Pave")],
}
OTHER = {
    "renumbered": [SITE, FILL, p6.activity(20, Id="A9", Name="Dig", WBSObjectId=10)],
    "GUID added": [SITE, FILL, p6.activity(20, Id="A1", GUID=GUID, Name="Dig", WBSObjectId=10)],
    "created again": [SITE, FILL, p6.activity(23, Id="A1", Name="Dig", WBSObjectId=10)],
    "id of another kind": [SITE, FILL, p6.wbs(20, Name="Dig", Code="D")],
    "shared id": [
        *(SITE, DIG, FILL),
        p6.wbs(30, Name="Yard", Code="Y"),
        p6.activity(30, Id="A4", Name="Pave", WBSObjectId=30),
    ],
}


@pytest.mark.parametrize("change", [*SAME, *OTHER])
async def test_an_id_means_the_same_only_with_the_same_keys(
    client: Client, pool: Pool, change: str
) -> None:
    old, new = [SITE, DIG, FILL], {**SAME, **OTHER}[change]
    for records in (old, new, old):
        await client.land(p6.file(p6.project(*records)))
    query = same_ids(Basis(Match.CODE, codes=True))
    for versions in ((1, 2), (2, 3)):
        assert await pool.fetchval(query, 1, 1, *versions) is (change in SAME)
