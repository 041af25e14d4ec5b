# Copies of recorded nodes in the tree of the document, for the engine in Python.


cdef xmlNode* copy_record(xmlNode* record, xmlNode* parent) except NULL:
    """Append a copy of a record, and of the text after it, to the children of a node."""
    cdef xmlNode* copied = copy_element(record, parent)
    cdef xmlNode* node = record
    cdef xmlNode* made = copied
    while True:
        if node.type == XML_ELEMENT_NODE and node.children != NULL:
            node, parent = node.children, made
        else:
            while node != record and node.next == NULL:
                node, parent = node.parent, parent.parent
            if node == record:
                break
            node = node.next
        made = copy_element(node, parent) if node.type == XML_ELEMENT_NODE else copy_text(node, parent)
    node = record.next
    while node != NULL and node.type != XML_ELEMENT_NODE:
        copy_text(node, copied.parent)
        node = node.next
    if copied.next == NULL and recorded_line(record) >= LAST_EXACT:
        # libxml2 takes the line from the text after an element that has none.
        link_node(copied.parent, new_tree_text(record, EMPTY_TEXT, copied.doc))
    return copied


cdef int remove_copy(cetree._Document document, xmlNode* copied) except -1:
    """Remove the copy of a record, of which Python may have an object, and the text after it."""
    if not has_proxy(copied):
        return free_record(copied)
    element = cetree.elementFactory(document, copied)
    element.clear()  # lxml takes quadratic time to remove an element with many children
    cetree.elementFactory(document, copied.parent).remove(element)
    return 0


cdef int free_record(xmlNode* node) noexcept nogil:
    """Free an element and the text after it."""
    cdef xmlNode* following
    while True:
        following = node.next
        LIBXML2.unlink(node)
        LIBXML2.free_node(node)
        if following == NULL or following.type == XML_ELEMENT_NODE:
            return 0
        node = following


cdef xmlNode* copy_element(xmlNode* node, xmlNode* parent) except NULL:
    cdef xmlNode* copied = LIBXML2.new_element(parent.doc, NULL, node.name, NULL)
    cdef xmlAttr* attribute = node.properties
    cdef xmlAttr* added
    if copied == NULL:
        raise MemoryError
    set_line(copied, node)
    link_node(parent, copied)
    if node.ns != NULL:
        copied.ns = declared_namespace(copied, node.ns)
    while attribute != NULL:
        added = LIBXML2.new_attribute(
            copied, NULL if attribute.ns == NULL else declared_namespace(copied, attribute.ns),
            attribute.name, NULL,
        )
        if added == NULL:
            raise MemoryError
        # Not by libxml2, which would keep the ids of ``xml:id``.
        added.children = added.last = new_tree_text(
            attribute.children, <const char*> attribute.children.content, copied.doc
        )
        added.children.parent = <xmlNode*> added
        attribute = attribute.next
    return copied


cdef xmlNode* copy_text(xmlNode* node, xmlNode* parent) except NULL:
    cdef xmlNode* copied = new_tree_text(node, <const char*> node.content, parent.doc)
    link_node(parent, copied)
    return copied


cdef xmlNode* new_tree_text(xmlNode* node, const char* text, xmlDoc* document) except NULL:
    """Create a text for the tree; its line is that of a recorded node."""
    cdef xmlNode* copied = LIBXML2.new_text(document, <const_xmlChar*> text, strlen(text))
    if copied == NULL:
        raise MemoryError
    set_line(copied, node)
    return copied


cdef xmlNs* declared_namespace(xmlNode* node, xmlNs* wanted) except NULL:
    """Return a namespace of the tree; it is declared at the node if it is not yet."""
    cdef xmlNs* found = LIBXML2.find_namespace(node.doc, node, wanted.prefix)
    if found == NULL or strcmp(<const char*> found.href, <const char*> wanted.href) != 0:
        found = LIBXML2.new_namespace(node, wanted.href, wanted.prefix)
    if found == NULL:
        raise MemoryError
    return found


cdef int set_line(xmlNode* copied, xmlNode* node) noexcept nogil:
    """Set the line as libxml2's parser does."""
    cdef int line = recorded_line(node)
    copied.line = min(line, LAST_EXACT)
    if line >= LAST_EXACT and copied.type == XML_TEXT_NODE:
        (<NodeFields*> copied).psvi = <void*> <uintptr_t> line
    return 0


cdef int recorded_line(const xmlNode* node) noexcept nogil:
    return <int> <uintptr_t> (<const NodeFields*> node).psvi
