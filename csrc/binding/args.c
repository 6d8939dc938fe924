#include "binding/args.h"

#include <math.h>
#include <stdio.h>

#define MAX_DURATION INT32_MAX

/* ------------------------------------------------------------------------------ the raises */

/* Pushes what Node says of a value it does not like: "type string ('abc')". [-0, +1, m] */
static void push_received(lua_State *L, int index) {
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        lua_pushliteral(L, "nil");
        break;
    case LUA_TBOOLEAN:
        lua_pushfstring(L, "type boolean (%s)", lua_toboolean(L, index) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        lua_pushvalue(L, index);
        lua_pushfstring(L, "type number (%s)", lua_tostring(L, -1));
        lua_remove(L, -2);
        break;
    case LUA_TSTRING: {
        size_t size;
        const char *text = lua_tolstring(L, index, &size);
        char start[26];
        snprintf(start, sizeof start, "%s", text);
        lua_pushfstring(L, "type string ('%s'%s)", start, size >= sizeof start ? "..." : "");
        break;
    }
    default:
        if (luaL_getmetafield(L, index, "__name") && lua_isstring(L, -1))
            lua_pushfstring(L, "an instance of %s", lua_tostring(L, -1));
        else
            lua_pushfstring(L, "a %s", luaL_typename(L, index));
    }
}

/* Pushes the value alone, for messages about its size. [-0, +1, m] */
static void push_plain(lua_State *L, int index) {
    if (lua_isnumber(L, index) || lua_type(L, index) == LUA_TSTRING) {
        lua_pushvalue(L, index);
        lua_tostring(L, -1);
    } else {
        push_received(L, index);
    }
}

/* A name with a dot is a property's. */
static const char *kind_of(const char *name) {
    return strchr(name, '.') ? "property" : "argument";
}

int lh2_raise_type(lua_State *L, const char *name, const char *expected, int index) {
    push_received(L, index);
    return lh2_raise_text(L, "TypeError", "ERR_INVALID_ARG_TYPE",
                          "The \"%s\" %s must be %s. Received %s", name, kind_of(name), expected,
                          lua_tostring(L, -1));
}

int lh2_raise_range(lua_State *L, const char *name, const char *range, int index) {
    push_plain(L, index);
    return lh2_raise_text(L, "RangeError", "ERR_OUT_OF_RANGE",
                          "The value of \"%s\" is out of range. It must be %s. Received %s", name,
                          range, lua_tostring(L, -1));
}

int lh2_raise_value(lua_State *L, const char *name, const char *reason, int index) {
    push_plain(L, index);
    return lh2_raise_text(L, "TypeError", "ERR_INVALID_ARG_VALUE", "The %s '%s' %s. Received %s",
                          kind_of(name), name, reason ? reason : "is invalid", lua_tostring(L, -1));
}

/* ------------------------------------------------------------------------------- arguments */

int64_t lh2_check_integer(lua_State *L, int index, const char *name, int64_t min, int64_t max) {
    int64_t value = 0;
    if (lua_type(L, index) != LUA_TNUMBER)
        lh2_raise_type(L, name, "of type number", index);
    if (!lua_compat_integer(L, index, &value))
        lh2_raise_range(L, name, "an integer", index);
    if (value < min || value > max) {
        char range[64];
        snprintf(range, sizeof range, ">= %lld && <= %lld", (long long)min, (long long)max);
        lh2_raise_range(L, name, range, index);
    }
    return value;
}

static bool check_boolean(lua_State *L, int index, const char *name) {
    if (!lua_isboolean(L, index))
        lh2_raise_type(L, name, "of type boolean", index);
    return lua_toboolean(L, index);
}

const char *lh2_check_string(lua_State *L, int index, const char *name, size_t *size) {
    if (lua_type(L, index) != LUA_TSTRING)
        lh2_raise_type(L, name, "of type string", index);
    return lua_tolstring(L, index, size);
}

