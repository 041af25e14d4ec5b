"""Run every attack, or those whose name contains a word, and print a table.

    python -m tests.tools.attacks [WORD]

Each attack runs against a ``serve`` process with the settings that it needs. The exit code is 1 if
the service did not refuse or bound one of them as expected."""

import asyncio
import itertools
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.tools.attacks.measure import Seen, attacked, by_settings, modules
from tests.tools.bench.database import server
from tests.tools.bench.process import ends_all_on_sigterm, prepare

_HEAD: Final = """
| What was sent | What came back | Peak over idle, MiB | Seconds | Longest wait of another, s |
|---|---|---|---|---|"""


def row(seen: Seen) -> str:
    cells = [seen.attack.name, seen.came]
    figures = [f"{seen.peak_mib:.1f}", f"{seen.seconds:.2f}", f"{seen.waited:.2f}"]
    return f"| {' | '.join([*(cell.replace('|', '/') for cell in cells), *figures])} |"


async def main(word: str) -> int:
    """Print the table; the code to end with."""
    failed = 0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        async with server(Path(directory)) as database:
            await prepare(database)
            found = itertools.chain.from_iterable(modules().values())
            for settings, chosen in by_settings(attack for attack in found if word in attack.name):
                said = ", ".join(
                    f"`{name}`" + (f" {value}" if isinstance(value, int) else "")
                    for name, value in settings.items()
                )
                print(f"\nWith {said or 'the default settings'}:\n{_HEAD}", flush=True)
                async with attacked(database.dsn, settings) as target:
                    for attack in chosen:
                        seen = await target.look(attack)
                        print(row(seen), flush=True)
                        for fault in seen.faults():
                            failed += 1
                            print(f"FAULT: {attack.name}: {fault}", file=sys.stderr, flush=True)
    print(f"\n{failed} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    ends_all_on_sigterm()
    try:
        sys.exit(asyncio.run(main(" ".join(sys.argv[1:]))))
    except KeyboardInterrupt:
        sys.exit("interrupted")
