# A growing buffer, and functions that write values into it as COPY text and as JSON.


cdef enum:
    LARGE_BUFFER = 1024 * 1024  # bytes


cdef struct Buffer:
    char* data
    Py_ssize_t used
    Py_ssize_t room


cdef void* resized(void* memory, size_t size) except NULL nogil:
    cdef void* more = realloc(memory, size)
    if more == NULL:
        with gil:
            raise MemoryError
    return more


cdef int reserve(Buffer* out, Py_ssize_t more) except -1 nogil:
    if out.used + more > out.room:
        out.room = max(2 * out.room, out.used + more, 1024)
        out.data = <char*> resized(out.data, out.room)
    return 0


cdef int release_large(Buffer* buffer) noexcept nogil:
    """Free a buffer that has grown for a large record, and is no longer needed."""
    if buffer.room > LARGE_BUFFER:
        free(buffer.data)
        buffer.data, buffer.used, buffer.room = NULL, 0, 0
    return 0


cdef int put_char(Buffer* out, char letter) except -1 nogil:
    reserve(out, 1)
    out.data[out.used] = letter
    out.used += 1
    return 0


cdef int put(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    reserve(out, size)
    memcpy(out.data + out.used, text, size)
    out.used += size
    return 0


cdef int put_number(Buffer* out, long long number) except -1 nogil:
    """Write a number that is not negative."""
    cdef char digits[24]
    cdef int at = 24
    while True:
        at -= 1
        digits[at] = <char> (48 + number % 10)
        number //= 10
        if number == 0:
            return put(out, digits + at, 24 - at)


cdef int put_escaped(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write a text as COPY text."""
    cdef Py_ssize_t at
    cdef char letter
    cdef char* end
    reserve(out, 2 * size)
    end = out.data + out.used
    for at in range(size):
        letter = text[at]
        if letter == 92 or letter == 10 or letter == 9 or letter == 13:
            end[0] = 92
            end += 1
            letter = 92 if letter == 92 else b"n" if letter == 10 else b"t" if letter == 9 else b"r"
        end[0] = letter
        end += 1
    out.used = end - out.data
    return 0


cdef int put_json(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write a text as a JSON string."""
    cdef Py_ssize_t at
    cdef unsigned char letter
    cdef char* end
    reserve(out, 2 * size + 2)
    end = out.data + out.used
    end[0] = b'"'
    end += 1
    for at in range(size):
        letter = text[at]
        if letter < 32 or letter == 34 or letter == 92:
            end[0] = 92
            end += 1
            if letter < 32:  # XML allows no others
                letter = b"n" if letter == 10 else b"t" if letter == 9 else b"r"
        end[0] = letter
        end += 1
    end[0] = b'"'
    out.used = end + 1 - out.data
    return 0


cdef int put_doubled(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write JSON as COPY text. JSON has backslashes, but no raw control characters."""
    cdef const char* end = text + size
    cdef const char* backslash
    while text < end:
        backslash = <const char*> memchr(text, 92, end - text)
        if backslash == NULL:
            return put(out, text, end - text)
        put(out, text, backslash + 1 - text)
        put_char(out, 92)
        text = backslash + 1
    return 0
