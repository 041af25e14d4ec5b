"""The public operations: health, metrics, documentation and pages."""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST

from service.http.openapi.import_schemas import CHECKS
from service.http.openapi.json_schema import STRING, Json, describe, envelope, json_object
from service.http.openapi.operations import Success, json_response, operation
from service.web import ASSETS, PAGE

TAG: Final = "Service"
_ADMIN: Final = " If `BULK_IMPORT_ADMIN_PORT` is set, only that port has this path."


def _file(name: str, summary: str, description: str, media: str) -> Json:
    success = Success(description, {media: {} if media.endswith("json") else STRING})
    return operation(name, TAG, summary, description, successes={200: success})


PATHS: Final[Json] = {
    "/healthz": {
        "get": operation(
            "isAlive",
            TAG,
            "Check liveness",
            "The process answers. It checks nothing else, because a restart cannot repair an "
            f"outage elsewhere.{_ADMIN}",
            successes={
                200: json_response("The process runs.", envelope(200, "Alive", json_object({})))
            },
        )
    },
    "/readyz": {
        "get": operation(
            "isReady",
            TAG,
            "Check readiness",
            "The service is ready if the database answers, accepts writes and has all migrations, "
            "and if the service is not shutting down. The check of the database is kept for a "
            f"second.{_ADMIN}",
            successes={
                200: json_response(
                    "The service is ready.", envelope(200, "Ready", json_object({}), checks=CHECKS)
                )
            },
            failures={
                503: "The service is not ready. `details` states why, and `checks` has each check."
            },
        )
    },
    "/metrics": {
        "get": operation(
            "getMetrics",
            TAG,
            "Read metrics",
            "Metrics for Prometheus, counted since the start of the service. They are kept for a "
            f"second.{_ADMIN}",
            successes={
                200: Success(
                    "The metrics.",
                    {
                        CONTENT_TYPE_LATEST.partition(";")[0]: describe(
                            STRING, "Prometheus' text format."
                        )
                    },
                )
            },
        )
    },
    "/schema/native.xsd": {
        "get": _file(
            "getNativeSchema", "Read the native schema", "An XML Schema 1.0.", "application/xml"
        )
    },
    "/schema/format.json": {
        "get": _file(
            "getFormatSchema",
            "Read the schema of format files",
            "A JSON Schema of the TOML files that describe own formats.",
            "application/schema+json",
        )
    },
    "/openapi.json": {
        "get": _file("getOpenApi", "Read this document", "OpenAPI 3.1.", "application/json")
    },
    "/docs": {
        "get": _file(
            "getDocs", "Browse this document", "A page that shows this document.", "text/html"
        )
    },
    "/docs/{asset}": {
        "get": operation(
            "getDocsAsset",
            TAG,
            "Read a file of the documentation page",
            "A script or a style sheet.",
            successes={200: Success("The file.", dict.fromkeys(ASSETS.values(), STRING))},
            failures=[404],
        )
    },
    "/": {
        "get": _file(
            "getPage", "Open the page for people", "A page that uses this API.", "text/html"
        )
    },
    "/page/{folder}/{file}": {
        "get": operation(
            "getPageFile",
            TAG,
            "Read a file of the page for people",
            "A script, a style sheet or the icon.",
            successes={200: Success("The file.", dict.fromkeys(PAGE.values(), STRING))},
            failures=[404],
        )
    },
}
