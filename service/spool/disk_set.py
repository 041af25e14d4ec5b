"""A set of a million keys in a few bytes each, exact, with a number kept beside each key."""

from array import array
from types import TracebackType

from service.spool.spool import SpoolFile, SpoolShare

FEW = 20_000
"""Keys kept in an ordinary dict before the compact table is begun."""

_HASH_BITS = 28
_WORD = (1 << _HASH_BITS) - 1
_OFFSET_BITS = 64 - _HASH_BITS
_OFFSETS = (1 << _OFFSET_BITS) - 1
_HEAD = 10
"""Bytes before each spooled key: its payload (8) and its length (2)."""
_TABLES = 64
_FIRST_SLOTS = 512
"""Of each table; one that is four fifths full grows by half."""


class DiskSet:
    """Keys, each with a payload, that are added and never taken out.

    Few keys live in a dict. Beyond ``FEW`` they go to a spool, the latest in memory and the others
    in an unlinked file, and flat open-addressed tables hold eight bytes for each: 28 bits of its
    hash and its offset in the spool. A hit is confirmed by the key itself, so that no two keys are
    ever taken for one. There are several tables, chosen by the hash, so that one that grows takes
    little room beside its old self.

    Args:
        spool: where the spool's file is made.
        memory: bytes of spooled keys kept in memory.

    Raises:
        TooLarge: from ``add``, where the import's share of the spool is used up.
        OSError: from ``add`` and ``get``, where the disk fails or is full.
    """

    def __init__(self, spool: SpoolShare, memory: int = 1 << 18) -> None:
        self._memory = memory
        self._spool = spool
        self._few: dict[bytes, int] | None = {}
        self._counts = [0] * _TABLES
        self._tables: list[array[int]] = []
        self._file: SpoolFile | None = None
        self._on_disk = 0
        self._latest = bytearray()

    def __len__(self) -> int:
        return sum(self._counts) if self._few is None else len(self._few)

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
        """Add a key of at most 65,535 bytes, with a number from 0 below 2**63.

        Returns:
            None where the key is new, else the payload it was first added with, which stays.
        """
        if self._few is not None:
            before = self._few.get(key)
            if before is None:
                self._few[key] = payload
                if len(self._few) > FEW:
                    self._outgrow()
            return before
        word = hash(key) & _WORD
        found, slots, slot = self._find(word, key)
        if found is None:
            self._put(slots, slot, word, key, payload)
        return found

    def get(self, key: bytes) -> int | None:
        """The payload of a key, or None where it was not added."""
        if self._few is not None:
            return self._few.get(key)
        return self._find(hash(key) & _WORD, key)[0]

    def close(self) -> None:
        """Give back memory and disk."""
        self._few = {}
        self._tables.clear()
        self._latest.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _outgrow(self) -> None:
        few, self._few = self._few or {}, None
        self._latest += b"\0"  # so that no offset is 0, which marks an empty slot
        self._tables = [_empty(_FIRST_SLOTS) for _ in range(_TABLES)]
        for key, payload in few.items():
            self.add(key, payload)

    def _find(self, word: int, key: bytes) -> "tuple[int | None, array[int], int]":
        """The payload of a key if it is there; the table and slot where it is or would go."""
        slots = self._tables[word % _TABLES]
        slot = word // _TABLES % len(slots)
        while entry := slots[slot]:
            if entry >> _OFFSET_BITS == word:
                payload = self._confirm(entry & _OFFSETS, key)
                if payload is not None:
                    return payload, slots, slot
            slot = (slot + 1) % len(slots)
        return None, slots, slot

    def _confirm(self, offset: int, key: bytes) -> int | None:
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
        place = word % _TABLES
        self._counts[place] += 1
        if self._counts[place] * 5 > len(slots) * 4:
            self._tables[place] = _grown(slots)

    def _write(self) -> None:
        if self._file is None:
            self._file = self._spool.new_file()
        self._file.seek(self._on_disk)
        self._file.write(self._latest)
        self._on_disk += len(self._latest)
        self._latest.clear()


def _empty(size: int) -> "array[int]":
    return array("Q", bytes(8 * size))


def _grown(slots: "array[int]") -> "array[int]":
    size = len(slots) * 3 // 2
    larger = _empty(size)
    for entry in slots:
        if entry:
            slot = (entry >> _OFFSET_BITS) // _TABLES % size
            while larger[slot]:
                slot = (slot + 1) % size
            larger[slot] = entry
    return larger
