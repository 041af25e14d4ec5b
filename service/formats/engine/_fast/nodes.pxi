# Predicates of the nodes of the tree.


cdef bint blank(char letter) noexcept nogil:
    return letter == 32 or letter == 10 or letter == 9 or letter == 13


cdef bint all_blank(const char* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(size):
        if not blank(text[at]):
            return False
    return True


cdef bint is_blank_text(const xmlNode* node) noexcept nogil:
    if node.type != XML_TEXT_NODE:
        return False
    return all_blank(<const char*> node.content, strlen(<const char*> node.content))


cdef bint text_of(const xmlNode* node, const char** text, Py_ssize_t* size) noexcept nogil:
    """Read the text of a leaf; False if the node contains anything other than one text."""
    if node == NULL:
        text[0], size[0] = EMPTY_TEXT, 0
        return True
    if node.next != NULL or (node.type != XML_TEXT_NODE and node.type != XML_CDATA_SECTION_NODE):
        return False
    text[0] = <const char*> node.content
    size[0] = strlen(text[0])
    return True


cdef bint has_only_xsi(const xmlNode* node) noexcept nogil:
    cdef const xmlAttr* attribute = node.properties
    while attribute != NULL:
        if attribute.ns == NULL:
            return False
        if strcmp(<const char*> attribute.ns.href, XSI) != 0:
            return False
        attribute = attribute.next
    return True


cdef bint has_elements(const xmlNode* node) noexcept nogil:
    node = node.children
    while node != NULL:
        if node.type == XML_ELEMENT_NODE:
            return True
        node = node.next
    return False


cdef bint is_plain(const xmlNode* node) noexcept nogil:
    """Whether it is a leaf without XML attributes other than ``xsi:*``."""
    return not has_attributes(node) and not has_elements(node)


cdef bint has_attributes(const xmlNode* node) noexcept nogil:
    cdef const xmlAttr* attribute = node.properties
    while attribute != NULL:
        if attribute.children != NULL and not is_blank_text(attribute.children):
            if attribute.ns == NULL or strcmp(<const char*> attribute.ns.href, XSI) != 0:
                return True
        attribute = attribute.next
    return False


cdef bint is_empty(const xmlNode* node) noexcept nogil:
    """Whether it contains only white space."""
    cdef const xmlNode* child = node.children
    if node.properties != NULL:
        return False
    while child != NULL:
        if child.type == XML_ELEMENT_NODE or not is_blank_text(child):
            return False
        child = child.next
    return True


cdef int has_content(const xmlNode* node, int depth) noexcept nogil:
    """Whether a text or an XML attribute is anywhere inside; -1 if it is nested too deeply."""
    cdef const xmlNode* child = node.children
    cdef int full
    if depth > MAX_DEPTH:
        return -1
    if has_attributes(node):
        return 1
    while child != NULL:
        if child.type == XML_ELEMENT_NODE:
            full = has_content(child, depth + 1)
            if full:
                return full
        elif not is_blank_text(child):
            return 1
        child = child.next
    return 0


cdef bint has_blank_tail(const xmlNode* node) noexcept nogil:
    node = node.next
    while node != NULL and node.type != XML_ELEMENT_NODE:
        if not is_blank_text(node):
            return False
        node = node.next
    return True


cdef bint has_proxy(const xmlNode* top) noexcept nogil:
    """Whether Python has an object of an element or of one inside it."""
    cdef const xmlNode* node = top
    while True:
        if node._private != NULL:
            return True
        if node.type == XML_ELEMENT_NODE and node.children != NULL:
            node = node.children
            continue
        while node != top and node.next == NULL:
            node = node.parent
        if node == top:
            return False
        node = node.next
