# The parser: libxml2's, which builds the same tree as for lxml, without the GIL. lxml's own takes the
# GIL at the start and the end of every element, whichever elements it is asked to tell of.

cdef enum:
    CHUNK = 64 * 1024  # bytes read at a time
    MOST_TAGS = 2
    MOST_ATTRIBUTES = 1_000  # lxml takes quadratic time over those of one element
    SHORT_TEXTS = 100_000  # kept beside the names: texts of three bytes, and blank ones
    NAME_BYTES = 8 * 1024 * 1024
    TOO_MANY_NAMES = -1  # as codes of faults
    TOO_LONG_NAMES = -2
    MOST_PENDING = 11_000_000  # bytes; the parser itself waits a gigabyte for the end of a comment

cdef int OPTIONS = (
    XML_PARSE_NONET
    | XML_PARSE_NO_XXE
    | XML_PARSE_NOCDATA
    | XML_PARSE_COMPACT
    | XML_PARSE_BIG_LINES
)

cdef object LXML_PARSER = etree.XMLParser()  # lxml's documents name one


cdef struct Tag:
    const_xmlChar* name  # the parser's own copy
    const char* home  # the namespace, or NULL


cdef struct Event:
    xmlNode* node
    bint ended


cdef struct Watch:
    # What the parser calls back to.
    startElementNsSAX2Func start
    endElementNsSAX2Func end
    Tag tags[MOST_TAGS]
    int tag_count
    Event* events
    Py_ssize_t count, room
    Py_ssize_t most_names
    bint out_of_memory
    bint faulty  # the first fault is kept
    int code, line, column
    char* message


cdef bint is_wanted(Watch* watch, const_xmlChar* name, const_xmlChar* href) noexcept nogil:
    cdef int at
    for at in range(watch.tag_count):
        if watch.tags[at].name == name:
            if href == NULL or watch.tags[at].home == NULL:
                return <const char*> href == watch.tags[at].home
            return strcmp(<const char*> href, watch.tags[at].home) == 0
    return False


cdef void add_event(xmlParserCtxt* context, bint ended) noexcept nogil:
    cdef Watch* watch = <Watch*> context._private
    cdef Event* events
    if watch.count == watch.room:
        events = <Event*> realloc(watch.events, (2 * watch.room + 64) * sizeof(Event))
        if events == NULL:
            watch.out_of_memory = True
            LIBRARY.stop(context)
            return
        watch.events, watch.room = events, 2 * watch.room + 64
    watch.events[watch.count].node, watch.events[watch.count].ended = context.node, ended
    watch.count += 1


cdef void set_fault(
    Watch* watch, int code, int line, int column, const char* message
) noexcept nogil:
    if watch.faulty:
        return
    watch.faulty = True
    watch.code, watch.line, watch.column = code, line, column
    watch.message = NULL if message == NULL else strdup(message)


cdef void give_up(xmlParserCtxt* context, int code, const char* message) noexcept nogil:
    set_fault(<Watch*> context._private, code, context.input.line, context.input.col, message)
    LIBRARY.stop(context)


cdef void at_start(
    void* parser, const_xmlChar* name, const_xmlChar* prefix, const_xmlChar* href, int homes,
    const_xmlChar** namespaces, int count, int defaulted, const_xmlChar** attributes,
) noexcept nogil:
    cdef xmlParserCtxt* context = <xmlParserCtxt*> parser
    cdef Watch* watch = <Watch*> context._private
    cdef xmlNode* parent = context.node
    if count > MOST_ATTRIBUTES:
        give_up(context, XML_ERR_USER_STOP, b"Too many attributes")
        return
    watch.start(parser, name, prefix, href, homes, namespaces, count, defaulted, attributes)
    if context.node != parent and is_wanted(watch, name, href):
        add_event(context, False)


cdef void at_end(
    void* parser, const_xmlChar* name, const_xmlChar* prefix, const_xmlChar* href
) noexcept nogil:
    cdef xmlParserCtxt* context = <xmlParserCtxt*> parser
    cdef Watch* watch = <Watch*> context._private
    if context.node != NULL and is_wanted(watch, name, href):
        add_event(context, True)
    watch.end(parser, name, prefix, href)


cdef void at_doctype(
    void* parser, const_xmlChar* name, const_xmlChar* public, const_xmlChar* system
) noexcept nogil:
    give_up(<xmlParserCtxt*> parser, XML_ERR_USER_STOP, b"a DOCTYPE is not allowed")


cdef void at_error(void* watch, const xmlError* error) noexcept nogil:
    if error.level >= XML_ERR_ERROR:
        set_fault(<Watch*> watch, error.code, error.line, error.int2, error.message)


cdef void keep_bounds(xmlParserCtxt* context) noexcept nogil:
    cdef Watch* watch = <Watch*> context._private
    if context.disableSAX:
        return
    if LIBRARY.count(context.dict) > watch.most_names + SHORT_TEXTS:
        give_up(context, TOO_MANY_NAMES, NULL)
    elif LIBRARY.used(context.dict) > NAME_BYTES:
        give_up(context, TOO_LONG_NAMES, NULL)
    elif context.input.end - context.input.cur > MOST_PENDING:
        give_up(context, XML_ERR_USER_STOP, b"Too long a token")


