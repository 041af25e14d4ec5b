"""The files that the bench makes are read whole, and their projects have the sizes it states."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.formats.limits import Limits
from service.formats.reader import Reader
from service.model import Project
from tests.support.inflating import FirstFile
from tests.tools.bench import real, tiny, xer

Write = Callable[[Path, int], tuple[Path, int]]


@pytest.mark.parametrize(
    ("write", "least", "most"),
    [
        (tiny.write_p6, 1_850, 1_950),
        (tiny.write_mspdi, 3_850, 3_950),
        (real.write_p6, 50_000, 190_000),
        (real.write_mspdi, 50_000, 190_000),
        (xer.write, 50_000, 190_000),
    ],
)
def test_every_project_of_a_large_file_is_read(
    write: Write, least: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (real, xer):
        monkeypatch.setattr(module, "_REAL", tmp_path / "none")  # as in a clone alone
    file, projects = write(tmp_path / "file.xml", 1_000_000)
    limits = Limits()
    with file.open("rb") as opened:
        read = [
            item for item in Reader(FirstFile(opened, limits), limits) if isinstance(item, Project)
        ]
    assert len({project.external_id for project in read}) == len(read) == projects
    assert least < file.stat().st_size / projects < most
