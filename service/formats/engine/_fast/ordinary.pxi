# Ordinary records: how they become rows, without their dialect.

cdef struct Made:
    # The rows of one table that are not handed on yet.
    Buffer text
    Buffer hashed
    Py_ssize_t rows
    Py_ssize_t ordinal  # of the next one


cdef int take_ordinary(
    Rule* rule, xmlNode* node, NameSet* names, Made* made, Py_ssize_t most, PyObject* harvest
) except -1 nogil:
    """Make a record a row; 0, with nothing changed, where it is not ordinary."""
    cdef Walker* w = rule.walker
    cdef Span* name
    cdef int at
    if w == NULL or not has_blank_tail(node) or not read_record(w, node):
        return 0
    if w.whole.size > most or (w.apart_count and rule.inner == NULL):
        return 0
    for at in range(rule.unless_count):
        if is_true(w, rule.unless[at]):
            return 0
    if rule.start >= 0 and is_before(w, rule.finish, rule.start):
        return 0
    for at in range(rule.refer_count):
        if not is_known(w, &rule.refers[at], names):
            return 0
    if rule.mentions != NULL and not are_mentioned(rule, names, False):
        return 0
    if rule.name >= 0 and not is_new(rule, names):
        return 0
    if rule.level >= 0 and w.columns[rule.level].at >= 0:
        find_parent(harvest, rule)
    add_row(&made[rule.table], rule)
    for at in range(w.apart_count):
        take_inner(rule, w.apart[at], names, made, most, harvest)
    return 1


cdef int take_inner(
    Rule* rule, xmlNode* node, NameSet* names, Made* made, Py_ssize_t most, PyObject* harvest
) except -1 nogil:
    """Take a record inside another, which has been taken."""
    cdef Walker* w = rule.inner.walker
    cdef Span* name = &rule.walker.columns[rule.name]
    cdef Rule* inner = rule.inner
    cdef int at
    cdef bint ordinary = read_record(w, node) and w.whole.size <= most and not w.apart_count
    for at in range(inner.unless_count):
        ordinary = ordinary and not is_true(w, inner.unless[at])
    for at in range(inner.refer_count):
        ordinary = ordinary and is_known(w, &inner.refers[at], names)
    if not ordinary:
        return ask_inner(harvest, rule, node)
    set_column(w, inner.owner, rule.walker.text.data + name.at, name.size)
    return add_row(&made[inner.table], inner)


cdef int ask_inner(PyObject* harvest, Rule* rule, xmlNode* node) except -1 with gil:
    cdef Harvest asking = <Harvest> harvest
    cdef Span* name = &rule.walker.columns[rule.name]
    cdef cetree._Element project = asking.plan.element
    owner = PyBytes_FromStringAndSize(rule.walker.text.data + name.at, name.size)
    asking.hand_on()
    element = cetree.elementFactory(project._doc, node)
    asking.take_inner_one(asking.plan, element, owner, <object> rule.inner.take)
    return asking.attend()


cdef bint is_true(const Walker* w, int column) noexcept nogil:
    cdef const Span* span = &w.columns[column]
    return span.at >= 0 and span.size == 1 and w.text.data[span.at] == b"t"


cdef bint is_before(const Walker* w, int one, int other) noexcept nogil:
    cdef const Span* a = &w.columns[one]
    cdef const Span* b = &w.columns[other]
    cdef int order
    if a.at < 0 or b.at < 0:
        return False
    order = memcmp(w.text.data + a.at, w.text.data + b.at, min(a.size, b.size))
    return order < 0 or (order == 0 and a.size < b.size)


cdef int is_known(Walker* w, Refer* refer, NameSet* names) except -1 nogil:
    cdef Span* span = &w.columns[refer.column]
    cdef int at
    if span.at < 0:
        return not refer.needed
    for at in range(refer.count):
        if find_name(
            names, refer.kinds[at], refer.sizes[at], w.text.data + span.at, span.size, False
        ):
            return 1
    return 0


cdef int are_mentioned(Rule* rule, NameSet* names, bint insert) except -1 nogil:
    """Whether a record of the project has mentioned before all that this one mentions."""
    cdef Buffer* mentions = &rule.walker.mentions
    cdef Py_ssize_t at = 0
    cdef unsigned short size
    while at < mentions.used:
        memcpy(&size, mentions.data + at, 2)
        if not find_name(
            names, rule.mentions, rule.mentions_size, mentions.data + at + 2, size, insert
        ) and not insert:
            return 0
        at += size + 2
    return 1


cdef int is_new(Rule* rule, NameSet* names) except -1 nogil:
    """Make the record's own name known, unless it is known already."""
    cdef Walker* w = rule.walker
    cdef Span* name = &w.columns[rule.name]
    cdef const char* kind = rule.kind
    cdef Py_ssize_t size = rule.kind_size
    if name.at < 0:
        return 0
    if rule.kind_column >= 0:
        kind = w.text.data + w.columns[rule.kind_column].at
        size = w.columns[rule.kind_column].size
    return not find_name(names, kind, size, w.text.data + name.at, name.size, True)


cdef int find_parent(PyObject* harvest, Rule* rule) except -1 with gil:
    cdef Walker* w = rule.walker
    cdef Span* level = &w.columns[rule.level]
    cdef Span* name = &w.columns[rule.name]
    parent = (<Harvest> harvest).plan.outline.parent(
        int(PyBytes_FromStringAndSize(w.text.data + level.at, level.size)),
        PyBytes_FromStringAndSize(w.text.data + name.at, name.size),
    )
    if parent is not NULL_VALUE:
        set_column(w, rule.parent, PyBytes_AS_STRING(parent), PyBytes_GET_SIZE(parent))
    return 0


cdef int add_row(Made* made, Rule* rule) except -1 nogil:
    cdef Walker* w = rule.walker
    cdef Py_ssize_t begun = made.hashed.used
    put_line(&made.hashed, w, rule.width, &w.stable)
    put_number(&made.text, made.ordinal)
    put_char(&made.text, b"\t")
    if w.whole.at == w.stable.at:
        put(&made.text, made.hashed.data + begun, made.hashed.used - begun)
    else:
        put_line(&made.text, w, rule.width, &w.whole)
    made.ordinal += 1
    made.rows += 1
    return 0


cdef int put_line(Buffer* out, Walker* w, int width, const Span* attributes) except -1 nogil:
    cdef int at
    for at in range(width):
        if w.columns[at].at < 0:
            put(out, b"\\N", 2)
        else:
            put(out, w.text.data + w.columns[at].at, w.columns[at].size)
        put_char(out, b"\t")
    put_doubled(out, w.text.data + attributes.at, attributes.size)
    return put_char(out, b"\n")
