# What a record's attributes are, by rule J: see ``json_attributes.py``.


cdef Entry* entry_of(Walker* w) except NULL nogil:
    if w.entry_count == w.entry_room:
        w.entry_room = 2 * w.entry_room + 64
        w.entries = <Entry*> grown(w.entries, w.entry_room * sizeof(Entry))
    w.entry_count += 1
    w.entries[w.entry_count - 1].order = w.entry_count
    return &w.entries[w.entry_count - 1]


cdef int add_entry(
    Walker* w, Name* name, const char* text, Py_ssize_t size, xmlNode* node
) except -1 nogil:
    cdef Entry* entry = entry_of(w)
    entry.key, entry.length, entry.sign = name.key, name.length, 0
    entry.moving, entry.given = name.moving, 0
    entry.text, entry.size, entry.node = text, size, node
    return 0


cdef int add_leaf(Walker* w, Name* name, const char* text, Py_ssize_t size) except -1 nogil:
    if size and not all_blank(text, size):
        add_entry(w, name, text, size, NULL)
    return 0


cdef int add_property(Walker* w, Name* name, const char* text, Py_ssize_t size) except -1 nogil:
    add_entry(w, name, text, size, NULL)
    w.entries[w.entry_count - 1].sign = b"@"
    w.entries[w.entry_count - 1].moving = 0
    return 0


cdef int collect(Walker* w, xmlNode* child, Name* name) except -1 nogil:
    """Make a child a member, if there is anything in it; 0 where something is rare."""
    cdef const char* text
    cdef Py_ssize_t size
    cdef int full
    if is_plain(child):
        if not text_of(child.children, &text, &size):
            return 0
        add_leaf(w, name, text, size)
        return 1
    full = something_in(child, 0)
    if full > 0:
        add_entry(w, name, NULL, 0, child)
    return full >= 0


cdef int gather_named(Walker* w, xmlNode* container) except -1 nogil:
    """Members by name: ``<attribute name="risk">high</attribute>``."""
    cdef xmlNode* child = container.children
    cdef xmlAttr* attribute
    cdef const char* name
    cdef const char* text
    cdef Py_ssize_t length, size
    cdef Entry* entry
    if container.properties != NULL:
        return 0
    while child != NULL:
        if child.type != XML_ELEMENT_NODE:
            if not is_blank_text(child):
                return 0
        else:
            attribute = child.properties
            if strcmp(<const char*> child.name, b"attribute") != 0 or attribute == NULL:
                return 0
            if attribute.next != NULL or attribute.ns != NULL:
                return 0
            if strcmp(<const char*> attribute.name, b"name") != 0 or not is_home(w.home, child):
                return 0
            if not text_of(attribute.children, &name, &length) or all_blank(name, length):
                return 0
            if not text_of(child.children, &text, &size) or all_blank(text, size):
                return 0
            entry = entry_of(w)
            entry.key, entry.length, entry.sign, entry.given = name, length, 0, 1
            entry.moving = is_volatile(w, name, length)
            entry.text, entry.size, entry.node = text, size, NULL
        child = child.next
    return 1


cdef int write_attributes(Walker* w) except -1 nogil:
    cdef int moving = 0, at
    cdef Py_ssize_t stable
    w.stable.at = w.whole.at = w.text.used
    put_char(&w.text, b"{")
    if w.entry_count > 1:
        qsort(w.entries, w.entry_count, sizeof(Entry), by_key)
    for at in range(w.entry_count):
        moving += w.entries[at].moving
    if not put_members(w, 0, w.entry_count - moving, 1):
        return 0
    stable = w.text.used
    put_char(&w.text, b"}")
    w.stable.size = w.whole.size = w.text.used - w.stable.at
    if not moving:
        return 1
    w.whole.at = w.text.used
    reserve(&w.text, w.stable.size)  # before the text is copied from itself
    put(&w.text, w.text.data + w.stable.at, w.stable.size - 1)
    if moving < w.entry_count:
        put_char(&w.text, b",")
    if not put_members(w, w.entry_count - moving, w.entry_count, 1):
        return 0
    put_char(&w.text, b"}")
    w.whole.size = w.text.used - w.whole.at
    return 1


cdef int put_members(Walker* w, int first, int last, int depth) except -1 nogil:
    """Write sorted entries: those of one key are one member."""
    cdef int at = first, end, one
    cdef bint many
    while at < last:
        end = at + 1
        while end < last and same_key(&w.entries[at], &w.entries[end]):
            end += 1
        if w.entries[at].given and end - at > 1:
            return 0
        if at > first:
            put_char(&w.text, b",")
        put_key(w, &w.entries[at])
        many = end - at > 1 or w.entries[at].node != NULL
        if many:
            put_char(&w.text, b"[")
        for one in range(at, end):
            if one > at:
                put_char(&w.text, b",")
            if w.entries[one].node == NULL:
                if w.mentioning and not note_mention(w, one, last):
                    return 0
                put_json(&w.text, w.entries[one].text, w.entries[one].size)
            elif not put_object(w, w.entries[one].node, depth + 1):
                return 0
        if many:
            put_char(&w.text, b"]")
        at = end
    return 1