void lh2_check_function(lua_State *L, int index, const char *name) {
    if (!lua_isfunction(L, index))
        lh2_raise_type(L, name, "of type function", index);
}

bool lh2_check_options(lua_State *L, int index, const char *name) {
    if (lua_isnoneornil(L, index))
        return false;
    if (!lua_istable(L, index) || lua_rawlen(L, index) > 0)
        lh2_raise_type(L, name, "a table of options", index);
    return true;
}

int64_t lh2_check_duration(lua_State *L, int index, const char *name) {
    if (lua_type(L, index) != LUA_TNUMBER)
        lh2_raise_type(L, name, "of type number", index);
    lua_Number duration = lua_tonumber(L, index);
    if (!(duration >= 0) || isinf(duration))
        lh2_raise_range(L, name, "a non-negative finite number", index);
    return duration > MAX_DURATION ? MAX_DURATION : (int64_t)duration;
}

int lh2_check_port(lua_State *L, int index, const char *name) {
    int64_t port = 0;
    lua_pushvalue(L, index);
    if (lua_type(L, -1) == LUA_TSTRING && lua_isnumber(L, -1)) {
        lua_pushnumber(L, lua_tonumber(L, -1));
        lua_replace(L, -2);
    }
    if (!lua_compat_integer(L, -1, &port) || port < 0 || port > 65535) {
        push_plain(L, -1);
        lh2_raise_text(L, "RangeError", "ERR_SOCKET_BAD_PORT",
                       "%s should be >= 0 and < 65536. Received %s", name, lua_tostring(L, -1));
    }
    lua_pop(L, 1);
    return (int)port;
}

/* --------------------------------------------------------------------------------- options */

/* Pushes field `name` of the options at `index`; false and nothing where it is absent.
 * [-0, +0|1, e] */
static bool push_option(lua_State *L, int index, const char *name) {
    if (lua_isnoneornil(L, index))
        return false;
    lua_getfield(L, index, name);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

/* How errors speak of an option. */
static const char *full_name(char (*buffer)[80], const char *name) {
    snprintf(*buffer, sizeof *buffer, "options.%s", name);
    return *buffer;
}

int64_t lh2_opt_integer(lua_State *L, int index, const char *name, int64_t min, int64_t max,
                        int64_t otherwise) {
    char full[80];
    if (!push_option(L, index, name))
        return otherwise;
    int64_t value = lh2_check_integer(L, -1, full_name(&full, name), min, max);
    lua_pop(L, 1);
    return value;
}

bool lh2_opt_boolean(lua_State *L, int index, const char *name, bool otherwise) {
    char full[80];
    if (!push_option(L, index, name))
        return otherwise;
    if (!lua_isboolean(L, -1))
        check_boolean(L, -1, full_name(&full, name));
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

const char *lh2_opt_string(lua_State *L, int index, const char *name, size_t *size,
                           const char *otherwise) {
    char full[80];
    if (!push_option(L, index, name)) {
        if (size)
            *size = otherwise ? strlen(otherwise) : 0;
        return otherwise;
    }
    const char *value = lh2_check_string(L, -1, full_name(&full, name), size);
    lua_pop(L, 1);
    return value;
}

int lh2_opt_field(lua_State *L, int index, const char *name, int type) {
    char full[80], expected[40];
    if (!push_option(L, index, name)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    if (lua_type(L, -1) != type) {
        snprintf(expected, sizeof expected, "of type %s", lua_typename(L, type));
        lh2_raise_type(L, full_name(&full, name), expected, -1);
    }
    return type;
}

uint32_t lh2_opt_keep_alive(lua_State *L, int index) {
    bool is_on = lh2_opt_boolean(L, index, "keepAlive", false);
    int64_t delay_ms = lh2_opt_integer(L, index, "keepAliveInitialDelay", 0, INT32_MAX, 0);
    return is_on ? 1 + (uint32_t)(delay_ms / 1000) : 0;
}
