# Calls of the builder for plain records that need more than the id table: those that refer to later
# or missing records, or to objects outside the project.

cdef enum:
    RELEASED_TOGETHER = 128  # rows
    MAX_NOTES = 2048  # references to shared objects whose names are kept


cdef int leave_nested_to_python(
    PyObject* collector, CompiledRule* rule, xmlNode* node, const Owner* owner
) except -1 with gil:
    cdef RecordCollector caller = <RecordCollector> collector
    cdef cetree._Element project = caller.builder.element
    owner_id = PyBytes_FromStringAndSize(owner.text, owner.size)
    caller.flush_rows()
    node = copy_record(node, project._c_node)
    take_nested_record(
        caller.builder, cetree.elementFactory(project._doc, node), owner_id, <object> rule.nesting
    )
    remove_copy(project._doc, node)
    return caller.refresh()


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


cdef int release_held(Intake* intake) except -1 with gil:
    """Add the rows that wait for their targets, in the order of the file."""
    cdef RecordCollector caller = <RecordCollector> intake.collector
    cdef NewRows* new_rows = &intake.new_rows[intake.held_table]
    cdef Py_ssize_t count = 0
    intake.held_table = -1
    for row in caller.builder.references.release():
        add_line(new_rows, row)
        count += 1
        if count % RELEASED_TOGETHER == 0:
            caller.flush_rows()
            caller.file.give_way()
    caller.skip = caller.builder.abandoned
    return 0


cdef int add_line(NewRows* new_rows, row) except -1:
    """Add a row that the builder has kept, or has created."""
    cdef bytes text = row.text
    cdef bytes hashed = row.hashed
    put_number(&new_rows.text, new_rows.ordinal)
    put_char(&new_rows.text, b"\t")
    put(&new_rows.text, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    put_char(&new_rows.text, b"\n")
    put(&new_rows.hashed, PyBytes_AS_STRING(hashed), PyBytes_GET_SIZE(hashed))
    put_char(&new_rows.hashed, b"\n")
    new_rows.ordinal += 1
    new_rows.rows += 1
    return 0


cdef int wait_for_targets(
    CompiledRule* rule, ReferenceCheck* check, CompiledRule* fallback, xmlNode* node, Intake* intake
) except -1 with gil:
    """Have the builder keep a record until its targets can exist."""
    cdef RecordCollector caller = <RecordCollector> intake.collector
    cdef object builder = caller.builder
    cdef tuple targets = targets_of(rule, check)
    cdef object row = row_of(rule, caller)
    cdef object other = row if fallback == rule else row_of(fallback, caller)
    try:
        if check.in_order:
            builder.references.hold(targets, row, other)
            intake.held_table = rule.table
        else:
            builder.defer_reference(
                line_of_node(node, caller),
                <object> check.rule,
                targets,
                subject_of(rule, check, node),
                row,
                other,
            )
    except TooLarge as error:
        caller.abandon(error)
    return 0


cdef int supply(CompiledRule* rule, ReferenceCheck* check, Intake* intake) except -1 with gil:
    """Have the builder supply a missing target; 0 if it cannot."""
    cdef RecordCollector caller = <RecordCollector> intake.collector
    cdef bytes record_id = column_of(rule, check.columns[0])
    cdef object row
    try:
        row = (<object> check.rule).supply(caller.builder, record_id)
    except TooLarge as error:
        caller.abandon(error)
        return 1
    if row is None:
        return 0
    add_line(&intake.new_rows[_TABLES.index(row.table)], row)
    return 1


cdef int pass_references(CompiledRule* rule, Intake* intake) except -1 with gil:
    """Tell the builder which shared objects a record may refer to."""
    cdef RecordCollector caller = <RecordCollector> intake.collector
    cdef ParserState* state = rule.parser
    cdef str element = <object> rule.shared_element
    cdef tuple key = (element, PyBytes_FromStringAndSize(state.shared.data, state.shared.used))
    names = caller.names.get(key)
    if names is None:
        if len(caller.names) == MAX_NOTES:
            caller.names.clear()
        names = caller.names[key] = caller.file.format.shared.references(
            element, PyBytes_FromStringAndSize(state.text.data + state.stable.at, state.stable.size)
        )
    caller.builder.refer_to(names)
    return 0


cdef bytes column_of(CompiledRule* rule, int column):
    """Return a column as COPY text."""
    cdef Span* span = &rule.parser.columns[column]
    if span.at < 0:
        return NULL_VALUE
    return PyBytes_FromStringAndSize(rule.parser.text.data + span.at, span.size)


cdef tuple targets_of(CompiledRule* rule, ReferenceCheck* check):
    """Return the targets of a record; none if an optional reference is null."""
    cdef list targets = []
    cdef int at, kind
    for at in range(check.column_count):
        value = column_of(rule, check.columns[at])
        if value is NULL_VALUE and not check.required:
            return ()
        targets.append(
            tuple([
                PyBytes_FromStringAndSize(check.kinds[kind], check.sizes[kind]) + value
                for kind in range(check.count)
            ])
        )
    return tuple(targets)


cdef tuple subject_of(CompiledRule* rule, ReferenceCheck* check, xmlNode* node):
    """Return the local name and the value that a message about a missing target quotes."""
    cdef int at
    if check.label != NULL:
        return <object> check.label, column_of(rule, check.columns[0])
    ids = [column_of(rule, check.columns[at]) for at in range(check.column_count)]
    shown = b" -> ".join([b"?" if record_id is NULL_VALUE else record_id for record_id in ids])
    return (<const char*> node.name).decode(), shown


cdef object row_of(CompiledRule* rule, RecordCollector caller):
    """Return the row of a record that was read."""
    cdef Buffer* line = &caller.line
    cdef ParserState* state = rule.parser
    cdef int width = hashed_width(rule)
    cdef bytes text, hashed
    line.used = 0
    put_line(line, state, width, &state.stable)
    text = hashed = PyBytes_FromStringAndSize(line.data, line.used - 1)
    if width < rule.width or state.whole.at != state.stable.at:
        line.used = 0
        put_line(line, state, rule.width, &state.whole)
        text = PyBytes_FromStringAndSize(line.data, line.used - 1)
    release_large(line)
    return Row(_TABLES[rule.table], text, hashed)


cdef object line_of_node(xmlNode* node, RecordCollector caller):
    """Return the line of a node's start tag; see ``element.line_of``."""
    cdef cetree._Element project = caller.builder.element
    cdef int line = recorded_line(node)
    if line < LAST_EXACT:
        return line
    node = copy_record(node, project._c_node)
    line = line_of(cetree.elementFactory(project._doc, node))
    remove_copy(project._doc, node)
    return line
