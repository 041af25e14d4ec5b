"""How one operation is told: who may, what it takes, and each answer with its examples."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final, NamedTuple

import orjson

from service.http.openapi import errors
from service.http.openapi.parts import Json, default, ref
from service.http.responses import JSON

BEARER: Final = "bearer"
READ: Final[str] = default("read_scope")
IMPORT: Final[str] = default("import_scope")
UNDO: Final[str] = default("undo_scope")
BREAK: Final[str] = default("break_scope")

OF_A_CLIENT: Final = (400, 401, 403, 404, 417, 500, 503)
"""Errors of every operation on behalf of a client."""

COMMON: Final = "errors"
"""The file of examples that every operation has in common."""

_EXAMPLES: Final = files("service.http.openapi") / "examples"


class Answer(NamedTuple):
    """An answer that is no error.

    Args:
        description: when it is given.
        content: the schema by media type; empty where there is no body.
        always: headers beside ``X-Request-Id``.
        sometimes: headers that it may have.
        links: what can be asked next.
    """

    description: str
    content: Mapping[str, Json]
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()
    links: Json | None = None


def examples(name: str) -> dict[str, list[Json]]:
    """Answers by status, as they were recorded from a real service.

    Args:
        name: of an operation, or ``COMMON``.
    """
    file = _EXAMPLES / f"{name}.json"
    recorded: dict[str, list[Json]] = orjson.loads(file.read_bytes()) if file.is_file() else {}
    return recorded


def operation(
    name: str,
    tag: str,
    summary: str,
    description: str,
    *,
    answers: Mapping[int, Answer],
    failures: Mapping[int, str] | Iterable[int] = (),
    scopes: Iterable[str] = (),
    sometimes: Mapping[int, tuple[str, ...]] | None = None,
    **more: Any,
) -> Json:
    """One operation.

    Args:
        name: its id.
        answers: those that are no errors, by status.
        failures: the errors beside those of its kind, perhaps with words of their own.
        scopes: each of which allows it; none makes it public.
        sometimes: headers that an error of a status may have.
        more: ``parameters``, ``requestBody``.
    """
    recorded = examples(name)
    own = dict(failures) if isinstance(failures, Mapping) else dict.fromkeys(failures, "")
    own = dict.fromkeys(OF_A_CLIENT if scopes else (417,), "") | own
    responses: Json = {}
    for status, answer in answers.items():
        responses[str(status)] = _answer(answer, recorded.get(str(status), []))
    for status, words in sorted(own.items()):
        may_have = (sometimes or {}).get(status, ())
        responses[str(status)] = _error(status, words, recorded.get(str(status), []), may_have)
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "security": [{BEARER: [scope]} for scope in scopes],
        **more,
        "responses": responses,
    }


def _answer(answer: Answer, recorded: Iterable[Json]) -> Json:
    content = {
        media: {"schema": kind, **_shown(each for each in recorded if each["media"] == media)}
        for media, kind in answer.content.items()
    }
    return {
        "description": answer.description,
        "headers": errors.headers(answer.always, answer.sometimes),
        **({"content": content} if content else {}),
        **({"links": answer.links} if answer.links else {}),
    }


def _error(status: int, words: str, recorded: list[Json], sometimes: tuple[str, ...]) -> Json:
    if not (words or recorded or sometimes):
        return ref("responses", errors.every()[status].__name__)
    shown = recorded or examples(COMMON).get(str(status), [])
    told = _shown(shown).get("examples", {})
    return errors.response(status, words, examples=told, sometimes=sometimes)


def _shown(recorded: Iterable[Json]) -> Json:
    named = {
        each["name"]: {"summary": each["summary"], "value": each["value"]} for each in recorded
    }
    return {"examples": named} if named else {}


def responses() -> Json:
    """The errors that operations refer to, and those that belong to none: all that there are."""
    recorded = examples(COMMON)
    return {
        kind.__name__: errors.response(
            status, examples=_shown(recorded.get(str(status), [])).get("examples", {})
        )
        for status, kind in errors.every().items()
    }


def plain(description: str, kind: Json, *always: str, links: Json | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(description, {JSON: kind}, always, links=links)
