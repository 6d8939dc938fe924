/* Node's encodings: octets as text, in pieces without cutting a character, and text as octets. Text
 * is UTF-8 where it has to be characters (utf8, utf16le); in latin1 and ascii a Lua string's octets
 * are the characters. Pure functions. */
#ifndef BINDING_ENCODING_H
#define BINDING_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum lh2_encoding {
    LH2_OCTETS, /* none: as they are */
    LH2_UTF8,
    LH2_LATIN1, /* "binary" too */
    LH2_ASCII,
    LH2_HEX,
    LH2_BASE64,
    LH2_BASE64URL,
    LH2_UTF16LE, /* "ucs2" too */
    LH2_ENCODING_COUNT
} lh2_encoding;

/* The encoding of a name as Node spells them, in any case; -1: there is none. */
int lh2_encoding_of(const char *name);
/* Node's first name for it; NULL for LH2_OCTETS. */
const char *lh2_encoding_name(lh2_encoding encoding);

/* A decoder's memory: the octets of a character (or of a group of base64) that is not complete. */
typedef struct lh2_carry {
    uint8_t octets[4];
    uint8_t size;
} lh2_carry;

/* The most octets of text that `size` octets can give, what is carried included. */
size_t lh2_text_bound(lh2_encoding encoding, size_t size);
/* Writes the text of the octets, with what was carried before them; returns its size. What is not
 * valid becomes U+FFFD. */
size_t lh2_text_of(lh2_encoding encoding, lh2_carry *carry, const uint8_t *octets, size_t size,
                   uint8_t *text);
/* At the end: writes what is carried still, as well as it can be told. */
size_t lh2_text_end(lh2_encoding encoding, lh2_carry *carry, uint8_t *text);

/* Whether text in this encoding is its octets, so that nothing has to be converted. */
bool lh2_is_identity(lh2_encoding encoding);
/* The most octets that text of `size` can give. */
size_t lh2_octets_bound(lh2_encoding encoding, size_t size);
/* Writes the octets that the text stands for; returns how many. Reading stops where the text is not
 * valid, as Node's does. */
size_t lh2_octets_of(lh2_encoding encoding, const uint8_t *text, size_t size, uint8_t *octets);

#endif
