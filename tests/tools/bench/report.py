"""What was measured: progress while it is, then a table, and one line of JSON at the very end."""

import sys
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from json import dumps
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.tools.bench.measure import Figure

KEYS = (
    "small",
    "tiny",
    "reader",
    "floor",
    "usual_way",
    "unchanged",
    "updated",
    "loaded",
    "aged",
    "peak_mib",
    "growth",
    "fairness",
    "last_byte",
)
"""The keys of the JSON line, in their order."""
PARTS = {
    "small": ("requests", "cpu_ms", "p99"),
    "tiny": ("p6", "mspdi"),
    "reader": ("native", "p6", "mspdi"),
    "floor": ("native", "p6", "mspdi", "xer"),
    "peak_mib": ("80MB", "1GiB", "xer.1GiB", "16x"),
}
"""Keys below those whose value is an object."""


@dataclass(frozen=True)
class _Row:
    what: str
    value: str
    spread: str
    bar: str
    note: str


@dataclass
class Report:
    """Collects figures: ``bar`` takes those that have a bar, ``tell`` the rest."""

    rows: list[_Row] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def bar(
        self,
        key: str,
        figure: Figure,
        *,
        most: float | None = None,
        least: float | None = None,
        note: str = "",
    ) -> None:
        """A figure that has a bar, such as ``floor.native``, and what it is held against."""
        value = figure.median
        self.measured[key] = round(value, 3)
        kept = (most is None or value <= most) and (least is None or value >= least)
        wanted = f"≤ {most:g}" if most is not None else f"≥ {least:g}"
        verdict = f"{wanted} {'✓' if kept else '✗'}"
        self.rows.append(_Row(key, f"{value:.4g}", figure.spread, verdict, note))

    def tell(self, what: str, figure: Figure, unit: str, note: str = "") -> None:
        """A figure that explains others."""
        median = figure.median
        value = f"{median:.4g}" if median < 10_000 else f"{median:,.0f}"
        self.rows.append(_Row(what, f"{value} {unit}", figure.spread, "", note))

    async def attempt(self, what: str, measurement: Awaitable[None]) -> None:
        """Measure; report a failure now and at the end, and continue."""
        try:
            await measurement
        except Exception as exc:
            self.failures.append(f"{what}: {exc!r}")
            self.progress(f"FAILED {self.failures[-1]}")

    def progress(self, text: str) -> None:
        """Say what is being measured now."""
        minutes, seconds = divmod(int(time.monotonic() - self.begun), 60)
        print(f"{minutes:02}:{seconds:02}  {text}", file=sys.stderr, flush=True)

    def print(self, *, json: bool) -> None:
        """The table, and, where it is wanted, the JSON line."""
        table = Table(title="Bench: medians of the runs, and lowest to highest")
        for name in ("what", "median", "spread", "bar", "note"):
            table.add_column(name, overflow="fold")
        for row in self.rows:
            table.add_row(row.what, row.value, row.spread, row.bar, row.note)
        console = Console(width=None if sys.stdout.isatty() else 140)
        if self.rows:
            console.print(table)
        for failure in self.failures:
            console.print(f"FAILED {failure}", markup=False)
        if json:
            print(dumps(line(self.measured)), flush=True)


def line(measured: Mapping[str, float]) -> dict[str, Any]:
    """The JSON line's value: the keys in their order, as far as they were measured.

    Args:
        measured: by key, parts behind a dot.
    """
    found: dict[str, Any] = {}
    for key in KEYS:
        if key in PARTS:
            parts = {
                part: measured[f"{key}.{part}"]
                for part in PARTS[key]
                if f"{key}.{part}" in measured
            }
            if parts:
                found[key] = parts
        elif key in measured:
            found[key] = measured[key]
    return found
