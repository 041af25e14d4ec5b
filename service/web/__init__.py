"""Pages, and what they are made of: files that are served as they are."""

from importlib.resources import files
from pathlib import PurePath
from typing import Final

ASSETS: Final = {"docs.js": "text/javascript", "docs.css": "text/css"}
"""What the page of the documentation is made of, with its types."""

_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGE: Final = {
    file.name: _TYPES[PurePath(file.name).suffix]
    for file in sorted((files("service.web") / "page").iterdir(), key=lambda each: each.name)
    if PurePath(file.name).suffix in _TYPES
}
"""What the page for people is made of, likewise; it lies in ``page/``."""
