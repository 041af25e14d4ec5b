"""The static files of the page at ``/`` and of the documentation at ``/docs``."""

from importlib.resources import files
from pathlib import PurePath
from typing import Final

ASSETS: Final = {"docs.js": "text/javascript", "docs.css": "text/css"}
"""Files of the documentation, with their media types."""

_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGE: Final = {
    file.name: _TYPES[PurePath(file.name).suffix]
    for file in sorted((files("service.web") / "page").iterdir(), key=lambda each: each.name)
    if PurePath(file.name).suffix in _TYPES
}
"""Files of the page, in ``page/``, with their media types."""
