"""The memory of an import is freed at its end, and returned to the operating system."""

import gc
import io
import platform
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from service.formats.limits import Limits
from service.imports.pipeline.batcher import batch_projects
from service.imports.pipeline.memory import return_freed_memory
from service.imports.pipeline.upload_files import UploadedFile
from service.imports.pipeline.upload_reader import THREAD_BYTES, UploadReader
from tests.support.native import native_file, native_project

MB = 1_000_000
KEEP = """
import sys, threading
from service.imports.pipeline.memory import limit_kept_memory
from tests.unit.imports.test_memory import resident

if "limited" in sys.argv:
    limit_kept_memory()

def use():
    for _ in range(3):
        b"x" * int(sys.argv[1])

before = resident()
thread = threading.Thread(target=use)
thread.start()
thread.join()
print(resident() - before)
"""
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libcs keep less")


def resident() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024


@glibc
@pytest.mark.parametrize("limited", [False, True])
def test_a_thread_leaves_no_large_block_in_its_heap(limited: bool) -> None:
    command = [sys.executable, "-c", KEEP, "9000000", *["limited"] * limited]
    kept = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (kept < 3 * MB) == limited


@glibc
def test_freed_memory_below_memory_in_use_is_returned() -> None:
    blocks = [bytes([1]) * 100_000 for _ in range(500)]
    del blocks[:-1]
    before = resident()
    return_freed_memory()
    assert before - resident() > 40 * MB


def test_reading_pauses_for_another_thread_before_the_names_of_many_files_fill_the_memory() -> None:
    data = native_file(native_project("P", inside="<name/>" * 100_000))
    files = (UploadedFile(None, None, io.BytesIO(data)) for _ in range(30))
    reader = UploadReader(files, Limits())
    threads = 0
    while not reader.complete:
        assert sum(1 for _ in reader) * len(data) < THREAD_BYTES + 2 * len(data)
        threads += 1
    assert threads == -(-30 // -(-THREAD_BYTES // len(data)))
    assert reader.counts.read == 30
    reader.close()


def test_a_file_that_breaks_off_leaves_nothing_to_the_garbage_collector() -> None:
    data = native_file(native_project("P")).replace(b"</projects>", b"<project></oops>")
    limits = Limits()
    reader = UploadReader([UploadedFile(None, None, io.BytesIO(data))], limits)
    gone = weakref.ref(reader)
    gc.disable()
    try:
        batch_projects(
            reader,
            lambda batch, _last: batch.close(),
            lambda: None,
            batch_projects=50,
            batch_bytes=1_000_000,
        )
        del reader
        assert gone() is None
    finally:
        gc.enable()
