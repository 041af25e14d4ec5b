# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The walk of ``walk.py`` over lxml's C structures, for records in which nothing is out of order.

Whatever is rare (a fault, a foreign name, text between elements, …) makes it leave the record to
``walk.walk``, which decides: what is here is only the common path of each rule. It is driven by the
same shapes, and knows no dialect.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uintptr_t
from libc.stdlib cimport qsort
from libc.string cimport memcmp, memcpy, memset, strcmp, strlen
from lxml.includes cimport etreepublic as cetree
from lxml.includes.tree cimport (
    XML_CDATA_SECTION_NODE,
    XML_ELEMENT_NODE,
    XML_TEXT_NODE,
    xmlAttr,
    xmlNode,
)

from service.xml import rulej, values
from service.xml.walk import walk as walk_any

cetree.import_lxml__etree()

cdef bytes _XSI = rulej.XSI[1:-1].encode()
cdef const char* XSI = _XSI
cdef bytes EMPTY = rulej.EMPTY
cdef bytes NULL_VALUE = values.NULL

cdef const char* EMPTY_TEXT = b""
cdef const char* OWN_TEXT = b"#text"

cdef enum Use:
    MAPPED = 1
    ATTRIBUTE = 2
    APART = 3
    HELD = 4
    LEFT = 5

cdef enum Kind:
    OTHER
    TEXT
    ID
    TIMESTAMP
    INTEGER
    BOOLEAN
    PERCENT
    DURATION

cdef dict _KINDS = {
    values.TEXT.parse: TEXT,
    values.ID.parse: ID,
    values.TIMESTAMP.parse: TIMESTAMP,
    values.INTEGER.parse: INTEGER,
    values.BOOLEAN.parse: BOOLEAN,
    values.PERCENT.parse: PERCENT,
    values.DURATION.parse: DURATION,
}

cdef enum:
    NAMES = 512  # of elements, in the table of a shape; half of them at most are used
    DEEPEST = 60  # elements below a record


cdef struct Name:
    # What a shape makes of one element name; found by the address of the name, which the parser
    # keeps in a dictionary for as long as the file is read.
    const char* address
    Use use
    Kind kind
    int column
    int rank
    bint keep
    bint moving
    const char* key
    Py_ssize_t length
    void* parse
    unsigned long long met  # in which record last


cdef struct Entry:
    # One member to be: a leaf's text, or an element with something in it.
    const char* key
    Py_ssize_t length
    char sign
    bint moving
    int order
    const char* text
    Py_ssize_t size
    xmlNode* node


cdef struct Later:
    xmlNode* node
    Name* name


include "compiled_nodes.pxi"
include "compiled_values.pxi"


cdef class Record:
    """What one record says; see ``walk.Record``."""

    cdef readonly list columns
    cdef readonly bytes stable
    cdef readonly bytes whole
    cdef readonly object faults
    cdef readonly object apart


