# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What takes most of an import's time, over lxml's C structures and for the most part without the GIL.

The walk over a record, the harvest of a project's records and the set of their names have the common
path of what ``walk.py``, ``harvest.py`` and ``hashset.py`` do. Whatever is rare (a fault, a foreign
name, a reference to what comes later, …) is left to those, which decide. All is driven by the same
maps, and knows no dialect. ``Events`` is the parser before them, in the place of ``iterparse``.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, qsort, realloc
from libc.string cimport memchr, memcmp, memcpy, memset, strcmp, strdup, strlen
from lxml.includes cimport etreepublic as cetree
from lxml.includes.tree cimport (
    LIBXML_VERSION,
    XML_CDATA_SECTION_NODE,
    XML_ELEMENT_NODE,
    XML_TEXT_NODE,
    const_xmlChar,
    xmlAttr,
    xmlDict,
    xmlDoc,
    xmlNode,
)
from lxml.includes.xmlerror cimport (
    XML_ERR_ERROR,
    XML_ERR_USER_STOP,
    xmlError,
    xmlStructuredErrorFunc,
)
from lxml.includes.xmlparser cimport (
    XML_PARSE_BIG_LINES,
    XML_PARSE_COMPACT,
    XML_PARSE_NO_XXE,
    XML_PARSE_NOCDATA,
    XML_PARSE_NONET,
    XML_SKIP_IDS,
    endElementNsSAX2Func,
    startElementNsSAX2Func,
    xmlParserCtxt,
    xmlSAXHandler,
)

from os import urandom

from lxml import etree

from service.errors import FileTooLarge
from service.model import MAX_ID
from service.formats import json_attributes, named_attributes, values
from service.formats.engine.record_parser import parse_record
from service.tables import COLUMNS, TABLES as _TABLES

cetree.import_lxml__etree()

cdef bytes _XSI = json_attributes.XSI.strip("{}").encode()
cdef const char* XSI = _XSI
cdef bytes EMPTY = json_attributes.EMPTY
cdef bytes NULL_VALUE = values.NULL
cdef Py_ssize_t LONGEST_ID = MAX_ID
cdef long long TENS[7]
TENS[:] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

cdef const char* EMPTY_TEXT = b""
cdef const char* OWN_TEXT = b"#text"

include "buffer.pxi"
include "nodes.pxi"
include "values.pxi"
include "numbers.pxi"
include "walk.pxi"
include "attributes.pxi"
include "names.pxi"
include "rules.pxi"
include "ordinary.pxi"
include "library.pxi"
include "harvest.pxi"
include "events.pxi"


cdef class Record:
    """What one record says; see ``walk.Record``."""

    cdef public list columns
    cdef readonly bytes stable
    cdef readonly bytes whole
    cdef readonly object faults
    cdef readonly object apart


