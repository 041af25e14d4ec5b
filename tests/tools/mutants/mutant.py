"""A mutant, and the list of those that change no behaviour."""

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from tests.support.paths import CHECKOUT

_FILE: Final = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True)
class Mutant:
    """A file of the checkout with one mutation.

    Attributes:
        path: the file, below the checkout.
        operator: the name of the mutation.
        text: the mutated file.
    """

    path: str
    operator: str
    text: str = field(repr=False)

    @cached_property
    def diff(self) -> str:
        return "\n".join(self._difference(context=3))

    @cached_property
    def removed(self) -> str:
        """The lines that the mutation changes, as they were; white space counts as one space."""
        return self._joined("-")

    @cached_property
    def added(self) -> str:
        """What these lines become."""
        return self._joined("+")

    @cached_property
    def line(self) -> int:
        """The first line that the mutation changes."""
        hunk = next(line for line in self._difference(context=0) if line.startswith("@@"))
        return int(hunk.removeprefix("@@ -").split()[0].split(",")[0])

    @property
    def title(self) -> str:
        return f"{self.path}:{self.line} {self.operator}"

    def _joined(self, sign: str) -> str:
        lines = self._difference(context=0)
        return " ".join(" ".join(line[1:].split()) for line in lines if line.startswith(sign))

    def _difference(self, context: int) -> list[str]:
        before = (CHECKOUT / self.path).read_text().splitlines()
        lines = difflib.unified_diff(before, self.text.splitlines(), lineterm="", n=context)
        return [*lines][2:]


@dataclass(frozen=True)
class Equivalent:
    """Mutants that change no behaviour; each pattern has to match, and is optional.

    Attributes:
        path: pattern of the file.
        operator: pattern of the name of the mutation.
        before: pattern of the changed lines, as they were.
        after: pattern of what they become.
        context: pattern of the lines around them.
        reason: why nobody can notice.
    """

    reason: str
    path: str = ""
    operator: str = ""
    before: str = ""
    after: str = ""
    context: str = ""

    def matches(self, mutant: Mutant) -> bool:
        return all(
            re.search(pattern, text) is not None
            for pattern, text in (
                (self.path, mutant.path),
                (self.operator, mutant.operator),
                (self.before, mutant.removed),
                (self.after, mutant.added),
                (self.context, mutant.diff),
            )
        )


@dataclass(frozen=True)
class Equivalents:
    entries: list[Equivalent]

    def find(self, mutant: Mutant) -> str | None:
        """Return the reason why a mutant is equivalent, or None."""
        return next((each.reason for each in self.entries if each.matches(mutant)), None)


def read_equivalents() -> Equivalents:
    """Read the list of equivalent mutants."""
    return Equivalents([Equivalent(**each) for each in tomllib.loads(_FILE.read_text())["mutants"]])
