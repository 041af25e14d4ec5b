"""Building blocks of XML."""

from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

quoted = quoteattr


def element(name: str, value: object) -> str:
    """Return an element with text, or nothing for None."""
    return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"


def elements(**values: object) -> str:
    """Return elements in order, without those whose value is None."""
    return "".join(element(name, value) for name, value in values.items())


def time(moment: datetime) -> str:
    """Return a time as all formats write it."""
    return moment.isoformat()


def flag(value: bool) -> str:
    """Return a boolean as MSPDI writes it."""
    return "1" if value else "0"
