"""The document matches the code in both directions: paths, parameters, scopes, codes, statuses."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any, TypeGuard

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.codes import ErrorCode, WarningCode
from service.errors import ServiceError
from service.http.middleware import REQUEST_ID_HEADER
from service.http.openapi.document import document, document_json
from service.http.routes import imports, projects, results
from service.http.routes.table import ROUTES
from service.http.upload import content_encoding, form
from service.http.upload.options import IDEMPOTENCY_KEY
from service.imports.conflict_rules import Outcome
from service.imports.options import ImportOptions, Mode, OutcomeFilter
from service.settings import Settings
from service.storage import Pool
from service.tables import COLUMNS, Table
from tests.support.native import native_file
from tests.support.openapi.document import Operation, operation, operations, resolve
from tests.support.openapi.requests import ALL_SCOPES, MULTIPART, OTHER, ask, upload
from tests.support.service import Service

SCOPES = set(ALL_SCOPES.split())
OF_A_CLIENT = [each for each in operations() if each.of_a_client]


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_no_constant_is_a_boolean() -> None:
    """openapi-python-client makes code with a syntax error of an optional one."""
    assert not re.search(rb'"const":(true|false)', document_json())


def test_the_document_has_the_routes_of_the_service() -> None:
    documented = {(each.path, each.method) for each in operations()}
    assert documented == {(path, method) for path, methods in ROUTES.items() for method in methods}


def test_operation_ids_are_unique() -> None:
    names = [each.name for each in operations()]
    assert len(names) == len(set(names))


def test_every_response_of_a_client_has_an_example() -> None:
    for each in OF_A_CLIENT:
        for status, response in each.spec["responses"].items():
            media = resolve(response).get("content", {}).values()
            assert not media or any(kind.get("examples") for kind in media), (each.name, status)


def test_examples_show_every_error_of_the_service() -> None:
    shown = {
        (example["value"]["code"], example["value"]["message"])
        for response in _error_responses()
        for example in response["content"]["application/json"].get("examples", {}).values()
    }
    assert shown == {(kind.status, kind.message) for kind in _below(ServiceError)}


def _error_responses() -> Iterator[Any]:
    yield from document()["components"]["responses"].values()
    for each in operations():
        for status, response in each.spec["responses"].items():
            if int(status) >= 400:
                yield resolve(response)


def _below(kind: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


@pytest.mark.parametrize("asked", operations(), ids=lambda each: each.name)
def test_every_error_that_a_route_raises_is_documented(asked: Operation) -> None:
    module = sys.modules[ROUTES[asked.path][asked.method].__module__]
    names = {node.id for node in ast.walk(ast.parse(inspect.getsource(module))) if _raised(node)}
    raised = {getattr(module, name).status for name in names}
    documented = {
        status
        for each in operations()
        if ROUTES[each.path][each.method].__module__ == module.__name__
        for status in each.statuses
    }
    assert raised <= documented


def _raised(node: ast.AST) -> TypeGuard[ast.Name]:
    errors = {kind.__name__ for kind in _below(ServiceError)}
    return isinstance(node, ast.Name) and node.id in errors and isinstance(node.ctx, ast.Load)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ErrorCode", ErrorCode),
        ("WarningCode", WarningCode),
        ("ImportState", imports.STATES),
        ("Counts", Outcome),
    ],
)
def test_codes_and_states_match_the_code(name: str, code: Any) -> None:
    schema = document()["components"]["schemas"][name]
    assert schema.get("enum", [*schema.get("properties", {})]) == [str(each) for each in code]


@pytest.mark.parametrize(
    ("table", "name"),
    [
        (Table.TASKS, "Task"),
        (Table.DEPENDENCIES, "Dependency"),
        (Table.RESOURCES, "Resource"),
        (Table.ASSIGNMENTS, "Assignment"),
        (Table.BASELINES, "Baseline"),
        (Table.BASELINE_TASKS, "BaselineTask"),
        (Table.PARTS, "Part"),
    ],
)
def test_the_schema_of_a_record_has_the_columns_of_its_table(table: Table, name: str) -> None:
    properties = document()["components"]["schemas"][name]["properties"]
    assert list(properties) == list(COLUMNS[table][1:])


def _values(asked: str, name: str) -> list[str]:
    given = map(resolve, operation(asked).spec["parameters"])
    listed: list[str] = next(each["schema"]["enum"] for each in given if each["name"] == name)
    return listed


def test_options_have_the_values_of_the_code() -> None:
    assert _values("importProjects", "mode") == list(Mode)
    assert _values("importProjects", "outcomes") == list(OutcomeFilter)
    assert _values("listProjects", "archived") == list(projects.ARCHIVED)
    assert _values("importProjects", "Content-Encoding") == sorted(content_encoding.ACCEPTED)
    stored = document()["components"]["schemas"]["Options"]["oneOf"]
    assert set(stored[0]["properties"]) == set(ImportOptions(if_newer=True).as_dict())
    assert set(stored[1]["properties"]) == set(ImportOptions(undo=1).as_dict())


def test_the_form_has_the_fields_of_the_code() -> None:
    body = operation("importProjects").spec["requestBody"]["content"]["multipart/form-data"]
    assert set(body["schema"]["properties"]) == {form.FILE_FIELDS[0], "notes"}


def test_the_columns_of_the_csv_are_documented() -> None:
    response = operation("listResults").spec["responses"]["200"]
    description = response["content"][results.CSV]["schema"]["description"]
    assert ", ".join(results.COLUMNS) in description


async def test_a_route_accepts_the_documented_parameters_only(
    service: Service, subtests: pytest.Subtests
) -> None:
    """A route lists its parameters when it refuses an unknown one."""
    for asked in OF_A_CLIENT:
        with subtests.test(asked.name):
            answer = await ask(service, asked, MULTIPART, query="colour=red", body=b"x")
            assert answer.status == 400
            _, _, known = answer.json["details"].partition("; known are ")
            assert set(re.findall("`(.+?)`", known)) == asked.query


async def test_a_csv_does_not_accept_paging_parameters(service: Service, pool: Pool) -> None:
    results = operation("listResults")
    answer = await ask(service, results, "Accept: text/csv", query="colour=red")
    known = answer.json["details"].partition("; known are ")[2]
    assert set(re.findall("`(.+?)`", known)) == results.query - {"limit", "cursor"}


async def test_a_route_requires_a_documented_scope(
    service: Service, subtests: pytest.Subtests
) -> None:
    for asked in OF_A_CLIENT:
        with subtests.test(asked.name):
            others = " ".join(SCOPES - asked.scopes)
            assert (await ask(service, asked, scope=others)).status == 403
            for scope in asked.scopes:
                assert (await ask(service, asked, scope=scope)).status not in (401, 403)


def test_every_scope_allows_an_operation() -> None:
    assert {scope for asked in operations() for scope in asked.scopes} == SCOPES


async def test_an_undocumented_method_is_refused(service: Service) -> None:
    for path in document()["paths"]:
        asked = [each for each in operations() if each.path == path]
        methods = {each.method for each in asked}
        there = methods | ({"HEAD"} if "GET" in methods else set())
        for method in {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"} - there:
            answer = await ask(service, asked[0], method=method)
            assert answer.status == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == there


async def test_every_get_also_works_as_head(service: Service) -> None:
    for asked in operations():
        if asked.method == "GET":
            files: dict[str, Any] = {"asset": "docs.js", "folder": "shared", "file": "page.js"}
            get = await ask(service, asked, **files)
            head = await ask(service, asked, **files, method="HEAD")
            assert head.status == get.status


async def test_a_response_has_the_request_id_of_its_request(service: Service) -> None:
    for asked in operations():
        answer = await ask(service, asked, f"{REQUEST_ID_HEADER}: mine-1", authorised=False)
        assert answer.headers["x-request-id"] == "mine-1"
        given = [resolve(each)["name"] for each in document()["paths"][asked.path]["parameters"]]
        assert {REQUEST_ID_HEADER, "traceparent"} <= set(given)


async def test_every_route_that_reads_an_idempotency_key_documents_it(service: Service) -> None:
    """An invalid key is refused by routes that read keys, and ignored by others."""
    assert (await upload(service, native_file(OTHER))).status == 207
    for asked in OF_A_CLIENT:
        named = {resolve(each)["name"] for each in asked.spec.get("parameters", [])}
        answer = await ask(service, asked, MULTIPART, f"{IDEMPOTENCY_KEY}: {'k' * 256}", body=b"x")
        assert (IDEMPOTENCY_KEY.encode() in answer.body) == (IDEMPOTENCY_KEY in named), asked


def test_documented_limits_match_the_settings() -> None:
    body = operation("takeLock").spec["requestBody"]["content"]["application/json"]["schema"]
    most = Settings.model_fields["max_lock_ttl"].default
    assert body["properties"]["ttl_seconds"]["maximum"] == most
