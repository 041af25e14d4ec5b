# Writes a record's attributes as JSON, by the rules of ``json_attributes.py``.


cdef Member* new_member(ParserState* state) except NULL nogil:
    if state.member_count == state.member_room:
        state.member_room = 2 * state.member_room + 64
        state.members = <Member*> resized(state.members, state.member_room * sizeof(Member))
    state.member_count += 1
    state.members[state.member_count - 1].order = state.member_count
    return &state.members[state.member_count - 1]


cdef int add_member(
    ParserState* state, NameUse* name, const char* text, Py_ssize_t size, xmlNode* node
) except -1 nogil:
    cdef Member* member = new_member(state)
    member.key, member.length, member.sign = name.key, name.length, 0
    member.is_volatile, member.from_file, member.refers = name.is_volatile, 0, name.refers
    member.text, member.size, member.node, member.group = text, size, node, 0
    return 0


cdef int add_leaf(
    ParserState* state, NameUse* name, const char* text, Py_ssize_t size
) except -1 nogil:
    if size and not all_blank(text, size):
        add_member(state, name, text, size, NULL)
    return 0


cdef int add_property(
    ParserState* state, NameUse* name, const char* text, Py_ssize_t size, bint is_volatile
) except -1 nogil:
    add_member(state, name, text, size, NULL)
    state.members[state.member_count - 1].sign = b"@"
    state.members[state.member_count - 1].is_volatile = is_volatile
    state.members[state.member_count - 1].refers = 0
    return 0


cdef int add_text(ParserState* state, xmlNode* node) except -1 nogil:
    """Add a text beside elements as a member, unless it is blank; 0 if it is in several nodes."""
    cdef const char* text = <const char*> node.content
    cdef const xmlNode* following = node.next
    cdef Py_ssize_t size
    cdef Member* member
    if node.type != XML_TEXT_NODE and node.type != XML_CDATA_SECTION_NODE:
        return 0
    if following != NULL and following.type != XML_ELEMENT_NODE:
        return is_blank_text(node) and is_blank_text(following)
    size = strlen(text)
    if not all_blank(text, size):
        member = new_member(state)
        member.key, member.length, member.sign = TEXT_KEY, 5, 0
        member.is_volatile = member.from_file = member.refers = 0
        member.text, member.size, member.node = text, size, NULL
        member.group = 0
    return 1


cdef int add_child(ParserState* state, xmlNode* child, NameUse* name) except -1 nogil:
    """Add a child with content as a member; 0 if it contains a rare case."""
    cdef const char* text
    cdef Py_ssize_t size
    cdef int full
    if is_plain(child):
        if not text_of(child.children, &text, &size):
            return 0
        add_leaf(state, name, text, size)
        return 1
    full = has_content(child, 0)
    if full > 0:
        add_member(state, name, NULL, 0, child)
    return full >= 0


cdef int add_named(ParserState* state, xmlNode* container) except -1 nogil:
    """Add the named members of a container; 0 if it contains a rare case."""
    cdef xmlNode* child = container.children
    cdef xmlAttr* attribute
    cdef const char* name
    cdef const char* text
    cdef Py_ssize_t length, size
    cdef Member* member
    if container.properties != NULL:
        return 0
    while child != NULL:
        if child.type != XML_ELEMENT_NODE:
            if not is_blank_text(child):
                return 0
        else:
            attribute = child.properties
            if strcmp(<const char*> child.name, state.named_element) != 0 or attribute == NULL:
                return 0
            if attribute.next != NULL or attribute.ns != NULL:
                return 0
            if strcmp(<const char*> attribute.name, state.named_name) != 0:
                return 0
            if not in_namespace(state.namespace, child):
                return 0
            if not text_of(attribute.children, &name, &length) or all_blank(name, length):
                return 0
            if not text_of(child.children, &text, &size) or all_blank(text, size):
                return 0
            member = new_member(state)
            member.key, member.length, member.sign, member.from_file = name, length, 0, 1
            member.refers = 0
            member.is_volatile = is_volatile_name(state, name, length)
            member.text, member.size, member.node = text, size, NULL
        child = child.next
    return 1


cdef int write_attributes(ParserState* state) except -1 nogil:
    cdef int volatile_count = 0, at
    cdef Py_ssize_t stable
    state.stable.at = state.whole.at = state.text.used
    put_char(&state.text, b"{")
    sort_members(state)
    for at in range(state.member_count):
        volatile_count += state.members[at].is_volatile
    if not put_members(state, 0, state.member_count - volatile_count, 1):
        return 0
    stable = state.text.used
    put_char(&state.text, b"}")
    state.stable.size = state.whole.size = state.text.used - state.stable.at
    if not volatile_count:
        return 1
    state.whole.at = state.text.used
    reserve(&state.text, state.stable.size)  # now, because the text is then copied within the buffer
    put(&state.text, state.text.data + state.stable.at, state.stable.size - 1)
    if volatile_count < state.member_count:
        put_char(&state.text, b",")
    if not put_members(state, state.member_count - volatile_count, state.member_count, 1):
        return 0
    put_char(&state.text, b"}")
    state.whole.size = state.text.used - state.whole.at
    return 1


