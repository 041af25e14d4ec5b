"""Mutations of elements, XML attributes and texts."""

from collections.abc import Callable
from random import Random
from typing import Final

from tests.support.fuzzing import VALUES
from tests.tools.sanitize.tree import Node

_FOREIGN: Final = ["odd", "x:odd", "x:Task", "Task", "task", "project", "Project", "attribute"]
_XML_ATTRIBUTES: Final = ["id", "name", "type", "xml:id", "xml:space", "xsi:nil", "x:a", "version"]
_KEYS: Final = ("UID", "ObjectId", "Id", "id")
_MARKUP: Final = [
    *("<!--c-->", "<?p i?>", "<![CDATA[]]>", "<![CDATA[c & d]]>", "&amp;", "&#65;", "&#x1F600;"),
    *("&lt;", "&quot;", "\n  ", "\t", "&#13;", "&#10;", " ", "text"),
]
_BAD_MARKUP: Final = ["&undefined;", "]]>", "&#0;", "&#xD800;", "<", "</odd>", "<!DOCTYPE a>"]


def mutate(root: Node, random: Random) -> list[str]:
    """Mutate a tree some times, and return the names of the mutations."""
    chosen = random.choices([*_MUTATIONS], [*_MUTATIONS.values()], k=random.randint(1, 8))
    tree = _Tree(root, random)
    for mutation in chosen:
        mutation(tree)
    return [mutation.__name__.strip("_") for mutation in chosen]


class _Tree:
    """A tree, and the elements that it had before the mutations."""

    def __init__(self, root: Node, random: Random) -> None:
        self.root = root
        self.random = random
        self.nodes = [*root.walk()]
        self.parents = [node for node in self.nodes if node.content] or [root]

    def node(self) -> Node:
        return self.random.choice(self.nodes)

    def place(self) -> tuple[list[Node | str], int]:
        """Return the content of an element and the index of a part of it."""
        content = self.random.choice(self.parents).content
        if not content:
            content.append("")
        return content, self.random.randrange(len(content))

    def length(self, most: float) -> int:
        """Return a length below a power of ten; short ones are as frequent as long ones."""
        return int(10 ** self.random.uniform(0, most))

    def value(self) -> str:
        if self.random.random() < 0.05:
            return self.random.choice("x1 ü\\") * self.length(4.5)
        if self.random.random() < 0.15:  # a number, often with more digits than fit
            sign, point = self.random.choice(["", "-"]), self.random.choice(["", ".", ".5"])
            return f"{sign}{self.random.randrange(10 ** self.random.randint(1, 22))}{point}"
        value = self.random.choice([*VALUES, *map(str, range(20))])
        return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")

    def name(self) -> str:
        return self.random.choice([*_FOREIGN, self.node().name, f"n{self.random.randrange(1000)}"])


def _delete(tree: _Tree) -> None:
    content, at = tree.place()
    del content[at : at + tree.length(1.5)]


def _duplicate(tree: _Tree) -> None:
    content, at = tree.place()
    part = content[at]
    content[at:at] = [
        part.copy() if isinstance(part, Node) else part for _ in range(tree.length(1))
    ]


def _repeat_with_new_keys(tree: _Tree) -> None:
    """Repeat a record, rarely so often that its ids go to disk."""
    content, at = tree.place()
    record = content[at]
    if isinstance(record, str):
        return
    markup = record.write()
    key = _key(record)
    times = 20_050 if tree.random.random() < 0.02 and len(markup) < 1000 else tree.length(2)
    start = markup.find(key) if key else -1
    for number in range(times):
        if start >= 0:
            content.insert(at, f"{markup[:start]}{number + 10**6}{markup[start + len(key) :]}")
        else:
            content.insert(at, markup)


def _key(record: Node) -> str:
    for part in record.content:
        if isinstance(part, Node) and part.name in _KEYS and part.content:
            return part.content[0] if isinstance(part.content[0], str) else ""
    return next((value for name, value in record.attributes if name in _KEYS), "")


def _move(tree: _Tree) -> None:
    content, at = tree.place()
    other, to = tree.place()
    other.insert(to, _detach(content.pop(at)))


def _detach(part: Node | str) -> Node | str:
    return part.copy() if isinstance(part, Node) else part  # a tree must not contain itself


