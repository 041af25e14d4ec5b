"""Native XML: columns, refusals, hashes and limits."""

import orjson
import pytest

from service.codes import ErrorCode, WarningCode
from service.formats.limits import Limits
from service.tables import Table
from tests.support.reading import NATIVE, Reading, project_row, read, read_project, rows

pytestmark = pytest.mark.usefixtures("both_engines")


def projects(*written: str) -> str:
    return f"<projects xmlns='{NATIVE}'>{''.join(written)}</projects>"


def project(inside: str, attributes: str = "id='P'") -> str:
    return f"<project {attributes}><name>n</name>{inside}</project>"


def among_neighbours(inside: str) -> str:
    """A project ``2`` between two that are right."""
    return projects(project("", "id='1'"), project(inside, "id='2'"), project("", "id='3'"))


def violations(reading: Reading) -> list[str]:
    [refusal] = reading.refusals
    assert refusal.code is ErrorCode.VALIDATION_ERROR
    return [violation["message"] for violation in refusal.extra["violations"]]


def test_a_project_fills_its_columns() -> None:
    found = read_project(
        projects(
            """<project id="P-1" version="3"><name>Plant</name><code>PU-7</code>
            <start>2026-01-05T08:00:00</start><priority>500</priority><manager/>
            <attributes><attribute name="risk">high</attribute></attributes></project>"""
        )
    )
    assert (found.external_id, found.name, found.read_at, found.source) == (
        "P-1",
        "Plant",
        3,
        "native",
    )
    filled = {name: text for name, text in project_row(found).items() if text is not None}
    assert filled == {
        "name": "Plant",
        "code": "PU-7",
        "start": "2026-01-05T08:00:00",
        "priority": "500",
        "source": "native",
        "attributes": '{"risk":"high"}',
    }


def test_records_fill_their_columns_in_the_order_of_the_file() -> None:
    found = read_project(
        projects(
            project(
                """<assignments><assignment task="B" resource="R" units="0.50"/></assignments>
                <dependencies><dependency predecessor="A" successor="B" lag="-PT4H"/></dependencies>
                <tasks>
                  <task id="A" kind="wbs" wbs="1"/>
                  <task id="B" parent="A" milestone="1"><name>Pour</name><duration>PT40H</duration>
                    <percent-complete>25.0</percent-complete></task>
                </tasks>
                <resources><resource id="R" type="work"><email>a@b</email></resource></resources>
                <parts><part element="Note"><attribute name="Text">x</attribute></part></parts>"""
            )
        )
    )
    tasks = rows(found, Table.TASKS)
    assert found.tasks == 2
    assert [(t["ordinal"], t["task_id"], t["kind"], t["parent_id"]) for t in tasks] == [
        ("0", "A", "wbs", None),
        ("1", "B", "activity", "A"),
    ]
    assert (tasks[1]["milestone"], tasks[1]["duration"]) == ("t", "PT40H")
    assert tasks[1]["percent_complete"] == "25"
    [link] = rows(found, Table.DEPENDENCIES)
    assert (link["type"], link["lag"]) == ("FS", "PT-4H")
    [given] = rows(found, Table.ASSIGNMENTS)
    assert (given["task_id"], given["resource_id"], given["units"]) == ("B", "R", "0.5")
    [resource] = rows(found, Table.RESOURCES)
    assert (resource["type"], resource["email"]) == ("work", "a@b")
    [part] = rows(found, Table.PARTS)
    assert (part["element"], part["attributes"]) == ("Note", '{"Text":"x"}')
    assert found.warnings.count == 0


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<tasks><task id='A' parent='X'/></tasks>", 'parent "X" is not a task of this project'),
        ("<tasks><task id='A'/><task id='A'/></tasks>", 'task "A" has the id of an earlier record'),
        ("<tasks><task/></tasks>", "id is missing"),
        (
            "<tasks><task id='A'/></tasks>"
            "<dependencies><dependency predecessor='A' successor='X'/></dependencies>",
            'successor "X" is not a task of this project',
        ),
        (
            "<assignments><assignment task='X'/></assignments>",
            'task "X" is not a task of this project',
        ),
        (
            "<tasks><task id='A'><percent-complete>101</percent-complete></task></tasks>",
            'percent-complete "101" is not a percentage from 0 to 100',
        ),
        (
            "<start>2026-13-01T00:00:00</start>",
            'start "2026-13-01T00:00:00" is not a date and time without offset, '
            "such as 2026-01-05T08:00:00",
        ),
        (
            "<priority>high</priority>",
            'priority "high" is not a whole number of at most nine digits',
        ),
        ("<colour>red</colour>", "colour is not known here"),
        (
            "<tasks><task id='A'>x</task></tasks>",
            'task "x" must not contain text',
        ),
        (
            "<tasks><task id='A'/>x<task id='B'/></tasks>",
            'tasks "x" must not contain text',
        ),
        ("<tasks><activity/></tasks>", "tasks may contain only records"),
        ("<code>a</code><code>b</code>", "code occurs more than once"),
        (
            "<attributes><attribute name='a' type='json'>{</attribute></attributes>",
            'a "{" is not JSON that can be kept: '
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
    ],
)
def test_a_fault_refuses_its_project_and_no_other(inside: str, message: str) -> None:
    reading = read(
        projects(project("", "id='1'"), project(inside, "id='2'"), project("", "id='3'"))
    )
    assert [found.external_id for found in reading.projects] == ["1", "3"]
    assert [(bad.index, bad.external_id, bad.name) for bad in reading.refusals] == [(1, "2", "n")]
    assert violations(reading) == [message]
    assert reading.refusals[0].message == message


