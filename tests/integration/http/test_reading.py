"""An import and its outcomes, read again; probes, metrics and the schema."""

from typing import Any

import pytest

from service.db import Pool
from tests.integration.http.raw import XML, Answer, Connection, form, get, head, part, upload
from tests.integration.http.test_endings import ended, held
from tests.serving import Service, token

IMPORT = "/api/v2/clients/1/imports/1"


def xml(count: int) -> bytes:
    projects = [f'<project id="P-{i}"><name>{i}</name></project>' for i in range(count)]
    return f'<projects xmlns="urn:project-bulk-import:1">{"".join(projects)}</projects>'.encode()


def page(answer: Answer) -> tuple[list[int], bool, str | None]:
    assert answer.status == 200, answer.body
    details = answer.json["details"]
    return [item["index"] for item in details["results"]], details["complete"], details["next"]


async def test_an_import_tells_how_it_went(service: Service) -> None:
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


async def test_results_are_paged_to_their_end(service: Service) -> None:
    answer = await upload(service, form(part("file", xml(7))))
    shown = answer.json["details"]["successes"]
    path: str | None = f"{IMPORT}/results?limit=3"
    seen: list[Any] = []
    while path is not None:
        answer = await get(service, path)
        seen += answer.json["details"]["results"]
        path = page(answer)[2]
    assert seen == shown
    assert page(answer)[1] is True


@pytest.mark.settings(batch_projects=1)
async def test_results_of_a_running_import_have_no_gap(service: Service, pool: Pool) -> None:
    body = form(part("file", xml(4)))
    async with Connection(service) as connection, held(pool, "P-1"):
        await connection.send(head(service, f"Content-Length: {len(body)}"), body)
        while await pool.fetchval("SELECT count(*) FROM import_results") < 3:
            pass
        indexes, complete, following = page(await get(service, f"{IMPORT}/results"))
        assert (indexes, complete) == ([0], False)
        assert following is not None
        assert page(await get(service, following))[0] == []
    assert await ended(service) == "completed"
    indexes, complete, following = page(await get(service, following))
    assert (indexes, complete, following) == ([1, 2, 3], True, None)


async def test_parameters_that_mean_nothing_are_a_400(
    service: Service, subtests: pytest.Subtests
) -> None:
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


async def test_an_import_is_its_clients_own(
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
        for asked in (path, path.replace("?", "/results?") if "?" in path else f"{path}/results"):
            with subtests.test(path=asked, claims=claims):
                assert (await get(service, asked, token=token(**claims))).status == status


async def test_probes_want_no_token(service: Service) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await get(service, path, token=None)).json["status"] == "success"


async def test_a_schema_that_is_behind_is_not_ready(service: Service, pool: Pool) -> None:
    await pool.execute("DELETE FROM schema_migrations")
    answer = await get(service, "/readyz")
    assert answer.status == 503
    assert "lacks" in answer.json["details"]


async def test_metrics_count_what_was_done(service: Service) -> None:
    def value(text: str, name: str) -> float:
        lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].split()[1]) if lines else 0.0

    names = [
        'bulk_import_projects_total{outcome="created"}',
        "bulk_import_import_seconds_count",
        'bulk_import_http_answers_total{status="207"}',
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
    assert b"urn:project-bulk-import:1" in answer.body
