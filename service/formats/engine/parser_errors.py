"""Messages for the faults that the parser reports."""

import re
from typing import Any, Final, NamedTuple, cast

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

_Types: Final = etree.ErrorTypes
_OF_A_CUT: Final = frozenset(
    {
        _Types.ERR_DOCUMENT_EMPTY,
        _Types.ERR_INVALID_DEC_CHARREF,
        _Types.ERR_INVALID_HEX_CHARREF,
        _Types.ERR_INVALID_CHAR,
        _Types.ERR_ENTITYREF_SEMICOL_MISSING,
        _Types.ERR_ATTRIBUTE_NOT_STARTED,
        _Types.ERR_ATTRIBUTE_NOT_FINISHED,
        _Types.ERR_ATTRIBUTE_WITHOUT_VALUE,
        _Types.ERR_COMMENT_NOT_FINISHED,
        _Types.ERR_HYPHEN_IN_COMMENT,
        _Types.ERR_PI_NOT_STARTED,
        _Types.ERR_PI_NOT_FINISHED,
        _Types.ERR_CDATA_NOT_FINISHED,
        _Types.ERR_SPACE_REQUIRED,
        _Types.ERR_NAME_REQUIRED,
        _Types.ERR_GT_REQUIRED,
        _Types.ERR_TAG_NOT_FINISHED,
    }
)
"""The faults of a file that ends too early. The parser waits for the end of a tag, a comment or the
like, so it reports them after the last byte only for what has no end."""

_MISMATCH: Final = re.compile(r"Opening and ending tag mismatch: (\S+) line \d+ and (\S+)")


class Place(NamedTuple):
    """Where a fault is, as a planner sees it.

    Attributes:
        of_cut: follows "the file ends".
        of_fault: follows "not well-formed XML".
    """

    of_cut: str
    of_fault: str


NOWHERE: Final = Place("before its first element", "")


def too_many_attributes(line: int | None) -> FileRefused:
    """Return the refusal of a file that has an element with too many XML attributes."""
    return FileRefused(f"an element has more than {MAX_ATTRIBUTES:,} attributes", line=line)


def long_name(line: int | None) -> FileTooLarge:
    """Return the refusal of a file that has a name that is too long."""
    return FileTooLarge(
        f"a name, a prefix or a namespace is longer than {MAX_NAME:,} bytes", line=line
    )


def file_refused(
    fault: etree.XMLSyntaxError, place: Place = NOWHERE, *, ended: bool = False
) -> FileRefused:
    """Return the refusal of a file with a syntax error.

    The reason names no line. The error has it in a field, so that the command line can convert it
    for a file that it sends in pieces.

    Args:
        fault: of the parser.
        place: of the fault among the projects.
        ended: whether the parser had all bytes of the file.
    """
    line, column = fault.position
    message = (fault.msg or "unknown error").removesuffix(f", line {line}, column {column}")
    if not line and (last := cast(Any, fault.error_log).last_error) is not None:
        # lxml loses the position of an undeclared entity.
        line, column, message = last.line, last.column, last.message
    reason = next((plain for part, plain in _LIMITS if part in message), None)
    if reason is None and ended and cast(Any, fault).code in _OF_A_CUT:
        reason = f"the file ends {place.of_cut}"
    if reason is None:
        message = _MISMATCH.sub(r"</\2> closes <\1>", message)
        reason = f"not well-formed XML{place.of_fault}: {message}"
    return FileRefused(reason, line=line, column=column)
