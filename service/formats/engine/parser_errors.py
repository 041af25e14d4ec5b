"""Messages for the faults that the parser reports."""

import re
from typing import Any, Final, cast

from lxml import etree

from service.errors import FileRefused, FileTooLarge

MAX_ATTRIBUTES: Final = 1_000
"""XML attributes of one element; lxml takes quadratic time to read them."""
MAX_NAME: Final = 1_000
"""Bytes of a namespace, a prefix, or a local name of an element or XML attribute."""

_LIMITS: Final = (
    ("Excessive depth", "elements are nested more than 256 deep"),
    ("Text node too long", "a text is longer than 10,000,000 bytes"),
    ("Buffer size limit", "an attribute is longer than 10,000,000 bytes"),
    ("too big found", "a comment, CDATA section or instruction is longer than 10,000,000 bytes"),
    ("Too long a token", "a comment, an attribute or the like is longer than 10,000,000 bytes"),
    ("Name too long", "a name is longer than 50,000 bytes"),
)
"""For each limit of libxml2, a part of its message, and ours. ``huge_tree`` would lift them."""

_MISMATCH: Final = re.compile(r"Opening and ending tag mismatch: (\S+) line \d+ and (\S+)")
_UNCLOSED: Final = re.compile(r"Premature end of data in tag (\S+) line \d+")


def too_many_attributes(line: int | None) -> FileRefused:
    """Return the refusal of a file that has an element with too many XML attributes."""
    return FileRefused(f"an element has more than {MAX_ATTRIBUTES:,} attributes", line=line)


def long_name(line: int | None) -> FileTooLarge:
    """Return the refusal of a file that has a name that is too long."""
    return FileTooLarge(
        f"a name, a prefix or a namespace is longer than {MAX_NAME:,} bytes", line=line
    )


def file_refused(fault: etree.XMLSyntaxError) -> FileRefused:
    """Return the refusal of a file with a syntax error.

    The reason names no line. The error has it in a field, so that the command line can convert it
    for a file that it sends in pieces.
    """
    line, column = fault.position
    message = (fault.msg or "unknown error").removesuffix(f", line {line}, column {column}")
    if not line and (last := cast(Any, fault.error_log).last_error) is not None:
        # lxml loses the position of an undeclared entity.
        line, column, message = last.line, last.column, last.message
    reason = next((plain for part, plain in _LIMITS if part in message), None)
    if reason is None:
        message = _MISMATCH.sub(r"</\2> closes <\1>", message)
        message = _UNCLOSED.sub(r"the data ends inside <\1>", message)
        reason = f"not well-formed XML: {message}"
    return FileRefused(reason, line=line, column=column)
