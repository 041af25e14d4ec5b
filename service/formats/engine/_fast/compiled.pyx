# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled engine: works on lxml's C structures, mostly without the GIL.

``RecordParser``, ``RecordCollector`` and ``IdSet`` handle the common cases of ``record_parser.py``,
``rule_interpreter.py`` and ``disk_set.py``. They pass rare cases (a fault, a foreign name) to those
modules. ``Events`` replaces ``iterparse``. All of them interpret the record rules, and depend on no
format.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, qsort, realloc
from libc.string cimport memchr, memcmp, memcpy, memmove, memset, strcmp, strdup, strlen
from lxml.includes cimport etreepublic as cetree
from lxml.includes.tree cimport (
    LIBXML_VERSION,
    XML_CDATA_SECTION_NODE,
    XML_ELEMENT_NODE,
    XML_TEXT_NODE,
    const_xmlChar,
    xmlAttr,
    xmlChar,
    xmlDict,
    xmlDoc,
    xmlNode,
    xmlNs,
)
from lxml.includes.xmlerror cimport (
    XML_ERR_ERROR,
    XML_ERR_RESOURCE_LIMIT,
    XML_ERR_USER_STOP,
    xmlError,
    xmlStructuredErrorFunc,
)
from lxml.includes.xmlparser cimport (
    XML_PARSE_BIG_LINES,
    XML_PARSE_COMPACT,
    XML_PARSE_NO_XXE,
    XML_PARSE_NOCDATA,
    XML_PARSE_NOENT,
    XML_PARSE_NONET,
    XML_SKIP_IDS,
    charactersSAXFunc,
    endElementNsSAX2Func,
    startElementNsSAX2Func,
    xmlParserCtxt,
    xmlSAXHandler,
)

from os import urandom
from weakref import proxy

from lxml import etree

from service.errors import FileTooLarge
from service.formats import json_attributes, values
from service.formats.element import LAST_EXACT as _LAST_EXACT
from service.formats.element import line_of
from service.formats.engine import parser_errors
from service.formats.engine.record_collector import (
    NODE_SIZE as _NODE_SIZE,
)
from service.formats.engine.record_collector import (
    split_path,
    take_nested_record,
    take_record,
)
from service.formats.engine.record_parser import parse_record
from service.formats.record_rules import KEEP_AS_PART, LIMITS, Settle, compile_rule
from service.formats.references import Row
from service.model import MAX_ID
from service.spool.spool import TooLarge
from service.tables import TABLES as _TABLES

cetree.import_lxml__etree()

cdef bytes _XSI = json_attributes.XSI.strip("{}").encode()
cdef const char* XSI = _XSI
cdef bytes EMPTY = json_attributes.EMPTY
cdef bytes NULL_VALUE = values.NULL
cdef Py_ssize_t LONGEST_ID = MAX_ID
cdef int LAST_EXACT = _LAST_EXACT
cdef long long TENS[8]
TENS[:] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]

cdef const char* EMPTY_TEXT = b""
cdef const char* TEXT_KEY = b"#text"

include "buffer.pxi"
include "nodes.pxi"
include "values.pxi"
include "numbers.pxi"
include "record_parser.pxi"
include "groups.pxi"
include "json_attributes.pxi"
include "member_order.pxi"
include "id_set.pxi"
include "rules.pxi"
include "plain_records.pxi"
include "builder_calls.pxi"
include "libxml2.pxi"
include "arena.pxi"
include "recorder.pxi"
include "tree_copies.pxi"
include "record_collector.pxi"
include "sink.pxi"
include "callbacks.pxi"
include "events.pxi"
include "row_events.pxi"


cdef class ParsedRecord:
    """The content of one record; see ``parsed_record.ParsedRecord``."""

    cdef public list columns
    cdef readonly bytes stable
    cdef readonly bytes whole
    cdef readonly object faults
    cdef readonly object apart


