"""Finds the files to upload, and the name of each in its upload."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from service.cli.output import CommandError
from service.formats.file_names import MAX_NAME, clean_name

XER_SUFFIXES: Final = (".xer", ".xer.gz")
SUFFIXES: Final = (".xml", ".xml.gz", *XER_SUFFIXES, ".zip")
"""Endings of the files in a folder that are uploaded."""
_NO_NAME: Final = "file"
_MAX_NAMES: Final = 5
"""Files that are left out and named; of more, only the endings are listed."""


class SourceFile(NamedTuple):
    """A file to upload.

    Attributes:
        path: of the file.
        name: in the upload; the service reports outcomes with it.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class FoundFiles:
    """The result of a search.

    Attributes:
        files: each file once, in the order of the arguments; those of a folder are sorted.
        left_out: files of folders whose ending is not in ``SUFFIXES``.
    """

    files: list[SourceFile]
    left_out: list[Path]


def find_files(paths: Sequence[Path]) -> FoundFiles:
    """Return the files in ``paths``, and the files in its folders.

    A name is the path relative to the folder given, or to the folder that contains all arguments.

    Raises:
        CommandError: a path does not exist, or a folder has no file to upload.
    """
    found: dict[str, Path] = {}
    left_out: list[Path] = []
    for path in paths:
        if not path.exists():
            raise CommandError(f"{path}: there is no such file")
        if path.is_dir():
            inside, others = _search_folder(path)
            if not inside:
                rest = f"; {describe_left_out(others)}" if others else ""
                raise CommandError(
                    f"{path}: there is no {', '.join(SUFFIXES)} in this folder{rest}"
                )
            left_out += others
        else:
            inside = [path]
        for each in inside:
            found.setdefault(_absolute(each), each)
    base = os.path.commonpath([_absolute(path if path.is_dir() else path.parent) for path in paths])
    names: dict[str, Path] = {}
    for absolute, path in found.items():
        name = upload_name(os.path.relpath(absolute, base))
        while name in names:  # which differs only in characters that a name cannot have
            name = f"{len(names)}~{name}"[:MAX_NAME]
        names[name] = path
    files = [SourceFile(path, name) for name, path in names.items()]
    return FoundFiles(files, [path for path in left_out if _absolute(path) not in found])


def describe_left_out(paths: Sequence[Path]) -> str:
    """Return a sentence about files that are left out: their names, or the number by ending."""
    if len(paths) <= _MAX_NAMES:
        listed: Iterable[str] = (path.name for path in paths)
    else:
        endings = Counter(path.suffix.lower() or "without ending" for path in paths)
        listed = (f"{number} {ending}" for ending, number in endings.most_common(_MAX_NAMES))
    dots = ", …" if len(paths) > _MAX_NAMES < len({path.suffix.lower() for path in paths}) else ""
    number = "1 other file is" if len(paths) == 1 else f"{len(paths)} other files are"
    return f"{number} left out: {', '.join(listed)}{dots}"


def _search_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files to upload, and the others apart from hidden ones."""
    inside, others = [], []
    for path in sorted(folder.rglob("*")):
        if path.name.lower().endswith(SUFFIXES):
            if not path.is_dir():
                inside.append(path)
        elif not path.name.startswith(".") and path.is_file():
            others.append(path)
    return inside, others


def upload_name(path: str) -> str:
    """Return the name that the service has for a file sent under its relative path."""
    name = os.fsencode(path).decode("utf-8", "replace")
    while (cleaned := clean_name(name) or _NO_NAME) != name:  # a shortened name can change again
        name = cleaned
    return name


def _absolute(path: Path) -> str:
    return os.path.abspath(path)