cdef class Events:
    """The events of a file's elements; see ``events.interpreted``.

    Args:
        source: read once all events of what was read before are taken.
        tags: of the elements whose events are wanted.
        encoding: overrides the XML declaration.
        most_names: how many distinct names there may be, about.

    Raises:
        XMLSyntaxError: once the events before the fault are taken, from then on.
        FileTooLarge: likewise, where there are too many names, or they are too long.
    """

    cdef xmlParserCtxt* context
    cdef Watch watch
    cdef object source
    cdef list tags, waiting
    cdef bytes encoding
    cdef cetree._Document document
    cdef bint begun, adopted, ended
    cdef object fault

    def __cinit__(self, source, list tags, str encoding, most_names):
        cdef xmlParserCtxt* context
        if not HAS_LIBRARY or len(tags) > MOST_TAGS:
            raise ValueError(f"there is no parser, or not for {len(tags)} tags")
        context = LIBRARY.create(NULL, NULL, NULL, 0, NULL)
        if context == NULL:
            raise MemoryError
        self.context = context
        self.source, self.encoding, self.watch.most_names = source, encoding.encode(), most_names
        self.tags, self.waiting = [], []
        for tag in map(etree.QName, tags):
            self.tags.append((tag.localname.encode(), (tag.namespace or "").encode()))
        LIBRARY.use(context, OPTIONS)
        LIBRARY.tell(context, at_error, &self.watch)
        context._private = &self.watch
        context.loadsubset |= XML_SKIP_IDS
        self.watch.start, self.watch.end = context.sax.startElementNs, context.sax.endElementNs
        context.sax.startElementNs, context.sax.endElementNs = at_start, at_end
        context.sax.internalSubset = at_doctype
        context.sax.comment = context.sax.processingInstruction = context.sax.cdataBlock = NULL

    def __dealloc__(self):
        self.give_back()
        free(self.watch.message)

    def __iter__(self):
        return self

    def __next__(self):
        while not self.waiting:
            if self.fault is not None:
                fault, self.fault = self.fault, None
                raise fault
            if self.ended:
                raise StopIteration
            self.parse(self.source.read(CHUNK))
        return self.waiting.pop()

    cdef int parse(self, bytes data) except -1:
        """Parse what was read; at the end, nothing."""
        cdef Py_ssize_t size = len(data), at = 0
        cdef const char* text = PyBytes_AS_STRING(data)
        cdef int error = 0, more
        self.ended = size == 0
        if not self.begun:
            at = min(size, 4)  # the parser looks for a byte order mark, and for no more, there
            self.begin(text, at)
        with nogil:
            while at < size and error == 0:
                more = min(size - at, CHUNK)
                error = LIBRARY.parse(self.context, text + at, more, False)
                at += more
                keep_bounds(self.context)
            if self.ended:
                error = LIBRARY.parse(self.context, NULL, 0, True)
        self.take_events()
        if error or not self.context.wellFormed or (self.ended and self.watch.faulty):
            self.set_fault()
            self.ended = True
        if self.ended:
            self.give_back()
        return 0

    cdef int begin(self, const char* text, int size) except -1:
        cdef xmlParserCtxt* context = self.context
        cdef Tag* tag
        if LIBRARY.begin(context, text, size, NULL, PyBytes_AS_STRING(self.encoding)) != 0:
            raise MemoryError
        self.begun = True
        context.dictNames = 1
        for name, home in self.tags:
            tag = &self.watch.tags[self.watch.tag_count]
            tag.name = LIBRARY.intern(
                context.dict, <const_xmlChar*> PyBytes_AS_STRING(name), len(name)
            )
            if tag.name == NULL:
                raise MemoryError
            tag.home = PyBytes_AS_STRING(home) if home else NULL
            self.watch.tag_count += 1
        return 0

    cdef int take_events(self) except -1:
        """Make elements of the nodes that the parser told of, the last one first."""
        cdef Event* event
        if self.watch.out_of_memory:
            raise MemoryError
        if self.watch.count and not self.adopted:
            self.adopted = True  # whatever happens, the tree is lxml's to free
            self.document = (
                <cetree._ElementTree> cetree.adoptExternalDocument(
                    self.context.myDoc, LXML_PARSER, True
                )
            )._context_node._doc
        while self.watch.count:
            self.watch.count -= 1
            event = &self.watch.events[self.watch.count]
            element = cetree.elementFactory(self.document, event.node)
            self.waiting.append(("end" if event.ended else "start", element))
        return 0

    cdef int set_fault(self) except -1:
        cdef Watch* watch = &self.watch
        cdef str said = "unknown fault"
        if watch.code in (TOO_MANY_NAMES, TOO_LONG_NAMES):
            said = f"the file uses more than {watch.most_names} distinct names"
            if watch.code == TOO_LONG_NAMES:
                said = f"the names in the file take more than {NAME_BYTES} bytes"
            self.fault = FileTooLarge(said, line=watch.line)
            return 0
        if watch.message != NULL:
            said = watch.message.decode("utf-8", "backslashreplace").removesuffix("\n")
        if watch.line > 0:
            said += f", line {watch.line}"
            if watch.column > 0:
                said += f", column {watch.column}"
        self.fault = etree.XMLSyntaxError(said, watch.code, watch.line, watch.column)
        return 0

    cdef int give_back(self) noexcept:
        """Free the parser, but not the tree that lxml has."""
        cdef xmlDoc* document
        if self.context != NULL:
            document = self.context.myDoc
            self.context.myDoc = NULL
            if document != NULL and not self.adopted:
                LIBRARY.free_document(document)
            LIBRARY.free_context(self.context)
            self.context = NULL
        free(self.watch.events)
        self.watch.events = NULL
        self.watch.count = self.watch.room = 0
        return 0
