# Record rules as C structures.

cdef enum:
    # The sizes of arrays, which ``record_rules.LIMITS`` repeats.
    MAX_REFERENCES = 3
    MAX_KINDS = 2
    MAX_VARIANTS = 3
    TABLES = 5


cdef struct ReferenceCheck:
    # One column of a reference rule.
    int column
    bint required
    const char* kinds[MAX_KINDS]
    Py_ssize_t sizes[MAX_KINDS]
    int count


cdef struct CompiledRule:
    # A record rule. Without a parser, the interpreter in Python takes all its records.
    PyObject* rule
    PyObject* nesting  # the ``NestedRule`` of the nested records
    ParserState* parser
    int table
    int width
    int key  # from here on, indexes of columns; -1 if there is none
    int kind_column
    int start
    int finish
    int level
    int parent
    int owner
    const char* kind
    Py_ssize_t kind_size
    ReferenceCheck references[MAX_REFERENCES]
    int reference_count
    int variants[MAX_VARIANTS]
    int variant_count
    CompiledRule* nested
    const char* shared  # prefix of noted references to shared objects in the id set, or NULL
    Py_ssize_t shared_size


cdef struct ChildRule:
    # The rule or the holder for a child of a project or of a holder, by the child's name.
    const char* address
    CompiledRule* rule
    Holder* holder


cdef struct Holder:
    # A project, or a child of it that holds records.
    ChildRule children[NAMES]
    ChildRule unknown
    int child_count
    PyObject* rules  # by tag, the addresses of ``CompiledRule``
    PyObject* table
    const char* namespace


cdef class RuleTable:
    """The rules of one file, for projects of formats with the same volatile members."""

    cdef object file, source
    cdef Holder* top
    cdef list kept
    cdef dict holders_by_tag  # addresses of ``Holder``
    cdef Holder** holders
    cdef int holder_count
    cdef CompiledRule** rules
    cdef int rule_count

    def __init__(self, file, source):
        self.file, self.source = file, source
        self.kept, self.holders_by_tag = [], {}
        rules = rules_by_tag(file)
        self.top = self.add_holder(rules.pop(None, {}))
        for tag, held in rules.items():
            self.holders_by_tag[tag] = <uintptr_t> self.add_holder(held)

    def __dealloc__(self):
        cdef int at
        for at in range(self.holder_count):
            free(self.holders[at])
        for at in range(self.rule_count):
            free(self.rules[at])
        free(self.holders)
        free(self.rules)

    cdef Holder* add_holder(self, rules) except NULL:
        """Compile the rules of the records in one holder, given by tag."""
        cdef Holder* holder = <Holder*> resized(NULL, sizeof(Holder))
        cdef dict addresses = {}
        memset(holder, 0, sizeof(Holder))
        self.holders = <Holder**> resized(self.holders, (self.holder_count + 1) * sizeof(Holder*))
        self.holders[self.holder_count] = holder
        self.holder_count += 1
        for tag, rule in rules.items():
            addresses[tag] = <uintptr_t> self.compile_rule(rule)
        self.kept.append(addresses)
        holder.rules, holder.table = <PyObject*> addresses, <PyObject*> self
        if self.file.namespace:
            holder.namespace = self.keep(self.file.namespace.encode())
        return holder

    cdef const char* keep(self, bytes text) except NULL:
        """Return the C string of a text; it is valid as long as the table exists."""
        self.kept.append(text)
        return PyBytes_AS_STRING(text)

    cdef CompiledRule* compile_rule(self, rule) except NULL:
        cdef CompiledRule* compiled = <CompiledRule*> resized(NULL, sizeof(CompiledRule))
        cdef RecordParser parser
        cdef bytes text
        memset(compiled, 0, sizeof(CompiledRule))
        self.rules = <CompiledRule**> resized(
            self.rules, (self.rule_count + 1) * sizeof(CompiledRule*)
        )
        self.rules[self.rule_count] = compiled
        self.rule_count += 1
        self.kept.append(rule)
        compiled.rule = <PyObject*> rule
        if not rule.has_row:
            return compiled
        parser = <RecordParser?> self.file.record_parser(rule, self.source)
        self.kept.append(parser)
        compiled.table = _TABLES.index(rule.table)
        compiled.width = len(rule.columns)
        compiled.key = compiled.kind_column = -1
        compiled.kind, compiled.kind_size = EMPTY_TEXT, 0
        if rule.key is not None:
            compiled.key = rule.index(rule.key.column)
            if rule.key.kind_column is not None:
                compiled.kind_column = rule.index(rule.key.kind_column)
            text = rule.key.kind.encode()
            compiled.kind, compiled.kind_size = self.keep(text), len(text)
        compiled.start = rule.index("start") if rule.dated else -1
        compiled.finish = rule.index("finish") if rule.dated else -1
        compiled.level = compiled.parent = -1
        if rule.level is not None:
            compiled.level, compiled.parent = rule.index(rule.level), rule.index("parent_id")
        for reference in rule.references:
            for column in reference.columns:
                self.add_reference(compiled, rule.index(column), reference)
        for column in rule.variants:
            compiled.variants[compiled.variant_count] = rule.index(column)
            compiled.variant_count += 1
        if rule.nested is not None:
            self.kept.append(rule.nested)
            compiled.nesting = <PyObject*> rule.nested
            compiled.nested = self.compile_rule(rule.nested.rule)
            compiled.nested.owner = rule.nested.rule.index(rule.nested.owner)
        if rule.shared is not None:
            text = f"shared by {rule.shared.element} ".encode()
            compiled.shared, compiled.shared_size = self.keep(text), len(text)
            text = rule.shared.suffix.encode()
            parser.state.shared_suffix = self.keep(text)
            parser.state.shared_suffix_size = len(text)
        compiled.parser = &parser.state
        return compiled

    cdef int add_reference(self, CompiledRule* compiled, int column, reference) except -1:
        cdef ReferenceCheck* check = &compiled.references[compiled.reference_count]
        compiled.reference_count += 1
        check.column, check.required = column, reference.required
        for kind in reference.kinds:
            text = kind.encode()
            check.kinds[check.count], check.sizes[check.count] = self.keep(text), len(text)
            check.count += 1
        return 0


cdef ChildRule* child_rule_of(Holder* holder, xmlNode* node) except NULL nogil:
    cdef const char* address = <const char*> node.name
    cdef size_t at = (<uintptr_t> address >> 3) % NAMES
    if not in_namespace(holder.namespace, node):
        memset(&holder.unknown, 0, sizeof(ChildRule))
        return &holder.unknown
    while holder.children[at].address != address:
        if holder.children[at].address == NULL:
            return learn_child(holder, address, at)
        at = (at + 1) % NAMES
    return &holder.children[at]


cdef ChildRule* learn_child(Holder* holder, const char* address, size_t at) except NULL with gil:
    cdef RuleTable table = <RuleTable> holder.table
    cdef ChildRule* child = &holder.children[at]
    cdef str tag = table.file.tag % address.decode()
    if holder.child_count == NAMES // 2:  # the array is full
        child = &holder.unknown
    else:
        holder.child_count += 1
        child.address = address
    child.rule = <CompiledRule*> <uintptr_t> (<dict> holder.rules).get(tag, 0)
    child.holder = NULL
    if child.rule == NULL and holder == table.top:
        child.holder = <Holder*> <uintptr_t> table.holders_by_tag.get(tag, 0)
    return child
