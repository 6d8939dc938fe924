/* Finds fields and names in the encoder's dynamic table by hash. It follows the table's serial
 * numbers: an evicted entry needs no removal, it is simply too old to be found. */
#ifndef HPACK_SEARCH_H
#define HPACK_SEARCH_H

#include "hpack/static_table.h"
#include "hpack/table.h"
#include "hpack/words.h"

/* All zero is an empty search that holds no memory. */
typedef struct hpack_search {
    struct hpack_link *_links; /* of the entries, by serial number modulo capacity */
    uint32_t *_fields;         /* serial number of the newest entry, by hash modulo capacity */
    uint32_t *_names;          /* likewise, for names without a token only */
    size_t _capacity;          /* 0 or a power of two */
    /* Serial number of the entry last found or added, by token. */
    uint32_t _recent[HPACK_STATIC_ENTRIES + 1];
} hpack_search;

typedef struct hpack_hashes {
    uint32_t field;
    uint32_t name;
} hpack_hashes;

#define HPACK_NOT_FOUND SIZE_MAX

void hpack_search_dispose(hpack_search *search);

/* The age of the entry that the field's token had last, if the value is the same again, or
 * HPACK_NOT_FOUND. It mostly is, and then this is the fastest way. */
static inline size_t hpack_search_recent(const hpack_search *search, const hpack_table *table,
                                         const hpack_field *field) {
    size_t age = (uint32_t)table->inserted - search->_recent[field->token];
    if (field->token == HPACK_TOKEN_NONE || age >= table->count)
        return HPACK_NOT_FOUND;
    const hpack_entry *entry = hpack_table_entry(table, age);
    if (entry->token != field->token || !words_equal(hpack_table_value(table, entry), field->value))
        return HPACK_NOT_FOUND;
    return age;
}

hpack_hashes hpack_search_hash(const hpack_field *field);

/* The age of an entry with the field's name and value, or HPACK_NOT_FOUND. */
size_t hpack_search_field(hpack_search *search, const hpack_table *table, const hpack_field *field,
                          hpack_hashes hashes);
/* The age of an entry with the name of a field that has no token, or HPACK_NOT_FOUND. */
size_t hpack_search_name(const hpack_search *search, const hpack_table *table,
                         const hpack_field *field, hpack_hashes hashes);

/* Makes room for one more entry than `table` holds. HPACK_OK, or HPACK_NOMEM, nothing changed. */
int hpack_search_prepare(hpack_search *search, const hpack_table *table);
/* Adds the newest entry of `table`, for which room was made. */
void hpack_search_add(hpack_search *search, const hpack_table *table, hpack_hashes hashes);

/* Bytes of memory held. */
size_t hpack_search_memory(const hpack_search *search);

#endif
