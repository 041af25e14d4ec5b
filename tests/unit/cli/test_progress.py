"""The line of progress, and files that appear only when they are complete."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.cli.output import replace_file
from service.cli.progress import Meter, UploadBar

MB = 1_000_000


@dataclass
class Source:
    bytes_read: int = 0
    files_read: int = 0


def test_the_line_of_a_run_has_files_bytes_projects_rate_and_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bar, source = UploadBar(200, 40 * MB), Source()
    bar.begin_pack(120, 20 * MB)
    bar.add_read(b"." * (5 * MB))
    assert str(bar.render()) == "Reading 200 files before sending, 25 % of 20.0 MB"
    bar.begin_sending(20 * MB)
    with bar.following(source):
        bar.render()
        now, source.bytes_read, source.files_read = 102.0, 10 * MB, 60
        bar.set_done(1234)
        line = str(bar.render()).lstrip("━ ")
    assert line == "60/200 files, 10.0/40.0 MB, 1,234 projects done, 5.0 MB/s, 0:06 left"
    assert len(str(bar.render())) <= 80
    bar.end_pack(120, 2000)
    bar.begin_pack(80, 20 * MB)
    bar.begin_sending(20 * MB)
    with bar.following(Source(20 * MB, 80)):
        assert str(bar.render()).endswith(
            "200/200 files, 40.0/40.0 MB, 2,000 projects done, importing"
        )
    assert bar.describe_done() == ": 120 of 200 files, at least 2000 projects"


def test_a_rate_forgets_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter()
    for now in range(100):
        monkeypatch.setattr(time, "monotonic", lambda at=float(now): at)
        meter.add(max(0, now - 80) * MB)
    assert meter.rate == MB


def test_an_interrupted_file_does_not_appear(tmp_path: Path) -> None:
    file = tmp_path / "plan.xml"
    file.write_text("old")
    link = tmp_path / "link.xml"
    link.symlink_to(file)

    def write_half() -> None:
        with replace_file(link) as out:
            out.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert file.read_text() == "old"
    with replace_file(link) as out:
        out.write(b"new")
    assert (link.is_symlink(), file.read_text()) == (True, "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.xml", "plan.xml"]


def test_a_device_is_written_and_not_replaced() -> None:
    with replace_file(Path("/dev/null")) as out:
        out.write(b"x")
    assert Path("/dev/null").is_char_device()
