"""Reading imports and their outcomes; probes, metrics and the native schema."""

import csv
import io
from typing import Any

import pytest

from service.formats.native.mapping import NAMESPACE
from service.imports import history
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import native_file
from tests.support.raw_http import XML, Connection, form, get, head, part, upload
from tests.support.running_imports import hold_projects, wait_for_end
from tests.support.service import Service, token

IMPORT = "/api/v2/clients/1/imports/1"


def xml(count: int) -> bytes:
    projects = [f'<project id="P-{i}"><name>{i}</name></project>' for i in range(count)]
    return native_file(*projects)


def page(answer: Answer) -> tuple[list[int], bool, str | None]:
    assert answer.status == 200, answer.body
    details = answer.json["details"]
    return [item["index"] for item in details["results"]], details["complete"], details["next"]


async def test_an_import_shows_its_state_and_counts(service: Service) -> None:
    file = part("file", XML, filename="export.xml")
    answer = await upload(service, form(file, part("notes", b"nightly")))
    details = (await get(service, answer.headers["location"])).json["details"]
    expected: dict[str, Any] = {
        "import_id": 1,
        "state": "completed",
        "counts": {"created": 2, "updated": 0, "unchanged": 0, "failed": 0},
        "subject": "tester",
        "notes": "nightly",
        "filename": "export.xml",
        "dialect": "native",
        "bytes_read": len(XML),
        "warnings": [],
        "cause": None,
        "request_id": answer.headers["x-request-id"],
    }
    assert expected.items() <= details.items()
    assert details["started_at"] < details["ended_at"]


async def test_pages_of_results_list_every_outcome(service: Service) -> None:
    answer = await upload(service, form(part("file", xml(7))))
    successes = answer.json["details"]["successes"]
    path: str | None = f"{IMPORT}/results?limit=3"
    seen: list[Any] = []
    while path is not None:
        answer = await get(service, path)
        seen += answer.json["details"]["results"]
        path = page(answer)[2]
    assert seen == successes
    assert page(answer)[1] is True


@pytest.mark.settings(batch_projects=1)
async def test_results_of_a_running_import_have_no_gap(service: Service, pool: Pool) -> None:
    body = form(part("file", xml(4)))
    async with Connection(service) as connection, hold_projects(pool, "P-1"):
        await connection.send(head(service, f"Content-Length: {len(body)}"), body)
        while await pool.fetchval("SELECT count(*) FROM import_results") < 3:
            pass
        indexes, complete, following = page(await get(service, f"{IMPORT}/results"))
        assert (indexes, complete) == ([0], False)
        assert following is not None
        assert page(await get(service, following))[0] == []
    assert await wait_for_end(service) == "completed"
    indexes, complete, following = page(await get(service, following))
    assert (indexes, complete, following) == ([1, 2, 3], True, None)


async def test_invalid_parameters_are_a_400(service: Service, subtests: pytest.Subtests) -> None:
    await upload(service, form(part("file", XML)))
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1_0",
        "limit=",
        "limit=1&limit=2",
        "cursor=",
        "cursor=x",
        "cursor=LTU",
        "cursor=MDE",
        "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk",
        "order=index",
    ]:
        with subtests.test(query=query):
            answer = await get(service, f"{IMPORT}/results?{query}")
            assert answer.status == 400
            assert query.split("=")[0] in answer.json["details"]


async def test_an_import_is_visible_only_to_its_client(
    service: Service, pool: Pool, subtests: pytest.Subtests
) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    await upload(service, form(part("file", XML)))
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("/api/v2/clients/1/imports/1", {}, 200),
        ("/api/v2/clients/1/imports/1", {"scope": "projects:import"}, 403),
        ("/api/v2/clients/2/imports/1", {}, 403),
        ("/api/v2/clients/2/imports/1", {"clients": "*"}, 404),
        ("/api/v2/clients/1/imports/2", {}, 404),
        ("/api/v2/clients/1/imports/x", {}, 400),
        ("/api/v2/clients/1/imports/1?x=1", {}, 400),
    ]
    for path, claims, status in cases:
        for url in (path, path.replace("?", "/results?") if "?" in path else f"{path}/results"):
            with subtests.test(path=url, claims=claims):
                assert (await get(service, url, token=token(**claims))).status == status


