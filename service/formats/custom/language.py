"""The language of a format file: a format of an operator, as TOML.

These models check the structure of a file, and give the JSON Schema that the service publishes.
``loader`` checks what a file means.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic.json_schema import GenerateJsonSchema

from service.formats.values import WORD_PATTERN
from service.tables import MEMBERS, PROJECT, RECORDS, Column, Table, Type

OUTER: Final = ".."
"""The value of a column that gets the id of the record around a nested record."""
TEXT_OF: Final = "#text"
"""The last step of a path to the text of an element that has XML attributes too."""
LEVEL: Final = "outline_level"
"""A column of tasks that is not stored, and from which ``parent_id`` is computed."""
MAX_STEPS: Final = 8
"""Elements of a path."""

_NAME: Final = r"[^\s/@#:.\-0-9][^\s/@#:]{0,199}"
_ELEMENT_PATH: Final = rf"{_NAME}(/{_NAME}){{0,{MAX_STEPS - 1}}}"
_VALUE_PATH: Final = rf"({_ELEMENT_PATH})(/@{_NAME}|/{TEXT_OF})?|@{_NAME}|\.\."

_ID: Final = Column("external_id", Type.TEXT, "Identifier of the project, for its client.")
_LEVEL: Final = Column(
    LEVEL,
    Type.INTEGER,
    "Outline level. The parent is the last task before this one with a lower level.",
)
PROJECT_FIELDS: Final = (
    _ID,
    *(each for each in PROJECT if each.name not in {"source", "baseline_of", "attributes"}),
)
"""The columns of a project that a file can fill."""
RECORD_FIELDS: Final = {
    table: (*columns[1:-1], *((_LEVEL,) if table is Table.TASKS else ()))
    for table, columns in RECORDS.items()
}
"""The columns of each table that a file can fill."""

Scalar = str | bool | int | float
Decimal = Literal[".", ","]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _matches(pattern: str, meaning: str) -> Any:
    """Return validators for a text that matches a pattern as a whole."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise ValueError(f"{value!r} is not {meaning}")
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


Name = Annotated[str, *_matches(_NAME, "the local name of an element")]
ElementPath = Annotated[
    str, *_matches(_ELEMENT_PATH, f"a path of up to {MAX_STEPS} elements, such as Plan/Tasks/Task")
]
ValuePath = Annotated[
    str,
    *_matches(
        _VALUE_PATH,
        "the place of a value, such as Start, @id, Dates/Start, Owner/@name or Cost/#text",
    ),
]
Volatile = Annotated[str, *_matches(rf"@?{_NAME}", "an element or @attribute, without a path")]


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_Place = ValuePath | Annotated[list[Name], Field(min_length=1, max_length=8)]
_Places = Annotated[
    tuple[ValuePath, ...],
    Field(min_length=1, max_length=8),  # before the next one, which has the schema of a text too
    BeforeValidator(_as_list, json_schema_input_type=_Place),
]


class Source(_Strict):
    """Where the value of a column comes from, and how it is written.

    Instead of a table with only ``from``, a file can have its value.
    """

    places: _Places = Field(
        (),
        alias="from",
        validate_default=False,
        description="place of the value: a path from the record, or a list of child elements, of "
        "which the first with a value counts; without it, the column has the default",
    )
    type: (
        Literal[
            "text",
            "id",
            "guid",
            "integer",
            "decimal",
            "percent",
            "fraction",
            "boolean",
            "timestamp",
            "date",
            "duration",
        ]
        | None
    ) = Field(None, description="how the text is read; each column has a default")
    unit: Literal["days", "hours", "minutes", "seconds", "percent"] | None = Field(
        None, description="unit of a number: of a duration, or `percent` for hundredths"
    )
    decimal: Decimal | None = Field(
        None, description="decimal separator of a number, if not that of the file"
    )
    format: str | None = Field(
        None,
        max_length=100,
        description="how a date is written, with the directives %Y %y %m %d %H %M %S %f %z",
    )
    values: dict[str, Scalar] = Field(
        {},
        max_length=250,
        description="texts of the file, with the value that the column has for them; an empty "
        "text means no value",
    )
    default: Scalar | None = Field(None, description="value of a record that has none")
    keep: bool = Field(False, description="whether the text stays in `attributes` as well")


def _as_table(value: object) -> object:
    return value if isinstance(value, dict | Source) else {"from": value}


ColumnSource = Annotated[Source, BeforeValidator(_as_table, json_schema_input_type=_Place | Source)]


