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


def refused(
    fault: etree.XMLSyntaxError, called: tuple[str | None, str | None] = (None, None)
) -> FileRefused:
    """What the caller is told of a syntax error.

    Args:
        fault: the parser's own.
        called: external id and name of the project in whose middle it is, as far as known.
    """
    line, column = fault.position
    said = fault.msg or "unknown fault"
    reason = next((plain for words, plain in _LIMITS if words in said), None)
    if reason is None:
        reason = f"not well-formed XML: {said}"
    else:
        reason = f"{reason}, line {line}, column {column}"
    external_id, name = called
    return FileRefused(reason, line=line, column=column, external_id=external_id, name=name)
