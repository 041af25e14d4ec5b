"""What MkDocs does beside its own work: files of the repository that the documents link to.

The documents also have to work where they are, in the repository. So they link to files outside
``docs``, such as a schema. The site has copies of those files, and pages of the documents among
them.
"""

import os
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tests.support.paths import CHECKOUT

_DOCS: Final = CHECKOUT / "docs"
_ICON: Final = CHECKOUT / "service" / "web" / "page" / "shared" / "icon.svg"
_PAGES: Final = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
_LINK: Final = re.compile(r'(\]\(|\b(?:src|srcset|href)=")([^)"\s#]+)')
_COMMENT: Final = re.compile(r"^<!-- (?:reference|recorded|end of) ?.*-->$", re.MULTILINE)
_CODE_IN_ROW: Final = re.compile(r"`[^`\n]*`")
_FENCE: Final = re.compile(r"^```.*?^```[ ]*$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside ``docs`` to which documents link."""
    files.append(File.generated(config, _ICON.name, abs_src_path=str(_ICON)))
    for name in _PAGES:
        files.append(_generated(config, Path(name)))
    texts = {path: path.read_text("utf-8") for path in _documents()}
    found = {_resolve(path, link[2]) for path in texts for link in _LINK.finditer(texts[path])}
    for target in sorted(found):
        if not target.is_relative_to(_DOCS) and target.is_file() and target.name not in _PAGES:
            files.append(_generated(config, target.relative_to(CHECKOUT)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Let links lead to the copies, and write what Python-Markdown reads as GitHub does."""
    source = _source(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        target = _resolve(source, match[2])
        if match[2].startswith(("http:", "https:", "mailto:")) or not target.is_file():
            return match[0]
        place = os.path.relpath(_site_path(target), os.path.dirname(page.file.src_uri) or ".")
        return match[1] + place

    text = _COMMENT.sub("", markdown)
    pieces = _FENCE.split(text)
    fences = [*_FENCE.findall(text), ""]
    return "".join(
        _rows(_LINK.sub(moved, piece)) + fence for piece, fence in zip(pieces, fences, strict=True)
    )


def on_post_page(output: str, **_: Any) -> str:
    """Name the search for screen readers, which the theme does not."""
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"')


def _rows(text: str) -> str:
    """Write a pipe in code as itself: only GitHub wants it escaped in a table."""
    return re.sub(
        r"^\|.*$",
        lambda row: _CODE_IN_ROW.sub(lambda code: code[0].replace(r"\|", "|"), row[0]),
        text,
        flags=re.MULTILINE,
    )


def _documents() -> list[Path]:
    return [*_DOCS.rglob("*.md"), *(CHECKOUT / name for name in _PAGES)]


def _generated(config: MkDocsConfig, path: Path) -> File:
    return File.generated(config, _site_path(CHECKOUT / path), abs_src_path=str(CHECKOUT / path))


def _site_path(path: Path) -> str:
    """Where the site has a file of the repository, from the root of the site."""
    if path.is_relative_to(_DOCS):
        return path.relative_to(_DOCS).as_posix()
    return f"repository/{path.relative_to(CHECKOUT).as_posix()}"


def _source(uri: str) -> Path:
    inside = uri.removeprefix("repository/")
    return CHECKOUT / inside if inside != uri else _DOCS / uri


def _resolve(document: Path, link: str) -> Path:
    return Path(os.path.normpath(document.parent / link))
