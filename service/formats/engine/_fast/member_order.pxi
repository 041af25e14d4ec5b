# Sorts the members of attributes. Most records of a rule have the same names in the same order as the
# one before, so their order is kept.


cdef int sort_members(ParserState* state) except -1 nogil:
    cdef MemberOrder* order = &state.order
    cdef Member* members = state.members
    cdef int count = state.member_count, at
    cdef bint kept = True
    if count < 2:
        return 0
    if is_ordered(state):
        return arrange_members(state)
    order.count = 0
    if order.room < count:
        order.keys = <const char**> resized(order.keys, count * sizeof(char*))
        order.places = <int*> resized(order.places, count * sizeof(int))
        order.room = count
    for at in range(count):
        members[at].order = at
        order.keys[at] = members[at].key
        kept = kept and is_name(&members[at])
    qsort(members, count, sizeof(Member), by_key)
    for at in range(count):
        order.places[at] = members[at].order
    if kept:
        order.count = count
    return 0


cdef bint is_name(const Member* member) noexcept nogil:
    """Whether the address of the key alone identifies an element."""
    return member.sign == 0 and not member.from_file


cdef bint is_ordered(ParserState* state) noexcept nogil:
    """Whether the members have the keys of the last record, in the same order."""
    cdef int at
    if state.member_count != state.order.count:
        return False
    for at in range(state.member_count):
        if state.members[at].key != state.order.keys[at] or not is_name(&state.members[at]):
            return False
    return True


cdef int arrange_members(ParserState* state) except -1 nogil:
    """Put the members in the order of the last record."""
    cdef MemberOrder* order = &state.order
    cdef Member* members = state.members
    cdef int at, room = state.member_room
    if order.sorted_room < state.member_count:
        order.sorted = <Member*> resized(order.sorted, room * sizeof(Member))
        order.sorted_room = room
    for at in range(state.member_count):
        order.sorted[at] = members[order.places[at]]
    state.members, state.member_room = order.sorted, order.sorted_room
    order.sorted, order.sorted_room = members, room
    return 0


cdef int free_order(MemberOrder* order) noexcept:
    free(order.keys)
    free(order.places)
    free(order.sorted)
    return 0
