"""Reads members of ``attributes`` by name: ``<attribute name="risk">high</attribute>``."""

from collections.abc import Callable

from service.formats import json_attributes
from service.formats.element import Element
from service.formats.engine.parsed_record import NamedMembers, ParsedRecord
from service.formats.json_attributes import Members
from service.formats.values import BLANK


def read_named_members(
    child: Element,
    named: NamedMembers,
    record: ParsedRecord,
    members: Members,
    give_way: Callable[[], None],
) -> None:
    """Add named members to ``members``, and the faults of their elements to the record.

    Args:
        child: the container of such elements, or one of them if the rule has no container.
        named: the names of the elements and XML attributes.
        record: gets the faults.
        members: the members read so far. A blank member becomes None, which reserves its name but
            is not written.
        give_way: see ``FileContext``.
    """
    if named.container is None:
        _read_member(child, named, record, members)
        return

    def refuse(where: Element, name: str, value: str | None, problem: str) -> None:
        record.add_fault(where, name, value, problem, fatal=True)

    if child.keys() or (child.text or "").strip(BLANK):
        refuse(child, named.container, None, f"holds more than {named.element} elements")
    if next(child.itersiblings(child.tag, preceding=True), None) is not None:
        refuse(child, named.container, None, "occurs more than once")
    for count, element in enumerate(child, 1):
        if count % json_attributes.STEP == 0:
            give_way()
        local = json_attributes.local(element.tag)
        if local == named.element:
            _read_member(element, named, record, members)
        else:
            refuse(element, local, None, "is not known here")
        if (element.tail or "").strip(BLANK):
            refuse(child, named.container, element.tail, "must not contain text")


def _read_member(
    element: Element, named: NamedMembers, record: ParsedRecord, members: Members
) -> None:
    def refuse(name: str, value: str | None, problem: str) -> None:
        record.add_fault(element, name, value, problem, fatal=True)

    name, kind = element.get(named.name), ""
    for key, text in element.items():
        if key == named.type and (kind := text.strip(BLANK)) in named.types:
            continue
        if key != named.name:
            return refuse(key, text, f"is not known on {named.element} elements")
    if name is None or not name.strip(BLANK):
        return refuse(named.element, None, "has no name")
    if len(element):
        return refuse(named.element, name, "has child elements")
    if name in members:
        return refuse(named.element, name, "occurs more than once")
    text = element.text or ""
    members[name] = None
    if text.strip(BLANK):
        try:
            members[name] = named.types[kind](text)
        except ValueError as error:
            refuse(name, text, str(error))
    return None
