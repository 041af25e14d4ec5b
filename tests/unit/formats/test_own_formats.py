"""Formats that an operator describes in TOML: what the files give, and what is refused at start."""

from pathlib import Path

import orjson
import pytest

from service.codes import WarningCode
from service.formats.custom.loader import FormatFault, parse_format
from service.formats.engine import record_collector
from service.formats.registry import FORMATS, formats_in
from service.imports.plan_dates import read_dates
from service.tables import Table
from tests.support import own_format
from tests.support.engines import compiled_engine
from tests.support.own_format import FILE, FORMAT, TOML
from tests.support.reading import MSPDI, NATIVE, Row, project_row, read, rows


def filled(row: Row, *names: str) -> tuple[str | None, ...]:
    return tuple(map(row.get, names))


@pytest.mark.usefixtures("both_engines")
def test_every_value_goes_to_its_column_or_to_attributes() -> None:
    reading = read(FILE, formats=(FORMAT, *FORMATS))
    assert (reading.format_name, reading.fault, reading.refusals) == ("acme", None, [])
    [project] = reading.projects
    own = project_row(project)
    assert (project.external_id, project.name, project.source) == ("P1", "One", "acme")
    assert filled(own, "manager", "status", "currency") == ("Bob", "open", "EUR")
    assert filled(own, "start", "finish") == ("2026-01-05T00:00:00", "2026-02-01T17:00:00")
    assert orjson.loads(own["attributes"] or "") == {
        "@changed": "1",
        "Deadline": "2026-02-01T17:00:00",  # it dates the plan, so it stays here too
        "ExportedAt": "now",
        "Owner": [{"@name": "Bob", "@mail": "b@x"}],
        "Structure": [{"Note": "n"}],
    }
    tasks = rows(project, Table.TASKS)
    assert [filled(each, "task_id", "kind", "parent_id", "notes") for each in tasks] == [
        ("W1", "wbs", None, "r"),
        ("W2", "wbs", "W1", None),
        ("W3", "wbs", "W1", None),
        ("W4", "wbs", "W3", None),
        ("W5", "wbs", None, None),
        ("1", "activity", "W2", None),
        ("2", "activity", None, None),
        ("3", "activity", "W6", None),
        ("W6", "wbs", None, None),
    ]
    first = tasks[5]
    assert filled(first, "start", "early_start", "late_start") == (
        "2026-01-05T00:00:00",
        "2026-01-06T08:00:00",
        "2026-01-07T00:00:00",
    )
    assert filled(first, "duration", "percent_complete", "milestone") == ("PT20H", "50", "t")
    attributes = [orjson.loads(each["attributes"] or "") for each in tasks]
    assert [each for each in attributes if each] == [
        {"@changed": "2", "Color": "red"},
        {"Duration": [{"@unit": "d", "#text": "2.5"}]},
        {"@wbs": "W9", "Predecessors": [{"Other": "q"}]},
        {"Duration": "x"},
    ]
    [link] = rows(project, Table.DEPENDENCIES)
    assert filled(link, "predecessor_id", "successor_id", "type", "lag") == ("1", "2", "SS", "PT4H")
    [assignment] = rows(project, Table.ASSIGNMENTS)
    assert filled(assignment, "task_id", "resource_id", "units") == ("1", "R1", "0.5")
    assert [each["element"] for each in rows(project, Table.PARTS)] == ["Predecessor", "Booking"]
    assert [(each.code, each.line) for each in project.warnings.first] == [
        (WarningCode.BAD_VALUE, 17),
        (WarningCode.LINK_END_MISSING, 17),
        (WarningCode.ASSIGNMENT_TASK_MISSING, 21),
    ]


def test_the_compiled_engine_takes_the_records_of_an_own_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = FILE.replace("<Duration>x</Duration>", "").replace(" M ", "M")
    compiled = compiled_engine()
    monkeypatch.setattr(record_collector, "take_record", None)
    monkeypatch.setattr(compiled, "take_record", None)
    monkeypatch.setattr(compiled, "take_nested_record", None)
    monkeypatch.setattr(compiled, "parse_record", None)
    assert len(rows(read(good, formats=(FORMAT,)).projects[0], Table.TASKS)) == 9


@pytest.mark.usefixtures("both_engines")
def test_volatile_members_and_attributes_make_no_new_version() -> None:
    changed = FILE.replace("now", "later").replace('changed="', 'changed="7')
    one, other = (read(each, formats=(FORMAT,)).projects[0] for each in (FILE, changed))
    assert one.content_hash == other.content_hash
    assert one.row != other.row


