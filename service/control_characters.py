"""Control characters: which of them notes exclude, and how terminals and logs show them.

A terminal obeys control characters (C0, DEL, C1), and shows text in another order after those of
bidirectional text. Text from files, requests and other programs must therefore not reach it as is.
"""

import re
from typing import Final

NOTES_PATTERN: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
"""Text without C0 characters other than tab and line breaks, as in XML."""
_EXCLUDED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""The same, and lone surrogates, which UTF-8 cannot represent."""
_ACTIVE: Final = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters, line separators, bidirectional controls and lone surrogates."""
_IN_JSON: Final = re.compile(f"[{_ACTIVE}]")
_IN_TEXT: Final = re.compile(rf"[{_ACTIVE}]|\\(?=[\\nrtux{_ACTIVE}]|\Z)")
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}


def find_excluded(notes: str) -> str | None:
    """Return the first character that notes exclude, such as ``U+001B``, or None."""
    found = _EXCLUDED.search(notes)
    return None if found is None else f"U+{ord(found[0]):04X}"


def make_visible(text: str) -> str:
    r"""Return text that is safe to print: ESC is ``\x1b``, a line break is ``\n``.

    A backslash is doubled where it would otherwise read as the beginning of an escape. Different
    texts therefore remain different.
    """
    return _IN_TEXT.sub(_escape, text)


def escape_json(text: str) -> str:
    r"""Return the same JSON, with ``\u009b`` for a control character of a string.

    Args:
        text: JSON without white space between its tokens.
    """
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: "re.Match[str]") -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
