"""Run the service on a Citus cluster of this machine, and print what it does.

    python -m tests.tools.citus growth
    python -m tests.tools.citus tenant
    python -m tests.tools.citus rebalance

Requires PostgreSQL 17 with Citus. The exit code is 0 if everything that a program checks holds."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from tests.tools.bench.process import ends_all_on_sigterm
from tests.tools.citus import growth, rebalance, tenant

_PROGRAMS: Final[dict[str, Callable[[], Awaitable[int]]]] = {
    "growth": growth.main,
    "tenant": tenant.main,
    "rebalance": rebalance.main,
}
_INTERRUPTED: Final = 130


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.citus", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("program", choices=_PROGRAMS)
    program = _PROGRAMS[parser.parse_args().program]
    ends_all_on_sigterm()

    async def run() -> int:
        return await program()

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
