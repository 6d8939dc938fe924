#include "blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SLOTS 8
#define SLOT_OCTETS 1024

const hpack_limits blocks_limits = {
    .max_list_octets = 65535, .max_fields = 128, .max_excess_octets = 4 * 65535};

bytes_slice blocks_hex(const char *hex) {
    static uint8_t slots[SLOTS][SLOT_OCTETS];
    static size_t used;
    uint8_t *slot = slots[used++ % SLOTS];
    size_t size = 0;
    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        const char digits[] = {hex[0], hex[1], '\0'};
        assert_true(size < SLOT_OCTETS);
        slot[size++] = (uint8_t)strtoul(digits, NULL, 16);
        hex += 2;
    }
    return bytes_slice_of(slot, size);
}

int blocks_decode(hpack_decoder *decoder, bytes_slice block, size_t piece,
                  const hpack_limits *limits, hpack_section *section) {
    while (block.size > piece) {
        bytes_slice part = bytes_slice_of(block.data, piece);
        int outcome = hpack_decoder_decode(decoder, part, false, limits, section);
        if (outcome != HPACK_OK)
            return outcome;
        block = bytes_slice_of(block.data + piece, block.size - piece);
    }
    return hpack_decoder_decode(decoder, block, true, limits, section);
}

hpack_field blocks_field(const char *name, const char *value) {
    hpack_field field = {.name = bytes_slice_of(name, strlen(name)),
                         .value = bytes_slice_of(value, strlen(value))};
    field.token = hpack_token_of(field.name);
    return field;
}

void blocks_assert_field(const hpack_section *section, size_t i, const char *name,
                         const char *value) {
    hpack_field expected = blocks_field(name, value);
    assert_true(i < section->count);
    assert_true(bytes_slice_equal(section->fields[i].name, expected.name));
    assert_true(bytes_slice_equal(section->fields[i].value, expected.value));
    assert_int_equal(section->fields[i].token, expected.token);
}

uint32_t blocks_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}
