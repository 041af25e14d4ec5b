"""Run every attack, or those whose name or module contains a word, and print a table.

    python -m tests.tools.attacks [WORD]

Each attack runs against a ``serve`` process with the settings that it needs. An attack that exceeds
a limit in time runs once more, with a second row. The exit code is 1 if the service did not refuse
or bound one of them as expected."""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from tests.tools.attacks.measure import Target, attacked, by_settings, modules
from tests.tools.attacks.seen import HEAD
from tests.tools.bench.database import server
from tests.tools.bench.process import ends_all_on_sigterm, prepare


async def main(word: str) -> int:
    """Print the table; the code to end with."""
    failed = 0
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        async with server(Path(directory)) as database:
            await prepare(database)
            chosen = (
                attack
                for module, found in modules().items()
                for attack in found
                if word in module or word in attack.name
            )
            for settings, alike in by_settings(chosen):
                async with attacked(database.dsn, settings) as target:
                    print(f"\nWith {_format_settings(settings)}; {_format_idle(target)}:\n{HEAD}")
                    for attack in alike:
                        seen = await target.examine(attack)
                        print("\n".join(run.row() for run in seen), flush=True)
                        for fault in [*seen[0].faults(), *seen[-1].delays()]:
                            failed += 1
                            print(f"FAULT: {attack.name}: {fault}", file=sys.stderr, flush=True)
                    print(f"\nIdle at the end: {target.server.memory():.0f} MiB")
    print(f"\n{failed} faults")
    return 1 if failed else 0


def _format_settings(settings: Mapping[str, object]) -> str:
    return (
        ", ".join(
            f"`{name}`" + (f" {value}" if isinstance(value, int) else "")
            for name, value in settings.items()
        )
        or "the default settings"
    )


def _format_idle(target: Target) -> str:
    wait, cpu = median(target.idle_waits) * 1000, target.idle_cpu * 1000
    return (
        f"idle at the start: {target.start_mib:.0f} MiB, another's upload {wait:.0f} ms"
        f" with {cpu:.0f} ms of CPU"
    )


if __name__ == "__main__":
    ends_all_on_sigterm()
    try:
        sys.exit(asyncio.run(main(" ".join(sys.argv[1:]))))
    except KeyboardInterrupt:
        sys.exit("interrupted")
