"""Prints the summary of a comparison in plain words."""

from collections.abc import Mapping
from typing import Any, Final

from service.cli.output import print_line

_SORTS: Final = {
    "slipped": ("task slipped", "tasks slipped"),
    "pulled_in": ("task pulled in", "tasks pulled in"),
    "milestones": ("milestone moved", "milestones moved"),
    "added": ("task added", "tasks added"),
    "removed": ("task removed", "tasks removed"),
    "started": ("task started", "tasks started"),
    "finished": ("task finished", "tasks finished"),
    "joined_critical": ("task became critical", "tasks became critical"),
    "left_critical": ("task is no longer critical", "tasks are no longer critical"),
    "float_lost": ("task lost float", "tasks lost float"),
    "durations": ("duration changed", "durations changed"),
    "links_added": ("link added", "links added"),
    "links_removed": ("link removed", "links removed"),
    "links_changed": ("link changed", "links changed"),
    "constraints": (
        "constraint or deadline changed",
        "constraints or deadlines changed",
    ),
    "calendars": ("calendar differs", "calendars differ"),
    "task_calendars": ("calendar of a task changed", "calendars of tasks changed"),
    "resources": ("resource differs", "resources differ"),
    "assignments": ("assignment differs", "assignments differ"),
    "costs": ("cost changed", "costs changed"),
    "actuals": (
        "actual date was changed after the fact",
        "tasks had actual dates changed after the fact",
    ),
}
"""What is printed of each sort of change, in order: of one record, and of several."""


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print the summary: dates of the project, then each sort of change with examples.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: the summary is not one of the service.
    """
    _print_date("Finish", summary["finish"])
    _print_date("Data date", summary["data_date"])
    unchanged = True
    for name, (one, several) in _SORTS.items():
        count, items = int(summary[name]["count"]), summary[name]["items"]
        if not count:
            continue
        unchanged = False
        print_line(f"{count} {one if count == 1 else several}:")
        for item in items:
            print_line(f"    {_describe(name, item)}")
        if count > len(items):
            print_line(f"    and {count - len(items)} more")
    if unchanged:
        print_line("Nothing changed that a summary states.")


def _print_date(label: str, dates: Mapping[str, Any]) -> None:
    old, new = dates["from"], dates["to"]
    if old is None and new is None:
        return
    text = f"{label}: {_value(old)} -> {_value(new)}" if old != new else f"{label}: {_value(new)}"
    days = dates.get("days")
    if days:
        text += f", {_amount(abs(days), 'day')} {'later' if days > 0 else 'earlier'}"
    print_line(text)


def _describe(name: str, item: Mapping[str, Any]) -> str:
    """Return one line about a record: what it is, how much it changed, and its values."""
    parts = [_identify(name, item)]
    if name in ("calendars", "resources", "assignments"):
        parts.append(item["change"])
    if "days" in item:
        parts.append(_amount(item["days"], "day"))
    if "hours" in item:
        parts.append(_amount(item["hours"], "hour"))
    fields = item["fields"]
    for field, values in fields.items():
        label = "" if len(fields) == 1 else f"{field.replace('_', ' ')} "
        parts.append(f"{label}{_value(values['from'])} -> {_value(values['to'])}")
    return ", ".join(parts)


def _identify(name: str, item: Mapping[str, Any]) -> str:
    if name.startswith("links_"):
        first, second = _end(item, "predecessor"), _end(item, "successor")
        return f"{first} -> {second} ({item['type']})"
    if name == "assignments":
        resource = item.get("resource_name") or item.get("resource_id") or "no resource"
        return f"{resource} on {_end(item, 'task')}"
    known = (item.get("code"), item.get("name"))
    ids = (item.get("task_id"), item.get("resource_id"), item.get("object_id"))
    return " ".join(str(each) for each in known if each) or str(
        next((each for each in ids if each), item.get("element"))
    )


def _end(item: Mapping[str, Any], end: str) -> str:
    known = (item.get(f"{end}_code"), item.get(f"{end}_name"))
    return " ".join(str(each) for each in known if each) or str(item[f"{end}_id"])


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value)
    is_date = len(text) == len("2026-01-05T08:00:00") and text[10] == "T"
    return f"{text[:10]} {text[11:16]}" if is_date else text


def _amount(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
