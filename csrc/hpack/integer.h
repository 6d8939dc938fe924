/* Prefix integers (RFC 7541 §5.1), read in pieces of any size. */
#ifndef HPACK_INTEGER_H
#define HPACK_INTEGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest value accepted; with it, at most four octets after the prefix. */
#define HPACK_INTEGER_MAX ((UINT32_C(1) << 28) - 1)
/* What hpack_integer_write writes at most. */
#define HPACK_INTEGER_OCTETS 11

/* Not an error: the integer goes on in the next fragment. */
#define HPACK_INTEGER_MORE 1

typedef struct hpack_integer {
    uint32_t value;
    uint8_t shift;
} hpack_integer;

/* Reads the octet with the prefix. True if that is all of it. */
static inline bool hpack_integer_begin(hpack_integer *integer, uint8_t octet,
                                       unsigned prefix_bits) {
    uint32_t mask = (UINT32_C(1) << prefix_bits) - 1;
    integer->value = octet & mask;
    integer->shift = 0;
    return integer->value < mask;
}

/* Reads the octets after the prefix from `*p`, which moves on. HPACK_OK at the end of the integer,
 * HPACK_INTEGER_MORE at the end of the input, HPACK_MALFORMED past the limits. */
int hpack_integer_continue(hpack_integer *integer, const uint8_t **p, const uint8_t *end);

/* Writes `value` after the bits of `pattern` that precede the prefix; returns where it ends. */
static inline uint8_t *hpack_integer_write(uint8_t *out, uint8_t pattern, unsigned prefix_bits,
                                           size_t value) {
    size_t mask = ((size_t)1 << prefix_bits) - 1;
    if (value < mask) {
        *out++ = (uint8_t)(pattern | value);
        return out;
    }
    *out++ = (uint8_t)(pattern | mask);
    for (value -= mask; value >= 0x80; value >>= 7)
        *out++ = (uint8_t)(0x80 | (value & 0x7f));
    *out++ = (uint8_t)value;
    return out;
}

#endif