cdef int put_members(ParserState* state, int first, int last, int depth) except -1 nogil:
    """Write sorted members. Those with the same key become one."""
    cdef int at = first, end, one
    cdef bint many
    while at < last:
        end = at + 1
        while end < last and same_key(&state.members[at], &state.members[end]):
            end += 1
        if state.members[at].from_file and end - at > 1:
            return 0
        if at > first:
            put_char(&state.text, b",")
        put_key(state, &state.members[at])
        many = end - at > 1 or state.members[at].node != NULL
        if many:
            put_char(&state.text, b"[")
        for one in range(at, end):
            if one > at:
                put_char(&state.text, b",")
            if state.members[one].node == NULL:
                if state.members[one].refers and not note_shared(state, one, last, many):
                    return 0
                put_json(&state.text, state.members[one].text, state.members[one].size)
            elif not put_object(
                state, state.members[one].node, state.members[one].group, depth + 1
            ):
                return 0
        if many:
            put_char(&state.text, b"]")
        at = end
    return 1


cdef int note_shared(ParserState* state, int at, int last, bint many) except -1 nogil:
    """Note a leaf that may refer to a shared object, with the next leaf: a code follows its type.

    The notes of a record decide the names in ``references``, which ignores arrays. Return 0 if they
    are too long for a note.
    """
    cdef Py_ssize_t start = state.shared.used
    cdef unsigned short size = 0
    put(&state.shared, <const char*> &size, 2)
    put_shared(state, &state.members[at], many)
    if at + 1 < last and state.members[at + 1].refers:
        many = same_key(&state.members[at], &state.members[at + 1]) or (
            at + 2 < last and same_key(&state.members[at + 1], &state.members[at + 2])
        )
        put_shared(state, &state.members[at + 1], many)
    size = <unsigned short> (state.shared.used - start - 2)
    memcpy(state.shared.data + start, &size, 2)
    return state.shared.used - start < MAX_SHARED


cdef int put_shared(ParserState* state, const Member* member, bint many) except -1 nogil:
    put(&state.shared, member.key, member.length)
    put_char(&state.shared, b"[" if many else b"=")
    if member.size:  # a blank text can have no address
        put(&state.shared, member.text, member.size)
    return put_char(&state.shared, b";")


cdef int put_key(ParserState* state, Member* member) except -1 nogil:
    if member.from_file:
        put_json(&state.text, member.key, member.length)
        return put_char(&state.text, b":")
    put_char(&state.text, b'"')
    if member.sign:
        put_char(&state.text, member.sign)
    put(&state.text, member.key, member.length)
    return put(&state.text, b'":', 2)


cdef int put_object(ParserState* state, xmlNode* node, int group, int depth) except -1 nogil:
    """Write an element with content, without the records in a group of the rule.

    Its members are pushed above those in use.
    """
    cdef int first = state.member_count
    cdef xmlNode* child
    cdef xmlAttr* attribute = node.properties
    cdef NameUse* name
    cdef const char* text
    cdef Py_ssize_t size
    if depth > MAX_DEPTH:
        return 0
    while attribute != NULL:
        if attribute.ns == NULL:
            if not text_of(attribute.children, &text, &size):
                return 0
            if size and not all_blank(text, size):
                name = property_of(state, <const char*> attribute.name, group)
                if name == NULL:
                    return 0
                add_property(state, name, text, size, False)
        elif strcmp(<const char*> attribute.ns.href, XSI) != 0:
            return 0
        attribute = attribute.next
    child = node.children
    while child != NULL:
        if child.type == XML_ELEMENT_NODE:
            name = name_of(state, child, group)
            if name == NULL:
                return 0
            if group == 0 or name.use != APART:
                if not add_nested_child(state, child, name, group, depth):
                    return 0
        elif not add_text(state, child):
            return 0
        child = child.next
    qsort(state.members + first, state.member_count - first, sizeof(Member), by_key)
    put_char(&state.text, b"{")
    if not put_members(state, first, state.member_count, depth):
        return 0
    put_char(&state.text, b"}")
    state.member_count = first
    return 1


cdef int add_nested_child(
    ParserState* state, xmlNode* child, NameUse* name, int group, int depth
) except -1 nogil:
    cdef int before = state.member_count
    if group and name.use == GROUP and not is_plain(child):
        if not add_rest(state, child, name, depth):
            return 0
    elif not add_child(state, child, name):
        return 0
    if state.member_count > before:
        state.members[before].is_volatile = 0
    return 1


cdef int by_key(const void* one, const void* other) noexcept nogil:
    """Compare by volatility, key, and order in the file."""
    cdef const Member* a = <const Member*> one
    cdef const Member* b = <const Member*> other
    cdef int order
    if a.is_volatile != b.is_volatile:
        return 1 if a.is_volatile else -1
    if a.sign != b.sign:
        # '@' sorts before every letter, but after the '#' of "#text".
        if a.sign:
            return 1 if b.key[0] == b"#" else -1
        return -1 if a.key[0] == b"#" else 1
    order = memcmp(a.key, b.key, min(a.length, b.length))
    if order == 0:
        order = (a.length > b.length) - (a.length < b.length)
    return order if order else a.order - b.order


cdef bint same_key(const Member* a, const Member* b) noexcept nogil:
    return a.sign == b.sign and a.length == b.length and memcmp(a.key, b.key, a.length) == 0
