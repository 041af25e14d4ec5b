"""What ``docs/explanation/differences.md`` says about the published samples and statuses."""

import re
from collections.abc import Mapping
from pathlib import Path

from service.http.openapi.document import document
from tests.support.raw_http import Connection, head, upload
from tests.support.service import Service, token

PAGE = (Path(__file__).parents[3] / "docs/explanation/differences.md").read_text("utf-8")
PUBLISHED = {"207", "400", "401", "403", "404", "409", "500"}
NO_BOUNDARY = "multipart/form-data"


def read_table(title: str) -> Mapping[str, str]:
    """Return the last column of a table of the page, by its first column."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [row.strip("|").split(" | ") for row in re.findall(r"^\|.*\|$", section, re.MULTILINE)]
    return {row[0].strip(): row[-1].strip() for row in rows[2:]}


async def test_the_samples_get_the_responses_of_the_page(service: Service) -> None:
    """The requests are those of each library, on the bytes."""
    raw = head(service, "Accept: application/json", token=None, content_type=NO_BOUNDARY)
    async with Connection(service) as connection:
        await connection.send(re.sub(rb"Host:.*\r\n", b"", raw))
        given = {"HTTP": await connection.answer()}
    fields = f"headers[Authorization]=Bearer+{token()}".encode()
    form = "application/x-www-form-urlencoded"
    sent: dict[str, tuple[bytes, dict[str, str | None]]] = {
        "curl": (b"", {}),
        "JavaScript": (b'{"file": "string", "notes": "Import on 2023-01-01"}', {}),
        "Ruby": (fields, {"token": None, "content_type": form}),
        "Python": (b"", {}),
        "PHP": (b"[]", {}),
        "Java": (b"", {"token": None, "content_type": form}),
        "Go": (b"{}", {}),
    }
    for name, (body, fields_of_head) in sent.items():
        given[name] = await upload(service, body, **{"content_type": NO_BOUNDARY} | fields_of_head)
    assert {name: str(answer.status) for name, answer in given.items()} == read_table(
        "Faults of the published samples"
    )
    details = {name: answer.json["details"] for name, answer in given.items()}
    for name in ("curl", "JavaScript", "Python", "PHP", "Go"):
        assert details[name].startswith("Validation error: ")
        assert "names no boundary" in details[name]
    assert details["Ruby"] == details["Java"]
    assert details["Java"].startswith("JWT token not found: ")


def test_the_page_has_the_statuses_of_the_endpoint() -> None:
    path = document()["paths"]["/api/v2/clients/{client_id}/projects/bulk"]
    of_the_server = {"405", "417"}
    documented = {*path["post"]["responses"], *of_the_server} - PUBLISHED
    assert set(read_table("More statuses")) == documented
