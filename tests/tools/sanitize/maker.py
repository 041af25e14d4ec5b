"""Makes executions and writes them, pickled, for a worker.

The worker's memory is instrumented, which makes Python several times slower. So this process, with
the usual memory, mutates the files, and reads some of them with the engine in Python.
"""

import argparse
import pickle
import sys
import time
import traceback
from itertools import count, islice
from random import Random
from typing import Any, Final

from tests.support.reading import python_engine
from tests.support.xer_fuzzing import XER, damaged
from tests.tools.sanitize import namespaces, structure, transport
from tests.tools.sanitize.corpus import Corpus
from tests.tools.sanitize.execution import Execution

_COMPARED: Final = 10
"""The Python engine reads the files of one in so many seeds."""
_XER_SHARE: Final = 0.15
_LIMITS: Final = {
    "max_projects": (0, 2),
    "max_project_bytes": (2, 5),
    "max_attributes_bytes": (1, 4),
    "max_tag_names": (1, 3),
    "spill_bytes": (0, 4),
    "shared_bytes": (0, 4),
    "max_file_bytes": (4, 6),
}
"""The powers of ten between which a small limit is."""
_SPOOL: Final = (3, 6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int, help="seed of the first execution")
    parser.add_argument("step", type=int, help="between two seeds")
    parser.add_argument("--executions", type=int)
    parser.add_argument("--seconds", type=float, default=10**9)
    parser.add_argument("--compare", action="store_true", help="read all files in Python too")
    options = parser.parse_args()
    corpus = Corpus(real=True)
    end = time.monotonic() + options.seconds
    for seed in islice(count(options.first, options.step), options.executions):
        if time.monotonic() > end:
            break
        execution = make_execution(seed, corpus)
        expected: list[Any] | None = None
        compared = options.compare or seed % _COMPARED == 0
        if compared and "max_tag_names" not in execution.limits:  # the engines count differently
            expected = _read_in_python(execution)
        pickle.dump((seed, execution, expected), sys.stdout.buffer)
        sys.stdout.buffer.flush()


def make_execution(seed: int, corpus: Corpus) -> Execution:
    """Make the execution of a seed; the same corpus gives the same one."""
    random = Random(seed)
    data, charset, steps = _make_file(random, corpus)
    if random.random() < 0.12:
        data = transport.damage(data, random)
        steps.append("damage")
    if random.random() < 0.15:
        data = transport.compress(data, random)
        steps.append("compress")
    cuts = transport.choose_cuts(len(data), random)
    limits, spool_bytes = {}, 10**9
    if random.random() < 0.3:
        names = random.sample([*_LIMITS], random.randint(1, len(_LIMITS)))
        limits = {name: int(10 ** random.uniform(*_LIMITS[name])) for name in names}
        if random.random() < 0.3:
            spool_bytes = int(10 ** random.uniform(*_SPOOL))
    return Execution(data, charset, cuts, limits, spool_bytes, steps)


def _make_file(random: Random, corpus: Corpus) -> tuple[bytes, str | None, list[str]]:
    """Make a file, and return it with the charset of its part and the mutations."""
    if random.random() < _XER_SHARE:
        charset = random.choice([None, None, None, "windows-1252", "utf-16", "gb18030"])
        return damaged(random.getrandbits(32), XER, 12), charset, ["xer"]
    tree = corpus.cut_tree(random)
    steps: list[str] = []
    if random.random() < 0.8:
        steps += structure.mutate(tree, random)
    if random.random() < 0.2:
        steps += namespaces.mutate(tree, random)
    return *transport.encode(tree.write(), random), steps


def _read_in_python(execution: Execution) -> list[Any]:
    """Read a file with the engine in Python; an exception becomes an item."""
    try:
        with python_engine():
            return execution.read()
    except Exception:
        return [traceback.format_exc()]


if __name__ == "__main__":
    main()
