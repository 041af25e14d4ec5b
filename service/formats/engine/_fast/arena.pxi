# Memory for the nodes of records while they are parsed. It is allocated in blocks, in order, and
# freed in the same order, many records at a time.

cdef enum:
    BLOCK = 64 * 1024 - 64  # bytes of a block, unless something larger is allocated
    MAX_SPARE = 8  # free blocks that are kept


cdef struct Block:
    # The memory of a block follows its structure.
    Block* next
    size_t room
    size_t used


cdef struct Arena:
    Block* first
    Block* last
    Block* spare
    int spare_count


cdef char* memory_of(Block* block) noexcept nogil:
    return <char*> (block + 1)


cdef Block* add_block(Arena* arena, size_t size) noexcept nogil:
    """Add a block with room for at least ``size`` bytes; NULL if there is no memory."""
    cdef Block* block = arena.spare
    if block != NULL and size <= BLOCK:
        arena.spare = block.next
        arena.spare_count -= 1
    else:
        size = max(size, BLOCK)
        block = <Block*> realloc(NULL, sizeof(Block) + size)
        if block == NULL:
            return NULL
        block.room = size
    block.next, block.used = NULL, 0
    if arena.last == NULL:
        arena.first = block
    else:
        arena.last.next = block
    arena.last = block
    return block


cdef void* allocate(Arena* arena, size_t size) noexcept nogil:
    """Return memory that is not cleared; NULL if there is none."""
    cdef Block* block = arena.last
    cdef void* memory
    size = (size + 7) & ~(<size_t> 7)
    if block == NULL or size > block.room - block.used:
        block = add_block(arena, size)
        if block == NULL:
            return NULL
    memory = memory_of(block) + block.used
    block.used += size
    return memory


cdef int free_blocks(Arena* arena, Block* kept) noexcept nogil:
    """Free the blocks before one that is kept, or all of them if it is NULL."""
    cdef Block* block
    while arena.first != kept and arena.first != NULL:
        block = arena.first
        arena.first = block.next
        if block.room == BLOCK and arena.spare_count < MAX_SPARE:
            block.next, arena.spare = arena.spare, block
            arena.spare_count += 1
        else:
            free(block)
    if arena.first == NULL:
        arena.last = NULL
    return 0


cdef int free_arena(Arena* arena) noexcept nogil:
    cdef Block* block
    free_blocks(arena, NULL)
    while arena.spare != NULL:
        block = arena.spare
        arena.spare = block.next
        free(block)
    arena.spare_count = 0
    return 0


cdef Block* enlarge_last(Arena* arena, size_t size) noexcept nogil:
    """Enlarge the last block, which has a single allocation; NULL if there is no memory."""
    cdef Block** place = &arena.first
    cdef Block* block
    while place[0] != arena.last:
        place = &place[0].next
    block = <Block*> realloc(place[0], sizeof(Block) + size)
    if block != NULL:
        block.room = block.used = size
        place[0] = arena.last = block
    return block