@pytest.mark.usefixtures("both_engines")
def test_an_xml_attribute_with_a_column_can_stay_in_attributes_too() -> None:
    dated = edit('dated_by = ["Deadline"]', 'dated_by = ["@saved"]')
    text = dated.replace('currency = { default = "EUR" }', 'data_date = "@saved"')
    text = text.replace('parent_id = "@wbs"', 'parent_id = { from = "@wbs", keep = true }')
    file = FILE.replace('number="P1"', 'number="P1" saved="2026-01-05T00:00:00"')
    [project] = read(file, formats=(parse_format(text, "acme.toml"),)).projects
    assert project_row(project)["data_date"] == "2026-01-05T00:00:00"
    assert read_dates(project) == {"@saved": "2026-01-05T00:00:00"}
    kept = [
        orjson.loads(each["attributes"] or "").get("@wbs") for each in rows(project, Table.TASKS)
    ]
    assert kept == [*[None] * 5, "W2", "W9", "W6", None]


@pytest.mark.usefixtures("both_engines")
def test_a_bare_date_dates_a_plan() -> None:
    bare = FILE.replace("2026-02-01T17:00:00", "2026-02-01")
    [project] = read(bare, formats=(FORMAT,)).projects
    assert read_dates(project) == {"Deadline": "2026-02-01T00:00:00"}


COMMA = """
name = "comma"
root = "Plan"
hours_per_day = 8
decimal = ","
[project]
element = "Plan"
columns.external_id = "@id"
[[tasks]]
element = "T"
[tasks.columns]
task_id = "@id"
duration = { from = "D", unit = "days" }
percent_complete = "P"
physical_percent_complete = { from = "F", type = "fraction" }
priority = "I"
remaining_cost = { from = "C", values = { "frei" = 0 } }
actual_cost = { from = "X", decimal = "." }
[[assignments]]
element = "A"
[assignments.columns]
task_id = "@t"
units = { from = "@u", unit = "percent" }
"""


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize(
    ("element", "text", "column", "value"),
    [
        ("D", "4,5", "duration", "PT36H"),
        ("D", "-3,0", "duration", "PT-24H"),
        ("D", "4.5", "duration", None),
        ("P", " 12,50 ", "percent_complete", "12.5"),
        ("P", "100,1", "percent_complete", None),
        ("F", ",5", "physical_percent_complete", "50"),
        ("I", "1.250", "priority", "1250"),
        ("I", "1,0", "priority", None),
        ("C", "4,5", "remaining_cost", "4.5"),
        ("C", "1.250,00", "remaining_cost", "1250"),
        ("C", "1 250,00", "remaining_cost", "1250"),
        ("C", "1\xa0250\xa0000,25", "remaining_cost", "1250000.25"),
        ("C", "-1\u202f250", "remaining_cost", "-1250"),
        ("C", "1,5e3", "remaining_cost", "1500"),
        ("C", "frei", "remaining_cost", "0"),
        ("C", "17", "remaining_cost", "17"),
        *(
            ("C", text, "remaining_cost", None)
            for text in ("1.25", "0.250", "1.250 000", "1,250.00", "1,2,3", ",", "-", "x", "9" * 99)
        ),
        ("X", "1.250", "actual_cost", "1.25"),
        ("X", "1,250", "actual_cost", None),
    ],
)
def test_numbers_can_have_a_decimal_comma(
    element: str, text: str, column: str, value: str | None
) -> None:
    file = f"<Plan id='p'><T id='1'><{element}>{text}</{element}></T><A t='1' u='62,5'/></Plan>"
    [project] = read(file, formats=(parse_format(COMMA, "comma.toml"),)).projects
    [task] = rows(project, Table.TASKS)
    assert task[column] == value
    kept = {} if value is not None else {element: text}
    assert orjson.loads(task["attributes"] or "") == kept
    codes = [each.code for each in project.warnings.first]
    assert codes == ([WarningCode.BAD_VALUE] if value is None else [])
    [assignment] = rows(project, Table.ASSIGNMENTS)
    assert assignment["units"] == "0.625"


@pytest.mark.usefixtures("both_engines")
def test_a_project_can_be_the_root_and_have_another_identity_than_its_id() -> None:
    tree = parse_format(
        'name = "gantt"\nroot = "plan"\n[project]\nelement = "plan"\nidentity = "code"\n'
        'columns.code = "@key"\n[[tasks]]\nelement = "tasks/task"\ncolumns.task_id = "@id"\n'
        'columns.outline_level = "level"\n',
        "gantt.toml",
    )
    task = "<task id='{}'><level>{}</level></task>"
    tasks = "".join(task.format(*each) for each in [("a", 1), ("b", 2), ("c", 2), ("d", 1)])
    [project] = read(f"<plan key='K'><tasks>{tasks}</tasks></plan>", formats=(tree,)).projects
    assert (project.external_id, project.name) == ("K", "K")
    parents = [each["parent_id"] for each in rows(project, Table.TASKS)]
    assert parents == [None, "a", "a", None]
    [refused] = read("<plan><tasks/></plan>", formats=(tree,)).refusals
    assert refused.message == "key is missing"