async def test_probes_require_no_token(service: Service) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await get(service, path, token=None)).json["status"] == "success"


async def test_an_outdated_schema_is_not_ready(service: Service, pool: Pool) -> None:
    await pool.execute("DELETE FROM schema_migrations")
    answer = await get(service, "/readyz")
    assert answer.status == 503
    assert "lacks" in answer.json["details"]


async def test_metrics_count_finished_imports(service: Service) -> None:
    def value(text: str, name: str) -> float:
        lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].split()[1]) if lines else 0.0

    route = "/api/v2/clients/{client_id}/projects/bulk"
    names = [
        'bulk_import_projects_total{client_class="other",outcome="created"}',
        "bulk_import_import_seconds_count",
        f'bulk_import_http_answers_total{{method="POST",route="{route}",status="207"}}',
        "bulk_import_upload_bytes_total",
    ]
    before = (await get(service, "/metrics")).body.decode()
    body = form(part("file", XML))
    await upload(service, body)
    after = (await get(service, "/metrics")).body.decode()
    grown = [value(after, name) - value(before, name) for name in names]
    assert grown == [2, 1, 1, len(body)]
    assert value(after, "bulk_import_imports_running") == 0


async def test_the_native_schema_is_served(service: Service) -> None:
    answer = await get(service, "/schema/native.xsd", token=None)
    assert answer.headers["content-type"].startswith("application/xml")
    assert NAMESPACE.encode() in answer.body


async def test_the_history_lists_the_latest_import_first(service: Service) -> None:
    for notes in (b"one", b"two", b"three"):
        await upload(service, form(part("file", XML, filename="a.xml"), part("notes", notes)))
    seen: list[str] = []
    path: str | None = "/api/v2/clients/1/imports?limit=2"
    while path is not None:
        details = (await get(service, path)).json["details"]
        seen += [found["notes"] for found in details["imports"]]
        path = details["next"]
    assert seen == ["three", "two", "one"]
    assert details["imports"][0]["counts"]["created"] == 2


async def test_the_history_is_filtered(service: Service, pool: Pool) -> None:
    await upload(service, form(part("file", XML, filename="Night.xml")), "Idempotency-Key: k")
    await upload(service, form(part("file", b"<x/>", filename="b.xml"), part("notes", b"a_b")))
    other = token(sub="other")
    await upload(service, form(part("file", XML)), "Idempotency-Key: k", token=other)

    async def found(query: str) -> list[int]:
        answer = await get(service, f"/api/v2/clients/1/imports?{query}")
        assert answer.status == 200, answer.body
        return [one["import_id"] for one in answer.json["details"]["imports"]]

    assert await found("state=failed") == [2]
    assert await found("text=night") == [1]
    assert await found("text=a_b") == []  # a refused upload's notes are not kept
    assert await found("idempotency_key=k") == [1]
    assert await found("idempotency_key=%22k%22&state=completed") == [1]
    assert await found("idempotency_key=unknown") == []


