"""Importing the native export of a project leaves the project unchanged."""

from collections import Counter

import pytest
from hypothesis import given
from lxml import etree

from tests.support.client import Client
from tests.support.fuzzing import examples
from tests.support.native import native
from tests.support.native_files import files
from tests.support.paths import CHECKOUT
from tests.support.real.files import FILES

SCHEMA = etree.XMLSchema(etree.parse(CHECKOUT / "service/formats/native/schema.xsd"))


@pytest.mark.once
async def test_importing_the_export_of_a_real_project_is_unchanged(client: Client) -> None:
    outcomes: Counter[str] = Counter()
    for file in FILES:
        for landed in await client.land(file.content):
            written = await client.export(landed["project_id"])
            SCHEMA.assertValid(etree.fromstring(written))
            [again] = await client.land(written)
            assert again["project_id"] == landed["project_id"]
            outcomes[again["outcome"]] += 1
    assert set(outcomes) == {"unchanged"}
    print(len(FILES), "files;", dict(outcomes))


@given(file=files())
@examples(50)
async def test_importing_the_export_of_a_generated_project_is_unchanged(
    client: Client, file: bytes
) -> None:
    for landed in await client.land(file):
        written = await client.export(landed["project_id"])
        SCHEMA.assertValid(etree.fromstring(written))
        [again] = await client.land(written)
        assert again["outcome"] == "unchanged"


async def test_an_edited_export_is_imported_and_an_outdated_one_refused(client: Client) -> None:
    task = '<task id="T1"><name>Dig</name></task>'
    file = native(f'<project id="P"><name>One</name><tasks>{task}</tasks></project>')
    [created] = await client.land(file)
    assert (created["outcome"], created["version"]) == ("created", 1)

    old = await client.export(created["project_id"])
    [updated] = await client.land(old.replace(b"Dig", b"Excavate"))
    assert (updated["outcome"], updated["version"]) == ("updated", 2)

    answer = await client.post(old.replace(b"Dig", b"Blast"))
    assert (answer.status, answer.details) == (409, "Version conflict")
    [refused] = answer.json["errors"]
    assert (refused["error"], refused["expected_version"], refused["current_version"]) == (
        "VERSION_CONFLICT",
        1,
        2,
    )

    new = await client.export(created["project_id"])
    assert b"Excavate" in new
    [updated] = await client.land(new.replace(b"Excavate", b"Blast"))
    assert (updated["outcome"], updated["version"]) == ("updated", 3)


@pytest.mark.parametrize("source", ["p6", "mspdi"])
async def test_an_export_keeps_the_source_of_the_project(client: Client, source: str) -> None:
    file = next(one for one in FILES if one.dialect == source)
    landed = (await client.land(file.content))[0]
    project = etree.fromstring(await client.export(landed["project_id"]))[0]
    assert (project.get("source"), project.get("version")) == (source, "1")
    assert project.get("id") == landed["external_id"]
