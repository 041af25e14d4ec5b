# The record collector: converts plain records to rows, and passes all others to Python.

cdef Py_ssize_t NODE_SIZE = _NODE_SIZE


cdef class XmlParser  # see events.pxi


cdef class RecordCollector:
    """The collector of one file's records; see ``record_collector.PythonRecordCollector``.

    Args:
        file: the file.
    """

    cdef object file, builder
    cdef XmlParser parser  # has the places of the recorder
    cdef dict names  # of shared objects, by the noted references of a record
    cdef NewRows new_rows[TABLES]
    cdef Intake intake
    cdef Buffer line
    cdef Recorder recorder
    cdef Py_ssize_t taken  # entries of the queue that were taken
    cdef bint skip  # whether the records of the project are only removed
    cdef xmlNode* closed_project  # the last one that has ended, and the line of its last element
    cdef int closed_line

    def __init__(self, file):
        self.file = file
        self.names = {}
        self.intake.new_rows = self.new_rows
        self.intake.max_size = file.limits.max_attributes_bytes
        self.intake.collector = <PyObject*> self
        self.recorder.anywhere = file.format.anywhere

    def __dealloc__(self):
        cdef int at
        for at in range(TABLES):
            free(self.new_rows[at].text.data)
            free(self.new_rows[at].hashed.data)
        free(self.line.data)
        free_arena(&self.recorder.arena)
        free(self.recorder.queue)

    def __call__(self, builder, *, bint closed):
        cdef object volatile = self.file.volatile(builder.source)  # a file may name any source
        cdef tuple key = (volatile, id(builder.records))
        cdef object parsers = self.file.parsers
        cdef RuleTable rules = parsers.rule_tables.get(key)
        if rules is None:
            rules = RuleTable(parsers, builder.source, builder.records)
            parsers.rule_tables[key] = rules
        self.builder = builder
        try:
            self.take_records(rules)
            self.file.give_way()
            self.flush_rows()
        finally:
            self.builder = None
            self.remove_taken()
            self.clear_rows()

    def open_size(self):
        return self.recorder.size

    def drop_open(self):
        cdef Recorder* recorder = &self.recorder
        recorder.size = 0
        if (recorder.depth or recorder.tail) and not recorder.dropped:
            recorder.dropped, recorder.text = True, NULL
            recorder.count -= 1
            self.remove_taken()

    def line_of_last(self, cetree._Element project):
        cdef Recorder* recorder = &self.recorder
        cdef Recorded* entry
        cdef Py_ssize_t at
        if recorder.project == project._c_node:
            return recorder.line
        for at in range(recorder.count):
            entry = &recorder.queue[at]
            if entry.node == NULL and entry.project == project._c_node:
                return entry.line
        return self.closed_line if self.closed_project == project._c_node else None

    cdef int set_places(self, XmlParser parser, xmlDict* names) except -1:
        """Set the tables of the names of records; the parser has them after the first file."""
        self.parser = parser
        if parser.places == NULL:
            self.create_places(parser, names)
        self.recorder.places, self.recorder.namespace = parser.places, parser.namespace
        return 0

    cdef int create_places(self, XmlParser parser, xmlDict* names) except -1:
        """Create the tables of the names of records, in a parser's dictionary."""
        cdef object records = self.file.format.records
        cdef bytes namespace = self.file.namespace.encode()
        cdef Places* places
        cdef Place* place
        cdef int rule
        parser.places = new_places(len(records), NULL)
        parser.namespace = interned(names, namespace) if namespace else NULL
        for rule, (holders, record) in enumerate(map(split_path, records)):
            places = parser.places
            for holder in holders:
                place = place_of(places, interned(names, holder.encode()))
                place.name = interned(names, holder.encode())
                if place.held == NULL:
                    place.held = new_places(len(records), places)
                places = place.held
            place = place_of(places, interned(names, record.encode()))
            place.name, place.rule = interned(names, record.encode()), rule
        return 0

    cdef int take_records(self, RuleTable rules) except -1:
        cdef xmlNode* project = (<cetree._Element?> self.builder.element)._c_node
        cdef bint rare
        self.intake.ids = &(<IdSet> self.builder.references.ids).table
        self.refresh()
        while True:
            with nogil:
                rare = run_queue(
                    &self.recorder, &self.taken, project, rules.records, &self.skip, &self.intake
                )
            if not rare:
                return self.leave_project(project)
            self.leave_to_python(rules.records[self.recorder.queue[self.taken].rule])
            self.taken += 1

    cdef int leave_project(self, xmlNode* project) noexcept:
        """Take the entry of the project's end, if it is the next one."""
        cdef Recorded* entry
        if self.taken < self.recorder.count:
            entry = &self.recorder.queue[self.taken]
            if entry.node == NULL and entry.project == project:
                self.closed_project, self.closed_line = project, entry.line
                self.taken += 1
        return 0

    cdef int refresh(self) except -1:
        """Read the builder's state again, which its methods may have changed."""
        cdef int at
        cdef list counts = self.builder.counts()
        self.skip = self.builder.abandoned
        held = self.builder.references.held_table
        self.intake.held_table = -1 if held is None else _TABLES.index(held)
        for at in range(TABLES):
            self.new_rows[at].ordinal = counts[at]
        return 0

    cdef int leave_to_python(self, CompiledRule* rule) except -1:
        """Pass a record to the interpreter in Python, as an element of the tree."""
        cdef Recorded* entry = &self.recorder.queue[self.taken]
        cdef cetree._Document document = (<cetree._Element> self.builder.element)._doc
        cdef xmlNode* copied
        self.flush_rows()
        copied = copy_record(entry.node, entry.parent)
        take_record(
            self.builder,
            cetree.elementFactory(document, entry.parent),
            cetree.elementFactory(document, copied),
            <object> rule.rule,
        )
        remove_copy(document, copied)
        return self.refresh()

    cdef int abandon(self, error) except -1:
        """Refuse the project as too large."""
        self.builder.abandon(str(error))
        self.skip = True
        return 0

    cdef int remove_taken(self) noexcept:
        """Remove the entries that were taken from the queue, and free their nodes."""
        cdef Recorder* recorder = &self.recorder
        cdef Py_ssize_t left = recorder.count - self.taken
        if left == 0:
            free_blocks(&recorder.arena, NULL)
        elif self.taken:
            memmove(recorder.queue, &recorder.queue[self.taken], left * sizeof(Recorded))
            if recorder.queue[0].block != NULL:
                free_blocks(&recorder.arena, recorder.queue[0].block)
        recorder.count, self.taken = left, 0
        return 0

    cdef int flush_rows(self) except -1:
        """Pass the new rows to the builder."""
        cdef int at
        cdef NewRows* new_rows
        for at in range(TABLES):
            new_rows = &self.new_rows[at]
            if new_rows.rows:
                text = PyBytes_FromStringAndSize(new_rows.text.data, new_rows.text.used)
                release_large(&new_rows.text)
                hashed = PyBytes_FromStringAndSize(new_rows.hashed.data, new_rows.hashed.used)
                release_large(&new_rows.hashed)
                self.builder.extend(_TABLES[at], new_rows.rows, text, hashed)
        self.clear_rows()
        return 0

    cdef int clear_rows(self) noexcept:
        cdef int at
        for at in range(TABLES):
            self.new_rows[at].rows = self.new_rows[at].text.used = self.new_rows[at].hashed.used = 0
        return 0


