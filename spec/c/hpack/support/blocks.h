/* Header blocks for the tests of this folder: written as hex, decoded in pieces, compared. */
#ifndef HPACK_SUPPORT_BLOCKS_H
#define HPACK_SUPPORT_BLOCKS_H

#include "hpack/hpack.h"

/* Limits that a server would set. */
extern const hpack_limits blocks_limits;

/* The octets of hex digits, blanks between them ignored. They are good for a few calls more. */
bytes_slice blocks_hex(const char *hex);

/* Decodes a block in fragments of `piece` octets; returns the first outcome but HPACK_OK. */
int blocks_decode(hpack_decoder *decoder, bytes_slice block, size_t piece,
                  const hpack_limits *limits, hpack_section *section);

/* A field of text, its token filled in. */
hpack_field blocks_field(const char *name, const char *value);

/* Fails the test unless the section's field `i` has this name and value, and the token is right. */
void blocks_assert_field(const hpack_section *section, size_t i, const char *name,
                         const char *value);

/* The next number of a generator, below 2^24. */
uint32_t blocks_random(uint32_t *seed);

#endif
