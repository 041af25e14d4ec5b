# Values in their most common forms. All other forms are parsed in Python, by the kind of the value.

cdef enum Form:
    OTHER
    TEXT
    ID
    TIMESTAMP
    DATE
    MOMENT
    INTEGER
    BOOLEAN
    PERCENT
    DURATION
    SCALED
    FRACTION
    DECIMAL
    TENTHS
    HUNDREDTHS
    GUID

cdef dict _FORMS = {
    values.TEXT.name: TEXT,
    values.ID.name: ID,
    values.TIMESTAMP.name: TIMESTAMP,
    values.DATE.name: DATE,
    values.MOMENT.name: MOMENT,
    values.INTEGER.name: INTEGER,
    values.BOOLEAN.name: BOOLEAN,
    values.PERCENT.name: PERCENT,
    values.DURATION.name: DURATION,
    values.FRACTION.name: FRACTION,
    values.DECIMAL.name: DECIMAL,
    values.TENTHS.name: TENTHS,
    values.HUNDREDTHS.name: HUNDREDTHS,
    values.GUID.name: GUID,
}

cdef enum:
    BAD = 0
    GOOD = 1
    BLANK = 2
    RARE = 3


cdef struct Word:
    # A word of an enumeration and its COPY text; NULL for COPY's null.
    const char* text
    Py_ssize_t size
    const char* value
    Py_ssize_t length


cdef int put_value(
    Buffer* out, Form form, long long scale, const Word* words, int count, void* parse,
    const char* text, Py_ssize_t size
) except -1 nogil:
    """Write the COPY text of a value; return GOOD, BLANK for a null, or BAD."""
    cdef int done = RARE, at
    if size == 0:
        return BLANK
    for at in range(count):
        if words[at].size == size and memcmp(words[at].text, text, size) == 0:
            if words[at].value == NULL:
                return BLANK
            put(out, words[at].value, words[at].length)
            return GOOD
    if count and padded(text, size):
        return put_parsed(out, parse, text, size)  # a word with white space around it is still a word
    if form == TEXT:
        if all_blank(text, size):
            return BLANK
        put_escaped(out, text, size)
        return GOOD
    if form == ID:
        done = put_id(out, text, size)
    elif form == TIMESTAMP:
        done = put_if(out, is_timestamp(text, size), text, size)
    elif form == DATE:
        done = put_date(out, text, size)
    elif form == MOMENT:
        if size == 10:
            done = put_date(out, text, size)
        else:
            done = put_if(out, is_timestamp(text, size), text, size)
    elif form == INTEGER:
        done = put_if(out, is_digits(text, size, 9), text, size)
    elif form == PERCENT:
        done = put_if(out, is_digits(text, size, 2), text, size)
    elif form == BOOLEAN:
        done = put_boolean(out, text, size)
    elif form == DURATION:
        done = put_clock(out, text, size)
    elif form == GUID:
        done = put_guid(out, text, size)
    elif form != OTHER:
        done = put_computed(out, form, scale, text, size)
    return done if done != RARE else put_parsed(out, parse, text, size)


