"""Mutations of namespaces and their prefixes."""

from collections.abc import Callable
from random import Random
from typing import Final

from service.formats.json_attributes import XSI
from service.formats.mspdi import format as mspdi
from service.formats.native import mapping as native
from tests.tools.sanitize.tree import Node

_URIS: Final = [*("", "urn:x", XSI.strip("{}"), mspdi.NAMESPACE, native.NAMESPACE)]
_ODD_URIS: Final = ["http://www.w3.org/XML/1998/namespace", "ü", " ", "}", "{a}b", "&#10;"]


def mutate(root: Node, random: Random) -> list[str]:
    """Mutate the namespaces of a tree some times, and return the names of the mutations."""
    chosen = random.choices(_MUTATIONS, k=random.randint(1, 3))
    for mutation in chosen:
        mutation([*root.walk()], random)
    return [mutation.__name__.strip("_") for mutation in chosen]


def _uri(nodes: list[Node], random: Random) -> str:
    """Return a namespace: one of the file, another one, or a long one."""
    declared = [value for name, value in nodes[0].attributes if name.startswith("xmlns")]
    if random.random() < 0.3:
        return "urn:" + "x" * int(10 ** random.uniform(0, 5))
    return random.choice(_ODD_URIS if random.random() < 0.05 else [*declared * 3, *_URIS])


def _prefix(random: Random) -> str:
    return (
        "p" * int(10 ** random.uniform(0, 3.5)) if random.random() < 0.1 else random.choice("pqx")
    )


def _declare(nodes: list[Node], random: Random) -> None:
    for _ in range(random.choice([1, 1, 1, 2, 10, 300])):
        name = random.choice(["xmlns", f"xmlns:{_prefix(random)}", f"xmlns:n{len(nodes)}"])
        _bind(random.choice(nodes), name, _uri(nodes, random), random)


def _bind(node: Node, name: str, uri: str, random: Random) -> None:
    """Add a declaration, rarely one more of the same prefix."""
    if random.random() < 0.98:
        node.attributes = [pair for pair in node.attributes if pair[0] != name]
    node.attributes.append((name, uri))


def _redeclare(nodes: list[Node], random: Random) -> None:
    """Change a declaration, or remove it."""
    node = random.choice([node for node in nodes if node.attributes] or nodes)
    node.attributes = [
        (name, _uri(nodes, random) if name.startswith("xmlns") else value)
        for name, value in node.attributes
        if not name.startswith("xmlns") or random.random() < 0.8
    ]


def _prefix_subtree(nodes: list[Node], random: Random) -> None:
    """Give all elements below an element a prefix of the same namespace, or of another one."""
    top = nodes[0] if random.random() < 0.5 else random.choice(nodes)
    prefix = _prefix(random)
    _bind(top, f"xmlns:{prefix}", _uri(nodes, random), random)
    for node in top.walk():
        node.name = f"{prefix}:{node.name.rpartition(':')[2]}"


def _prefix_some(nodes: list[Node], random: Random) -> None:
    """Use a prefix, which may not be declared, on some elements and XML attributes."""
    prefix = _prefix(random)
    if random.random() < 0.8:
        _bind(nodes[0], f"xmlns:{prefix}", _uri(nodes, random), random)
    for _ in range(random.randint(1, 10)):
        node = random.choice(nodes)
        node.name = f"{prefix}:{node.name.rpartition(':')[2]}"
        node.attributes.append((f"{prefix}:a", "1"))


def _add_long_namespace(nodes: list[Node], random: Random) -> None:
    """Put many names into a long namespace."""
    uri = "urn:" + "x" * int(10 ** random.uniform(2, 5.5))
    names = range(int(10 ** random.uniform(0, 2.5)))
    elements = "".join(f"<l:n{number} l:a='1'>1</l:n{number}>" for number in names)
    random.choice(nodes).content.append(f'<l:w xmlns:l="{uri}">{elements}</l:w>')


_MUTATIONS: Final[list[Callable[[list[Node], Random], None]]] = [
    _declare,
    _redeclare,
    _prefix_subtree,
    _prefix_some,
    _add_long_namespace,
]
