# Values computed from a decimal number: durations in a unit, fractions, hundredths.

cdef enum:
    MAX_SCALE = 86_400  # seconds of a unit: the largest number of units fits in 64 bits
    MAX_HOURS = 99_999_999  # of an interval, as in ``values.number_of``

cdef long long HOUR = 3_600_000_000


cdef struct Number:
    # A decimal number without leading zeros or exponent.
    long long whole
    long long fraction
    int digits  # of the fraction
    bint negative


cdef bint is_decimal(const char* text, Py_ssize_t size, Number* number) noexcept nogil:
    """Read a number of at most eight digits before the point and six after it."""
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


cdef int put_computed(
    Buffer* out, Form form, long long scale, const char* text, Py_ssize_t size
) except -1 nogil:
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
    if form == SCALED:
        micros = number.whole * 1_000_000
        digits = number.digits
        while digits < 6:
            number.fraction *= 10
            digits += 1
        micros = (micros + number.fraction) * scale
        if micros // HOUR > MAX_HOURS:
            return RARE
        put_interval(out, micros, number.negative)
        return GOOD
    if form == HUNDREDTHS:  # divided by 100
        number.fraction += number.whole % 100 * TENS[number.digits]
        number.whole //= 100
        number.digits += 2
        while number.digits and number.fraction % 10 == 0:
            number.fraction //= 10
            number.digits -= 1
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
    """Write an interval like ``values.iso_duration``, but without days and months."""
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
