/* Header tables as a program gave them, kept for sentHeaders and handed to statCheck: copies that
 * keep names and types as they were spelt. */
#ifndef BINDING_SENT_HEADERS_H
#define BINDING_SENT_HEADERS_H

#include "binding/headers.h"

/* Pushes a copy of the header table at `index` (nil: an empty one). A flat sequence becomes a map, in
 * which a name that comes more than once has a sequence of values; so does a list (field_list.h).
 * [-0, +1, m] */
void lh2_push_headers_copy(lua_State *L, int index);
/* Whether the map at `index` has the name (lower case), in any spelling. [-0, +0, m] */
bool lh2_headers_has(lua_State *L, int index, const char *name);
/* Sets the name (lower case) of the map at `index`, in the place of every spelling of it, to the value
 * on top. [-1, +0, m] */
void lh2_headers_set(lua_State *L, int index, const char *name);

#endif
