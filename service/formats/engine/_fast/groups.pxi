# Children of which only parts are used; see ``groups.py``.


cdef int take_group(ParserState* state, xmlNode* node, NameUse* name) except -1 nogil:
    """Read a child of which only parts are used; 0 if it contains a rare case."""
    cdef bint complete = True
    cdef const char* text
    cdef Py_ssize_t size
    if not read_group(state, node, name.content, &complete):
        return 0
    if complete:
        return 1
    if is_plain(node):
        if not text_of(node.children, &text, &size):
            return 0
        add_leaf(state, name, text, size)
        return 1
    return add_rest(state, node, name, 0)


cdef int read_group(
    ParserState* state, xmlNode* node, int group, bint* complete
) except -1 nogil:
    """Fill columns from a group, and collect the records in it; 0 if it contains a rare case."""
    cdef xmlAttr* attribute = node.properties
    cdef xmlNode* child = node.children
    cdef NameUse* name
    cdef NameUse* own = &state.texts[group]
    cdef const char* text
    cdef Py_ssize_t size
    cdef int full
    while attribute != NULL:
        if attribute.ns != NULL:
            if strcmp(<const char*> attribute.ns.href, XSI) != 0:
                return 0
        else:
            name = property_of(state, <const char*> attribute.name, group)
            if name == NULL or not text_of(attribute.children, &text, &size):
                return 0
            if name.use != MAPPED:
                complete[0] &= all_blank(text, size)
            elif not fill_from_group(state, name, text, size, complete):
                return 0
        attribute = attribute.next
    if own.use == MAPPED:
        if not text_of(child, &text, &size) or not fill_from_group(state, own, text, size, complete):
            return 0
        return 1
    while child != NULL:
        if child.type != XML_ELEMENT_NODE:
            complete[0] &= is_blank_text(child)
            child = child.next
            continue
        name = name_of(state, child, group)
        if name == NULL:
            return 0
        if name.use == APART:
            set_apart(state, child)
        elif name.use == GROUP:
            if not read_group(state, child, name.content, complete):
                return 0
        elif name.use == MAPPED:
            if child.properties != NULL and not has_only_xsi(child):
                return 0
            if not text_of(child.children, &text, &size):
                return 0
            if not fill_from_group(state, name, text, size, complete):
                return 0
        elif complete[0]:
            full = has_content(child, 0)
            if full < 0:
                return 0
            complete[0] = not full
        child = child.next
    return 1


cdef int fill_from_group(
    ParserState* state, NameUse* name, const char* text, Py_ssize_t size, bint* complete
) except -1 nogil:
    """Fill a column; 0 if the value is bad."""
    cdef Py_ssize_t at = state.text.used
    cdef int outcome = put_value(
        &state.text, name.form, name.scale, name.words, name.word_count, name.parse, text, size
    )
    if outcome == BAD:
        return 0
    if outcome == BLANK:
        complete[0] &= not name.keep or all_blank(text, size)
    elif state.columns[name.column].at < 0:
        state.columns[name.column].at = at
        state.columns[name.column].size = state.text.used - at
        complete[0] &= not name.keep
    else:
        complete[0] = False
    return 1


cdef int add_rest(ParserState* state, xmlNode* node, NameUse* name, int depth) except -1 nogil:
    """Add a group as a member, unless nothing is in it but records; 0 if it is nested too deeply."""
    cdef int full = has_rest(state, node, name.content, depth)
    if full > 0:
        add_member(state, name, NULL, 0, node)
        state.members[state.member_count - 1].group = name.content
    return full >= 0


cdef int has_rest(ParserState* state, xmlNode* node, int group, int depth) except -2 nogil:
    """Whether a group has content beside the records in it; -1 if it is nested too deeply."""
    cdef xmlNode* child = node.children
    cdef NameUse* name
    cdef int full
    if depth > MAX_DEPTH:
        return -1
    if has_attributes(node):
        return 1
    while child != NULL:
        if child.type != XML_ELEMENT_NODE:
            if not is_blank_text(child):
                return 1
        else:
            name = name_of(state, child, group)
            if name == NULL:
                return -1
            full = 0
            if name.use == GROUP:
                full = has_rest(state, child, name.content, depth + 1)
            elif name.use != APART:
                full = has_content(child, depth + 1)
            if full:
                return full
        child = child.next
    return 0
