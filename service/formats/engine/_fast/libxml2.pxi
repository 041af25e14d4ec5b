# The functions of libxml2, which lxml's module contains and exports. They are looked up there by
# name, which is the only way to use the same libxml2 as lxml.

cdef extern from "dlfcn.h" nogil:
    int RTLD_LAZY
    int RTLD_NOLOAD
    void* dlopen(const char* path, int mode)
    void* dlsym(void* module, const char* name)


cdef struct Functions:
    xmlParserCtxt* (*create)(
        xmlSAXHandler*, void*, const char*, int, const char*
    ) noexcept nogil
    int (*set_options)(xmlParserCtxt*, int) noexcept nogil
    int (*reset)(xmlParserCtxt*, const char*, int, const char*, const char*) noexcept nogil
    int (*parse)(xmlParserCtxt*, const char*, int, int) noexcept nogil
    void (*stop)(xmlParserCtxt*) noexcept nogil
    void (*set_error_handler)(xmlParserCtxt*, xmlStructuredErrorFunc, void*) noexcept nogil
    void (*free_context)(xmlParserCtxt*) noexcept nogil
    const_xmlChar* (*intern)(xmlDict*, const_xmlChar*, int) noexcept nogil
    int (*names_count)(xmlDict*) noexcept nogil
    size_t (*names_size)(xmlDict*) noexcept nogil
    void (*free_document)(xmlDoc*) noexcept nogil
    void (*unlink)(xmlNode*) noexcept nogil
    void (*free_node)(xmlNode*) noexcept nogil
    const_xmlChar* (*intern_qualified)(
        xmlDict*, const_xmlChar*, const_xmlChar*
    ) noexcept nogil
    xmlNode* (*new_element)(xmlDoc*, xmlNs*, const_xmlChar*, const_xmlChar*) noexcept nogil
    xmlAttr* (*new_attribute)(xmlNode*, xmlNs*, const_xmlChar*, const_xmlChar*) noexcept nogil
    xmlNode* (*new_text)(xmlDoc*, const_xmlChar*, int) noexcept nogil
    xmlNs* (*find_namespace)(xmlDoc*, xmlNode*, const_xmlChar*) noexcept nogil
    xmlNs* (*new_namespace)(xmlNode*, const_xmlChar*, const_xmlChar*) noexcept nogil


cdef Functions LIBXML2


cdef dict FUNCTIONS = {
    "xmlCreatePushParserCtxt": <uintptr_t> &LIBXML2.create,
    "xmlCtxtUseOptions": <uintptr_t> &LIBXML2.set_options,
    "xmlCtxtResetPush": <uintptr_t> &LIBXML2.reset,
    "xmlParseChunk": <uintptr_t> &LIBXML2.parse,
    "xmlStopParser": <uintptr_t> &LIBXML2.stop,
    "xmlCtxtSetErrorHandler": <uintptr_t> &LIBXML2.set_error_handler,
    "xmlFreeParserCtxt": <uintptr_t> &LIBXML2.free_context,
    "xmlDictLookup": <uintptr_t> &LIBXML2.intern,
    "xmlDictSize": <uintptr_t> &LIBXML2.names_count,
    "xmlDictGetUsage": <uintptr_t> &LIBXML2.names_size,
    "xmlFreeDoc": <uintptr_t> &LIBXML2.free_document,
    "xmlUnlinkNode": <uintptr_t> &LIBXML2.unlink,
    "xmlFreeNode": <uintptr_t> &LIBXML2.free_node,
    "xmlDictQLookup": <uintptr_t> &LIBXML2.intern_qualified,
    "xmlNewDocNode": <uintptr_t> &LIBXML2.new_element,
    "xmlNewNsProp": <uintptr_t> &LIBXML2.new_attribute,
    "xmlNewDocTextLen": <uintptr_t> &LIBXML2.new_text,
    "xmlSearchNs": <uintptr_t> &LIBXML2.find_namespace,
    "xmlNewNs": <uintptr_t> &LIBXML2.new_namespace,
}


cdef int load_functions() except -1:
    """Look up all functions in lxml's module.

    Raises:
        ImportError: one is missing, or this was compiled for another libxml2 than lxml has.
    """
    cdef void* module
    cdef void* function
    cdef uintptr_t address
    major, minor, micro = etree.LIBXML_VERSION
    if major * 10_000 + minor * 100 + micro != LIBXML_VERSION:
        built = (LIBXML_VERSION // 10_000, LIBXML_VERSION // 100 % 100, LIBXML_VERSION % 100)
        raise ImportError(
            f"it was compiled for libxml2 {'.'.join(map(str, built))}, and lxml has"
            f" {major}.{minor}.{micro}"
        )
    module = dlopen(etree.__file__.encode(), RTLD_LAZY | RTLD_NOLOAD)
    if module == NULL:
        raise ImportError("lxml's module cannot be opened")
    for name, address in FUNCTIONS.items():
        function = dlsym(module, name.encode())
        if function == NULL:
            raise ImportError(f"lxml's module does not export {name}")
        (<void**> address)[0] = function
    return 0
