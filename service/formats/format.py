"""A format: one way to write projects.

A format is mostly data: its record rules, and the ``Format`` that names them. Rare cases are
methods of a subclass of ``ProjectBuilder`` (one project) or ``FileContext`` (one file).
``registry`` lists the formats; neither the reader nor an engine knows any of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.formats.element import Element
from service.formats.encoding import ByteSource
from service.formats.engine.interface import ElementWriter
from service.formats.record_rules import Field, RecordRule
from service.formats.shared_objects import SharedObjectRules
from service.formats.values import NULL, unescape


@dataclass(frozen=True, eq=False, slots=True)
class Format:
    """One format.

    Attributes:
        name: as results have it.
        source: name of the format that the projects of a file have; empty if it is this one. The
            other format can have the same plans in another notation.
        recognises: returns whether a file has the format, from namespace (empty for none) and
            local name of its root element.
        namespace: of the format's elements; None if it is the root's.
        project: rule of the row in ``project_versions``; its name is the local name of a project's
            element.
        records: rules of the records, by path from the project in local names, such as
            ``Tasks/Task``. The reader removes each record from the tree once it is complete.
        anywhere: whether a project may be anywhere in the file, not only directly under the root. A
            project inside another one is never read as a project.
        is_root: whether the root is a project although its namespace is not that of the format's
            elements.
        strict: whether a bad value, or an element that no rule has, refuses the project.
        builder: creates the builder of a project, by default ``ProjectBuilder``.
        context: creates the data that the projects of a file share, by default ``FileContext``.
        outside: records directly under the root: by local name, the method of the context that
            takes the element.
        companions: elements directly under the root that belong to a project, but are read record
            by record as a project is. By local name, what creates their builder.
        passed_over: elements directly under the root that are not read. The reader removes their
            content while it arrives. By local name, the method of the context called at their end.
        volatile: members of attributes that change at every save; content hashes exclude them.
        dated_by: members of a project's attributes that state how old the plan is, the one that
            counts most first.
        identity: the fields that can identify a project, in order of preference.
        rows: for files that are not XML, the method of the context that writes the elements of a
            file, given its bytes, its encoding, and the engine's writer.
        shared: the objects outside the projects, and how fields refer to them; None for a format
            that has no such objects.
    """

    name: str
    recognises: Callable[[str, str], bool]
    namespace: str | None
    project: RecordRule
    records: Mapping[str, RecordRule]
    anywhere: bool = False
    is_root: bool = False
    strict: bool = False
    builder: Callable[..., Any] | None = None
    context: Callable[..., Any] | None = None
    outside: Mapping[str, Callable[[Any, Element], None]] = field(default_factory=dict)
    companions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    passed_over: Mapping[str, Callable[[Any, Element], None]] = field(default_factory=dict)
    volatile: frozenset[str] = frozenset()
    dated_by: tuple[str, ...] = ()
    identity: tuple[Field, ...] = ()
    shared: SharedObjectRules | None = None
    source: str = ""
    rows: Callable[[Any, ByteSource, str, ElementWriter], Iterator[None]] | None = None

    def identify(self, texts: Mapping[str, str]) -> str | None:
        """Return a project's external id, or None if no field identifies it.

        Args:
            texts: the texts of the project's fields, by ``Field.source``.
        """
        for each in self.identity:
            value = each.kind.parse(texts.get(each.source, ""))
            if value is not None and value != NULL:
                return unescape(value)
        return None
