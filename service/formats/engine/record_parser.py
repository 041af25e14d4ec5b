"""The record parser in Python: converts an lxml element to columns and attributes."""

from service.formats import json_attributes
from service.formats.element import Element
from service.formats.engine.groups import read_group
from service.formats.engine.named_members import read_named_members
from service.formats.engine.parsed_record import Group, ParsedRecord, Shape, Slot
from service.formats.json_attributes import Members
from service.formats.values import BLANK, NULL


def parse_record(element: Element, shape: Shape) -> ParsedRecord:
    """Read one record.

    If an element with a column occurs several times, the first text fills the column, and the
    others go to ``attributes``. A mapped child that has children or XML attributes goes to
    ``attributes`` too, and so does a bad value, whose column stays null. In a strict shape, all
    three are faults.
    """
    if shape.as_part:
        return _parse_part(element, shape)
    columns = shape.blank.copy()
    record = ParsedRecord(columns)
    members: Members = {}
    later: list[tuple[int, Element, Slot]] = []
    slots = shape.attributes
    for name, text in element.items():
        if name in slots:
            slot = slots[name]
            value = slot.parse(text)
            if value is None:
                _add_bad_value(element, slot, text, shape, record, members, "@" + slot.name)
            else:
                columns[slot.column] = value
                if slot.keep and text.strip(BLANK):
                    json_attributes.put(members, "@" + slot.name, text)
        elif not name.startswith(json_attributes.XSI):
            _add_unknown_attribute(element, name, text, shape, record, members)
    text_before = element.text
    if text_before and text_before.strip(BLANK):
        _add_stray_text(element, text_before, shape, record, members)
    children = shape.children
    for count, child in enumerate(element, 1):
        if count % json_attributes.STEP == 0:
            shape.keys.give_way()
        tag = child.tag
        if tag in children:
            slot = children[tag]
            text = child.text or ""
            if slot.rank:
                later.append((slot.rank, child, slot))
            elif len(child) or child.keys():
                _add_structured(child, slot, shape, record, members)
            elif (
                (value := slot.parse(text)) is None or columns[slot.column] is not NULL or slot.keep
            ):
                _fill(child, slot, text, shape, record, members)
            elif value is not NULL:
                columns[slot.column] = value
            elif shape.strict:
                _check_single(child, record)
        else:
            _add_unmapped(child, shape, record, members)
        tail = child.tail
        if tail and tail.strip(BLANK):
            _add_stray_text(element, tail, shape, record, members)
    if later:
        _fill_later_choices(later, shape, record, members)
    for index, default in shape.defaults:
        if columns[index] is NULL:
            columns[index] = default
    for index, name in shape.required:
        if columns[index] is NULL:
            _add_missing(element, name, record)
    if members:
        _write_attributes(element, members, shape, record)
    return record


def _parse_part(element: Element, shape: Shape) -> ParsedRecord:
    record = ParsedRecord([shape.keys[element.tag].encode()])
    members = json_attributes.members(element, shape.keys)
    if members:
        _write_attributes(element, members, shape, record)
    return record


