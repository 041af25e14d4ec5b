"""Figures from repeated runs: their median, and how far they lie apart."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One quantity, measured several times.

    Attributes:
        values: one a run, in the order of the runs.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        """Lowest and highest value."""
        low, high = min(self.values), max(self.values)
        return f"{low:.4g} – {high:.4g}" if len(self.values) > 1 else "one run"


def figure(values: Sequence[float]) -> Figure:
    """A figure of at least one run."""
    return Figure(tuple(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """A ratio run by run, so that what slows the machine for a while weighs on both sides.

    Args:
        above: measured side by side with ``below``: the first of one goes with the first of the
            other. Where one has fewer runs, the rest of the other is left out.
        below: see ``above``.
    """
    return Figure(tuple(a / b for a, b in zip(above, below, strict=False)))


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that some work takes, on a clock."""
    begun = clock()
    work()
    return clock() - begun


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * round(share * 1000) // 1000) - 1)]
