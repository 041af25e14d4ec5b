"""The rows of a project and their hash take little memory."""

import tracemalloc

from service.formats.limits import MIB, Limits
from service.formats.project_content import ProjectContent
from service.formats.references import Row
from service.tables import Table


def test_large_rows_do_not_wait_in_memory_to_be_hashed() -> None:
    content = ProjectContent(Limits(spill_bytes=MIB))
    tracemalloc.start()
    try:
        for number in range(20):
            text = b"%d" % number * MIB
            content.add(Row(Table.TASKS, text, text))
            del text
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        content.rows.close()
    assert peak < 12 * MIB


def test_a_large_row_is_hashed_in_its_place() -> None:
    def digest(*texts: bytes) -> bytes:
        content = ProjectContent(Limits())
        for text in texts:
            content.add(Row(Table.TASKS, text, text))
        content.rows.close()
        return content.hash(b"", set())

    large = b"x" * 100_000
    assert digest(b"1", large, b"2") == digest(b"1\n" + large, b"2")
    assert digest(b"1", large) != digest(large, b"1")
