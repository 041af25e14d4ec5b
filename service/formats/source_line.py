"""Where an element stands in its file."""

from service.formats.element import Element

_LAST_EXACT = 65_535
"""libxml2 keeps an element's line in 16 bits; past it, it answers by a text node near by."""


def line_of(element: Element) -> int:
    """The line of an element's start tag, from 1; call it at the element's end.

    Past ``_LAST_EXACT`` libxml2 gives the line on which the first text inside the element ends, or
    without one the text behind it: the newlines in that text are taken off again.
    """
    line = element.sourceline or 0
    if line < _LAST_EXACT:
        return line
    node = element
    while node.text is None and len(node):
        node = node[0]
    text = node.text or node.tail
    return line - text.count("\n") if text else line
