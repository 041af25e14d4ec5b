"""The parser's complaints in plain words."""

from typing import Any, cast

from lxml import etree

from service.errors import FileRefused

_LIMITS = (
    ("Excessive depth", "elements are nested more than 256 deep"),
    ("Text node too long", "a text is longer than 10,000,000 bytes"),
    ("Buffer size limit", "an attribute is longer than 10,000,000 bytes"),
    ("too big found", "a comment, CDATA section or instruction is longer than 10,000,000 bytes"),
    ("Too long a token", "a comment, an attribute or the like is longer than 10,000,000 bytes"),
    ("Too many attributes", "an element has more than 1,000 attributes"),
    ("Name too long", "a name is longer than 50,000 bytes"),
)
"""What libxml2 says where it is over a limit of its own (``huge_tree`` would lift them)."""


def file_refused(fault: etree.XMLSyntaxError) -> FileRefused:
    """What the caller is told of a syntax error."""
    line, column = fault.position
    said = fault.msg or "unknown fault"
    if not line and (told := cast(Any, fault.error_log).last_error) is not None:
        # lxml loses the place of an entity that is not declared.
        line, column = told.line, told.column
        said = f"{told.message}, line {line}, column {column}"
    reason = next((plain for words, plain in _LIMITS if words in said), None)
    if reason is None:
        reason = f"not well-formed XML: {said}"
    else:
        reason = f"{reason}, line {line}, column {column}"
    return FileRefused(reason, line=line, column=column)
