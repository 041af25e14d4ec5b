"""The supported formats, in the order in which they are tried for a file."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from service.formats.custom.loader import FormatFault, RootMatch, read_format
from service.formats.encoding import Prolog
from service.formats.format import Format
from service.formats.mspdi import format as mspdi
from service.formats.native import format as native
from service.formats.p6 import format as p6
from service.formats.xer import format as xer

FORMATS: Final[tuple[Format, ...]] = (native.FORMAT, p6.FORMAT, xer.FORMAT, mspdi.FORMAT)
"""The built-in formats. Microsoft Project's is last, because it accepts a root of any name."""

MIXED: Final = "mixed"
"""The format of an upload with files of several formats."""

MAX_CUSTOM: Final = 100
"""Formats of a directory. Each is tried for every file."""


@lru_cache
def formats_in(directory: Path | None) -> tuple[Format, ...]:
    """Return the built-in formats, and those of the directory's files, before the last built-in.

    The directory is read once in a process.

    Args:
        directory: has ``*.toml`` files; None if there are no formats but the built-in ones.

    Raises:
        FormatFault: a file cannot be used, or two formats cannot be told apart.
    """
    if directory is None:
        return FORMATS
    faults: list[str] = []
    custom: list[tuple[Path, Format]] = []
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise FormatFault([f"{directory}: {error}"]) from error
    if len(paths) > MAX_CUSTOM:
        raise FormatFault([f"{directory}: there are more than {MAX_CUSTOM} formats"])
    for path in paths:
        try:
            custom.append((path, read_format(path)))
        except FormatFault as fault:
            faults += fault.faults
    faults += _collisions(custom)
    if faults:
        raise FormatFault(faults)
    return (*FORMATS[:-1], *(each for _, each in custom), FORMATS[-1])


def _collisions(custom: Iterable[tuple[Path, Format]]) -> Iterator[str]:
    """Yield why the formats of files cannot be told apart from others."""
    names = {each.name: "a built-in format" for each in FORMATS}
    names[MIXED] = "an upload of several formats"
    matches = dict(_BUILT_IN)
    for path, each in custom:
        if each.name in names:
            yield f"{path}: name: {names[each.name]} has the name {each.name} too"
        own = each.recognises
        assert isinstance(own, RootMatch)
        for other, where in matches.items():
            if own.overlaps(other):
                yield f"{path}: root, namespace: {where} has such files too; give both of each"
        names[each.name] = matches[own] = str(path)


_BUILT_IN: Final = {
    RootMatch(None, native.FORMAT.namespace): "the format native",
    RootMatch("APIBusinessObjects", None): "the format p6",
    RootMatch(None, mspdi.FORMAT.namespace): "the format mspdi",
}
"""The files of the built-in formats."""


def find_format(prolog: Prolog, formats: Iterable[Format] = FORMATS) -> Format | None:
    """Return the first format that recognises a file by its root element, or None."""
    namespace = prolog.namespace or ""
    return next((each for each in formats if each.recognises(namespace, prolog.name)), None)
