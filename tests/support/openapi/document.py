"""The OpenAPI document in a form against which responses can be checked."""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import jsonschema_rs
import orjson

from service.http.openapi.document import document
from tests.support.answer import Answer

METHODS: Final = ("get", "put", "post", "delete", "patch")
OURS: Final = frozenset(document()["components"]["headers"]) - {"Content-Length"}
"""Headers that a response has only if the document declares them."""


class Operation(NamedTuple):
    """One method of one path, with its specification in the document."""

    name: str
    method: str
    path: str
    spec: Mapping[str, Any]

    @property
    def of_a_client(self) -> bool:
        return "{client_id}" in self.path

    @property
    def scopes(self) -> set[str]:
        """Scopes, any of which allows the operation."""
        return {scope for way in self.spec["security"] for each in way.values() for scope in each}

    @property
    def query(self) -> set[str]:
        given = map(resolve, self.spec.get("parameters", []))
        return {each["name"] for each in given if each["in"] == "query"}

    @property
    def statuses(self) -> set[int]:
        return set(map(int, self.spec["responses"]))

    def address(self, **values: object) -> str:
        """Return the path with the values of its parameters; a missing value is 1."""
        return re.sub(r"{(\w+)}", lambda match: str(values.get(match[1], 1)), self.path)


def operations() -> list[Operation]:
    return [
        Operation(spec["operationId"], method.upper(), path, spec)
        for path, methods in document()["paths"].items()
        for method in METHODS
        if (spec := methods.get(method))
    ]


def operation(name: str) -> Operation:
    return next(each for each in operations() if each.name == name)


def resolve(thing: Any) -> Any:
    """Return what a reference refers to, or the thing itself."""
    if "$ref" not in thing:
        return thing
    found: Any = document()
    for name in thing["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def check(asked: Operation, answer: Answer) -> None:
    """Check that a response matches the document, and has no undocumented member.

    Raises:
        AssertionError: it does not match.
    """
    where = f"{asked.method} {asked.path} {answer.status}"
    assert answer.status in asked.statuses | {405}, f"{where} is not in the document"
    response = _response(asked, answer.status)
    headers = response["headers"]
    for name in OURS:
        there = name.lower() in answer.headers
        assert there or not headers.get(name, {}).get("required"), f"{where} lacks {name}"
        assert not there or name in headers, f"{where} has {name}"
    if "content" not in response:
        assert answer.body == b"", where
        return
    media = answer.headers["content-type"].partition(";")[0]
    assert media in response["content"], f"{where} is {media}"
    if media == "application/json":
        faults = [str(fault) for fault in _validator(asked, answer.status).iter_errors(answer.json)]
        assert not faults, f"{where}: {faults[0]}"


def _response(asked: Operation, status: int) -> Any:
    """Return the specification of a response; every path has a 405."""
    if status == 405:
        return document()["components"]["responses"]["MethodNotAllowed"]
    return resolve(asked.spec["responses"][str(status)])


@functools.cache
def _closed_components() -> Any:
    return _closed(document()["components"])


@functools.cache
def _validator_of(text: bytes) -> Any:
    schema = orjson.loads(text) | {"components": _closed_components()}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _validator(asked: Operation, status: int) -> Any:
    response = _response(asked, status)
    return _validator_of(orjson.dumps(_closed(response["content"]["application/json"]["schema"])))


def _closed(thing: Any) -> Any:
    """Return a schema whose objects accept only the members that it names."""
    if isinstance(thing, list):
        return list(map(_closed, thing))
    if not isinstance(thing, dict):
        return thing
    made = {name: _closed(each) for name, each in thing.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
