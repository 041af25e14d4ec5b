"""Pieces of the document, in the words of OpenAPI 3.1 and JSON Schema 2020-12."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from service.settings import Settings

Json = dict[str, Any]

STRING: Final[Json] = {"type": "string"}
BOOLEAN: Final[Json] = {"type": "boolean"}
INTEGER: Final[Json] = {"type": "integer"}
MOMENT: Final[Json] = {"type": "string", "format": "date-time"}
COUNT: Final[Json] = {"type": "integer", "minimum": 0}
ID: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}

VERSION: Final[Json] = {
    "type": "integer",
    "minimum": 1,
    "description": "Counts the project's changes.",
}
SUBJECT: Final[Json] = {"type": "string", "description": "The `sub` of the token, or empty."}


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Json:
    return ref("schemas", name)


def said(kind: Json, description: str) -> Json:
    """A schema with a description."""
    return {**kind, "description": description}


def nullable(kind: Json) -> Json:
    """A schema that takes null too."""
    if isinstance(kind.get("type"), str) and "enum" not in kind:
        return {**kind, "type": [kind["type"], "null"]}
    return {"oneOf": [kind, {"type": "null"}]}


def one_of(values: Iterable[Any], description: str = "", **more: Any) -> Json:
    """A closed list of values of one kind."""
    listed = [getattr(value, "value", value) for value in values]
    kind = {bool: "boolean", int: "integer", str: "string"}[type(listed[0])]
    return {
        "type": kind,
        "enum": listed,
        **({"description": description} if description else {}),
    } | more


def items(kind: Json, **more: Any) -> Json:
    return {"type": "array", "items": kind, **more}


def record(
    properties: Mapping[str, Json], *, optional: Iterable[str] = (), description: str = ""
) -> Json:
    """An object that always has all of its properties but the optional ones."""
    left_out = set(optional)
    made: Json = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
    }
    return said(made, description) if description else made


def envelope(code: int, message: str, details: Json, **beside: Json) -> Json:
    """The shape of answers that are no errors."""
    return record(
        {
            "status": {"const": "success"},
            "code": {"const": code},
            "message": {"const": message},
            "details": details,
            **beside,
        }
    )


def query(name: str, kind: Json, description: str) -> Json:
    """A parameter of the query, which may be left out."""
    return {"name": name, "in": "query", "description": description, "schema": kind}


def default(setting: str) -> Any:
    """The default of a setting."""
    return Settings.model_fields[setting].default
