/* Octets taken as machine words: what the inner loops of this folder load, store and compare. */
#ifndef HPACK_WORDS_H
#define HPACK_WORDS_H

#include "base/bytes.h"

/* In the machine's own order. */
static inline uint64_t words_load_u64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t words_load_u32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Big-endian. */
static inline uint64_t words_load_be64(const uint8_t *p) {
    uint64_t v = words_load_u64(p);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline void words_store_be32(uint8_t *p, uint32_t v) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, sizeof(v));
}

/* As bytes_slice_equal, without a call for the sizes that names and most values have. */
static inline bool words_equal(bytes_slice a, bytes_slice b) {
    size_t n = a.size;
    if (n != b.size)
        return false;
    if (n > 32)
        return memcmp(a.data, b.data, n) == 0;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8)
            if (words_load_u64(a.data + i) != words_load_u64(b.data + i))
                return false;
        return words_load_u64(a.data + n - 8) == words_load_u64(b.data + n - 8);
    }
    if (n >= 4)
        return words_load_u32(a.data) == words_load_u32(b.data) &&
               words_load_u32(a.data + n - 4) == words_load_u32(b.data + n - 4);
    for (size_t i = 0; i < n; i++)
        if (a.data[i] != b.data[i])
            return false;
    return true;
}

#endif
