"""Pieces of XML."""

from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

quoted = quoteattr


def element(name: str, value: object) -> str:
    """An element with text; nothing for None."""
    return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"


def elements(**values: object) -> str:
    """Elements in their order, without those of None."""
    return "".join(element(name, value) for name, value in values.items())


def time(moment: datetime) -> str:
    """A time as all three dialects write it."""
    return moment.isoformat()


def flag(value: bool) -> str:
    """A truth value as MSPDI writes it."""
    return "1" if value else "0"
