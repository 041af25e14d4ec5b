"""A format: one way to write projects in XML.

A format is mostly data: its record rules, and the ``Format`` that names them. Rare cases are
methods of a subclass of ``ProjectBuilder`` (one project) or ``FileContext`` (one file).
``registry`` lists the formats; neither the reader nor an engine knows any of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.formats.element import Element
from service.formats.record_rules import Field, RecordRule
from service.formats.shared_objects import SharedObjectRules
from service.formats.values import NULL, unescape


@dataclass(frozen=True, eq=False, slots=True)
class Format:
    """One format.

    Attributes:
        name: as results and the column ``source`` have it.
        recognises: whether a file is in the format, by namespace (empty for none) and local name
            of its root element.
        namespace: of the format's elements; None where it is the root's.
        project: rule of the project's own row; its name is the local name of a project's element.
        records: rules of the records, by path from the project in local names, such as
            ``Tasks/Task``. Each record leaves the tree when it is complete.
        anywhere: whether a project may be anywhere in the file, instead of right under the root; a
            project inside another never counts.
        strict: whether a bad value, and what the rules do not know, refuse the project.
        builder: makes the builder of a project, by default ``ProjectBuilder``.
        context: makes what the projects of a file share, by default ``FileContext``.
        outside: records right under the root: by local name, the method of the context that takes
            the element.
        passed_over: elements right under the root that are not read and whose content is removed
            as it comes: by local name, the method of the context that is called at their end.
        volatile: members of attributes that change at every save; content hashes leave them out.
        identity: the fields that may identify a project, first choice first.
        shared: what the format keeps outside its projects and how fields refer to it; None for a
            format that keeps everything inside them.
    """

    name: str
    recognises: Callable[[str, str], bool]
    namespace: str | None
    project: RecordRule
    records: Mapping[str, RecordRule]
    anywhere: bool = False
    strict: bool = False
    builder: Callable[..., Any] | None = None
    context: Callable[..., Any] | None = None
    outside: Mapping[str, Callable[[Any, Element], None]] = field(default_factory=dict)
    passed_over: Mapping[str, Callable[[Any, Element], None]] = field(default_factory=dict)
    volatile: frozenset[str] = frozenset()
    identity: tuple[Field, ...] = ()
    shared: SharedObjectRules | None = None

    def identify(self, texts: Mapping[str, str]) -> str | None:
        """Return a project's external id, or None where nothing identifies it.

        Args:
            texts: the texts of the project's own fields, by ``Field.source``.
        """
        for each in self.identity:
            value = each.kind.parse(texts.get(each.source, ""))
            if value is not None and value != NULL:
                return unescape(value)
        return None