cdef class Walk:
    """The walk for one shape; call it with an element. Good for one file and one thread.

    Args:
        shape: compiled from a record's map.
    """

    cdef object shape, children, attributes, names, volatile, apart_tags, held_tags, left_tags
    cdef tuple defaults, required
    cdef list blank, alive
    cdef bint strict, parts
    cdef bytes home
    cdef Name table[NAMES]
    cdef int known
    cdef unsigned long long reading
    cdef char* out
    cdef Py_ssize_t used, room
    cdef Entry* entries
    cdef int entry_count, entry_room

    def __init__(self, shape):
        self.shape = shape
        self.children = shape.children
        self.attributes = shape.attributes
        self.names = shape.names
        self.volatile = shape.volatile
        self.apart_tags = shape.apart
        self.held_tags = shape.holds
        self.left_tags = shape.gather.keys()
        self.defaults = shape.defaults
        self.required = shape.required
        self.blank = shape.blank
        self.strict = shape.strict
        self.parts = shape.parts
        self.home = shape.names.namespace.encode()
        self.alive = []
        memset(self.table, 0, sizeof(self.table))

    def __dealloc__(self):
        PyMem_Free(self.out)
        PyMem_Free(self.entries)

    def __call__(self, element):
        cdef Record record = self.read(<cetree._Element?>element)
        return walk_any(element, self.shape) if record is None else record

    cdef Record read(self, cetree._Element element):
        """The record, or None where something in it is rare."""
        cdef Record record
        cdef xmlNode* child
        cdef Name* name
        cdef Later later[8]
        cdef int late = 0, rank, at, full
        cdef list columns = self.blank.copy()
        cdef list apart = None
        self.entry_count = 0
        self.reading += 1
        if not self.read_attributes(element._c_node, columns):
            return None
        child = element._c_node.children
        while child != NULL:
            if child.type != XML_ELEMENT_NODE:
                if not is_blank_text(child):
                    return None
                child = child.next
                continue
            name = self.name_of(child)
            if name == NULL or name.use == LEFT:
                return None
            if name.use == APART:
                if apart is None:
                    apart = []
                apart.append(cetree.elementFactory(element._doc, child))
            elif name.use == HELD:
                if name.met == self.reading or not is_empty(child):
                    return None
                name.met = self.reading
            elif name.use == ATTRIBUTE:
                if self.strict:
                    return None
                if self.parts and not is_plain(child):
                    full = something_in(child, 0)
                    if full < 0:
                        return None
                    if full:
                        if apart is None:
                            apart = []
                        apart.append(cetree.elementFactory(element._doc, child))
                elif not self.collect(child, name):
                    return None
            elif name.rank:
                if late == 8:
                    return None
                later[late].node = child
                later[late].name = name
                late += 1
            elif not self.fill(child, name, columns):
                return None
            child = child.next
        if late:
            for rank in range(1, 9):
                for at in range(late):
                    if later[at].name.rank == rank:
                        if not self.fill(later[at].node, later[at].name, columns):
                            return None
        for index, text_default in self.defaults:
            if columns[index] is NULL_VALUE:
                columns[index] = text_default
        for index, _ in self.required:
            if columns[index] is NULL_VALUE:
                return None
        record = Record.__new__(Record)
        record.columns = columns
        record.faults = []
        record.apart = apart if apart is not None else []
        if self.entry_count == 0:
            record.stable = record.whole = EMPTY
        elif not self.write(record):
            return None
        return record

    cdef bint read_attributes(self, xmlNode* node, list columns) except -1:
        cdef xmlAttr* attribute = node.properties
        cdef const char* text
        cdef Py_ssize_t size
        while attribute != NULL:
            if attribute.ns != NULL:
                if strcmp(<const char*> attribute.ns.href, XSI) != 0:
                    return False
            else:
                slot = self.attributes.get((<const char*> attribute.name).decode())
                if slot is None or not text_of(attribute.children, &text, &size):
                    return False
                value = parsed(_KINDS.get(slot[1], OTHER), slot[1], text, size)
                if value is None:
                    return False
                columns[slot[0]] = value
            attribute = attribute.next
        return True

    cdef bint fill(self, xmlNode* child, Name* name, list columns) except -1:
        """Put a mapped child where it belongs; False where it is no plain leaf or a bad value."""
        cdef const char* text
        cdef Py_ssize_t size
        if child.properties != NULL and (self.strict or not only_xsi(child)):
            return False
        if not text_of(child.children, &text, &size):
            return False
        value = parsed(name.kind, <object> name.parse, text, size)
        if value is None:
            return False
        if value is NULL_VALUE:
            return not self.strict and (size == 0 or not name.keep or all_blank(text, size))
        if columns[name.column] is NULL_VALUE:
            columns[name.column] = value
            if not name.keep:
                return True
        elif self.strict:
            return False
        return self.add_leaf(name, text, size)

    cdef Name* name_of(self, xmlNode* node) except? NULL:
        """What the shape makes of an element's name; NULL where that is rare."""
        cdef const char* address = <const char*> node.name
        cdef size_t at = (<uintptr_t> address >> 3) % NAMES
        cdef const char* href = <const char*> cetree._getNs(node)
        if href == NULL:
            if PyBytes_GET_SIZE(self.home):
                return NULL
        elif strcmp(href, PyBytes_AS_STRING(self.home)) != 0:
            return NULL
        while self.table[at].address != address:
            if self.table[at].address == NULL:
                return self.learn(address, at)
            at = (at + 1) % NAMES
        return &self.table[at]

    cdef Name* learn(self, const char* address, size_t at) except? NULL:
        cdef Name* name = &self.table[at]
        cdef str local = address.decode()
        cdef str tag = f"{{{self.home.decode()}}}{local}" if self.home else local
        cdef bytes key
        if self.known == NAMES // 2:
            return NULL
        self.known += 1
        slot = self.children.get(tag)
        key = (self.names[tag] if slot is None else slot.name).encode()
        self.alive.append(key)
        name.key = PyBytes_AS_STRING(key)
        name.length = PyBytes_GET_SIZE(key)
        name.moving = key.decode() in self.volatile
        if slot is not None:
            self.alive.append(slot)
            name.use = MAPPED
            name.kind = _KINDS.get(slot.parse, OTHER)
            name.column = slot.column
            name.rank = slot.rank
            name.keep = slot.keep
            name.parse = <void*> slot.parse
        elif tag in self.apart_tags:
            name.use = APART
        elif tag in self.held_tags:
            name.use = HELD
        elif tag in self.left_tags:
            name.use = LEFT
        else:
            name.use = ATTRIBUTE
        name.address = address
        return name

    # Attributes, by rule J

    cdef Entry* entry(self) except NULL:
        cdef int room
        if self.entry_count == self.entry_room:
            room = max(64, 2 * self.entry_room)
            self.entries = <Entry*> grown(self.entries, room * sizeof(Entry))
            self.entry_room = room
        self.entry_count += 1
        self.entries[self.entry_count - 1].order = self.entry_count
        return &self.entries[self.entry_count - 1]

    cdef bint add_leaf(self, Name* name, const char* text, Py_ssize_t size) except -1:
        cdef Entry* entry
        if size and not all_blank(text, size):
            entry = self.entry()
            entry.key, entry.length, entry.sign, entry.moving = name.key, name.length, 0, name.moving
            entry.text, entry.size, entry.node = text, size, NULL
        return True

    cdef bint collect(self, xmlNode* child, Name* name) except -1:
        """Make a child a member, if there is anything in it; False where something is rare."""
        cdef const char* text
        cdef Py_ssize_t size
        cdef Entry* entry
        cdef int full
        if is_plain(child):
            return text_of(child.children, &text, &size) and self.add_leaf(name, text, size)
        full = something_in(child, 0)
        if full > 0:
            entry = self.entry()
            entry.key, entry.length, entry.sign, entry.moving = name.key, name.length, 0, name.moving
            entry.text, entry.size, entry.node = NULL, 0, child
        return full >= 0

    cdef bint write(self, Record record) except -1:
        cdef Entry* entries = self.entries
        cdef int count = self.entry_count, moving = 0, at
        cdef Py_ssize_t stable
        self.used = 0
        self.put_char(b"{")
        qsort(entries, count, sizeof(Entry), by_key)
        for at in range(count):
            moving += entries[at].moving
        if not self.put_members(0, count - moving, 1):
            return False
        stable = self.used
        self.put_char(b"}")
        record.stable = PyBytes_FromStringAndSize(self.out, self.used)
        if not moving:
            record.whole = record.stable
            return True
        self.used = stable
        if moving < count:
            self.put_char(b",")
        if not self.put_members(count - moving, count, 1):
            return False
        self.put_char(b"}")
        record.whole = PyBytes_FromStringAndSize(self.out, self.used)
        return True

    cdef bint put_members(self, int first, int last, int depth) except -1:
        """Write sorted entries: those of one key are one member."""
        cdef int at = first, end, one
        cdef bint many
        while at < last:
            end = at + 1
            while end < last and same_key(&self.entries[at], &self.entries[end]):
                end += 1
            if at > first:
                self.put_char(b",")
            self.put_char(b'"')
            if self.entries[at].sign:
                self.put_char(self.entries[at].sign)
            self.put_raw(self.entries[at].key, self.entries[at].length)
            self.put_raw(b'":', 2)
            many = end - at > 1 or self.entries[at].node != NULL
            if many:
                self.put_char(b"[")
            for one in range(at, end):
                if one > at:
                    self.put_char(b",")
                if self.entries[one].node == NULL:
                    self.put_text(self.entries[one].text, self.entries[one].size)
                elif not self.put_object(self.entries[one].node, depth + 1):
                    return False
            if many:
                self.put_char(b"]")
            at = end
        return True

    cdef bint put_object(self, xmlNode* node, int depth) except -1:
        """Write an element that has something in it; its entries are put above those in use."""
        cdef int first = self.entry_count
        cdef xmlNode* child
        cdef xmlAttr* attribute = node.properties
        cdef Name* name
        cdef Entry* entry
        cdef const char* text
        cdef Py_ssize_t size
        if depth > DEEPEST:
            return False
        while attribute != NULL:
            if attribute.ns == NULL:
                if not text_of(attribute.children, &text, &size):
                    return False
                if size and not all_blank(text, size):
                    self.names[(<const char*> attribute.name).decode()]
                    entry = self.entry()
                    entry.key, entry.sign, entry.moving = <const char*> attribute.name, b"@", 0
                    entry.length = strlen(entry.key)
                    entry.text, entry.size, entry.node = text, size, NULL
            elif strcmp(<const char*> attribute.ns.href, XSI) != 0:
                return False
            attribute = attribute.next
        child = node.children
        while child != NULL:
            if child.type == XML_ELEMENT_NODE:
                name = self.name_of(child)
                if name == NULL or not self.collect_inner(child, name):
                    return False
            elif not is_blank_text(child):
                if child.type == XML_ELEMENT_NODE or has_elements(node):
                    return False
                if not text_of(node.children, &text, &size):
                    return False
                entry = self.entry()
                entry.key, entry.length, entry.sign, entry.moving = OWN_TEXT, 5, 0, 0
                entry.text, entry.size, entry.node = text, size, NULL
                break
            child = child.next
        qsort(self.entries + first, self.entry_count - first, sizeof(Entry), by_key)
        self.put_char(b"{")
        if not self.put_members(first, self.entry_count, depth):
            return False
        self.put_char(b"}")
        self.entry_count = first
        return True

    cdef bint collect_inner(self, xmlNode* child, Name* name) except -1:
        cdef int before = self.entry_count
        if not self.collect(child, name):
            return False
        if self.entry_count > before:
            self.entries[before].moving = 0
        return True

    cdef int make_room(self, Py_ssize_t more) except -1:
        if self.used + more > self.room:
            self.room = max(2 * self.room, self.used + more, 4096)
            self.out = <char*> grown(self.out, self.room)
        return 0

    cdef int put_char(self, char letter) except -1:
        self.make_room(1)
        self.out[self.used] = letter
        self.used += 1
        return 0

    cdef int put_raw(self, const char* text, Py_ssize_t size) except -1:
        self.make_room(size)
        memcpy(self.out + self.used, text, size)
        self.used += size
        return 0

    cdef int put_text(self, const char* text, Py_ssize_t size) except -1:
        """Write a JSON string."""
        cdef Py_ssize_t at
        cdef unsigned char letter
        cdef char* out
        self.make_room(6 * size + 2)
        out = self.out + self.used
        out[0] = b'"'
        out += 1
        for at in range(size):
            letter = text[at]
            if letter >= 32 and letter != 34 and letter != 92:
                out[0] = letter
                out += 1
                continue
            out[0] = b"\\"
            if letter == 34 or letter == 92:
                out[1] = letter
            elif letter == 10:
                out[1] = b"n"
            elif letter == 9:
                out[1] = b"t"
            else:  # 13: XML has no others
                out[1] = b"r"
            out += 2
        out[0] = b'"'
        self.used = out + 1 - self.out
        return 0


cdef void* grown(void* memory, size_t size) except NULL:
    cdef void* more = PyMem_Realloc(memory, size)
    if more == NULL:
        raise MemoryError
    return more
