/* Headers as a program gathers them before they are sent: names in lower case, each once, in the order
 * they were set, with values as the program gave them, a sequence for a field that is repeated. A list is
 * one userdata without a metatable, which has copies of all octets: Lua collects it, and what is sent is
 * read from it as from an array. It is short, so it is searched from its beginning.
 *
 * `list` is the absolute index of a list or nil, an empty one; what adds to it replaces the value there
 * by a larger list where there is no room. */
#ifndef BINDING_FIELD_LIST_H
#define BINDING_FIELD_LIST_H

#include "binding/fields.h"

/* A name as it is sent; the octets are those of a string on the stack. */
typedef struct lh2_field_name {
    bytes_slice text;
    hpack_token token;
} lh2_field_name;

/* What a program sets. */
typedef struct lh2_given_field {
    lh2_field_name name;
    int index;        /* of the value */
    lh2_scalar value; /* the same read, unless it is a sequence */
} lh2_given_field;

/* Replaces the name at `index`, a string, by how it is sent: without white space around it, in lower
 * case. [-0, +0, m] */
lh2_field_name lh2_field_fold_name(lua_State *L, int index);
/* Folds and checks the name at index `name` and the value behind it, which stay there. [-0, +0, v] */
void lh2_field_check_pair(lua_State *L, int name, lh2_given_field *field);

/* Pushes a list of what a program gave: a map, or a flat sequence, in which a name may come more than
 * once. [-0, +1, v] */
void lh2_field_list_push_copy(lua_State *L, int given);
/* Pushes a list of what is at `list` and what a program gave besides, which takes the place of values of
 * the same names. [-0, +1, v] */
void lh2_field_list_push_merged(lua_State *L, int list, int given);

/* Sets a field. Whether another list is at `list` now. [-0, +0, m] */
bool lh2_field_list_put(lua_State *L, int list, const lh2_given_field *field);
/* Adds the value to those that the name has; else the same. [-0, +0, m] */
bool lh2_field_list_add(lua_State *L, int list, const lh2_given_field *field);
void lh2_field_list_erase(lua_State *L, int list, const lh2_field_name *name);

/* Pushes the value of the name, or nil. [-0, +1, m] */
void lh2_field_list_push_value(lua_State *L, int list, const lh2_field_name *name);
/* Pushes the sequence of the names. [-0, +1, m] */
void lh2_field_list_push_names(lua_State *L, int list);
/* Pushes a map of names and values. [-0, +1, m] */
void lh2_field_list_push_map(lua_State *L, int list);
/* Reads the list as lh2_fields_read does a table. [-0, +1, v] */
void lh2_field_list_read(lua_State *L, int list, lh2_section section, lh2_fields *fields);

#endif
