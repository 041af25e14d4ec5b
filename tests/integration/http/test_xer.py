"""XER files over HTTP: alone, beside XML, compressed, in other encodings, and broken."""

import gzip
import io
import zipfile
from typing import Any

import pytest

from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import native_file
from tests.support.paths import CHECKOUT
from tests.support.raw_http import form, get, part
from tests.support.service import Service
from tests.support.uploads import send
from tests.support.xer_files import xer

XER, XML = ((CHECKOUT / "samples" / name).read_bytes() for name in ("p6.xer", "p6.xml"))
IDS = [f"PU-{n}-P-1-{n:05}" for n in (1, 2, 3)]
PLAN = native_file('<project id="P-1"><name>Plan</name></project>')
COUNT = "SELECT count(*) FROM current_projects"


def plan(name: str, encoding: str, **options: str) -> bytes:
    project = {"proj_id": 1, "proj_short_name": "A"}
    root = {"wbs_id": 1, "proj_id": 1, "proj_node_flag": "Y", "wbs_name": name}
    return xer({"PROJECT": [project], "PROJWBS": [root]}, encoding=encoding, **options)


def zipped(**files: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name.replace("_", "."), content)
    return archive.getvalue()


def outcomes(answer: Answer) -> list[tuple[str, str, str]]:
    assert answer.status == 207, answer.body
    return [
        (item["external_id"], item["outcome"], item["file"])
        for item in answer.json["details"]["successes"]
    ]


async def read_import(service: Service, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = (await get(service, answer.headers["location"])).json["details"]
    return found


async def test_a_plan_as_xer_and_as_xml_is_one_project(service: Service, pool: Pool) -> None:
    first = await send(service, form(part("file", XER, filename="p6.xer")))
    assert outcomes(first) == [(each, "created", "p6.xer") for each in IDS]
    assert (await read_import(service, first))["dialect"] == "xer"
    again = await send(service, form(part("file", gzip.compress(XER), filename="p6.xer.gz")))
    assert {outcome for _, outcome, _ in outcomes(again)} == {"unchanged"}
    other = await send(service, form(part("file", XML, filename="p6.xml")))
    assert {outcome for _, outcome, _ in outcomes(other)} == {"updated"}
    assert other.json["details"]["warnings"] == []
    sources = await pool.fetch("SELECT DISTINCT source, version FROM current_projects")
    assert [tuple(row) for row in sources] == [("p6", 2)]


async def test_a_zip_of_xer_and_xml_is_a_mixed_import(service: Service, pool: Pool) -> None:
    body = form(part("file", zipped(p6_xer=XER, plan_xml=PLAN), filename="week.zip"))
    dry = await send(service, body, "dry_run=true")
    answer = await send(service, body, "atomic=true", "Idempotency-Key: week")
    expected = [(each, "created", "week.zip/p6.xer") for each in IDS]
    expected.append(("P-1", "created", "week.zip/plan.xml"))
    assert outcomes(dry) == outcomes(answer) == expected
    assert (await read_import(service, answer))["dialect"] == "mixed"
    repeated = await send(service, body, "atomic=true", "Idempotency-Key: week")
    assert repeated.body == answer.body
    assert await pool.fetchval(COUNT) == 4


async def test_a_broken_xer_file_fails_alone_and_whole(service: Service, pool: Pool) -> None:
    cut = XER[: XER.index(b"%T\tTASKRSRC")]
    files = [part("file", cut, filename="cut.xer"), part("file", PLAN, filename="plan.xml")]
    answer = await send(service, form(*files))
    assert outcomes(answer) == [("P-1", "created", "plan.xml")]
    (error,) = answer.json["details"]["errors"]
    assert (error["error"], error["file"]) == ("MALFORMED_XML", "cut.xer")
    assert (error["line"], "without the line %E" in error["message"]) == (cut.count(b"\n"), True)
    none = await send(service, form(*files), "atomic=true")
    assert none.json["counts"]["failed"] == 1
    assert await pool.fetchval(COUNT) == 1


@pytest.mark.parametrize(
    ("encoding", "charset", "stored", "warned"),
    [
        ("utf-8", "", "Gerüst 大桥", False),
        ("gb18030", "; charset=gb18030", "Gerüst 大桥", False),
        ("utf-16", "", "Gerüst 大桥", False),
        ("cp1252", "", "Gerüst", True),
        ("cp1251", "; charset=windows-1251", "Мост", False),
    ],
)
async def test_the_charset_of_the_part_decodes_an_xer_file(
    service: Service, pool: Pool, encoding: str, charset: str, stored: str, warned: bool
) -> None:
    kind = f"Content-Type: application/octet-stream{charset}"
    body = form(part("file", plan(stored, encoding), kind, filename="a.xer"))
    answer = await send(service, body)
    assert len(outcomes(answer)) == 1
    codes = [each["code"] for each in answer.json["details"]["warnings"]]
    assert codes == ["ENCODING_ASSUMED"] * warned
    assert await pool.fetchval("SELECT name FROM current_projects") == stored
