"""Builds the compiled engine with AddressSanitizer and UndefinedBehaviorSanitizer.

The build has its own folder, so that the engine of ``.venv`` stays as it is. Cython writes the
lines of its own files into the C code, so that a report names them.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

import lxml

FOLDER: Final = Path("build", "sanitize").absolute()
_SOURCE: Final = Path("service/formats/engine/_fast")
_LXML: Final = Path(lxml.__file__).parent
_HEADERS: Final = (sysconfig.get_paths()["include"], _LXML, _LXML / "includes")
_FLAGS: Final = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-O1",
    "-g",
    "-w",
)


def build_engine() -> Path:
    """Build the engine if it is older than its source, and return the folder of the module."""
    module = FOLDER / f"compiled{sysconfig.get_config_var('EXT_SUFFIX')}"
    sources = [*_SOURCE.glob("*.p[yx][xi]"), Path(__file__), _LXML / "__init__.py"]
    newest = max(source.stat().st_mtime for source in sources)
    code = FOLDER / "compiled.c"  # older than a source that changed during the build
    if not module.exists() or min(code.stat().st_mtime, module.stat().st_mtime) < newest:
        print("building the engine", flush=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        source = _SOURCE / "compiled.pyx"
        cython = [sys.executable, "-m", "cython", "--line-directives", str(source), "-o", str(code)]
        subprocess.run(cython, check=True)
        compile_library(code, module)
    return FOLDER


def compile_library(source: Path, library: Path) -> None:
    """Compile C code with the sanitizers."""
    headers = [f"-I{folder}" for folder in _HEADERS]
    command = ["cc", "-shared", "-fPIC", *_FLAGS, *headers, str(source), "-o", str(library)]
    subprocess.run(command, check=True)


def environment() -> dict[str, str]:
    """Return the environment of a process that loads instrumented code."""
    command = ["cc", "-print-file-name=libasan.so"]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    # The worker checks for leaks; a check at the exit would also report what Python never frees.
    options = "leak_check_at_exit=0:detect_stack_use_after_return=1:strict_string_checks=1"
    return os.environ | {
        "LD_PRELOAD": found.stdout.strip(),
        "ASAN_OPTIONS": options,
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # Python's own allocator would hide faults in its memory
    }