def test_a_project_without_id_or_name_is_refused() -> None:
    reading = read(projects("<project><name>n</name></project>", "<project id='1'/>"))
    assert [bad.message for bad in reading.refusals] == ["id is missing", "name is missing"]


def test_a_bad_or_empty_attribute_reserves_its_name() -> None:
    for first in ("<attribute name='a' type='json'>{</attribute>", "<attribute name='a'/>"):
        again = f"<attributes>{first}<attribute name='a'>x</attribute></attributes>"
        assert violations(read(projects(project(again))))[-1] == (
            'attribute "a" occurs more than once'
        )


def test_an_empty_attribute_is_left_out() -> None:
    written = "<attributes><attribute name='a'> </attribute></attributes>"
    assert project_row(read_project(projects(project(written))))["attributes"] == "{}"


def test_every_fault_is_listed_up_to_twenty_and_all_are_counted() -> None:
    tasks = "".join(f"<task id='{n}' milestone='maybe'/>" for n in range(30))
    [refusal] = read(projects(project(f"<tasks>{tasks}</tasks>"))).refusals
    assert len(refusal.extra["violations"]) == 20
    assert refusal.extra["violation_count"] == 30
    assert refusal.message.endswith("(and 29 more)")


def test_faults_name_line_element_and_a_shortened_value() -> None:
    written = projects(
        project(f"\n\n<tasks>\n<task id='A'>\n<start>{'x' * 99}</start></task></tasks>")
    )
    [refusal] = read(written).refusals
    [violation] = refusal.extra["violations"]
    assert (violation["line"], violation["element"]) == (5, "start")
    assert violation["value"] == "x" * 79 + "…"


def test_an_unknown_resource_is_a_warning() -> None:
    found = read_project(
        projects(
            project(
                "<assignments><assignment task='A' resource='X'/></assignments>"
                "<tasks><task id='A'/></tasks>"
            )
        )
    )
    assert [notice.code for notice in found.warnings.first] == [WarningCode.RESOURCE_MISSING]
    assert len(rows(found, Table.ASSIGNMENTS)) == 1