cdef int note_mention(Walker* w, int at, int last) except -1 nogil:
    """Note a leaf ``…ObjectId``, and the next one with it: a code stands behind its type.

    0 where a name is too long for that.
    """
    cdef Py_ssize_t begun = w.mentions.used
    cdef unsigned short size = 0
    if not is_mention(&w.entries[at]):
        return 1
    put(&w.mentions, <const char*> &size, 2)
    put_mention(w, &w.entries[at])
    if at + 1 < last and is_mention(&w.entries[at + 1]):
        put_mention(w, &w.entries[at + 1])
    size = <unsigned short> (w.mentions.used - begun - 2)
    memcpy(w.mentions.data + begun, &size, 2)
    return w.mentions.used - begun < LONGEST_MENTION


cdef bint is_mention(const Entry* entry) noexcept nogil:
    return (
        entry.node == NULL
        and entry.length > 8
        and entry.size < 32
        and memcmp(entry.key + entry.length - 8, b"ObjectId", 8) == 0
    )


cdef int put_mention(Walker* w, const Entry* entry) except -1 nogil:
    put(&w.mentions, entry.key, entry.length)
    put_char(&w.mentions, b"=")
    put(&w.mentions, entry.text, entry.size)
    return put_char(&w.mentions, b";")


cdef int put_key(Walker* w, Entry* entry) except -1 nogil:
    if entry.given:
        put_json(&w.text, entry.key, entry.length)
        return put_char(&w.text, b":")
    put_char(&w.text, b'"')
    if entry.sign:
        put_char(&w.text, entry.sign)
    put(&w.text, entry.key, entry.length)
    return put(&w.text, b'":', 2)


cdef int put_object(Walker* w, xmlNode* node, int depth) except -1 nogil:
    """Write an element that has something in it; its entries are put above those in use."""
    cdef int first = w.entry_count
    cdef xmlNode* child
    cdef xmlAttr* attribute = node.properties
    cdef Name* name
    cdef Entry* entry
    cdef const char* text
    cdef Py_ssize_t size
    if depth > DEEPEST:
        return 0
    while attribute != NULL:
        if attribute.ns == NULL:
            if not text_of(attribute.children, &text, &size):
                return 0
            if size and not all_blank(text, size):
                name = property_of(w, <const char*> attribute.name)
                if name == NULL:
                    return 0
                add_property(w, name, text, size)
        elif strcmp(<const char*> attribute.ns.href, XSI) != 0:
            return 0
        attribute = attribute.next
    child = node.children
    while child != NULL:
        if child.type == XML_ELEMENT_NODE:
            name = name_of(w, child)
            if name == NULL or not collect_inner(w, child, name):
                return 0
        elif not is_blank_text(child):
            if has_elements(node) or not text_of(node.children, &text, &size):
                return 0
            entry = entry_of(w)
            entry.key, entry.length, entry.sign, entry.moving, entry.given = OWN_TEXT, 5, 0, 0, 0
            entry.text, entry.size, entry.node = text, size, NULL
            break
        child = child.next
    qsort(w.entries + first, w.entry_count - first, sizeof(Entry), by_key)
    put_char(&w.text, b"{")
    if not put_members(w, first, w.entry_count, depth):
        return 0
    put_char(&w.text, b"}")
    w.entry_count = first
    return 1


cdef int collect_inner(Walker* w, xmlNode* child, Name* name) except -1 nogil:
    cdef int before = w.entry_count
    if not collect(w, child, name):
        return 0
    if w.entry_count > before:
        w.entries[before].moving = 0
    return 1


cdef int by_key(const void* one, const void* other) noexcept nogil:
    """Sort by moving, key, and place in the file."""
    cdef const Entry* a = <const Entry*> one
    cdef const Entry* b = <const Entry*> other
    cdef int order
    if a.moving != b.moving:
        return 1 if a.moving else -1
    if a.sign != b.sign:
        # '@' stands before every letter but not before '#' of "#text"
        if a.sign:
            return 1 if b.key[0] == b"#" else -1
        return -1 if a.key[0] == b"#" else 1
    order = memcmp(a.key, b.key, min(a.length, b.length))
    if order == 0:
        order = (a.length > b.length) - (a.length < b.length)
    return order if order else a.order - b.order


cdef bint same_key(const Entry* a, const Entry* b) noexcept nogil:
    return a.sign == b.sign and a.length == b.length and memcmp(a.key, b.key, a.length) == 0