cdef int put_parsed(Buffer* out, void* parse, const char* text, Py_ssize_t size) except -1 with gil:
    value = (<object> parse)(PyUnicode_DecodeUTF8(text, size, NULL))
    if value is None:
        return BAD
    if value is NULL_VALUE:
        return BLANK
    put(out, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
    return GOOD


cdef int put_if(Buffer* out, bint fits, const char* text, Py_ssize_t size) except -1 nogil:
    if not fits:
        return RARE
    put(out, text, size)
    return GOOD


cdef bint padded(const char* text, Py_ssize_t size) noexcept nogil:
    """Whether white space precedes or follows a text."""
    return blank(text[0]) or blank(text[size - 1])


cdef int put_id(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write an id in ASCII; Python normalizes all others."""
    cdef Py_ssize_t first = 0, at
    if size > LONGEST_ID:
        return RARE
    for at in range(size):
        if text[at] & 0x80:
            return RARE
    while first < size and blank(text[first]):
        first += 1
    while size > first and blank(text[size - 1]):
        size -= 1
    if first == size:
        return BLANK
    put_escaped(out, text + first, size - first)
    return GOOD


cdef int put_guid(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write a GUID without its braces, in lower case; all zeros are a null."""
    cdef char written[36]
    cdef char letter
    cdef bint nil = True
    cdef int at
    if size == 38 and text[0] == b"{" and text[37] == b"}":
        text += 1
        size = 36
    if size != 36:
        return RARE
    for at in range(36):
        letter = text[at]
        if at == 8 or at == 13 or at == 18 or at == 23:
            if letter != b"-":
                return RARE
        elif b"A" <= letter <= b"F":
            letter += 32
            nil = False
        elif b"1" <= letter <= b"9" or b"a" <= letter <= b"f":
            nil = False
        elif letter != b"0":
            return RARE
        written[at] = letter
    if nil:
        return BLANK
    put(out, written, 36)
    return GOOD


cdef int put_boolean(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    if (size == 1 and text[0] == b"1") or (size == 4 and memcmp(text, b"true", 4) == 0):
        put_char(out, b"t")
    elif (size == 1 and text[0] == b"0") or (size == 5 and memcmp(text, b"false", 5) == 0):
        put_char(out, b"f")
    else:
        return RARE
    return GOOD


cdef bint is_digits(const char* text, Py_ssize_t size, int limit) noexcept nogil:
    """Whether it is a whole number in canonical form, of at most ``limit`` digits."""
    cdef Py_ssize_t at
    if size == 0 or size > limit or (text[0] == b"0" and size > 1):
        return False
    for at in range(size):
        if not b"0" <= text[at] <= b"9":
            return False
    return True


cdef int two_digits(const char* text) noexcept nogil:
    """Return the number of two digits, or a number far below 0."""
    if not (b"0" <= text[0] <= b"9" and b"0" <= text[1] <= b"9"):
        return -10000
    return (text[0] - 48) * 10 + text[1] - 48


cdef bint is_timestamp(const char* text, Py_ssize_t size) noexcept nogil:
    """Whether it is a date and a time in whole seconds, from the year 1000 on."""
    return (
        size == 19
        and text[10] == b"T"
        and text[13] == b":"
        and text[16] == b":"
        and is_date(text)
        and 0 <= two_digits(text + 11) <= 23
        and 0 <= two_digits(text + 14) <= 59
        and 0 <= two_digits(text + 17) <= 59
    )


cdef int put_date(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write a date as the timestamp of its midnight."""
    if size != 10 or not is_date(text):
        return RARE
    put(out, text, size)
    put(out, b"T00:00:00", 9)
    return GOOD


cdef bint is_date(const char* text) noexcept nogil:
    """Whether a text begins with a date, from the year 1000 on."""
    cdef int year, month, day
    if text[4] != b"-" or text[7] != b"-":
        return False
    year = two_digits(text) * 100 + two_digits(text + 2)
    month = two_digits(text + 5)
    day = two_digits(text + 8)
    return (
        year >= 1000
        and 1 <= month <= 12
        and 1 <= day <= (30 + (month + month // 8) % 2 if month != 2 else 29 if is_leap(year) else 28)
    )


cdef bint is_leap(int year) noexcept nogil:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


cdef int put_clock(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write a duration such as ``PT40H0M0S`` as PostgreSQL prints it."""
    cdef char written[40]
    cdef Py_ssize_t at = 2, start, length = 2
    cdef int unit = 0, number
    cdef const char* units = b"HMS"
    if size < 4 or size > 30 or text[0] != b"P" or text[1] != b"T":
        return RARE
    written[0], written[1] = b"P", b"T"
    while at < size:
        start = at
        number = 0
        while at < size and b"0" <= text[at] <= b"9":
            number = number * 10 + text[at] - 48
            at += 1
            if at - start > 8:
                return RARE
        if at == start or at == size or (text[start] == b"0" and at - start > 1):
            return RARE
        while unit < 3 and units[unit] != text[at]:
            unit += 1
        if unit == 3 or (unit > 0 and number > 59):
            return RARE
        if number:
            memcpy(written + length, text + start, at - start + 1)
            length += at - start + 1
        unit += 1
        at += 1
    if length == 2:
        put(out, b"PT0S", 4)
    else:
        put(out, written, length)
    return GOOD
