"""The sample generator: valid, deterministic, of any size."""

import hashlib
import tracemalloc
from collections import Counter
from itertools import islice

import pytest
from lxml import etree

from service import samples
from service.samples.plan import Plan
from tests.support.paths import CHECKOUT

DIALECTS = sorted(samples.WRITERS)
XML = [each for each in DIALECTS if each != "xer"]
FILES = {"native": "native.xml", "mspdi": "mspdi.xml", "p6": "p6.xml", "xer": "p6.xer"}


def document(dialect: str, projects: int, tasks: int, seed: int = 1) -> etree._Element:
    return etree.fromstring("".join(samples.write_sample(dialect, projects, tasks, seed)).encode())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_shipped_samples_match_the_generator(dialect: str) -> None:
    shipped = (CHECKOUT / "samples" / FILES[dialect]).read_bytes().decode()
    assert shipped == "".join(samples.write_sample(dialect, 3, 12, 1))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_another_seed_generates_other_projects(dialect: str) -> None:
    one, other = (
        hashlib.sha256("".join(samples.write_sample(dialect, 2, 10, seed)).encode()).digest()
        for seed in (1, 2)
    )
    assert one != other


@pytest.mark.parametrize("tasks", [0, 1, 5, 6, 7, 10, 25, 1001])
@pytest.mark.parametrize("dialect", XML)
def test_a_sample_has_the_requested_number_of_tasks(dialect: str, tasks: int) -> None:
    found = Counter(
        etree.QName(node).localname for node in document(dialect, 2, tasks).iter("{*}*")
    )
    counted = {"native": ("task",), "mspdi": ("Task",), "p6": ("WBS", "Activity")}[dialect]
    assert sum(found[name] for name in counted) == 2 * tasks
    assert found["project"] + found["Project"] == 2


@pytest.mark.parametrize("tasks", [0, 1, 7, 1001])
def test_the_xer_sample_has_the_records_of_the_p6_sample(tasks: int) -> None:
    rows, elements = Counter[str](), Counter[str]()
    table = ""
    for line in "".join(samples.write_sample("xer", 2, tasks, 1)).splitlines():
        mark, _, rest = line.partition("\t")
        table = rest if mark == "%T" else table
        rows[table] += mark == "%R"
    elements.update(etree.QName(node).localname for node in document("p6", 2, tasks).iter("{*}*"))
    assert rows["PROJWBS"] == elements["WBS"] + 2  # the roots are the projects
    for name, element in (
        ("PROJECT", "Project"),
        ("TASK", "Activity"),
        ("TASKPRED", "Relationship"),
        ("TASKRSRC", "ResourceAssignment"),
        ("TASKACTV", "ValueObjectId"),
        ("UDFVALUE", "UDF"),
        ("TASKMEMO", "ActivityNote"),
        ("WBSMEMO", "ProjectNote"),
        ("RSRC", "Resource"),
    ):
        assert rows[name] == elements[element], name


@pytest.mark.parametrize("tasks", [0, 1, 7, 40])
def test_native_samples_validate_against_the_schema(tasks: int) -> None:
    schema = etree.XMLSchema(etree.parse(CHECKOUT / "service/formats/native/schema.xsd"))
    schema.assertValid(document("native", 3, tasks))


@pytest.mark.parametrize("tasks", [1, 6, 10, 99])
def test_generated_plans_are_consistent(tasks: int) -> None:
    plan = Plan(1, 1, tasks)
    by_place = {task.place: task for task in plan.tasks()}
    assert sorted(by_place) == [*range(tasks)]
    for task in by_place.values():
        assert task.start <= task.finish
        assert plan.start <= task.start
        assert task.finish <= plan.finish
        assert task.start.weekday() < 5
        if task.parent is not None:
            parent = by_place[task.parent]
            assert parent.summary
            assert parent.level == task.level - 1
            assert parent.start <= task.start
            assert task.finish <= parent.finish
    for link in plan.links():
        before, after = by_place[link.predecessor], by_place[link.successor]
        assert not before.summary
        assert not after.summary
        assert link.type == "SS" or before.finish <= after.start
    assert {given.resource for given in plan.assignments()} <= {r.place for r in plan.resources}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_generating_a_large_project_needs_little_memory(dialect: str) -> None:
    pieces = samples.write_sample(dialect, 1, 1_000_000, 1)
    tracemalloc.start()
    for _ in islice(pieces, 3000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
