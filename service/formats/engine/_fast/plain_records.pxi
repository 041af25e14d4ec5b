# Plain records, which compiled code alone converts to rows: all values are valid, and the id is new.
# Their references are resolved here if the targets came earlier; the builder keeps all others.

cdef struct NewRows:
    # The rows of one table that are not yet passed to the builder.
    Buffer text
    Buffer hashed
    Py_ssize_t rows
    Py_ssize_t ordinal  # of the next row


cdef struct Intake:
    # A project that takes records.
    IdTable* ids
    NewRows* new_rows  # by table
    int held_table  # of the rows that wait for their targets; -1 if there are none
    Py_ssize_t max_size  # of a record's attributes
    PyObject* collector


cdef struct Owner:
    # The id of the record around a nested one, as COPY text.
    const char* text
    Py_ssize_t size


cdef int take_plain(
    CompiledRule* rule, xmlNode* node, const Owner* owner, Intake* intake
) except -1 nogil:
    """Convert a record to a row; 0 if it is not plain, and the interpreter has to take it.

    Args:
        rule: of the record.
        node: the record.
        owner: the record that it is nested in, which has been taken; or NULL.
        intake: of the project.
    """
    cdef CompiledRule* row = rule
    cdef CompiledRule* fallback = rule
    cdef ReferenceCheck* waiting = NULL
    cdef ReferenceCheck* check
    cdef ParserState* state
    cdef int at, exist
    if not has_parser(rule) or (owner == NULL and not has_blank_tail(node)):
        return 0
    if rule.table == intake.held_table and not rule.part and not rule.in_order:
        release_held(intake)
    if not read_record(rule.parser, node):
        return 0
    for at in range(rule.variant_count):
        if is_true(rule.parser, rule.variant_columns[at]):
            row = rule = rule.variants[at]
            if not has_parser(rule) or not read_record(rule.parser, node):
                return 0
            break
    if rule.part:
        return add_part(rule, node, intake)
    state = rule.parser
    if state.whole.size > intake.max_size or (state.apart_count and not rule.nested_count):
        return 0
    if rule.start >= 0 and is_before(state, rule.finish, rule.start):
        return 0
    if rule.owner >= 0:
        set_column(state, rule.owner, owner.text, owner.size)
    for at in range(rule.reference_count):
        check = &rule.references[at]
        exist = targets_exist(state, check, intake.ids)
        if check.in_order and exist and intake.held_table >= 0:
            waiting, fallback = check, rule  # its row follows those that wait
            continue
        if exist or (check.supplied and supply(rule, check, intake)):
            continue
        if check.fallback == NULL or not read_fallback(check.fallback, node, owner, intake):
            return 0
        if check.at_once:
            row = check.fallback
        else:
            waiting, fallback = check, check.fallback
    note_shared_objects(rule, intake)
    if row != rule:
        note_shared_objects(row, intake)
    if fallback != rule:
        note_shared_objects(fallback, intake)
    if rule.key >= 0 and not register_id(rule, intake.ids):
        return 0
    if rule.level >= 0 and state.columns[rule.level].at >= 0:
        fill_parent(intake.collector, rule)
    if waiting != NULL:
        wait_for_targets(rule, waiting, fallback, node, intake)
    else:
        add_row(&intake.new_rows[row.table], row)
    return take_nested(rule, intake) if state.apart_count else 1


cdef int take_nested(CompiledRule* rule, Intake* intake) except -1 nogil:
    """Take the records inside a record."""
    cdef ParserState* state = rule.parser
    cdef Span* key = &state.columns[rule.key]
    cdef xmlNode** nodes = state.apart
    cdef int count = state.apart_count, at
    cdef Owner owner
    cdef char* copied = NULL
    owner.text, owner.size = state.text.data + key.at, key.size
    if rule.recursive:  # the parser reads the nested records too: the array and the id leave it
        copied = <char*> resized(NULL, owner.size + 1)
        memcpy(copied, owner.text, owner.size)
        owner.text = copied
        state.apart, state.apart_count, state.apart_room = NULL, 0, 0
    try:
        for at in range(count):
            take_one_nested(nested_rule(rule, nodes[at]), nodes[at], &owner, intake)
    finally:
        if rule.recursive:
            free(copied)
            free(nodes)
    return 1


cdef int take_one_nested(
    CompiledRule* rule, xmlNode* node, const Owner* owner, Intake* intake
) except -1 nogil:
    if not take_plain(rule, node, owner, intake):
        leave_nested_to_python(intake.collector, rule, node, owner)
    return 0


