# The ids of a project's records.

cdef enum:
    FEW_IDS = 20_000  # kept in the table; a ``DiskSet`` takes later ones
    FEW_BYTES = 1024 * 1024  # largest size of the ids in the table

cdef unsigned long long FNV_PRIME = 1099511628211
cdef unsigned long long SEED = int.from_bytes(urandom(8), "little")


cdef struct IdTable:
    # A hash table with open addressing. A slot has half of an id's hash in its upper half and, in its
    # lower half, one more than the offset of the id's length and text in ``texts``; 0 is empty.
    Buffer texts
    unsigned long long* slots
    Py_ssize_t size
    Py_ssize_t count
    bint full
    PyObject* owner


cdef unsigned long long hashed(
    unsigned long long hash, const char* text, Py_ssize_t size
) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(size):
        hash = (hash ^ <unsigned char> text[at]) * FNV_PRIME
    return hash


cdef bint is_at(
    IdTable* ids, Py_ssize_t offset, const char* kind, Py_ssize_t length, const char* text,
    Py_ssize_t size
) noexcept nogil:
    cdef const char* entry = ids.texts.data + offset
    cdef unsigned short total
    memcpy(&total, entry, 2)
    return (
        total == length + size
        and memcmp(entry + 2, kind, length) == 0
        and memcmp(entry + 2 + length, text, size) == 0
    )


cdef int look_up_id(
    IdTable* ids, const char* kind, Py_ssize_t length, const char* text, Py_ssize_t size,
    bint insert
) except -1 nogil:
    """Whether an id, given in two pieces, is in the set. With ``insert``, a missing id is added."""
    cdef unsigned long long hash, at, slot
    cdef unsigned short total = <unsigned short> (length + size)
    if ids.count * 4 >= ids.size * 3:
        if not insert and ids.size == 0:
            return 0
        grow_table(ids)
    hash = hashed(hashed(SEED, kind, length), text, size)
    hash ^= hash >> 29
    at = hash & (ids.size - 1)
    while ids.slots[at]:
        slot = ids.slots[at]
        if (slot ^ hash) >> 32 == 0 and is_at(
            ids, <Py_ssize_t> (<unsigned int> slot) - 1, kind, length, text, size
        ):
            return 1
        at = (at + 1) & (ids.size - 1)
    if ids.full:
        return look_up_later(ids, kind, length, text, size, insert)
    if insert:
        ids.slots[at] = (hash >> 32 << 32) | (ids.texts.used + 1)
        ids.count += 1
        put(&ids.texts, <const char*> &total, 2)
        put(&ids.texts, kind, length)
        put(&ids.texts, text, size)
        ids.full = ids.count >= FEW_IDS or ids.texts.used > FEW_BYTES
    return 0


cdef int grow_table(IdTable* ids) except -1 nogil:
    cdef Py_ssize_t size = 2 * ids.size if ids.size else 64
    cdef Py_ssize_t offset = 0
    cdef unsigned short total
    cdef unsigned long long hash, at
    ids.slots = <unsigned long long*> resized(ids.slots, size * sizeof(unsigned long long))
    memset(ids.slots, 0, size * sizeof(unsigned long long))
    ids.size = size
    while offset < ids.texts.used:
        memcpy(&total, ids.texts.data + offset, 2)
        hash = hashed(SEED, ids.texts.data + offset + 2, total)
        hash ^= hash >> 29
        at = hash & (size - 1)
        while ids.slots[at]:
            at = (at + 1) & (size - 1)
        ids.slots[at] = (hash >> 32 << 32) | (offset + 1)
        offset += total + 2
    return 0


cdef int look_up_later(
    IdTable* ids, const char* kind, Py_ssize_t length, const char* text, Py_ssize_t size,
    bint insert
) except -1 with gil:
    cdef IdSet owner = <IdSet> ids.owner
    cdef bytes record_id = PyBytes_FromStringAndSize(kind, length)
    record_id += PyBytes_FromStringAndSize(text, size)
    if owner.later is None:
        owner.later = owner.make_later()
    return (owner.later.add(record_id) if insert else owner.later.get(record_id)) is not None


cdef class IdSet:
    """A set of ids with the interface of ``DiskSet``, but faster while it is small.

    Args:
        make_later: creates the ``DiskSet`` that takes the ids after the first ones.
    """

    cdef IdTable table
    cdef object make_later, later

    def __cinit__(self, make_later):
        self.make_later = make_later
        self.table.owner = <PyObject*> self

    def __dealloc__(self):
        self.free_table()

    def add(self, bytes record_id):
        """Add an id; return None if it is new, otherwise a number."""
        return 0 if self.look_up(record_id, True) else None

    def get(self, bytes record_id):
        """Return a number if an id is in the set, otherwise None."""
        return 0 if self.look_up(record_id, False) else None

    def close(self):
        """Free memory and disk."""
        self.free_table()
        if self.later is not None:
            self.later.close()

    cdef bint look_up(self, bytes record_id, bint insert) except -1:
        cdef const char* text = PyBytes_AS_STRING(record_id)
        return look_up_id(&self.table, text, 0, text, PyBytes_GET_SIZE(record_id), insert)

    cdef int free_table(self) noexcept:
        free(self.table.texts.data)
        free(self.table.slots)
        memset(&self.table.texts, 0, sizeof(Buffer))
        self.table.slots = NULL
        self.table.size = self.table.count = 0
        return 0