@pytest.mark.usefixtures("both_engines")
@pytest.mark.parametrize("project", ["Envelope", "Plan"])
def test_the_root_can_have_a_namespace_that_its_elements_lack(project: str) -> None:
    soap = parse_format(
        'name = "soap"\nroot = "Envelope"\nroot_namespace = "urn:soap"\nnamespace = ""\n'
        f'[project]\nelement = "{project}"\ncolumns.external_id = "Head/@id"\n'
        '[[tasks]]\nelement = "T"\ncolumns = { task_id = "Id" }\n',
        "soap.toml",
    )
    plan = "<Head id='P'/><T><Id>1</Id></T><s:T><Id>2</Id></s:T>"
    plan = plan if project == "Envelope" else f"<Plan>{plan}</Plan>"
    file = f"<s:Envelope xmlns:s='urn:soap'>{plan}</s:Envelope>"
    [read_one] = read(file, formats=(soap,)).projects
    assert read_one.external_id == "P"
    assert [each["task_id"] for each in rows(read_one, Table.TASKS)] == ["1"]
    assert read(file.replace("urn:soap", "urn:other"), formats=(soap,)).format_name is None


@pytest.mark.usefixtures("both_engines")
def test_deeply_nested_tasks_take_time_in_proportion_to_their_number() -> None:
    depth, width = 60, 200
    flat = "".join(f"<WBS id='f{n}'/>" for n in range(width))
    nested = "".join(f"<WBS id='{n}'><Below>{flat if not n else ''}" for n in range(depth))
    project = f"<Structure><Inner>{nested}{'</Below></WBS>' * depth}</Inner></Structure>"
    file = f"<AcmeExport><Project number='1'>{project}</Project></AcmeExport>"
    [read_one] = read(file, formats=(FORMAT,)).projects
    tasks = rows(read_one, Table.TASKS)
    assert len(tasks) == depth + width
    assert {each["attributes"] for each in tasks} == {"{}"}


