# How records are taken: a dialect's methods, and when they are not asked.

cdef enum:
    MOST_REFERS = 3
    MOST_KINDS = 2
    MOST_UNLESS = 3
    TABLES = 5


cdef struct Refer:
    int column
    bint needed
    const char* kinds[MOST_KINDS]
    Py_ssize_t sizes[MOST_KINDS]
    int count


cdef struct Rule:
    # How to take one kind of record; without a walker only its method can.
    PyObject* take
    Walker* walker
    int table
    int width
    int name  # columns; -1 where there is none
    int kind_column
    int start
    int finish
    int level
    int parent
    int owner
    const char* kind
    Py_ssize_t kind_size
    Refer refers[MOST_REFERS]
    int refer_count
    int unless[MOST_UNLESS]
    int unless_count
    Rule* inner
    const char* mentions
    Py_ssize_t mentions_size


cdef struct Spot:
    # What is made of a child of a project, or of what holds its records, by the child's name.
    const char* address
    Rule* rule
    Holder* holder


cdef struct Holder:
    # A project, or a child of it that holds records.
    Spot spots[NAMES]
    Spot unknown
    int known
    bint has_records
    PyObject* known_rules  # by tag, as numbers
    PyObject* rules
    const char* home


cdef class Rules:
    """A dialect's records in one file, under one set of names that hashes leave out."""

    cdef object file, source
    cdef bint strict
    cdef Holder* top
    cdef list alive, walks
    cdef dict held  # by tag, the holders as numbers
    cdef Holder** holders
    cdef int holder_count
    cdef Rule** made
    cdef int made_count

    def __init__(self, file, dialect, records, source, strict):
        self.file, self.source, self.strict = file, source, strict
        self.alive, self.walks, self.held = [], [], {}
        self.top = self.hold(dialect, records.get(None, {}), "")
        for tag, takes in records.items():
            if tag is not None:
                path = json_attributes.local(tag) + "/"
                self.held[tag] = <uintptr_t> self.hold(dialect, takes, path)

    def __dealloc__(self):
        cdef int at
        for at in range(self.holder_count):
            free(self.holders[at])
        for at in range(self.made_count):
            free(self.made[at])
        free(self.holders)
        free(self.made)

    cdef Holder* hold(self, dialect, takes, str path) except NULL:
        """What holds records, by tag, of which the dialect knows more by path."""
        cdef Holder* holder = <Holder*> grown(NULL, sizeof(Holder))
        cdef dict rules = {}
        memset(holder, 0, sizeof(Holder))
        self.holders = <Holder**> grown(self.holders, (self.holder_count + 1) * sizeof(Holder*))
        self.holders[self.holder_count] = holder
        self.holder_count += 1
        for tag, take in takes.items():
            ordinary = dialect.ordinary.get(path + json_attributes.local(tag))
            rules[tag] = <uintptr_t> self.rule(take, ordinary)
        self.alive.append(rules)
        holder.known_rules, holder.rules = <PyObject*> rules, <PyObject*> self
        holder.has_records = bool(rules)
        if self.file.namespace:
            holder.home = self.keep(self.file.namespace.encode())
        return holder

    cdef const char* keep(self, bytes text) except NULL:
        self.alive.append(text)
        return PyBytes_AS_STRING(text)

    cdef Rule* rule(self, take, ordinary) except NULL:
        """How records are taken by a method and, where it is given, by what makes them ordinary."""
        cdef Rule* rule = <Rule*> grown(NULL, sizeof(Rule))
        cdef Walk walk
        cdef bytes kind
        memset(rule, 0, sizeof(Rule))
        self.made = <Rule**> grown(self.made, (self.made_count + 1) * sizeof(Rule*))
        self.made[self.made_count] = rule
        self.made_count += 1
        self.alive.append(take)
        rule.take = <PyObject*> take
        if ordinary is None:
            return rule
        if len(ordinary.refers) > MOST_REFERS or len(ordinary.unless) > MOST_UNLESS:
            raise ValueError(f"{ordinary} asks more than compiled code looks at")
        record = ordinary.record
        walk = <Walk?> self.file.walk(record, self.source, strict=self.strict)
        self.walks.append(walk)
        rule.table = _TABLES.index(ordinary.table)
        rule.width = len(COLUMNS[ordinary.table]) - 2
        rule.name = -1 if ordinary.name is None else record.index(ordinary.name)
        rule.kind_column = -1
        if ordinary.kind_column is not None:
            rule.kind_column = record.index(ordinary.kind_column)
        rule.kind = self.keep(ordinary.kind.encode())
        rule.kind_size = len(ordinary.kind)
        rule.start = record.index("start") if ordinary.dated else -1
        rule.finish = record.index("finish") if ordinary.dated else -1
        rule.level = record.index("level") if ordinary.outlined else -1
        rule.parent = record.index("parent_id") if ordinary.outlined else -1
        for refers in ordinary.refers:
            self.refer(&rule.refers[rule.refer_count], record.index(refers.column), refers)
            rule.refer_count += 1
        for column in ordinary.unless:
            rule.unless[rule.unless_count] = record.index(column)
            rule.unless_count += 1
        if ordinary.inner is not None:
            rule.inner = self.rule(ordinary.inner.take, ordinary.inner.ordinary)
            rule.inner.owner = ordinary.inner.ordinary.record.index(ordinary.inner.owner)
        if ordinary.mentions is not None:
            kind = f"mention {ordinary.mentions} ".encode()
            rule.mentions, rule.mentions_size = self.keep(kind), len(kind)
            walk.w.mentioning = True
        rule.walker = &walk.w
        return rule

    cdef int refer(self, Refer* refer, int column, refers) except -1:
        if len(refers.kinds) > MOST_KINDS:
            raise ValueError(f"{refers} names more than {MOST_KINDS} kinds")
        refer.column, refer.needed = column, refers.needed
        for kind in refers.kinds:
            refer.kinds[refer.count] = self.keep(kind.encode())
            refer.sizes[refer.count] = len(kind)
            refer.count += 1
        return 0


cdef Spot* spot_of(Holder* holder, xmlNode* node) except NULL nogil:
    cdef const char* address = <const char*> node.name
    cdef size_t at = (<uintptr_t> address >> 3) % NAMES
    if not is_home(holder.home, node):
        memset(&holder.unknown, 0, sizeof(Spot))
        return &holder.unknown
    while holder.spots[at].address != address:
        if holder.spots[at].address == NULL:
            return learn_spot(holder, address, at)
        at = (at + 1) % NAMES
    return &holder.spots[at]


cdef Spot* learn_spot(Holder* holder, const char* address, size_t at) except NULL with gil:
    cdef Rules rules = <Rules> holder.rules
    cdef Spot* spot = &holder.spots[at]
    cdef str local = address.decode()
    cdef str tag = f"{{{rules.file.namespace}}}{local}" if rules.file.namespace else local
    if holder.known == NAMES // 2:  # no more are remembered
        spot = &holder.unknown
    else:
        holder.known += 1
        spot.address = address
    spot.rule = <Rule*> <uintptr_t> (<dict> holder.known_rules).get(tag, 0)
    spot.holder = NULL
    if spot.rule == NULL and holder == rules.top:
        spot.holder = <Holder*> <uintptr_t> rules.held.get(tag, 0)
    return spot
