/* Received fields that outlast what they were read from: in a block of memory while a section has to wait,
 * and packed into an object for as long as somebody may ask it. */
#ifndef BINDING_KEPT_FIELDS_H
#define BINDING_KEPT_FIELDS_H

#include "binding/runtime.h"
#include "hpack/hpack.h"

/* Behind the fields are their octets, of names that RFC 7541's table does not have and of values. */
typedef struct lh2_kept_fields {
    size_t count, octets;
    hpack_field fields[];
} lh2_kept_fields;

/* A copy of the fields, to be dropped later; NULL when memory is out. */
lh2_kept_fields *lh2_fields_keep(lh2_runtime *runtime, const hpack_field *fields, size_t count);
/* `kept` may be NULL. */
static inline void lh2_fields_drop(lh2_runtime *runtime, lh2_kept_fields *kept) {
    lh2_spare_give(runtime, kept);
}

/* A field of an array that the same octets follow, in the same order. */
typedef struct lh2_packed_field {
    uint32_t name_size, value_size; /* of them; a known name may take none */
    hpack_token token;
    uint8_t flags;
} lh2_packed_field;

/* The octets that the fields take. */
size_t lh2_packed_size(const lh2_kept_fields *kept);
/* Writes them to `packed`. */
void lh2_fields_pack(const lh2_kept_fields *kept, lh2_packed_field *packed);
/* The value of the first field of that name; data is NULL if there is none. */
bytes_slice lh2_packed_find(const lh2_packed_field *packed, size_t count, hpack_token token);
/* Pushes the fields as an array; the octets are those behind `packed`. [-0, +1, m] */
const hpack_field *lh2_push_unpacked(lua_State *L, const lh2_packed_field *packed, size_t count);

#endif