def edit(*changes: str) -> str:
    """Return the format file with replacements: what, and by what, in turn."""
    text = TOML
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name = [\n1\n", "acme.toml: Unclosed array (at end of document)"),
        ("x = [" * 5000, "acme.toml: "),
        (edit('name = "acme"', 'name = "Acme"'), "name: 'Acme' is not a word of small letters"),
        (edit('root = "AcmeExport"', "", 'namespace = ""', ""), "needs a root or a namespace"),
        (
            edit('namespace = ""', 'root_namespace = "urn:x"'),
            "root_namespace: namespace must say that of the other elements",
        ),
        (edit("volatile", "volatil"), "volatil: is not a key of the language"),
        (edit("[project]\nelement", "[project]\nelemen"), "project.element: is missing"),
        (edit('name = "Title"', 'nam = "Title"'), "project.columns: there is no column nam; the"),
        (edit('"@number"', '"number/"'), "project.columns.external_id.from[0]: 'number/' is not"),
        (edit('"@number"', '".."'), "project.columns.external_id: nothing is around a project"),
        (edit('"@number"', '{ default = "1" }'), "external_id: the identity needs a from"),
        (edit('external_id = "@number"\n', ""), "project: map external_id, or name the column"),
        (
            edit("[project]\n", '[project]\nidentity = "code"\n'),
            "project.identity: external_id has",
        ),
        (edit('"Dates/Start"', '"Title"'), "project.columns.start: Title is the source of name"),
        (edit('"Dates/Start"', '"Title/Start"'), "Title is used as a whole and by parts"),
        (
            edit('["End", "Deadline"]', '["End", "@end"]'),
            "finish: a list can have only child elements",
        ),
        (edit('"Activities/Activity"', '"Structure/Inner/WBS"'), "is the element of tasks[0] too"),
        (edit('children = "Below/WBS"', 'children = "Name"'), "two uses of one element"),
        (edit("task_id", "parent_id"), "tasks[0].columns.task_id: is missing"),
        (edit('parent_id = "@wbs"', 'parent_id = ".."'), "parent_id: .. needs a record around"),
        (edit('parent_id = "@wbs"', 'parent_id = "@wbs"\noutline_level = "L"'), "exclude each"),
        (edit('successor_id = ".."', 'successor_id = "@s"'), 'must be "..": predecessor_id or'),
        (edit('"%d.%m.%Y"', '"%d.%B.%Y"'), "format has the unknown directive %B"),
        (edit('"%d.%m.%Y"', '"%d.%m"'), "format needs %d, %m, and %Y or %y, each once"),
        (edit("hours_per_day = 8", ""), "duration: durations in days need hours_per_day"),
        (edit('unit = "percent"', 'unit = "hours"'), "units: unit hours does not suit the column"),
        (edit('unit = "days"', 'decimal = ";"'), "decimal: "),
        (edit('"%d.%m.%Y"', '"%d.%m.%Y", decimal = ","'), "only a number has a decimal separator"),
        (edit('type = "fraction"', 'type = "date"'), "type date does not suit the column; use"),
        (edit('"M" = true', '"M" = "maybe"'), "values: 'M': 'maybe' is not true, false, 1 or 0"),
        (edit('"0" = "FS"', '"0" = "XX"'), "values: '0': 'XX' is not one of FS, SS, FF, SF"),
        (edit('default = "wbs"', 'default = "x"'), "kind: 'x' is not one of activity, wbs"),
        (edit('"wbs"', '""'), "tasks[0].columns.kind: '' is no value"),
        (
            edit('"EUR"', r'"\u0000"'),
            "project.columns.currency: a text cannot have the character U+0000",
        ),
        (
            edit("hours_per_day = 8", f"hours_per_day = {'8' * 5000}"),
            "acme.toml: Exceeds the limit",
        ),
        (
            edit('default = "wbs"', "keep = true"),
            "tasks[0].columns.kind: needs a from or a default",
        ),
        (edit("volatile = [", "volatile = [" + '"x",' * 1001), "volatile: Tuple should have at"),
        (
            edit('"Dates/Early"', '"Dates/Early"\n' + 'late_finish = "a/b/c/d/e/f/g/h/i"'),
            "is not the place of a value",
        ),
    ],
)
def test_a_fault_of_a_format_file_names_its_place(text: str, fault: str) -> None:
    with pytest.raises(FormatFault) as refused:
        parse_format(text, "acme.toml")
    assert all(each.startswith("acme.toml: ") for each in refused.value.faults)
    assert fault in str(refused.value)


def test_formats_over_a_limit_of_the_compiled_engine_are_refused() -> None:
    paths = "".join(f'\n{name} = "{name}/x/y"' for name in ("code", "description", "priority"))
    deep = "".join(
        f'\n[[dependencies]]\nelement = "Activities/Activity/L{n}"\n'
        'columns.predecessor_id = "@p"\ncolumns.successor_id = ".."\n'
        for n in range(4)
    )
    parse_format(edit('name = "Title"', f'name = "Title"{paths}'), "acme.toml")
    with pytest.raises(FormatFault, match=r"tasks\[1\]: nested: 5; the compiled engine has room"):
        parse_format(TOML + deep, "acme.toml")


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (
            {"a": TOML, "b": edit('root = "AcmeExport"', 'root = "B"')},
            r"b.toml: name: .*a.toml has",
        ),
        ({"a": TOML, "b": edit('"acme"', '"b"')}, r"b.toml: root, namespace: .*a.toml has such"),
        ({"a": TOML, "b": edit('"acme"', '"b"', 'namespace = ""', "")}, "has such files too"),
        ({"a": edit('"acme"', '"p6"')}, "a.toml: name: a built-in format has the name p6 too"),
        ({"a": edit("AcmeExport", "APIBusinessObjects")}, "the format p6 has such files"),
        ({"a": edit('namespace = ""', f'namespace = "{NATIVE}"')}, "native has"),
        (
            {"a": edit('namespace = ""', f'namespace = "{MSPDI}"')},
            "msp",
        ),
        ({"a": "[", "b": "]"}, r"a.toml: [^\n]*\n[^\n]*b.toml: "),
    ],
)
def test_a_directory_of_formats_that_cannot_be_told_apart_is_refused(
    tmp_path: Path, files: dict[str, str], fault: str
) -> None:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(FormatFault, match=fault):
        formats_in(tmp_path)


def test_own_formats_are_tried_before_microsoft_projects(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(own_format.TOML)
    (tmp_path / "README.md").write_text("# Formats")
    assert [each.name for each in formats_in(tmp_path)] == ["native", "p6", "xer", "acme", "mspdi"]
    assert formats_in(None) == FORMATS
