"""Tables of columns and of the formats' elements, and the fields of the native schema."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from service.formats.encoding import FILE_ENCODINGS_SHOWN
from service.formats.mspdi import mapping as mspdi
from service.formats.native import mapping as native
from service.formats.native import writer
from service.formats.native.writer import ValuePlace
from service.formats.p6 import mapping as p6
from service.formats.p6 import shared_objects
from service.formats.record_rules import Field, RecordRule
from service.formats.registry import FORMATS
from service.formats.values import NULL, Kind
from service.tables import PROJECT, RECORDS, SHARED_OBJECT, Column
from tests.tools.reference.markdown import codes, table

MAPS: Final[dict[str, dict[str, RecordRule]]] = {
    "native": {
        "project": native.PROJECT,
        **{group.tag: group.record for group in (*writer.GROUPS.values(), writer.SHARED_OBJECTS)},
    },
    "mspdi": {
        "Project": mspdi.PROJECT,
        "Task": mspdi.TASK,
        "PredecessorLink": mspdi.LINK,
        "Baseline": mspdi.BASELINE,
        "Resource": mspdi.RESOURCE,
        "Assignment": mspdi.ASSIGNMENT,
    },
    "p6": {
        "Project": p6.PROJECT,
        "WBS": p6.WBS,
        "Activity": p6.ACTIVITY,
        "Relationship": p6.RELATIONSHIP,
        "ResourceAssignment": p6.ASSIGNMENT,
        "BaselineProject": p6.BASELINE,
        "BaselineProject/WBS": p6.BASELINE_WBS,
        "BaselineProject/Activity": p6.BASELINE_ACTIVITY,
        "Resource": shared_objects.RESOURCE,
        "any object outside the projects": shared_objects.OBJECT,
    },
}
"""The map of each kind of record, by format and element."""

_MATERIAL: Final = "Only in `attributes` if the resource is material."

NOTES: Final = {
    (
        "native",
        "project",
        "@version",
    ): "Version that the file was made from. The project is "
    "refused (`VERSION_CONFLICT`) if the server has another. Without it, the import overwrites.",
    ("native", "project", "@source"): "`native` if absent.",
    ("mspdi", "Project", "GUID"): "If absent or all zeros, the name identifies the project.",
    ("mspdi", "Project", "Name"): "If absent, the title, else the `external_id`.",
    ("mspdi", "Project", "Title"): "Used if there is no name.",
    ("mspdi", "Task", "OutlineLevel"): "Determines `parent_id`, with the order of the file.",
    ("mspdi", "Task", "IsNull"): "A blank row becomes a part.",
    ("mspdi", "PredecessorLink", "PredecessorUID"): "The successor is the task that has the link.",
    ("mspdi", "PredecessorLink", "LagFormat"): "If the lag is a percentage, `lag` is 0 and "
    "`attributes` has the percentage.",
    (
        "mspdi",
        "Baseline",
        "Number",
    ): "Each number becomes a row of `baselines`, named "
    "`Baseline` or `Baseline 1`; number 0 is current. `task_id` is the `UID` of the task.",
    ("mspdi", "Resource", "IsCostResource"): "If true, `type` is `cost`.",
    ("mspdi", "Resource", "IsNull"): "A blank row becomes a part.",
    ("mspdi", "Resource", "StandardRate"): "For an hour, whatever `StandardRateFormat` says; for a "
    "unit if the resource is material.",
    ("p6", "Project", "ObjectId"): "Its baselines refer to it.",
    ("p6", "BaselineProject", "ObjectId"): "The project refers to it.",
    ("p6", "Project", "CurrentBaselineProjectObjectId"): "The baseline with this `ObjectId` is "
    "`current`.",
    ("p6", "BaselineProject", "OriginalProjectObjectId"): "The `ObjectId` of the project.",
    ("p6", "BaselineProject/WBS", "ObjectId"): "`kind` is `wbs`.",
    ("p6", "WBS", "ObjectId"): "`kind` is `wbs` and `summary` is true.",
    ("p6", "WBS", "ParentObjectId"): "Goes to `attributes` if that WBS is not in the project.",
    ("p6", "Activity", "ObjectId"): "`kind` is `activity`.",
    ("p6", "Activity", "WBSObjectId"): "Goes to `attributes` if that WBS is not in the project.",
    ("p6", "ResourceAssignment", "AtCompletionUnits"): "Goes to `attributes` if the resource is "
    "material.",
    ("p6", "ResourceAssignment", "ActualUnits"): _MATERIAL,
    ("p6", "ResourceAssignment", "RemainingUnits"): _MATERIAL,
    ("p6", "Resource", "PricePerUnit"): "`ResourceRate`, an object outside the projects, has more.",
    ("p6", "ResourceAssignment", "ResourceType"): "Decides whether the units are of material.",
}
"""What the code of a format does with an element beside storing its value."""

_COLUMNS: Final[Mapping[str, Sequence[Column]]] = {
    "project": PROJECT,
    **{group.tag: RECORDS[name] for name, group in writer.GROUPS.items()},
    writer.SHARED_OBJECTS.tag: SHARED_OBJECT,
}
"""The columns of a native record, by its element."""

_NOT_STORED: Final = {
    "external_id": "Identifier of the project.",
    "read_at": "Version that the file was made from, as the server counts it.",
}
"""What native values mean that no column of the definition holds."""

_UNITS: Final = {
    "hours": "In hours.",
    "tenths": "In tenths of a minute.",
    "hundredths": "In hundredths; the column has the amount.",
    "fraction": "From 0 to 1; the column has percent.",
    "guid": "The column has it without braces, in lower case.",
}
"""How a kind of value differs from its column."""


def format_table(name: str) -> str:
    """Return the table of a format: which element goes to which column."""
    rows = [
        (f"`{tag}`" if " " not in tag else tag, *_field(name, tag, record, field))
        for tag, record in MAPS[name].items()
        for field in record.fields
    ]
    firsts = [row[0] for row in rows]
    shown = [("" if row[0] in firsts[:i] else row[0], *row[1:]) for i, row in enumerate(rows)]
    return table(("Record", "Element", "Column", "Notes"), shown)


def _field(name: str, tag: str, record: RecordRule, field: Field) -> Sequence[str]:
    stored = field.column in (*record.columns, "external_id")
    return (
        f"`{field.source}`",
        f"`{field.column}`" if stored else "",
        " ".join(_notes(name, tag, record, field)),
    )


def _notes(name: str, tag: str, record: RecordRule, field: Field) -> Iterator[str]:
    if field.rank:
        first = next(each for each in record.fields if each.column == field.column)
        yield f"Used if `{first.source}` is absent."
    if field.kind.name in _UNITS:
        yield _UNITS[field.kind.name]
    if field.column in record.columns and field.kind.words:
        yield _words(field.kind)
    default = record.defaults.get(field.column)
    if default and default != b"f":
        yield f"`{default.decode()}` if absent."
    if (name, tag, field.source) in NOTES:
        yield NOTES[name, tag, field.source]
    if field.keep:
        yield "Kept in `attributes`."


def _words(kind: Kind) -> str:
    """The values of a closed list, with what the column has for them."""
    pairs = {
        word: "null" if value == NULL else value.decode() for word, value in kind.words.items()
    }
    if set(pairs.values()) <= {"t", "f"}:
        return f"True: {codes(word for word, value in pairs.items() if value == 't')}."
    if all(word == value for word, value in pairs.items()):
        return f"One of {codes(pairs)}."
    return ", ".join(f"`{word}` is `{value}`" for word, value in pairs.items()) + "."


def elements(tag: str) -> str:
    """Return the child elements of a native record that hold a value, for the schema."""
    return "".join(
        _declaration("element", tag, place, kind)
        for place, kind in _places(tag)
        if not place.is_attribute
    )


def attributes(tag: str) -> str:
    """Return the XML attributes of a native record, for the schema."""
    return "".join(
        _declaration("attribute", tag, place, kind)
        for place, kind in _places(tag)
        if place.is_attribute
    )


def _places(tag: str) -> Iterator[tuple[ValuePlace, Kind]]:
    record = MAPS["native"][tag]
    for place, field in zip(writer.value_places(record), record.fields, strict=True):
        yield place, field.kind


def _declaration(what: str, tag: str, place: ValuePlace, kind: Kind) -> str:
    required = place.column in MAPS["native"][tag].required
    options = ""
    if required:
        options = ' use="required"' if place.is_attribute else ""
    elif not place.is_attribute:
        options = ' minOccurs="0"'
    elif place.default is not None:
        options = f' default="{place.default}"'
    indent = "    " if place.is_attribute else "      "
    return (
        f'{indent}<xs:{what} name="{place.name}" type="{_schema_type(kind, required)}"{options}>\n'
        f"{indent}  <xs:annotation>\n"
        f"{indent}    <xs:documentation>{_described(tag, place.column)}</xs:documentation>\n"
        f"{indent}  </xs:annotation>\n"
        f"{indent}</xs:{what}>\n"
    )


def _schema_type(kind: Kind, required: bool) -> str:
    """The name of a simple type; a required text, id or number cannot be empty."""
    by_kind = {
        "id": ("reference", "id"),
        "text": ("text", "some-text"),
        "integer": ("integer", "some-integer"),
        "word": ("source", ""),
    }
    return by_kind.get(kind.name, (kind.name, kind.name))[required]


def _described(tag: str, column: str) -> str:
    words = {each.name: each.description for each in _COLUMNS[tag]} | _NOT_STORED
    return words[column].replace("`", "")


def enumerations(_argument: str) -> str:
    """Return the simple types of the native values that are closed lists, for the schema."""
    kinds = {
        field.kind.name: field.kind.words
        for record in MAPS["native"].values()
        for field in record.fields
        if field.kind.words
    }
    return "\n".join(
        f'  <xs:simpleType name="{name}">\n'
        '    <xs:restriction base="xs:token">\n'
        + "".join(f'      <xs:enumeration value="{word}"/>\n' for word in (*words, ""))
        + "    </xs:restriction>\n"
        "  </xs:simpleType>\n"
        for name, words in kinds.items()
    )


def encodings(_argument: str) -> str:
    """Return the encodings that a file can have."""
    return f"{FILE_ENCODINGS_SHOWN}.\n"


def volatile(name: str) -> str:
    """Return the elements of a format that do not make a project differ."""
    (found,) = (each for each in FORMATS if each.name == name)
    return f"{codes(sorted(found.volatile))}.\n"


TEXTS: Final[dict[str, Callable[[str], str]]] = {
    "encodings": encodings,
    "volatile": volatile,
    "format": format_table,
    "elements": elements,
    "attributes": attributes,
    "enumerations": enumerations,
}
"""The generators, by the name in a marker."""
