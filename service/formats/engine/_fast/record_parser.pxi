# The record parser: converts a record, a node of the tree, to its columns and its attributes.

cdef enum Use:
    MAPPED = 1  # goes to a column
    ATTRIBUTE = 2  # goes to attributes
    APART = 3  # is a record itself
    HOLDER = 4  # held records that were taken
    NAMED = 5  # holds named members
    PYTHON = 6  # needs the parser in Python
    GROUP = 7  # only parts of it are used

cdef enum:
    NAMES = 512  # slots of the table of elements; at most half of them are used
    PROPERTIES = 64  # slots of the table of XML attributes; the same applies
    MAX_COLUMNS = 64
    MAX_LATER = 8  # children of one record that are not the first choice for a column
    MAX_SHARED = 1024  # bytes of a noted reference to a shared object
    MAX_DEPTH = 60  # elements below a record
    MAX_GROUPS = 32


cdef struct NameUse:
    # The destination of elements or XML attributes of one name. The address identifies the name:
    # libxml2 stores every name once, in a dictionary that exists while the file is read.
    const char* address
    int group  # in which it is; 0 for the record itself
    int content  # of a group: its number
    Use use
    Form form
    long long scale  # seconds of a unit
    int column
    int rank
    bint keep
    bint is_volatile
    bint refers  # whether the text can be the id of a shared object
    const char* key
    Py_ssize_t length
    const Word* words
    int word_count
    void* parse
    unsigned long long last_record  # number of the last record that had it


cdef struct Member:
    # A member of attributes to be written: the text of a leaf, or an element with content.
    const char* key
    Py_ssize_t length
    char sign
    bint is_volatile
    bint refers
    bint from_file  # whether the key is a text of the file instead of a name
    int order
    const char* text
    Py_ssize_t size
    xmlNode* node
    int group  # of the element, if it is one


cdef struct Span:
    # A part of a parser's text; a null if ``at`` is -1.
    Py_ssize_t at
    Py_ssize_t size


cdef struct MemberOrder:
    # The keys of the last record's members in the order of the file, and their places once sorted.
    const char** keys
    int* places
    int count, room
    Member* sorted
    int sorted_room


cdef struct Default:
    int column
    const char* text
    Py_ssize_t size


cdef struct ParserState:
    # A parser, and the last record that it read.
    PyObject* owner
    const char* namespace  # of the format's elements, or NULL
    bint strict
    bint parts
    const char* named_element  # the element of a named member, and its XML attribute with the name
    const char* named_name
    int width
    Default* defaults
    int default_count
    int* required
    int required_count
    NameUse elements[NAMES]
    int element_count
    NameUse properties[PROPERTIES]
    int property_count
    NameUse texts[MAX_GROUPS + 1]  # of groups, by number; without a column if its use is not MAPPED
    unsigned long long record_number
    Buffer text
    Buffer shared  # noted references to shared objects, each preceded by its length
    Span columns[MAX_COLUMNS]
    Span stable
    Span whole
    xmlNode** apart
    int apart_count, apart_room
    Member* members
    int member_count, member_room
    MemberOrder order


cdef int read_record(ParserState* state, xmlNode* node) except -1 nogil:
    """Read a record; 0 if it contains a rare case."""
    cdef xmlNode* child
    cdef xmlNode* later_nodes[MAX_LATER]
    cdef NameUse* later_names[MAX_LATER]
    cdef NameUse* name
    cdef Default* default
    cdef int later = 0, rank, at, full
    state.text.used = state.shared.used = state.member_count = state.apart_count = 0
    state.record_number += 1
    for at in range(state.width):
        state.columns[at].at = -1
    if not read_properties(state, node):
        return 0
    child = node.children
    while child != NULL:
        if child.type != XML_ELEMENT_NODE:
            if state.strict:
                if not is_blank_text(child):
                    return 0
            elif not add_text(state, child):
                return 0
            child = child.next
            continue
        name = name_of(state, child, 0)
        if name == NULL or name.use == PYTHON:
            return 0
        if state.strict or name.use == NAMED:
            if name.last_record == state.record_number:
                return 0
            name.last_record = state.record_number
        if name.use == APART:
            set_apart(state, child)
        elif name.use == GROUP:
            if not take_group(state, child, name):
                return 0
        elif name.use == HOLDER:
            if not is_empty(child):
                return 0
        elif name.use == NAMED:
            if not add_named(state, child):
                return 0
        elif name.use == ATTRIBUTE:
            if state.strict:
                return 0
            if state.parts and not is_plain(child):
                full = has_content(child, 0)
                if full < 0:
                    return 0
                if full:
                    set_apart(state, child)
            elif not add_child(state, child, name):
                return 0
        elif name.rank:
            if later == MAX_LATER:
                return 0
            later_nodes[later] = child
            later_names[later] = name
            later += 1
        elif not fill(state, child, name):
            return 0
        child = child.next
    if later:
        for rank in range(1, MAX_LATER):
            for at in range(later):
                if later_names[at].rank == rank and not fill(state, later_nodes[at], later_names[at]):
                    return 0
    for at in range(state.default_count):
        default = &state.defaults[at]
        if state.columns[default.column].at < 0:
            set_column(state, default.column, default.text, default.size)
    for at in range(state.required_count):
        if state.columns[state.required[at]].at < 0:
            return 0
    return write_attributes(state)


