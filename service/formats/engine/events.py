"""Which parser there is: the compiled one where it could be built, else lxml's ``iterparse``."""

from collections.abc import Callable, Iterator
from typing import cast

from lxml import etree

from service.formats.element import Element
from service.formats.encoding import ByteSource

Events = Iterator[tuple[str, Element]]
"""``start`` and ``end`` of elements, in order; ``XMLSyntaxError`` once those before it are taken.

The tree is ahead of them: all that was read from the source so far is in it.
"""


def interpreted(source: ByteSource, tags: list[str], encoding: str, _most_names: int) -> Events:
    """The events of lxml's own parser.

    Args:
        source: read once all events of what was read before are taken.
        tags: of the elements whose events are wanted.
        encoding: overrides the XML declaration.
        most_names: of no use to this one, which never forgets a name.
    """
    events = etree.iterparse(
        source,
        events=("start", "end"),
        tag=tags,
        encoding=encoding,
        collect_ids=False,
        resolve_entities="internal",  # there are none; at False lxml loses the fault of using one
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return cast(Events, events)


events_of: Callable[[ByteSource, list[str], str, int], Events]
try:
    from service.formats.engine._fast import compiled

    events_of = compiled.Events if compiled.find_parser() else interpreted
except ImportError:
    events_of = interpreted
