"""Which element or XML attribute of a record goes to which column, and how it is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.formats.guess.records import Record
from service.formats.guess.sources import Source, is_moment
from service.formats.guess.values import TYPES, Values
from service.formats.guess.vocabulary import COLUMNS, meanings, words
from service.formats.values import with_point
from service.tables import PROJECT, RECORDS, Column, Table, Type

Options = dict[str, str | dict[str, str | bool]]

LINK_TYPES: Final = ("FS", "SS", "FF", "SF")
_LINK_WORDS: Final = {
    "FS": "finish-start finishtostart finish-to-start fs ea nf",
    "SS": "start-start starttostart start-to-start ss aa af",
    "FF": "finish-finish finishtofinish finish-to-finish ff ee ef",
    "SF": "start-finish starttofinish start-to-finish sf ae",
}
_LINK_CODES: Final = (
    ("2", "1234", {"1": "SS", "2": "FS", "3": "FF", "4": "SF"}),
    ("1", "0123", {"0": "FF", "1": "FS", "2": "SF", "3": "SS"}),
    ("0", "0123", {"0": "FS", "1": "SS", "2": "FF", "3": "SF"}),
    ("2", "0123", {"0": "SS", "1": "SF", "2": "FS", "3": "FF"}),
)
"""Codes of link types: the one of finish to start, all of them, and their meanings."""
_RESOURCE_WORDS: Final = {
    "work": "work labor labour person human employee",
    "nonlabor": "nonlabor equipment machine",
    "material": "material",
    "cost": "cost expense",
}
_UNITS: Final = {
    "days": {"day", "days", "tag", "tage", "jours", "d"},
    "hours": {"hour", "hours", "hrs", "hur", "stunden", "std", "h"},
    "minutes": {"minute", "minutes", "min", "minuten"},
}
_TRUE: Final = frozenset({"yes", "y", "x"})


@dataclass(slots=True)
class Choice:
    """The choice for one column.

    Attributes:
        column: its name.
        source: what goes to the column.
        options: of the column in a format file, beside ``from``.
        doubt: what the reader of the draft should check, or an empty text.
        comma: whether its numbers have a decimal comma.
    """

    column: str
    source: Source
    options: Options = field(default_factory=dict)
    doubt: str = ""
    comma: bool = False


def choose_columns(record: Record) -> list[Choice]:
    """Choose a source for as many columns of a record as possible, in the order of the table."""
    wanted = COLUMNS[record.table]
    pairs = []
    context = set(words(record.node.label))
    for source in record.sources:
        if not source.values.sample:
            continue
        for column, variants in wanted.items():
            score = _score(source, variants, context)
            if score and _fits(_column(record.table, column), source.values):
                pairs.append((score, column, source))
    key = {"task_id", "resource_id", "external_id"} & wanted.keys()
    identified = record.table in (None, Table.TASKS, Table.RESOURCES)
    if identified and (identifier := record.id) is not None:
        pairs += [(100, column, identifier) for column in key]
    chosen: dict[str, Source] = {}
    used: set[str] = set()
    for _, column, source in sorted(pairs, key=lambda pair: -pair[0]):
        if column not in chosen and source.path not in used:
            chosen[column] = source
            used.add(source.path)
    for column in ("description", "notes"):  # a record without a name has it there
        if "name" in wanted and "name" not in chosen and column in chosen:
            chosen["name"] = chosen.pop(column)
    early = [column for column in ("start", "finish") if f"early_{column}" in chosen]
    early = [column for column in early if column not in chosen]
    for column in early:  # an optimist's plan is better than none
        chosen[column] = chosen.pop(f"early_{column}")
    choices = [_choice(record, column, chosen[column]) for column in wanted if column in chosen]
    for choice in choices:
        if choice.column in early:
            choice.doubt = "the early dates, because there are no others"
    return choices


def _score(source: Source, variants: tuple[frozenset[str], ...], context: set[str]) -> int:
    """Return how well the name of a source fits a column; 0 if it does not."""
    last = source.path.removesuffix("/#text").rpartition("/")[2].removeprefix("@")
    for name, around, most in ((last, (), 30), (last, context, 20), (source.path, context, 10)):
        found = meanings(name, around)
        for rank, variant in enumerate(variants):
            if found == variant:
                return most - rank
    return 0


def _column(table: Table | None, name: str) -> Column:
    columns: Iterable[Column] = PROJECT if table is None else RECORDS[table]
    known = next((column for column in columns if column.name == name), None)
    type_ = Type.INTEGER if name == "outline_level" else Type.TEXT
    return known or Column(name, type_, "")


def _fits(column: Column, values: Values) -> bool:
    """Whether a column can hold the values."""
    types = values.types
    match column.type:
        case Type.TIMESTAMP:
            return is_moment(values)
        case Type.INTEGER:
            return "integer" in types
        case Type.NUMERIC:
            return "decimal" in types or "decimal comma" in types
        case Type.INTERVAL:
            return not {"decimal", "decimal comma", "duration"}.isdisjoint(types)
        case Type.BOOLEAN:
            return "boolean" in types
        case _ if column.values:
            return _map_words(column, values) is not None
        case _ if column.name == "email":
            return all("@" in value for value in values.sample)
        case _:
            return not (column.name.endswith("name") and is_moment(values))


def _choice(record: Record, name: str, source: Source) -> Choice:
    choice = Choice(name, source)
    column = _column(record.table, name)
    values = source.values
    if column.type in {Type.NUMERIC, Type.INTERVAL}:
        choice.comma = "decimal comma" in values.types and "decimal" not in values.types
    match column.type:
        case Type.TIMESTAMP:
            _choose_moment(choice, values)
        case Type.INTERVAL if "duration" not in values.types:
            _choose_unit(choice, record.sources)
        case Type.NUMERIC:
            _choose_scale(choice, values)
        case Type.BOOLEAN:
            texts = {text: text.lower() in _TRUE for text in values.sample}
            if any(text.lower() not in {"true", "false", "0", "1"} for text in texts):
                choice.options["values"] = dict(texts)
        case _ if column.values:
            mapped = _map_words(column, values) or {}
            if any(text != word for text, word in mapped.items()):
                choice.options["values"] = dict(mapped)
                if all(text.isdigit() for text in mapped):
                    choice.doubt = "the meaning of the codes is a guess"
    if values.empties:
        choice.options["values"] = dict.fromkeys(sorted(values.empties), "")
    return choice


def _choose_moment(choice: Choice, values: Values) -> None:
    types = values.types
    sample = list(values.sample)
    if "timestamp" in types or "date" in types or "moment" in types:
        return
    if "date compact" in types:
        choice.options["format"] = "%Y%m%d"
    elif "timestamp with blank" in types:
        seconds = ":%S" if sample[0].count(":") > 1 else ""
        choice.options["format"] = f"%Y-%m-%d %H:%M{seconds}"
    elif "timestamp with offset" in types:
        seconds = ":%S" if sample[0][11:].partition("+")[0].count(":") > 1 else ""
        fraction = ".%f" if "." in sample[0] else ""
        choice.options["format"] = f"%Y-%m-%dT%H:%M{seconds}{fraction}%z"
        choice.doubt = "the offset is ignored: times must all be of the project's place"
    else:
        _choose_local_date(choice, sample)


def _choose_local_date(choice: Choice, sample: list[str]) -> None:
    mark = "." if "." in sample[0] else "/"
    parts = [value.split()[0].split(mark) for value in sample]
    day_first = mark == "." or any(int(each[0]) > 12 for each in parts)
    if not day_first and not any(int(each[1]) > 12 for each in parts):
        choice.doubt = "month and day may be the other way round"
    year = "%Y" if len(parts[0][2]) == 4 else "%y"
    order = ("%d", "%m", year) if day_first else ("%m", "%d", year)
    clock = sample[0].count(":")
    choice.options["format"] = mark.join(order) + ("", " %H:%M", " %H:%M:%S")[min(clock, 2)]


def _choose_unit(choice: Choice, sources: Iterable[Source]) -> None:
    found = set(words(choice.source.path))
    for other in sources:  # an element beside it with the unit
        marks = set(words(other.name))
        if marks & {"unit", "un", "uom"} and marks & found and len(other.values.sample) == 1:
            found = set(words(*other.values.sample))
    named = next((unit for unit, known in _UNITS.items() if found & known), None)
    by_default = "hours" if "work" in choice.column else "days"
    choice.options["unit"] = named or by_default
    if named is None:
        choice.doubt = "the unit is a guess"


def _choose_scale(choice: Choice, values: Values) -> None:
    texts = map(with_point, values.sample) if choice.comma else values.sample
    numbers = [float(text) for text in texts if TYPES["decimal"].fullmatch(text)]
    if not numbers:
        return
    if choice.column.endswith("percent_complete"):
        if max(numbers) <= 1 and any(number % 1 for number in numbers):
            choice.options["type"] = "fraction"
    elif choice.column.endswith("units") and max(numbers) > 5:
        choice.options["unit"] = "percent"
        choice.doubt = "100 is taken as full time"


def _map_words(column: Column, values: Values) -> Mapping[str, str] | None:
    """Return the column's word for each text; None if one is unknown."""
    texts = list(values.sample)
    if column.name == "type" and set(column.values) == set(LINK_TYPES):
        codes = set(texts)
        for usual, known, meaning in _LINK_CODES:
            if codes <= set(known) and texts[0] == usual:
                return meaning
        return _translate(texts, _LINK_WORDS)
    if column.name == "type":
        return _translate(texts, _RESOURCE_WORDS)
    return {text: text for text in texts} if set(texts) <= set(column.values) else None


def _translate(texts: list[str], known: Mapping[str, str]) -> Mapping[str, str] | None:
    words_of = {alias: word for word, aliases in known.items() for alias in aliases.split()}
    found = {text: words_of.get(text.lower().replace(" ", "-")) for text in texts}
    if not texts or len(texts) > len(known) * 3:
        return None
    return None if None in found.values() else {text: word or "" for text, word in found.items()}
