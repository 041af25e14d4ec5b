"""A file as a tree of raw markup, which unlike lxml's can also be malformed."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<!DOCTYPE[^>]*>"
    r"|<(?P<close>/?)(?P<name>[^\s>/]+)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(?P<empty>/?)>"
    r"|[^<]+",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


class Node:
    """An element.

    Attributes:
        name: with its prefix.
        attributes: names and escaped values, also the declarations of namespaces.
        content: elements, and markup between them as it is in the file.
    """

    __slots__ = ("attributes", "content", "name")

    def __init__(
        self, name: str, attributes: list[tuple[str, str]], content: list["Node | str"]
    ) -> None:
        self.name = name
        self.attributes = attributes
        self.content = content

    def walk(self) -> Iterator["Node"]:
        """Yield this element and all elements inside it, in the order of the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(child for child in reversed(node.content) if isinstance(child, Node))

    def copy(self) -> "Node":
        """Return a copy that shares nothing with this element."""
        content = [part.copy() if isinstance(part, Node) else part for part in self.content]
        return Node(self.name, self.attributes.copy(), content)

    def write(self) -> str:
        """Return the markup."""
        written: list[str] = []
        waiting: list[Node | str] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                written.append(part)
                continue
            written.append(f"<{part.name}")
            written += [f' {name}="{value}"' for name, value in part.attributes]
            written.append(">")
            waiting.append(f"</{part.name}>")
            waiting.extend(reversed(part.content))
        return "".join(written)

    @property
    def leaf(self) -> bool:
        """Whether it contains no element."""
        return not any(isinstance(part, Node) for part in self.content)


@lru_cache(4096)
def split_children(markup: str) -> tuple[Node, list[str]]:
    """Return the root element of a file without content, and the markup of each of its children."""
    depth, start = 0, 0
    root: Node | None = None
    children: list[str] = []
    for token in _TOKEN.finditer(markup):
        if token["name"] is None:
            continue
        if depth == 1 and not token["close"]:
            start = token.start()
        if depth == 0 and root is None:
            root = _element(token)
        depth += -1 if token["close"] else 0 if token["empty"] else 1
        if depth == 1 and (token["close"] or token["empty"]):
            children.append(markup[start : token.end()])
    assert root is not None
    return root, children


def parse(markup: str) -> list[Node | str]:
    """Parse well-formed markup."""
    top = Node("", [], [])
    stack = [top]
    for token in _TOKEN.finditer(markup):
        if token["name"] is None:
            stack[-1].content.append(token[0])
        elif token["close"]:
            stack.pop()
        else:
            node = _element(token)
            stack[-1].content.append(node)
            if not token["empty"]:
                stack.append(node)
    return top.content


def _element(token: re.Match[str]) -> Node:
    attributes = [
        (found[1], (found[2] if found[3] is None else found[3]).replace('"', "&quot;"))
        for found in _ATTRIBUTE.finditer(token["rest"])
    ]
    return Node(token["name"], attributes, [])
