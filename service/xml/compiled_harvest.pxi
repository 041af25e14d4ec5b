# The harvest: ordinary records become rows here, the others are given to the dialect's methods.

cdef struct Made:
    # The rows of one table that are not handed on yet.
    Buffer text
    Buffer hashed
    Py_ssize_t rows
    Py_ssize_t ordinal  # of the next one; -1 where the plan has to be asked


cdef struct Run:
    # A pass over the children of one element.
    Holder* holder
    xmlNode* node
    xmlNode* last  # not to be taken, as it may be open; or NULL
    Rule* rule  # of the node, where it is for the dialect's method
    Py_ssize_t index  # of the node among the elements
    Py_ssize_t first  # of the records that were just passed; -1 where there is none
    bint skip  # whether records are only removed
    bint ask  # whether all are for the dialect's methods


cdef enum Halt:
    ENDED
    ASKED
    PARTED  # the records from ``first`` on have no more behind them


cdef class Harvest:
    """The harvest of one file's projects; see ``harvest.Harvest``."""

    cdef object file, dialect, records, plan, take_one, take_inner_one
    cdef dict rules
    cdef Made made[TABLES]
    cdef Py_ssize_t most

    def __init__(self, file, dialect, records):
        self.file, self.dialect, self.records = file, dialect, records
        from service.xml.harvest import take_inner_one, take_one  # it imports ``Names``

        self.take_one, self.take_inner_one = take_one, take_inner_one
        self.rules = {}
        self.most = file.limits.max_attributes_bytes

    def __dealloc__(self):
        cdef int at
        for at in range(TABLES):
            free(self.made[at].text.data)
            free(self.made[at].hashed.data)

    def __call__(self, plan, *, bint closed):
        cdef cetree._Element project = plan.element
        cdef object volatile = self.file.volatile(plan.source)  # a file may name any source
        cdef Rules rules = self.rules.get(volatile)
        cdef xmlNode* child = project._c_node.children
        cdef Spot* spot
        if rules is None:
            rules = Rules(self.file, self.dialect, self.records, plan.source, plan.strict)
            self.rules[volatile] = rules
        self.plan = plan
        try:
            if rules.top.has_records:
                self.take_children(project, rules.top, closed)
            while child != NULL:
                if child.type == XML_ELEMENT_NODE:
                    spot = spot_of(rules.top, child)
                    if spot.holder != NULL and child.children != NULL:
                        self.take_children(
                            cetree.elementFactory(project._doc, child),
                            spot.holder,
                            closed or cetree.nextElement(child) != NULL,
                        )
                child = child.next
            self.hand_on()
        finally:
            self.plan = None
            self.forget()

    cdef int take_children(self, cetree._Element parent, Holder* holder, bint closed) except -1:
        cdef Run run
        cdef int halt
        cdef NameSet* names = &(<Names> self.plan.references.names).set
        cdef list runs = []
        run.holder = holder
        run.node = parent._c_node.children
        run.last = NULL if closed else last_element(parent._c_node)
        run.index, run.first = 0, -1
        self.attend(&run)
        while True:
            with nogil:
                halt = pass_over(&run, names, self.made, self.most, <PyObject*> self)
            if halt == ASKED:
                self.ask(parent, &run, names)
                continue
            if run.first >= 0:
                runs.append((run.first, run.index))
                run.first = -1
            if halt == ENDED:
                break
        for first, behind in reversed(runs):
            self.remove(parent, first, behind)
        return 0

    cdef int remove(self, cetree._Element parent, Py_ssize_t first, Py_ssize_t behind) except -1:
        """Remove records from the tree, and the text behind each."""
        cdef xmlNode* holder = parent._c_node
        if HAS_LIBRARY:
            with nogil:
                behind = free_children(holder, first, behind)
        if behind > first:
            del parent[first:behind]
        return 0

    cdef int attend(self, Run* run) except -1:
        """See what the plan has come to, as its methods may have changed it."""
        cdef int at
        run.skip = self.plan.given_up
        run.ask = self.plan.references.holding
        for at in range(TABLES):
            self.made[at].ordinal = -1
        return 0

    cdef int ask(self, cetree._Element parent, Run* run, NameSet* names) except -1:
        """Have the dialect's method take a record."""
        cdef cetree._Element element = cetree.elementFactory(parent._doc, run.node)
        self.hand_on()
        self.take_one(self.plan, parent, element, <object> run.rule.take)
        if run.rule.mentions != NULL and read_record(run.rule.walker, run.node):
            are_mentioned(run.rule, names, True)
        self.attend(run)
        run.node = run.node.next
        run.index += 1
        return 0

    cdef int hand_on(self) except -1:
        """Give the plan the rows that were made."""
        cdef int at
        cdef Made* made
        for at in range(TABLES):
            made = &self.made[at]
            if made.rows:
                self.plan.extend(
                    _TABLES[at],
                    made.rows,
                    PyBytes_FromStringAndSize(made.text.data, made.text.used),
                    PyBytes_FromStringAndSize(made.hashed.data, made.hashed.used),
                )
        self.forget()
        return 0

    cdef int forget(self) noexcept:
        cdef int at
        for at in range(TABLES):
            self.made[at].rows = self.made[at].text.used = self.made[at].hashed.used = 0
        return 0


