"""Replace valid values that schemathesis generates by values that the service knows.

``SCHEMATHESIS_HOOKS`` loads this module. Values that are invalid on purpose stay.
"""

import itertools
import re
from typing import Any, Final

import schemathesis
from schemathesis import Case, HookContext

from service.http.pagination import encode_cursor
from service.http.routes.projects import UNSORTED
from tests.support.native import native

NUMBERS: Final = itertools.count(1)
ID: Final = re.compile(r"[0-9]{1,18}")
PART: Final = re.compile(r"\w+", re.ASCII)
"""Name of a form field that needs no escapes."""
FILE: Final = native(
    '<project id="P-{0}"><name>{1}</name></project><project id="Q"><start>soon</start></project>'
)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Let valid ids name existing objects, and let headers match the body."""
    for name, value in case.path_parameters.items():
        if ID.fullmatch(str(value)):
            case.path_parameters[name] = 1 if name == "client_id" else 1 + int(value) % 3
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.operation.path.endswith("/checks") and "check" not in case.query:
        case.query.pop("cursor", None)  # each check has cursors of its own
    if "sort" in case.query:
        for name in ("cursor", *UNSORTED):
            case.query.pop(name, None)
    if "cursor" in case.query:
        case.query["cursor"] = encode_cursor(len(case.query["cursor"]))
    if "idempotency_key" in case.query:
        case.query["idempotency_key"] = f"key {next(NUMBERS)}"
    if "Content-Encoding" in case.headers:
        case.headers["Content-Encoding"] = "identity"
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key {next(NUMBERS)}"
    if isinstance(case.body, dict) and "file" in case.body:
        case.body = {name: case.body[name] for name in case.body if PART.fullmatch(name)}
        number = next(NUMBERS)
        case.body["file"] = [FILE.format(number % 5, f"Plan {number}")]
