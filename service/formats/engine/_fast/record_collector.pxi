# The record collector: converts plain records to rows, and passes all others to Python.

cdef struct Pass:
    # A pass over a project's children and those of each holder of records, in the order of the file.
    xmlNode* project
    Holder* top
    bint skip  # whether the pass only removes records
    xmlNode* parent  # the project or the holder
    Holder* holder
    xmlNode* node  # the next child
    xmlNode* last  # a child that stays because it may be open; or NULL
    xmlNode* last_child  # the same, of the project
    xmlNode* record  # where the pass enters the first holder, and where it leaves the last one
    CompiledRule* rule  # of the node


cdef Py_ssize_t NODE_SIZE = _NODE_SIZE


cdef enum Stop:
    AT_END
    AT_RARE  # Python takes the node
    AT_PROXY  # the node was taken; lxml must remove it, because Python has an object of it


cdef class RecordCollector:
    """The collector of one file's records; see ``record_collector.PythonRecordCollector``.

    Args:
        file: the file.
    """

    cdef object file, builder
    cdef cetree._Element child, record  # where the last pass ended; or None
    cdef dict rules
    cdef dict names  # of shared objects, by the noted references of a record
    cdef NewRows new_rows[TABLES]
    cdef Intake intake
    cdef Buffer line
    cdef Pass current

    def __init__(self, file):
        self.file = file
        self.rules, self.names = {}, {}
        self.intake.new_rows = self.new_rows
        self.intake.max_size = file.limits.max_attributes_bytes
        self.intake.collector = <PyObject*> self

    def __dealloc__(self):
        cdef int at
        for at in range(TABLES):
            free(self.new_rows[at].text.data)
            free(self.new_rows[at].hashed.data)
        free(self.line.data)

    def __call__(self, builder, *, bint closed):
        cdef cetree._Element project = builder.element
        cdef object volatile = self.file.volatile(builder.source)  # a file may name any source
        cdef RuleTable rules = self.rules.get(volatile)
        if rules is None:
            rules = self.rules[volatile] = RuleTable(self.file, builder.source)
        self.builder = builder
        try:
            self.take_records(project, rules.top, closed)
            self.file.give_way()
            self.flush_rows()
        finally:
            self.builder = None
            self.clear_rows()

    cdef int take_records(self, cetree._Element project, Holder* top, bint closed) except -1:
        cdef Pass* current = &self.current
        cdef int stop
        memset(current, 0, sizeof(Pass))
        current.project, current.top = project._c_node, top
        current.last_child = place_of(self.child, project._c_node)
        current.record = place_of(self.record, current.last_child)
        self.child = self.record = None
        enter(current, project._c_node, top, current.last_child)
        current.last_child = current.last = NULL if closed else last_element(project._c_node)
        self.intake.ids = &(<IdSet> self.builder.references.ids).table
        self.refresh()
        while True:
            with nogil:
                stop = run_pass(current, &self.intake)
            if stop == AT_END:
                if current.last_child != NULL:
                    self.child = cetree.elementFactory(project._doc, current.last_child)
                if current.record != NULL:
                    self.record = cetree.elementFactory(project._doc, current.record)
                return 0
            if stop == AT_RARE:
                self.leave_to_python(project)
            self.remove(project)

    cdef int refresh(self) except -1:
        """Read the builder's state again, which its methods may have changed."""
        cdef int at
        cdef list counts = self.builder.counts()
        self.current.skip = self.builder.abandoned
        held = self.builder.references.held_table
        self.intake.held_table = -1 if held is None else _TABLES.index(held)
        for at in range(TABLES):
            self.new_rows[at].ordinal = counts[at]
        return 0

    cdef int leave_to_python(self, cetree._Element project) except -1:
        """Pass a record to the interpreter in Python."""
        cdef Pass* current = &self.current
        self.flush_rows()
        take_record(
            self.builder,
            cetree.elementFactory(project._doc, current.parent),
            cetree.elementFactory(project._doc, current.node),
            <object> current.rule.rule,
        )
        return self.refresh()

    cdef int abandon(self, error) except -1:
        """Refuse the project as too large."""
        self.builder.abandon(str(error))
        self.current.skip = True
        return 0

    cdef int remove(self, cetree._Element project) except -1:
        """Remove a record that was taken, and of which Python may have an object."""
        cdef xmlNode* node = self.current.node
        if not has_proxy(node):
            self.current.node = free_record(node)
            return 0
        self.current.node = cetree.nextElement(node)
        element = cetree.elementFactory(project._doc, node)
        element.clear()  # lxml takes quadratic time to remove an element with many children
        cetree.elementFactory(project._doc, self.current.parent).remove(element)
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


cdef xmlNode* place_of(cetree._Element place, xmlNode* parent):
    """Return the child at which a pass ended before; NULL if the child is no longer there."""
    if place is None or parent == NULL or place._c_node.parent != parent:
        return NULL
    return place._c_node


cdef int enter(Pass* current, xmlNode* parent, Holder* holder, xmlNode* place) noexcept nogil:
    current.parent, current.holder = parent, holder
    current.node = parent.children if place == NULL else place
    return 0


cdef int run_pass(Pass* current, Intake* intake) except -1 nogil:
    """Take and remove records up to the first one that is not plain."""
    cdef xmlNode* node
    cdef ChildRule* child
    while True:
        node = current.node
        if node == NULL or node == current.last:
            if current.parent != current.project:
                if leave_holder(current):
                    return AT_END
                continue
            if node == NULL:
                return AT_END
        elif node.type != XML_ELEMENT_NODE:
            current.node = node.next
            continue
        child = child_rule_of(current.holder, node)
        if child.holder != NULL:
            enter_holder(current, node, child.holder)
            continue
        if node == current.last:
            return AT_END
        current.rule = child.rule
        if current.rule == NULL:
            current.node = node.next
            continue
        if not current.skip and not take_plain(current.rule, node, NULL, intake):
            return AT_RARE
        if current.rule.parser != NULL:
            release_large(&current.rule.parser.text)
        if has_proxy(node):
            return AT_PROXY
        current.node = free_record(node)


cdef int enter_holder(Pass* current, xmlNode* parent, Holder* holder) noexcept nogil:
    enter(current, parent, holder, current.record)
    current.last = last_element(parent) if parent == current.last_child else NULL
    current.record = NULL
    return 0


cdef bint leave_holder(Pass* current) noexcept nogil:
    """Continue after a holder; True if it is the project's last child and may be open."""
    if current.parent == current.last_child:
        current.record = current.last
        return True
    current.node, current.last = current.parent.next, current.last_child
    current.parent, current.holder = current.project, current.top
    return False


cdef xmlNode* free_record(xmlNode* node) noexcept nogil:
    """Free a record and the text after it, and return the next element, or NULL."""
    cdef xmlNode* following
    while True:
        following = node.next
        LIBXML2.unlink(node)
        LIBXML2.free_node(node)
        if following == NULL or following.type == XML_ELEMENT_NODE:
            return following
        node = following


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
