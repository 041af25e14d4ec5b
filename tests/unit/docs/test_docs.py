"""The documentation against the code: every setting, code, status and route is in it."""

import re
from enum import StrEnum

import pytest
from pydantic.fields import FieldInfo

from service.codes import ErrorCode, WarningCode
from service.errors import ServiceError
from service.http.routes.table import CLIENT, ROUTES
from service.settings import Settings
from tests.support.paths import CHECKOUT

DOCS = CHECKOUT / "docs"
UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def variable(name: str) -> str:
    return "DATABASE_URL" if name == "database_url" else f"BULK_IMPORT_{name.upper()}"


def default(name: str, value: object) -> str:
    if value is None:
        return ""
    if name.endswith("bytes") and isinstance(value, int):
        return next(f"{value // size} {unit}" for size, unit in UNITS if value % size == 0)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items())
def test_every_setting_is_documented_as_it_is(name: str, field: FieldInfo) -> None:
    row = f"| `{variable(name)}` | {default(name, field.default)} | {field.description} |"
    assert row in (DOCS / "operations.md").read_text("utf-8").splitlines()


def test_no_setting_is_documented_that_is_not_there() -> None:
    named = re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "operations.md").read_text("utf-8"), re.M)
    assert sorted(named) == sorted(map(variable, Settings.model_fields))


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_of_a_project_is_documented_as_it_is(code: ErrorCode) -> None:
    retry = "yes" if code.retryable else "no"
    head = f"| `{code}` | {code.status} | {retry} | "
    assert any(line.startswith(head) for line in errors())


@pytest.mark.parametrize("code", WarningCode)
def test_every_warning_is_documented(code: WarningCode) -> None:
    assert any(line.startswith(f"| `{code}` | ") for line in errors())


def test_no_code_is_documented_that_is_not_there() -> None:
    codes: list[StrEnum] = [*ErrorCode, *WarningCode]
    named = [match[1] for line in errors() if (match := re.match(r"\| `([A-Z_]+)` \|", line))]
    assert sorted(named) == sorted(codes)


def test_every_status_is_documented_with_its_message() -> None:
    kinds = {kind.status: kind.message for kind in every(ServiceError)}
    rows = errors()
    for status, message in kinds.items():
        assert any(row.startswith(f"| {status} | {message} | ") for row in rows), status


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_is_documented_with_its_methods(path: str) -> None:
    text = (DOCS / "api.md").read_text("utf-8")
    if not path.startswith(CLIENT):
        assert f"`{path}`" in text
    for method in ROUTES[path] if path.startswith(CLIENT) else ():
        assert f"| `{method} {path.removeprefix(CLIENT)}` | " in text


def test_no_route_is_documented_that_is_not_there() -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/\S+)` \|", (DOCS / "api.md").read_text("utf-8"), re.M)
    there = {(method, path) for path, handlers in ROUTES.items() for method in handlers}
    assert {(method, CLIENT + path) for method, path in rows} <= there


def errors() -> list[str]:
    return (DOCS / "errors.md").read_text("utf-8").splitlines()


def every(kind: type[ServiceError]) -> list[type[ServiceError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in every(child))]