cdef CompiledRule* nested_rule(CompiledRule* rule, xmlNode* node) noexcept nogil:
    """Return the rule of a nested record; each name that is read apart has one."""
    cdef int at = 0
    while strcmp(rule.nested[at].element, <const char*> node.name) != 0:
        at += 1
    return rule.nested[at]


cdef int has_parser(CompiledRule* rule) except -1 nogil:
    """Whether compiled code can read the records of a rule."""
    if rule.parser == NULL and rule.part_name != NULL:
        with gil:
            (<RuleTable> rule.rules).set_part_parser(rule)
    return rule.parser != NULL


cdef int add_part(CompiledRule* rule, xmlNode* node, Intake* intake) except -1 nogil:
    """Add the row of a part that was read; 0 if it is not plain."""
    if rule.parser.whole.size > intake.max_size:
        return 0
    note_shared_objects(rule, intake)
    set_name(rule, node)
    add_row(&intake.new_rows[rule.table], rule)
    return 1


cdef int set_name(CompiledRule* rule, xmlNode* node) except -1 nogil:
    """Set the only column of a part: the name of the element."""
    return set_column(rule.parser, 0, <const char*> node.name, strlen(<const char*> node.name))


cdef int read_fallback(
    CompiledRule* rule, xmlNode* node, const Owner* owner, Intake* intake
) except -1 nogil:
    """Read a record by the rule that replaces its own if a target is missing; 0 if it is not plain."""
    if not has_parser(rule) or not read_record(rule.parser, node):
        return 0
    if rule.owner_member != NULL and not add_owner(rule, owner):
        return 0
    if rule.part:
        set_name(rule, node)
    return rule.parser.whole.size <= intake.max_size


cdef int add_owner(CompiledRule* rule, const Owner* owner) except -1 nogil:
    """Add the id of the outer record to the attributes; 0 if it is not plain."""
    cdef Member* member
    if memchr(owner.text, 92, owner.size) != NULL:  # as COPY text, it is escaped
        return 0
    member = new_member(rule.parser)
    member.key, member.length, member.sign = rule.owner_member, rule.owner_member_size, 0
    member.is_volatile = member.from_file = member.refers = 0
    member.text, member.size, member.node = owner.text, owner.size, NULL
    return write_attributes(rule.parser)


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


cdef int targets_exist(ParserState* state, ReferenceCheck* check, IdTable* ids) except -1 nogil:
    """Whether all targets are registered; true if an optional reference is null."""
    cdef Span* span
    cdef int at, found = 1
    for at in range(check.column_count):
        span = &state.columns[check.columns[at]]
        if span.at >= 0:
            found &= target_exists(state, check, span, ids)
        elif check.required:
            found = 0
        else:
            return 1
    return found


cdef int target_exists(
    ParserState* state, ReferenceCheck* check, Span* span, IdTable* ids
) except -1 nogil:
    cdef int at
    for at in range(check.count):
        if look_up_id(
            ids, check.kinds[at], check.sizes[at], state.text.data + span.at, span.size, False
        ):
            return 1
    return 0


cdef int note_shared_objects(CompiledRule* rule, Intake* intake) except -1 nogil:
    """Have the builder note the shared objects that a record refers to, unless an earlier one did."""
    if rule.shared_element != NULL and not look_up_shared(rule, intake.ids, False):
        pass_references(rule, intake)
        look_up_shared(rule, intake.ids, True)
    return 0


cdef int look_up_shared(CompiledRule* rule, IdTable* ids, bint insert) except -1 nogil:
    """Whether an earlier record referred to the same shared objects; with ``insert``, note them."""
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


cdef int add_row(NewRows* new_rows, CompiledRule* rule) except -1 nogil:
    cdef ParserState* state = rule.parser
    cdef int width = hashed_width(rule)
    cdef Py_ssize_t start = new_rows.hashed.used
    put_line(&new_rows.hashed, state, width, &state.stable)
    put_number(&new_rows.text, new_rows.ordinal)
    put_char(&new_rows.text, b"\t")
    if width == rule.width and state.whole.at == state.stable.at:
        put(&new_rows.text, new_rows.hashed.data + start, new_rows.hashed.used - start)
    else:
        put_line(&new_rows.text, state, rule.width, &state.whole)
    new_rows.ordinal += 1
    new_rows.rows += 1
    return 0


cdef int hashed_width(CompiledRule* rule) noexcept nogil:
    """Return the number of columns that count for the hash; as ``project_content``."""
    cdef int width = rule.width
    while width > rule.always_hashed and rule.parser.columns[width - 1].at < 0:
        width -= 1
    return width


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
