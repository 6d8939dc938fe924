/* How the decoder fills a section: octets are written in place first, then committed. */
#ifndef HPACK_SECTION_H
#define HPACK_SECTION_H

#include "hpack/hpack.h"

/* Memory for octets; the newest block comes first, and is the one being filled. */
typedef struct hpack_block {
    struct hpack_block *next;
    size_t used;
    size_t capacity;
    uint8_t octets[];
} hpack_block;

/* Takes a new block with `size` octets free. NULL when memory is out. */
uint8_t *hpack_section_grow(hpack_section *section, size_t size);
/* Room for one more field. HPACK_OK or HPACK_NOMEM. */
int hpack_section_grow_fields(hpack_section *section);
/* Marks the section as over its limits and gives up its fields and their octets, also those of the
 * field that is being decoded. */
void hpack_section_abandon(hpack_section *section);

/* A place for `size` octets on end, not committed yet. NULL when memory is out. */
static inline uint8_t *hpack_section_reserve(hpack_section *section, size_t size) {
    hpack_block *block = section->_blocks;
    if (block && size <= block->capacity - block->used)
        return block->octets + block->used;
    return hpack_section_grow(section, size);
}

/* Keeps the first `size` octets of what hpack_section_reserve returned last. */
static inline void hpack_section_commit(hpack_section *section, size_t size) {
    section->_blocks->used += size;
}

/* A place for the next field, which counts once section->count is raised. NULL: memory is out. */
static inline hpack_field *hpack_section_next_field(hpack_section *section) {
    if (section->count == section->_capacity && hpack_section_grow_fields(section) != HPACK_OK)
        return NULL;
    return &section->fields[section->count];
}

#endif