cdef class RecordParser:
    """The parser of one shape, for one file and one thread. Call it with an element.

    Args:
        shape: compiled from a record rule.
    """

    cdef ParserState state
    cdef object shape
    cdef list groups  # by number; the shape is the first
    cdef list kept
    cdef bytes namespace
    cdef bint as_part
    cdef str shared_element  # of the records; see ``RecordRule.shared``
    cdef object refers  # whether a field can refer to a shared object; or None

    def __init__(self, shape):
        cdef ParserState* state = &self.state
        cdef bytes text
        self.shape = shape
        self.groups = [shape]
        self.kept = []
        self.namespace = shape.keys.namespace.encode()
        state.owner = <PyObject*> self
        state.namespace = PyBytes_AS_STRING(self.namespace) if self.namespace else NULL
        state.strict, state.parts = shape.strict, shape.parts
        self.as_part = shape.as_part
        state.width = len(shape.blank)
        state.defaults = <Default*> resized(NULL, (len(shape.defaults) + 1) * sizeof(Default))
        for column, text in shape.defaults:
            state.defaults[state.default_count].column = column
            state.defaults[state.default_count].text = self.keep(text)
            state.defaults[state.default_count].size = len(text)
            state.default_count += 1
        state.required = <int*> resized(NULL, (len(shape.required) + 1) * sizeof(int))
        for column, _ in shape.required:
            state.required[state.required_count] = column
            state.required_count += 1
        if shape.named is not None:
            state.named_element = self.keep(shape.named.element.encode())
            state.named_name = self.keep(shape.named.name.encode())

    def __dealloc__(self):
        free(self.state.defaults)
        free(self.state.required)
        free(self.state.text.data)
        free(self.state.shared.data)
        free(self.state.apart)
        free(self.state.members)
        free_order(&self.state.order)

    def __call__(self, element):
        cdef cetree._Element node = <cetree._Element?> element
        if self.as_part:
            if not self.read_part(node._c_node):
                return parse_record(element, self.shape)
        elif not read_record(&self.state, node._c_node):
            return parse_record(element, self.shape)
        return self.record(node)

    cdef int read_part(self, xmlNode* node) except -1:
        """Read a part; 0 if it contains a rare case."""
        cdef const char* name = <const char*> node.name
        if self.state.strict or not in_namespace(self.state.namespace, node):
            return 0
        return read_record(&self.state, node) and set_column(&self.state, 0, name, strlen(name)) == 0

    cdef const char* keep(self, bytes text) except NULL:
        """Return the C string of a text; it is valid as long as the parser exists."""
        self.kept.append(text)
        return PyBytes_AS_STRING(text)

    cdef ParsedRecord record(self, cetree._Element element):
        cdef ParsedRecord record = ParsedRecord.__new__(ParsedRecord)
        cdef ParserState* state = &self.state
        cdef int at
        record.columns = [
            NULL_VALUE if state.columns[at].at < 0 else self.text(&state.columns[at])
            for at in range(state.width)
        ]
        record.faults = None
        record.apart = [
            cetree.elementFactory(element._doc, state.apart[at]) for at in range(state.apart_count)
        ]
        record.stable = self.text(&state.stable) if state.stable.size > 2 else EMPTY
        record.whole = record.stable
        if state.whole.at != state.stable.at:
            record.whole = self.text(&state.whole)
        return record

    cdef bytes text(self, Span* span):
        return PyBytes_FromStringAndSize(self.state.text.data + span.at, span.size)

    cdef int set_use(self, NameUse* name, slot, str key) except -1:
        """Set the destination of the texts of a name."""
        cdef bytes encoded = key.encode()
        name.key = self.keep(encoded)
        name.length = len(encoded)
        name.is_volatile = key in self.shape.volatile
        name.refers = self.refers is not None and self.refers(self.shared_element, key)
        name.use = ATTRIBUTE
        if slot is None:
            return 0
        name.use = MAPPED
        name.form, name.scale = _FORMS.get(slot.kind.name, OTHER), slot.kind.scale
        if 0 < name.scale <= MAX_SCALE:
            name.form = SCALED
        name.column, name.rank, name.keep = slot.column, slot.rank, slot.keep
        name.parse = <void*> slot.parse
        self.kept.append(slot)
        self.set_words(name, slot.kind.words)
        return 0

    cdef int add_group(self, NameUse* name, group) except -1:
        """Give a number to a group, which is found by the name."""
        cdef NameUse* text = &self.state.texts[len(self.groups)]
        name.use, name.content = GROUP, len(self.groups)
        self.groups.append(group)
        if group.text is not None:
            self.set_use(text, group.text, group.text.name)
        return 0

    cdef int set_words(self, NameUse* name, words) except -1:
        cdef bytearray memory = bytearray(len(words) * sizeof(Word))
        cdef Word* word = <Word*> <char*> memory
        self.kept.append(memory)
        name.words, name.word_count = word, len(words)
        for text, value in words.items():
            encoded = text.encode()
            word.text, word.size = self.keep(encoded), len(encoded)
            word.value, word.length = NULL, 0
            if value is not NULL_VALUE:
                word.value, word.length = self.keep(value), len(value)
            word += 1
        return 0


