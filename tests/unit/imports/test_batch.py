"""The size of a batch, which decides when it is complete."""

from service.codes import ErrorCode
from service.imports.pipeline.batch import OUTCOME_BYTES, Batch
from service.model import Refusal, SharedObject
from tests.support.projects import project


def test_a_batch_is_as_large_as_its_rows_its_shared_objects_and_its_outcomes() -> None:
    batch = Batch()
    batch.add(Refusal(0, 1, "A", None, ErrorCode.VALIDATION_ERROR, "bad"))
    assert batch.size == OUTCOME_BYTES
    plan = project("B", index=1)
    batch.add(plan)
    assert batch.size == 2 * OUTCOME_BYTES + plan.rows.size
    shared = SharedObject(b"hash", "Calendar", "7", b'{"a": 1}')
    batch.add_shared(shared)
    assert batch.size == 2 * OUTCOME_BYTES + plan.rows.size + len(shared.attributes)
    batch.close()
