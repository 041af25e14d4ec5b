# Values of the forms that nearly all have; any other is parsed by its kind, in Python.


cdef object parsed(Kind kind, object parse, const char* text, Py_ssize_t size):
    """A value's COPY text, ``NULL`` where it is blank, or None where it is bad."""
    cdef Py_ssize_t first = 0, last = size
    if size == 0:
        return NULL_VALUE
    if kind == TEXT:
        if all_blank(text, size):
            return NULL_VALUE
        if needs_no_escape(text, size):
            return PyBytes_FromStringAndSize(text, size)
    elif kind == ID:
        while first < last and blank(text[first]):
            first += 1
        while last > first and blank(text[last - 1]):
            last -= 1
        if first == last and size <= 255:
            return NULL_VALUE
        if size <= 255 and needs_no_escape(text + first, last - first):
            return PyBytes_FromStringAndSize(text + first, last - first)
    elif (
        (kind == TIMESTAMP and is_timestamp(text, size))
        or (kind == INTEGER and is_number(text, size, 9))
        or (kind == PERCENT and is_number(text, size, 2))
    ):
        return PyBytes_FromStringAndSize(text, size)
    elif kind == BOOLEAN and size == 1 and (text[0] == b"0" or text[0] == b"1"):
        return b"t" if text[0] == b"1" else b"f"
    elif kind == DURATION:
        clock = clock_duration(text, size)
        if clock is not None:
            return clock
    return parse(PyUnicode_DecodeUTF8(text, size, NULL))


cdef bint needs_no_escape(const char* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(size):
        if text[at] == 92 or text[at] == 10 or text[at] == 9 or text[at] == 13:
            return False
    return True


cdef bint is_number(const char* text, Py_ssize_t size, int most) noexcept nogil:
    """Whether it is a whole number as it is printed, of at most so many digits."""
    cdef Py_ssize_t at
    if size == 0 or size > most or (text[0] == b"0" and size > 1):
        return False
    for at in range(size):
        if not b"0" <= text[at] <= b"9":
            return False
    return True


cdef int two(const char* text) noexcept nogil:
    """Two digits, or -1."""
    if not (b"0" <= text[0] <= b"9" and b"0" <= text[1] <= b"9"):
        return -1
    return (text[0] - 48) * 10 + text[1] - 48


cdef bint is_timestamp(const char* text, Py_ssize_t size) noexcept nogil:
    """Whether it is a moment to the second that is in every calendar: days up to the 28th."""
    if size != 19 or text[4] != b"-" or text[7] != b"-" or text[10] != b"T":
        return False
    if text[13] != b":" or text[16] != b":":
        return False
    return (
        two(text) >= 10
        and two(text + 2) >= 0
        and 1 <= two(text + 5) <= 12
        and 1 <= two(text + 8) <= 28
        and 0 <= two(text + 11) <= 23
        and 0 <= two(text + 14) <= 59
        and 0 <= two(text + 17) <= 59
    )


cdef object clock_duration(const char* text, Py_ssize_t size):
    """``PT40H0M0S`` as PostgreSQL prints it, or None where it is of another form."""
    cdef char out[40]
    cdef Py_ssize_t at = 2, start, length = 2
    cdef int unit = 0, number
    cdef const char* units = b"HMS"
    if size < 4 or size > 30 or text[0] != b"P" or text[1] != b"T":
        return None
    out[0], out[1] = b"P", b"T"
    while at < size:
        start = at
        number = 0
        while at < size and b"0" <= text[at] <= b"9":
            number = number * 10 + text[at] - 48
            at += 1
            if at - start > 8:
                return None
        if at == start or at == size or (text[start] == b"0" and at - start > 1):
            return None
        while unit < 3 and units[unit] != text[at]:
            unit += 1
        if unit == 3 or (unit > 0 and number > 59):
            return None
        if number:
            memcpy(out + length, text + start, at - start + 1)
            length += at - start + 1
        unit += 1
        at += 1
    if length == 2:
        return b"PT0S"
    return PyBytes_FromStringAndSize(out, length)
