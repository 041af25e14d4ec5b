"""The option `if_newer`: a file that is older than the stored version does not overwrite it."""

from typing import Any

import aiohttp
import pytest

from tests.support import p6_files
from tests.support.client import Client
from tests.support.native import native_file
from tests.support.raw_http import form, get, part
from tests.support.service import Service
from tests.support.uploads import read_outcomes, send, undo

OPTION = "if_newer=true"
GUID = "6f1b6a5e-0000-0000-0000-000000000001"


def mspdi(name: str, saved: str | None) -> bytes:
    """Return an upload of a plan of Microsoft Project."""
    stamp = "" if saved is None else f"<LastSaved>{saved}</LastSaved>"
    return form(
        part(
            "file",
            f'<Project xmlns="http://schemas.microsoft.com/project"><Name>{name}</Name>'
            f"<GUID>{GUID}</GUID>{stamp}</Project>".encode(),
        )
    )


def at(hour: int) -> str:
    return f"2026-01-05T{hour:02}:00:00"


def p6(name: str, *dates: str) -> bytes:
    content = f"<Id>{GUID}</Id><Name>{name}</Name>" + "".join(dates)
    return form(part("file", p6_files.file(f"<Project>{content}</Project>").encode()))


def data_date(hour: int) -> str:
    return f"<DataDate>{at(hour)}</DataDate>"


def updated(hour: int) -> str:
    return f"<LastUpdateDate>{at(hour)}</LastUpdateDate>"


async def outcome(service: Service, body: bytes, query: str = OPTION) -> dict[str, Any]:
    """Send one project, and return its outcome."""
    answer = await send(service, body, query)
    if answer.status == 409:
        return dict(answer.json["errors"][0])
    details = answer.json["details"]
    return dict((details["successes"] + details["errors"])[0])


async def test_an_older_file_is_refused_and_changes_nothing(service: Service) -> None:
    assert (await outcome(service, mspdi("A", at(10))))["outcome"] == "created"
    old = await outcome(service, mspdi("B", at(9)))
    assert {name: old[name] for name in ("error", "code", "retryable", "current_version")} == {
        "error": "STORED_IS_NEWER",
        "code": 409,
        "retryable": False,
        "current_version": 1,
    }
    assert (old["dated_by"], old["file_date"], old["stored_date"]) == ("LastSaved", at(9), at(10))
    assert at(9) in old["message"]
    assert at(10) in old["message"]
    answer = await send(service, mspdi("B", at(9)), f"{OPTION}&atomic=true")
    assert (answer.status, answer.json["details"]) == (409, "Version conflict")
    dry = await outcome(service, mspdi("B", at(9)), f"{OPTION}&dry_run=true")
    assert dry["error"] == "STORED_IS_NEWER"
    # Equal content is unchanged at any age, and a file of the same time is not older.
    assert (await outcome(service, mspdi("A", at(8))))["outcome"] == "unchanged"
    same = await outcome(service, mspdi("C", at(10)))
    assert (same["outcome"], same["version"]) == ("updated", 2)
    assert same["warnings"]["count"] == 0
    assert (await outcome(service, mspdi("B", at(9)), ""))["outcome"] == "updated"


@pytest.mark.parametrize("atomic", ["", "&atomic=true"])
async def test_an_unchanged_file_that_is_newer_counts_from_then_on(
    service: Service, atomic: str
) -> None:
    first = await send(service, mspdi("A", at(10)))
    await send(service, mspdi("A", at(15)), f"{OPTION}&dry_run=true")
    assert (await outcome(service, mspdi("A", at(14)), OPTION + atomic))["outcome"] == "unchanged"
    assert (await outcome(service, mspdi("A", at(11)), OPTION + atomic))["outcome"] == "unchanged"
    between = await outcome(service, mspdi("B", at(12)))
    assert (between["error"], between["stored_date"]) == ("STORED_IS_NEWER", at(14))
    # The dates of the unchanged file belong to the version that it found.
    second = await send(service, mspdi("B", at(16)), OPTION)
    assert read_outcomes(await undo(service, second.json["import_id"])) == {GUID: "updated"}
    assert (await outcome(service, mspdi("B", at(9))))["stored_date"] == at(10)
    assert first.json["counts"]["created"] == 1


async def test_archiving_and_restoring_keep_the_dates_that_count(service: Service) -> None:
    await outcome(service, mspdi("A", at(10)))
    assert (await outcome(service, mspdi("A", at(14))))["outcome"] == "unchanged"
    for path, method in (("projects/1", "DELETE"), ("projects/1/restore", "POST")):
        async with aiohttp.ClientSession() as http:
            assert (await Client(http, service).ask(path, method)).status == 200
        assert (await outcome(service, mspdi("B", at(12)))).get("stored_date") == at(14)


async def test_the_data_date_of_p6_counts_before_the_last_update(service: Service) -> None:
    assert (await outcome(service, p6("A", data_date(10), updated(10))))["outcome"] == "created"
    old = await outcome(service, p6("B", data_date(9), updated(20)))
    assert (old["error"], old["dated_by"]) == ("STORED_IS_NEWER", "DataDate")
    old = await outcome(service, p6("B", data_date(10), updated(9)))
    assert (old["error"], old["dated_by"]) == ("STORED_IS_NEWER", "LastUpdateDate")
    assert (await outcome(service, p6("B", data_date(11), updated(1))))["outcome"] == "updated"
    # What only one of the two has does not count.
    assert (await outcome(service, p6("C", updated(0))))["error"] == "STORED_IS_NEWER"
    assert (await outcome(service, p6("C", data_date(12))))["outcome"] == "updated"


async def test_a_plan_of_unknown_age_is_imported_with_a_warning(service: Service) -> None:
    def codes(found: dict[str, Any]) -> list[str]:
        assert found["outcome"] == "updated"
        return [each["code"] for each in found["warnings"]["first"]]

    await send(service, mspdi("A", None))
    assert codes(await outcome(service, mspdi("B", at(10)))) == ["AGE_UNKNOWN"]
    assert codes(await outcome(service, mspdi("C", "soon"))) == ["AGE_UNKNOWN"]
    assert codes(await outcome(service, mspdi("C2", "soon"), "")) == []
    other = form(part("file", native_file(f'<project id="{GUID}"><name>D</name></project>')))
    assert codes(await outcome(service, other)) == ["DIALECT_CHANGED", "AGE_UNKNOWN"]
    await send(service, mspdi("E", at(9)))
    large = f"G</Name><Subject>{'x' * 70_000}</Subject><Name>"
    assert codes(await outcome(service, mspdi(large, at(10)))) == ["AGE_UNKNOWN"]
    # Once a newer file has confirmed the content, the age is known.
    await send(service, mspdi("E", None))
    assert (await outcome(service, mspdi("E", at(10))))["outcome"] == "unchanged"
    assert (await outcome(service, mspdi("F", at(9))))["error"] == "STORED_IS_NEWER"


async def test_an_exported_plan_keeps_its_age(service: Service) -> None:
    created = await outcome(service, mspdi("A", at(10)))
    path = f"/api/v2/clients/1/projects/{created['project_id']}"
    exported = await get(service, path, "Accept: application/xml")
    edited = exported.body.replace(b"<name>A</name>", b"<name>B</name>")
    edited = edited.replace(b' version="1"', b"").replace(at(10).encode(), at(9).encode())
    assert (await outcome(service, form(part("file", edited))))["error"] == "STORED_IS_NEWER"
