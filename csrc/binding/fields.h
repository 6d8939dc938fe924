/* From a header table that a program gives to the fields that are sent (Node's HTTP/2 Headers Object):
 * names and values checked, pseudo-headers in front. */
#ifndef BINDING_FIELDS_H
#define BINDING_FIELDS_H

#include "binding/args.h"

/* What the section is for decides which pseudo-headers it may hold. */
typedef enum lh2_section {
    LH2_SECTION_REQUEST,
    LH2_SECTION_RESPONSE, /* of any status, 1xx included */
    LH2_SECTION_TRAILERS,
    LH2_SECTION_PLAIN /* of the compatibility API: no pseudo-headers; Connection is set apart */
} lh2_section;

typedef enum lh2_pseudo {
    LH2_PSEUDO_METHOD, /* in the order they are sent */
    LH2_PSEUDO_SCHEME,
    LH2_PSEUDO_AUTHORITY,
    LH2_PSEUDO_PATH,
    LH2_PSEUDO_PROTOCOL,
    LH2_PSEUDO_STATUS,
    LH2_PSEUDO_COUNT
} lh2_pseudo;

#define LH2_FIELDS_INLINE 32
#define LH2_FIELDS_SCRATCH 512

/* The fields read from a header table. Octets are those of the table's strings, of `_scratch`, or of
 * values kept on the Lua stack: all is valid until the stack is cut back below the reading. */
typedef struct lh2_fields {
    hpack_field *fields; /* after lh2_fields_finish: pseudo-headers first */
    size_t count;
    bytes_slice pseudo[LH2_PSEUDO_COUNT]; /* data is NULL where absent; may be set before finish */
    bytes_slice connection; /* LH2_SECTION_PLAIN: the field's value, not among `fields` */
    uint32_t has_token[2];  /* a bit for each hpack_token among the regular fields */
    size_t _regular, _capacity, _scratch_used;
    hpack_field *_list;
    int _table, _keep;
    lh2_section _section;
    uint8_t _status[3];
    uint8_t _scratch[LH2_FIELDS_SCRATCH];
    hpack_field _inline[LH2_PSEUDO_COUNT + LH2_FIELDS_INLINE];
} lh2_fields;

/* Reads the table at `index` (nil: no fields), a map or a flat sequence {name, value, ...}. Names are
 * lowered and checked, values made strings. Raises Node's codes: ERR_INVALID_HTTP_TOKEN,
 * ERR_INVALID_CHAR, ERR_HTTP2_HEADER_SINGLE_VALUE, ERR_HTTP2_INVALID_PSEUDOHEADER,
 * ERR_HTTP2_INVALID_CONNECTION_HEADERS, ERR_HTTP2_INVALID_HEADER_VALUE, ERR_INVALID_ARG_VALUE.
 * [-0, +1, v] */
void lh2_fields_read(lua_State *L, int index, lh2_section section, lh2_fields *fields);
/* The same for fields that come one by one: no fields so far. [-0, +1, m] */
void lh2_fields_begin(lua_State *L, lh2_section section, lh2_fields *fields);
/* One of them: the name lowered and checked, with its token, the value without control characters; both
 * stay where they are. Raises as above. [-0, +0, v] */
void lh2_fields_put(lua_State *L, lh2_fields *fields, bytes_slice name, hpack_token token,
                    bytes_slice value);
/* Whether a regular field of that name was given. */
bool lh2_fields_has(const lh2_fields *fields, hpack_token token);
/* Adds a field whose octets the caller keeps. [-0, +0, m] */
void lh2_fields_add(lua_State *L, lh2_fields *fields, bytes_slice name, bytes_slice value);
/* Sets :status to the number. */
void lh2_fields_set_status(lh2_fields *fields, int status);
/* Puts the pseudo-headers in front: `fields` and `count` are what is to be sent. */
void lh2_fields_finish(lh2_fields *fields);

/* Fields with their octets in one block of memory: a section that has to wait. */
typedef struct lh2_kept_fields {
    size_t count;
    hpack_field fields[];
} lh2_kept_fields;

/* A copy of the fields, to be dropped later; NULL when memory is out. */
lh2_kept_fields *lh2_fields_keep(lh2_runtime *runtime, const hpack_field *fields, size_t count);
/* `kept` may be NULL. */
static inline void lh2_fields_drop(lh2_runtime *runtime, lh2_kept_fields *kept) {
    lh2_spare_give(runtime, kept);
}

/* A value in Lua and how it is sent: a string's own octets, or those of a number or boolean as they are
 * printed; of any other type: none. */
typedef struct lh2_scalar {
    int type;
    bytes_slice text;
    char _space[32];
} lh2_scalar;

/* Reads the value at `index`. [-0, +0, -] */
void lh2_scalar_read(lua_State *L, int index, lh2_scalar *scalar);

/* Whether Node takes one value at most of the name. */
bool lh2_is_single_value(bytes_slice name);
/* The address that http2.sensitiveHeaders is. */
extern const char lh2_sensitive_key;

#endif
