"""Working files count from their first byte on disk to their end, against two bounds and a disk."""

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


def test_what_is_written_is_read_back_from_memory_and_from_disk(tmp_path: Path) -> None:
    for memory in (0, 5000, 1 << 20):
        file = Spool(tmp_path).share().file(memory)
        for number in range(1000):
            pickle.dump((number, "some text"), file)
        file.seek(0)
        assert [pickle.load(file) for _ in range(1000)] == [(n, "some text") for n in range(1000)]
        file.close()


def test_files_have_no_name(tmp_path: Path) -> None:
    file = Spool(tmp_path).share().file()
    file.write(BLOCK)
    assert os.listdir(tmp_path) == []
    file.close()


def test_a_file_counts_once_it_is_on_disk_and_until_it_is_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    file = spool.share().file(len(BLOCK))
    file.write(BLOCK)
    assert spool.held == 0
    file.write(BLOCK)
    assert spool.held == 2 * len(BLOCK)
    file.close()
    file.close()
    assert spool.held == 0


def test_small_writes_count_in_steps(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    file = spool.share().file()
    for _ in range(1000):
        file.write(b"x" * 100)
    assert spool.held == 2 * len(BLOCK)
    file.close()
    assert spool.held == 0


def test_a_share_holds_no_more_than_it_may(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    share, other = spool.share(3 * len(BLOCK)), spool.share(3 * len(BLOCK))
    first, second = share.file(), share.file()
    for file in (first, first, second):
        file.write(BLOCK)
    with pytest.raises(TooLarge, match=f"over {3 * len(BLOCK)} bytes"):
        second.write(b"x")
    other.file().write(BLOCK)
    first.close()
    second.write(BLOCK)
    share.close()
    other.close()
    assert spool.held == 0


def test_a_share_is_full_only_once_its_writers_have_given_back(tmp_path: Path) -> None:
    written: list[SpoolFile] = []

    def settle() -> None:
        while written:
            written.pop().close()

    share = Spool(tmp_path).share(2 * len(BLOCK), settle)
    for _ in range(5):
        file = share.file()
        file.write(BLOCK)
        written.append(file)
    with pytest.raises(TooLarge):
        share.file().write(3 * BLOCK)
    assert written == []
    share.close()


def test_all_shares_together_hold_no_more_than_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most=3 * len(BLOCK))
    spool.check(3 * len(BLOCK))
    one, two = spool.share(2 * len(BLOCK)), spool.share(2 * len(BLOCK))
    one.file().write(2 * BLOCK)
    spool.check(len(BLOCK))
    with pytest.raises(SpoolFull):
        spool.check(len(BLOCK) + 1)
    with pytest.raises(SpoolFull):
        two.file().write(2 * BLOCK)
    one.close()
    two.file().write(2 * BLOCK)
    two.close()


def test_a_share_larger_than_the_spool_is_the_whole_of_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most=len(BLOCK))
    spool.check(100 * len(BLOCK))
    with pytest.raises(TooLarge):
        spool.share(100 * len(BLOCK)).file().write(2 * BLOCK)


def test_the_disk_keeps_its_reserve(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    spool = Spool(tmp_path, reserve=free + (1 << 30))
    with pytest.raises(SpoolFull):
        spool.check(0)
    with pytest.raises(SpoolFull):
        spool.share().file().write(BLOCK)
    assert spool.held == 0


def test_a_directory_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        spool.check(0)
    with pytest.raises(FileNotFoundError):
        spool.share().file().write(BLOCK)
    assert spool.held == 0


def test_a_share_that_is_closed_leaves_no_file_open(tmp_path: Path) -> None:
    gc.collect()  # what earlier tests have left
    before = unlinked()
    spool = Spool(tmp_path)
    share = spool.share()
    left = [share.file() for _ in range(5)]
    for file in left:
        file.write(BLOCK)
    assert unlinked() == before + 5
    share.close()
    assert spool.held == 0
    assert unlinked() == before


def test_a_disk_that_fails_at_the_last_moment_is_an_os_error_and_leaves_nothing() -> None:
    program = """
import os, resource, signal
from service.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
before = os.listdir("/proc/self/fd")
spool = Spool()
file = spool.share().file()
try:
    for _ in range(1000):
        file.write(b"x" * 1000)
except OSError:
    file.close()
    print(spool.held, os.listdir("/proc/self/fd") == before)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "0 True\n", run.stderr
