"""What one run of an attack showed, and whether it is within the limits."""

import re
from dataclasses import dataclass
from statistics import median
from typing import Final

from tests.tools.attacks.attack import Attack

MOST_HELD_MIB: Final = 8.0
MOST_CPU: Final = 0.05
"""CPU seconds of an attack, whatever its size."""
MOST_TURN: Final = 0.05
"""CPU seconds of the longest turn to parse."""
MOST_WAIT: Final = 5.0
"""Times the median of the neighbour's idle uploads that one upload may take, unless the longest
idle one took longer: then the machine is busy."""
TRACEBACK: Final = "Traceback"
_UNESCAPED: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Control and bidirectional characters, which a terminal would obey."""


@dataclass(frozen=True)
class Seen:
    """What was seen of an attack.

    Attributes:
        came: what came back.
        seconds: from its first byte to what came back.
        peak_mib: highest resident memory of the process meanwhile, over that before.
        held_mib: resident memory over that before, once the answer is there.
        volume: bytes sent, or what they inflate to.
        cpu: seconds of CPU, without the neighbour's share.
        turn: CPU seconds that the longest turn to parse did not exceed.
        waits: seconds of each upload of the neighbour.
        idle_waits: the same without an attack.
        left: descriptors and threads that were there afterwards and not before the first attack.
        log: what the process logged meanwhile.
    """

    attack: Attack
    came: str
    seconds: float
    peak_mib: float
    held_mib: float
    volume: int
    cpu: float
    turn: float
    waits: list[float]
    idle_waits: list[float]
    left: int
    log: str

    def row(self) -> str:
        """The line of the table; ``HEAD`` has its columns."""
        cells = [
            *(_cell(text) for text in (self.attack.name, self.came)),
            f"{self.peak_mib:.1f}",
            f"{self.held_mib:.1f}",
            f"{self.volume / 1e6:.3f}",
            f"{self.cpu * 1000:.0f}",
            f"{self.cpu_per_byte * 1e6:.2f}",
            f"{self.turn * 1000:.0f}",
            f"{self.seconds:.2f}",
            f"{median(self.waits) * 1000:.0f}",
            f"{max(self.waits) * 1000:.0f}",
        ]
        return f"| {' | '.join(cells)} |"

    @property
    def cpu_per_byte(self) -> float:
        """CPU seconds per byte, beyond those that every attack may take."""
        return max(0.0, self.cpu - MOST_CPU) / max(1, self.volume)

    def faults(self) -> list[str]:
        """What is not as it should be."""
        attack = self.attack
        found = {
            f"came back: {self.came}": not re.fullmatch(attack.expected, self.came, re.DOTALL),
            f"{self.peak_mib:.0f} MiB over idle": self.peak_mib > attack.most_mib,
            f"{self.held_mib:.1f} MiB held": self.held_mib > MOST_HELD_MIB,
            f"{self.left} descriptors or threads are left": self.left > 0,
            f"logged: {self.log[self.log.find(TRACEBACK) :][:3000]}": TRACEBACK in self.log,
            "an unescaped character is in the log": _UNESCAPED.search(self.log) is not None,
        }
        return [words for words, wrong in found.items() if wrong]

    def delays(self) -> list[str]:
        """What took too long, or too much CPU: a busy machine can be the reason."""
        most_cpu = MOST_CPU + self.attack.most_cpu_per_byte * self.volume
        most_wait = max(MOST_WAIT * median(self.idle_waits), *self.idle_waits)
        found = {
            f"{self.seconds:.1f} s": self.seconds > self.attack.most_seconds,
            f"{self.cpu * 1000:.0f} ms of CPU, of {most_cpu * 1000:.0f}": self.cpu > most_cpu,
            f"a turn of up to {self.turn * 1000:.0f} ms": self.turn > MOST_TURN,
            f"the neighbour waited {max(self.waits) * 1000:.0f} ms, of {most_wait * 1000:.0f}": max(
                self.waits
            )
            > most_wait,
        }
        return [words for words, wrong in found.items() if wrong]


def _cell(text: str) -> str:
    return _UNESCAPED.sub(lambda found: repr(found[0])[1:-1], text).replace("|", "/")


HEAD: Final = """
| What was sent | What came back | Peak over idle, MiB | Held, MiB | MB | CPU, ms | µs a byte | Turn, ms | Seconds | Another's upload, ms | Its longest |
|---|---|---|---|---|---|---|---|---|---|---|"""  # noqa: E501
