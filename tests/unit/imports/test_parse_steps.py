"""A turn to parse ends soon, whatever the file: the imports of other clients wait for it."""

import gzip
import io
import time
import zipfile
from collections.abc import Callable
from typing import Final

import pytest

from service.formats.limits import Limits
from service.imports.pipeline.batch import Batch
from service.imports.pipeline.batcher import batch_projects
from service.imports.pipeline.upload_files import UploadedFile
from service.imports.pipeline.upload_reader import UploadReader
from service.spool.spool import Spool
from tests.support.inflating import FirstFile
from tests.support.native import native_file, native_project
from tests.support.reading import MSPDI

LONGEST: Final = 0.04
"""CPU seconds. A turn may exceed its time by one step."""


def repetitive_tasks() -> bytes:
    """Tasks that compress well."""
    tasks = "".join(f'<task id="{number}"><name>Dig</name></task>' for number in range(60_000))
    return gzip.compress(native_file(native_project("P", inside=f"<tasks>{tasks}</tasks>")))


def forward_references() -> bytes:
    """Dependencies before their tasks, so that all are resolved when the project ends."""
    dependencies = "".join(
        f'<dependency predecessor="{number}" successor="{number + 1}"/>' for number in range(6_000)
    )
    tasks = "".join(f'<task id="{number}"><name>n</name></task>' for number in range(6_001))
    return gzip.compress(
        native_file(
            native_project(
                "P", inside=f"<dependencies>{dependencies}</dependencies><tasks>{tasks}</tasks>"
            )
        )
    )


def chained_objects() -> bytes:
    """A project that refers to a calendar, which refers to another, and so on."""
    chain = "".join(
        f"<Calendar><ObjectId>{number}</ObjectId><BaseCalendarObjectId>{number + 1}"
        "</BaseCalendarObjectId></Calendar>"
        for number in range(5_000)
    )
    return gzip.compress(
        f"<APIBusinessObjects>{chain}<Project><Id>P</Id><Name>One</Name>"
        "<ActivityDefaultCalendarObjectId>0</ActivityDefaultCalendarObjectId></Project>"
        "</APIBusinessObjects>".encode()
    )


def small_projects() -> bytes:
    return gzip.compress(native_file(*map(native_project, range(5_000))))


def empty_folders() -> bytes:
    """A ZIP of folders that are passed over."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(5_000):
            file.writestr(f"{number}/", b"")
        file.writestr("plan.xml", native_file(native_project("P")))
    return archive.getvalue()


def unknown_elements() -> bytes:
    """A project with many elements that the schema does not have."""
    inside = "<x/>" * 250_000
    return gzip.compress(native_file(native_project("O"), native_project("P", inside=inside)))


def elements_before_a_project() -> bytes:
    """Wrappers with more elements than a tree may have, and with a few less."""
    inside = "<b/>" * 240_000
    project = f"<Project xmlns='{MSPDI}'><Name>n</Name></Project>"
    return gzip.compress(f"<a><b>{inside * 2}</b>{inside}{project}</a>".encode())


def projects_inside_a_project() -> bytes:
    """Elements whose events the parser reports, but which are not read."""
    inside = "<project/>" * 30_000
    return gzip.compress(native_file(native_project("O"), native_project("P", inside=inside)))


FILES: Final[list[Callable[[], bytes]]] = [
    repetitive_tasks,
    forward_references,
    chained_objects,
    small_projects,
    empty_folders,
    unknown_elements,
    elements_before_a_project,
    projects_inside_a_project,
]


def parse(data: bytes, give_way: Callable[[], None]) -> None:
    """Parse a file as an import does."""

    def hand_on(batch: Batch, _last: bool) -> None:
        batch.close()

    spool = Spool().share()
    limits = Limits(spool=spool)
    source = FirstFile(io.BytesIO(data), limits, give_way)
    reader = UploadReader([UploadedFile(None, None, source)], limits, give_way=give_way)
    batch_projects(reader, hand_on, give_way, batch_projects=50, batch_bytes=1_000_000)
    assert reader.counts.read == 1
    spool.close()


def longest_step(data: bytes) -> float:
    """Return the CPU seconds between two times at which others may parse, at most."""
    before = time.thread_time()
    longest = 0.0

    def give_way() -> None:
        nonlocal before, longest
        now = time.thread_time()
        longest = max(longest, now - before)
        before = now

    parse(data, give_way)
    give_way()
    return longest


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.__name__)
def test_no_step_of_parsing_takes_long(file: Callable[[], bytes]) -> None:
    steps = map(longest_step, [file()] * 3)  # on a busy machine, a step may take more once
    assert any(step < LONGEST for step in steps)