def test_a_finish_before_its_start_is_a_warning() -> None:
    dates = "<start>2026-01-02T00:00:00</start><finish>2026-01-01T00:00:00</finish>"
    found = read_project(projects(project(f"{dates}<tasks><task id='A'>{dates}</task></tasks>")))
    assert [notice.code for notice in found.warnings.first] == [
        WarningCode.FINISH_BEFORE_START,
        WarningCode.FINISH_BEFORE_START,
    ]


def test_ids_are_unique_for_each_kind_of_task() -> None:
    found = read_project(
        projects(project("<tasks><task id='1' kind='wbs'/><task id='1' parent='1'/></tasks>"))
    )
    assert found.tasks == 2


def test_the_hash_does_not_depend_on_the_order_of_elements_or_on_spelling() -> None:
    one = read_project(
        projects(
            project(
                """<start>2026-01-05T08:00:00.000</start><code>c</code>
                <attributes><attribute name="b">1</attribute><attribute name="a" type="json"
                >{"y": 1.50, "x": [1e2]}</attribute></attributes>
                <tasks><task id=" A " summary="false"><duration>PT60M</duration></task></tasks>"""
            )
        )
    )
    other = read_project(
        projects(
            project(
                """<tasks><task id="A"><duration>PT1H</duration></task></tasks><code>c</code>
                <attributes><attribute name="a" type="json">{"x":[100],"y":1.5}</attribute>
                <attribute name="b">1</attribute></attributes><start>2026-01-05T08:00:00</start>"""
            )
        )
    )
    assert one.content_hash == other.content_hash


@pytest.mark.parametrize(
    "inside",
    [
        "<code>d</code>",
        "<tasks><task id='A'/></tasks>",
        "<resources><resource id='A'/></resources>",
        "<parts><part element='A'/></parts>",
        "<attributes><attribute name='a'>1</attribute></attributes>",
        "<shared-objects><object element='Calendar' id='1'/></shared-objects>",
    ],
)
def test_the_hash_covers_all_content_of_a_project(inside: str) -> None:
    plain, more = (read(projects(project(text))).projects[0] for text in ("", inside))
    assert plain.content_hash != more.content_hash


def test_volatile_members_of_the_source_are_kept_and_not_hashed() -> None:
    def saved(at: str, source: str) -> bytes:
        written = f"<attributes><attribute name='LastSaved'>{at}</attribute></attributes>"
        found = read_project(projects(project(written, f"id='P' source='{source}'")))
        assert project_row(found)["attributes"] == f'{{"LastSaved":"{at}"}}'
        return found.content_hash

    assert saved("1", "mspdi") == saved("2", "mspdi")
    assert saved("1", "native") != saved("2", "native")


def test_shared_objects_come_before_the_project_that_takes_them() -> None:
    carried = """<shared-objects><object element="Calendar" id="7"
        ><attribute name="Name">Night</attribute></object></shared-objects>"""
    reading = read(projects(project(carried)))
    [before, found] = reading.items
    assert [before] == reading.shared
    [shared] = reading.shared[0].objects
    assert (shared.element, shared.object_id) == ("Calendar", "7")
    assert orjson.loads(shared.attributes) == {"Name": "Night"}
    assert reading.projects == [found]
    assert reading.projects[0].shared == (shared.hash,)


def test_attributes_over_the_limit_refuse_their_project_alone() -> None:
    big = f"<attributes><attribute name='a'>{'x' * 2000}</attribute></attributes>"
    value = big.removeprefix("<attributes>").removesuffix("</attributes>")
    for inside in (
        big,
        f"<tasks><task id='A'>{big}</task></tasks>",
        f"<parts><part element='A'>{value}</part></parts>",
        f"<shared-objects><object element='A'>{value}</object></shared-objects>",
    ):
        reading = read(among_neighbours(inside), Limits(max_attributes_bytes=1000))
        assert [found.external_id for found in reading.projects] == ["1", "3"]
        [refusal] = reading.refusals
        assert (refusal.code, refusal.external_id, refusal.name) == (
            ErrorCode.PROJECT_TOO_LARGE,
            "2",
            "n",
        )


