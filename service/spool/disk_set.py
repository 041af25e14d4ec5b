"""An exact set for millions of keys that takes a few bytes of memory for each of them."""

from array import array
from types import TracebackType

from service.spool.spool import SpoolFile, SpoolShare

FEW = 10_000
"""Keys that are kept in a dict; the compact tables take later ones."""

FEW_BYTES = 1024 * 1024
"""Largest size of the keys in the dict."""

_HASH_BITS = 28
_WORD = (1 << _HASH_BITS) - 1
_OFFSET_BITS = 64 - _HASH_BITS
_OFFSETS = (1 << _OFFSET_BITS) - 1
_HEAD = 10
"""Bytes before each stored key: its payload (8) and its length (2)."""
_TABLES = 64
_FIRST_SLOTS = 512
"""Slots of a new table; a table that is four fifths full grows by half."""


class DiskSet:
    """A set of keys, each with a number (its payload); keys cannot be removed.

    The first keys are kept in a dict. Later ones go to a working file, the latest of them to a
    buffer in memory, and open-addressed tables keep eight bytes for each key: 28 bits of its
    hash, and its offset in the file. A lookup compares the stored key, so two keys with the same
    hash are never confused. The hash selects one of several tables, because a table that grows
    exists twice for a moment.

    Args:
        spool: share of the spool that the working file belongs to.
        memory: size of the buffer in bytes.

    Raises:
        TooLarge: from ``add``, when the import's share of the spool is used up.
        OSError: from ``add`` and ``get``, when the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare, memory: int = 1 << 18) -> None:
        self._memory = memory
        self._spool = spool
        self._few: dict[bytes, int] = {}
        self._few_bytes = 0
        self._counts = [0] * _TABLES
        self._tables: list[array[int]] = []
        self._file: SpoolFile | None = None
        self._on_disk = 0
        self._latest = bytearray()

    def __len__(self) -> int:
        return len(self._few) + sum(self._counts)

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def __enter__(self) -> "DiskSet":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, key: bytes, payload: int = 0) -> int | None:
        """Add a key, unless the set contains it.

        Args:
            key: at most 65,535 bytes.
            payload: a number from 0 to 2**63 - 1.

        Returns:
            None if the key is new, else the payload with which it was first added.
        """
        known = self._few.get(key)
        if known is not None:
            return known
        if not self._tables:
            self._few[key] = payload
            self._few_bytes += len(key)
            if len(self._few) >= FEW or self._few_bytes > FEW_BYTES:
                self._latest += b"\0"  # an offset of 0 would look like an empty slot
                self._tables = [_new_table(_FIRST_SLOTS) for _ in range(_TABLES)]
            return None
        word = hash(key) & _WORD
        known, slots, slot = self._find(word, key)
        if known is None:
            self._put(slots, slot, word, key, payload)
        return known

    def get(self, key: bytes) -> int | None:
        """Return the payload of a key, or None if the set does not contain it."""
        known = self._few.get(key)
        if known is None and self._tables:
            known = self._find(hash(key) & _WORD, key)[0]
        return known

    def close(self) -> None:
        """Free memory and disk space."""
        self._few.clear()
        self._tables.clear()
        self._latest.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _find(self, word: int, key: bytes) -> "tuple[int | None, array[int], int]":
        """Return the key's payload or None, and the table and slot of the key or for it."""
        slots = self._tables[word % _TABLES]
        slot = word // _TABLES % len(slots)
        while entry := slots[slot]:
            if entry >> _OFFSET_BITS == word:
                payload = self._read_payload(entry & _OFFSETS, key)
                if payload is not None:
                    return payload, slots, slot
            slot = (slot + 1) % len(slots)
        return None, slots, slot

    def _read_payload(self, offset: int, key: bytes) -> int | None:
        """Return the payload stored at an offset, or None if it belongs to another key."""
        size = _HEAD + len(key)
        if offset >= self._on_disk:
            offset -= self._on_disk
            record = bytes(self._latest[offset : offset + size])
        else:
            assert self._file is not None
            self._file.seek(offset)
            record = self._file.read(size)
        if int.from_bytes(record[8:_HEAD]) == len(key) and record[_HEAD:] == key:
            return int.from_bytes(record[:8])
        return None

    def _put(self, slots: "array[int]", slot: int, word: int, key: bytes, payload: int) -> None:
        slots[slot] = word << _OFFSET_BITS | (self._on_disk + len(self._latest))
        self._latest += payload.to_bytes(8) + len(key).to_bytes(2) + key
        if len(self._latest) > self._memory:
            self._write()
        table = word % _TABLES
        self._counts[table] += 1
        if self._counts[table] * 5 > len(slots) * 4:
            self._tables[table] = _enlarge(slots)

    def _write(self) -> None:
        """Write the buffer to the file."""
        if self._file is None:
            self._file = self._spool.new_file()
        self._file.seek(self._on_disk)
        self._file.write(self._latest)
        self._on_disk += len(self._latest)
        self._latest.clear()


def _new_table(size: int) -> "array[int]":
    return array("Q", bytes(8 * size))


def _enlarge(slots: "array[int]") -> "array[int]":
    size = len(slots) * 3 // 2
    larger = _new_table(size)
    for entry in slots:
        if entry:
            slot = (entry >> _OFFSET_BITS) // _TABLES % size
            while larger[slot]:
                slot = (slot + 1) % size
            larger[slot] = entry
    return larger
