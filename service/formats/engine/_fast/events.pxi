# The XML parser of libxml2, called without the GIL. It builds the same tree as lxml's own parser,
# which takes the GIL at the start and the end of every element, even if no event is reported.

cdef enum:
    CHUNK = 64 * 1024  # bytes read at a time
    PIECE = 16 * 1024  # bytes parsed at a time
    MANY_EVENTS = 512  # events returned before more is parsed, because each becomes an object
    MAX_TAGS = 2
    CHECKED_NAMES = 256
    SHORT_TEXTS = 100_000  # texts of up to three bytes and blank ones, which libxml2 keeps with names
    TOO_MANY_NAMES = -1  # codes of faults, in addition to libxml2's
    TOO_LONG_NAMES = -2
    LONG_NAME = -3
    TOO_MANY_ATTRIBUTES = -4
    MAX_PENDING = 11_000_000  # bytes; libxml2 would wait a gigabyte for the end of a comment

cdef int OPTIONS = (
    XML_PARSE_NONET
    | XML_PARSE_NO_XXE
    | XML_PARSE_NOCDATA
    | XML_PARSE_COMPACT
    | XML_PARSE_BIG_LINES
)

cdef int MAX_ATTRIBUTES = parser_errors.MAX_ATTRIBUTES
cdef int MAX_NAME = parser_errors.MAX_NAME
cdef size_t NAME_BYTES = json_attributes.MAX_NAMES_SIZE

cdef object LXML_PARSER = etree.XMLParser()  # every lxml document refers to a parser


cdef struct Tag:
    const_xmlChar* name  # the copy in the parser's dictionary
    const char* namespace  # or NULL


cdef struct Event:
    xmlNode* node
    bint ended


cdef struct Sink:
    # The state of the parser's callbacks.
    startElementNsSAX2Func start
    endElementNsSAX2Func end
    Tag tags[MAX_TAGS]
    int tag_count
    Event* events
    Py_ssize_t count, room
    Py_ssize_t max_names
    const_xmlChar* checked_names[CHECKED_NAMES]  # the parser stores each name once
    bint out_of_memory
    bint faulty  # the first fault is kept
    int code, line, column
    char* message


cdef bint is_wanted(Sink* sink, const_xmlChar* name, const_xmlChar* href) noexcept nogil:
    cdef int at
    for at in range(sink.tag_count):
        if sink.tags[at].name == name:
            if href == NULL or sink.tags[at].namespace == NULL:
                return <const char*> href == sink.tags[at].namespace
            return strcmp(<const char*> href, sink.tags[at].namespace) == 0
    return False


cdef void add_event(xmlParserCtxt* context, bint ended) noexcept nogil:
    cdef Sink* sink = <Sink*> context._private
    cdef Event* events
    if sink.count == sink.room:
        events = <Event*> realloc(sink.events, (2 * sink.room + 64) * sizeof(Event))
        if events == NULL:
            sink.out_of_memory = True
            LIBXML2.stop(context)
            return
        sink.events, sink.room = events, 2 * sink.room + 64
    sink.events[sink.count].node, sink.events[sink.count].ended = context.node, ended
    sink.count += 1


cdef void set_fault(
    Sink* sink, int code, int line, int column, const char* message
) noexcept nogil:
    if sink.faulty:
        return
    sink.faulty = True
    sink.code, sink.line, sink.column = code, line, column
    sink.message = NULL if message == NULL else strdup(message)


cdef void stop_parser(xmlParserCtxt* context, int code, const char* message) noexcept nogil:
    cdef Sink* sink = <Sink*> context._private
    if code < 0:  # this ends the file, before a fault after which libxml2 continued is reported
        free(sink.message)
        sink.message, sink.faulty = NULL, False
    set_fault(sink, code, context.input.line, context.input.col, message)
    LIBXML2.stop(context)


cdef bint is_long(Sink* sink, const_xmlChar* name) noexcept nogil:
    """Whether a name, or NULL for none, is longer than allowed."""
    cdef const_xmlChar** checked = &sink.checked_names[(<uintptr_t> name >> 3) % CHECKED_NAMES]
    if checked[0] != name and name != NULL:
        if memchr(name, 0, MAX_NAME + 1) == NULL:
            return True
        checked[0] = name
    return False


