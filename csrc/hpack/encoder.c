#include "base/mem.h"
#include "hpack/hpack.h"
#include "hpack/huffman.h"
#include "hpack/integer.h"
#include "hpack/search.h"
#include "hpack/static_table.h"
#include "hpack/table.h"
#include "hpack/words.h"

/* RFC 7541 §6: the bits before each representation's prefix, and how many the prefix has. */
enum { INDEXED = 0x80, INSERTED = 0x40, UPDATE = 0x20, NEVER_INDEXED = 0x10, NOT_INDEXED = 0x00 };
enum { INDEXED_BITS = 7, INSERTED_BITS = 6, UPDATE_BITS = 5, LITERAL_BITS = 4, STRING_BITS = 7 };
#define HUFFMAN 0x80

/* A shorter cookie could be guessed, octet by octet, from the sizes of what is sent. */
#define LEAST_INDEXED_COOKIE 20

struct hpack_encoder {
    hpack_table table;
    hpack_search search;
    size_t own_max_table; /* never more, whatever the peer allows */
    size_t peers_table;   /* largest size of the peer's table, as far as it has been told */
    size_t least_table;   /* the smallest size set since the last block */
};

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ------------------------------------------------------------------------------- the object */

int hpack_encoder_new(hpack_encoder **out, size_t max_table_octets) {
    hpack_encoder *encoder = mem_alloc(sizeof(*encoder));
    if (!encoder)
        return HPACK_NOMEM;
    *encoder = (hpack_encoder){.own_max_table = min_size(max_table_octets, HPACK_INTEGER_MAX),
                               .peers_table = HPACK_DEFAULT_TABLE_OCTETS};
    encoder->least_table = min_size(encoder->own_max_table, HPACK_DEFAULT_TABLE_OCTETS);
    hpack_table_init(&encoder->table, encoder->least_table);
    *out = encoder;
    return HPACK_OK;
}

void hpack_encoder_free(hpack_encoder *encoder) {
    if (!encoder)
        return;
    hpack_search_dispose(&encoder->search);
    hpack_table_dispose(&encoder->table);
    mem_free(encoder);
}

void hpack_encoder_set_max_table(hpack_encoder *encoder, size_t octets) {
    size_t max_octets = min_size(octets, encoder->own_max_table);
    hpack_table_resize(&encoder->table, max_octets);
    encoder->least_table = min_size(encoder->least_table, max_octets);
}

size_t hpack_encoder_table_octets(const hpack_encoder *encoder) {
    return encoder->table.octets;
}

size_t hpack_encoder_memory(const hpack_encoder *encoder) {
    return sizeof(*encoder) + hpack_table_memory(&encoder->table) +
           hpack_search_memory(&encoder->search);
}

/* ------------------------------------------------------------------------------ what to index */

/* How a field is written unless the static table has it, by the token of its name. */
enum policy {
    POLICY_INDEX = 0,
    POLICY_ONE_USE, /* the next one hardly ever has the same value */
    POLICY_SECRET   /* RFC 7541 §7.1.3 */
};

static const uint8_t policies[HPACK_STATIC_ENTRIES + 1] = {
    [HPACK_TOKEN_PATH] = POLICY_ONE_USE,          [HPACK_TOKEN_AGE] = POLICY_ONE_USE,
    [HPACK_TOKEN_AUTHORIZATION] = POLICY_SECRET,  [HPACK_TOKEN_CONTENT_LENGTH] = POLICY_ONE_USE,
    [HPACK_TOKEN_ETAG] = POLICY_ONE_USE,          [HPACK_TOKEN_IF_MODIFIED_SINCE] = POLICY_ONE_USE,
    [HPACK_TOKEN_IF_NONE_MATCH] = POLICY_ONE_USE, [HPACK_TOKEN_LOCATION] = POLICY_ONE_USE,
    [HPACK_TOKEN_SET_COOKIE] = POLICY_ONE_USE,
};

static enum policy policy_of(const hpack_field *field) {
    if (field->flags & HPACK_NEVER_INDEXED)
        return POLICY_SECRET;
    if (field->token == HPACK_TOKEN_COOKIE && field->value.size < LEAST_INDEXED_COOKIE)
        return POLICY_SECRET;
    return policies[field->token];
}

/* An entry of nearly the table's size would evict all that is in use. */
static bool is_insertable(const hpack_encoder *encoder, const hpack_field *field) {
    return field->name.size + field->value.size + HPACK_FIELD_OVERHEAD <=
           encoder->table.max_octets / 4 * 3;
}

/* Inserts the field. False, and nothing changed, when memory is out: the field can do without. */
static bool insert(hpack_encoder *encoder, const hpack_field *field, hpack_hashes hashes) {
    if (hpack_search_prepare(&encoder->search, &encoder->table) != HPACK_OK ||
        hpack_table_insert(&encoder->table, field->name, field->value, field->token) != HPACK_OK)
        return false;
    hpack_search_add(&encoder->search, &encoder->table, hashes);
    return true;
}

/* ------------------------------------------------------------------------------------ writing */

