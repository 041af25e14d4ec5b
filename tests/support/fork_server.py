"""Runs ``python -m service`` in copies of a process that has imported its modules.

A command takes about a second of CPU time to import them, and most take little more than that.
A copy is a separate process, with its own arguments, environment, descriptors and signals, and
ends as any other. ``serve``, and what sets variables that Python reads at its start, starts as
usual.

    test ── arguments, environment, descriptors ──> server ── fork ──> command
      ^─────────────────── process ID, exit code ───────┘
"""

import asyncio
import atexit
import contextlib
import functools
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
from asyncio import StreamReader, StreamReaderProtocol
from importlib import import_module
from typing import Any, Final

from tests.support.paths import CHECKOUT

_PACKAGES: Final = ("service.cli", "service.cli.commands", "service.cli.upload", "service.storage")
_MODULES: Final = ("service.cli.serve.site", "service.projects.retention", "jwt", "uvloop")
_MESSAGE: Final = 1 << 17
"""Bytes of the longest request: arguments and the environment."""


class ForkServer:
    """The server, and the socket that it takes requests from; it ends with this process."""

    def __init__(self) -> None:
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(other.fileno())],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # as commands find it: no terminal
                pass_fds=[other.fileno()],
            )

    def start(
        self, arguments: list[str], environment: dict[str, str], output: int, errors: int
    ) -> int:
        """Run ``python -m service`` with the descriptors for its output.

        Returns:
            The descriptor that the process ID and then the exit code can be read from, a line each.
        """
        report, write = os.pipe()
        try:
            request = {"arguments": arguments, "environment": environment, "cwd": os.getcwd()}
            message = json.dumps(request).encode()
            socket.send_fds(self._channel, [message], [output, errors, write])
        finally:
            os.close(write)
        return report


@functools.cache
def fork_server() -> ForkServer:
    """Return the server of this process, started when first needed."""
    return ForkServer()


class Copy:
    """A command that runs in a copy, with the members of ``asyncio``'s processes that tests use.

    Attributes:
        pid: its process ID.
        returncode: that it ended with; None while it runs.
    """

    def __init__(self, pid: int, out: StreamReader, err: StreamReader, end: StreamReader) -> None:
        self.pid = pid
        self.stdout = out
        self.stderr = err
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._end(end))

    async def _end(self, report: StreamReader) -> int:
        self.returncode = int(await report.readline())
        return self.returncode

    async def wait(self) -> int:
        return await asyncio.shield(self._ending)

    async def communicate(self) -> tuple[bytes, bytes]:
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, err

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def start_copy(arguments: list[str], environment: dict[str, str]) -> Copy:
    """Run ``python -m service`` in a copy, with pipes for its output."""
    (out, output), (err, errors) = os.pipe(), os.pipe()
    report = fork_server().start(arguments, environment, output, errors)
    os.close(output)
    os.close(errors)
    streams = [await _reader(each) for each in (out, err, report)]
    return Copy(int(await streams[2].readline()), *streams)


async def _reader(descriptor: int) -> StreamReader:
    reader = StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: StreamReaderProtocol(reader), pipe)
    return reader


def can_fork(arguments: list[str], environment: dict[str, str]) -> bool:
    """Whether a copy is the same as a new process: no variable of Python itself is changed."""
    variables = {*environment.items()} ^ {*os.environ.items()}
    return arguments[0] != "serve" and not any(
        name.startswith(("PYTHON", "LC_", "LANG", "LD_", "OTEL_")) for name, _ in variables
    )


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork for each request until the test process has ended.

    Returns:
        In a copy, what it must run; None in the server.
    """
    running: dict[int, tuple[int, int]] = {}
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready in running:
                pid, report = running.pop(ready)
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(BrokenPipeError):
                    os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
                poll.unregister(ready)
                os.close(report)
                os.close(ready)
                continue
            message, descriptors, _, _ = socket.recv_fds(channel, _MESSAGE, 3)
            if not message:
                return None
            output, errors, report = descriptors
            pid = os.fork()
            if pid == 0:
                os.dup2(output, 1)
                os.dup2(errors, 2)
                os.closerange(3, max([channel.fileno(), report, *running]) + 1)
                request: dict[str, Any] = json.loads(message)
                return request
            os.close(output)
            os.close(errors)
            with contextlib.suppress(BrokenPipeError):
                os.write(report, b"%d\n" % pid)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = (pid, report)
            poll.register(pidfd, select.POLLIN)


def _run(arguments: list[str], environment: dict[str, str], cwd: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["service", *arguments]
    sys.orig_argv = [sys.executable, "-m", "service", *arguments]
    codes = [1]  # of what ends by another exception than SystemExit
    atexit.register(lambda: _leave(codes[0]))
    try:
        runpy.run_module("service", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        codes[0] = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def _leave(code: int) -> None:
    """End without freeing the modules one by one, which takes most of a short command's time.

    As the last of the functions that run at exit, it runs when all threads have ended.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Import what commands need, and serve the socket whose descriptor is the argument."""
    for package in map(import_module, _PACKAGES):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for name in _MODULES:
        import_module(name)
    channel = socket.socket(fileno=int(sys.argv[1]))
    request = _serve(channel)
    if request is not None:
        channel.detach()  # closed already
        _run(**request)


if __name__ == "__main__":
    main()
