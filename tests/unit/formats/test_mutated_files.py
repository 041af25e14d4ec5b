"""Both engines read mutated files alike; ``make sanitize`` reads many more."""

import pytest

from tests.support.reading import python_engine
from tests.tools.sanitize.corpus import Corpus
from tests.tools.sanitize.maker import make_execution

_SEEDS = 40


@pytest.mark.once
def test_engines_agree_on_mutated_files() -> None:
    corpus = Corpus(real=False)
    compared = 0
    for seed in range(_SEEDS):
        execution = make_execution(seed, corpus)
        if "max_tag_names" not in execution.limits:  # the engines count differently
            with python_engine():
                expected = execution.read()
            assert execution.read() == expected, f"seed {seed}"
            compared += 1
    assert compared > _SEEDS // 2
