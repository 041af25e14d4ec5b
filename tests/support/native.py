"""Files of the native format, as tests need them."""

from typing import Final

from service.formats.native.mapping import NAMESPACE

EMPTY_FILE: Final = f'<projects xmlns="{NAMESPACE}"/>'
FILE_START: Final = f'<projects xmlns="{NAMESPACE}">'
FILE_END: Final = "</projects>"


def native(*projects: str) -> str:
    """Build a native file of project elements, as text."""
    return f"{FILE_START}{''.join(projects)}{FILE_END}"


def native_file(*projects: str) -> bytes:
    """Build a native file of project elements, as bytes."""
    return native(*projects).encode()


def native_project(external_id: object, name: str = "Plan", inside: str = "") -> str:
    """Build a project element that has an id, a name and further elements."""
    return f'<project id="{external_id}"><name>{name}</name>{inside}</project>\n'


def stale_projects(number: int) -> bytes:
    """Build a file of new projects that refer to an older version: each is a version conflict."""
    return native_file(
        *(f'<project id="{n}" version="7"><name>Plan</name></project>\n' for n in range(number))
    )


RICH_FILE = native(
    """<project id="P-1" source="p6"><name>Plant</name><code>PU</code><priority>500</priority>
    <start>2026-01-05T08:00:00</start>
    <tasks>
      <task id="W" kind="wbs" summary="true"/>
      <task id="T" parent="W" wbs="1.1"><name>Dig</name><duration>-P1DT2H</duration>
        <percent-complete>12.50</percent-complete>
        <attributes><attribute name="n" type="json">[{"a": 12345678901234567890.5}]</attribute>
        </attributes></task>
    </tasks>
    <dependencies><dependency predecessor="W" successor="T" lag="PT1.5S"/></dependencies>
    <resources><resource id="R" type="work"><name>Crew</name></resource></resources>
    <assignments><assignment task="T" resource="R" units="0.5"><work>PT8H</work></assignment>
    </assignments>
    <attributes><attribute name="risk">high</attribute></attributes>
    <baselines><baseline number="0" current="true"><name>Agreed</name></baseline></baselines>
    <baseline-tasks><baseline-task number="0" task="T" code="A1">
      <finish>2026-01-09T17:00:00</finish><work>PT8H</work><cost>1.50</cost></baseline-task></baseline-tasks>
    <parts><part element="Note"><attribute name="text">Wet</attribute></part></parts>
    <shared-objects><object element="Calendar" id="7"><attribute name="Name">Night</attribute>
    </object></shared-objects></project>"""
)
