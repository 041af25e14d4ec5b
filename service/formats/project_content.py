"""The rows of one project, bounded in size, and the content hash over them."""

import hashlib
from collections.abc import Iterable
from typing import Final

import orjson

from service.formats.engine.parsed_record import ParsedRecord
from service.formats.limits import Limits
from service.formats.record_rules import RecordRule
from service.formats.references import Row
from service.formats.values import NULL
from service.model import SharedObject
from service.spool.copy_rows import CopyRows, StoredRows
from service.spool.spool import SpoolFile, TooLarge
from service.tables import TABLES, Table

__all__ = ["ProjectContent", "TooLarge", "copy_lines", "hashed_columns", "shared_object"]

_NAMES: Final = {table: table.encode() for table in TABLES}

_HASHED_TOGETHER: Final = 256
"""Rows hashed in one call, which costs less than a call for each."""

_HASHED_ALONE: Final = 16 * 1024
"""Bytes from which on a row is hashed at once, so that few bytes wait to be hashed."""


class ProjectContent:
    """The rows of one project's records, and their hashes. Many rows go from memory to disk.

    Args:
        limits: of the file.
    """

    def __init__(self, limits: Limits) -> None:
        self.rows: CopyRows | StoredRows = CopyRows(limits.spill_bytes, limits.spool)
        self._limits = limits
        self._limit = limits.max_project_bytes
        self._hashes: dict[Table, hashlib.blake2b] = {}
        self._unhashed: dict[Table, list[bytes]] = {}

    def add(self, row: Row) -> None:
        """Add a row.

        Raises:
            TooLarge: the rows are over the limit.
        """
        rows = self.rows
        assert isinstance(rows, CopyRows)
        table, text, hashed = row
        rows.add(table, text)
        if (unhashed := self._unhashed.get(table)) is None:
            unhashed = self._unhashed[table] = []
        if len(hashed) >= _HASHED_ALONE:
            self._update(table)
            self._hash(table).update(hashed)
            self._hash(table).update(b"\n")
        else:
            unhashed.append(hashed)
            if len(unhashed) == _HASHED_TOGETHER:
                self._update(row.table)
        if rows.size > self._limit:
            raise TooLarge(f"the project's rows are over {self._limit} bytes")

    def extend(self, table: Table, rows: int, text: bytes, hashed: bytes) -> None:
        """Add rows; as ``ProjectBuilder.extend``.

        Raises:
            TooLarge: the rows are over the limit.
        """
        assert isinstance(self.rows, CopyRows)
        self.rows.add_block(table, rows, text)
        if self._unhashed:
            self._update(table)
        if (known := self._hashes.get(table)) is None:
            self._hashes[table] = hashlib.blake2b(hashed, digest_size=32)
        else:
            known.update(hashed)
        if self.rows.size > self._limit:
            raise TooLarge(f"the project's rows are over {self._limit} bytes")

    def park(self, file: SpoolFile) -> None:
        """Move the rows to the end of a file, unless they have one, until ``unpark``."""
        self._update_all()
        self.rows = self.rows.park(file)

    def unpark(self) -> None:
        """Take the rows back from the file, so that more can be added.

        Raises:
            TooLarge: the import's share of the spool is used up.
        """
        if isinstance(self.rows, StoredRows):
            rows = CopyRows(self._limits.spill_bytes, self._limits.spool)
            try:
                self.rows.load(rows)
            except BaseException:
                rows.close()
                raise
            self.rows = rows

    def counts(self) -> list[int]:
        """Return the number of rows of each table so far, in the order of ``TABLES``."""
        return [self.rows.count(table) for table in TABLES]

    def close(self) -> None:
        """Free memory and disk."""
        self._unhashed.clear()
        self.rows.close()

    def hash(self, own_row: bytes, shared: Iterable[bytes]) -> bytes:
        """Return a hash of 32 bytes over the project's content, whatever the order of its tables.

        Args:
            own_row: the row of the project itself, without the volatile members.
            shared: sorted hashes of the shared objects that it takes.
        """
        self._update_all()
        content = hashlib.blake2b(own_row, digest_size=32)
        digests = [*shared]
        for table in TABLES:
            if (hashed := self._hashes.get(table)) is not None:
                digests += _NAMES[table], hashed.digest()
        content.update(b"".join(digests))
        return content.digest()

    def _update_all(self) -> None:
        for table in self._unhashed:
            self._update(table)

    def _update(self, table: Table) -> None:
        if unhashed := self._unhashed.get(table):
            self._hash(table).update(b"\n".join((*unhashed, b"")))
            unhashed.clear()

    def _hash(self, table: Table) -> hashlib.blake2b:
        hashed = self._hashes.get(table)
        if hashed is None:
            hashed = self._hashes[table] = hashlib.blake2b(digest_size=32)
        return hashed


def copy_lines(record: ParsedRecord, rule: RecordRule, limit: int) -> tuple[bytes, bytes]:
    """Return a record's COPY text, and the text that its content hash covers.

    The second one is without the volatile members, and without the nulls that do not count.

    Args:
        record: the record.
        rule: its rule.
        limit: largest size of its attributes in bytes.

    Raises:
        TooLarge: its attributes are larger.
    """
    if len(record.whole) > limit:
        raise TooLarge(f"the attributes of one record are over {limit} bytes")
    columns = record.columns[: len(rule.columns)]
    hashed = hashed_columns(columns, rule)
    attributes = record.stable.replace(b"\\", b"\\\\")
    stable = b"\t".join((*hashed, attributes))
    if record.whole is not record.stable:
        attributes = record.whole.replace(b"\\", b"\\\\")
    elif len(hashed) == len(columns):
        return stable, stable
    return b"\t".join((*columns, attributes)), stable


def hashed_columns(columns: list[bytes], rule: RecordRule) -> list[bytes]:
    """Return the columns of a row, as COPY text, that count for the content hash."""
    width = len(columns)
    while width > rule.always_hashed and columns[width - 1] == NULL:
        width -= 1
    return columns[:width]


def shared_object(element: str, object_id: str | None, record: ParsedRecord) -> SharedObject:
    """Return a shared object. Its hash covers element, id and attributes, not volatile members."""
    head = orjson.dumps([element, object_id])
    digest = hashlib.blake2b(head + record.stable, digest_size=32).digest()
    return SharedObject(digest, element, object_id, record.whole)