cdef int set_column(
    ParserState* state, int column, const char* text, Py_ssize_t size
) except -1 nogil:
    state.columns[column].at = state.text.used
    state.columns[column].size = size
    return put(&state.text, text, size)


cdef int set_apart(ParserState* state, xmlNode* node) except -1 nogil:
    if state.apart_count == state.apart_room:
        state.apart_room = 2 * state.apart_room + 8
        state.apart = <xmlNode**> resized(state.apart, state.apart_room * sizeof(xmlNode*))
    state.apart[state.apart_count] = node
    state.apart_count += 1
    return 0


cdef int read_properties(ParserState* state, xmlNode* node) except -1 nogil:
    cdef xmlAttr* attribute = node.properties
    cdef NameUse* name
    cdef const char* text
    cdef Py_ssize_t size
    while attribute != NULL:
        if attribute.ns != NULL:
            if strcmp(<const char*> attribute.ns.href, XSI) != 0:
                return 0
        else:
            name = property_of(state, <const char*> attribute.name, 0)
            if name == NULL or not text_of(attribute.children, &text, &size):
                return 0
            if name.use != MAPPED:
                if state.strict:
                    return 0
                if size and not all_blank(text, size):
                    add_property(state, name, text, size, name.is_volatile)
            elif not fill_text(state, name, text, size, True):
                return 0
        attribute = attribute.next
    return 1


cdef int fill(ParserState* state, xmlNode* child, NameUse* name) except -1 nogil:
    """Fill the column of a mapped child; 0 if it is not a plain leaf, or its value is bad."""
    cdef const char* text
    cdef Py_ssize_t size
    if child.properties != NULL and (state.strict or not has_only_xsi(child)):
        return 0
    if not text_of(child.children, &text, &size):
        return 0
    return fill_text(state, name, text, size, False)


cdef int fill_text(
    ParserState* state, NameUse* name, const char* text, Py_ssize_t size, bint is_property
) except -1 nogil:
    cdef Py_ssize_t at = state.text.used
    cdef int outcome = put_value(
        &state.text, name.form, name.scale, name.words, name.word_count, name.parse, text, size
    )
    if outcome == BAD:
        return 0
    if outcome == BLANK:
        if name.keep and not state.strict:
            add_filled(state, name, text, size, is_property)
        return 1
    if state.columns[name.column].at < 0:
        state.columns[name.column].at = at
        state.columns[name.column].size = state.text.used - at
        if not name.keep:
            return 1
    elif state.strict:
        return 0
    add_filled(state, name, text, size, is_property)
    return 1


cdef int add_filled(
    ParserState* state, NameUse* name, const char* text, Py_ssize_t size, bint is_property
) except -1 nogil:
    """Add the text of a column as a member too."""
    if not is_property:
        add_leaf(state, name, text, size)
    elif size and not all_blank(text, size):
        add_property(state, name, text, size, name.is_volatile)
    return 0


cdef NameUse* name_of(ParserState* state, xmlNode* node, int group) except? NULL nogil:
    """Look up the name of an element in a group; NULL if it is foreign or the table is full."""
    cdef const char* address = <const char*> node.name
    cdef size_t at = ((<uintptr_t> address >> 3) + 37 * group) % NAMES
    if not in_namespace(state.namespace, node):
        return NULL
    while state.elements[at].address != address or state.elements[at].group != group:
        if state.elements[at].address == NULL:
            return learn_element(state, address, at, group)
        at = (at + 1) % NAMES
    return &state.elements[at]


cdef NameUse* property_of(
    ParserState* state, const char* address, int group
) except? NULL nogil:
    """Look up the name of an XML attribute in a group; NULL if the table is full."""
    cdef size_t at = ((<uintptr_t> address >> 3) + 37 * group) % PROPERTIES
    while state.properties[at].address != address or state.properties[at].group != group:
        if state.properties[at].address == NULL:
            return learn_property(state, address, at, group)
        at = (at + 1) % PROPERTIES
    return &state.properties[at]


cdef bint in_namespace(const char* namespace, xmlNode* node) noexcept nogil:
    cdef const char* href = <const char*> cetree._getNs(node)
    if href == NULL or namespace == NULL:
        return href == namespace
    return strcmp(href, namespace) == 0
