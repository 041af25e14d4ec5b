"""Builds pieces of OpenAPI 3.1 and JSON Schema 2020-12."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from service.settings import Settings

Json = dict[str, Any]

STRING: Final[Json] = {"type": "string"}
BOOLEAN: Final[Json] = {"type": "boolean"}
TRUE: Final[Json] = {"type": "boolean", "enum": [True]}
"""Not ``const``, of which openapi-python-client makes code with a syntax error."""
INTEGER: Final[Json] = {"type": "integer"}
NUMBER: Final[Json] = {"type": "number"}
TIME: Final[Json] = {"type": "string", "format": "date-time"}
DAY: Final[Json] = {"type": "string", "format": "date"}
COUNT: Final[Json] = {"type": "integer", "minimum": 0}
POSITIVE: Final[Json] = {"type": "integer", "minimum": 1}
ID: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


def ref(kind: str, name: str) -> Json:
    """Refer to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Json:
    """Refer to a schema."""
    return ref("schemas", name)


def describe(kind: Json, description: str) -> Json:
    """Return a schema with a description."""
    return {**kind, "description": description}


def nullable(kind: Json) -> Json:
    """Return a schema that also accepts null."""
    if isinstance(kind.get("type"), str) and "enum" not in kind:
        return {**kind, "type": [kind["type"], "null"]}
    return {"oneOf": [kind, {"type": "null"}]}


def enumeration(values: Iterable[Any], description: str = "", **more: Any) -> Json:
    """Return a schema for a closed list of values of one type."""
    listed = [getattr(value, "value", value) for value in values]
    kind = {bool: "boolean", int: "integer", str: "string"}[type(listed[0])]
    return {
        "type": kind,
        "enum": listed,
        **({"description": description} if description else {}),
    } | more


def array(kind: Json, **more: Any) -> Json:
    """Return a schema for an array."""
    return {"type": "array", "items": kind, **more}


def json_object(
    members: Mapping[str, Json], *, optional: Iterable[str] = (), description: str = ""
) -> Json:
    """Return a schema for an object; all members but the optional ones are required."""
    left_out = set(optional)
    made: Json = {
        "type": "object",
        "properties": dict(members),
        "required": [name for name in members if name not in left_out],
    }
    return describe(made, description) if description else made


def envelope(code: int, message: str, details: Json, **more: Json) -> Json:
    """Return the schema of a successful response in JSON."""
    return json_object(
        {
            "status": {"const": "success"},
            "code": {"const": code},
            "message": {"const": message},
            "details": details,
            **more,
        }
    )


def query_parameter(name: str, kind: Json, description: str) -> Json:
    """Return an optional parameter of the query string."""
    return {"name": name, "in": "query", "description": description, "schema": kind}


def default_of(setting: str) -> Any:
    """Return the default of a setting."""
    return Settings.model_fields[setting].default
