"""The options and the state of one run of the command."""

from dataclasses import dataclass, field

from service.cli.progress import UploadBar
from service.cli.upload.form import UploadOptions
from service.cli.upload.resume import RecentImport


@dataclass
class UploadRun:
    """One run of the command.

    Attributes:
        options: for every upload.
        client: id of the client.
        piece_size: approximate size of a piece in bytes, or None if files are not split.
        key: of the only upload, if the user gives one.
        atomic: whether all files are one upload.
        as_json: whether results are printed as JSON.
        recent: imports that can include an unfinished upload.
        current: the upload that is sent now, and its key.
        bar: the progress of the run.
    """

    options: UploadOptions
    client: int
    piece_size: int | None
    key: str | None
    atomic: bool
    as_json: bool
    recent: list[RecentImport] = field(default_factory=list)
    current: tuple[str, str] | None = None
    bar: UploadBar = field(default_factory=UploadBar)
