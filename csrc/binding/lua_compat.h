/* What differs between Lua 5.4 and LuaJIT / Lua 5.1, spelt as in 5.4, and nothing else. Functions that
 * tell the type of what they push in 5.4 do not in 5.1: ask lua_type. */
#ifndef BINDING_LUA_COMPAT_H
#define BINDING_LUA_COMPAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if LUA_VERSION_NUM == 501

#ifndef LUA_OK
#define LUA_OK 0
#endif

#define lua_newuserdatauv(L, size, count) lua_newuserdata(L, size)
/* One user value an object: its own environment table, where one was set. */
#define LUA_COMPAT_MANY_USER_VALUES 0
#define lua_getiuservalue(L, index, n) lua_getfenv(L, index)
#define lua_setiuservalue(L, index, n) lua_setfenv(L, index)
#define lua_rawlen(L, index) lua_objlen(L, index)
/* No number has a type of its own for integers. */
#define lua_isinteger(L, index) false

static inline int lua_absindex(lua_State *L, int index) {
    return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}

static inline void lua_rawgetp(lua_State *L, int index, const void *key) {
    index = lua_absindex(L, index);
    lua_pushlightuserdata(L, (void *)(uintptr_t)key);
    lua_rawget(L, index);
}

static inline void lua_rawsetp(lua_State *L, int index, const void *key) {
    index = lua_absindex(L, index);
    lua_pushlightuserdata(L, (void *)(uintptr_t)key);
    lua_insert(L, -2);
    lua_rawset(L, index);
}

/* Pushes what tostring would give. */
static inline const char *luaL_tolstring(lua_State *L, int index, size_t *size) {
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "'__tostring' must return a string");
    } else if (lua_type(L, index) == LUA_TSTRING || lua_type(L, index) == LUA_TNUMBER) {
        lua_pushvalue(L, index);
    } else if (lua_isboolean(L, index)) {
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
    } else if (lua_isnil(L, index)) {
        lua_pushliteral(L, "nil");
    } else {
        lua_pushfstring(L, "%s: %p", luaL_typename(L, index), lua_topointer(L, index));
    }
    return lua_tolstring(L, -1, size);
}

#ifndef LUA_LJDIR /* Lua 5.1 itself; LuaJIT has these */
static inline void luaL_setfuncs(lua_State *L, const luaL_Reg *functions, int upvalues) {
    for (; functions->name; functions++) {
        for (int i = 0; i < upvalues; i++)
            lua_pushvalue(L, -upvalues);
        lua_pushcclosure(L, functions->func, upvalues);
        lua_setfield(L, -(upvalues + 2), functions->name);
    }
    lua_pop(L, upvalues);
}

static inline void luaL_traceback(lua_State *L, lua_State *of, const char *message, int level) {
    (void)of;
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, LUA_DBLIBNAME);
    lua_getfield(L, -1, "traceback");
    lua_pushstring(L, message);
    lua_pushinteger(L, level + 1);
    lua_call(L, 2, 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
}
#endif

/* Whether the value is a number with an integer value, told in *out. */
static inline bool lua_compat_integer(lua_State *L, int index, int64_t *out) {
    if (lua_type(L, index) != LUA_TNUMBER)
        return false;
    lua_Number number = lua_tonumber(L, index);
    if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0))
        return false;
    *out = (int64_t)number;
    return (lua_Number)*out == number;
}

/* The most arguments that the function at `index` can look at: 5.1's C interface does not tell. */
static inline int lua_compat_max_arguments(lua_State *L, int index) {
    (void)L, (void)index;
    return 255;
}

/* What a program should know once; 5.1 has no channel of its own for it. */
static inline void lua_compat_warn(lua_State *L, const char *text) {
    (void)L;
    fprintf(stderr, "warning: %s\n", text);
}

#else

#define LUA_COMPAT_MANY_USER_VALUES 1

static inline void lua_compat_warn(lua_State *L, const char *text) {
    lua_warning(L, text, 0);
}

static inline bool lua_compat_integer(lua_State *L, int index, int64_t *out) {
    int is_integer = 0;
    if (lua_type(L, index) == LUA_TNUMBER)
        *out = lua_tointegerx(L, index, &is_integer);
    return is_integer;
}

/* The most arguments that the function at `index` can look at. */
static inline int lua_compat_max_arguments(lua_State *L, int index) {
    lua_Debug info;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">u", &info);
    return info.isvararg ? 255 : info.nparams;
}

#endif

/* As lua_resume of 5.4: *results values of the coroutine are on its stack. */
static inline int lua_compat_resume(lua_State *L, lua_State *from, int nargs, int *results) {
#if LUA_VERSION_NUM == 501
    (void)from;
    int status = lua_resume(L, nargs);
    *results = lua_gettop(L);
    return status;
#else
    return lua_resume(L, from, nargs, results);
#endif
}

#endif
