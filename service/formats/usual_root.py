"""Reads the root element of a file without a parser, if it is written as usual."""

import re
from collections.abc import Mapping

_ROOT = re.compile(
    rb"""(?:\xef\xbb\xbf)?+(?:<\?xml\s++version\s*+=\s*+(?:"1\.0"|'1\.0')"""
    rb"""(?:\s++encoding\s*+=\s*+(?:"[A-Za-z][\w.-]*+"|'[A-Za-z][\w.-]*+'))?+"""
    rb"""(?:\s++standalone\s*+=\s*+(?:"(?:yes|no)"|'(?:yes|no)'))?+\s*+\?>)?+\s*+"""
    rb"(?:<!--(?:-?[ -,.-~\s])*+-->\s*+)*+<([A-Za-z_][\w.-]*+)"
    rb"""((?:\s++[A-Za-z_][\w.:-]*+\s*+=\s*+(?:"[ !#-%(-;=?-~]*+"|'[ !#-%(-;=?-~]*+'))*+)\s*+/?>"""
)
"""Matches the start of a file, up to the root's start tag, as programs write it: in ASCII, without
references, instructions and a prefix of the root."""
_ROOT_LIMIT = 4096
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ATTRIBUTE = re.compile(rb"""([\w.:-]+)\s*=\s*["']([^"']*)""")


def match_root(head: bytes) -> tuple[str | None, str] | None:
    """Return the namespace and the name of a root element that is written as usual.

    Args:
        head: the first bytes of a file in an encoding that contains ASCII.

    Returns:
        None if only a parser can tell.
    """
    found = _ROOT.match(head[:_ROOT_LIMIT])
    if found is None:
        return None
    pairs = [(name.decode(), value.decode()) for name, value in _ATTRIBUTE.findall(found[2])]
    attributes = dict(pairs)
    if len(attributes) < len(pairs) or not all(_is_usual(*pair, attributes) for pair in pairs):
        return None
    name = found[1].decode()
    if name.lower() == "html":
        return None
    return attributes.get("xmlns") or None, name


def usual_begin(head: bytes) -> bytes:
    """Return the bytes up to the end of the root's start tag, of a file with a usual root."""
    found = _ROOT.match(head[:_ROOT_LIMIT])
    return b"" if found is None else found[0]


def _is_usual(name: str, value: str, attributes: Mapping[str, str]) -> bool:
    """Return whether an attribute of the root is one that programs write, and cannot be faulty."""
    prefix, colon, local = name.partition(":")
    if not colon and prefix != "xmlns":
        return True
    if prefix == "xsi":
        return ":" not in local and attributes.get("xmlns:xsi") == _XSI
    if prefix != "xmlns" or (colon and not local.isidentifier()) or "{" in value or "}" in value:
        return False
    reserved = local.startswith("xml") or "/XML/1998/" in value or value.endswith("/xmlns/")
    return not reserved and bool(value or not colon)
