# Values of the forms that nearly all have; any other is parsed by its kind, in Python.

cdef enum Form:
    OTHER
    TEXT
    ID
    TIMESTAMP
    INTEGER
    BOOLEAN
    PERCENT
    DURATION
    HOURS
    FRACTION
    DECIMAL
    TENTHS

cdef dict _FORMS = {
    values.TEXT.name: TEXT,
    values.ID.name: ID,
    values.TIMESTAMP.name: TIMESTAMP,
    values.INTEGER.name: INTEGER,
    values.BOOLEAN.name: BOOLEAN,
    values.PERCENT.name: PERCENT,
    values.DURATION.name: DURATION,
    values.HOURS.name: HOURS,
    values.FRACTION.name: FRACTION,
    values.DECIMAL.name: DECIMAL,
    values.LINK_LAG.name: TENTHS,
}

cdef enum:
    BAD = 0
    GOOD = 1
    BLANK = 2
    RARE = 3


cdef struct Word:
    # A word of an enumeration, and its COPY text; NULL for COPY's null.
    const char* text
    Py_ssize_t size
    const char* value
    Py_ssize_t length


cdef struct Number:
    # A decimal number as it is printed, without leading zeros, sign or exponent.
    long long whole
    long long fraction
    int digits  # of the fraction
    bint negative


cdef int put_value(
    Buffer* out, Form form, const Word* words, int count, void* parse, const char* text,
    Py_ssize_t size
) except -1 nogil:
    """Write a value's COPY text: GOOD, BLANK where it is null, BAD where it is none."""
    cdef int done = RARE, at
    if size == 0:
        return BLANK
    for at in range(count):
        if words[at].size == size and memcmp(words[at].text, text, size) == 0:
            if words[at].value == NULL:
                return BLANK
            put(out, words[at].value, words[at].length)
            return GOOD
    if form == TEXT:
        if all_blank(text, size):
            return BLANK
        put_escaped(out, text, size)
        return GOOD
    if form == ID:
        done = put_id(out, text, size)
    elif form == TIMESTAMP:
        done = put_if(out, is_timestamp(text, size), text, size)
    elif form == INTEGER:
        done = put_if(out, is_whole(text, size, 9), text, size)
    elif form == PERCENT:
        done = put_if(out, is_whole(text, size, 2), text, size)
    elif form == BOOLEAN:
        done = put_boolean(out, text, size)
    elif form == DURATION:
        done = put_clock(out, text, size)
    elif form != OTHER:
        done = put_computed(out, form, text, size)
    return done if done != RARE else put_any(out, parse, text, size)


cdef int put_any(Buffer* out, void* parse, const char* text, Py_ssize_t size) except -1 with gil:
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


