"""The progress of a command in one line on standard error, if that is a terminal."""

import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from service.cli.output import console, format_size
from service.control_characters import make_visible

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_REFRESHES: Final = 8
"""How often the line is drawn in a second."""
_WINDOW: Final = 10.0
"""Seconds of the past that the rate is measured over."""
_SAMPLE_EVERY: Final = 0.25
"""Seconds between two samples of the rate."""
_BAR: Final = 10
"""Columns of a bar."""
_SHOW_AFTER: Final = 1.0
"""Seconds of transfer before a rate and the time left are shown."""


class ByteSource(Protocol):
    """What is being sent.

    Attributes:
        bytes_read: number of bytes sent so far.
        files_read: number of files sent to their end.
    """

    @property
    def bytes_read(self) -> int: ...

    @property
    def files_read(self) -> int: ...


class Meter:
    """Measures a rate over the last seconds."""

    def __init__(self) -> None:
        self._samples = deque[tuple[float, int]]()

    def add(self, total: int) -> None:
        """Add a sample: how much is done so far."""
        now = time.monotonic()
        if not self._samples or now - self._samples[-1][0] >= _SAMPLE_EVERY:
            self._samples.append((now, total))
        while self._samples and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """Units in a second; 0 if too little time was measured."""
        if not self._samples:
            return 0.0
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        return (after - before) / (last - first) if last - first >= _SHOW_AFTER else 0.0


class UploadBar:
    """The progress of a run in one line: files and bytes sent, projects done, rate, time left.

    Args:
        files: the number of files of the run.
        size: of all files, in bytes.
    """

    def __init__(self, files: int = 0, size: int = 0) -> None:
        self.files_done = 0
        self.done = 0
        self._files = files
        self._total = size
        self._pack_begin = 0
        self._pack_size = 0
        self._pack_files = 0
        self._read: int | None = None
        self._sent = 0
        self._done_before = 0
        self._source: ByteSource | None = None
        self._meter = Meter()
        self._live: Live | None = None

    def begin_pack(self, files: int, size: int) -> None:
        """Begin a pack of so many files and bytes, which is read before anything is sent."""
        self._pack_begin, self._pack_size, self._read = self._sent, size, 0
        self._pack_files = files

    def add_read(self, data: bytes) -> None:
        """Count bytes that were read before anything is sent."""
        self._read = (self._read or 0) + len(data)

    def begin_sending(self, size: int) -> None:
        """Begin to send the pack, which has ``size`` bytes in all its pieces."""
        self._total += size - self._pack_size
        self._pack_size = size
        self._read = None

    @contextlib.contextmanager
    def following(self, source: ByteSource) -> Iterator[None]:
        """Show what a source has sent, until the block ends."""
        self._source = source
        try:
            yield
        finally:
            self._source = None

    def set_done(self, projects: int) -> None:
        """Show how many projects of the current upload are done."""
        self.done = self._done_before + projects

    def end_piece(self, size: int, projects: int) -> None:
        """End a piece of ``size`` bytes; ``projects`` of its file are done so far."""
        self._sent += size
        self.done = self._done_before + projects

    def end_pack(self, files: int, projects: int) -> None:
        """End a pack of so many files and projects, sent or not."""
        self._sent = self._pack_begin + self._pack_size
        self._read = None
        self.files_done += files
        self._done_before = self.done = self._done_before + projects

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show the line until the block ends."""
        with _live(self.render) as self._live:
            yield
        self._live = None

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the line until the block ends, which prints results."""
        live = self._live
        if live is not None:
            live.stop()
        yield
        if live is not None:
            live.start()

    def describe_done(self) -> str:
        """Return how much of the run was reported as done; the service may have done more."""
        parts = [f"{self.files_done} of {self._files} files"] if self.files_done else []
        parts += [f"at least {self.done} projects"] if self.done else []
        return f": {', '.join(parts)}" if parts else ""

    def render(self) -> "str | Text":
        """Return the line."""
        if self._read is not None:
            percent = 100 * self._read // max(self._pack_size, self._read, 1)
            what = "the file" if self._files == 1 else f"{self._files} files"
            return f"Reading {what} before sending, {percent} % of {format_size(self._pack_size)}"
        source = self._source
        sent = self._sent + (source.bytes_read if source else 0)
        files = self.files_done + (source.files_read if source else 0)
        self._meter.add(sent)
        total = max(self._total, sent)
        parts = [_sizes(sent, total), f"{self.done:,} projects done"]
        if self._files > 1:
            parts.insert(0, f"{files:,}/{self._files:,} files")
        if sent >= total:
            parts.append("importing")
        elif rate := self._meter.rate:
            parts += [f"{rate / 1e6:.1f} MB/s", f"{_clock((total - sent) / rate)} left"]
        return _draw_bar(sent / total if total else 1.0, ", ".join(parts))


@contextlib.contextmanager
def status(describe: str | Callable[[], str]) -> Iterator[None]:
    """Show what a command does, and for how long, until the block ends.

    Args:
        describe: the text of the line, or what returns it.
    """
    begun = time.monotonic()

    def render() -> str:
        text = describe if isinstance(describe, str) else describe()
        return f"{make_visible(text)}, {_clock(time.monotonic() - begun)}"

    with _live(render):
        yield


@contextlib.contextmanager
def _live(render: "Callable[[], str | Text]") -> "Iterator[Live | None]":
    if not sys.stderr.isatty():
        yield None
        return
    from rich.live import Live
    from rich.text import Text

    def draw() -> Text:
        line = render()
        text = Text(line) if isinstance(line, str) else line
        text.no_wrap, text.overflow = True, "ellipsis"
        return text

    with Live(
        get_renderable=draw,
        console=console(sys.stderr),
        refresh_per_second=_REFRESHES,
        transient=True,
        redirect_stdout=False,  # results go there even if only standard error is a terminal
    ) as live:
        yield live


def _draw_bar(share: float, text: str) -> "Text":
    from rich.text import Text

    done = min(_BAR, int(share * _BAR))
    return Text.assemble(("━" * done, "green"), ("━" * (_BAR - done), "bright_black"), " ", text)


def _sizes(sent: int, total: int) -> str:
    """Return how much of the bytes is sent, in the unit of the total."""
    unit, name = (1e9, "GB") if total >= 10e9 else (1e6, "MB")
    return f"{sent / unit:.1f}/{total / unit:.1f} {name}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
