"""The summary of a comparison: what a planner wants to know first, with a few examples of each."""

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from service.projects.comparison.kinds import Match

ITEMS: Final = 10
"""Most records that the summary lists of one sort."""
MAX_NAME: Final = 500
"""Most characters of a text in the summary."""


class Sort(NamedTuple):
    """One sort of change.

    Attributes:
        description: one sentence for planners; it is published.
        measure: member of an item that says how much changed; None if the first items are listed.
        fields: columns whose values an item shows.
    """

    description: str
    measure: str | None = None
    fields: tuple[str, ...] = ()


SORTS: Final = {
    "added": Sort("Tasks that only the new version has."),
    "removed": Sort("Tasks that only the old version has."),
    "slipped": Sort(
        "Tasks that finish later, the worst first. `days` are calendar days.",
        "days",
        ("start", "finish"),
    ),
    "pulled_in": Sort(
        "Tasks that finish earlier, by the most first. `days` are calendar days.",
        "days",
        ("start", "finish"),
    ),
    "milestones": Sort(
        "Milestones whose date moved, by the most first, `days` without their sign.",
        "days",
        ("start", "finish"),
    ),
    "started": Sort("Tasks that have started since.", None, ("actual_start",)),
    "finished": Sort("Tasks that have finished since.", None, ("actual_finish",)),
    "joined_critical": Sort("Tasks that have become critical.", None, ("total_float",)),
    "left_critical": Sort("Tasks that are no longer critical.", None, ("total_float",)),
    "float_lost": Sort(
        "Tasks with less total float. `hours` are working hours.", "hours", ("total_float",)
    ),
    "durations": Sort("Tasks whose duration changed.", "hours", ("duration",)),
    "links_added": Sort("Links that only the new version has."),
    "links_removed": Sort("Links that only the old version has."),
    "links_changed": Sort("Links with another lag or other attributes.", None, ("lag",)),
    "constraints": Sort(
        "Tasks whose constraint or deadline changed.",
        None,
        ("constraint_type", "constraint_date", "deadline"),
    ),
    "calendars": Sort("Calendars that were added, removed or changed."),
    "task_calendars": Sort("Tasks whose calendar changed.", None, ("calendar_id",)),
    "resources": Sort("Resources that were added, removed or changed."),
    "assignments": Sort(
        "Assignments that were added, removed or changed.", None, ("units", "work")
    ),
    "costs": Sort("Tasks whose cost changed.", "amount", ("cost",)),
    "actuals": Sort(
        "Tasks whose actual dates were changed after the fact.",
        None,
        ("actual_start", "actual_finish"),
    ),
}
"""The sorts of changes that a summary counts, in the order of a report."""

_LINKS: Final = {"added": "links_added", "removed": "links_removed", "changed": "links_changed"}
_OF_KIND: Final = {"resources": "resources", "assignments": "assignments"}


class Summary:
    """Counts the changes of a comparison. It keeps at most ``ITEMS`` records of a sort.

    Args:
        match: the key by which tasks matched first.
    """

    def __init__(self, match: Match) -> None:
        self._match = match
        self._dates: dict[str, dict[str, Any]] = {}
        self._totals: dict[str, dict[str, Any]] = {}
        self._counts = dict.fromkeys(SORTS, 0)
        self._items: dict[str, list[tuple[float, int, dict[str, Any]]]] = {
            name: [] for name in SORTS
        }

    def add_date(self, name: str, before: datetime | None, after: datetime | None) -> None:
        """Set a date of the project in both versions: ``data_date`` or ``finish``."""
        self._dates[name] = {"from": before, "to": after}

    def add_totals(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Set the cost and the work of all tasks but summaries in both versions, as texts."""
        cost, work = ([before[name], after[name]] for name in ("cost", "work"))
        costs = (None if value is None else float(value) for value in cost)
        for name, values in (("cost", costs), ("work", work)):
            self._totals[name] = dict(zip(("from", "to"), values, strict=True))

    def add_record(self, kind: str, line: bytes, facts: str | None) -> None:
        """Count a record that differs.

        Args:
            kind: kind of record.
            line: the difference, as JSON.
            facts: for a changed task, the sorts of its changes and their amounts, as JSON.
        """
        record: dict[str, Any] | None = None
        if facts is None:
            record = orjson.loads(line)
            weights: Mapping[str, float] = dict.fromkeys(_sorts(kind, record), 0)
        else:
            weights = orjson.loads(facts)
        for name, weight in weights.items():
            self._counts[name] += 1
            entry = (weight, -self._counts[name])  # of equal ones, the first is listed
            items = self._items[name]
            if len(items) < ITEMS or entry > items[0][:2]:
                record = record or orjson.loads(line)
                (heapq.heappush if len(items) < ITEMS else heapq.heapreplace)(
                    items, (*entry, _to_item(SORTS[name], record, weight))
                )

    def to_json(self) -> dict[str, Any]:
        """Return the summary for JSON."""
        finish = self._dates["finish"]
        if None not in finish.values():
            finish["days"] = round((finish["to"] - finish["from"]).total_seconds() / 86400, 2)
        else:
            finish["days"] = None
        sorts = {
            name: {
                "count": self._counts[name],
                "items": [item for *_, item in sorted(found, key=_rank)],
            }
            for name, found in self._items.items()
        }
        return {"matched_by": self._match, **self._dates, **self._totals, **sorts}


def _rank(entry: tuple[float, int, dict[str, Any]]) -> tuple[float, int]:
    return -entry[0], -entry[1]


def _sorts(kind: str, record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sorts of a change that follow from the record alone."""
    change = record["change"]
    if kind == "tasks" and change != "changed":
        yield change
    elif kind == "dependencies":
        yield _LINKS[change]
    elif kind in _OF_KIND:
        yield _OF_KIND[kind]
    elif record.get("element") == "Calendar":
        yield "calendars"


def _to_item(sort: Sort, record: Mapping[str, Any], weight: float) -> dict[str, Any]:
    item = {
        name: value[:MAX_NAME] if isinstance(value, str) else value
        for name, value in record.items()
        if name not in ("fields", "attributes")
    }
    fields = record.get("fields", {})
    item["fields"] = {name: fields[name] for name in sort.fields if name in fields}
    if sort.measure is not None:
        item[sort.measure] = weight
    return item
