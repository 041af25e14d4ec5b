"""Listing projects: pages, filters and changes."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from service.model import MAX_LISTED_NAME
from service.projects import listing
from service.storage import Pool
from tests.support.client import Client
from tests.support.native import native


def project(external_id: str, name: str = "A plan", inside: str = "", **attributes: str) -> str:
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<project id="{external_id}"{more}><name>{name}</name>{inside}</project>'


async def ids(client: Client, **query: Any) -> list[str]:
    """External ids of the whole list, by pages of 100."""
    return [item["external_id"] for item in (await whole(client, **query))[0]]


async def whole(client: Client, **query: Any) -> tuple[list[dict[str, Any]], str | None]:
    """All items of a list, page after page, and its watermark."""
    path: str | None = f"projects?{urlencode(query)}"
    items: list[dict[str, Any]] = []
    marks: set[str | None] = set()
    while path is not None:
        answer = await client.ask(path)
        assert answer.status == 200, answer.body
        items += answer.details["projects"]
        marks.add(answer.details["watermark"])
        path = answer.details["next"]
    [mark] = marks
    return items, mark


async def test_outcomes_and_lists_shorten_names(client: Client) -> None:
    long = "n" * (MAX_LISTED_NAME + 1)
    inside = f"<code>{long}</code><status>{long}</status>"
    [landed] = await client.land(native(project("P-1", long, inside)))
    [item] = (await client.ask("projects")).details["projects"]
    path = f"projects/{landed['project_id']}"
    [version] = (await client.ask(f"{path}/versions")).details["versions"]
    shown = [landed["name"], *(item[key] for key in ("name", "code", "status"))]
    shown += [version["name"], version["status"]]
    assert shown == ["n" * MAX_LISTED_NAME] * 6
    assert (await client.ask(path)).details["name"] == long


async def test_an_item_describes_the_current_version(client: Client, pool: Pool) -> None:
    [landed] = await client.land(native(project("P-1", inside="<code>C</code>", source="p6")))
    await pool.execute(
        "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
        " VALUES (1, $1, 'ann', '2100-01-01Z')",
        landed["project_id"],
    )
    [item] = (await client.ask("projects")).details["projects"]
    assert item.pop("updated_at").endswith("+00:00")
    assert item == {
        "project_id": landed["project_id"],
        "external_id": "P-1",
        "name": "A plan",
        "title": "A plan",
        "code": "C",
        "status": None,
        "start": None,
        "finish": None,
        "progress": None,
        "tasks": 0,
        "warnings": 0,
        "version": 1,
        "source": "p6",
        "archived_at": None,
        "import_id": 1,
        "updated_by": "tester",
        "lock": {"holder": "ann", "expires_at": "2100-01-01T00:00:00+00:00"},
    }


async def test_pages_list_every_project_once(client: Client) -> None:
    names = [f"P-{number}" for number in range(7)]
    await client.land(native(*map(project, names)))
    assert await ids(client, limit=3) == names
    assert await ids(client, limit=7) == names
    first = (await client.ask("projects?limit=3&text=p-")).details["next"]
    assert first.startswith("/api/v2/clients/1/projects?text=p-&limit=3&cursor=")


async def test_a_text_filters_by_id_name_and_code(client: Client) -> None:
    await client.land(
        native(
            project("ABC-1", "Bridge"),
            project("X-2", "abc road"),
            project("X-3", "Road", "<code>Abc</code>"),
            project("X-4", "The abc"),
            project("X-5", "100% _done_"),
        )
    )
    assert await ids(client, text="aBc") == ["ABC-1", "X-2", "X-3", "X-4"]
    assert await ids(client, text="100%") == ["X-5"]
    assert await ids(client, text="X%") == []
    await client.land(native(project("X-2", "Renamed")))
    assert await ids(client, text="abc") == ["ABC-1", "X-3", "X-4"]


async def test_an_external_id_finds_its_project_only(client: Client, pool: Pool) -> None:
    await client.land(native(project("A"), project("A-1"), project("a"), project("caf\u00e9")))
    await pool.execute("UPDATE projects SET archived_at = now() WHERE external_id = 'A-1'")
    assert await ids(client, external_id="A") == ["A"]
    assert await ids(client, external_id="cafe\u0301") == ["caf\u00e9"]
    assert await ids(client, external_id="A-") == []
    assert await ids(client, external_id="A-1") == []
    assert await ids(client, external_id="A-1", archived="only") == ["A-1"]
    assert await ids(client, external_id="A", text="b") == []
    assert await ids(client, external_id="A", limit=1) == ["A"]
    other = (await client.post(native(project("B")).encode())).json["import_id"]
    assert await ids(client, external_id="A", missing_from=other) == ["A"]
    assert await ids(client, external_id="B", missing_from=other) == []


async def test_the_list_filters_by_source_and_archive(client: Client, pool: Pool) -> None:
    await client.land(native(project("A", source="p6"), project("B"), project("C")))
    await pool.execute("UPDATE projects SET archived_at = now() WHERE external_id = 'B'")
    assert await ids(client) == ["A", "C"]
    assert await ids(client, archived="exclude") == ["A", "C"]
    assert await ids(client, archived="include") == ["A", "B", "C"]
    assert await ids(client, archived="only") == ["B"]
    assert await ids(client, source="p6") == ["A"]
    assert await ids(client, source="native") == ["C"]


async def test_changes_appear_once_no_earlier_import_is_writing(client: Client, pool: Pool) -> None:
    async def changed(since: str, **more: Any) -> tuple[list[str], str]:
        items, mark = await whole(client, changed_since=since, limit=1, **more)
        assert mark is not None
        return [item["external_id"] for item in items], mark

    async def until(wanted: list[str], since: str) -> str:
        """Ask again until the watermark has passed what was just written."""
        while True:
            seen, mark = await changed(since)
            if seen == wanted:
                return mark

    await client.land(native(project("A"), project("B"), project("C")))
    mark = await until(["A", "B", "C"], "2026-01-01T00:00:00Z")
    assert (await changed(mark))[0] == []
    assert (await changed("2026-01-01T00:00:00Z", changed_until="2026-01-01T00:00:00Z"))[0] == []

    async with pool.acquire() as conn, conn.transaction():
        began = await conn.fetchval("SELECT now()")
        await client.land(native(project("B", "Changed")))
        held = await pool.fetchval("SELECT clock_timestamp() + interval '2 seconds'")
        while await pool.fetchval("SELECT clock_timestamp()") < held:
            seen, later = await changed(mark)
            assert seen == []
            assert later <= began.isoformat().replace("+00:00", "Z")
    assert await until(["B"], mark) > mark


async def test_a_list_of_many_changes_examines_all_projects(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"P-{number}" for number in range(7)]
    await client.land(native(*map(project, names)))
    await client.land(native(*(project(name, "Changed") for name in names[3:])))
    since = "2026-01-01T00:00:00Z"
    for at_most in (3, 20, 20_000):
        monkeypatch.setattr(listing, "_IDS", at_most)
        while len(found := await ids(client, changed_since=since, limit=2)) < len(names):
            pass  # the watermark has not passed yet
        assert found == names


async def test_missing_from_reads_many_missing_projects_in_parts(
    client: Client, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_IDS", 3)
    monkeypatch.setattr(listing, "PAGE_ROWS", 2)
    names = [f"P-{number}" for number in range(9)]
    await client.land(native(*map(project, names)))
    import_id = (await client.post(native(project("P-4")).encode())).json["import_id"]
    await pool.execute("UPDATE projects SET archived_at = now() WHERE external_id < 'P-3'")
    missing = ["P-3", "P-5", "P-6", "P-7", "P-8"]
    for limit in (1, 2, 100):
        assert await ids(client, missing_from=import_id, limit=limit) == missing
    assert await ids(client, missing_from=import_id, archived="only") == names[:3]
    everything = await ids(client, missing_from=import_id, archived="include")
    assert everything == names[:3] + missing
    assert await ids(client, missing_from=import_id, text="p-7", limit=1) == ["P-7"]


async def test_a_change_is_listed_from_its_microsecond_on(client: Client, pool: Pool) -> None:
    before, moment, after = (f"2026-01-05T08:00:00.{n:06}Z" for n in (41, 42, 43))
    await client.land(native(project("A")))
    await pool.execute("UPDATE project_versions SET created_at = $1::text::timestamptz", moment)
    for since, until, listed in [
        (before, after, ["A"]),
        (moment, after, ["A"]),
        (after, after, []),
        (before, moment, []),
        (moment, moment, []),
    ]:
        assert await ids(client, changed_since=since, changed_until=until) == listed
    assert await ids(client, changed_since=moment) == await ids(client, changed_until=after)
    assert await ids(client, changed_since=after) == await ids(client, changed_until=moment) == []


async def test_missing_from_lists_projects_that_the_file_does_not_have(
    client: Client, pool: Pool
) -> None:
    await client.land(native(*map(project, "ABCD")))
    answer = await client.post(
        native(project("A"), project("B", "Changed"), '<project id="C"/>').encode()
    )
    import_id = answer.json["import_id"]
    assert await ids(client, missing_from=import_id) == ["D"]
    assert await ids(client, missing_from=1) == []
    await pool.execute("UPDATE projects SET archived_at = now() WHERE external_id = 'D'")
    assert await ids(client, missing_from=import_id) == []


async def test_missing_from_an_incomplete_import_is_refused(client: Client, pool: Pool) -> None:
    whole_file = native(project("A"), project("B")).encode()
    for spoil, why in [
        (
            "UPDATE imports SET state = 'running' WHERE import_id = $1",
            "The import is running, not completed",
        ),
        (
            "UPDATE imports SET state = 'cancelled' WHERE import_id = $1",
            "The import is cancelled, not completed",
        ),
        (
            "DELETE FROM import_results WHERE import_id = $1 AND index = 0",
            "The outcomes of the import are no longer kept",
        ),
    ]:
        import_id = (await client.post(whole_file)).json["import_id"]
        await pool.execute(spoil, import_id)
        answer = await client.ask(f"projects?missing_from={import_id}")
        assert (answer.status, answer.details) == (409, why)
    import_id = (await client.post(whole_file[:-20])).json["import_id"]
    broken = "A file of the import was not read to its end, or has no project"
    for earlier_release in (False, True):
        if earlier_release:
            await pool.execute("UPDATE imports SET files_read = NULL, files_failed = NULL")
        answer = await client.ask(f"projects?missing_from={import_id}")
        assert (answer.status, answer.details) == (409, broken)
    assert (await client.ask("projects?missing_from=999")).status == 404


async def test_invalid_parameters_are_a_400(client: Client, subtests: pytest.Subtests) -> None:
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "cursor=",
        "cursor=x",
        "cursor=LTU",
        "cursor=MDE",
        "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk",
        "archived=yes",
        "text=",
        "text=%00",
        "external_id=",
        f"external_id={'x' * 256}",
        f"text={'x' * 101}",
        "source=P6",
        "changed_since=yesterday",
        "changed_since=2026-01-05T08:00:00",
        f"changed_since={quote('0001-01-01T00:00:00+14:00')}",
        "changed_until=2026-13-05T08:00:00Z",
        "missing_from=x",
        "order=name",
        "sort=name",
        "warnings=true",
        "sort=tasks&cursor=WyJ4IiwxXQ",
        "sort=start&external_id=A",
        "sort=start&missing_from=1",
        "sort=start&cursor=MQ",
        "sort=start&cursor=WyJub3ciLDFd",
        "sort=title&cursor=WzEsMV0",
        "start_from=2026-02-30",
        "finish_until=2026-1-5",
    ]:
        with subtests.test(query=query):
            answer = await client.ask(f"projects?{query}")
            assert answer.status == 400
            assert query.split("&")[-1].split("=")[0] in answer.details


async def test_a_client_lists_only_its_own_projects(client: Client, pool: Pool) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    await client.land(native(project("A")))
    everyone: dict[str, Any] = {"clients": "*"}
    assert (await client.ask("projects", tenant=2)).status == 403
    assert (await client.ask("projects", scope="projects:import")).status == 403
    assert (await client.ask("projects", tenant=2, **everyone)).details["projects"] == []
    answer = await client.ask("projects?missing_from=1", tenant=2, **everyone)
    assert answer.status == 404
