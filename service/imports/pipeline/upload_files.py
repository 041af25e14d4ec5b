"""The files of an upload, in the order of their bytes: one for each part, or member of a ZIP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from service.errors import FileRefused, FileTooLarge
from service.formats.compression import inflate_files
from service.formats.encoding import ByteSource
from service.formats.file_names import clean_name
from service.formats.limits import Limits
from service.imports.pipeline.pipe import FilePart


class PartSource(Protocol):
    """The parts of an upload. ``read`` returns bytes of the current part, or ``b""`` at its end."""

    def next_file(self) -> FilePart | None:
        """Go on to the next part, past what is left of the current one; None at the end."""

    def read(self, n: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of an upload.

    Attributes:
        name: its cleaned name, or None.
        charset: the charset that its part names, or None.
        source: its inflated bytes. Every fault of the file is raised by ``read``.
    """

    name: str | None
    charset: str | None
    source: ByteSource


class _Fault:
    """A source that only has a fault."""

    def __init__(self, fault: FileRefused | FileTooLarge) -> None:
        self._fault = fault

    def read(self, _n: int, /) -> bytes:
        raise self._fault


def iterate_files(
    parts: PartSource, limits: Limits, max_files: int, give_way: Callable[[], None]
) -> Iterator[UploadedFile]:
    """Yield the files of an upload. Read each before taking the next: what is left is skipped.

    Args:
        parts: the upload; exceptions of its methods pass through.
        limits: of each file.
        max_files: the maximum number of files. The next file has a fault, and is the last one.
        give_way: called between steps; as ``FileContext.give_way``.
    """
    count = 0
    while (part := parts.next_file()) is not None:
        for file in _inflate(part, parts, limits, give_way):
            if count == max_files:
                fault = FileTooLarge(f"the upload has more than {max_files} files")
                yield UploadedFile(file.name, file.charset, _Fault(fault))
                return
            count += 1
            yield file


def _inflate(
    part: FilePart, source: ByteSource, limits: Limits, give_way: Callable[[], None]
) -> Iterator[UploadedFile]:
    try:
        for file in inflate_files(source, limits, give_way):
            name = part.name
            if file.name is not None:
                name = clean_name(f"{part.name or ''}/{file.name}")
            yield UploadedFile(name, part.charset, file)
    except (FileRefused, FileTooLarge) as fault:  # of the archive
        yield UploadedFile(part.name, part.charset, _Fault(fault.with_traceback(None)))