cdef int put_id(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    cdef Py_ssize_t first = 0
    if size > LONGEST_ID:
        return RARE
    while first < size and blank(text[first]):
        first += 1
    while size > first and blank(text[size - 1]):
        size -= 1
    if first == size:
        return BLANK
    put_escaped(out, text + first, size - first)
    return GOOD


cdef int put_boolean(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    if (size == 1 and text[0] == b"1") or (size == 4 and memcmp(text, b"true", 4) == 0):
        put_char(out, b"t")
    elif (size == 1 and text[0] == b"0") or (size == 5 and memcmp(text, b"false", 5) == 0):
        put_char(out, b"f")
    else:
        return RARE
    return GOOD


cdef bint is_whole(const char* text, Py_ssize_t size, int most) noexcept nogil:
    """Whether it is a whole number as it is printed, of at most so many digits."""
    cdef Py_ssize_t at
    if size == 0 or size > most or (text[0] == b"0" and size > 1):
        return False
    for at in range(size):
        if not b"0" <= text[at] <= b"9":
            return False
    return True


cdef int two(const char* text) noexcept nogil:
    """Two digits, or a number far below 0."""
    if not (b"0" <= text[0] <= b"9" and b"0" <= text[1] <= b"9"):
        return -10000
    return (text[0] - 48) * 10 + text[1] - 48


cdef bint is_timestamp(const char* text, Py_ssize_t size) noexcept nogil:
    """Whether it is a moment to the second, from the year 1000 on."""
    cdef int year, month, day
    if size != 19 or text[4] != b"-" or text[7] != b"-" or text[10] != b"T":
        return False
    if text[13] != b":" or text[16] != b":":
        return False
    year = two(text) * 100 + two(text + 2)
    month = two(text + 5)
    day = two(text + 8)
    return (
        year >= 1000
        and 1 <= month <= 12
        and 1 <= day <= (30 + (month + month // 8) % 2 if month != 2 else 29 if leap(year) else 28)
        and 0 <= two(text + 11) <= 23
        and 0 <= two(text + 14) <= 59
        and 0 <= two(text + 17) <= 59
    )


cdef bint leap(int year) noexcept nogil:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


cdef int put_clock(Buffer* out, const char* text, Py_ssize_t size) except -1 nogil:
    """Write ``PT40H0M0S`` as PostgreSQL prints it."""
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


cdef bint is_decimal(const char* text, Py_ssize_t size, Number* number) noexcept nogil:
    """Read a number of at most eight digits before the point and six behind it."""
    cdef Py_ssize_t at = 0, start
    number.whole = number.fraction = number.digits = 0
    number.negative = size > 0 and text[0] == b"-"
    if number.negative:
        at = 1
    start = at
    while at < size and b"0" <= text[at] <= b"9":
        number.whole = number.whole * 10 + text[at] - 48
        at += 1
        if at - start > 8:
            return False
    if at == start or (text[start] == b"0" and at - start > 1):
        return False
    if at < size and text[at] == b".":
        at += 1
        while at < size and b"0" <= text[at] <= b"9":
            number.fraction = number.fraction * 10 + text[at] - 48
            number.digits += 1
            at += 1
            if number.digits > 6:
                return False
        if number.digits == 0:
            return False
        while number.digits and number.fraction % 10 == 0:
            number.fraction //= 10
            number.digits -= 1
    return at == size


cdef int put_computed(Buffer* out, Form form, const char* text, Py_ssize_t size) except -1 nogil:
    cdef Number number
    cdef long long micros
    cdef int digits
    if not is_decimal(text, size, &number):
        return RARE
    if form == TENTHS:
        if number.digits or memchr(text, b".", size) != NULL:
            return RARE
        put_interval(out, number.whole * 6_000_000, number.negative)
        return GOOD
    if form == HOURS:
        micros = number.whole * 1_000_000
        digits = number.digits
        while digits < 6:
            number.fraction *= 10
            digits += 1
        put_interval(out, (micros + number.fraction) * 3600, number.negative)
        return GOOD
    if form == FRACTION:
        if number.negative:
            return RARE
        for digits in range(2):  # times 100
            number.whole *= 10
            if number.digits:
                number.digits -= 1
                number.whole += number.fraction // TENS[number.digits]
                number.fraction %= TENS[number.digits]
        if number.whole > 100 or (number.whole == 100 and number.fraction):
            return BAD
    if number.negative:
        if number.whole == 0 and number.fraction == 0:
            return RARE
        put_char(out, b"-")
    put_number(out, number.whole)
    if number.digits:
        put_char(out, b".")
        put_digits(out, number.fraction, number.digits)
    return GOOD


cdef int put_digits(Buffer* out, long long number, int digits) except -1 nogil:
    """Write a number with its leading zeros."""
    while digits:
        digits -= 1
        put_char(out, <char> (48 + number // TENS[digits] % 10))
    return 0


cdef int put_interval(Buffer* out, long long micros, bint negative) except -1 nogil:
    """As ``values.iso_duration``, without days and months."""
    cdef long long part
    cdef long long fraction = micros % 1_000_000
    cdef int digits = 6
    if micros == 0:
        return put(out, b"PT0S", 4)
    put(out, b"PT", 2)
    micros //= 1_000_000
    part = micros // 3600
    if part:
        put_unit(out, part, b"H", negative)
    part = micros // 60 % 60
    if part:
        put_unit(out, part, b"M", negative)
    part = micros % 60
    if fraction == 0:
        return put_unit(out, part, b"S", negative) if part else 0
    while fraction % 10 == 0:
        fraction //= 10
        digits -= 1
    if negative:
        put_char(out, b"-")
    put_number(out, part)
    put_char(out, b".")
    put_digits(out, fraction, digits)
    return put_char(out, b"S")


cdef int put_unit(Buffer* out, long long number, char unit, bint negative) except -1 nogil:
    if negative:
        put_char(out, b"-")
    put_number(out, number)
    return put_char(out, unit)
