"""The recorded parts of the documents on data: the dictionary, and the results of examples.

A recorded part stands between the comments ``<!-- recorded: NAME ARGUMENT -->`` and ``<!-- end of
record -->``. A part named ``result`` follows the code that it is the result of.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.support.paths import CHECKOUT

QUESTIONS: Final = sorted((CHECKOUT / "docs" / "how-to").glob("query*.md"))
TOOLS: Final = CHECKOUT / "docs" / "how-to" / "analysis-tools.md"
DIAGRAM: Final = CHECKOUT / "docs" / "reference" / "data" / "overview.md"
DICTIONARY: Final = sorted((CHECKOUT / "docs" / "reference" / "data").glob("*/*.md"))

_PART: Final = re.compile(
    r"(?:^```(?P<language>\w+)\n(?P<code>(?:(?!^```).)*)^```\n\n)?"
    r"^<!-- recorded: (?P<name>\w+) ?(?P<argument>[^\n]*?) -->\n"
    r"(?P<text>.*?)^<!-- end of record -->$",
    re.DOTALL | re.MULTILINE,
)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """A recorded part of the document.

    Attributes:
        heading: the heading that it is below.
        name, argument: of its first comment.
        language, code: of the example before it; empty if there is none.
        text: what is recorded.
    """

    heading: str
    name: str
    argument: str
    language: str
    code: str
    text: str


def find_parts(document: str) -> list[Part]:
    """Return the recorded parts, in order."""
    return [
        Part(
            heading=_HEADING.findall(document, 0, match.start())[-1],
            name=match["name"],
            argument=match["argument"],
            language=match["language"] or "",
            code=match["code"] or "",
            text=match["text"],
        )
        for match in _PART.finditer(document)
    ]


def replace_parts(document: str, texts: Sequence[str]) -> str:
    """Return the document with the given texts in its recorded parts."""
    remaining = iter(texts)

    def replaced(match: re.Match[str]) -> str:
        start, end = (place - match.start() for place in match.span("text"))
        return match[0][:start] + next(remaining) + match[0][end:]

    return _PART.sub(replaced, document)


def read_diagram(document: str) -> dict[str, dict[str, str]]:
    """Return the entities of the diagram, each with the types of its columns by name."""
    [diagram] = re.findall(r"^```mermaid\nerDiagram\n(.*?)^```", document, re.DOTALL | re.MULTILINE)
    return {
        name: {column: kind for kind, column in re.findall(r"^ +(\w+) (\w+)", body, re.MULTILINE)}
        for name, body in re.findall(r"^ +(\w+) \{\n(.*?)^ +\}", diagram, re.DOTALL | re.MULTILINE)
    }
