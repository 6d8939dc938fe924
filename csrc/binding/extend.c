#include "binding/extend.h"

#include <stdio.h>

/* A class is a table; what it holds besides this field is the program's own. */
static const char metatable_key; /* of the objects; and in the registry: of the class tables */

/* Makes a class of the metatable on top. [-1, +1, m] */
static void make_class(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_insert(L, -2);
    lua_rawsetp(L, -2, &metatable_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
}

/* Pushes the metatable that the value at `index` makes objects of; nil if that is no class.
 * [-0, +1, -] */
static void push_metatable(lua_State *L, int index) {
    if (lua_istable(L, index))
        lua_rawgetp(L, index, &metatable_key);
    else
        lua_pushnil(L);
}

/* class:extend(members) */
static int extend(lua_State *L) {
    push_metatable(L, 1);
    if (lua_isnil(L, -1))
        return lh2_raise_type(L, "self", "a class (extend is called with a colon)", 1);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "members", "of type table", 2);
    lh2_class_derive(L, -1, 2);
    make_class(L);
    return 1;
}

void lh2_export_class(lua_State *L, const char *name, const lh2_class *class) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, class);
    make_class(L);
    lua_setfield(L, -2, name);
}

void lh2_opt_class(lua_State *L, int options, const char *name, const lh2_class *class) {
    char full[80];
    if (lua_isnoneornil(L, options)) {
        lua_pushnil(L);
        return;
    }
    lua_getfield(L, options, name);
    if (lua_isnil(L, -1))
        return;
    push_metatable(L, lua_gettop(L));
    if (lua_istable(L, -1)) {
        lua_rawgetp(L, -1, class);
        bool is_heir = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (is_heir) {
            lua_remove(L, -2);
            return;
        }
    }
    lua_pop(L, 1);
    snprintf(full, sizeof(full), "options.%s", name);
    lh2_raise_type(L, full, "a class made by extend", -1);
}

void lh2_extend_open(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, extend);
    lua_setfield(L, -2, "extend");
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "class");
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}
