#include "hpack/table.h"

#include "base/mem.h"

#define LEAST_ENTRIES 8
#define LEAST_TEXT 128

void hpack_table_init(hpack_table *table, size_t max_octets) {
    *table = (hpack_table){.max_octets = max_octets};
}

void hpack_table_dispose(hpack_table *table) {
    mem_free(table->_ring);
    mem_free(table->_text);
}

static size_t entry_octets(const hpack_entry *entry) {
    return (size_t)entry->name_size + entry->value_size + HPACK_FIELD_OVERHEAD;
}

/* How many entries, the oldest first, must go so that at most `octets` are left. */
static size_t count_evicted(const hpack_table *table, size_t octets) {
    size_t left = table->octets;
    size_t evicted = 0;
    while (left > octets)
        left -= entry_octets(hpack_table_entry(table, table->count - ++evicted));
    return evicted;
}

static void evict(hpack_table *table, size_t n) {
    for (; n > 0; n--)
        table->octets -= entry_octets(hpack_table_entry(table, --table->count));
}

void hpack_table_resize(hpack_table *table, size_t max_octets) {
    evict(table, count_evicted(table, max_octets));
    table->max_octets = max_octets;
}

static int grow_ring(hpack_table *table) {
    hpack_table grown = *table;
    grown._ring_capacity = table->_ring_capacity ? table->_ring_capacity * 2 : LEAST_ENTRIES;
    grown._ring = mem_alloc(grown._ring_capacity * sizeof(*grown._ring));
    if (!grown._ring)
        return HPACK_NOMEM;
    for (size_t age = 0; age < table->count; age++)
        grown._ring[(table->inserted - age) & (grown._ring_capacity - 1)] =
            *hpack_table_entry(table, age);
    mem_free(table->_ring);
    *table = grown;
    return HPACK_OK;
}

/* Makes room for `octets` in all; entries take 32 octets less than they count, so what is doubled
 * past the largest size is never needed. */
static int grow_text(hpack_table *table, size_t octets) {
    size_t capacity = table->_text_capacity ? table->_text_capacity : LEAST_TEXT;
    while (capacity < octets)
        capacity *= 2;
    if (capacity > table->max_octets)
        capacity = table->max_octets;
    uint8_t *text = mem_resize(table->_text, capacity);
    if (!text)
        return HPACK_NOMEM;
    table->_text = text;
    table->_text_capacity = capacity;
    return HPACK_OK;
}

/* Moves the entries' octets to the start of the memory. Entries hold at least 32 octets less than
 * the memory for each of them, so this comes seldom enough to cost little per octet inserted. */
static void compact_text(hpack_table *table) {
    uint32_t start = (uint32_t)table->_text_end;
    if (table->count > 0)
        start = hpack_table_entry(table, table->count - 1)->position - table->_text_base;
    table->_text_end -= start;
    table->_text_base += start;
    if (table->_text_end > 0)
        memmove(table->_text, table->_text + start, table->_text_end);
}

/* Takes the memory for an entry of `octets` to come after the `evicted` oldest are gone. */
static int prepare(hpack_table *table, size_t octets, size_t evicted) {
    size_t left = table->count - evicted;
    if (left == table->_ring_capacity && grow_ring(table) != HPACK_OK)
        return HPACK_NOMEM;
    size_t text = octets + table->octets - left * HPACK_FIELD_OVERHEAD;
    for (size_t i = 1; i <= evicted; i++)
        text -= entry_octets(hpack_table_entry(table, table->count - i));
    if (table->_text && text <= table->_text_capacity)
        return HPACK_OK;
    return grow_text(table, text);
}

static void append_text(hpack_table *table, bytes_slice slice) {
    if (slice.size > 0)
        memcpy(table->_text + table->_text_end, slice.data, slice.size);
    table->_text_end += slice.size;
}

int hpack_table_insert(hpack_table *table, bytes_slice name, bytes_slice value, hpack_token token) {
    size_t octets = name.size + value.size;
    if (octets + HPACK_FIELD_OVERHEAD > table->max_octets) {
        evict(table, table->count);
        return HPACK_OK;
    }
    size_t evicted = count_evicted(table, table->max_octets - octets - HPACK_FIELD_OVERHEAD);
    if (prepare(table, octets, evicted) != HPACK_OK)
        return HPACK_NOMEM;
    evict(table, evicted);
    if (octets > table->_text_capacity - table->_text_end)
        compact_text(table);
    hpack_entry entry = {(uint32_t)(table->_text_base + table->_text_end), (uint32_t)name.size,
                         (uint32_t)value.size, token};
    append_text(table, name);
    append_text(table, value);
    table->inserted++;
    table->count++;
    table->octets += octets + HPACK_FIELD_OVERHEAD;
    table->_ring[table->inserted & (table->_ring_capacity - 1)] = entry;
    return HPACK_OK;
}

size_t hpack_table_memory(const hpack_table *table) {
    return table->_ring_capacity * sizeof(*table->_ring) + table->_text_capacity;
}