cdef const_xmlChar* interned(xmlDict* names, bytes name) except NULL:
    """Return the copy of a name in a parser's dictionary."""
    cdef const_xmlChar* copy = LIBXML2.intern(
        names, <const_xmlChar*> PyBytes_AS_STRING(name), len(name)
    )
    if copy == NULL:
        raise MemoryError
    return copy


cdef int run_queue(
    Recorder* recorder, Py_ssize_t* taken, xmlNode* project, CompiledRule** rules,
    const bint* skip, Intake* intake
) except -1 nogil:
    """Take the complete records of a project; 1 at the first one that is not plain, 0 at the end."""
    cdef Recorded* entry
    cdef CompiledRule* rule
    cdef Py_ssize_t complete = recorder.count
    if (recorder.depth or recorder.tail) and not recorder.dropped:
        complete -= 1
    while taken[0] < complete:
        entry = &recorder.queue[taken[0]]
        if entry.project != project or entry.node == NULL:
            return 0
        rule = rules[entry.rule]
        if not skip[0]:
            if not take_plain(rule, entry.node, NULL, intake):
                return 1
            if rule.parser != NULL:
                release_large(&rule.parser.text)
        taken[0] += 1
    return 0


cpdef Py_ssize_t size_of(cetree._Element element, Py_ssize_t limit) except -1:
    """Return the approximate size of an element; see ``record_collector.size_of``."""
    cdef xmlNode* top = element._c_node
    with nogil:
        return size_of_tree(top, limit)


cdef Py_ssize_t size_of_tree(const xmlNode* top, Py_ssize_t limit) noexcept nogil:
    cdef const xmlNode* node = top
    cdef const xmlAttr* attribute
    cdef Py_ssize_t size = 0
    while size <= limit:
        size += NODE_SIZE
        if node.type != XML_ELEMENT_NODE:
            if node.content != NULL:
                size += strlen(<const char*> node.content)
        else:
            attribute = node.properties
            while attribute != NULL:
                size += NODE_SIZE
                if attribute.children != NULL and attribute.children.content != NULL:
                    size += strlen(<const char*> attribute.children.content)
                attribute = attribute.next
            if node.children != NULL:
                node = node.children
                continue
        while node != top and node.next == NULL:
            node = node.parent
        if node == top:
            break
        node = node.next
    return size
