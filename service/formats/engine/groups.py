"""Reads children of which only parts are used: the paths of a rule lead into them.

If anything in such a child has no column, the whole child goes to ``attributes`` as well, without
the records in it. So nothing is lost, and what belongs together stays together.
"""

from service.formats.element import Element
from service.formats.engine.parsed_record import Group, ParsedRecord, Slot
from service.formats.json_attributes import STEP, XSI, TagKeys, is_leaf
from service.formats.values import BLANK, NULL


def read_group(element: Element, group: Group, record: ParsedRecord, keys: TagKeys) -> bool:
    """Fill columns from a child, and collect the records in it.

    Args:
        element: the child.
        group: its rule.
        record: gets the values, the records and the faults.
        keys: keys of tags.

    Returns:
        Whether every value in it has its column now, so that nothing of it is left.
    """
    complete = True
    for name, text in element.items():
        if name in group.attributes:
            complete &= _fill(element, group.attributes[name], text, record)
        elif not name.startswith(XSI) and text.strip(BLANK):
            complete = False
    text = element.text or ""
    if group.text is not None:
        complete &= _fill(element, group.text, text, record)
    elif text.strip(BLANK):
        complete = False
    for count, child in enumerate(element, 1):
        if count % STEP == 0:
            keys.give_way()
        tag = child.tag
        if tag in group.children and is_leaf(child):
            complete &= _fill(child, group.children[tag], child.text or "", record)
        elif tag in group.apart:
            record.apart.append(child)
        elif tag in group.groups:
            complete &= read_group(child, group.groups[tag], record, keys)
        elif complete:
            complete = not _has_content(child)
        if child.tail and child.tail.strip(BLANK):
            complete = False
    return complete


def _has_content(element: Element) -> bool:
    for each in element.iter():
        if each.text and each.text.strip(BLANK):
            return True
        if each is not element and each.tail and each.tail.strip(BLANK):
            return True
        if any(text.strip(BLANK) and not name.startswith(XSI) for name, text in each.items()):
            return True
    return False


def _fill(where: Element, slot: Slot, text: str, record: ParsedRecord) -> bool:
    """Fill a column; return whether the text has its place there."""
    value = slot.parse(text)
    if value is NULL:
        return not (slot.keep and text.strip(BLANK))
    if record.columns[slot.column] is not NULL:
        return False
    if value is None:
        record.add_fault(where, slot.name, text, slot.kind.problem, fatal=False)
        return False
    record.columns[slot.column] = value
    return not slot.keep