/* Coded if that is shorter. The coded length is known afterwards only, and seldom has fewer octets
 * than the plain one, for which room is left. */
static uint8_t *write_string(uint8_t *out, bytes_slice string) {
    uint8_t *start = hpack_integer_write(out, 0, STRING_BITS, string.size);
    const uint8_t *end = hpack_huffman_encode(string.data, string.size, start);
    if (!end) {
        if (string.size > 0)
            memcpy(start, string.data, string.size);
        return start + string.size;
    }
    size_t coded = (size_t)(end - start);
    out = hpack_integer_write(out, HUFFMAN, STRING_BITS, coded);
    if (out != start)
        memmove(out, start, coded);
    return out + coded;
}

/* A literal with the name's index, or with the name where that is 0. */
static uint8_t *write_literal(uint8_t *out, uint8_t pattern, size_t index,
                              const hpack_field *field) {
    out = hpack_integer_write(out, pattern, pattern == INSERTED ? INSERTED_BITS : LITERAL_BITS,
                              index);
    if (index == 0)
        out = write_string(out, field->name);
    return write_string(out, field->value);
}

/* The size updates due at the start of a block (RFC 7541 §4.2). */
static uint8_t *write_updates(hpack_encoder *encoder, uint8_t *out) {
    size_t size = encoder->table.max_octets;
    if (encoder->least_table < encoder->peers_table && encoder->least_table < size)
        out = hpack_integer_write(out, UPDATE, UPDATE_BITS, encoder->least_table);
    if (encoder->least_table < encoder->peers_table || size != encoder->peers_table)
        out = hpack_integer_write(out, UPDATE, UPDATE_BITS, size);
    encoder->peers_table = size;
    encoder->least_table = size;
    return out;
}

/* The static entry with the field's name and value, or 0. */
static size_t find_static(const hpack_field *field) {
    size_t i = field->token;
    if (hpack_static_table[i].value.size == 0) /* then it is the only entry of its name */
        return field->value.size == 0 ? i : 0;
    for (; hpack_static_table[i].token == field->token; i++)
        if (words_equal(hpack_static_table[i].value, field->value))
            return i;
    return 0;
}

static uint8_t *write_index(uint8_t *out, size_t age) {
    return hpack_integer_write(out, INDEXED, INDEXED_BITS, age + HPACK_STATIC_ENTRIES + 1);
}

/* The index of the field's name, or 0. The static table comes first, its indices being short. */
static size_t find_name(const hpack_encoder *encoder, const hpack_field *field,
                        hpack_hashes hashes) {
    if (field->token)
        return field->token;
    size_t age = hpack_search_name(&encoder->search, &encoder->table, field, hashes);
    return age == HPACK_NOT_FOUND ? 0 : age + HPACK_STATIC_ENTRIES + 1;
}

/* A field that is not the same as the last one of its name, but maybe as one before. */
static uint8_t *write_new_field(hpack_encoder *encoder, uint8_t *out, const hpack_field *field,
                                enum policy policy) {
    hpack_hashes hashes = hpack_search_hash(field);
    size_t name = find_name(encoder, field, hashes); /* its index before the insertion */
    if (policy == POLICY_SECRET)
        return write_literal(out, NEVER_INDEXED, name, field);
    size_t age = hpack_search_field(&encoder->search, &encoder->table, field, hashes);
    if (age != HPACK_NOT_FOUND)
        return write_index(out, age);
    bool is_inserted = is_insertable(encoder, field) && insert(encoder, field, hashes);
    return write_literal(out, is_inserted ? INSERTED : NOT_INDEXED, name, field);
}

static uint8_t *write_field(hpack_encoder *encoder, uint8_t *out, const hpack_field *field) {
    enum policy policy = policy_of(field);
    if (policy == POLICY_SECRET)
        return write_new_field(encoder, out, field, policy);
    size_t index = find_static(field);
    if (index > 0)
        return hpack_integer_write(out, INDEXED, INDEXED_BITS, index);
    if (policy == POLICY_ONE_USE)
        return write_literal(out, NOT_INDEXED, field->token, field);
    size_t age = hpack_search_recent(&encoder->search, &encoder->table, field);
    if (age != HPACK_NOT_FOUND)
        return write_index(out, age);
    return write_new_field(encoder, out, field, policy);
}

size_t hpack_encoder_bound(const hpack_field *fields, size_t count) {
    size_t bound = 2 * HPACK_INTEGER_OCTETS;
    for (size_t i = 0; i < count; i++)
        bound += fields[i].name.size + fields[i].value.size + 3 * HPACK_INTEGER_OCTETS;
    return bound;
}

int hpack_encoder_encode(hpack_encoder *encoder, const hpack_field *fields, size_t count,
                         bytes_buffer *out) {
    if (bytes_buffer_reserve(out, hpack_encoder_bound(fields, count)) != 0)
        return HPACK_NOMEM;
    uint8_t *p = write_updates(encoder, out->data + out->size);
    for (size_t i = 0; i < count; i++)
        p = write_field(encoder, p, &fields[i]);
    out->size = (size_t)(p - out->data);
    return HPACK_OK;
}
