"""The static files of the page at ``/`` and of the documentation at ``/docs``."""

from importlib.resources import files
from pathlib import PurePath
from typing import Final

_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
ASSETS: Final = {
    file.name: _TYPES[PurePath(file.name).suffix]
    for file in (files("service.web") / "docs").iterdir()
    if file.name != "index.html"
}
"""Files of the documentation, with their media types."""
PAGE: Final = {
    f"{folder.name}/{file.name}": _TYPES[PurePath(file.name).suffix]
    for folder in (files("service.web") / "page").iterdir()
    if folder.is_dir()
    for file in folder.iterdir()
}
"""Files of the page, in the folders of ``page/``, with their media types."""
