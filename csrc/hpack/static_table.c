#include "hpack/static_table.h"

#include "hpack/words.h"

#define TEXT(literal)                                                                              \
    { (const uint8_t *)(literal), sizeof(literal) - 1 }
#define ENTRY(token, name, value)                                                                  \
    { TEXT(name), TEXT(value), token }

const hpack_static_entry hpack_static_table[HPACK_STATIC_ENTRIES + 1] = {
    ENTRY(0, "", ""),
    ENTRY(1, ":authority", ""),
    ENTRY(2, ":method", "GET"),
    ENTRY(2, ":method", "POST"),
    ENTRY(4, ":path", "/"),
    ENTRY(4, ":path", "/index.html"),
    ENTRY(6, ":scheme", "http"),
    ENTRY(6, ":scheme", "https"),
    ENTRY(8, ":status", "200"),
    ENTRY(8, ":status", "204"),
    ENTRY(8, ":status", "206"),
    ENTRY(8, ":status", "304"),
    ENTRY(8, ":status", "400"),
    ENTRY(8, ":status", "404"),
    ENTRY(8, ":status", "500"),
    ENTRY(15, "accept-charset", ""),
    ENTRY(16, "accept-encoding", "gzip, deflate"),
    ENTRY(17, "accept-language", ""),
    ENTRY(18, "accept-ranges", ""),
    ENTRY(19, "accept", ""),
    ENTRY(20, "access-control-allow-origin", ""),
    ENTRY(21, "age", ""),
    ENTRY(22, "allow", ""),
    ENTRY(23, "authorization", ""),
    ENTRY(24, "cache-control", ""),
    ENTRY(25, "content-disposition", ""),
    ENTRY(26, "content-encoding", ""),
    ENTRY(27, "content-language", ""),
    ENTRY(28, "content-length", ""),
    ENTRY(29, "content-location", ""),
    ENTRY(30, "content-range", ""),
    ENTRY(31, "content-type", ""),
    ENTRY(32, "cookie", ""),
    ENTRY(33, "date", ""),
    ENTRY(34, "etag", ""),
    ENTRY(35, "expect", ""),
    ENTRY(36, "expires", ""),
    ENTRY(37, "from", ""),
    ENTRY(38, "host", ""),
    ENTRY(39, "if-match", ""),
    ENTRY(40, "if-modified-since", ""),
    ENTRY(41, "if-none-match", ""),
    ENTRY(42, "if-range", ""),
    ENTRY(43, "if-unmodified-since", ""),
    ENTRY(44, "last-modified", ""),
    ENTRY(45, "link", ""),
    ENTRY(46, "location", ""),
    ENTRY(47, "max-forwards", ""),
    ENTRY(48, "proxy-authenticate", ""),
    ENTRY(49, "proxy-authorization", ""),
    ENTRY(50, "range", ""),
    ENTRY(51, "referer", ""),
    ENTRY(52, "refresh", ""),
    ENTRY(53, "retry-after", ""),
    ENTRY(54, "server", ""),
    ENTRY(55, "set-cookie", ""),
    ENTRY(56, "strict-transport-security", ""),
    ENTRY(57, "transfer-encoding", ""),
    ENTRY(58, "user-agent", ""),
    ENTRY(59, "vary", ""),
    ENTRY(60, "via", ""),
    ENTRY(61, "www-authenticate", ""),
};

/* A perfect hash of the names in the table: their length and their first and last octets tell them
 * apart, and this factor, found by trying, spreads them over 128 places without a collision. */
#define NAME_FACTOR UINT32_C(0x86bba965)
#define NAME_PLACES_BITS 7

/* clang-format off */
static const hpack_token tokens_by_hash[1 << NAME_PLACES_BITS] = {
    37, 42, 19, 50, 6,  18, 0,  0,  52, 45, 0,  0,  38, 20, 0,  0,
    0,  57, 26, 16, 0,  46, 0,  44, 0,  0,  0,  0,  0,  15, 33, 30,
    0,  60, 0,  0,  0,  8,  34, 0,  47, 0,  0,  0,  0,  25, 0,  2,
    0,  0,  55, 0,  48, 0,  0,  0,  0,  0,  0,  0,  0,  22, 61, 0,
    0,  0,  21, 56, 0,  0,  0,  32, 0,  0,  0,  0,  0,  0,  0,  0,
    41, 0,  0,  0,  0,  59, 0,  51, 0,  0,  0,  0,  31, 0,  23, 40,
    28, 0,  0,  29, 58, 53, 43, 0,  36, 27, 17, 0,  1,  0,  0,  0,
    24, 49, 54, 0,  0,  0,  0,  0,  0,  35, 0,  4,  0,  0,  0,  39,
};
/* clang-format on */

hpack_token hpack_token_of(bytes_slice name) {
    if (name.size == 0)
        return HPACK_TOKEN_NONE;
    uint32_t key = (uint32_t)name.size + ((uint32_t)name.data[0] << 8) +
                   ((uint32_t)name.data[name.size - 1] << 16);
    hpack_token token = tokens_by_hash[key * NAME_FACTOR >> (32 - NAME_PLACES_BITS)];
    return words_equal(name, hpack_static_table[token].name) ? token : HPACK_TOKEN_NONE;
}

bytes_slice hpack_token_name(hpack_token token) {
    if (token > HPACK_STATIC_ENTRIES || hpack_static_table[token].token != token)
        return bytes_slice_of(NULL, 0);
    return hpack_static_table[token].name;
}
