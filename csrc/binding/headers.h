/* From received fields to the header table that a program gets (Node's HTTP/2 Headers Object). */
#ifndef BINDING_HEADERS_H
#define BINDING_HEADERS_H

#include "binding/fields.h"

/* Pushes the header table that a program gets for received fields: lower-case names, :status an
 * integer, set-cookie a sequence, repeats treated as Node does, [sensitiveHeaders]. [-0, +1, m] */
void lh2_push_headers(lua_State *L, lh2_runtime *runtime, const hpack_field *fields, size_t count);
/* Pushes {name, value, name, value, ...} as received. [-0, +1, m] */
void lh2_push_raw_headers(lua_State *L, lh2_runtime *runtime, const hpack_field *fields,
                          size_t count);

/* Makes the tables behind these functions; adds `sensitiveHeaders` to the table on top.
 * [-0, +0, m] */
void lh2_headers_open(lua_State *L);

#endif
