"""What the document says, in a form that answers can be held against."""

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
"""Headers that an answer has only if the document says so."""


class Operation(NamedTuple):
    """One method of one path, as the document tells it."""

    name: str
    method: str
    path: str
    told: Mapping[str, Any]

    @property
    def of_a_client(self) -> bool:
        return "{client_id}" in self.path

    @property
    def scopes(self) -> set[str]:
        """Each of which allows it."""
        return {scope for way in self.told["security"] for each in way.values() for scope in each}

    @property
    def query(self) -> set[str]:
        given = map(resolved, self.told.get("parameters", []))
        return {each["name"] for each in given if each["in"] == "query"}

    @property
    def statuses(self) -> set[int]:
        return set(map(int, self.told["responses"]))

    def address(self, **values: object) -> str:
        """The path with its parameters' values: 1 for those that are not given."""
        return re.sub(r"{(\w+)}", lambda found: str(values.get(found[1], 1)), self.path)


def operations() -> list[Operation]:
    return [
        Operation(told["operationId"], method.upper(), path, told)
        for path, methods in document()["paths"].items()
        for method in METHODS
        if (told := methods.get(method))
    ]


def operation(name: str) -> Operation:
    return next(each for each in operations() if each.name == name)


def resolved(thing: Any) -> Any:
    """What a reference refers to."""
    if "$ref" not in thing:
        return thing
    found: Any = document()
    for name in thing["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def check(asked: Operation, answer: Answer) -> None:
    """Whether an answer is as the document has it, without a member that it does not name.

    Raises:
        AssertionError: it is not.
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
    """Another method than the document's is answered on every path."""
    if status == 405:
        return document()["components"]["responses"]["MethodNotAllowed"]
    return resolved(asked.told["responses"][str(status)])


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
    """A schema whose objects have no members but those that it names."""
    if isinstance(thing, list):
        return list(map(_closed, thing))
    if not isinstance(thing, dict):
        return thing
    made = {name: _closed(each) for name, each in thing.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
