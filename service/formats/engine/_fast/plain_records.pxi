# Plain records, which compiled code alone converts to rows: all values are valid, the id is new, and
# the records that they refer to came earlier.

cdef struct NewRows:
    # The rows of one table that are not yet passed to the builder.
    Buffer text
    Buffer hashed
    Py_ssize_t rows
    Py_ssize_t ordinal  # of the next row


cdef int take_plain(
    CompiledRule* rule, xmlNode* node, IdTable* ids, NewRows* new_rows, Py_ssize_t max_size,
    PyObject* collector
) except -1 nogil:
    """Convert a record to a row; 0, without any change, if the record is not plain."""
    cdef ParserState* state = rule.parser
    cdef int at
    if state == NULL or not has_blank_tail(node) or not read_record(state, node):
        return 0
    if state.whole.size > max_size or (state.apart_count and rule.nested == NULL):
        return 0
    for at in range(rule.variant_count):
        if is_true(state, rule.variants[at]):
            return 0
    if rule.start >= 0 and is_before(state, rule.finish, rule.start):
        return 0
    for at in range(rule.reference_count):
        if not target_exists(state, &rule.references[at], ids):
            return 0
    if rule.shared != NULL and not look_up_shared(rule, ids, False):
        return 0
    if rule.key >= 0 and not register_id(rule, ids):
        return 0
    if rule.level >= 0 and state.columns[rule.level].at >= 0:
        fill_parent(collector, rule)
    add_row(&new_rows[rule.table], rule)
    for at in range(state.apart_count):
        take_nested(rule, state.apart[at], ids, new_rows, max_size, collector)
    return 1


cdef int take_nested(
    CompiledRule* rule, xmlNode* node, IdTable* ids, NewRows* new_rows, Py_ssize_t max_size,
    PyObject* collector
) except -1 nogil:
    """Take a record nested in a record of ``rule`` that has been taken."""
    cdef CompiledRule* nested = rule.nested
    cdef ParserState* state = nested.parser
    cdef Span* owner = &rule.parser.columns[rule.key]
    cdef int at
    cdef bint plain = read_record(state, node)
    plain = plain and state.whole.size <= max_size and not state.apart_count
    for at in range(nested.variant_count):
        plain = plain and not is_true(state, nested.variants[at])
    for at in range(nested.reference_count):
        plain = plain and target_exists(state, &nested.references[at], ids)
    if not plain:
        return leave_nested_to_python(collector, rule, node)
    set_column(state, nested.owner, rule.parser.text.data + owner.at, owner.size)
    return add_row(&new_rows[nested.table], nested)


cdef int leave_nested_to_python(
    PyObject* collector, CompiledRule* rule, xmlNode* node
) except -1 with gil:
    cdef RecordCollector caller = <RecordCollector> collector
    cdef Span* key = &rule.parser.columns[rule.key]
    cdef cetree._Element project = caller.builder.element
    owner = PyBytes_FromStringAndSize(rule.parser.text.data + key.at, key.size)
    caller.flush_rows()
    element = cetree.elementFactory(project._doc, node)
    take_nested_record(caller.builder, element, owner, <object> rule.nesting)
    return caller.refresh()


cdef bint is_true(const ParserState* state, int column) noexcept nogil:
    cdef const Span* span = &state.columns[column]
    return span.at >= 0 and span.size == 1 and state.text.data[span.at] == b"t"


cdef bint is_before(const ParserState* state, int first, int second) noexcept nogil:
    """Whether the text of the first column sorts before the text of the second."""
    cdef const Span* a = &state.columns[first]
    cdef const Span* b = &state.columns[second]
    cdef int order
    if a.at < 0 or b.at < 0:
        return False
    order = memcmp(state.text.data + a.at, state.text.data + b.at, min(a.size, b.size))
    return order < 0 or (order == 0 and a.size < b.size)


cdef int target_exists(ParserState* state, ReferenceCheck* check, IdTable* ids) except -1 nogil:
    cdef Span* span = &state.columns[check.column]
    cdef int at
    if span.at < 0:
        return not check.required
    for at in range(check.count):
        if look_up_id(
            ids, check.kinds[at], check.sizes[at], state.text.data + span.at, span.size, False
        ):
            return 1
    return 0


cdef int look_up_shared(CompiledRule* rule, IdTable* ids, bint insert) except -1 nogil:
    """Whether an earlier record referred to the same shared objects.

    With ``insert``, add them to the id set; the builder has then taken the record.
    """
    cdef Buffer* shared = &rule.parser.shared
    cdef Py_ssize_t at = 0
    cdef unsigned short size
    while at < shared.used:
        memcpy(&size, shared.data + at, 2)
        if not look_up_id(
            ids, rule.shared, rule.shared_size, shared.data + at + 2, size, insert
        ) and not insert:
            return 0
        at += size + 2
    return 1


cdef int register_id(CompiledRule* rule, IdTable* ids) except -1 nogil:
    """Register the record's id; 0 if it has none, or if the id is already registered."""
    cdef ParserState* state = rule.parser
    cdef Span* key = &state.columns[rule.key]
    cdef const char* kind = rule.kind
    cdef Py_ssize_t size = rule.kind_size
    if key.at < 0:
        return 0
    if rule.kind_column >= 0:
        kind = state.text.data + state.columns[rule.kind_column].at
        size = state.columns[rule.kind_column].size
    return not look_up_id(ids, kind, size, state.text.data + key.at, key.size, True)


cdef int fill_parent(PyObject* collector, CompiledRule* rule) except -1 with gil:
    """Set the parent, computed from the outline level."""
    cdef ParserState* state = rule.parser
    cdef Span* level = &state.columns[rule.level]
    cdef Span* key = &state.columns[rule.key]
    parent = (<RecordCollector> collector).builder.outline.parent(
        int(PyBytes_FromStringAndSize(state.text.data + level.at, level.size)),
        PyBytes_FromStringAndSize(state.text.data + key.at, key.size),
    )
    if parent is not NULL_VALUE:
        set_column(state, rule.parent, PyBytes_AS_STRING(parent), PyBytes_GET_SIZE(parent))
    return 0


cdef int add_row(NewRows* new_rows, CompiledRule* rule) except -1 nogil:
    cdef ParserState* state = rule.parser
    cdef Py_ssize_t start = new_rows.hashed.used
    put_line(&new_rows.hashed, state, rule.width, &state.stable)
    put_number(&new_rows.text, new_rows.ordinal)
    put_char(&new_rows.text, b"\t")
    if state.whole.at == state.stable.at:
        put(&new_rows.text, new_rows.hashed.data + start, new_rows.hashed.used - start)
    else:
        put_line(&new_rows.text, state, rule.width, &state.whole)
    new_rows.ordinal += 1
    new_rows.rows += 1
    return 0


cdef int put_line(
    Buffer* out, ParserState* state, int width, const Span* attributes
) except -1 nogil:
    cdef int at
    for at in range(width):
        if state.columns[at].at < 0:
            put(out, b"\\N", 2)
        else:
            put(out, state.text.data + state.columns[at].at, state.columns[at].size)
        put_char(out, b"\t")
    put_doubled(out, state.text.data + attributes.at, attributes.size)
    return put_char(out, b"\n")
