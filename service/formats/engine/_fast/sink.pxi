# The state of the parser's callbacks, the events that they report, and the bounds that they check.

cdef enum:
    CHUNK = 64 * 1024  # bytes read at a time
    PIECE = 16 * 1024  # bytes parsed at a time
    MANY_EVENTS = 512  # events returned before more is parsed, because each becomes an object
    MAX_TAGS = 3
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
    | XML_PARSE_NOENT  # no entity is declared; without it, "&amp;" in an XML attribute stays encoded
    | XML_PARSE_NOCDATA
    | XML_PARSE_COMPACT
    | XML_PARSE_BIG_LINES
)

cdef int MAX_ATTRIBUTES = parser_errors.MAX_ATTRIBUTES
cdef int MAX_NAME = parser_errors.MAX_NAME
cdef size_t NAME_BYTES = json_attributes.MAX_NAMES_SIZE


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
    charactersSAXFunc text
    Recorder* recorder
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


cdef int find_tag(Sink* sink, const_xmlChar* name, const_xmlChar* href) noexcept nogil:
    """Return the index of the tag of an element; -1 if its events are not reported."""
    cdef int at
    for at in range(sink.tag_count):
        if sink.tags[at].name == name:
            if href == NULL or sink.tags[at].namespace == NULL:
                return at if <const char*> href == sink.tags[at].namespace else -1
            return at if strcmp(<const char*> href, sink.tags[at].namespace) == 0 else -1
    return -1


cdef void stop_without_memory(xmlParserCtxt* context) noexcept nogil:
    (<Sink*> context._private).out_of_memory = True
    LIBXML2.stop(context)


cdef void add_event(xmlParserCtxt* context, bint ended) noexcept nogil:
    cdef Sink* sink = <Sink*> context._private
    cdef Event* events
    if sink.count == sink.room:
        events = <Event*> realloc(sink.events, (2 * sink.room + 64) * sizeof(Event))
        if events == NULL:
            stop_without_memory(context)
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
