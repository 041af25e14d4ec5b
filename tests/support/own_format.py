"""A format of a company, described in TOML, and a file that has it."""

import re
from typing import Final

from service.formats.custom.loader import parse_format

TOML: Final = """
name = "acme"
root = "AcmeExport"
namespace = ""
hours_per_day = 8
volatile = ["ExportedAt", "@changed"]
dated_by = ["Deadline"]

[project]
element = "Project"
[project.columns]
external_id = "@number"
name = "Title"
manager = "Owner/@name"
start = "Dates/Start"
finish = ["End", "Deadline"]
status = { from = "State", values = { "10" = "open", "20" = "closed", "99" = "" } }
currency = { default = "EUR" }

[[tasks]]
element = "Structure/Inner/WBS"
children = "Below/WBS"
[tasks.columns]
task_id = "@id"
name = "Name"
notes = "Below/Remark"
kind = { default = "wbs" }

[[tasks]]
element = "Activities/Activity"
[tasks.columns]
task_id = "@id"
parent_id = "@wbs"
name = "Name"
start = { from = "Start", format = "%d.%m.%Y" }
early_start = "Dates/Early"
late_start = { from = "Dates/Late/@at", type = "date" }
duration = { from = "Duration/#text", unit = "days" }
percent_complete = { from = "Done", type = "fraction" }
milestone = { from = "Type", values = { "M" = true, "T" = false } }

[[dependencies]]
element = "Activities/Activity/Predecessors/Predecessor"
[dependencies.columns]
predecessor_id = "@ref"
successor_id = ".."
type = { from = "@kind", values = { "0" = "FS", "1" = "SS", "2" = "FF", "3" = "SF" } }
lag = { from = "@lag", unit = "hours", decimal = "," }

[[resources]]
element = "Team/Person"
[resources.columns]
resource_id = "@id"
name = "Name"

[[assignments]]
element = "Bookings/Booking"
[assignments.columns]
task_id = "@activity"
resource_id = "@person"
units = { from = "@load", unit = "percent" }
"""

FORMAT: Final = parse_format(TOML, "acme.toml")

FILE: Final = """<AcmeExport><Header><By>ERP</By></Header>
<Project number="P1" changed="1"><Title>One</Title><Owner name="Bob" mail="b@x"/>
<Dates><Start>2026-01-05</Start></Dates><Deadline>2026-02-01T17:00:00</Deadline><State>10</State>
<ExportedAt>now</ExportedAt>
<Structure><Note>n</Note><Inner>
<WBS id="W1"><Name>Top</Name><Below><Remark>r</Remark>
<WBS id="W2" changed="2"><Name>Sub</Name><Color>red</Color></WBS>
<WBS id="W3"><Below><WBS id="W4"/></Below></WBS></Below></WBS>
<WBS id="W5"/></Inner></Structure>
<Activities>
<Activity id="1" wbs="W2"><Name>A</Name><Start>05.01.2026</Start><Duration unit="d">2.5</Duration>
<Done>0.5</Done><Type> M </Type><Dates><Early>2026-01-06T08:00:00</Early><Late at="2026-01-07"/>
</Dates></Activity>
<Activity id="2" wbs="W9"><Duration>3</Duration><Predecessors>
<Predecessor ref="1" kind="1" lag="4,0"/>
<Other>q</Other></Predecessors></Activity>
<Activity id="3" wbs="W6"><Duration>x</Duration><Predecessors><Predecessor ref="7"/></Predecessors>
</Activity></Activities>
<Structure><Inner><WBS id="W6"/></Inner></Structure>
<Team><Person id="R1"><Name>Ann</Name></Person></Team>
<Bookings><Booking activity="1" person="R1" load="50"/><Booking activity="9" person="R1"/>
</Bookings>
</Project></AcmeExport>
"""


def repeated_file(times: int) -> str:
    """Return the file with its project several times, each time with other ids."""
    head, project = FILE.split("\n", 1)
    project = project.rpartition("</AcmeExport>")[0]
    ids = re.compile(r'((?: number| id| wbs| ref| activity)=")')
    return head + "".join(ids.sub(rf"\g<1>{n}-", project) for n in range(times)) + "</AcmeExport>"
