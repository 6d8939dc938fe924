/* Headers as a program gathers them before they are sent: a sequence {name, value, name, value ...} with
 * names in lower case, each once, values as the program gave them, a sequence for a field that is
 * repeated. It is short, so it is searched from its beginning. Indices are positive. */
#ifndef BINDING_FIELD_LIST_H
#define BINDING_FIELD_LIST_H

#include "binding/lua_compat.h"

/* Replaces the name at `index`, a string, by how it is sent: without white space around it, in lower
 * case. [-0, +0, m] */
void lh2_field_fold_name(lua_State *L, int index);
/* Folds and checks the name at index `name` and the value behind it. [-0, +0, v] */
void lh2_field_check_pair(lua_State *L, int name);

/* The position of the name at index `name` in the list, or 0. [-0, +0, -] */
int lh2_field_list_find(lua_State *L, int list, int name);
/* Sets the name at index `name` to the value on top. [-1, +0, m] */
void lh2_field_list_put(lua_State *L, int list, int name);
/* Adds the value on top to those that the name has. [-1, +0, m] */
void lh2_field_list_add(lua_State *L, int list, int name);
/* Removes the name at a position. [-0, +0, m] */
void lh2_field_list_erase(lua_State *L, int list, int at);
/* Pushes a list of what a program gave: a map, or a flat sequence. [-0, +1, v] */
void lh2_field_list_copy(lua_State *L, int given);

#endif
