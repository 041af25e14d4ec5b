"""Draw an entity-relationship diagram without a program that a browser would have to load."""

import re
from html import escape
from typing import Any, Final

_ENTITY: Final = re.compile(r"^ +(\w+) \{\n(.*?)^ +\}", re.DOTALL | re.MULTILINE)
_COLUMN: Final = re.compile(r"^ +(\w+) (\w+)$", re.MULTILINE)
_RELATION: Final = re.compile(r'^ +(\w+) (\S+)--(\S+) (\w+) : "?([^"\n]+)"?$', re.MULTILINE)
_MANY: Final = "{"


def draw(source: str, *_arguments: Any, **_options: Any) -> str:
    """Return Mermaid's ``erDiagram`` as HTML: a card for each entity, with its relations.

    Args:
        source: text of the diagram.
    """
    relations = _RELATION.findall(source)
    return (
        '<div class="entities">'
        + "".join(
            _card(name, _COLUMN.findall(body), relations) for name, body in _ENTITY.findall(source)
        )
        + "</div>"
    )


def _card(
    name: str, columns: list[tuple[str, str]], relations: list[tuple[str, str, str, str, str]]
) -> str:
    shown = "".join(
        f"<li><code>{escape(column)}</code> <small>{escape(kind)}</small></li>"
        for kind, column in columns
    )
    links = "".join(
        f"<li>{escape(words)} <b>{escape(other)}</b>{' (many)' if _MANY in end else ''}</li>"
        for first, _start, end, other, words in relations
        if first == name
    )
    return f"<section><h3>{escape(name)}</h3><ul>{shown}</ul><ul>{links}</ul></section>"