def _fill(
    child: Element, slot: Slot, text: str, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    """Put text into its column, into ``attributes`` or into both: the general case."""
    value = slot.parse(text)
    if value is NULL:
        if shape.strict:
            _check_single(child, record)
        elif slot.keep and text.strip(BLANK):
            json_attributes.put(members, slot.name, text)
        return
    if record.columns[slot.column] is not NULL:
        if shape.strict:
            _check_single(child, record)
        else:
            json_attributes.put(members, slot.name, text)
    elif value is None:
        _add_bad_value(child, slot, text, shape, record, members, slot.name)
    else:
        record.columns[slot.column] = value
        if slot.keep:
            json_attributes.put(members, slot.name, text)


def _add_bad_value(
    where: Element,
    slot: Slot,
    text: str,
    shape: Shape,
    record: ParsedRecord,
    members: Members,
    key: str,
) -> None:
    record.add_fault(where, slot.name, text, slot.kind.problem, fatal=shape.strict)
    if not shape.strict:
        json_attributes.put(members, key, text)


def _add_structured(
    child: Element, slot: Slot, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    """Add a mapped child that has children or XML attributes other than ``xsi:*``."""
    content = json_attributes.content(child, shape.keys)
    if shape.strict and not json_attributes.is_leaf(child):
        problem = "has XML attributes or child elements"
        record.add_fault(child, slot.name, None, problem, fatal=True)
    elif isinstance(content, str):
        _fill(child, slot, content, shape, record, members)
    elif content is not None:
        json_attributes.put(members, slot.name, content)


def _take_group(
    child: Element, group: Group, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    """Read a child of which only parts are used; it goes to ``attributes`` if more is in it."""
    if not read_group(child, group, record, shape.keys):
        rest = json_attributes.content(child, shape.keys, group)
        if rest is not None:
            json_attributes.put(members, shape.keys[child.tag], rest)


def _add_unmapped(child: Element, shape: Shape, record: ParsedRecord, members: Members) -> None:
    tag = child.tag
    if tag in shape.apart:
        record.apart.append(child)
    elif tag in shape.groups:
        _take_group(child, shape.groups[tag], shape, record, members)
    elif shape.named is not None and tag == shape.named_tag:
        read_named_members(child, shape.named, record, members, shape.keys.give_way)
    elif tag in shape.holds:
        _check_single(child, record)
        if not json_attributes.is_leaf(child) or (child.text or "").strip(BLANK):
            name = shape.keys[tag]
            record.add_fault(child, name, None, "may contain only records", fatal=True)
    elif shape.strict:
        name = shape.keys[tag]
        record.add_fault(child, name, None, "is not known here", fatal=True)
    else:
        content = json_attributes.content(child, shape.keys)
        if shape.parts and isinstance(content, dict):
            record.apart.append(child)
        elif content is not None:
            json_attributes.put(members, shape.keys[tag], content)


def _add_unknown_attribute(
    element: Element, name: str, text: str, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    if shape.strict:
        problem = "is an attribute that is not known here"
        record.add_fault(element, name, text, problem, fatal=True)
    elif text.strip(BLANK):
        json_attributes.put(members, "@" + name, text)


def _add_stray_text(
    element: Element, text: str, shape: Shape, record: ParsedRecord, members: Members
) -> None:
    if shape.strict:
        name = shape.keys[element.tag]
        record.add_fault(element, name, text, "must not contain text", fatal=True)
    else:
        json_attributes.put(members, "#text", text)


def _check_single(child: Element, record: ParsedRecord) -> None:
    """Add a fault if a strict record already has an element of this name."""
    tag = child.tag
    others = (child.itersiblings(tag, preceding=preceding) for preceding in (True, False))
    if any(next(found, None) is not None for found in others):
        name = json_attributes.local(tag)
        record.add_fault(child, name, None, "occurs more than once", fatal=True)


def _fill_later_choices(
    later: list[tuple[int, Element, Slot]], shape: Shape, record: ParsedRecord, members: Members
) -> None:
    for _, child, slot in sorted(later, key=lambda choice: choice[0]):
        if len(child) or child.keys():
            _add_structured(child, slot, shape, record, members)
        else:
            _fill(child, slot, child.text or "", shape, record, members)


def _add_missing(element: Element, name: str, record: ParsedRecord) -> None:
    """Add a fault for a column without a value, unless its element has a fatal fault already."""
    faults = record.faults
    if faults is not None and name in faults.elements:
        return
    bad = next((fault for fault in (faults.kept if faults else ()) if fault.element == name), None)
    value, problem = (None, "is missing") if bad is None else (bad.value, bad.problem)
    record.add_fault(element, name, value, problem, fatal=True)


def _write_attributes(
    element: Element, members: Members, shape: Shape, record: ParsedRecord
) -> None:
    if None in members.values():
        members = {key: value for key, value in members.items() if value is not None}
    try:
        record.stable, record.whole = json_attributes.write(members, shape.volatile)
    except json_attributes.TooDeep:
        name = shape.keys[element.tag]
        record.add_fault(element, name, None, json_attributes.TooDeep.problem, fatal=True)
