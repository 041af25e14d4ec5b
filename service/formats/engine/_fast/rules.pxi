# Record rules as C structures.

cdef enum:
    # The sizes of arrays, which ``record_rules.LIMITS`` repeats.
    MAX_REFERENCES = 3
    MAX_KINDS = 2
    MAX_VARIANTS = 3
    MAX_NESTED = 4
    TABLES = 7


cdef struct ReferenceCheck:
    # A reference rule.
    PyObject* rule
    PyObject* label  # name of the element or XML attribute that has the id, or NULL if there are two
    int columns[MAX_REFERENCES]
    int column_count
    bint required
    bint in_order  # its rows wait for their targets, so that rows keep their order
    bint at_once
    bint supplied  # a method of the builder may supply a missing target
    bint deferred  # it is resolved at the end of the project, with a fallback
    const char* kinds[MAX_KINDS]
    Py_ssize_t sizes[MAX_KINDS]
    int count
    CompiledRule* fallback  # or NULL


cdef struct CompiledRule:
    # A record rule. Without a parser, the interpreter in Python takes all its records.
    PyObject* rule
    PyObject* nesting  # of a nested record: its ``NestedRule``
    const char* element  # of a nested record: the local name of its element
    bint recursive  # whether records inside a record have the same rule, and so the same parser
    ParserState* parser
    int table
    int width
    int always_hashed
    bint part  # the record is stored as a part; its only column is its name
    PyObject* part_name  # of a part that compiled code can read, or NULL
    PyObject* rules  # the table; it creates the parser of a part
    const char* owner_member  # of a part: the member that holds the outer record's id, or NULL
    Py_ssize_t owner_member_size
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
    bint in_order  # one of the references is
    int variant_columns[MAX_VARIANTS]
    CompiledRule* variants[MAX_VARIANTS]
    int variant_count
    CompiledRule* nested[MAX_NESTED]
    int nested_count
    PyObject* shared_element  # decides the kinds of the shared objects referred to, or NULL
    const char* shared  # prefix of noted references to shared objects in the id set
    Py_ssize_t shared_size


