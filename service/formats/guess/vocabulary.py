"""The words that names of elements and XML attributes have for tables and columns."""

import re
from collections.abc import Collection
from typing import Final

from service.tables import Table

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|[0-9]+")

_MEANINGS: Final = {
    "start": "begin beginn beginning begins starting anfang from debut inicio startdatum",
    "finish": "end ende ends ending finished completion endtermin fin enddatum due",
    "early": "earliest fruehest frueh",
    "late": "latest spaet spaetest",
    "id": "uid oid identifier ident key number no nr num nummer numero kennung ref objectid",
    "name": "title label subject bezeichnung titel nom libelle nombre designation",
    "description": "desc beschreibung text",
    "notes": "note remark remarks comment comments memo notiz bemerkung",
    "percent": "complete completed progress pct percentage done fortschritt prozent completeness",
    "duration": "dauer duree duracion length",
    "work": "effort arbeit labor labour aufwand",
    "milestone": "meeting meilenstein jalon ismilestone",
    "parent": "superior father outer uebergeordnet",
    "predecessor": "pred predecessors vorgaenger source before previous precedes",
    "successor": "succ successors nachfolger target after next follows",
    "lag": "difference delay offset abstand lead",
    "type": "art typ",
    "cost": "costs kosten price amount",
    "status": "state zustand",
    "manager": "leader owner responsible verantwortlich leiter projektleiter",
    "actual": "act ist real",
    "remaining": "rem rest",
    "float": "slack puffer",
    "critical": "iscritical",
    "summary": "issummary",
    "units": "load share utilization auslastung",
    "email": "mail contacts",
    "currency": "waehrung devise",
    "calendar": "kalender",
    "rate": "wage stundensatz",
    "priority": "prio",
    "level": "outlinelevel ebene",
    "role": "function rolle",
}
_ROLES: Final = {
    "task": (
        "task tasks activity activities vorgang vorgaenge tache taches tarea tareas operation "
        "operations workpackage workpackages workitem workitems"
    ),
    "wbs": "wbs psp wbselement",
    "project": "project projects projekt projekte projet projets proyecto",
    "network": "network networks netz plan plans schedule schedules programme program job jobs",
    "resource": (
        "resource resources ressource ressourcen person persons people employee employees worker "
        "workers mitarbeiter staff recurso"
    ),
    "assignment": (
        "assignment assignments allocation allocations booking bookings zuordnung zuordnungen "
        "buchung assigned"
    ),
    "link": (
        "link links dependency dependencies depend depends relation relations relationship "
        "relationships beziehung predecessor predecessors successor successors edge vorgaenger "
        "nachfolger pred succ"
    ),
    "other": (
        "calendar calendars kalender holiday holidays vacation vacations shift exception weekday "
        "day baseline baselines note notes code codes comment message messages property "
        "properties field fields view"
    ),
}
_ALIASES: Final = {
    alias: meaning
    for meaning, aliases in (_ROLES | _MEANINGS).items()
    if meaning not in {"assignment", "link", "other"}
    for alias in aliases.split()
}
_FILLERS: Final = frozenset(
    re.findall(
        "[a-z]+",
        "date time at on planned scheduled basic normal plan value current element is of the in "
        "and short standard std hours hour days day stunden tage default object",
    )
)
"""Words that do not change the meaning of a column."""


def words(name: str) -> list[str]:
    """Split a name of an element or XML attribute into small words."""
    plain = name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return [word.lower() for word in _WORD.findall(plain)]


def has_role(name: str, role: str) -> bool:
    """Whether a name contains a word for a role, such as ``task``."""
    known = _ROLES[role].split()
    return any(word in known for word in words(name))


def meanings(name: str, context: Collection[str] = ()) -> frozenset[str]:
    """Return the meanings of a name's words, without fillers and words of the context.

    Args:
        context: words that say nothing, because the record itself has them.
    """
    return frozenset(
        _ALIASES.get(word, word)
        for word in words(name)
        if word not in _FILLERS and word not in context
    )


def _columns(text: str) -> dict[str, tuple[frozenset[str], ...]]:
    """Return for each column the sets of meanings that name it, the best first."""
    columns = {}
    for line in text.split(";"):
        name, _, variants = line.partition(":")
        sets = tuple(frozenset(variant.split()) for variant in variants.split(","))
        columns[name.strip()] = sets
    return columns


COLUMNS: Final = {
    None: _columns(
        "external_id: id, project id, code, project, network; name: name, project name,"
        "network name, description; code: code, project definition; status: status;"
        "description: description; manager: manager, project manager; currency: currency;"
        "start: start; finish: finish; priority: priority;"
        "data_date: data, status start; must_finish: must finish, deadline; calendar_id: calendar,"
        "calendar id"
    ),
    Table.TASKS: _columns(
        "task_id: id, task id, task, wbs id, wbs; parent_id: parent, parent id, parent task,"
        "parent task id, parent wbs, wbs id, wbs; outline_level: level, outline level;"
        "wbs: wbs, wbs code, outline id, outline; name: name, task name, wbs name, description;"
        "start: start; finish: finish; duration: duration; work: work; percent_complete: percent,"
        "percent work; priority: priority; milestone: milestone; summary: summary; notes: notes,"
        "description; code: code, task code; guid: guid; status: status;"
        "actual_start: actual start; actual_finish: actual finish; early_start: early start;"
        "early_finish: early finish; late_start: late start; late_finish: late finish;"
        "actual_duration: actual duration; remaining_duration: remaining duration;"
        "actual_work: actual work; remaining_work: remaining work;"
        "constraint_type: constraint type; constraint_date: constraint, constraint start;"
        "kind: kind;"
        "deadline: deadline, must finish; total_float: total float; free_float: free float;"
        "critical: critical; calendar_id: calendar, calendar id, factory calendar; cost: cost,"
        "total cost, cost task; actual_cost: actual cost; remaining_cost: remaining cost"
    ),
    Table.DEPENDENCIES: _columns(
        "predecessor_id: predecessor, predecessor id, task predecessor, predecessor task,"
        "predecessor task id, start; successor_id: successor, successor id, task successor,"
        "successor task, successor task id, finish; type: type, link type, relation type;"
        "lag: lag, duration, duration link, lag duration, duration relation"
    ),
    Table.RESOURCES: _columns(
        "resource_id: id, resource id, resource, code; name: name, resource name, description;"
        "type: type, resource type; email: email; code: code; max_units: max units, units;"
        "calendar_id: calendar, calendar id; standard_rate: rate, rate cost"
    ),
    Table.ASSIGNMENTS: _columns(
        "task_id: task id, task, id; resource_id: resource id, resource; units: units, percent;"
        "work: work; start: start; finish: finish; actual_work: actual work;"
        "remaining_work: remaining work; cost: cost; actual_cost: actual cost; role_id: role,"
        "role id"
    ),
}
"""By table, None for the project: the columns that a draft fills, and the meanings for each."""