cdef bint has_long_name(
    Sink* sink, const_xmlChar* name, int namespace_count, const_xmlChar** namespaces, int count,
    const_xmlChar** attributes
) noexcept nogil:
    """Whether a start tag has a long name, or declares a long prefix or namespace."""
    cdef int at
    if is_long(sink, name):
        return True
    for at in range(2 * namespace_count):
        if is_long(sink, namespaces[at]):
            return True
    for at in range(count):
        if is_long(sink, attributes[5 * at]):  # libxml2 passes five pointers for each
            return True
    return False


cdef void at_start(
    void* parser, const_xmlChar* name, const_xmlChar* prefix, const_xmlChar* href,
    int namespace_count, const_xmlChar** namespaces, int count, int defaulted, const_xmlChar** attributes,
) noexcept nogil:
    cdef xmlParserCtxt* context = <xmlParserCtxt*> parser
    cdef Sink* sink = <Sink*> context._private
    cdef xmlNode* parent = context.node
    if count > MAX_ATTRIBUTES:
        stop_parser(context, TOO_MANY_ATTRIBUTES, NULL)
        return
    if has_long_name(sink, name, namespace_count, namespaces, count, attributes):
        stop_parser(context, LONG_NAME, NULL)
        return
    sink.start(
        parser, name, prefix, href, namespace_count, namespaces, count, defaulted, attributes
    )
    if context.node != parent and is_wanted(sink, name, href):
        add_event(context, False)


cdef void at_end(
    void* parser, const_xmlChar* name, const_xmlChar* prefix, const_xmlChar* href
) noexcept nogil:
    cdef xmlParserCtxt* context = <xmlParserCtxt*> parser
    cdef Sink* sink = <Sink*> context._private
    if context.node != NULL and is_wanted(sink, name, href):
        add_event(context, True)
    sink.end(parser, name, prefix, href)


cdef void at_doctype(
    void* parser, const_xmlChar* name, const_xmlChar* public, const_xmlChar* system
) noexcept nogil:
    stop_parser(<xmlParserCtxt*> parser, XML_ERR_USER_STOP, b"a DOCTYPE is not allowed")


cdef void at_error(void* sink, const xmlError* error) noexcept nogil:
    if error.level >= XML_ERR_ERROR:
        set_fault(<Sink*> sink, error.code, error.line, error.int2, error.message)


cdef void check_bounds(xmlParserCtxt* context) noexcept nogil:
    cdef Sink* sink = <Sink*> context._private
    if context.disableSAX:
        return
    if LIBXML2.names_count(context.dict) > sink.max_names + SHORT_TEXTS:
        stop_parser(context, TOO_MANY_NAMES, NULL)
    elif LIBXML2.names_size(context.dict) > NAME_BYTES:
        stop_parser(context, TOO_LONG_NAMES, NULL)
    elif context.input.end - context.input.cur > MAX_PENDING:
        stop_parser(context, XML_ERR_USER_STOP, b"Too long a token")


