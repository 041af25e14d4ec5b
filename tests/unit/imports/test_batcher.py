"""Batches of an upload are complete after a time, also while items arrive slowly."""

import pytest

from service.codes import ErrorCode
from service.imports.pipeline import batcher
from service.imports.pipeline.batch import Batch
from service.model import Refusal


@pytest.mark.parametrize(("seconds", "sizes"), [(0, [1, 1, 1]), (3600, [3])])
def test_a_slow_upload_is_written_before_its_batches_are_full(
    monkeypatch: pytest.MonkeyPatch, seconds: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(batcher, "BATCH_SECONDS", seconds)
    items = [Refusal(n, 1, None, None, ErrorCode.VALIDATION_ERROR, "Bad") for n in range(3)]
    handed: list[int] = []

    def hand_on(batch: Batch, _last: bool) -> None:
        handed.append(len(batch.items))

    batcher.batch_projects(items, hand_on, lambda: None, batch_projects=9, batch_bytes=9999)
    assert handed == sizes
