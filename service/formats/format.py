"""What the reader has to know of a dialect.

A dialect is one module: maps of its records (``maps``), a ``Plan`` with a method for each kind of
record, and the ``Format`` that names them. ``registry`` lists the dialects; neither the reader nor
the walk knows any of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.formats.element import Element
from service.formats.file_context import FileContext
from service.formats.project_builder import ProjectBuilder
from service.formats.record_maps import Field
from service.formats.shared_objects import SharedObjectRules
from service.formats.simple_record import SimpleRecord
from service.formats.values import NULL, unescape


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write projects in XML.

    Attributes:
        name: as outcomes and the column ``source`` have it.
        recognises: by namespace (empty for none) and local name of the root, whether a file is one.
        namespace: of the dialect's elements; None where it is the root's.
        project: local name of a project's element.
        anywhere: whether a project may stand anywhere in the file, rather than right under the
            root; one inside another never counts.
        plan: reads one project.
        records: what is cleared one by one: path from the project in local names, such as
            ``Tasks/Task``, to the method of ``plan`` that takes the element at its end.
        ordinary: by such a path, when a record becomes a row and nothing else.
        file: keeps what the projects of a file share.
        outside: records right under the root: local name to the method of ``file``.
        passed_over: what is right under the root and not read, its content removed as it comes:
            local name to the method of ``file`` that is told of it at its end.
        volatile: members of attributes that change at every save; content hashes leave them out.
        identity: the fields that may identify a project, first choice first.
        shared: what the format keeps outside its projects and how fields refer to it; None for a
            format that keeps everything inside them.
    """

    name: str
    recognises: Callable[[str, str], bool]
    namespace: str | None
    project: str
    anywhere: bool
    plan: type[ProjectBuilder]
    records: Mapping[str, Callable[[Any, Element], None]]
    ordinary: Mapping[str, SimpleRecord] = field(default_factory=dict)
    file: type[FileContext] = FileContext
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
