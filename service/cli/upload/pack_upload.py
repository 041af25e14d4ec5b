"""Uploads one pack: hashes or splits its files, resumes, sends, and reports each of them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import ParamSpec, TypeVar

from service.cli.client import ApiClient
from service.cli.output import CommandError
from service.cli.progress import UploadBar
from service.cli.response import TemporaryFailure
from service.cli.upload import resume
from service.cli.upload.failures import FailureRows
from service.cli.upload.form import UploadPart
from service.cli.upload.packs import Pack, PackFile
from service.cli.upload.report import FileReport, Room
from service.cli.upload.run import UploadRun
from service.cli.upload.send import Refused, Upload, send_upload
from service.cli.upload.sinks import PackReport, PieceReport
from service.cli.upload.splitting.piece_file import UnreadableFile, hash_piece
from service.cli.upload.splitting.pieces import SplitFile, whole_file
from service.cli.upload.splitting.split_file import keep_whole, split_file
from service.formats.p6.shared_objects import unused_objects
from service.imports.outcomes import format_refusal

P = ParamSpec("P")
T = TypeVar("T")


class PackUpload:
    """Uploads one pack.

    Args:
        rows: takes all failures.
        bar: shows the progress of the run.
    """

    def __init__(self, run: UploadRun, api: ApiClient, rows: FailureRows, bar: UploadBar) -> None:
        self._run = run
        self._api = api
        self._rows = rows
        self._bar = bar
        self._is_stopped = False

    async def upload(self, pack: Pack) -> list[FileReport]:
        """Upload the pack, and return the results of its files, even if the upload fails."""
        room = Room()
        reports = {
            file.name: FileReport(str(file.path), self._rows, name=file.name, room=room)
            for file in pack.files
        }
        rest = FileReport(pack.title, self._rows, room=room)
        sink = PackReport(pack.title, reports, rest, room)
        self._bar.begin_pack(len(pack.files), pack.size)
        left = pack.files
        while left:
            try:
                await self._send(Pack(left), reports, sink)
                break
            except UnreadableFile as problem:
                reports[problem.name].refusals.append(str(problem))
                left = [file for file in left if file.name != problem.name]
                if self._run.atomic:
                    reason = f"not sent, because {reports[problem.name].file} cannot be read"
                    _refuse(left, reports, reason)
                    break
            except Refused as refused:
                _refuse(left, reports, str(refused))
                break
            except CommandError as error:
                _refuse(left, reports, str(error).removeprefix(f"{pack.title}: "), unsent=True)
                break
        self._run.current = None
        results = [*reports.values(), *([] if rest.is_empty else [rest])]
        self._bar.end_pack(len(pack.files), sum(sum(each.counts.values()) for each in results))
        return results

    async def _send(self, pack: Pack, reports: Mapping[str, FileReport], sink: PackReport) -> None:
        """Send the files of a pack.

        Raises:
            Refused, CommandError, UnreadableFile: as ``send_upload``.
        """
        files = [file.refresh() for file in pack.files]
        for file in files:
            reports[file.name].bytes = file.stamp.size
        if len(files) == 1:
            await self._send_file(files[0], reports[files[0].name])
            return
        content = await self._run_thread(_hash_files, files, self._on_read)
        key, is_resumed = await self._find_key(content, 1)
        for file in files:
            reports[file.name].key = key
        parts = [
            UploadPart(file, whole_file(file.stamp.size), self._charset_of(file)) for file in files
        ]
        self._run.current = pack.title, key
        upload = Upload(pack.title, parts, key, self._run.key is None, is_resumed)
        self._bar.begin_sending(upload.size)
        await send_upload(self._api, upload, self._run.options, sink, self._bar)

    async def _send_file(self, file: PackFile, report: FileReport) -> None:
        """Send one file, in pieces if it is large."""
        digest = blake2b(digest_size=32)
        try:
            split = await self._run_thread(self._split, file, digest)
        except OSError as error:
            raise UnreadableFile(file.name, error) from error
        report.pieces = len(split.pieces)
        for duplicate in split.duplicates:
            named = {"file": file.name, "first_file": file.name}
            report.add_failure(format_refusal(duplicate) | named)
        report.counts["failed"] += len(split.duplicates)
        if split.unused:
            report.add_file_warning(unused_objects(split.unused).as_dict())
        for warning in split.warnings:
            report.add_file_warning(warning.as_dict())
        report.key, is_resumed = await self._find_key(digest.digest(), len(split.pieces))
        self._run.current = report.file, report.key
        self._bar.begin_sending(sum(piece.size for piece in split.pieces))
        is_whole = len(split.pieces) == 1 and not split.duplicates
        for piece in split.pieces:
            key = report.key
            if not is_whole:
                piece_hash = await asyncio.to_thread(hash_piece, file.path, piece, file.stamp)
                key = resume.piece_key(key, piece_hash)
            upload = Upload(
                file.path.name,
                [UploadPart(file, piece, split.charset or self._charset_of(file))],
                key,
                may_recover=not is_whole or self._run.key is None,
                is_resumed=is_resumed,
            )
            into = PieceReport(report, piece)
            await send_upload(self._api, upload, self._run.options, into, self._bar)
            self._bar.end_piece(piece.size, sum(report.counts.values()))

    def _split(self, file: PackFile, digest: "blake2b") -> SplitFile:
        def on_read(data: bytes) -> None:
            digest.update(data)
            self._on_read(data)

        size = self._run.piece_size
        if size is None or file.stamp.size <= size:
            return keep_whole(file.path, on_read)
        return split_file(file.path, size, on_read, self._charset_of(file))

    def _charset_of(self, file: PackFile) -> str | None:
        """Return the encoding that the user names for a file; an XML file declares its own."""
        return self._run.options.charset if file.is_xer else None

    async def _run_thread(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Run work that reads files in a thread, which ends soon after Ctrl-C."""
        try:
            return await asyncio.to_thread(work, *args, **options)
        except asyncio.CancelledError:
            self._is_stopped = True
            raise

    def _on_read(self, data: bytes) -> None:
        if self._is_stopped:
            raise InterruptedError
        self._bar.add_read(data)

    async def _find_key(self, content: bytes, pieces: int) -> tuple[str, bool]:
        """Return the key of an upload, and whether an earlier run may have sent it."""
        run = self._run
        if run.key is not None:
            return run.key, True
        options = run.options
        request = {"notes": options.notes, "size": run.piece_size, **options.query}
        if options.charset is not None:
            request["charset"] = options.charset
        prefix = resume.key_prefix(content, run.client, request)
        try:
            resumed = await resume.find_unfinished(self._api, prefix, pieces, run.recent)
        except (TemporaryFailure, CommandError):
            resumed = None
        return resumed or resume.new_key(prefix), resumed is not None


def _hash_files(files: Iterable[PackFile], on_read: Callable[[bytes], None]) -> bytes:
    """Return a hash over the names and the bytes of files.

    Args:
        on_read: receives the bytes as they are read.

    Raises:
        UnreadableFile: a file cannot be read, or was changed.
    """
    digest = blake2b(digest_size=32)
    for file in files:
        try:
            piece = whole_file(file.stamp.size)
            content = hash_piece(file.path, piece, file.stamp, on_read)
        except OSError as error:
            raise UnreadableFile(file.name, error) from error
        name = file.name.encode()
        digest.update(len(name).to_bytes(4) + name + content)
    return digest.digest()


def _refuse(
    files: Iterable[PackFile],
    reports: Mapping[str, FileReport],
    problem: str,
    *,
    unsent: bool = False,
) -> None:
    for file in files:
        reports[file.name].refusals.append(problem)
        reports[file.name].unsent = unsent
