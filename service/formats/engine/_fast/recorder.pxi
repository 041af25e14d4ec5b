# Records while they are parsed. libxml2's tree builder allocates every node, searches every text and
# name in a dictionary, and frees the node again; most records need none of that. While a record of a
# rule is open, its nodes come from an arena. Only the fields that the engine reads are set: clearing
# whole structures took a twentieth of the time.

cdef extern from "libxml/tree.h" nogil:
    ctypedef struct NodeFields "xmlNode":
        void* psvi  # the line of a recorded node; libxml2's own has 16 bits

cdef extern from "libxml/parser.h" nogil:
    ctypedef struct ContextFields "xmlParserCtxt":
        int nodeNr

cdef enum:
    MAX_OPEN = 256  # elements inside each other, as in libxml2
    MAX_TEXT = 10_000_000  # bytes, as in libxml2


cdef struct Place:
    # The use of a child's name in a project or in a holder of records, which can hold others.
    const_xmlChar* name  # the copy in the parser's dictionary
    int rule  # index of the record's rule, or -1
    Places* held  # of a holder of records


cdef struct Places:
    # A hash table of places.
    Place* slots
    size_t room  # a power of two
    Places* outer  # of the element around the holder; NULL for a project's


cdef struct Recorded:
    # A record, or the end of its project if it has no node. Its nodes begin in the block or after it;
    # in the first one if it is NULL.
    xmlNode* node
    xmlNode* project
    xmlNode* parent
    Block* block
    int rule
    int line


cdef struct Recorder:
    # The records that are not yet taken, in the order of the file. The last one may be open.
    Places* places  # of a project; NULL without rules
    const_xmlChar* namespace  # the copy in the parser's dictionary, or NULL
    bint anywhere
    xmlNode* root
    xmlNode* project  # where the parser is now; NULL if it is not there
    xmlNode* holder  # the innermost open element that holds records; the project, or inside it
    Places* held  # of the holder
    xmlNode* current  # the innermost open element of the record
    int depth  # number of the record's open elements
    bint tail  # whether the text after the last record is open
    bint dropped  # whether the record is too large, and its nodes are gone
    xmlNode* text  # the last node, if more may be added to it
    size_t text_size, text_room
    Py_ssize_t size  # of the last record, as ``size_of`` counts
    int line  # of the last start tag
    Arena arena
    Recorded* queue
    Py_ssize_t count, room


cdef bint in_places(Recorder* recorder, const_xmlChar* href) noexcept nogil:
    """Whether a namespace is that of the format."""
    if href == recorder.namespace:
        return True
    if href == NULL or recorder.namespace == NULL:
        return False
    return strcmp(<const char*> href, <const char*> recorder.namespace) == 0


cdef Place* place_of(Places* places, const_xmlChar* name) noexcept nogil:
    """Return the place of a name, or a free slot."""
    cdef size_t at = (<uintptr_t> name >> 3) & (places.room - 1)
    while places.slots[at].name != NULL and places.slots[at].name != name:
        at = (at + 1) & (places.room - 1)
    return &places.slots[at]


cdef Places* new_places(size_t most, Places* outer) except NULL:
    """Create a table for at most that many names."""
    cdef Places* places = <Places*> resized(NULL, sizeof(Places))
    places.room, places.slots, places.outer = 8, NULL, outer
    while places.room < 2 * most:
        places.room *= 2
    places.slots = <Place*> resized(NULL, places.room * sizeof(Place))
    memset(places.slots, 0, places.room * sizeof(Place))
    return places


cdef int free_places(Places* places) noexcept:
    cdef size_t at
    if places != NULL:
        for at in range(places.room):
            free_places(places.slots[at].held)
        free(places.slots)
        free(places)
    return 0


cdef bint add_entry(Recorder* recorder, xmlNode* parent, int rule) noexcept nogil:
    """Add a record, or the end of a project, to the queue; False without memory."""
    cdef Recorded* queue = recorder.queue
    if recorder.count == recorder.room:
        queue = <Recorded*> realloc(queue, (2 * recorder.room + 64) * sizeof(Recorded))
        if queue == NULL:
            return False
        recorder.queue, recorder.room = queue, 2 * recorder.room + 64
    queue = &queue[recorder.count]
    queue.node, queue.block, queue.parent, queue.rule = NULL, recorder.arena.last, parent, rule
    queue.project, queue.line = recorder.project, recorder.line
    recorder.count += 1
    return True


cdef Place* record_place(
    xmlParserCtxt* context, Recorder* recorder, const_xmlChar* name, const_xmlChar* href
) noexcept nogil:
    """Return the place of a child of the open holder; NULL if it has none."""
    cdef Place* place
    if context.node != recorder.holder or not in_places(recorder, href):
        return NULL
    place = place_of(recorder.held, name)
    return NULL if place.name == NULL else place


cdef int close_text(Recorder* recorder) noexcept nogil:
    recorder.text, recorder.text_size, recorder.tail = NULL, 0, False
    return 0


cdef xmlNs* namespace_of(
    Recorder* recorder, xmlNs* near, const_xmlChar* prefix, const_xmlChar* href
) noexcept nogil:
    """Return a namespace, which may be the one nearby; NULL without memory."""
    cdef xmlNs* namespace
    if near != NULL and near.href == href and near.prefix == prefix:
        return near
    namespace = <xmlNs*> allocate(&recorder.arena, sizeof(xmlNs))
    if namespace != NULL:
        memset(namespace, 0, sizeof(xmlNs))
        namespace.href, namespace.prefix = href, prefix
    return namespace


