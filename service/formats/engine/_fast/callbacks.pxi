# The callbacks of the parser. Inside a record they fill the recorder; elsewhere, libxml2's own callbacks
# build the tree.

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
    cdef Recorder* recorder = sink.recorder
    cdef xmlNode* parent = context.node
    cdef Place* place = NULL
    cdef int tag
    if count > MAX_ATTRIBUTES:
        stop_parser(context, TOO_MANY_ATTRIBUTES, NULL)
        return
    if has_long_name(sink, name, namespace_count, namespaces, count, attributes):
        stop_parser(context, LONG_NAME, NULL)
        return
    if recorder.project != NULL:
        if recorder.depth == 0:
            place = record_place(context, recorder, name, href)
        if recorder.depth or (place != NULL and place.held == NULL):
            record_start(context, place, name, prefix, href, count, attributes)
            return
        close_text(recorder)
        recorder.line = context.input.line
    sink.start(
        parser, name, prefix, href, namespace_count, namespaces, count, defaulted, attributes
    )
    if context.node == parent:
        return
    if place != NULL:
        recorder.holder, recorder.held = context.node, place.held
    tag = find_tag(sink, name, href)
    if tag >= 0:
        add_event(context, False)
        # The first tag is the root's, which may be a project itself.
        enter_project(context, recorder, parent, tag > 0 or sink.tag_count == 1)


cdef void enter_project(
    xmlParserCtxt* context, Recorder* recorder, xmlNode* parent, bint is_project
) noexcept nogil:
    """Note the root or the project that has begun, as ``Cursor.start`` does."""
    if recorder.project != NULL:
        return
    if parent == NULL:
        recorder.root = context.node
    if is_project and recorder.places != NULL:
        if recorder.anywhere or (parent != NULL and parent == recorder.root):
            recorder.project = recorder.holder = context.node
            recorder.held = recorder.places
            recorder.line = context.input.line


cdef void record_start(
    xmlParserCtxt* context, Place* place, const_xmlChar* name, const_xmlChar* prefix,
    const_xmlChar* href, int count, const_xmlChar** attributes,
) noexcept nogil:
    """Record a start tag inside a record, or of a record that has a place."""
    cdef Recorder* recorder = (<Sink*> context._private).recorder
    cdef bint added = True
    if (<ContextFields*> context).nodeNr + recorder.depth >= MAX_OPEN:
        stop_parser(context, XML_ERR_RESOURCE_LIMIT, b"Excessive depth in document")
        return
    recorder.line = context.input.line
    close_text(recorder)
    if recorder.depth == 0:
        recorder.current, recorder.size, recorder.dropped = NULL, 0, False
        added = add_entry(recorder, context.node, place.rule)
    if added and not recorder.dropped:
        added = NULL != start_element(context, recorder, name, prefix, href, count, attributes)
    if not added:
        stop_without_memory(context)
        return
    if recorder.depth == 0:
        recorder.queue[recorder.count - 1].node = recorder.current
    recorder.depth += 1


cdef void at_end(
    void* parser, const_xmlChar* name, const_xmlChar* prefix, const_xmlChar* href
) noexcept nogil:
    cdef xmlParserCtxt* context = <xmlParserCtxt*> parser
    cdef Sink* sink = <Sink*> context._private
    cdef Recorder* recorder = sink.recorder
    if recorder.depth:
        recorder.depth -= 1
        close_text(recorder)
        recorder.tail = recorder.depth == 0
        if not recorder.dropped:
            recorder.current = recorder.current.parent
        return
    if recorder.project != NULL:
        close_text(recorder)
        if context.node == recorder.project:
            if not add_entry(recorder, NULL, -1):
                stop_without_memory(context)
            recorder.project = NULL
        elif context.node == recorder.holder:
            recorder.holder, recorder.held = context.node.parent, recorder.held.outer
    if context.node != NULL and find_tag(sink, name, href) >= 0:
        add_event(context, True)
    sink.end(parser, name, prefix, href)


cdef void at_text(void* parser, const_xmlChar* text, int size) noexcept nogil:
    cdef xmlParserCtxt* context = <xmlParserCtxt*> parser
    cdef Sink* sink = <Sink*> context._private
    cdef Recorder* recorder = sink.recorder
    if recorder.depth == 0 and not recorder.tail:
        sink.text(parser, text, size)
    elif recorder.text_size and recorder.text_size + size > MAX_TEXT:
        stop_parser(context, XML_ERR_RESOURCE_LIMIT, b"Text node too long")
    elif recorder.dropped:
        recorder.text_size += size
    elif not record_text(context, recorder, text, size):
        stop_without_memory(context)


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