def test_a_refused_project_keeps_no_rows_and_reports_later_faults() -> None:
    tasks = "".join(f"<task id='{n}'/>" for n in range(100))
    bad = "<task id='{}' milestone='maybe'/>"
    inside = f"<tasks>{bad.format('a')}{tasks}{bad.format('b')}</tasks>"
    [refusal] = read(projects(project(inside)), Limits(max_project_bytes=1000)).refusals
    assert (refusal.code, refusal.extra["violation_count"]) == (ErrorCode.VALIDATION_ERROR, 2)


def test_rows_over_the_limit_refuse_the_project() -> None:
    tasks = "".join(f"<task id='{n}'/>" for n in range(100))
    reading = read(
        projects(project(f"<tasks>{tasks}</tasks>"), project("", "id='2'")),
        Limits(max_project_bytes=1000),
    )
    assert [bad.code for bad in reading.refusals] == [ErrorCode.PROJECT_TOO_LARGE]
    assert [found.external_id for found in reading.projects] == ["2"]


def test_ids_are_compared_and_stored_in_nfc() -> None:
    found = read_project(
        projects(
            project(
                """<tasks><task id="Caf&#233;" kind="wbs"/>
                <task id="B" parent="Cafe&#769;"/></tasks>
                <dependencies><dependency predecessor="Cafe&#769;" successor="B"/></dependencies>
                <resources><resource id="A&#778;"/></resources>
                <assignments><assignment task="Cafe&#769;" resource="&#8491;"/></assignments>""",
                "id='e&#769;'",
            )
        )
    )
    assert found.external_id == "\u00e9"
    assert [row["task_id"] for row in rows(found, Table.TASKS)] == ["Caf\u00e9", "B"]
    assert rows(found, Table.TASKS)[1]["parent_id"] == "Caf\u00e9"
    assert rows(found, Table.DEPENDENCIES)[0]["predecessor_id"] == "Caf\u00e9"
    [assignment] = rows(found, Table.ASSIGNMENTS)
    assert (assignment["task_id"], assignment["resource_id"]) == ("Caf\u00e9", "\u00c5")


def test_ids_of_tasks_that_are_equal_in_nfc_are_refused() -> None:
    tasks = '<tasks><task id="e&#769;"/><task id="&#233;"/></tasks>'
    assert len(violations(read(projects(project(tasks))))) == 1


def test_ids_keep_spaces_that_xml_does_not_count_as_white_space() -> None:
    """A no-break space and a zero-width space are content, also at the edges."""
    reading = read(projects(*(project("", f"id=' P{c}'") for c in ("", "&#160;", "&#8203;"))))
    assert [found.external_id for found in reading.projects] == ["P", "P\u00a0", "P\u200b"]


def test_columns_that_were_added_later_change_no_stored_hash() -> None:
    """The hash is that of a version stored before ``FIRST_ADDED``, with volatile members."""
    written = """<project id="P-1" source="p6"><name>Plant</name><tasks><task id="W" kind="wbs"/>
        <task id="T" parent="W"%s><name>Dig</name><attributes><attribute name="LastUpdateDate">x
        </attribute></attributes></task></tasks>
        <dependencies><dependency predecessor="W" successor="T"/></dependencies>
        <resources><resource id="R"/></resources>
        <assignments><assignment task="T" resource="R"/></assignments>
        <parts><part element="Note"/></parts></project>"""
    before, after = (read_project(projects(written % code)) for code in ("", ' code="A1"'))
    assert before.content_hash.hex() == (
        "1704e8c4efcba939fed6ebc6b12e99deb9f7a1bc6453ef7e2e5f4def2e2a157e"
    )
    assert after.content_hash != before.content_hash
    assert [row["code"] for row in rows(before, Table.TASKS)] == [None, None]
