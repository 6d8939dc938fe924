#include "binding/extend.h"

#include <stdio.h>

/* A class is a table; what it holds besides these fields is the program's own. */
static const char metatable_key; /* of its objects; and in the registry: of the class tables */
static const char base_key;      /* the address of the class it is, or was made of */

/* Makes a class of the metatable on top. [-1, +1, m] */
static void make_class(lua_State *L, const void *base) {
    lua_createtable(L, 0, 2);
    lua_insert(L, -2);
    lua_rawsetp(L, -2, &metatable_key);
    lua_pushlightuserdata(L, (void *)(uintptr_t)base);
    lua_rawsetp(L, -2, &base_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
}

/* What the class at `index` is made of; NULL if it is no class. */
static const void *base_of(lua_State *L, int index) {
    if (!lua_istable(L, index))
        return NULL;
    lua_rawgetp(L, index, &base_key);
    const void *base = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return base;
}

/* class:extend(members) */
static int extend(lua_State *L) {
    const void *base = base_of(L, 1);
    if (base == NULL)
        return lh2_raise_type(L, "self", "a class (extend is called with a colon)", 1);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "members", "of type table", 2);
    lua_rawgetp(L, 1, &metatable_key);
    lh2_class_derive(L, -1, 2);
    make_class(L, base);
    return 1;
}

void lh2_export_class(lua_State *L, const char *name, const lh2_class *class) {
    lh2_push_metatable(L, lh2_runtime_of(L), class);
    make_class(L, class);
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
    snprintf(full, sizeof(full), "options.%s", name);
    if (base_of(L, lua_gettop(L)) != class)
        lh2_raise_type(L, full, "a class made by extend", -1);
    lua_rawgetp(L, -1, &metatable_key);
    lua_remove(L, -2);
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
