/* HPACK (RFC 7541): header blocks to fields and fields to header blocks. No knowledge of frames. */
#ifndef HPACK_HPACK_H
#define HPACK_HPACK_H

#include "base/bytes.h"

enum {
    HPACK_OK = 0,
    HPACK_MALFORMED = -1, /* a decoding error: COMPRESSION_ERROR (RFC 9113 §4.3) */
    HPACK_EXCESS = -2,    /* more than the limits allow even for a block that is thrown away */
    HPACK_NOMEM = -3
};

/* RFC 9113 §6.5.2: what a table holds at most before SETTINGS say otherwise. */
#define HPACK_DEFAULT_TABLE_OCTETS 4096
/* RFC 7541 §4.1: what an entry, and a field in a header list, costs besides its octets. */
#define HPACK_FIELD_OVERHEAD 32

/* Field is, or is to be, a literal never indexed (RFC 7541 §6.2.3). */
#define HPACK_NEVER_INDEXED 0x01
/* Decoded: name and value are an entry of the static table. Ignored when encoding. */
#define HPACK_STATIC_ENTRY 0x02

/* The number of the first static entry (RFC 7541 Appendix A) with the field's name, 1 to 61, or 0
 * for a name the table does not have: the known names can be told apart without comparing text. */
typedef uint8_t hpack_token;

enum {
    HPACK_TOKEN_NONE = 0,
    HPACK_TOKEN_AUTHORITY = 1,
    HPACK_TOKEN_METHOD = 2,
    HPACK_TOKEN_PATH = 4,
    HPACK_TOKEN_SCHEME = 6,
    HPACK_TOKEN_STATUS = 8,
    HPACK_TOKEN_AGE = 21,
    HPACK_TOKEN_AUTHORIZATION = 23,
    HPACK_TOKEN_CONTENT_LENGTH = 28,
    HPACK_TOKEN_COOKIE = 32,
    HPACK_TOKEN_DATE = 33,
    HPACK_TOKEN_ETAG = 34,
    HPACK_TOKEN_EXPECT = 35,
    HPACK_TOKEN_HOST = 38,
    HPACK_TOKEN_IF_MODIFIED_SINCE = 40,
    HPACK_TOKEN_IF_NONE_MATCH = 41,
    HPACK_TOKEN_LOCATION = 46,
    HPACK_TOKEN_SET_COOKIE = 55,
    HPACK_TOKEN_TRANSFER_ENCODING = 57
};

typedef struct hpack_field {
    bytes_slice name;
    bytes_slice value;
    uint8_t flags;
    hpack_token token;
} hpack_field;

/* The token of a name in lower case. */
hpack_token hpack_token_of(bytes_slice name);
/* The name of a token; empty for 0 and for numbers that are no token (second entries of a name). */
bytes_slice hpack_token_name(hpack_token token);

/* ------------------------------------------------------------------ a decoded field section */

typedef struct hpack_limits {
    size_t max_list_octets;   /* RFC 9113 §6.5.2: names, values and 32 for each field */
    size_t max_fields;        /* every field counts, pseudo-headers and cookie crumbs too */
    size_t max_excess_octets; /* list octets after which a block over a limit is HPACK_EXCESS */
} hpack_limits;

/* The fields of one header block, and the octets they point to. All zero is an empty section that
 * holds no memory. Octets never move while fields are added. */
typedef struct hpack_section {
    hpack_field *fields;
    size_t count;
    size_t list_octets; /* of all fields, dropped ones included */
    bool is_over_limit; /* fields were dropped: it is not to be used; the tables are in step */
    size_t _capacity;
    struct hpack_block *_blocks;
} hpack_section;

void hpack_section_init(hpack_section *section);
/* Forgets the fields, keeps one block of memory of ordinary size for the next. */
void hpack_section_clear(hpack_section *section);
void hpack_section_dispose(hpack_section *section);
/* Adds a field with copies of the octets. HPACK_OK or HPACK_NOMEM. */
int hpack_section_add(hpack_section *section, const hpack_field *field);

/* -------------------------------------------------------------------------------- decoding */

typedef struct hpack_decoder hpack_decoder;

/* A decoder with a table of at most `max_table_octets` (our SETTINGS_HEADER_TABLE_SIZE). The
 * table's memory grows with what it holds. */
int hpack_decoder_new(hpack_decoder **out, size_t max_table_octets);
void hpack_decoder_free(hpack_decoder *decoder);

/* Our SETTINGS_HEADER_TABLE_SIZE as the peer has acknowledged it. After a reduction below the size
 * in use, the next block must begin with a size update (RFC 9113 §4.3.1, RFC 7541 §4.2). */
void hpack_decoder_set_max_table(hpack_decoder *decoder, size_t octets);
/* Octets the table holds (RFC 7541 §4.1). */
size_t hpack_decoder_table_octets(const hpack_decoder *decoder);
/* Bytes of memory the decoder holds. */
size_t hpack_decoder_memory(const hpack_decoder *decoder);

/* Decodes the next fragment of a block and adds its fields to `section`. A fragment may end
 * anywhere, also inside an integer or a Huffman code; nothing is decoded twice and no pointer into
 * `data` is kept. With `is_last` the block ends here: what is incomplete then is HPACK_MALFORMED.
 * Past max_list_octets or max_fields the section's fields are given up, but the table is kept in
 * step. Lengths are checked against the limits before memory is taken. After an error the decoder
 * is of no more use. */
int hpack_decoder_decode(hpack_decoder *decoder, bytes_slice data, bool is_last,
                         const hpack_limits *limits, hpack_section *section);

/* -------------------------------------------------------------------------------- encoding */

typedef struct hpack_encoder hpack_encoder;

/* An encoder that never uses a table larger than `max_table_octets`, whatever the peer allows; it
 * starts with the smaller of that and 4096. */
int hpack_encoder_new(hpack_encoder **out, size_t max_table_octets);
void hpack_encoder_free(hpack_encoder *encoder);

/* The peer's SETTINGS_HEADER_TABLE_SIZE. The next block begins with the size updates that RFC 7541
 * §4.2 asks for: the smallest size since the last block, then the final one. */
void hpack_encoder_set_max_table(hpack_encoder *encoder, size_t octets);
size_t hpack_encoder_table_octets(const hpack_encoder *encoder);
size_t hpack_encoder_memory(const hpack_encoder *encoder);

/* An upper bound of what encoding the fields can take, computed without touching the encoder. */
size_t hpack_encoder_bound(const hpack_field *fields, size_t count);

/* Appends the header block of `fields` to `out`. Names must be in lower case; `token` must be that
 * of hpack_token_of. A field flagged HPACK_NEVER_INDEXED, `authorization`, and a `cookie` under 20
 * octets are never indexed (RFC 7541 §7.1.3); fields whose values seldom repeat (:path,
 * content-length, etag, set-cookie ...) are not indexed. HPACK_OK, or HPACK_NOMEM with encoder and
 * `out` as they were. */
int hpack_encoder_encode(hpack_encoder *encoder, const hpack_field *fields, size_t count,
                         bytes_buffer *out);

#endif
