/* Received fields in few octets, as an object carries them in itself for as long as somebody may ask. */
#ifndef BINDING_PACKED_FIELDS_H
#define BINDING_PACKED_FIELDS_H

#include "binding/fields.h"

/* The octets of all, name and value in turns, lie behind the last one; a name of RFC 7541's table takes
 * none. */
typedef struct lh2_packed_field {
    uint32_t name_size, value_size;
    hpack_token token;
    uint8_t flags;
} lh2_packed_field;

/* The octets that `count` fields take. */
size_t lh2_packed_size(const hpack_field *fields, size_t count);
/* Writes them to `packed`. */
void lh2_pack_fields(lh2_packed_field *packed, const hpack_field *fields, size_t count);
/* The value of the first field of that name; data is NULL if there is none. */
bytes_slice lh2_packed_find(const lh2_packed_field *packed, size_t count, hpack_token token);
/* Pushes an array of the fields, whose octets are those of `packed`. [-0, +1, m] */
const hpack_field *lh2_push_unpacked(lua_State *L, const lh2_packed_field *packed, size_t count);

#endif