cdef class Events:
    """The events of a file's elements, like those of lxml's ``iterparse``.

    Args:
        source: of the file; more bytes are read only after all events of the previous ones.
        tags: of the elements whose events are reported.
        encoding: overrides the XML declaration.
        max_names: the approximate number of distinct names that the file may use.

    Raises:
        XMLSyntaxError: after the events before the fault, once.
        FileRefused: likewise: an element has too many XML attributes.
        FileTooLarge: likewise: the names are too many, or too long.
    """

    cdef xmlParserCtxt* context
    cdef Sink sink
    cdef object source
    cdef list tags, waiting
    cdef bytes encoding, data
    cdef Py_ssize_t at  # of the bytes parsed so far, in the data
    cdef cetree._Document document
    cdef bint started, adopted, ended
    cdef object fault

    def __cinit__(self, source, list tags, str encoding, max_names):
        cdef xmlParserCtxt* context
        if len(tags) > MAX_TAGS:
            raise ValueError(f"{len(tags)} tags; there is room for {MAX_TAGS}")
        context = LIBXML2.create(NULL, NULL, NULL, 0, NULL)
        if context == NULL:
            raise MemoryError
        self.context = context
        self.source, self.encoding, self.sink.max_names = source, encoding.encode(), max_names
        self.tags, self.waiting = [], []
        self.data = b""
        for tag in map(etree.QName, tags):
            self.tags.append((tag.localname.encode(), (tag.namespace or "").encode()))
        LIBXML2.set_options(context, OPTIONS)
        LIBXML2.set_error_handler(context, at_error, &self.sink)
        context._private = &self.sink
        context.loadsubset |= XML_SKIP_IDS
        self.sink.start, self.sink.end = context.sax.startElementNs, context.sax.endElementNs
        context.sax.startElementNs, context.sax.endElementNs = at_start, at_end
        context.sax.internalSubset = at_doctype
        context.sax.comment = context.sax.processingInstruction = context.sax.cdataBlock = NULL

    def __dealloc__(self):
        self.free_parser()
        free(self.sink.message)

    def __iter__(self):
        return self

    def __next__(self):
        while not self.waiting:
            if self.fault is not None:
                fault, self.fault = self.fault, None
                raise fault
            if self.ended:
                raise StopIteration
            if self.at == len(self.data):
                self.data, self.at = self.source.read(CHUNK), 0
            self.parse()
        return self.waiting.pop()

    cdef int parse(self) except -1:
        """Parse some of the next bytes, which are empty at the end of the source."""
        cdef Py_ssize_t size = len(self.data)
        cdef const char* text = PyBytes_AS_STRING(self.data)
        cdef int error = 0, more
        self.ended = size == 0
        if not self.started:
            self.at = min(size, 4)  # libxml2 detects a byte order mark in these bytes
            self.start(text, self.at)
        with nogil:
            while self.at < size and error == 0 and self.sink.count < MANY_EVENTS:
                more = min(size - self.at, PIECE)
                error = LIBXML2.parse(self.context, text + self.at, more, False)
                self.at += more
                check_bounds(self.context)
            if self.ended:
                error = LIBXML2.parse(self.context, NULL, 0, True)
        self.take_events()
        if error or not self.context.wellFormed or (self.ended and self.sink.faulty):
            self.set_fault()
            self.ended = True
        if self.ended:
            self.free_parser()
        return 0

    cdef int start(self, const char* text, int size) except -1:
        cdef xmlParserCtxt* context = self.context
        cdef Tag* tag
        if LIBXML2.reset(context, text, size, NULL, PyBytes_AS_STRING(self.encoding)) != 0:
            raise MemoryError
        self.started = True
        context.dictNames = 1
        for name, namespace in self.tags:
            tag = &self.sink.tags[self.sink.tag_count]
            tag.name = LIBXML2.intern(
                context.dict, <const_xmlChar*> PyBytes_AS_STRING(name), len(name)
            )
            if tag.name == NULL:
                raise MemoryError
            tag.namespace = PyBytes_AS_STRING(namespace) if namespace else NULL
            self.sink.tag_count += 1
        return 0

    cdef int take_events(self) except -1:
        """Create elements for the nodes of the events, the last one first."""
        cdef Event* event
        if self.sink.out_of_memory:
            raise MemoryError
        if self.sink.count and not self.adopted:
            self.adopted = True  # from here on lxml frees the tree
            self.document = (
                <cetree._ElementTree> cetree.adoptExternalDocument(
                    self.context.myDoc, LXML_PARSER, True
                )
            )._context_node._doc
        while self.sink.count:
            self.sink.count -= 1
            event = &self.sink.events[self.sink.count]
            element = cetree.elementFactory(self.document, event.node)
            self.waiting.append(("end" if event.ended else "start", element))
        return 0

    cdef int set_fault(self) except -1:
        cdef Sink* sink = &self.sink
        cdef str message = "unknown fault"
        if sink.code == TOO_MANY_ATTRIBUTES:
            self.fault = parser_errors.too_many_attributes(sink.line)
            return 0
        if sink.code == LONG_NAME:
            self.fault = parser_errors.long_name(sink.line)
            return 0
        if sink.code in (TOO_MANY_NAMES, TOO_LONG_NAMES):
            message = f"the file uses more than {sink.max_names} distinct names"
            if sink.code == TOO_LONG_NAMES:
                message = f"the names in the file take more than {NAME_BYTES} bytes"
            self.fault = FileTooLarge(message, line=sink.line)
            return 0
        if sink.message != NULL:
            message = sink.message.decode("utf-8", "backslashreplace").removesuffix("\n")
        if sink.line > 0:
            message += f", line {sink.line}"
            if sink.column > 0:
                message += f", column {sink.column}"
        self.fault = etree.XMLSyntaxError(message, sink.code, sink.line, sink.column)
        return 0

    cdef int free_parser(self) noexcept:
        """Free the parser, but not a tree that belongs to lxml."""
        cdef xmlDoc* document
        if self.context != NULL:
            document = self.context.myDoc
            self.context.myDoc = NULL
            if document != NULL and not self.adopted:
                LIBXML2.free_document(document)
            LIBXML2.free_context(self.context)
            self.context = NULL
        free(self.sink.events)
        self.sink.events = NULL
        self.sink.count = self.sink.room = 0
        return 0
