"""Every status of the endpoint, from a real request, with the published texts."""

from typing import Any

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.raw_http import XML, Connection, form, get, head, part, upload
from tests.support.service import Service, token

FILE = form(part("file", XML, "Content-Type: application/xml"))


def envelope(answer: Answer) -> tuple[str, int, str, Any]:
    response = answer.json
    assert response["code"] == answer.status
    assert list(response)[:3] == ["status", "code", "message"]
    return response["status"], response["code"], response["message"], response["details"]


async def test_a_207_lists_each_project_in_the_order_of_the_file(service: Service) -> None:
    answer = await upload(service, FILE)
    response = answer.json
    assert list(response) == [
        "status",
        "code",
        "message",
        "counts",
        "files",
        "import_id",
        "details",
        "complete",
    ]
    assert (response["status"], response["code"]) == ("success", 207)
    assert response["message"] == "Projects successfully imported"
    assert response["counts"] == {"created": 2, "updated": 0, "unchanged": 0, "failed": 0}
    assert [item["external_id"] for item in response["details"]["successes"]] == ["P-1", "P-2"]
    assert response["details"]["errors"] == []
    assert response["complete"] is True
    assert answer.headers["location"] == f"/api/v2/clients/1/imports/{response['import_id']}"
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]


async def test_a_207_states_how_many_projects_failed(service: Service) -> None:
    twice = XML.replace(b"P-2", b"P-1")
    response = (await upload(service, form(part("file", twice)))).json
    assert (response["status"], response["code"]) == ("partial", 207)
    assert response["message"] == "1 of 2 projects imported"
    assert [error["error"] for error in response["details"]["errors"]] == ["DUPLICATE_PROJECT"]


async def test_a_207_states_that_all_projects_failed(service: Service) -> None:
    nameless = XML.replace(b"<name>One</name>", b"").replace(b"<name>Two</name>", b"")
    response = (await upload(service, form(part("file", nameless)))).json
    assert (response["status"], response["message"]) == ("error", "0 of 2 projects imported")
    assert {error["error"] for error in response["details"]["errors"]} == {"VALIDATION_ERROR"}


async def test_a_file_that_is_not_xml_is_a_400(service: Service, pool: Pool) -> None:
    answer = await upload(service, form(part("file", b"name;start\nOne;2026-01-01\n")))
    status, code, message, details = envelope(answer)
    assert (status, code, message) == ("error", 400, "Invalid request")
    assert details.startswith("Validation error: ")
    location = f"/api/v2/clients/1/imports/{answer.json['import_id']}"
    assert answer.headers["location"] == location
    assert await pool.fetchval("SELECT state FROM imports") == "failed"


async def test_a_400_for_a_content_type_names_the_remedy(
    service: Service, subtests: pytest.Subtests
) -> None:
    for content_type, words in [
        ("application/xml", "must be multipart/form-data"),
        ("multipart/mixed; boundary=x", "must be multipart/form-data"),
        ("multipart/form-data", "names no boundary"),
        ("multipart/form-data; boundary=", "names no boundary"),
        (f"multipart/form-data; boundary={'x' * 71}", "at most 70 ASCII characters"),
    ]:
        with subtests.test(content_type=content_type):
            answer = await upload(service, FILE, content_type=content_type)
            status, code, message, details = envelope(answer)
            assert (status, code, message) == ("error", 400, "Invalid request")
            assert words in details


async def test_a_400_for_an_option_names_it(service: Service, subtests: pytest.Subtests) -> None:
    twice = "mode=create&mode=create"
    for option in ["atomic=yes", "dry_run", "mode=replace", "outcomes=none", "x=1", twice]:
        with subtests.test(option=option):
            path = f"/api/v2/clients/1/projects/bulk?{option}"
            answer = await upload(service, FILE, path=path)
            assert answer.status == 400
            assert f"`{option.split('=')[0]}`" in answer.json["details"]


async def test_a_400_for_an_idempotency_key_names_it(
    service: Service, subtests: pytest.Subtests
) -> None:
    for given in [("",), ('""',), ("k" * 256,), ("k\u00e9",), ("a\tb",), ("a", "b")]:
        with subtests.test(given=given):
            lines = [f"Idempotency-Key: {key}" for key in given]
            answer = await upload(service, FILE, *lines)
            assert answer.status == 400
            assert "Idempotency-Key" in answer.json["details"]


