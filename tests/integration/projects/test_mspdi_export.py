"""A project of Microsoft Project as its XML: importing it again changes nothing."""

import pytest
from lxml import etree

from tests.support.client import Client
from tests.support.native import RICH_FILE
from tests.support.paths import CHECKOUT, REAL

MSPDI = "application/vnd.ms-project+xml"
NAMESPACE = "{http://schemas.microsoft.com/project}"
ODD = """<Project xmlns="http://schemas.microsoft.com/project" xmlns:x="urn:x">
  <Name>Odd</Name><Author>A &amp; B&#13;</Author><Author>second</Author>
  <Vendor kind="x" x:more="y">before<Inner>1</Inner>after<x:Inner>2</x:Inner>end</Vendor>
  <Blank>a<Nothing/>b</Blank>
  <WBSMasks><Prefix>P</Prefix><WBSMask><Level>1</Level></WBSMask></WBSMasks>
  <Calendars><Calendar><UID>1</UID><WeekDays><WeekDay><DayType>1</DayType></WeekDay></WeekDays>
  </Calendar></Calendars>
  <Tasks>
    <Task><UID>1</UID><ID>1</ID><Name>First</Name><Name>again</Name><Start>soon</Start>
      <OutlineLevel>1</OutlineLevel><Duration>P1DT2H</Duration><Cost>50.5</Cost>
      <PredecessorLink><PredecessorUID>3</PredecessorUID><LinkLag>50</LinkLag>
        <LagFormat>19</LagFormat></PredecessorLink>
      <PredecessorLink><PredecessorUID>77</PredecessorUID></PredecessorLink>
      <Baseline><Number>0</Number><Start>2026-01-05T08:00:00</Start><Cost>100</Cost></Baseline>
      <Baseline><Start>2026-01-05T08:00:00</Start></Baseline>
      <Baseline><Number>3</Number><Work>PT8H0M0S</Work><Interim>1</Interim></Baseline></Task>
    <Task><UID>2</UID><ID>2</ID><IsNull>1</IsNull></Task>
    <Task><UID>3</UID><ID>3</ID><OutlineLevel>2</OutlineLevel>
      <PredecessorLink><PredecessorUID>1</PredecessorUID><Type>3</Type><LinkLag>-4805</LinkLag>
      </PredecessorLink>
      <PredecessorLink><PredecessorUID>4</PredecessorUID></PredecessorLink></Task>
    <Task><UID>4</UID><ID>4</ID>
      <PredecessorLink><PredecessorUID>3</PredecessorUID></PredecessorLink>
      <PredecessorLink><PredecessorUID>88</PredecessorUID></PredecessorLink></Task>
    <Task><UID>5</UID><ID>5</ID><IsNull>1</IsNull></Task>
  </Tasks>
  <Resources><Resource><UID>0</UID><ID>0</ID><IsNull>1</IsNull></Resource>
    <Resource><UID>1</UID><ID>1</ID><Type>1</Type><IsCostResource>1</IsCostResource></Resource>
  </Resources>
  <Assignments><Assignment><TaskUID>99</TaskUID></Assignment>
    <Assignment><TaskUID>1</TaskUID><ResourceUID>-65535</ResourceUID></Assignment>
    <Assignment><TaskUID>3</TaskUID><ResourceUID>9</ResourceUID></Assignment></Assignments>
  <Views><View><Name>Gantt</Name></View></Views>
</Project>"""


async def export(client: Client, project_id: int) -> bytes:
    answer = await client.ask(f"projects/{project_id}", accept=MSPDI)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == f"{MSPDI}; charset=utf-8"
    return answer.body


async def assert_unchanged(client: Client, data: bytes) -> list[bytes]:
    """Import a file, export each of its projects, and import that again."""
    exported = []
    for landed in await client.land(data):
        exported.append(await export(client, landed["project_id"]))
        [again] = await client.land(exported[-1])
        assert (again["outcome"], again["project_id"]) == ("unchanged", landed["project_id"])
    return exported


async def test_importing_an_export_changes_nothing(client: Client) -> None:
    for path in ("samples/mspdi.xml", "tests/data/mspdi/plan.xml"):
        assert await assert_unchanged(client, (CHECKOUT / path).read_bytes())


async def test_rows_that_are_parts_are_exported_where_they_were(client: Client) -> None:
    [exported] = await assert_unchanged(client, ODD.encode())
    root = etree.fromstring(exported)
    tasks = root.find(NAMESPACE + "Tasks")
    assert tasks is not None
    assert [task.findtext(NAMESPACE + "UID") for task in tasks] == ["1", "2", "3", "4", "5"]
    links = [
        (task.findtext(NAMESPACE + "UID"), link.findtext(NAMESPACE + "PredecessorUID"))
        for task in tasks
        for link in task.iterfind(NAMESPACE + "PredecessorLink")
    ]
    assert sorted(links) == [
        ("1", "3"),
        ("1", "77"),
        ("3", "1"),
        ("3", "4"),
        ("4", "3"),
        ("4", "88"),
    ]
    names = [etree.QName(child).localname for child in root]
    assert names.index("Calendars") < names.index("Tasks") < names.index("Views")


async def test_elements_have_the_order_of_the_schema(client: Client) -> None:
    sample = (CHECKOUT / "samples/mspdi.xml").read_bytes()
    exported = await assert_unchanged(client, sample)
    task = etree.fromstring(exported[0]).find(f"{NAMESPACE}Tasks/{NAMESPACE}Task")
    assert task is not None
    names = [etree.QName(child).localname for child in task]
    expected = ("UID", "ID", "Name", "Type", "IsNull", "WBS", "Start", "Duration", "Milestone")
    assert [name for name in names if name in expected] == list(expected)
    assert task.findtext(NAMESPACE + "Duration", "").endswith("M0S")


async def test_a_version_can_be_exported(client: Client) -> None:
    [landed] = await client.land(ODD.encode())
    await client.land(ODD.replace("First", "Second").encode())
    path = f"projects/{landed['project_id']}/versions/1"
    answer = await client.ask(path, accept=MSPDI)
    assert b"<Name>First</Name>" in answer.body


async def test_a_project_of_another_format_has_no_such_document(client: Client) -> None:
    [landed] = await client.land(RICH_FILE)
    answer = await client.ask(f"projects/{landed['project_id']}", accept=MSPDI)
    assert answer.status == 406
    assert b"from a file of Microsoft Project" in answer.body
    assert b"source of this one is p6" in answer.body


@pytest.mark.skipif(not REAL.exists(), reason="the real files are not beside the checkout")
async def test_importing_the_export_of_a_real_file_changes_nothing(client: Client) -> None:
    files = sorted((REAL / "mspdi").glob("*.xml"))
    for path in files:
        assert await assert_unchanged(client, path.read_bytes()), path.name
    print(len(files), "files")
