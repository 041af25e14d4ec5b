"""What a project comes to hold: its rows, within its limits, and the hash over them."""

import hashlib
from collections import defaultdict

import orjson

from service.formats.engine.record_parser import ParsedRecord
from service.formats.limits import Limits
from service.formats.references import Row
from service.model import SharedObject
from service.spool.copy_rows import CopyRows
from service.spool.spool import TooLarge
from service.tables import TABLES, Table

__all__ = ["ProjectContent", "TooLarge", "copy_lines", "shared_object"]

_AT_A_TIME = 256
"""Rows that are hashed together: one call for many costs less than one each."""


class ProjectContent:
    """The rows of one project's children, in memory while they are few, and their hashes.

    Args:
        limits: of the file.
    """

    def __init__(self, limits: Limits) -> None:
        self.rows = CopyRows(limits.spill_bytes, limits.spool)
        self._most = limits.max_project_bytes
        self._hashes: dict[Table, hashlib.blake2b] = {}
        self._unhashed: defaultdict[Table, list[bytes]] = defaultdict(list)

    def add(self, row: Row) -> None:
        """Add a row.

        Raises:
            TooLarge: the rows are over the limit.
        """
        rows = self.rows
        rows.add(row.table, row.text)
        unhashed = self._unhashed[row.table]
        unhashed.append(row.hashed)
        if len(unhashed) == _AT_A_TIME:
            self._update(row.table)
        if rows.size > self._most:
            raise TooLarge(f"the project's rows are over {self._most} bytes")

    def extend(self, table: Table, rows: int, text: bytes, hashed: bytes) -> None:
        """Add rows; as ``Plan.extend``.

        Raises:
            TooLarge: the rows are over the limit.
        """
        self.rows.add_block(table, rows, text)
        if self._unhashed:
            self._update(table)
        self._hash(table).update(hashed)
        if self.rows.size > self._most:
            raise TooLarge(f"the project's rows are over {self._most} bytes")

    def hash(self, own: bytes, shared: set[bytes]) -> bytes:
        """32 bytes over all that the project says; the order between tables does not matter.

        Args:
            own: the project's own row, without what changes at every save.
            shared: hashes of the shared objects that it takes.
        """
        content = hashlib.blake2b(own, digest_size=32)
        for digest in sorted(shared):
            content.update(digest)
        for table in self._unhashed:
            self._update(table)
        for table in TABLES:
            if (hashed := self._hashes.get(table)) is not None:
                content.update(table.encode() + hashed.digest())
        return content.digest()

    def _update(self, table: Table) -> None:
        if unhashed := self._unhashed[table]:
            self._hash(table).update(b"\n".join((*unhashed, b"")))
            unhashed.clear()

    def _hash(self, table: Table) -> hashlib.blake2b:
        hashed = self._hashes.get(table)
        if hashed is None:
            hashed = self._hashes[table] = hashlib.blake2b(digest_size=32)
        return hashed


def copy_lines(record: ParsedRecord, width: int, most: int) -> tuple[bytes, bytes]:
    """A record's COPY text, and the same without what changes at every save.

    Args:
        record: what the walk gave.
        width: how many of its columns are stored; its attributes follow them.
        most: bytes that its attributes may have.

    Raises:
        TooLarge: they have more.
    """
    if len(record.whole) > most:
        raise TooLarge(f"the attributes of one record are over {most} bytes")
    columns = record.columns[:width]
    columns.append(record.stable.replace(b"\\", b"\\\\"))
    stable = b"\t".join(columns)
    if record.whole is record.stable:
        return stable, stable
    columns[width] = record.whole.replace(b"\\", b"\\\\")
    return b"\t".join(columns), stable


def shared_object(element: str, object_id: str | None, record: ParsedRecord) -> SharedObject:
    """A shared object: its hash is over element, id and attributes without what changes."""
    head = orjson.dumps([element, object_id])
    digest = hashlib.blake2b(head + record.stable, digest_size=32).digest()
    return SharedObject(digest, element, object_id, record.whole)
