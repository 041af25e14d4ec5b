"""Names of files in an upload: cleaned, because they come from the sender."""

import re
from typing import Final

MAX_NAME: Final = 255
"""Characters of a name that are kept: the last ones, which distinguish files of a folder."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE: Final = re.compile(r"^[A-Za-z]:(?=/)")


def clean_name(name: str | None) -> str | None:
    """Return a file's name as a relative path with ``/``; None if nothing is left of it.

    Control characters, a drive, empty parts, ``.`` and ``..`` are removed.

    Args:
        name: as the sender gives it, perhaps with folders.
    """
    if name is None:
        return None
    path = _DRIVE.sub("", _CONTROL.sub("", name).replace("\\", "/"))
    # The second time, because a part that is cut can be one of those to remove.
    return _join_parts(_join_parts(path)[-MAX_NAME:]) or None


def _join_parts(path: str) -> str:
    return "/".join(part for part in path.split("/") if part.strip() not in ("", ".", ".."))
