#include "binding/sent_headers.h"

#include <strings.h>

#include "binding/field_list.h"

/* Adds the value on top under the name below it to the map at `map`: a second value of a name makes a
 * sequence. [-2, +0, m] */
static void add_value(lua_State *L, int map) {
    int name = lua_gettop(L) - 1;
    lua_pushvalue(L, name);
    lua_rawget(L, map);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_rawset(L, map);
        return;
    }
    if (!lua_istable(L, -1)) {
        lua_createtable(L, 2, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, name);
        lua_pushvalue(L, -2);
        lua_rawset(L, map);
    }
    lua_pushvalue(L, name + 1);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_settop(L, name - 1);
}

static void copy_sequence(lua_State *L, int from, int map) {
    for (int i = 1, count = (int)lua_rawlen(L, from); i < count; i += 2) {
        lua_rawgeti(L, from, i);
        lua_rawgeti(L, from, i + 1);
        add_value(L, map);
    }
}

static void copy_map(lua_State *L, int from, int map, bool with_names) {
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        if (!with_names && lua_type(L, -2) != LUA_TLIGHTUSERDATA)
            continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, map);
    }
}

void lh2_push_headers_copy(lua_State *L, int index) {
    int from = lua_absindex(L, index);
    if (lua_isuserdata(L, from)) {
        lh2_field_list_push_map(L, from);
        return;
    }
    luaL_checkstack(L, 10, "headers");
    lua_createtable(L, 0, 8);
    int map = lua_gettop(L);
    if (!lua_istable(L, from))
        return;
    lua_rawgeti(L, from, 1);
    bool is_sequence = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_sequence)
        copy_sequence(L, from, map);
    copy_map(L, from, map, !is_sequence);
}

/* Whether the key at `index` spells the name. */
static bool is_spelling(lua_State *L, int index, const char *name) {
    return lua_type(L, index) == LUA_TSTRING && strcasecmp(lua_tostring(L, index), name) == 0;
}

bool lh2_headers_has(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (is_spelling(L, -2, name)) {
            lua_pop(L, 2);
            return true;
        }
    return false;
}

void lh2_headers_set(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (is_spelling(L, -2, name)) { /* setting what is there to nil is allowed in a traversal */
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, index);
        }
    lua_pushstring(L, name);
    lua_insert(L, -2);
    lua_rawset(L, index);
}
