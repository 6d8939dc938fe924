#include "hpack/section.h"

#include "base/mem.h"

/* An ordinary block is 2 KiB with its head: room for the fields of nearly every request. */
#define BLOCK_OCTETS (2048 - sizeof(hpack_block))
#define LEAST_FIELDS 16
/* More than this many fields are not held for the next block. */
#define KEPT_FIELDS 64

void hpack_section_init(hpack_section *section) {
    *section = (hpack_section){0};
}

/* Frees all blocks but `kept`. */
static void free_blocks(hpack_section *section, const hpack_block *kept) {
    hpack_block *next;
    for (hpack_block *block = section->_blocks; block; block = next) {
        next = block->next;
        if (block != kept)
            mem_free(block);
    }
}

void hpack_section_clear(hpack_section *section) {
    hpack_block *kept = section->_blocks;
    while (kept && kept->capacity != BLOCK_OCTETS)
        kept = kept->next;
    free_blocks(section, kept);
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    section->_blocks = kept;
    if (section->_capacity > KEPT_FIELDS) {
        mem_free(section->fields);
        section->fields = NULL;
        section->_capacity = 0;
    }
    section->count = 0;
    section->list_octets = 0;
    section->is_over_limit = false;
}

void hpack_section_dispose(hpack_section *section) {
    free_blocks(section, NULL);
    mem_free(section->fields);
    hpack_section_init(section);
}

uint8_t *hpack_section_grow(hpack_section *section, size_t size) {
    size_t capacity = size > BLOCK_OCTETS ? size : BLOCK_OCTETS;
    hpack_block *block = mem_alloc(sizeof(*block) + capacity);
    if (!block)
        return NULL;
    *block = (hpack_block){.next = section->_blocks, .capacity = capacity};
    section->_blocks = block;
    return block->octets;
}

int hpack_section_grow_fields(hpack_section *section) {
    size_t capacity = section->_capacity ? section->_capacity * 2 : LEAST_FIELDS;
    hpack_field *fields = mem_resize(section->fields, capacity * sizeof(*fields));
    if (!fields)
        return HPACK_NOMEM;
    section->fields = fields;
    section->_capacity = capacity;
    return HPACK_OK;
}

void hpack_section_abandon(hpack_section *section) {
    size_t list_octets = section->list_octets;
    hpack_section_clear(section);
    section->list_octets = list_octets;
    section->is_over_limit = true;
}

int hpack_section_add(hpack_section *section, const hpack_field *field) {
    bytes_slice name = field->name;
    bytes_slice value = field->value;
    hpack_field *added = hpack_section_next_field(section);
    uint8_t *octets = hpack_section_reserve(section, name.size + value.size);
    if (!added || !octets)
        return HPACK_NOMEM;
    *added = *field;
    added->name = bytes_slice_of(octets, name.size);
    added->value = bytes_slice_of(octets + name.size, value.size);
    if (name.size > 0)
        memcpy(octets, name.data, name.size);
    if (value.size > 0)
        memcpy(octets + name.size, value.data, value.size);
    hpack_section_commit(section, name.size + value.size);
    section->count++;
    section->list_octets += name.size + value.size + HPACK_FIELD_OVERHEAD;
    return HPACK_OK;
}
