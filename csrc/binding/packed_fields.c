#include "binding/packed_fields.h"

static size_t name_size_of(const hpack_field *field) {
    return field->token == HPACK_TOKEN_NONE ? field->name.size : 0;
}

size_t lh2_packed_size(const hpack_field *fields, size_t count) {
    size_t size = count * sizeof(lh2_packed_field);
    for (size_t i = 0; i < count; i++)
        size += name_size_of(&fields[i]) + fields[i].value.size;
    return size;
}

static uint8_t *put_octets(uint8_t *to, const uint8_t *octets, size_t size) {
    if (size > 0)
        memcpy(to, octets, size);
    return to + size;
}

void lh2_pack_fields(lh2_packed_field *packed, const hpack_field *fields, size_t count) {
    uint8_t *octets = (uint8_t *)(packed + count);
    for (size_t i = 0; i < count; i++) {
        const hpack_field *field = &fields[i];
        packed[i] = (lh2_packed_field){.name_size = (uint32_t)name_size_of(field),
                                       .value_size = (uint32_t)field->value.size,
                                       .token = field->token,
                                       .flags = field->flags};
        octets = put_octets(octets, field->name.data, packed[i].name_size);
        octets = put_octets(octets, field->value.data, field->value.size);
    }
}

bytes_slice lh2_packed_find(const lh2_packed_field *packed, size_t count, hpack_token token) {
    const uint8_t *octets = (const uint8_t *)(packed + count);
    for (size_t i = 0; i < count; i++) {
        if (packed[i].token == token)
            return bytes_slice_of(octets + packed[i].name_size, packed[i].value_size);
        octets += packed[i].name_size + packed[i].value_size;
    }
    return bytes_slice_of(NULL, 0);
}

const hpack_field *lh2_push_unpacked(lua_State *L, const lh2_packed_field *packed, size_t count) {
    hpack_field *fields = lua_newuserdatauv(L, count * sizeof(*fields), 0);
    const uint8_t *octets = (const uint8_t *)(packed + count);
    for (size_t i = 0; i < count; i++) {
        bytes_slice name = bytes_slice_of(octets, packed[i].name_size);
        bytes_slice value = bytes_slice_of(octets + name.size, packed[i].value_size);
        if (packed[i].token != HPACK_TOKEN_NONE)
            name = hpack_token_name(packed[i].token);
        fields[i] = (hpack_field){
            .name = name, .value = value, .flags = packed[i].flags, .token = packed[i].token};
        octets = value.data + value.size;
    }
    return fields;
}
