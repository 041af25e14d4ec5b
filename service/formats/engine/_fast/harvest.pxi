# The harvest: ordinary records become rows, the others are given to the dialect's methods.

cdef struct Visit:
    # A pass over a project: over its own children, then over those of each child that holds records.
    xmlNode* project
    Holder* top
    bint closed
    bint skip  # whether records are only removed
    bint ask  # whether all are for the dialect's methods
    bint inside  # whether it is past the project's own children
    xmlNode* parent  # whose children it is at
    Holder* holder
    xmlNode* node  # the next one
    xmlNode* last  # not to be taken, as it may be open; or NULL
    Rule* rule  # of the node


cdef enum Halt:
    ENDED
    ASKED  # the node is for the dialect's method
    KNOWN  # the node was taken, and is lxml's to remove


cdef class Harvest:
    """The harvest of one file's projects; see ``harvest.Harvest``."""

    cdef object file, dialect, records, plan, take_one, take_inner_one
    cdef dict rules
    cdef Made made[TABLES]
    cdef Py_ssize_t most
    cdef Visit visit

    def __init__(self, file, dialect, records):
        self.file, self.dialect, self.records = file, dialect, records
        from service.formats.engine.record_collector import take_inner_one, take_one  # it imports ``Names``

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
        if rules is None:
            rules = Rules(self.file, self.dialect, self.records, plan.source, plan.strict)
            self.rules[volatile] = rules
        self.plan = plan
        try:
            self.take_all(project, rules.top, closed)
            self.hand_on()
        finally:
            self.plan = None
            self.forget()

    cdef int take_all(self, cetree._Element project, Holder* top, bint closed) except -1:
        cdef Visit* visit = &self.visit
        cdef NameSet* names = &(<Names> self.plan.references.names).set
        cdef int halt
        memset(visit, 0, sizeof(Visit))
        visit.project, visit.top, visit.closed = project._c_node, top, closed
        if top.has_records:
            enter(visit, project._c_node, top, closed)
        self.attend()
        while True:
            with nogil:
                halt = proceed(visit, names, self.made, self.most, <PyObject*> self)
            if halt == ENDED:
                return 0
            if halt == ASKED:
                self.ask(project, names)
            self.remove(project)

    cdef int attend(self) except -1:
        """See what the plan has come to, as its methods may have changed it."""
        cdef int at
        self.visit.skip = self.plan.given_up
        self.visit.ask = self.plan.references.holding
        for at in range(TABLES):
            self.made[at].ordinal = self.plan.count(_TABLES[at])
        return 0

    cdef int ask(self, cetree._Element project, NameSet* names) except -1:
        """Have the dialect's method take a record."""
        cdef Visit* visit = &self.visit
        self.hand_on()
        self.take_one(
            self.plan,
            cetree.elementFactory(project._doc, visit.parent),
            cetree.elementFactory(project._doc, visit.node),
            <object> visit.rule.take,
        )
        if visit.rule.mentions != NULL and read_record(visit.rule.walker, visit.node):
            are_mentioned(visit.rule, names, True)
        return self.attend()

    cdef int remove(self, cetree._Element project) except -1:
        """Remove a record that was taken, of which Python may know."""
        cdef xmlNode* node = self.visit.node
        if not has_proxy(node):
            self.visit.node = free_record(node)
            return 0
        self.visit.node = cetree.nextElement(node)
        element = cetree.elementFactory(project._doc, node)
        element.clear()  # lxml takes quadratic time to remove what has much inside
        cetree.elementFactory(project._doc, self.visit.parent).remove(element)
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


cdef int enter(Visit* visit, xmlNode* parent, Holder* holder, bint closed) noexcept nogil:
    visit.parent, visit.holder = parent, holder
    visit.node = parent.children
    visit.last = NULL if closed else last_element(parent)
    return 0


cdef int proceed(
    Visit* visit, NameSet* names, Made* made, Py_ssize_t most, PyObject* harvest
) except -1 nogil:
    """Take and remove records until one is for the dialect's method."""
    cdef xmlNode* node
    while True:
        node = visit.node
        if node == NULL or node == visit.last:
            if not enter_next(visit):
                return ENDED
        elif node.type != XML_ELEMENT_NODE:
            visit.node = node.next
        else:
            visit.rule = spot_of(visit.holder, node).rule
            if visit.rule == NULL:
                visit.node = node.next
                continue
            if not visit.skip and (
                visit.ask or not take_ordinary(visit.rule, node, names, made, most, harvest)
            ):
                return ASKED
            if has_proxy(node):
                return KNOWN
            visit.node = free_record(node)


cdef bint enter_next(Visit* visit) except -1 nogil:
    """Go on to the next child of the project that holds records; False where there is none."""
    cdef xmlNode* child = visit.parent.next if visit.inside else visit.project.children
    cdef Holder* holder
    visit.inside = True
    while child != NULL:
        if child.type == XML_ELEMENT_NODE and child.children != NULL:
            holder = spot_of(visit.top, child).holder
            if holder != NULL:
                enter(visit, child, holder, visit.closed or cetree.nextElement(child) != NULL)
                return True
        child = child.next
    return False


cdef xmlNode* free_record(xmlNode* node) noexcept nogil:
    """Free a record, and the text behind it; gives back the element after it, or NULL."""
    cdef xmlNode* following
    while True:
        following = node.next
        LIBRARY.unlink(node)
        LIBRARY.free_node(node)
        if following == NULL or following.type == XML_ELEMENT_NODE:
            return following
        node = following