cdef class RuleTable:
    """The rules of a format, for projects of formats with the same volatile members.

    Args:
        parsers: of the format.
        source: name of such a format.
        records: the rules, in the order of ``Format.records``.
    """

    cdef object parsers, source
    cdef list kept
    cdef CompiledRule** records  # in the order of the paths
    cdef CompiledRule** rules
    cdef int rule_count

    def __init__(self, parsers, source, records):
        cdef int at = 0
        self.parsers, self.source = proxy(parsers), source  # which has the table
        self.kept = [records]  # whose id is the key of the table
        self.records = <CompiledRule**> resized(NULL, (len(records) + 1) * sizeof(CompiledRule*))
        for path, rule in records.items():
            name = path.rpartition("/")[2]
            self.records[at] = (
                self.compile_part(rule, name) if rule.as_part else self.compile_rule(rule, name)
            )
            at += 1

    def __dealloc__(self):
        cdef int at
        for at in range(self.rule_count):
            free(self.rules[at])
        free(self.records)
        free(self.rules)

    cdef const char* keep(self, bytes text) except NULL:
        """Return the C string of a text; it is valid as long as the table exists."""
        self.kept.append(text)
        return PyBytes_AS_STRING(text)

    cdef CompiledRule* new_rule(self, rule) except NULL:
        cdef CompiledRule* compiled = <CompiledRule*> resized(NULL, sizeof(CompiledRule))
        memset(compiled, 0, sizeof(CompiledRule))
        self.rules = <CompiledRule**> resized(
            self.rules, (self.rule_count + 1) * sizeof(CompiledRule*)
        )
        self.rules[self.rule_count] = compiled
        self.rule_count += 1
        self.kept.append(rule)
        compiled.rule = <PyObject*> rule
        compiled.key = compiled.kind_column = compiled.start = compiled.finish = -1
        compiled.level = compiled.parent = compiled.owner = -1
        compiled.kind = EMPTY_TEXT
        return compiled

    cdef int set_parser(
        self, CompiledRule* compiled, RecordParser parser, str shared_element
    ) except -1:
        """Set the parser; it notes the references to shared objects if records have any."""
        cdef bytes text
        self.kept.append(parser)
        compiled.parser = &parser.state
        if shared_element is not None:
            parser.shared_element, parser.refers = shared_element, self.parsers.format.shared.refers
            text = f"shared by {shared_element} ".encode()
            compiled.shared_element = <PyObject*> parser.shared_element
            compiled.shared, compiled.shared_size = self.keep(text), len(text)
        return 0

    cdef int set_part_parser(self, CompiledRule* compiled) except -1:
        """Create the parser of a part, at its first record."""
        cdef object shape = compile_rule(
            KEEP_AS_PART,
            self.parsers.keys,
            self.parsers.namespace,
            self.parsers.volatile(self.source),
            strict=False,
        )
        cdef str name = <object> compiled.part_name
        self.set_parser(
            compiled, RecordParser(shape), None if self.parsers.format.shared is None else name
        )
        return 0

    cdef CompiledRule* compile_part(self, rule, str name, str owner_member=None) except NULL:
        """Compile a rule whose records become parts."""
        cdef CompiledRule* compiled = self.new_rule(rule)
        cdef bytes text
        compiled.part = True
        compiled.table = _TABLES.index(KEEP_AS_PART.table)
        compiled.width = compiled.always_hashed = 1
        if rule.take is not None or self.parsers.format.strict:
            return compiled
        self.kept.append(name)
        compiled.part_name, compiled.rules = <PyObject*> name, <PyObject*> self
        if owner_member is not None:
            text = owner_member.encode()
            compiled.owner_member, compiled.owner_member_size = self.keep(text), len(text)
        return compiled

    cdef CompiledRule* compile_rule(self, rule, str name, nesting=None) except NULL:
        """Compile a rule.

        Args:
            rule: the rule.
            name: local name of its records' elements.
            nesting: the rule of their nesting, if its records are nested.
        """
        cdef CompiledRule* compiled = self.new_rule(rule)
        cdef str owner_member = None if nesting is None else nesting.owner_member
        cdef bytes text
        if not rule.has_row:
            return compiled
        self.set_parser(compiled, self.parsers.record_parser(rule, self.source), rule.shared)
        compiled.table = _TABLES.index(rule.table)
        compiled.width, compiled.always_hashed = len(rule.columns), rule.always_hashed
        if rule.key is not None:
            compiled.key = rule.index(rule.key.column)
            if rule.key.kind_column is not None:
                compiled.kind_column = rule.index(rule.key.kind_column)
            text = rule.key.kind.encode()
            compiled.kind, compiled.kind_size = self.keep(text), len(text)
        if rule.dated:
            compiled.start, compiled.finish = rule.index("start"), rule.index("finish")
        if rule.level is not None:
            compiled.level, compiled.parent = rule.index(rule.level), rule.index("parent_id")
        if nesting is not None:
            self.kept.append(nesting)
            compiled.nesting, compiled.element = <PyObject*> nesting, self.keep(name.encode())
            compiled.owner = rule.index(nesting.owner)
        for reference in rule.references:
            self.add_reference(compiled, rule, name, reference, owner_member)
        for nested in rule.nested:
            compiled.nested[compiled.nested_count] = self.compile_rule(
                nested.rule, nested.name, nested
            )
            compiled.nested_count += 1
        if rule.children is not None:
            self.compile_children(compiled, rule)
        for column, variant in rule.variants.items():
            compiled.variant_columns[compiled.variant_count] = rule.index(column)
            compiled.variants[compiled.variant_count] = self.compile_variant(
                compiled, variant, name
            )
            compiled.variant_count += 1
        return compiled

    cdef int compile_children(self, CompiledRule* compiled, rule) except -1:
        """Compile the rule of the records inside a record that have the same rule."""
        cdef CompiledRule* inner = self.new_rule(rule)
        cdef object nesting = rule.inner[len(rule.inner) - 1]
        cdef str name = nesting.name
        compiled.recursive = True
        memcpy(inner, compiled, sizeof(CompiledRule))
        self.kept.append(nesting)
        inner.nesting, inner.element = <PyObject*> nesting, self.keep(name.encode())
        inner.owner = rule.index(nesting.owner)
        compiled.nested[compiled.nested_count] = inner.nested[inner.nested_count] = inner
        compiled.nested_count += 1
        inner.nested_count += 1
        return 0

    cdef CompiledRule* compile_variant(self, CompiledRule* base, rule, str name) except NULL:
        """Compile a rule that reads a record of ``base`` instead, but has the rest of ``base``."""
        cdef CompiledRule* variant
        if rule.as_part:
            return self.compile_part(rule, name)
        variant = self.new_rule(rule)
        memcpy(variant, base, sizeof(CompiledRule))
        variant.variant_count = 0
        self.set_parser(
            variant,
            self.parsers.record_parser(rule, self.source),
            None if base.shared_element == NULL else <object> base.shared_element,
        )
        return variant

    cdef int add_reference(
        self, CompiledRule* compiled, rule, str name, reference, str owner_member
    ) except -1:
        cdef ReferenceCheck* check = &compiled.references[compiled.reference_count]
        cdef object fallback = reference.fallback
        cdef str label
        compiled.reference_count += 1
        check.rule, check.required = <PyObject*> reference, reference.required
        for column in reference.columns:
            check.columns[check.column_count] = rule.index(column)
            check.column_count += 1
        if check.column_count == 1:
            label = rule.label(reference.columns[0])
            self.kept.append(label)
            check.label = <PyObject*> label
        for kind in reference.kinds:
            text = kind.encode()
            check.kinds[check.count], check.sizes[check.count] = self.keep(text), len(text)
            check.count += 1
        check.supplied = reference.supply is not None
        check.in_order = reference.settle is Settle.IN_ORDER
        compiled.in_order |= check.in_order
        if fallback is None:
            return 0
        if fallback.as_part:
            check.fallback = self.compile_part(fallback, name, owner_member)
        else:
            check.fallback = self.compile_rule(fallback, name)
        check.at_once = reference.settle is Settle.AT_ONCE
        check.deferred = reference.settle is Settle.AT_END and not reference.once
        return 0