def _shuffle(tree: _Tree) -> None:
    content, _ = tree.place()
    tree.random.shuffle(content)


def _wrap(tree: _Tree) -> None:
    content, at = tree.place()
    end = at + tree.length(1)
    content[at:end] = [Node(tree.name(), [], content[at:end])]


def _unwrap(tree: _Tree) -> None:
    content, at = tree.place()
    part = content[at]
    if isinstance(part, Node):
        content[at : at + 1] = part.content


def _nest(tree: _Tree) -> None:
    content, at = tree.place()
    content.insert(at, tree.node().copy())


def _nest_deeply(tree: _Tree) -> None:
    content, at = tree.place()
    name = tree.name()
    depth = tree.length(2.5)
    inner = tree.value() if tree.random.random() < 0.5 else tree.node().write()
    content.insert(at, f"<{name}>" * depth + inner + f"</{name}>" * depth)


def _rename(tree: _Tree) -> None:
    tree.node().name = tree.name()


def _rename_all(tree: _Tree) -> None:
    old, new = tree.node().name, tree.name()
    for node in tree.nodes:
        if node.name == old:
            node.name = new


def _add_attributes(tree: _Tree) -> None:
    node = tree.node()
    many = tree.random.choice([31, 32, 33, 64, 999, 1000, 1001, 1100])
    names = tree.random.sample(_XML_ATTRIBUTES, tree.random.randint(1, 3))
    if tree.random.random() < 0.2:
        names += [f"a{number}" for number in range(many)]
    present = {name for name, _ in node.attributes} if tree.random.random() < 0.95 else set()
    for number, name in enumerate(names):
        if name not in present:
            node.attributes.append((name, tree.value() if number < 40 else "1"))


def _change_attribute(tree: _Tree) -> None:
    node = tree.random.choice([node for node in tree.nodes if node.attributes] or [tree.root])
    node.attributes = node.attributes or [("id", "")]
    at = tree.random.randrange(len(node.attributes))
    name, _ = node.attributes[at]
    if name.startswith("xmlns"):
        return
    node.attributes[at : at + 1] = [(name, tree.value())] if tree.random.random() < 0.8 else []


def _add_names(tree: _Tree) -> None:
    """Add elements of many names, more than the tables of the engine hold."""
    content, at = tree.place()
    first = tree.random.randrange(1000)
    names = [f"n{number}" for number in range(first, first + tree.length(2.8))]
    content.insert(at, "".join(f"<{name}>{tree.value()}</{name}>" for name in names))


def _set_text(tree: _Tree) -> None:
    leaves = [node for node in tree.nodes if node.leaf]
    for _ in range(tree.length(1.3)):
        tree.random.choice(leaves).content = [tree.value()]


def _set_long_text(tree: _Tree) -> None:
    size = 10_500_000 if tree.random.random() < 0.01 else tree.length(5.3)
    tree.node().content.append(tree.random.choice(["x", "\\", "&#10;", " ", "é", '"']) * size)


def _exchange_texts(tree: _Tree) -> None:
    """Give an element the content of another one of its name, such as its id."""
    node = tree.node()
    other = tree.random.choice([other for other in tree.nodes if other.name == node.name])
    node.content = [_detach(part) for part in other.content]


def _insert_markup(tree: _Tree) -> None:
    for _ in range(tree.length(1)):
        node = tree.node()
        at = tree.random.randint(0, len(node.content))
        bad = tree.random.random() < 0.02
        node.content.insert(at, tree.random.choice(_BAD_MARKUP if bad else _MARKUP))


_MUTATIONS: Final[dict[Callable[[_Tree], None], int]] = {
    _delete: 4,
    _duplicate: 4,
    _repeat_with_new_keys: 4,
    _move: 4,
    _shuffle: 4,
    _wrap: 2,
    _unwrap: 2,
    _nest: 4,
    _nest_deeply: 1,
    _rename: 4,
    _rename_all: 2,
    _add_attributes: 3,
    _change_attribute: 3,
    _add_names: 1,
    _set_text: 8,
    _set_long_text: 1,
    _exchange_texts: 4,
    _insert_markup: 3,
}
"""The mutations, and how often each occurs."""