async def test_a_page_of_the_history_examines_a_limited_number_of_imports(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page can then be empty although another one follows."""
    monkeypatch.setattr(history, "EXAMINED", 2)
    for content in (b"<x/>", XML, XML, XML, b"<x/>"):
        await upload(service, form(part("file", content, filename="a.xml")))

    async def pages(query: str) -> list[list[int]]:
        path: str | None = f"/api/v2/clients/1/imports?{query}"
        found = []
        while path is not None:
            details = (await get(service, path)).json["details"]
            found.append([one["import_id"] for one in details["imports"]])
            path = details["next"]
        return found

    assert await pages("state=failed") == [[5], [], [1]]
    assert await pages("text=a.xml&limit=1") == [[5], [4], [3], [2], [1], []]
    assert await pages("limit=2") == [[5, 4], [3, 2], [1]]


async def test_a_running_import_is_found_by_its_key(service: Service, pool: Pool) -> None:
    body = form(part("file", XML))
    async with Connection(service) as connection, hold_projects(pool, "P-1"):
        await connection.send(head(service, f"Content-Length: {len(body)}", "Idempotency-Key: k"))
        await connection.send(body)
        imports: list[dict[str, Any]] = []
        while not imports:
            answer = await get(service, "/api/v2/clients/1/imports?idempotency_key=k")
            imports = answer.json["details"]["imports"]
        assert (imports[0]["state"], imports[0]["import_id"]) == ("running", 1)


MIXED = native_file("""
<project id="=1+1"><name>Formula, "quoted"</name></project>
<project id="P-2"><name>Two</name>
 <start>2026-02-02T00:00:00</start><finish>2026-01-01T00:00:00</finish></project>
<project id="P-3"/>
<project id="P-2"><name>Again</name></project>
""")


async def test_results_are_filtered(service: Service) -> None:
    await upload(service, form(part("file", MIXED)))

    async def found(query: str) -> list[int]:
        indexes, complete, following = page(await get(service, f"{IMPORT}/results?{query}"))
        assert (complete, following) == (True, None)
        return indexes

    assert await found("outcome=created") == [0, 1]
    assert await found("outcome=failed") == [2, 3]
    assert await found("error=DUPLICATE_PROJECT") == [3]
    assert await found("warning=FINISH_BEFORE_START") == [1]
    assert await found("warning=BAD_VALUE") == []
    assert await found("text=p-2") == [1, 3]
    assert await found("text=p-2&outcome=failed") == [3]


async def test_the_next_page_keeps_the_filter(service: Service) -> None:
    await upload(service, form(part("file", xml(9))))
    path: str | None = f"{IMPORT}/results?limit=2&text=P-"
    seen: list[int] = []
    while path is not None:
        indexes, _, path = page(await get(service, path))
        seen += indexes
    assert seen == [*range(9)]


async def test_the_csv_lists_all_outcomes(service: Service) -> None:
    await upload(service, form(part("file", MIXED)))
    answer = await get(service, f"{IMPORT}/results", "Accept: text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "import-1-results.csv" in answer.headers["content-disposition"]
    first, second, third, fourth = csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
    assert (first["external_id"], first["name"]) == ("'=1+1", 'Formula, "quoted"')
    assert (first["outcome"], first["version"], first["warnings"]) == ("created", "1", "0")
    assert second["first_warnings"].startswith("FINISH_BEFORE_START line 3 ")
    assert (third["error"], third["code"], third["retryable"]) == (
        "VALIDATION_ERROR",
        "400",
        "false",
    )
    assert '"violations"' in third["extra"]
    assert (fourth["error"], fourth["line"]) == ("DUPLICATE_PROJECT", "6")


async def test_a_filtered_csv_lists_all_matching_outcomes(service: Service) -> None:
    await upload(service, form(part("file", xml(2500))))
    for query, number in [("", 2500), ("?text=P-1", 1111), ("?outcome=failed", 0)]:
        answer = await get(service, f"{IMPORT}/results{query}", "Accept: text/csv;q=1, */*;q=0.1")
        assert len(answer.body.splitlines()) == 1 + number


async def test_the_csv_of_a_running_import_is_refused(service: Service, pool: Pool) -> None:
    body = form(part("file", XML))
    async with Connection(service) as connection, hold_projects(pool, "P-1"):
        await connection.send(head(service, f"Content-Length: {len(body)}"), body)
        while (await get(service, IMPORT)).status != 200:
            pass
        answer = await get(service, f"{IMPORT}/results", "Accept: text/csv")
    assert answer.status == 409
    assert "retry-after" in answer.headers


@pytest.mark.settings(spool_bytes=100_000)
async def test_a_csv_without_space_is_a_503(service: Service) -> None:
    await upload(service, form(part("file", xml(7000))))
    answer = await get(service, f"{IMPORT}/results", "Accept: text/csv")
    assert answer.status == 503
