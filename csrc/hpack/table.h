/* The dynamic table (RFC 7541 §2.3.2, §4), as both ends of a connection keep it: entries in a ring,
 * their octets in one piece of memory that grows by doubling with what it holds. */
#ifndef HPACK_TABLE_H
#define HPACK_TABLE_H

#include "hpack/hpack.h"

typedef struct hpack_entry {
    uint32_t position; /* where its name begins; the value follows */
    uint32_t name_size;
    uint32_t value_size;
    hpack_token token;
} hpack_entry;

/* Entries are named by their age: 0 is the newest. All zero but for `max_octets` is empty. */
typedef struct hpack_table {
    size_t octets;     /* RFC 7541 §4.1 */
    size_t max_octets; /* what `octets` may reach; set by hpack_table_resize */
    size_t count;
    uint64_t inserted; /* entries ever inserted: the serial number of the newest */
    hpack_entry *_ring;
    size_t _ring_capacity; /* 0 or a power of two */
    uint8_t *_text;
    size_t _text_capacity;
    size_t _text_end;    /* octets in use, those of evicted entries before the oldest included */
    uint32_t _text_base; /* the position of _text[0]; positions only rise, modulo 2^32 */
} hpack_table;

/* `max_octets` is below 2^31. */
void hpack_table_init(hpack_table *table, size_t max_octets);
void hpack_table_dispose(hpack_table *table);

/* Sets the largest size and evicts what is over it. The memory stays for when the size is raised
 * again: a peer that changes it all the time costs no allocation. */
void hpack_table_resize(hpack_table *table, size_t max_octets);

/* Evicts until the entry fits, then inserts copies. One larger than the table empties it, and is
 * not looked at (RFC 7541 §4.4). The octets are not the table's own. HPACK_OK, or HPACK_NOMEM with
 * the table unchanged. */
int hpack_table_insert(hpack_table *table, bytes_slice name, bytes_slice value, hpack_token token);

/* Bytes of memory held. */
size_t hpack_table_memory(const hpack_table *table);

static inline const hpack_entry *hpack_table_entry(const hpack_table *table, size_t age) {
    return &table->_ring[(table->inserted - age) & (table->_ring_capacity - 1)];
}

static inline bytes_slice hpack_table_name(const hpack_table *table, const hpack_entry *entry) {
    return bytes_slice_of(table->_text + (uint32_t)(entry->position - table->_text_base),
                          entry->name_size);
}

static inline bytes_slice hpack_table_value(const hpack_table *table, const hpack_entry *entry) {
    bytes_slice name = hpack_table_name(table, entry);
    return bytes_slice_of(name.data + name.size, entry->value_size);
}

#endif
