"""The refusal of a broken file says in which project it breaks off, in both engines."""

from contextlib import nullcontext

import pytest

from service.errors import FileRefused
from tests.support.reading import MSPDI, NATIVE, python_engine, read

NATIVE_FILE = f"""<projects xmlns="{NATIVE}">
  <project id="P-1"><name>One</name></project>
  <project id="P-7"><name>Seven</name>
    <tasks><task id="T"><name>A &amp; B</name></task></tasks>
  </project>
</projects>
"""
P6_FILE = """<APIBusinessObjects xmlns="http://xmlns.oracle.com/Primavera/P6/V8.4/API/BusinessObjects">
  <Calendar><ObjectId>1</ObjectId><Name>C</Name></Calendar>
  <Project><ObjectId>1</ObjectId><Id>P-7</Id><Name>Seven</Name></Project>
  <Resource><ObjectId>2</ObjectId><Name>R</Name></Resource>
</APIBusinessObjects>
"""
MSPDI_FILE = f"""<Project xmlns="{MSPDI}"><SaveVersion>14</SaveVersion><Name>Plan</Name>
  <Tasks><Task><UID>1</UID></Task></Tasks></Project>
"""


def reasons(data: str) -> str:
    """Return the reason that both engines give."""
    found = set()
    for engine in (nullcontext(), python_engine()):
        with engine:
            fault = read(data).fault
        assert isinstance(fault, FileRefused)
        assert fault.line
        found.add(fault.reason)
    [reason] = found
    return reason


@pytest.mark.parametrize(
    ("data", "mark", "reason"),
    [
        (NATIVE_FILE, '<project id="P-1"', "too early, before the first project"),
        (NATIVE_FILE, "One", "in the middle of project P-1"),
        (NATIVE_FILE, '  <project id="P-7"', "too early, after 1 project"),
        (NATIVE_FILE, "<name>Seven", "in the middle of project P-7"),
        (NATIVE_FILE, "sk id=", "in the middle of project P-7"),
        (NATIVE_FILE, "mp;", "in the middle of project P-7"),
        (NATIVE_FILE, "</projects>", "too early, after 2 projects"),
        (P6_FILE, "bjectId>1</ObjectId><Name>C", "in or after Calendar, before the first project"),
        (P6_FILE, "<Id>", "in the middle of project number 1"),
        (P6_FILE, "<Name>Seven", "in the middle of project P-7"),
        (P6_FILE, "<Name>R", "in or after Resource, after 1 project"),
        (MSPDI_FILE, "<Tasks>", "in the middle of project Plan"),
    ],
)
def test_a_file_that_is_cut_off_names_the_project(data: str, mark: str, reason: str) -> None:
    assert data.count(mark) == 1
    assert reasons(data[: data.index(mark)]).startswith(f"the file ends {reason}")
    cut = data.index(mark) + len(mark.rstrip(">")) - 1
    assert reasons(data[:cut]).startswith("the file ends ")


@pytest.mark.parametrize(
    ("data", "mark", "reason"),
    [
        (NATIVE_FILE, "<name>One", " in project P-1: "),
        (NATIVE_FILE, '<project id="P-7"', " after 1 project: "),
        (NATIVE_FILE, "<task id", " in project P-7: "),
        (NATIVE_FILE, "</projects>", " after 2 projects: "),
        (P6_FILE, "<Name>C", " in or after Calendar, before the first project: "),
        (MSPDI_FILE, "<Tasks>", " in project Plan: "),
    ],
)
def test_a_syntax_fault_names_the_project(data: str, mark: str, reason: str) -> None:
    at = data.index(mark)
    found = reasons(f"{data[:at]}<b c=1/>{data[at:]}")
    assert found == f"not well-formed XML{reason}AttValue: \" or ' expected"
    assert reasons(f"{data[:at]}&x;{data[at:]}").startswith("not well-formed XML")


def test_a_name_in_a_refusal_is_short() -> None:
    reason = reasons(NATIVE_FILE.replace("P-1", "P" * 300).partition("One")[0])
    assert len(reason) < 250
