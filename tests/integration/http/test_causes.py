"""Failures and warnings of an import, grouped by their causes."""

from typing import Any

import pytest

from service.http.routes import causes, results
from service.imports.cause_groups import EXAMPLES
from tests.support.native import native_file
from tests.support.raw_http import form, get, part, upload
from tests.support.service import Service

IMPORT = "/api/v2/clients/1/imports/1"
ONE_OF = "is not one of activity, wbs"


def plan(number: int, *tasks: str) -> str:
    return (
        f'<project id="P-{number}"><name>{number}</name><tasks>{"".join(tasks)}</tasks></project>\n'
    )


def task(number: int, kind: str = "wbs", more: str = "") -> str:
    return f'<task id="T{number}" kind="{kind}"{more}><name>t</name></task>'


async def read(service: Service, query: str = "") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the groups of all pages, and the last page."""
    path: str | None = f"{IMPORT}/causes?{query}"
    groups: list[dict[str, Any]] = []
    while path is not None:
        details = (await get(service, path)).json["details"]
        groups += details["causes"]
        path = details["next"]
    return groups, details


def totals(groups: list[dict[str, Any]]) -> dict[tuple[Any, ...], int]:
    """Return the number of projects and files by cause."""
    found: dict[tuple[Any, ...], int] = {}
    for each in groups:
        key = each["error"], each["element"], each["reason"]
        found[key] = found.get(key, 0) + each["projects"] + each["files"]
    return found


FILE = native_file(
    *(
        plan(n, task(1, f"banana-{n}"), task(2, "pear"), task(3, more=' hue="red"'))
        for n in range(9)
    ),
    *(plan(n, task(1, "fig")) for n in range(9, 12)),
    plan(12, task(1)),
    *(plan(n, *(task(i, "x") for i in range(25))) for n in (20, 21)),
)
EXPECTED = {
    ("VALIDATION_ERROR", "kind", ONE_OF): 14,
    ("VALIDATION_ERROR", "hue", "is an attribute that is not known here"): 9,
    ("UNSUPPORTED_FILE", None, "the file is a PDF document, neither XML nor XER"): 1,
}


async def send_failures(service: Service) -> None:
    names = [part("file", FILE, filename="a.xml"), part("file", b"%PDF-1.4", filename="b.xml")]
    assert (await upload(service, form(*names))).status == 207


async def test_failures_with_one_cause_are_one_group(service: Service) -> None:
    await send_failures(service)
    groups, page = await read(service)
    assert totals(groups) == EXPECTED
    first = groups[0]
    assert first["times"] == 2 * 9 + 3 + 2 * 20
    assert len(first["examples"]) == EXAMPLES
    assert first["remedy"] == 'In kind, write one of activity, wbs instead of "banana-0".'
    assert first["examples"][1] == {
        "index": 1,
        "external_id": "P-1",
        "name": "1",
        "file": "a.xml",
        "line": 2,
        "value": "banana-1",
    }
    assert page["unlisted"] == 2 * 5
    warnings, _ = await read(service, "of=warnings")
    assert warnings == []


async def test_pages_of_causes_add_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await send_failures(service)
    for names in ({"EXAMINED": 4, "_STEP": 2}, {"SPAN": 3}, {"GROUPS": 1, "_STEP": 1}):
        with monkeypatch.context() as patch:
            for name, value in names.items():
                patch.setattr(causes, name, value)
            groups, _ = await read(service)
        assert totals(groups) == EXPECTED
        assert len(groups) > len(EXPECTED)


async def test_the_results_of_a_cause_are_its_projects(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_failures(service)
    monkeypatch.setattr(results, "_STEP", 2)
    monkeypatch.setattr(results, "EXAMINED", 4)
    for group in (await read(service))[0]:
        path: str | None = f"{IMPORT}/results?limit=3&cause={group['cause']}"
        indexes = []
        while path is not None:
            details = (await get(service, path)).json["details"]
            indexes += [item["index"] for item in details["results"]]
            path = details["next"]
        assert len(set(indexes)) == len(indexes) == group["projects"] + group["files"]
        csv = await get(service, f"{IMPORT}/results?cause={group['cause']}", "Accept: text/csv")
        assert csv.body.count(b"\r\n") == 1 + len(indexes)
    unknown = await get(service, f"{IMPORT}/results?cause=NEW_CODE-0123456789ab")
    assert unknown.json["details"] == {"results": [], "complete": True, "next": None}
    assert (await get(service, f"{IMPORT}/results?cause=x")).status == 400


async def test_warnings_are_grouped_by_code_and_element(service: Service) -> None:
    dates = "<start>2026-01-06T08:00:00</start><finish>2026-01-05T08:00:00</finish>"
    late = [f'<task id="L{n}"><name>t</name>{dates}</task>' for n in range(12)]
    plans = (plan(1, late[0]), plan(2, task(1)), plan(3, *late), plan(4, task(1, "fig")))
    await upload(service, form(part("file", native_file(*plans))))
    [group], page = await read(service, "of=warnings")
    code = "FINISH_BEFORE_START"
    assert (group["warning"], group["error"], group["element"]) == (code, None, "finish")
    assert (group["projects"], group["times"], page["unlisted"]) == (2, 11, 2)
    assert group["remedy"] == "Check the dates."
    found = await get(service, f"{IMPORT}/results?cause={group['cause']}")
    assert [item["index"] for item in found.json["details"]["results"]] == [0, 2]
