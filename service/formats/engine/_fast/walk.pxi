# The walk over one record, and its columns.

cdef enum Use:
    MAPPED = 1
    ATTRIBUTE = 2
    APART = 3
    HELD = 4
    NAMED = 5
    LEFT = 6

cdef enum:
    NAMES = 512  # of elements, in the table of a walk; half of them at most are used
    PROPERTIES = 64  # of XML attributes, likewise
    MOST_COLUMNS = 32
    MOST_LATER = 8
    LONGEST_MENTION = 1024
    DEEPEST = 60  # elements below a record


cdef struct Name:
    # What a walk makes of one name; found by the address of the name, which the parser keeps in a
    # dictionary for as long as the file is read.
    const char* address
    Use use
    Form form
    int column
    int rank
    bint keep
    bint moving
    const char* key
    Py_ssize_t length
    const Word* words
    int word_count
    void* parse
    unsigned long long met  # in which record last


cdef struct Entry:
    # One member to be: a leaf's text, or an element with something in it.
    const char* key
    Py_ssize_t length
    char sign
    bint moving
    bint given  # the key is the file's own text
    int order
    const char* text
    Py_ssize_t size
    xmlNode* node


cdef struct Span:
    # A place in a walk's text; a null where ``at`` is -1.
    Py_ssize_t at
    Py_ssize_t size


cdef struct Default:
    int column
    const char* text
    Py_ssize_t size


cdef struct Walker:
    # A walk and the record that it read last.
    PyObject* owner
    const char* home  # the dialect's namespace, or NULL
    bint strict
    bint parts
    bint mentioning  # whether to note the leaves that refer to something
    int width
    Default* defaults
    int default_count
    int* required
    int required_count
    Name elements[NAMES]
    int element_count
    Name properties[PROPERTIES]
    int property_count
    unsigned long long reading
    Buffer text
    Buffer mentions  # each after its length
    Span columns[MOST_COLUMNS]
    Span stable
    Span whole
    xmlNode** apart
    int apart_count, apart_room
    Entry* entries
    int entry_count, entry_room


cdef int read_record(Walker* w, xmlNode* node) except -1 nogil:
    """Read a record; 0 where something in it is rare."""
    cdef xmlNode* child
    cdef xmlNode* late_nodes[MOST_LATER]
    cdef Name* late_names[MOST_LATER]
    cdef Name* name
    cdef int late = 0, rank, at, full
    w.text.used = w.mentions.used = w.entry_count = w.apart_count = 0
    w.reading += 1
    for at in range(w.width):
        w.columns[at].at = -1
    if not read_properties(w, node):
        return 0
    child = node.children
    while child != NULL:
        if child.type != XML_ELEMENT_NODE:
            if not is_blank_text(child):
                return 0
            child = child.next
            continue
        name = name_of(w, child)
        if name == NULL or name.use == LEFT:
            return 0
        if w.strict or name.use == NAMED:
            if name.met == w.reading:
                return 0
            name.met = w.reading
        if name.use == APART:
            set_apart(w, child)
        elif name.use == HELD:
            if not is_empty(child):
                return 0
        elif name.use == NAMED:
            if not gather_named(w, child):
                return 0
        elif name.use == ATTRIBUTE:
            if w.strict:
                return 0
            if w.parts and not is_plain(child):
                full = something_in(child, 0)
                if full < 0:
                    return 0
                if full:
                    set_apart(w, child)
            elif not collect(w, child, name):
                return 0
        elif name.rank:
            if late == MOST_LATER:
                return 0
            late_nodes[late] = child
            late_names[late] = name
            late += 1
        elif not fill(w, child, name):
            return 0
        child = child.next
    if late:
        for rank in range(1, MOST_LATER):
            for at in range(late):
                if late_names[at].rank == rank and not fill(w, late_nodes[at], late_names[at]):
                    return 0
    for at in range(w.default_count):
        if w.columns[w.defaults[at].column].at < 0:
            set_column(w, w.defaults[at].column, w.defaults[at].text, w.defaults[at].size)
    for at in range(w.required_count):
        if w.columns[w.required[at]].at < 0:
            return 0
    return write_attributes(w)


cdef int set_column(Walker* w, int column, const char* text, Py_ssize_t size) except -1 nogil:
    w.columns[column].at = w.text.used
    w.columns[column].size = size
    return put(&w.text, text, size)


cdef int set_apart(Walker* w, xmlNode* node) except -1 nogil:
    if w.apart_count == w.apart_room:
        w.apart_room = 2 * w.apart_room + 8
        w.apart = <xmlNode**> grown(w.apart, w.apart_room * sizeof(xmlNode*))
    w.apart[w.apart_count] = node
    w.apart_count += 1
    return 0


cdef int read_properties(Walker* w, xmlNode* node) except -1 nogil:
    cdef xmlAttr* attribute = node.properties
    cdef Name* name
    cdef const char* text
    cdef Py_ssize_t size
    while attribute != NULL:
        if attribute.ns != NULL:
            if strcmp(<const char*> attribute.ns.href, XSI) != 0:
                return 0
        else:
            name = property_of(w, <const char*> attribute.name)
            if name == NULL or not text_of(attribute.children, &text, &size):
                return 0
            if name.use != MAPPED:
                if w.strict:
                    return 0
                if size and not all_blank(text, size):
                    add_property(w, name, text, size)
            elif not fill_text(w, name, text, size):
                return 0
        attribute = attribute.next
    return 1


cdef int fill(Walker* w, xmlNode* child, Name* name) except -1 nogil:
    """Put a mapped child where it belongs; 0 where it is no plain leaf or a bad value."""
    cdef const char* text
    cdef Py_ssize_t size
    if child.properties != NULL and (w.strict or not only_xsi(child)):
        return 0
    if not text_of(child.children, &text, &size):
        return 0
    return fill_text(w, name, text, size)


cdef int fill_text(Walker* w, Name* name, const char* text, Py_ssize_t size) except -1 nogil:
    cdef Py_ssize_t at = w.text.used
    cdef int found = put_value(
        &w.text, name.form, name.words, name.word_count, name.parse, text, size
    )
    if found == BAD:
        return 0
    if found == BLANK:
        if name.keep and not w.strict:
            add_leaf(w, name, text, size)
        return 1
    if w.columns[name.column].at < 0:
        w.columns[name.column].at = at
        w.columns[name.column].size = w.text.used - at
        if not name.keep:
            return 1
    elif w.strict:
        return 0
    add_leaf(w, name, text, size)
    return 1


cdef Name* name_of(Walker* w, xmlNode* node) except? NULL nogil:
    """What the walk makes of an element's name; NULL where that is rare."""
    cdef const char* address = <const char*> node.name
    cdef size_t at = (<uintptr_t> address >> 3) % NAMES
    if not is_home(w.home, node):
        return NULL
    while w.elements[at].address != address:
        if w.elements[at].address == NULL:
            return learn_element(w, address, at)
        at = (at + 1) % NAMES
    return &w.elements[at]


cdef Name* property_of(Walker* w, const char* address) except? NULL nogil:
    """What the walk makes of an XML attribute's name; NULL where that is rare."""
    cdef size_t at = (<uintptr_t> address >> 3) % PROPERTIES
    while w.properties[at].address != address:
        if w.properties[at].address == NULL:
            return learn_property(w, address, at)
        at = (at + 1) % PROPERTIES
    return &w.properties[at]


cdef bint is_home(const char* home, xmlNode* node) noexcept nogil:
    cdef const char* href = <const char*> cetree._getNs(node)
    if href == NULL or home == NULL:
        return href == home
    return strcmp(href, home) == 0