cdef class Walk:
    """The walk for one shape; call it with an element. Good for one file and one thread.

    Args:
        shape: compiled from a record's map.
    """

    cdef Walker w
    cdef object shape
    cdef list alive
    cdef bytes home

    def __init__(self, shape):
        cdef Walker* w = &self.w
        self.shape = shape
        self.alive = []
        self.home = shape.names.namespace.encode()
        w.owner = <PyObject*> self
        w.home = PyBytes_AS_STRING(self.home) if self.home else NULL
        w.strict, w.parts = shape.strict, shape.parts
        w.width = len(shape.blank)
        if w.width > MOST_COLUMNS:
            raise ValueError(f"a record has more than {MOST_COLUMNS} columns")
        w.defaults = <Default*> grown(NULL, (len(shape.defaults) + 1) * sizeof(Default))
        for column, text in shape.defaults:
            w.defaults[w.default_count].column = column
            w.defaults[w.default_count].text = self.keep(text)
            w.defaults[w.default_count].size = len(text)
            w.default_count += 1
        w.required = <int*> grown(NULL, (len(shape.required) + 1) * sizeof(int))
        for column, _ in shape.required:
            w.required[w.required_count] = column
            w.required_count += 1

    def __dealloc__(self):
        free(self.w.defaults)
        free(self.w.required)
        free(self.w.text.data)
        free(self.w.mentions.data)
        free(self.w.apart)
        free(self.w.entries)

    def __call__(self, element):
        cdef cetree._Element node = <cetree._Element?> element
        if not read_record(&self.w, node._c_node):
            return parse_record(element, self.shape)
        return self.record(node)

    cdef const char* keep(self, bytes text) except NULL:
        self.alive.append(text)
        return PyBytes_AS_STRING(text)

    cdef Record record(self, cetree._Element element):
        cdef Record record = Record.__new__(Record)
        cdef Walker* w = &self.w
        cdef int at
        record.columns = [
            NULL_VALUE if w.columns[at].at < 0 else self.text(&w.columns[at])
            for at in range(w.width)
        ]
        record.faults = []
        record.apart = [
            cetree.elementFactory(element._doc, w.apart[at]) for at in range(w.apart_count)
        ]
        record.stable = self.text(&w.stable) if w.stable.size > 2 else EMPTY
        record.whole = record.stable if w.whole.at == w.stable.at else self.text(&w.whole)
        return record

    cdef bytes text(self, Span* span):
        return PyBytes_FromStringAndSize(self.w.text.data + span.at, span.size)

    cdef int settle(self, Name* name, slot, str key) except -1:
        """Write down what becomes of a name."""
        cdef bytes encoded = key.encode()
        name.key = self.keep(encoded)
        name.length = len(encoded)
        name.moving = key in self.shape.volatile
        name.use = ATTRIBUTE
        if slot is None:
            return 0
        name.use = MAPPED
        name.form = _FORMS.get(slot.kind.name, OTHER)
        name.column, name.rank, name.keep = slot.column, slot.rank, slot.keep
        name.parse = <void*> slot.parse
        self.alive.append(slot)
        self.learn_words(name, slot.kind.words)
        return 0

    cdef int learn_words(self, Name* name, words) except -1:
        cdef bytearray room = bytearray(len(words) * sizeof(Word))
        cdef Word* word = <Word*> <char*> room
        self.alive.append(room)
        name.words, name.word_count = word, len(words)
        for text, value in words.items():
            encoded = text.encode()
            word.text, word.size = self.keep(encoded), len(encoded)
            word.value, word.length = NULL, 0
            if value is not NULL_VALUE:
                word.value, word.length = self.keep(value), len(value)
            word += 1
        return 0


cdef Name* learn_element(Walker* w, const char* address, size_t at) except? NULL with gil:
    cdef Walk walk = <Walk> w.owner
    cdef Name* name = &w.elements[at]
    cdef str local = address.decode()
    cdef str tag = f"{{{walk.home.decode()}}}{local}" if walk.home else local
    cdef object shape = walk.shape
    slot = shape.children.get(tag)
    if w.element_count == NAMES // 2:
        return NULL
    w.element_count += 1
    walk.settle(name, slot, shape.names[tag] if slot is None else slot.name)
    if slot is None:
        if tag in shape.apart:
            name.use = APART
        elif tag in shape.holds:
            name.use = HELD
        elif tag in shape.gather:
            name.use = NAMED if shape.gather[tag] is named_attributes.gather_attributes else LEFT
    name.address = address
    return name


cdef Name* learn_property(Walker* w, const char* address, size_t at) except? NULL with gil:
    cdef Walk walk = <Walk> w.owner
    cdef str local = address.decode()
    if w.property_count == PROPERTIES // 2:
        return NULL
    w.property_count += 1
    slot = walk.shape.attributes.get(local)
    if slot is None:
        walk.shape.names[local]
    walk.settle(&w.properties[at], slot, local)
    w.properties[at].address = address
    return &w.properties[at]


cdef bint is_volatile(Walker* w, const char* name, Py_ssize_t size) except -1 with gil:
    shape = (<Walk> w.owner).shape
    return bool(shape.volatile) and PyUnicode_DecodeUTF8(name, size, NULL) in shape.volatile
