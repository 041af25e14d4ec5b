"""The parser's complaints in plain words."""

from lxml import etree

from service.errors import FileRefused

_LIMITS = (
    ("Excessive depth", "elements are nested more than 256 deep"),
    ("huge text node", "one text is longer than 10,000,000 bytes"),
    ("AttValue length too long", "one attribute is longer than 10,000,000 bytes"),
    ("Huge input lookup", "one text or attribute is longer than 10,000,000 bytes"),
    ("Maximum entity", "entities expand too far"),
)


def refused(fault: etree.XMLSyntaxError) -> FileRefused:
    """What the caller is told of a syntax error."""
    line, column = fault.position
    said = fault.msg or "unknown fault"
    reason = next((plain for words, plain in _LIMITS if words in said), None)
    if reason is None:
        reason = f"not well-formed XML: {said}"
    else:
        reason = f"{reason}, line {line}, column {column}"
    return FileRefused(reason, line=line, column=column)
