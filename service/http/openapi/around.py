"""The public operations: health, figures, and what describes the service."""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST

from service.http.openapi.operations import Answer, operation, plain
from service.http.openapi.parts import STRING, Json, envelope, record, said
from service.http.openapi.schemas import CHECKS
from service.web import ASSETS, PAGE

TAG: Final = "Service"


def _file(name: str, summary: str, description: str, media: str) -> Json:
    answer = Answer(description, {media: STRING if media != "application/json" else {}})
    return operation(name, TAG, summary, description, answers={200: answer})


PATHS: Final[Json] = {
    "/healthz": {
        "get": operation(
            "isAlive",
            TAG,
            "Whether the process lives",
            "Nothing else is asked: no outage elsewhere is mended by a restart.",
            answers={200: plain("It lives.", envelope(200, "Alive", record({})))},
        )
    },
    "/readyz": {
        "get": operation(
            "isReady",
            TAG,
            "Whether uploads can be taken",
            "The database answers, takes writes and is migrated, and the service does not end.",
            answers={200: plain("They can.", envelope(200, "Ready", record({}), checks=CHECKS))},
            failures={503: "They cannot; `details` says why, and `checks` one by one."},
        )
    },
    "/metrics": {
        "get": operation(
            "getMetrics",
            TAG,
            "Figures for Prometheus",
            "Counted since the process began.",
            answers={
                200: Answer(
                    "The figures.",
                    {CONTENT_TYPE_LATEST.partition(";")[0]: said(STRING, "Its text format.")},
                )
            },
        )
    },
    "/schema/native.xsd": {
        "get": _file("getNativeSchema", "The native XML's schema", "An XSD 1.0.", "application/xml")
    },
    "/openapi.json": {
        "get": _file("getOpenApi", "This document", "OpenAPI 3.1.", "application/json")
    },
    "/docs": {
        "get": _file("getDocs", "This document, to be read", "A page of our own.", "text/html")
    },
    "/docs/{asset}": {
        "get": operation(
            "getDocsAsset",
            TAG,
            "What the page is made of",
            "Its script and its style.",
            answers={200: Answer("The file.", dict.fromkeys(ASSETS.values(), STRING))},
            failures=[404],
        )
    },
    "/": {"get": _file("getPage", "The page for people", "Asks this API itself.", "text/html")},
    "/page/{file}": {
        "get": operation(
            "getPageFile",
            TAG,
            "What the page for people is made of",
            "Its scripts, styles and icon.",
            answers={200: Answer("The file.", dict.fromkeys(PAGE.values(), STRING))},
            failures=[404],
        )
    },
}
