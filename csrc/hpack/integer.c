#include "hpack/integer.h"

#include "hpack/hpack.h"

/* The shift of the fourth octet after the prefix, the last one allowed: a peer could otherwise send
 * zeros for ever, or wrap the value. */
#define LAST_SHIFT 21

int hpack_integer_continue(hpack_integer *integer, const uint8_t **p, const uint8_t *end) {
    while (*p < end) {
        uint8_t octet = *(*p)++;
        integer->value += (uint32_t)(octet & 0x7f) << integer->shift; /* below 2^28 + 2^8 */
        if (integer->value > HPACK_INTEGER_MAX)
            return HPACK_MALFORMED;
        if (!(octet & 0x80))
            return HPACK_OK;
        if (integer->shift == LAST_SHIFT)
            return HPACK_MALFORMED;
        integer->shift = (uint8_t)(integer->shift + 7);
    }
    return HPACK_INTEGER_MORE;
}
