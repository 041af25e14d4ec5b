# The names of a project's records.

cdef enum:
    FEW_NAMES = 20_000  # kept here; beyond that they go to a ``HashSet``

cdef unsigned long long FNV_PRIME = 1099511628211
cdef unsigned long long SEED = int.from_bytes(urandom(8), "little")


cdef struct NameSet:
    # Each slot has half of a name's hash above the place in ``texts`` where its length and text
    # stand, plus one; 0 is empty.
    Buffer texts
    unsigned long long* slots
    Py_ssize_t size
    Py_ssize_t count
    bint spilled
    PyObject* owner


cdef unsigned long long hashed(
    unsigned long long hash, const char* text, Py_ssize_t size
) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(size):
        hash = (hash ^ <unsigned char> text[at]) * FNV_PRIME
    return hash


cdef bint is_at(
    NameSet* names, Py_ssize_t place, const char* kind, Py_ssize_t length, const char* text,
    Py_ssize_t size
) noexcept nogil:
    cdef const char* entry = names.texts.data + place
    cdef unsigned short total
    memcpy(&total, entry, 2)
    return (
        total == length + size
        and memcmp(entry + 2, kind, length) == 0
        and memcmp(entry + 2 + length, text, size) == 0
    )


cdef int find_name(
    NameSet* names, const char* kind, Py_ssize_t length, const char* text, Py_ssize_t size,
    bint insert
) except -1 nogil:
    """Whether a name, given in two pieces, is there already; put there if not, where wanted."""
    cdef unsigned long long hash, at, slot
    cdef unsigned short total = <unsigned short> (length + size)
    if names.spilled:
        return find_spilled(names, kind, length, text, size, insert)
    if names.count * 4 >= names.size * 3:
        if not insert and names.size == 0:
            return 0
        widen(names)
    hash = hashed(hashed(SEED, kind, length), text, size)
    hash ^= hash >> 29
    at = hash & (names.size - 1)
    while names.slots[at]:
        slot = names.slots[at]
        if (slot ^ hash) >> 32 == 0 and is_at(
            names, <Py_ssize_t> (<unsigned int> slot) - 1, kind, length, text, size
        ):
            return 1
        at = (at + 1) & (names.size - 1)
    if insert:
        names.slots[at] = (hash >> 32 << 32) | (names.texts.used + 1)
        names.count += 1
        put(&names.texts, <const char*> &total, 2)
        put(&names.texts, kind, length)
        put(&names.texts, text, size)
        if names.count > FEW_NAMES:
            spill_names(names)
    return 0


cdef int widen(NameSet* names) except -1 nogil:
    cdef Py_ssize_t size = 2 * names.size if names.size else 64
    cdef Py_ssize_t place = 0
    cdef unsigned short total
    cdef unsigned long long hash, at
    names.slots = <unsigned long long*> grown(names.slots, size * sizeof(unsigned long long))
    memset(names.slots, 0, size * sizeof(unsigned long long))
    names.size = size
    while place < names.texts.used:
        memcpy(&total, names.texts.data + place, 2)
        hash = hashed(SEED, names.texts.data + place + 2, total)
        hash ^= hash >> 29
        at = hash & (size - 1)
        while names.slots[at]:
            at = (at + 1) & (size - 1)
        names.slots[at] = (hash >> 32 << 32) | (place + 1)
        place += total + 2
    return 0


cdef int find_spilled(
    NameSet* names, const char* kind, Py_ssize_t length, const char* text, Py_ssize_t size,
    bint insert
) except -1 with gil:
    cdef Names owner = <Names> names.owner
    cdef bytes name = PyBytes_FromStringAndSize(kind, length) + PyBytes_FromStringAndSize(text, size)
    return (owner.spilled.add(name) if insert else owner.spilled.get(name)) is not None


cdef int spill_names(NameSet* names) except -1 with gil:
    (<Names> names.owner).spill()
    return 0


cdef class Names:
    """A set of names; as ``HashSet``, and quicker while there are few.

    Args:
        larger: makes the ``HashSet`` that takes over once they are many.
    """

    cdef NameSet set
    cdef object larger, spilled

    def __cinit__(self, larger):
        self.larger = larger
        self.set.owner = <PyObject*> self

    def __dealloc__(self):
        self.give_back()

    def add(self, bytes name):
        """Add a name; None where it is new, else a number."""
        return 0 if self.look_up(name, True) else None

    def get(self, bytes name):
        """A number where a name is there, else None."""
        return 0 if self.look_up(name, False) else None

    def close(self):
        """Give back memory and disk."""
        self.give_back()
        if self.spilled is not None:
            self.spilled.close()

    cdef bint look_up(self, bytes name, bint insert) except -1:
        cdef const char* text = PyBytes_AS_STRING(name)
        return find_name(&self.set, text, 0, text, PyBytes_GET_SIZE(name), insert)

    cdef int spill(self) except -1:
        cdef Py_ssize_t place = 0
        cdef unsigned short size
        spilled = self.larger()
        while place < self.set.texts.used:
            memcpy(&size, self.set.texts.data + place, 2)
            spilled.add(PyBytes_FromStringAndSize(self.set.texts.data + place + 2, size))
            place += size + 2
        self.spilled = spilled
        self.set.spilled = True
        self.give_back()
        return 0

    cdef int give_back(self) noexcept:
        free(self.set.texts.data)
        free(self.set.slots)
        memset(&self.set.texts, 0, sizeof(Buffer))
        self.set.slots = NULL
        self.set.size = self.set.count = 0
        return 0
