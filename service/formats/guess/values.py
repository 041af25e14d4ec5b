"""What the values of one XML attribute or element have in common: their type, and a sample."""

import re
from dataclasses import dataclass, field
from typing import Final

from service.formats.values import BLANK, COMMA_PATTERN
from service.model import shorten

MAX_VALUES: Final = 2_000
"""Different values that are kept of one XML attribute or element."""
MAX_TESTED: Final = 2_000
"""Values of one XML attribute or element whose type is tested."""

_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
TYPES: Final = {
    name: re.compile(pattern)
    for name, pattern in {
        "boolean": r"(?i:true|false|0|1|yes|no|y|n|x)",
        "integer": r"[+\-]?[0-9]{1,9}",
        "decimal": r"[+\-]?[0-9]{1,15}(\.[0-9]{0,20})?",
        "decimal comma": rf"(?=.*[0-9]){COMMA_PATTERN}",
        "timestamp": rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}:[0-5][0-9](\.[0-9]{{1,6}})?",
        "timestamp with offset": (
            rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}(:[0-5][0-9](\.[0-9]+)?)?"
            r"(Z|[+\-][0-9]{2}:?[0-9]{2})"
        ),
        "timestamp with blank": rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_TIME}(:[0-5][0-9])?",
        "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "moment": (rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(T{_TIME}:[0-5][0-9](\.[0-9]{{1,6}})?)?"),
        "date compact": r"(19|20)[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])",
        "date local": r"[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}( .*)?",
        "duration": r"-?P(?=[0-9T])([0-9]+[YMD])*(T([0-9.]+[HMS])*)?",
    }.items()
}
"""Lexical types, from the narrowest to the widest of each family; text is what no other fits."""
NO_DATE: Final = frozenset({"0000-00-00", "00000000"})
"""Texts that stand for no date."""


@dataclass(slots=True)
class Budget:
    """The number of values and nodes that a structure can still keep.

    Attributes:
        values: different values.
        nodes: elements and XML attributes, by path.
    """

    values: int = 200_000
    nodes: int = 10_000


@dataclass(slots=True)
class Values:
    """The values of one XML attribute, or of one element without children.

    Attributes:
        count: values that are not blank.
        blank: values that are blank.
        sample: the first different values, shortened, in their order.
        complete: whether ``sample`` has all different values.
        empties: values that stand for no date.
    """

    count: int = 0
    blank: int = 0
    sample: dict[str, None] = field(default_factory=dict)
    complete: bool = True
    empties: set[str] = field(default_factory=set)
    _types: list[str] = field(default_factory=lambda: list(TYPES))

    def add(self, text: str, budget: Budget) -> None:
        """Add a value."""
        value = text.strip(BLANK)
        if not value:
            self.blank += 1
            return
        self.count += 1
        if value in NO_DATE:
            self.empties.add(value)
            return
        if self.count <= MAX_TESTED and self._types:
            self._types = [name for name in self._types if TYPES[name].fullmatch(value)]
        shown = shorten(value)
        if shown in self.sample:
            return
        if len(self.sample) == MAX_VALUES or budget.values == 0:
            self.complete = False
            return
        budget.values -= 1
        self.sample[shown] = None

    @property
    def types(self) -> list[str]:
        """Return the types that all tested values have, the narrowest of each family first."""
        return self._types if self.sample else []

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice, as far as the sample shows."""
        return len(self.sample) >= min(self.count - len(self.empties), MAX_VALUES)
