#include "binding/kept_fields.h"

static bytes_slice keep_slice(uint8_t **space, bytes_slice slice) {
    uint8_t *octets = *space;
    if (slice.size > 0)
        memcpy(octets, slice.data, slice.size);
    *space += slice.size;
    return bytes_slice_of(octets, slice.size);
}

lh2_kept_fields *lh2_fields_keep(lh2_runtime *runtime, const hpack_field *fields, size_t count) {
    size_t octets = 0;
    for (size_t i = 0; i < count; i++)
        octets += fields[i].value.size + (fields[i].token == 0 ? fields[i].name.size : 0);
    size_t size = sizeof(lh2_kept_fields) + count * sizeof(*fields) + octets;
    lh2_kept_fields *kept = lh2_spare_take(runtime, size);
    if (kept == NULL)
        return NULL;
    uint8_t *space = (uint8_t *)(kept->fields + count);
    kept->count = count;
    kept->octets = octets;
    for (size_t i = 0; i < count; i++) {
        const hpack_field *field = &fields[i];
        kept->fields[i] = *field;
        kept->fields[i].name = field->token != HPACK_TOKEN_NONE ? hpack_token_name(field->token)
                                                                : keep_slice(&space, field->name);
        kept->fields[i].value = keep_slice(&space, field->value);
    }
    return kept;
}

size_t lh2_packed_size(const lh2_kept_fields *kept) {
    return kept->count * sizeof(lh2_packed_field) + kept->octets;
}

void lh2_fields_pack(const lh2_kept_fields *kept, lh2_packed_field *packed) {
    const uint8_t *at = (const uint8_t *)(kept->fields + kept->count);
    if (kept->octets > 0)
        memcpy(packed + kept->count, at, kept->octets);
    for (size_t i = 0; i < kept->count; i++) {
        const hpack_field *field = &kept->fields[i];
        packed[i] = (lh2_packed_field){.name_size = (uint32_t)(field->value.data - at),
                                       .value_size = (uint32_t)field->value.size,
                                       .token = field->token,
                                       .flags = field->flags};
        at = field->value.data + field->value.size;
    }
}

bytes_slice lh2_packed_find(const lh2_packed_field *packed, size_t count, hpack_token token) {
    const uint8_t *at = (const uint8_t *)(packed + count);
    for (size_t i = 0; i < count; i++) {
        if (packed[i].token == token)
            return bytes_slice_of(at + packed[i].name_size, packed[i].value_size);
        at += packed[i].name_size + packed[i].value_size;
    }
    return bytes_slice_of(NULL, 0);
}

const hpack_field *lh2_push_unpacked(lua_State *L, const lh2_packed_field *packed, size_t count) {
    hpack_field *fields = lua_newuserdatauv(L, count * sizeof(*fields), 0);
    const uint8_t *at = (const uint8_t *)(packed + count);
    for (size_t i = 0; i < count; i++) {
        bytes_slice name = bytes_slice_of(at, packed[i].name_size);
        bytes_slice value = bytes_slice_of(at + name.size, packed[i].value_size);
        if (packed[i].token != HPACK_TOKEN_NONE)
            name = hpack_token_name(packed[i].token);
        fields[i] = (hpack_field){
            .name = name, .value = value, .flags = packed[i].flags, .token = packed[i].token};
        at = value.data + value.size;
    }
    return fields;
}
