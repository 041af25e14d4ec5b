"""Write the tables of the documents that mirror the code, and the fields of the native schema.

    make reference

A generated text stands between the comments ``<!-- reference: NAME ARGUMENT -->`` and ``<!-- end of
reference -->``. NAME selects a function of ``TEXTS``; ARGUMENT is passed to it. A test fails while
a text differs from what this program writes.
"""

import re
from typing import Final

from tests.support.paths import CHECKOUT
from tests.tools.reference import custom, formats, service, xer

FILES: Final = (
    CHECKOUT / "service/formats/native/schema.xsd",
    *sorted((CHECKOUT / "docs").glob("**/*.md")),
)
TEXTS: Final = service.TEXTS | formats.TEXTS | custom.TEXTS | xer.TEXTS

_MARKED: Final = re.compile(
    r"(<!-- reference: (\w+) ?([^\n]*?) -->\n).*?([ \t]*<!-- end of reference -->)", re.DOTALL
)


def find_markers(text: str) -> list[tuple[str, str]]:
    """Return name and argument of each marker in a file's text."""
    return [(match[2], match[3]) for match in _MARKED.finditer(text)]


def render(text: str) -> str:
    """Return a file's text with its generated parts up to date."""
    return _MARKED.sub(lambda match: match[1] + TEXTS[match[2]](match[3]) + match[4], text)


def main() -> None:
    """Bring every file up to date, and print the names of those that change."""
    for path in FILES:
        text = path.read_text("utf-8")
        written = render(text)
        if written != text:
            path.write_text(written, "utf-8")
            print(f"wrote {path.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