cdef xmlNode* start_element(
    xmlParserCtxt* context, Recorder* recorder, const_xmlChar* name, const_xmlChar* prefix,
    const_xmlChar* href, int count, const_xmlChar** attributes,
) noexcept nogil:
    """Record a start tag, which becomes the current element; NULL without memory."""
    cdef xmlNode* parent = recorder.current
    cdef xmlNode* node = <xmlNode*> allocate(&recorder.arena, sizeof(xmlNode))
    if node == NULL:
        return NULL
    node.type, node.name, node.parent = XML_ELEMENT_NODE, name, parent
    node.children = node.last = node.next = NULL
    node.ns, node.properties = NULL, NULL
    (<NodeFields*> node).psvi = <void*> <uintptr_t> context.input.line
    if href != NULL:
        node.ns = namespace_of(recorder, NULL if parent == NULL else parent.ns, prefix, href)
        if node.ns == NULL:
            return NULL
    elif prefix != NULL:  # it is not declared, and libxml2 continues up to the end of the file
        node.name = LIBXML2.intern_qualified(context.dict, prefix, name)
        if node.name == NULL:
            return NULL
    recorder.size += NODE_SIZE
    if not add_attributes(context, recorder, node, count, attributes):
        return NULL
    if parent != NULL:
        link_node(parent, node)
    recorder.current = node
    return node


cdef int link_node(xmlNode* parent, xmlNode* node) noexcept nogil:
    """Append a child."""
    node.parent, node.prev = parent, parent.last
    if parent.last == NULL:
        parent.children = node
    else:
        parent.last.next = node
    parent.last = node
    return 0


cdef bint add_attributes(
    xmlParserCtxt* context, Recorder* recorder, xmlNode* node, int count, const_xmlChar** attributes
) noexcept nogil:
    """Record the XML attributes of a start tag; False without memory."""
    cdef xmlAttr* attribute
    cdef xmlAttr* last = NULL
    cdef const_xmlChar** given = attributes
    cdef size_t size
    cdef int at
    for at in range(count):
        size = given[4] - given[3]
        attribute = <xmlAttr*> allocate(&recorder.arena, sizeof(xmlAttr))
        if attribute == NULL:
            return False
        attribute.name, attribute.ns, attribute.next = given[0], NULL, NULL
        if given[1] != NULL and given[2] == NULL:
            attribute.name = LIBXML2.intern_qualified(context.dict, given[1], given[0])
            if attribute.name == NULL:
                return False
        elif given[1] != NULL:
            attribute.ns = namespace_of(
                recorder, NULL if last == NULL else last.ns, given[1], given[2]
            )
            if attribute.ns == NULL:
                return False
        attribute.children = new_text(context, recorder, given[3], size)
        if attribute.children == NULL:
            return False
        if last == NULL:
            node.properties = attribute
        else:
            last.next = attribute
        last = attribute
        recorder.size += NODE_SIZE + size
        given += 5  # libxml2 passes five pointers for each: name, prefix, namespace, begin, end
    return True


cdef xmlNode* new_text(
    xmlParserCtxt* context, Recorder* recorder, const_xmlChar* text, size_t size
) noexcept nogil:
    """Record a text; NULL without memory. It has just enough room."""
    cdef xmlNode* node = <xmlNode*> allocate(&recorder.arena, sizeof(xmlNode) + size + 1)
    if node == NULL:
        return NULL
    node.type, node.content, node.next = XML_TEXT_NODE, <xmlChar*> (node + 1), NULL
    (<NodeFields*> node).psvi = <void*> <uintptr_t> context.input.line
    memcpy(node.content, text, size)
    node.content[size] = 0
    return node


cdef bint record_text(
    xmlParserCtxt* context, Recorder* recorder, const_xmlChar* text, size_t size
) noexcept nogil:
    """Record a text inside the open record or after the last one; False without memory."""
    cdef xmlNode* node = recorder.text
    if node != NULL:
        if recorder.text_size + size > recorder.text_room and not grow_text(recorder, size):
            return False
        memcpy(node.content + recorder.text_size, text, size)
        recorder.text_size += size
        node.content[recorder.text_size] = 0
        recorder.size += size
        return True
    node = recorder.text = new_text(context, recorder, text, size)
    if node == NULL:
        return False
    recorder.text_size = recorder.text_room = size
    recorder.size += NODE_SIZE + size
    if recorder.depth:
        link_node(recorder.current, node)
    else:
        recorder.queue[recorder.count - 1].node.next = node
    return True


cdef bint grow_text(Recorder* recorder, size_t more) noexcept nogil:
    """Make room for more text, which is the arena's last allocation; False without memory."""
    cdef Block* block = recorder.arena.last
    cdef char* content = <char*> recorder.text.content
    cdef size_t size = recorder.text_size + more
    cdef size_t used = content - memory_of(block) + size + 1
    if used <= block.room:
        block.used = min((used + 7) & ~(<size_t> 7), block.room)
        recorder.text_room = size
        return True
    if content == memory_of(block):
        block = enlarge_last(&recorder.arena, 2 * size + 8)
        if block == NULL:
            return False
        content = memory_of(block)
    else:
        content = <char*> allocate(&recorder.arena, 2 * size + 1)
        if content == NULL:
            return False
        memcpy(content, recorder.text.content, recorder.text_size)
    recorder.text.content, recorder.text_room = <xmlChar*> content, 2 * size
    return True
