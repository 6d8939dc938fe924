#include "hpack/search.h"

#include "base/mem.h"

/* An entry's place in its two chains, from newer to older. A chain ends at the first entry that the
 * table has evicted: all behind it are older still. */
typedef struct hpack_link {
    hpack_hashes hashes;
    uint32_t to_older_field; /* how much older the next entry is */
    uint32_t to_older_name;
} hpack_link;

#define LEAST_CAPACITY 8
/* Who makes hashes collide finds nothing after so many steps, and wastes no time of ours. */
#define MAX_STEPS 32

void hpack_search_dispose(hpack_search *search) {
    mem_free(search->_links);
}

/* Looks at both ends and the middle alone: what differs between values that are worth indexing is
 * nearly always there, and equal hashes cost no more than a comparison. */
static inline uint32_t hash_octets(uint64_t seed, bytes_slice slice) {
    const uint8_t *p = slice.data;
    size_t size = slice.size;
    uint64_t head = 0, middle = 0, tail = 0;
    if (size >= 8) {
        head = words_load_u64(p);
        middle = words_load_u64(p + size / 2 - 4);
        tail = words_load_u64(p + size - 8);
    } else if (size >= 4) {
        head = words_load_u32(p);
        tail = words_load_u32(p + size - 4);
    } else if (size > 0) {
        head = p[0];
        middle = p[size / 2];
        tail = p[size - 1];
    }
    uint64_t hash = (seed + size) * UINT64_C(0x9e3779b97f4a7c15) +
                    head * UINT64_C(0xbf58476d1ce4e5b9) + middle * UINT64_C(0x94d049bb133111eb) +
                    tail * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)((hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

hpack_hashes hpack_search_hash(const hpack_field *field) {
    uint32_t name = field->token ? field->token : hash_octets(0, field->name);
    return (hpack_hashes){hash_octets((uint64_t)name << 32, field->value), name};
}

static bool is_name(const hpack_table *table, size_t age, const hpack_field *field) {
    const hpack_entry *entry = hpack_table_entry(table, age);
    return entry->token == field->token &&
           (field->token || words_equal(hpack_table_name(table, entry), field->name));
}

static bool is_value(const hpack_table *table, size_t age, const hpack_field *field) {
    return words_equal(hpack_table_value(table, hpack_table_entry(table, age)), field->value);
}

static const hpack_link *link_of(const hpack_search *search, const hpack_table *table, size_t age) {
    return &search->_links[(table->inserted - age) & (search->_capacity - 1)];
}

/* The age that the chain's head stands for; past the table's count for an evicted entry. */
static size_t age_of(const hpack_table *table, uint32_t serial) {
    return (uint32_t)table->inserted - serial;
}

size_t hpack_search_field(hpack_search *search, const hpack_table *table, const hpack_field *field,
                          hpack_hashes hashes) {
    if (table->count == 0)
        return HPACK_NOT_FOUND;
    size_t age = age_of(table, search->_fields[hashes.field & (search->_capacity - 1)]);
    for (int steps = 0; age < table->count && steps < MAX_STEPS; steps++) {
        const hpack_link *link = link_of(search, table, age);
        if (link->hashes.field == hashes.field && is_value(table, age, field) &&
            is_name(table, age, field)) {
            search->_recent[field->token] = (uint32_t)(table->inserted - age);
            return age;
        }
        age += link->to_older_field;
    }
    return HPACK_NOT_FOUND;
}

size_t hpack_search_name(const hpack_search *search, const hpack_table *table,
                         const hpack_field *field, hpack_hashes hashes) {
    if (table->count == 0)
        return HPACK_NOT_FOUND;
    size_t age = age_of(table, search->_names[hashes.name & (search->_capacity - 1)]);
    for (int steps = 0; age < table->count && steps < MAX_STEPS; steps++) {
        const hpack_link *link = link_of(search, table, age);
        if (link->hashes.name == hashes.name && is_name(table, age, field))
            return age;
        age += link->to_older_name;
    }
    return HPACK_NOT_FOUND;
}

/* Puts an entry at the head of its chains, in front of what was added before. */
static void chain(hpack_search *search, const hpack_table *table, size_t age, hpack_hashes hashes) {
    uint32_t serial = (uint32_t)(table->inserted - age);
    uint32_t *field_head = &search->_fields[hashes.field & (search->_capacity - 1)];
    uint32_t *name_head = &search->_names[hashes.name & (search->_capacity - 1)];
    search->_links[serial & (search->_capacity - 1)] =
        (hpack_link){hashes, serial - *field_head, serial - *name_head};
    *field_head = serial;
    if (hpack_table_entry(table, age)->token == HPACK_TOKEN_NONE)
        *name_head = serial;
}

static int grow(hpack_search *search, const hpack_table *table) {
    hpack_search grown = *search;
    grown._capacity = search->_capacity ? search->_capacity * 2 : LEAST_CAPACITY;
    grown._links = mem_alloc(hpack_search_memory(&grown));
    if (!grown._links)
        return HPACK_NOMEM;
    grown._fields = (uint32_t *)(grown._links + grown._capacity);
    grown._names = grown._fields + grown._capacity;
    /* Heads of empty chains: a serial number just evicted, or before the first. */
    uint32_t evicted = (uint32_t)(table->inserted - table->count);
    for (size_t i = 0; i < grown._capacity; i++)
        grown._fields[i] = grown._names[i] = evicted;
    for (size_t age = table->count; age-- > 0;)
        chain(&grown, table, age, link_of(search, table, age)->hashes);
    hpack_search_dispose(search);
    *search = grown;
    return HPACK_OK;
}

int hpack_search_prepare(hpack_search *search, const hpack_table *table) {
    return table->count < search->_capacity ? HPACK_OK : grow(search, table);
}

void hpack_search_add(hpack_search *search, const hpack_table *table, hpack_hashes hashes) {
    chain(search, table, 0, hashes);
    search->_recent[hpack_table_entry(table, 0)->token] = (uint32_t)table->inserted;
}

size_t hpack_search_memory(const hpack_search *search) {
    return search->_capacity * (sizeof(hpack_link) + 2 * sizeof(uint32_t));
}
