"""Where a stored project and the independent reader's finding differ."""

from collections import Counter
from decimal import Decimal
from typing import Any, NamedTuple

from tests.integration.real.stored import Stored, level, minute


class Difference(NamedTuple):
    """What differs: which field of which record, here and there."""

    field: str
    record: str
    here: Any
    there: Any

    @property
    def computed(self) -> bool:
        """The file has no such value: the independent reader computed one."""
        return self.here is None and self.there is not None


def differences(dialect: str, here: Stored, there: dict[str, Any]) -> list[Difference]:
    found: list[Difference] = []

    def compare(field: str, record: str, ours: Any, theirs: Any) -> None:
        if ours != theirs:
            found.append(Difference(field, record, ours, theirs))

    project = here.project
    name = project["external_id"]
    guid = there["guid"] and there["guid"].casefold()
    identity = there["id"] if dialect == "p6" else guid or there["name"]
    compare("project id", name, name, identity)
    compare("project name", name, project["name"], there["name"] or there["title"])
    compare("project start", name, minute(project["start"]), there["start"])
    compare("project finish", name, minute(project["finish"]), there["finish"])
    tasks = {task[0]: task[1:] for task in there["tasks"]}
    compare("task ids", name, set(here.tasks), set(tasks))
    for uid in here.tasks.keys() & tasks.keys():
        _compare_task(dialect, here, uid, tasks[uid], compare)
    relations = Counter(tuple(link) for link in there["relations"])
    compare("relations", name, here.relations, relations)
    assignments = Counter(tuple(given) for given in there["assignments"])
    compare("assignments", name, here.assignments, assignments)
    if "resources" in there:
        resources = {uid: (called, kind.lower()) for uid, called, kind in there["resources"]}
        compare("resources", name, here.resources, resources)
    return found


def _compare_task(dialect: str, here: Stored, uid: str, there: list[Any], compare: Any) -> None:
    task = here.tasks[uid]
    name, start, finish, milestone, summary, percent, outline, _wbs = there
    compare("task name", uid, task["name"], name)
    compare("task start", uid, minute(task["start"]), start)
    compare("task finish", uid, minute(task["finish"]), finish)
    compare("task milestone", uid, task["milestone"], milestone)
    compare("task summary", uid, task["summary"], summary)
    if dialect == "mspdi":
        compare("task percent", uid, task["percent_complete"], Decimal(percent))
        compare("task level", uid, level(task, here.tasks), int(outline))
