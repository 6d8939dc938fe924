/* The static table (RFC 7541 Appendix A). */
#ifndef HPACK_STATIC_TABLE_H
#define HPACK_STATIC_TABLE_H

#include "hpack/hpack.h"

/* Indices 1 to 61; the dynamic table begins after them (RFC 7541 §2.3.3). */
#define HPACK_STATIC_ENTRIES 61

typedef struct hpack_static_entry {
    bytes_slice name;
    bytes_slice value;
    hpack_token token; /* entries of one name follow each other; the first one's index */
} hpack_static_entry;

/* By index; the entry 0 is empty. */
extern const hpack_static_entry hpack_static_table[HPACK_STATIC_ENTRIES + 1];

#endif
