"""The documentation builds as a site without a broken link, and the site loads no other host."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lxml import html

from tests.support.paths import CHECKOUT

SHEET = re.compile(r"(?:@import\s+|url\()[\"']?((?:https?:)?//[^\"')]+)")


def test_the_site_builds_and_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    config = "tests/tools/site/mkdocs.yml"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-f", config, "-d", tmp_path],
        cwd=CHECKOUT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    pages = [*tmp_path.rglob("*.html")]
    documents = [*(CHECKOUT / "docs").rglob("*.md")]
    assert len(pages) >= len(documents)
    assert not {address for path in pages for address in loaded(path)}
    sheets = [path.read_text("utf-8") for path in tmp_path.rglob("*.css")]
    assert not [address for text in sheets for address in SHEET.findall(text)]


def loaded(path: Path) -> Iterator[str]:
    """The addresses of other hosts from which a browser loads parts of a page."""
    tree: html.HtmlElement = html.document_fromstring(path.read_bytes())
    for element, attribute, link, _ in tree.iterlinks():
        follows = element.tag == "a" or element.get("rel") == "canonical"
        if re.match(r"(https?:)?//", link) and not follows:
            yield f"{path.name}: {element.tag} {attribute} {link}"
