"""What of a record can go to columns, and which of it identifies the record."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from service.formats.guess.structure import Node
from service.formats.guess.values import Values
from service.formats.guess.vocabulary import has_role, meanings, words

MAX_DEPTH: Final = 8
"""Levels of elements in the path of a column."""
MAX_NAME: Final = 200
"""Characters of a name in a format file."""
MAX_SOURCES: Final = 200
"""Elements and XML attributes of a record that can go to a column."""
_REFERENCE: Final = 0.8
"""Share of the values that are ids of other records, if a source refers to such records."""
_COMPARED: Final = 300
"""Values of a source that are compared with ids."""


@dataclass(slots=True)
class Source:
    """An XML attribute or an element that can go to a column.

    Attributes:
        path: from the record, as a format file has it, such as ``Owner/@name``.
        name: of the attribute, or of the last element.
        values: of it.
    """

    path: str
    name: str
    values: Values


def sources_of(node: Node, records: Collection[Node], namespace: str) -> Iterator[Source]:
    """Yield what can go to columns of a record, up to ``MAX_SOURCES``.

    Args:
        records: elements that are records themselves.
        namespace: of the elements.
    """
    for count, source in enumerate(_sources_below(node, "", records, namespace, MAX_DEPTH)):
        if count == MAX_SOURCES:
            return
        yield source


def _sources_below(
    node: Node, prefix: str, records: Collection[Node], namespace: str, depth: int
) -> Iterator[Source]:
    for name, values in node.attributes.items():
        if "}" not in name and len(name) <= MAX_NAME:
            yield Source(f"{prefix}@{name}", name, values)
    for child in node.own_children:
        if (
            len(child.name) > MAX_NAME
            or child.most > 1
            or child in records
            or child.namespace != namespace
            or (child.own_children and has_role(child.name, "other"))
        ):
            continue
        path = f"{prefix}{child.name}"
        if not child.children:
            suffix = "/#text" if child.attributes else ""
            yield Source(f"{path}{suffix}", child.name, child.text)
            for name, values in child.attributes.items():
                if "}" not in name and len(name) <= MAX_NAME:
                    yield Source(f"{path}/@{name}", f"{child.name}-{name}", values)
        elif depth > 1:
            yield from _sources_below(child, f"{path}/", records, namespace, depth - 1)


def references(sources: Collection[Source], ids: Collection[str]) -> list[Source]:
    """Return the sources whose values are ids of other records."""
    found = []
    for source in sources:
        values = list(source.values.sample)[:_COMPARED]
        if values and sum(value in ids for value in values) >= _REFERENCE * len(values):
            found.append(source)
    return found


def is_moment(values: Values) -> bool:
    """Whether values are dates, or dates with a time."""
    return any(name.startswith(("date", "timestamp", "moment")) for name in values.types)


def find_id(node: Node, sources: list[Source], users: Collection[Source] = ()) -> Source | None:
    """Return the source that identifies a record: a unique one, named as an id.

    Args:
        users: sources that can refer to the record; what most of them refer to is preferred.
    """
    known = ["id", "uid", "objectid", f"{node.name.lower()}id", "guid", "key"]
    named: list[tuple[int, Source]] = []
    for source in sources:
        values = source.values
        if values.count + values.blank < node.count or is_moment(values) or not values.sample:
            continue
        whole = node.count if values.complete else len(values.sample)
        if len(values.sample) * _count_projects(node) < whole or values.count < node.count:
            continue
        name = source.name.lower()
        if has_role(source.name, "project") and not has_role(node.name, "project"):
            continue
        if name in known:
            named.append((known.index(name), source))
        elif name in words(node.label) or name.endswith(("id", "no", "nr", "number", "_key")):
            named.append((len(known), source))
        elif any(has_role(source.name, role) for role in ("task", "wbs", "project", "network")):
            named.append((len(known) + 1, source))
    if len(named) > 1 and users:
        users = [each for each in users if _is_reference(each.name)]
        uses = {source.path: len(references(users, source.values.sample)) for _, source in named}
        return min(named, key=lambda pair: (-uses[pair[1].path], pair[0]))[1]
    return min(named, key=lambda pair: pair[0])[1] if named else None


def _is_reference(name: str) -> bool:
    """Whether a name can be that of a reference: small numbers are ids of anything."""
    roles = ("link", "task", "wbs", "resource")
    return "id" in meanings(name) or any(has_role(name, role) for role in roles)


def _count_projects(node: Node) -> int:
    """Return the number of projects, because ids may repeat in each of them."""
    return max(
        (above.count for above in node.ancestors if has_role(above.name, "project")), default=1
    )
