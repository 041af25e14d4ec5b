# libxml2's functions. lxml's module has libxml2 in it, and shows its functions to whoever asks that
# module for them by name; there is no other way to use the same libxml2 as lxml does.

cdef extern from "dlfcn.h" nogil:
    int RTLD_LAZY
    int RTLD_NOLOAD
    void* dlopen(const char* path, int mode)
    void* dlsym(void* module, const char* name)


cdef struct Library:
    xmlParserCtxt* (*create)(
        xmlSAXHandler*, void*, const char*, int, const char*
    ) noexcept nogil
    int (*use)(xmlParserCtxt*, int) noexcept nogil
    int (*begin)(xmlParserCtxt*, const char*, int, const char*, const char*) noexcept nogil
    int (*parse)(xmlParserCtxt*, const char*, int, int) noexcept nogil
    void (*stop)(xmlParserCtxt*) noexcept nogil
    void (*tell)(xmlParserCtxt*, xmlStructuredErrorFunc, void*) noexcept nogil
    void (*free_context)(xmlParserCtxt*) noexcept nogil
    const_xmlChar* (*intern)(xmlDict*, const_xmlChar*, int) noexcept nogil
    int (*count)(xmlDict*) noexcept nogil
    size_t (*used)(xmlDict*) noexcept nogil
    void (*free_document)(xmlDoc*) noexcept nogil
    void (*unlink)(xmlNode*) noexcept nogil
    void (*free_node)(xmlNode*) noexcept nogil


cdef Library LIBRARY


cdef dict FUNCTIONS = {
    "xmlCreatePushParserCtxt": <uintptr_t> &LIBRARY.create,
    "xmlCtxtUseOptions": <uintptr_t> &LIBRARY.use,
    "xmlCtxtResetPush": <uintptr_t> &LIBRARY.begin,
    "xmlParseChunk": <uintptr_t> &LIBRARY.parse,
    "xmlStopParser": <uintptr_t> &LIBRARY.stop,
    "xmlCtxtSetErrorHandler": <uintptr_t> &LIBRARY.tell,
    "xmlFreeParserCtxt": <uintptr_t> &LIBRARY.free_context,
    "xmlDictLookup": <uintptr_t> &LIBRARY.intern,
    "xmlDictSize": <uintptr_t> &LIBRARY.count,
    "xmlDictGetUsage": <uintptr_t> &LIBRARY.used,
    "xmlFreeDoc": <uintptr_t> &LIBRARY.free_document,
    "xmlUnlinkNode": <uintptr_t> &LIBRARY.unlink,
    "xmlFreeNode": <uintptr_t> &LIBRARY.free_node,
}


cdef bint find_library() except -1:
    """Whether all functions are there, of the libxml2 whose structures this was compiled for."""
    cdef void* module
    cdef void* function
    cdef uintptr_t place
    major, minor, micro = etree.LIBXML_VERSION
    if major * 10_000 + minor * 100 + micro != LIBXML_VERSION:
        return False
    module = dlopen(etree.__file__.encode(), RTLD_LAZY | RTLD_NOLOAD)
    if module == NULL:
        return False
    for name, place in FUNCTIONS.items():
        function = dlsym(module, name.encode())
        if function == NULL:
            return False
        (<void**> place)[0] = function
    return True


cdef bint HAS_LIBRARY = find_library()


def find_parser():
    """Whether ``Events`` and ``Harvest`` can be used."""
    return HAS_LIBRARY
