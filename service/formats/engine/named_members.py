"""Reads members of ``attributes`` by name: ``<attribute name="risk">high</attribute>``."""

from service.formats import json_attributes
from service.formats.element import Element, line_of
from service.formats.engine.parsed_record import Fault, NamedMembers
from service.formats.json_attributes import Members
from service.formats.values import BLANK


def read_named_members(child: Element, named: NamedMembers, members: Members) -> list[Fault]:
    """Add named members to ``members``, and return the faults of their elements.

    Args:
        child: the container of such elements, or one of them if the rule has no container.
        named: the names of the elements and XML attributes.
        members: the members read so far. A blank member becomes None, which reserves its name but
            is not written.
    """
    if named.container is None:
        return _read_member(child, named, members)
    faults: list[Fault] = []
    if child.keys() or (child.text or "").strip(BLANK):
        problem = f"holds more than {named.element} elements"
        faults.append(_fault(child, named.container, None, problem))
    if next(child.itersiblings(child.tag, preceding=True), None) is not None:
        faults.append(_fault(child, named.container, None, "occurs more than once"))
    for element in child:
        local = json_attributes.local(element.tag)
        if local == named.element:
            faults += _read_member(element, named, members)
        else:
            faults.append(_fault(element, local, None, "is not known here"))
        if (element.tail or "").strip(BLANK):
            faults.append(_fault(child, named.container, element.tail, "must not contain text"))
    return faults


def _read_member(element: Element, named: NamedMembers, members: Members) -> list[Fault]:
    name, kind = element.get(named.name), ""
    for key, text in element.items():
        if key == named.type and (kind := text.strip(BLANK)) in named.types:
            continue
        if key != named.name:
            return [_fault(element, key, text, f"is not known on {named.element} elements")]
    if name is None or not name.strip(BLANK):
        return [_fault(element, named.element, None, "has no name")]
    if len(element):
        return [_fault(element, named.element, name, "has child elements")]
    if name in members:
        return [_fault(element, named.element, name, "occurs more than once")]
    text = element.text or ""
    members[name] = None
    if text.strip(BLANK):
        try:
            members[name] = named.types[kind](text)
        except ValueError as error:
            return [_fault(element, name, text, str(error))]
    return []


def _fault(element: Element, name: str, value: str | None, problem: str) -> Fault:
    return Fault(line_of(element), name, value, problem, True)