cdef NameUse* learn_element(
    ParserState* state, const char* address, size_t at, int group
) except? NULL with gil:
    """Add the name of an element in a group to the table; NULL if the table is full."""
    cdef RecordParser parser = <RecordParser> state.owner
    cdef NameUse* name = &state.elements[at]
    cdef str local, tag
    cdef object shape = parser.shape
    cdef object places = parser.groups[group]
    if state.element_count == NAMES // 2:
        return NULL
    local = address.decode()
    tag = f"{{{parser.namespace.decode()}}}{local}" if parser.namespace else local
    slot = places.children.get(tag)
    state.element_count += 1
    parser.set_use(name, slot, shape.keys[tag] if slot is None else slot.name)
    if slot is None:
        if tag in places.apart:
            name.use = APART
        elif tag in places.groups:
            parser.add_group(name, places.groups[tag])
        elif group:
            pass
        elif tag in shape.holds:
            name.use = HOLDER
        elif tag == shape.named_tag:
            name.use = PYTHON if shape.named.container is None else NAMED
    name.address, name.group = address, group
    return name


cdef NameUse* learn_property(
    ParserState* state, const char* address, size_t at, int group
) except? NULL with gil:
    """Add the name of an XML attribute in a group to the table; NULL if the table is full."""
    cdef RecordParser parser = <RecordParser> state.owner
    cdef NameUse* name = &state.properties[at]
    cdef str local
    if state.property_count == PROPERTIES // 2:
        return NULL
    local = address.decode()
    state.property_count += 1
    slot = parser.groups[group].attributes.get(local)
    if slot is None:
        parser.shape.keys[local]
    parser.set_use(name, slot, local)
    name.is_volatile = "@" + local in parser.shape.volatile
    name.address, name.group = address, group
    return name


cdef bint is_volatile_name(
    ParserState* state, const char* name, Py_ssize_t size
) except -1 with gil:
    shape = (<RecordParser> state.owner).shape
    return bool(shape.volatile) and PyUnicode_DecodeUTF8(name, size, NULL) in shape.volatile


cdef int check_build() except -1:
    """Check that this module matches the installed lxml and the Python modules.

    Raises:
        ImportError: it does not match.
    """
    load_functions()
    room = {
        "columns": MAX_COLUMNS,
        "elements": NAMES // 2,
        "XML attributes": PROPERTIES // 2,
        "rank": MAX_LATER - 1,
        "reference columns": MAX_REFERENCES,
        "kinds of a reference": MAX_KINDS,
        "variants": MAX_VARIANTS,
        "nested": MAX_NESTED,
        "groups": MAX_GROUPS,
    }
    if room != LIMITS or len(_TABLES) != TABLES:
        raise ImportError(
            f"it was compiled with room for {room} and {TABLES} tables, and the record rules expect"
            f" {LIMITS} and {len(_TABLES)} tables"
        )
    return 0


check_build()
