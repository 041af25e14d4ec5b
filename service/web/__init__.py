"""Pages, and what they are made of: files that are served as they are."""

from typing import Final

ASSETS: Final = {"docs.js": "text/javascript", "docs.css": "text/css"}
"""What the page of the documentation is made of, with its types."""
