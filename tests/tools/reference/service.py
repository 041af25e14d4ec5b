"""Tables of settings, metrics, errors, warnings, routes and parameters."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from service.codes import ErrorCode, WarningCode
from service.errors import ServiceError
from service.http.openapi.document import document
from service.http.routes.table import CLIENT
from service.http.user_agent import CLASSES
from service.imports.conflict_rules import Outcome
from service.observability import metrics, process_metrics
from service.observability.metrics import Cause, Stage
from service.settings import Settings
from tests.tools.reference.markdown import codes, table

_SIZES: Final = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def variable(setting: str) -> str:
    """Return the environment variable of a setting."""
    return "DATABASE_URL" if setting == "database_url" else f"BULK_IMPORT_{setting.upper()}"


def settings(span: str) -> str:
    """Return the table of the settings from ``first..last``, in the order of the class."""
    first, _, last = span.partition("..")
    names = list(Settings.model_fields)
    fields = ((name, Settings.model_fields[name]) for name in names)
    rows = [
        (f"`{variable(name)}`", _default(name, field.default), _sentence(field.description))
        for name, field in fields
        if names.index(first) <= names.index(name) <= names.index(last)
    ]
    return table(("Setting", "Default", "Description"), rows)


def _sentence(words: str | None) -> str:
    assert words
    return words[0].upper() + words[1:]


def _default(name: str, value: object) -> str:
    if value is None:
        return ""
    if name.endswith("bytes") and isinstance(value, int):
        return next(f"{value // size} {unit}" for size, unit in _SIZES if value % size == 0)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


class Metric(NamedTuple):
    """One metric of the service."""

    labels: Sequence[str]
    help: str


def metrics_by_name() -> dict[str, Metric]:
    """Return the service's own metrics, by the names under which they are exposed."""
    found = {}
    for metric in (*vars(metrics).values(), *vars(process_metrics).values()):
        if isinstance(metric, (Counter, Gauge, Histogram)):
            (family,) = metric.describe()
            suffix = "_total" if family.type == "counter" else ""
            found[family.name + suffix] = Metric(metric._labelnames, family.documentation)
    return found


def metric_table(names: str) -> str:
    """Return the table of the metrics that are named, without their common prefix."""
    known = metrics_by_name()
    rows = [
        (f"`{name}`", codes(known[name].labels), _variables(known[name].help))
        for name in (f"bulk_import_{short}" for short in names.split())
    ]
    return table(("Metric", "Labels", "Description"), rows)


def labels(_argument: str) -> str:
    """Return the table of the labels that have a closed list of values."""
    values: dict[str, Iterable[str]] = {
        "outcome": Outcome,
        "state": ("completed", "failed", "interrupted", "cancelled"),
        "client_class": sorted(CLASSES),
        "cause": Cause,
        "lock": ("client", "project"),
        "stage": Stage,
    }
    return table(("Label", "Values"), [(f"`{name}`", codes(each)) for name, each in values.items()])


def stages(_argument: str) -> str:
    """Return the table of the pipeline's stages."""
    rows = [(f"`{stage}`", stage.worker, _variables(stage.hint)) for stage in Stage]
    return table(("Stage", "Worker", "A large share means"), rows)


def _variables(words: str) -> str:
    return re.sub(r"\b(BULK_IMPORT_\w+)", r"`\1`", words)


def statuses(_argument: str) -> str:
    """Return the table of the HTTP errors, a row for each cause."""
    kinds = sorted(ServiceError.__subclasses__(), key=lambda kind: kind.status)
    rows = [
        (kind.status, kind.message, cause.cause, cause.remedy, cause.retry)
        for kind in kinds
        for cause in kind.causes
    ]
    return table(("Code", "Message", "Cause", "Remedy", "Does a retry help?"), rows)


def errors(_argument: str) -> str:
    """Return the table of the errors of projects."""
    rows = [
        (f"`{code}`", code.status, "yes" if code.retryable else "no", code.cause, code.remedy)
        for code in ErrorCode
    ]
    return table(("Error", "Code", "Retry", "Cause", "Remedy"), rows)


def warnings(subject: str) -> str:
    """Return the table of the warnings ``of a project`` or ``of an upload``."""
    rows = [
        (f"`{code}`", code.cause, code.remedy)
        for code in WarningCode
        if code.of_upload == (subject == "of an upload")
    ]
    return table(("Warning", "What happened", "What to do"), rows)


def routes(_argument: str) -> str:
    """Return the table of the routes of a client, with their scopes."""
    rows = [
        (f"`{method.upper()} {path.removeprefix(CLIENT)}`", _scopes(told), told["summary"])
        for path, methods in document()["paths"].items()
        if path.startswith(CLIENT)
        for method, told in methods.items()
        if method != "parameters"
    ]
    return table(("Route", "Scope", "What it does"), rows)


def _scopes(told: Any) -> str:
    return " or ".join(
        f"`{scope}`" for way in told["security"] for each in way.values() for scope in each
    )


def parameters(name: str) -> str:
    """Return the table of an operation's own parameters in the query."""
    told = next(
        operation
        for methods in document()["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict) and operation["operationId"] == name
    )
    rows = [
        (f"`{each['name']}`", _values(each["schema"]), each["description"])
        for each in told["parameters"]
        if each.get("in") == "query"
    ]
    return table(("Parameter", "Values", "Description"), rows)


_CODES: Final = {
    "ErrorCode": "a code of [failed projects](../errors/projects.md)",
    "WarningCode": "a code of [warnings](../errors/projects.md#warnings)",
}


def _values(schema: Any) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in _CODES:
            return _CODES[name]
        return _values(document()["components"]["schemas"][name])
    if "enum" in schema:
        default = schema.get("default")
        return ", ".join(f"`{each}`{' (default)' * (each == default)}" for each in schema["enum"])
    if schema.get("format") == "date-time":
        return "time with offset, such as `2026-01-05T08:00:00Z`"
    if schema.get("format") == "date":
        return "date, such as `2026-01-05`"
    if schema["type"] == "integer":
        return "number"
    longest = schema.get("maxLength")
    return f"text of up to {longest} characters" if longest else "text"


TEXTS: Final[dict[str, Callable[[str], str]]] = {
    "settings": settings,
    "metrics": metric_table,
    "labels": labels,
    "stages": stages,
    "statuses": statuses,
    "errors": errors,
    "warnings": warnings,
    "routes": routes,
    "parameters": parameters,
}
"""The generators, by the name in a marker."""
