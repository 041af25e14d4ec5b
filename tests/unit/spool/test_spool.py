"""Working files count while they are on disk, against the limits of their import and of all."""

import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from service.spool.spool import Spool, SpoolFile, SpoolFull, TooLarge
from tests.support.descriptors import unlinked

KIB = 1024
BLOCK = b"x" * 64 * KIB


def test_a_file_reads_back_what_was_written_to_memory_and_to_disk(tmp_path: Path) -> None:
    for memory in (0, 5000, 1 << 20):
        file = Spool(tmp_path).share().new_file(memory)
        for number in range(1000):
            pickle.dump((number, "some text"), file)
        file.seek(0)
        assert [pickle.load(file) for _ in range(1000)] == [(n, "some text") for n in range(1000)]
        file.close()


def test_a_file_is_unlinked(tmp_path: Path) -> None:
    file = Spool(tmp_path).share().new_file()
    file.write(BLOCK)
    assert os.listdir(tmp_path) == []
    file.close()


def test_a_file_counts_while_it_is_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    file = spool.share().new_file(len(BLOCK))
    file.write(BLOCK)
    assert spool.used_bytes == 0
    file.write(BLOCK)
    assert spool.used_bytes == 2 * len(BLOCK)
    file.close()
    file.close()
    assert spool.used_bytes == 0


def test_small_writes_are_counted_in_steps(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    file = spool.share().new_file()
    for _ in range(1000):
        file.write(b"x" * 100)
    assert spool.used_bytes == 2 * len(BLOCK)
    file.close()
    assert spool.used_bytes == 0


def test_a_write_over_the_share_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    share, other = spool.share(3 * len(BLOCK)), spool.share(3 * len(BLOCK))
    first, second = share.new_file(), share.new_file()
    for file in (first, first, second):
        file.write(BLOCK)
    with pytest.raises(TooLarge, match=f"over {3 * len(BLOCK)} bytes"):
        second.write(b"x")
    other.new_file().write(BLOCK)
    first.close()
    second.write(BLOCK)
    share.close()
    other.close()
    assert spool.used_bytes == 0


def test_a_full_share_reclaims_space_before_it_refuses_a_write(tmp_path: Path) -> None:
    written: list[SpoolFile] = []

    def reclaim() -> None:
        while written:
            written.pop().close()

    share = Spool(tmp_path).share(2 * len(BLOCK), reclaim)
    for _ in range(5):
        file = share.new_file()
        file.write(BLOCK)
        written.append(file)
    with pytest.raises(TooLarge):
        share.new_file().write(3 * BLOCK)
    assert written == []
    share.close()


def test_a_write_over_the_limit_of_all_shares_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=3 * len(BLOCK))
    spool.check_space(3 * len(BLOCK))
    first, second = spool.share(2 * len(BLOCK)), spool.share(2 * len(BLOCK))
    first.new_file().write(2 * BLOCK)
    spool.check_space(len(BLOCK))
    with pytest.raises(SpoolFull):
        spool.check_space(len(BLOCK) + 1)
    with pytest.raises(SpoolFull):
        second.new_file().write(2 * BLOCK)
    first.close()
    second.new_file().write(2 * BLOCK)
    second.close()


def test_a_share_is_limited_to_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=len(BLOCK))
    spool.check_space(100 * len(BLOCK))
    with pytest.raises(TooLarge):
        spool.share(100 * len(BLOCK)).new_file().write(2 * BLOCK)


def test_a_write_into_the_reserve_of_the_disk_is_refused(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    spool = Spool(tmp_path, reserved_bytes=free + (1 << 30))
    with pytest.raises(SpoolFull):
        spool.check_space(0)
    with pytest.raises(SpoolFull):
        spool.share().new_file().write(BLOCK)
    assert spool.used_bytes == 0


def test_a_missing_directory_raises_an_os_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        spool.check_space(0)
    with pytest.raises(FileNotFoundError):
        spool.share().new_file().write(BLOCK)
    assert spool.used_bytes == 0


def test_closing_a_share_closes_its_files(tmp_path: Path) -> None:
    gc.collect()  # files that earlier tests left open
    before = unlinked()
    spool = Spool(tmp_path)
    share = spool.share()
    files = [share.new_file() for _ in range(5)]
    for file in files:
        file.write(BLOCK)
    assert unlinked() == before + 5
    share.close()
    assert spool.used_bytes == 0
    assert unlinked() == before


def test_a_failing_disk_raises_an_os_error_and_leaves_no_file_open() -> None:
    program = """
import os, resource, signal
from service.spool.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
before = os.listdir("/proc/self/fd")
spool = Spool()
file = spool.share().new_file()
try:
    for _ in range(1000):
        file.write(b"x" * 1000)
except OSError:
    file.close()
    print(spool.used_bytes, os.listdir("/proc/self/fd") == before)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "0 True\n", run.stderr