async def test_a_request_without_a_token_is_a_401(service: Service) -> None:
    answer = await upload(service, FILE, token=None)
    assert answer.body == (
        b'{"status":"error","code":401,"message":"Authentication failed",'
        b'"details":"JWT token not found: send `Authorization: Bearer TOKEN`; '
        b'get a token with `bulk-import token --client 1` where the service runs"}'
    )
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_401_states_the_fault_of_the_token(
    service: Service, subtests: pytest.Subtests
) -> None:
    for header, details in [
        ("", "Authorization header is malformed"),
        ("Bearer", "Authorization header is malformed"),
        ("Bearer a b", "Authorization header is malformed"),
        ("Bearer t\u00f6ken", "Authorization header is malformed"),
        ("Basic dTpw", "Authorization scheme is not Bearer"),
        ("Bearish x", "Authorization scheme is not Bearer"),
        ("Bearer x", "JWT token is malformed"),
        (f"Bearer {token(exp=1)}", "JWT token has expired"),
    ]:
        with subtests.test(header=header):
            answer = await upload(service, FILE, f"Authorization: {header}", token=None)
            assert envelope(answer)[:3] == ("error", 401, "Authentication failed")
            assert answer.json["details"].startswith(details)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_two_authorization_headers_are_a_401(
    service: Service, subtests: pytest.Subtests
) -> None:
    valid, expired = (f"Authorization: Bearer {each}" for each in (token(), token(exp=1)))
    for lines in [(valid, valid), (valid, expired), (expired, valid), (valid, "Authorization: ")]:
        with subtests.test(lines=lines):
            answer = await upload(service, FILE, *lines, token=None)
            assert answer.status == 401
            assert answer.json["details"].startswith("Authorization header is malformed: ")


async def test_the_scheme_is_matched_without_case(service: Service) -> None:
    answer = await upload(service, FILE, f"Authorization: bEARER {token()}", token=None)
    assert answer.status == 207


async def test_a_token_without_the_scope_or_the_client_is_a_403(
    service: Service, subtests: pytest.Subtests
) -> None:
    lacking: list[dict[str, Any]] = [{"scope": "projects:read"}, {"clients": [2]}, {"clients": []}]
    for claims in lacking:
        with subtests.test(claims=claims):
            answer = await upload(service, FILE, token=token(**claims))
            assert answer.body.startswith(
                b'{"status":"error","code":403,"message":"Access denied",'
                b'"details":"Insufficient permissions: the token '
            )


async def test_an_unknown_path_or_client_is_a_404(
    service: Service, subtests: pytest.Subtests
) -> None:
    for path in ["/api/v2/clients/9/projects/bulk", "/nowhere", "/api"]:
        with subtests.test(path=path):
            answer = await upload(service, FILE, path=path, token=token(clients="*"))
            assert answer.body.startswith(
                b'{"status":"error","code":404,"message":"Not found",'
                b'"details":"The requested resource was not found: there is no '
            )


async def test_a_disabled_client_is_a_403(service: Service, pool: Pool) -> None:
    await pool.execute("UPDATE clients SET disabled_at = now()")
    answer = await upload(service, FILE)
    assert envelope(answer)[:3] == ("error", 403, "Access denied")
    assert answer.json["details"].startswith("Client is disabled")


async def test_a_405_names_the_allowed_methods(service: Service) -> None:
    answer = await get(service, "/api/v2/clients/1/projects/bulk", token=None)
    assert envelope(answer)[:3] == ("error", 405, "Method not allowed")
    assert answer.headers["allow"] == "POST"


async def test_locks_of_others_on_every_project_are_a_409(service: Service, pool: Pool) -> None:
    await upload(service, FILE)
    await pool.execute(
        "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
        " SELECT 1, project_id, 'somebody', now() + interval '1 hour' FROM projects"
    )
    answer = await upload(service, form(part("file", XML.replace(b"</name>", b"!</name>"))))
    assert envelope(answer) == ("error", 409, "Conflict", "Locking conflict")
    assert [error["locked_by"] for error in answer.json["errors"]] == ["somebody"] * 2
    assert answer.json["counts"]["failed"] == 2
    location = f"/api/v2/clients/1/imports/{answer.json['import_id']}"
    assert answer.headers["location"] == location


async def test_version_conflicts_of_every_project_are_a_409(service: Service) -> None:
    stale = XML.replace(b'id="P', b'version="7" id="P')
    answer = await upload(service, form(part("file", stale)))
    assert envelope(answer) == ("error", 409, "Conflict", "Version conflict")