cdef int pass_over(
    Run* run, NameSet* names, Made* made, Py_ssize_t most, PyObject* harvest
) except -1 nogil:
    """Take records until one is for the dialect's method, or something else lies between them."""
    cdef Spot* spot
    while run.node != run.last and run.node != NULL:
        if run.node.type == XML_ELEMENT_NODE:
            spot = spot_of(run.holder, run.node)
            if spot.rule == NULL:
                if run.first >= 0:
                    return PARTED
            else:
                if run.first < 0:
                    run.first = run.index
                run.rule = spot.rule
                if not run.skip and (
                    run.ask or not take_ordinary(run.rule, run.node, names, made, most, harvest)
                ):
                    return ASKED
            run.index += 1
        run.node = run.node.next
    return ENDED


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
    add_row(&made[rule.table], rule, harvest)
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
    return add_row(&made[inner.table], inner, harvest)


cdef int ask_inner(PyObject* harvest, Rule* rule, xmlNode* node) except -1 with gil:
    cdef Harvest asking = <Harvest> harvest
    cdef Span* name = &rule.walker.columns[rule.name]
    cdef cetree._Element project = asking.plan.element
    owner = PyBytes_FromStringAndSize(rule.walker.text.data + name.at, name.size)
    asking.hand_on()
    element = cetree.elementFactory(project._doc, node)
    asking.take_inner_one(asking.plan, element, owner, <object> rule.inner.take)
    for at in range(TABLES):
        asking.made[at].ordinal = -1
    return 0


cdef bint has_blank_tail(const xmlNode* node) noexcept nogil:
    node = node.next
    while node != NULL and node.type != XML_ELEMENT_NODE:
        if not is_blank_text(node):
            return False
        node = node.next
    return True


cdef xmlNode* last_element(const xmlNode* parent) noexcept nogil:
    cdef xmlNode* node = parent.last
    while node != NULL and node.type != XML_ELEMENT_NODE:
        node = node.prev
    return node


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


cdef int add_row(Made* made, Rule* rule, PyObject* harvest) except -1 nogil:
    cdef Walker* w = rule.walker
    cdef Py_ssize_t begun = made.hashed.used
    if made.ordinal < 0:
        ask_ordinal(made, rule.table, harvest)
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


cdef int ask_ordinal(Made* made, int table, PyObject* harvest) except -1 with gil:
    made.ordinal = made.rows + (<Harvest> harvest).plan.count(_TABLES[table])
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


cdef Py_ssize_t free_children(
    xmlNode* parent, Py_ssize_t first, Py_ssize_t behind
) noexcept nogil:
    """Free elements, and the text behind each; gives back behind which of them it is done.

    An element that Python knows of is lxml's to remove.
    """
    cdef xmlNode* node = parent.children
    cdef xmlNode* following
    cdef Py_ssize_t index = -1, known = first
    cdef bint free_it = False
    while node != NULL:
        following = node.next
        if node.type == XML_ELEMENT_NODE:
            index += 1
            if index == behind:
                break
            free_it = index >= first and not has_proxy(node)
            if index >= first and not free_it:
                known += 1
        if free_it:
            LIBRARY.unlink(node)
            LIBRARY.free_node(node)
        node = following
    return known


cdef bint has_proxy(const xmlNode* top) noexcept nogil:
    """Whether Python knows of an element or of one inside it."""
    cdef const xmlNode* node = top
    while True:
        if node._private != NULL:
            return True
        if node.type == XML_ELEMENT_NODE and node.children != NULL:
            node = node.children
            continue
        while node != top and node.next == NULL:
            node = node.parent
        if node == top:
            return False
        node = node.next