def _describe(columns: Iterable[Column]) -> Any:
    """Return what puts the columns of a table into its schema."""

    def extend(schema: dict[str, Any]) -> None:
        source = schema.pop("additionalProperties")
        schema["properties"] = {
            each.name: {"description": each.comment, **source} for each in columns
        }
        schema["additionalProperties"] = False

    return extend


def _columns(fields: Iterable[Column]) -> Any:
    """Return the field of a model for the columns of a table."""
    names = tuple(each.name for each in fields)

    def check(columns: dict[str, Source]) -> dict[str, Source]:
        for name in columns:
            if name not in names:
                raise ValueError(f"there is no column {name}; the columns are {', '.join(names)}")
        return columns

    return AfterValidator(check), Field(
        description="sources of the columns", json_schema_extra=_describe(fields)
    )


class ProjectRules(_Strict):
    """The projects of a file."""

    element: Name = Field(
        description="local name of the element: the root, or an element anywhere below it"
    )
    identity: str | None = Field(
        None, description="column that identifies a project, if `external_id` has no source"
    )
    columns: Annotated[dict[str, ColumnSource], *_columns(PROJECT_FIELDS)]


class Records(_Strict):
    """The records of one kind of element, which become rows of a table."""

    TABLE: ClassVar[Table]

    element: ElementPath = Field(
        description="path from the project to the records; the path of a record inside another "
        "one continues the path of the other one"
    )
    columns: Mapping[str, Source]


class Tasks(Records):
    """An element that is a task."""

    TABLE = Table.TASKS

    children: ElementPath | None = Field(
        None,
        description="path from a task to the tasks inside it, which the same rule reads; it is "
        "their parent",
    )
    columns: Annotated[dict[str, ColumnSource], *_columns(RECORD_FIELDS[Table.TASKS])]


class Dependencies(Records):
    """An element that is a dependency of two tasks."""

    TABLE = Table.DEPENDENCIES

    columns: Annotated[dict[str, ColumnSource], *_columns(RECORD_FIELDS[Table.DEPENDENCIES])]


class Resources(Records):
    """An element that is a resource."""

    TABLE = Table.RESOURCES

    columns: Annotated[dict[str, ColumnSource], *_columns(RECORD_FIELDS[Table.RESOURCES])]


class Assignments(Records):
    """An element that is an assignment of a resource to a task."""

    TABLE = Table.ASSIGNMENTS

    columns: Annotated[dict[str, ColumnSource], *_columns(RECORD_FIELDS[Table.ASSIGNMENTS])]


class FormatFile(_Strict):
    """A format of XML files with project plans, for ``BULK_IMPORT_FORMATS_DIR``."""

    name: Annotated[str, *_matches(WORD_PATTERN, "a word of small letters, digits, - and _")] = (
        Field(description="name of the format, as results and the column `source` have it")
    )
    root: Name | None = Field(
        None, description="local name of the root element; any name if it is absent"
    )
    namespace: Annotated[str, Field(max_length=1000)] | None = Field(
        None,
        description="namespace of the root and of all elements that the format names; empty for "
        "none, any namespace of the root if it is absent",
    )
    root_namespace: Annotated[str, Field(max_length=1000)] | None = Field(
        None,
        description="namespace of the root, if it is not that of the other elements, as in SOAP",
    )
    hours_per_day: float | None = Field(
        None, gt=0, le=24, description="working hours of a day, for durations in days"
    )
    decimal: Decimal = Field(
        ".",
        description="decimal separator of numbers; with a comma, points or blanks may group "
        "thousands",
    )
    volatile: tuple[Volatile, ...] = Field(
        (),
        max_length=1000,
        description="child elements and `@attributes` of projects and records that change at "
        "every export; they do not make a new version",
    )
    dated_by: tuple[Volatile, ...] = Field(
        (),
        max_length=8,
        description="child elements and `@attributes` of a project with its age, as "
        "2026-01-05T08:00:00 or 2026-01-05, for imports with `if_newer`; the first one that "
        "differs decides",
    )
    project: ProjectRules
    tasks: tuple[Tasks, ...] = ()
    dependencies: tuple[Dependencies, ...] = ()
    resources: tuple[Resources, ...] = ()
    assignments: tuple[Assignments, ...] = ()

    @property
    def records(self) -> Iterable[tuple[str, Records]]:
        """Yield the rules of records, each with its place in the file."""
        for table in (Table.TASKS, Table.DEPENDENCIES, Table.RESOURCES, Table.ASSIGNMENTS):
            for number, rules in enumerate(getattr(self, MEMBERS[table])):
                yield f"{MEMBERS[table]}[{number}]", rules


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a format file."""
    schema = FormatFile.model_json_schema()
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}
