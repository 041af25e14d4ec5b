# The elements of a file that is not XML. A writer calls the callbacks of the parser, so the same
# recorder and the same tree take its elements. Only the root's tags are parsed.

class WritingStopped(Exception):
    """The writing ends: a callback has found a fault, which the events report."""


cdef enum:
    STEP_BYTES = 128 * 1024  # memory of the elements that are written in one step
    ELEMENT_BYTES = 128  # memory of an element without its text


cdef class RowLayout:
    """The elements that the rows of a table become, and the children that their cells become.

    Args:
        names: local names by position; None for a cell that is not written.
        converts: by position, the function that returns a cell's text, or None. An empty text is
            not written.
    """

    cdef list names, converts
    cdef const_xmlChar* element
    cdef const_xmlChar** addresses  # of the names, which are in the dictionary of the file's parser
    cdef Py_ssize_t count

    def __cinit__(self, list names, list converts):
        self.names, self.converts, self.count = names, converts, len(names)
        self.addresses = <const_xmlChar**> resized(NULL, (self.count + 1) * sizeof(const_xmlChar*))

    def __dealloc__(self):
        free(self.addresses)


cdef class RowEvents(Events):
    """The events of a file of rows; see ``interface.ElementWriter`` for the methods.

    Args:
        source: writes the elements; see ``interface.Write``.
        tags: as ``Events``; the first one is the root's, which has no namespace.
        encoding: UTF-8.
        max_names, collector, parser: as ``Events``.

    Raises:
        Exception: an exception of the iterator, after the events before it, and what ``Events``
            raises.
    """

    cdef object steps
    cdef int line
    cdef Py_ssize_t written  # bytes of memory since the last step

    def close(self):
        self.source = self.steps = None  # both refer to this object

    cdef int advance(self) except -1:
        cdef bint last = False
        if not self.started:
            self.open_root()
        try:
            next(self.steps)
        except StopIteration:
            last = True
        except WritingStopped:
            pass
        except Exception as fault:
            self.fault, self.ended = fault, True
        check_bounds(self.context)
        if last and not self.sink.faulty:
            self.feed(b"</" + self.tags[0][0] + b">")
            LIBXML2.parse(self.context, NULL, 0, True)
            self.ended = True
        self.take_events()
        if self.sink.faulty:
            self.set_fault()
            self.ended = True
        if self.ended:
            self.steps = None
            self.free_parser(self.fault is None)
        return 0

    cdef int open_root(self) except -1:
        self.start(EMPTY_TEXT, 0)
        self.feed(b"<" + self.tags[0][0] + b"   >")  # libxml2 begins with four bytes
        self.steps = self.source(self)

    cdef int feed(self, bytes text) except -1:
        return LIBXML2.parse(self.context, PyBytes_AS_STRING(text), len(text), False)

    def layout(self, bytes element, list names, list converts):
        cdef RowLayout layout = RowLayout(names, converts)
        cdef Py_ssize_t at
        layout.element = interned(self.context.dict, element)
        for at in range(layout.count):
            layout.addresses[at] = NULL
            if names[at] is not None:
                layout.addresses[at] = interned(self.context.dict, names[at])
        return layout

    def start_element(self, bytes name, int line):
        self.line = line
        self.open(interned(self.context.dict, name))

    def end_element(self):
        at_end(self.context, self.context.node.name, NULL, NULL)

    def leaf(self, bytes name, bytes text):
        cdef const_xmlChar* address = interned(self.context.dict, name)
        self.write_leaf(address, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    def nodes(self, nodes, int line):
        cdef bytes name
        self.line = line
        for each, content in nodes:
            name = (<str> each).encode()
            if isinstance(content, str):
                content = (<str> content).encode()
            if isinstance(content, bytes):
                self.leaf(name, content)
            else:
                self.open(interned(self.context.dict, name))
                self.nodes(content, line)
                self.end_element()

    def start_row(self, RowLayout layout, int line, bytes row):
        self.line = line
        self.open(layout.element)
        self.write_cells(layout, row)

    def rows(self, RowLayout layout, list rows, Py_ssize_t first):
        cdef bytes row
        while first < len(rows):
            _, self.line, row = <tuple> rows[first]
            self.open(layout.element)
            self.write_cells(layout, row)
            at_end(self.context, layout.element, NULL, NULL)
            first += 1
            if self.written >= STEP_BYTES:
                break
        return first

    def is_step(self):
        if self.written < STEP_BYTES:
            return False
        self.written = 0
        return True

    def cells(self, RowLayout layout, int line, bytes row):
        self.line = line
        self.write_cells(layout, row)

    cdef int write_cells(self, RowLayout layout, bytes row) except -1:
        cdef const char* cell = PyBytes_AS_STRING(row)
        cdef const char* end = cell + PyBytes_GET_SIZE(row)
        cdef const char* stop
        cdef Py_ssize_t at
        cdef bytes text
        for at in range(layout.count):
            stop = <const char*> memchr(cell, b"\t", end - cell)
            if stop == NULL:
                stop = end
            if stop != cell and layout.addresses[at] != NULL:
                convert = layout.converts[at]
                if convert is None:
                    self.write_leaf(layout.addresses[at], cell, stop - cell)
                else:
                    text = convert(PyBytes_FromStringAndSize(cell, stop - cell))
                    if text:
                        self.write_leaf(
                            layout.addresses[at], PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)
                        )
            if stop == end:
                return 0
            cell = stop + 1
        if cell != end:
            self.write_text(cell, end - cell)
        return 0

    cdef int write_leaf(
        self, const_xmlChar* name, const char* text, Py_ssize_t size
    ) except -1:
        self.open(name)
        self.write_text(text, size)
        at_end(self.context, name, NULL, NULL)
        return 0

    cdef int open(self, const_xmlChar* name) except -1:
        if self.context.disableSAX or self.sink.faulty:
            raise WritingStopped
        self.context.input.line = self.line
        self.written += ELEMENT_BYTES
        at_start(self.context, name, NULL, NULL, 0, NULL, 0, 0, NULL)
        return 0

    cdef int write_text(self, const char* text, Py_ssize_t size) except -1:
        cdef const char* newline = <const char*> memchr(text, b"\n", size)
        while newline != NULL:  # the line of a text is that of its end; see ``line_of``
            self.context.input.line += 1
            newline = <const char*> memchr(newline + 1, b"\n", text + size - newline - 1)
        self.written += size
        at_text(self.context, <const_xmlChar*> text, size)
        self.context.input.line = self.line
        return 0


def row_events(write, list tags, max_names, collector=None, parser=None):
    """Return the events of a file that is not XML; see ``Engine.row_events``."""
    return RowEvents(write, tags, "UTF-8", max_names, collector, parser)