@pytest.mark.settings(max_upload_bytes=1000)
async def test_a_content_length_over_the_limit_is_a_413(service: Service) -> None:
    answer = await upload(service, form(part("file", b" " * 1000 + XML)))
    assert envelope(answer)[:3] == ("error", 413, "Payload too large")
    assert "1000 bytes" in answer.json["details"]


async def test_an_unsupported_content_encoding_is_a_415(
    service: Service, subtests: pytest.Subtests
) -> None:
    for encoding in ["deflate", "br", "gzip, gzip", "gzip, br"]:
        with subtests.test(encoding=encoding):
            answer = await upload(service, FILE, f"Content-Encoding: {encoding}")
            assert envelope(answer)[:3] == ("error", 415, "Unsupported media type")


@pytest.mark.settings(max_imports_per_client=1)
async def test_an_import_over_the_slots_of_its_client_is_a_429(service: Service) -> None:
    await _refused_beside_a_running_one(service, 429, "Too many requests")


@pytest.mark.settings(max_imports=1)
async def test_an_import_over_the_slots_of_the_service_is_a_503(service: Service) -> None:
    await _refused_beside_a_running_one(service, 503, "Service unavailable")


@pytest.mark.settings(spool_reserve_bytes=1 << 60)
async def test_an_import_without_space_for_working_files_is_a_503(
    service: Service, pool: Pool
) -> None:
    async with Connection(service) as connection:
        await connection.send(head(service, f"Content-Length: {len(FILE)}", "Expect: 100-continue"))
        answer = await connection.answer()  # no 100 first: the service does not read the body
    assert envelope(answer) == (
        "error",
        503,
        "Service unavailable",
        "There is no room for the import's working files",
    )
    assert 5 <= int(answer.headers["retry-after"]) <= 15
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0


async def _refused_beside_a_running_one(service: Service, code: int, message: str) -> None:
    async with Connection(service) as running:
        await running.send(head(service, "Content-Length: 100", "Expect: 100-continue"))
        assert (await running.answer()).status == 100
        answer = await upload(service, FILE)
        assert envelope(answer)[:3] == ("error", code, message)
        assert 5 <= int(answer.headers["retry-after"]) <= 15


async def test_a_500_reveals_no_internals(service: Service, pool: Pool) -> None:
    await pool.execute("ALTER TABLE import_results RENAME TO gone")
    answer = await upload(service, FILE, "X-Request-Id: my-request")
    assert envelope(answer) == (
        "error",
        500,
        "Internal server error",
        "An internal server error occurred",
    )
    assert answer.headers["x-request-id"] == "my-request"
    assert "gone" not in answer.body.decode()


async def test_an_invalid_request_id_is_replaced(
    service: Service, subtests: pytest.Subtests
) -> None:
    for given in ["", "x" * 200, "a b", "<script>", "\u00e9"]:
        with subtests.test(given=given):
            answer = await get(service, "/healthz", f"X-Request-Id: {given}")
            assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.settings(max_upload_bytes=10)
async def test_pipelined_responses_keep_the_order_of_the_requests(
    service: Service, subtests: pytest.Subtests
) -> None:
    for token_, path, status in [
        (None, "/api/v2/clients/x/projects/bulk?x=1", 401),
        (token(scope="", clients=[2]), "/api/v2/clients/x/projects/bulk?x=1", 403),
        (token(clients=[2]), "/api/v2/clients/x/projects/bulk?x=1", 400),
        (token(clients=[2]), "/api/v2/clients/9/projects/bulk?x=1", 403),
        (token(clients=[9]), "/api/v2/clients/9/projects/bulk?x=1", 404),
        (token(clients=[1]), "/api/v2/clients/1/projects/bulk?x=1", 400),
    ]:
        with subtests.test(token_=token_):
            assert (await upload(service, FILE, path=path, token=token_)).status == status


async def test_a_client_id_must_be_ascii_digits(
    service: Service, subtests: pytest.Subtests
) -> None:
    for client in ["1_0", "%201", "%D9%A1", "-1", "1.0", "1" * 19, "0x1"]:
        with subtests.test(client=client):
            path = f"/api/v2/clients/{client}/projects/bulk"
            answer = await upload(service, FILE, path=path, token=token(clients="*"))
            assert answer.status == 400
            assert "client_id" in answer.json["details"]
