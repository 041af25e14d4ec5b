# The XML parser of libxml2, called without the GIL. Outside the records, it builds the same tree as
# lxml's own parser, which takes the GIL at the start and the end of every element, even if no event
# is reported. Names go to the dictionary of this parser, not to the one that lxml keeps for a thread.

cdef extern from "libxml/parser.h" nogil:
    ctypedef struct HandlerFields "xmlSAXHandler":
        charactersSAXFunc ignorableWhitespace


cdef object LXML_PARSER = etree.XMLParser()  # every lxml document refers to a parser


cdef struct Tag:
    const_xmlChar* name  # the copy in the parser's dictionary
    const char* namespace  # or NULL


cdef struct Event:
    xmlNode* node
    bint ended


cdef enum:
    MAX_KEPT_NAMES = 4096  # names and short texts with which a parser is used again
    MAX_KEPT_BYTES = 65536  # and their size: they count as names of the next file


cdef class XmlParser:
    """A parser that reads files one after another. Its dictionary keeps their names.

    The addresses of these names identify them in record parsers. So after a file that did not end
    well the dictionary may be gone, and neither the parser nor the record parsers can be used.
    """

    cdef xmlParserCtxt* context  # NULL while a file is read, or after one that did not end well
    cdef startElementNsSAX2Func start
    cdef endElementNsSAX2Func end
    cdef charactersSAXFunc text
    cdef Places* places  # of the records of the format; NULL before the first file
    cdef const_xmlChar* namespace
    cdef list tags  # of the last file
    cdef list split_tags

    def __cinit__(self):
        cdef xmlParserCtxt* context = LIBXML2.create(NULL, NULL, NULL, 0, NULL)
        if context == NULL:
            raise MemoryError
        self.context = context
        LIBXML2.set_options(context, OPTIONS)
        context.loadsubset |= XML_SKIP_IDS
        self.start, self.end = context.sax.startElementNs, context.sax.endElementNs
        self.text = context.sax.characters
        context.sax.startElementNs, context.sax.endElementNs = at_start, at_end
        context.sax.characters = at_text
        (<HandlerFields*> context.sax).ignorableWhitespace = at_text
        context.sax.internalSubset = at_doctype
        context.sax.comment = context.sax.processingInstruction = context.sax.cdataBlock = NULL

    def __dealloc__(self):
        free_places(self.places)
        if self.context != NULL:
            LIBXML2.free_context(self.context)

    cdef list split(self, list tags):
        """Return local names and namespaces of tags."""
        if tags != self.tags:
            self.tags = tags
            self.split_tags = [
                (tag.localname.encode(), (tag.namespace or "").encode())
                for tag in map(etree.QName, tags)
            ]
        return self.split_tags

    @property
    def reusable(self):
        """Whether it has read a file to its end without a fault, and keeps few names."""
        return (
            self.context != NULL
            and LIBXML2.names_count(self.context.dict) <= MAX_KEPT_NAMES
            and LIBXML2.names_size(self.context.dict) <= MAX_KEPT_BYTES
        )


cdef class Events:
    """The events of a file's elements, like those of lxml's ``iterparse``.

    Args:
        source: of the file; more bytes are read only after all events of the previous ones.
        tags: of the elements whose events are reported.
        encoding: overrides the XML declaration.
        max_names: the approximate number of distinct names that the file may use.
        collector: takes the records of projects, which then have no place in the tree.
        parser: reads the file; the record parsers of the collector belong to it.

    Raises:
        XMLSyntaxError: after the events before the fault, once.
        FileRefused: likewise: an element has too many XML attributes.
        FileTooLarge: likewise: the names are too many, or too long.
    """

    cdef XmlParser parser
    cdef xmlParserCtxt* context  # of the parser, which has it again after the file
    cdef Sink sink
    cdef object source
    cdef list tags, waiting
    cdef RecordCollector collector
    cdef Recorder nothing  # recorded, if there is no collector
    cdef bytes encoding, data
    cdef Py_ssize_t at  # of the bytes parsed so far, in the data
    cdef cetree._Document document
    cdef bint started, adopted, ended
    cdef object fault

    def __cinit__(
        self, source, list tags, str encoding, max_names, RecordCollector collector=None,
        XmlParser parser=None,
    ):
        if len(tags) > MAX_TAGS:
            raise ValueError(f"{len(tags)} tags; there is room for {MAX_TAGS}")
        self.parser = XmlParser() if parser is None else parser
        self.context, self.parser.context = self.parser.context, NULL
        if self.context == NULL:
            raise ValueError("the parser is in use, or its last file did not end well")
        self.source, self.encoding, self.sink.max_names = source, encoding.encode(), max_names
        self.tags, self.waiting = self.parser.split(tags), []
        self.collector = collector
        self.sink.recorder = &self.nothing if collector is None else &collector.recorder
        self.data = b""
        LIBXML2.set_error_handler(self.context, at_error, &self.sink)
        self.context._private = &self.sink
        self.sink.start, self.sink.end = self.parser.start, self.parser.end
        self.sink.text = self.parser.text

    def __dealloc__(self):
        self.free_parser(False)
        free(self.sink.message)

    def __iter__(self):
        return self

    def close(self):
        """Free the source. Call it once no more events are wanted."""
        self.source = None

    def __next__(self):
        while not self.waiting:
            if self.fault is not None:
                fault, self.fault = self.fault, None
                raise fault
            if self.ended:
                raise StopIteration
            self.advance()
        return self.waiting.pop()

    cdef int advance(self) except -1:
        """Parse more of the source."""
        if self.at == len(self.data):
            self.data, self.at = self.source.read(CHUNK), 0
        return self.parse()

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
            self.free_parser(self.fault is None)
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
        if self.collector is not None:
            self.collector.set_places(self.parser, context.dict)
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

    cdef int free_parser(self, bint well) noexcept:
        """Give the parser back if the file ended well, otherwise free it.

        A tree that belongs to lxml remains, and keeps the dictionary.
        """
        cdef xmlDoc* document
        if self.context != NULL:
            document = self.context.myDoc
            self.context.myDoc = NULL
            if document != NULL and not self.adopted:
                LIBXML2.free_document(document)
            if well:
                LIBXML2.set_error_handler(self.context, NULL, NULL)
                self.context._private = NULL
                self.parser.context = self.context
            else:
                LIBXML2.free_context(self.context)
            self.context = NULL
        free(self.sink.events)
        self.sink.events = NULL
        self.sink.count = self.sink.room = 0
        return 0
