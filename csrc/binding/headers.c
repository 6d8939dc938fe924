#include "binding/headers.h"

#define LAST_TOKEN 61
/* In the runtime's table of names by token, behind them: the empty list that most headers share. */
#define NOTHING (LAST_TOKEN + 1)

/* Pushes the name, from the table of known names (at `names`) where it is one. */
static void push_name(lua_State *L, int names, const hpack_field *field) {
    if (field->token != HPACK_TOKEN_NONE)
        lua_rawgeti(L, names, field->token);
    else
        lua_pushlstring(L, (const char *)field->name.data, field->name.size);
}

static void push_slice(lua_State *L, bytes_slice slice) {
    lua_pushlstring(L, (const char *)slice.data, slice.size);
}

/* Pushes all values of the name of field `first`, joined with `separator`: done once a name, so that
 * many repeats cost no more than their octets. */
static void push_joined(lua_State *L, const hpack_field *fields, size_t count, size_t first,
                        const char *separator) {
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = first; i < count; i++) {
        if (!bytes_slice_equal(fields[i].name, fields[first].name))
            continue;
        if (i > first)
            luaL_addlstring(&buffer, separator, 2);
        luaL_addlstring(&buffer, (const char *)fields[i].value.data, fields[i].value.size);
    }
    luaL_pushresult(&buffer);
}

static size_t first_of(const hpack_field *fields, size_t at) {
    size_t i = 0;
    while (!bytes_slice_equal(fields[i].name, fields[at].name))
        i++;
    return i;
}

/* A name that was met before, at `at`: what Node makes of the values. Table at -1. */
static void merge_repeat(lua_State *L, int names, const hpack_field *fields, size_t count,
                         size_t at) {
    size_t first = first_of(fields, at);
    if (lh2_is_single_value(fields[at].name))
        return;
    /* Only the second occurrence does the work for all of them. */
    for (size_t i = first + 1; i < at; i++)
        if (bytes_slice_equal(fields[i].name, fields[at].name))
            return;
    push_name(L, names, &fields[at]);
    push_joined(L, fields, count, first, fields[at].token == HPACK_TOKEN_COOKIE ? "; " : ", ");
    lua_rawset(L, -3);
}

/* Appends a set-cookie value to the sequence in the table at -1. */
static void add_set_cookie(lua_State *L, int names, const hpack_field *field) {
    lua_rawgeti(L, names, HPACK_TOKEN_SET_COOKIE);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    push_slice(L, field->value);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_pop(L, 2);
}

static void push_status(lua_State *L, bytes_slice value) {
    lua_Integer status = 0;
    for (size_t i = 0; i < value.size; i++)
        status = status * 10 + (value.data[i] - '0');
    lua_pushinteger(L, status);
}

/* The names flagged never-indexed, one for each field, under the sensitive key. Table at -1. */
static void set_sensitive(lua_State *L, int names, const hpack_field *fields, size_t count) {
    int found = 0;
    lua_pushlightuserdata(L, (void *)&lh2_sensitive_key);
    for (size_t i = 0; i < count; i++) {
        if (!(fields[i].flags & HPACK_NEVER_INDEXED))
            continue;
        if (found == 0)
            lua_newtable(L);
        push_name(L, names, &fields[i]);
        lua_rawseti(L, -2, ++found);
    }
    if (found == 0)
        lua_rawgeti(L, names, NOTHING);
    lua_rawset(L, -3);
}

/* Whether the field's name, which is on top, is in the table below it; `seen` has a bit for each token
 * that is. [-0, +0, -] */
static bool is_repeat(lua_State *L, hpack_token token, uint32_t seen[2]) {
    uint32_t *bits = &seen[token >> 5], bit = 1u << (token & 31);
    bool is_there;
    if (token != HPACK_TOKEN_NONE) {
        is_there = *bits & bit;
        *bits |= bit;
        return is_there;
    }
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    is_there = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return is_there;
}

/* Sets the field at `at` in the table on top, in Node's way where its name is there. [-0, +0, m] */
static void set_field(lua_State *L, int names, const hpack_field *fields, size_t count, size_t at,
                      uint32_t seen[2]) {
    const hpack_field *field = &fields[at];
    push_name(L, names, field);
    if (is_repeat(L, field->token, seen)) {
        lua_pop(L, 1);
        merge_repeat(L, names, fields, count, at);
        return;
    }
    if (field->token == HPACK_TOKEN_STATUS)
        push_status(L, field->value);
    else
        push_slice(L, field->value);
    lua_rawset(L, -3);
}

void lh2_push_headers(lua_State *L, const lh2_runtime *runtime, const hpack_field *fields,
                      size_t count) {
    luaL_checkstack(L, 10, "headers");
    lh2_push_held(L, runtime->names_ref);
    int names = lua_gettop(L);
    lua_createtable(L, 0, (int)count + 1);
    uint32_t seen[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        if (fields[i].token == HPACK_TOKEN_SET_COOKIE)
            add_set_cookie(L, names, &fields[i]);
        else
            set_field(L, names, fields, count, i, seen);
    set_sensitive(L, names, fields, count);
    lua_remove(L, names);
}

void lh2_push_raw_headers(lua_State *L, const lh2_runtime *runtime, const hpack_field *fields,
                          size_t count) {
    luaL_checkstack(L, 10, "headers");
    lh2_push_held(L, runtime->names_ref);
    int names = lua_gettop(L);
    lua_createtable(L, (int)count * 2, 0);
    for (size_t i = 0; i < count; i++) {
        push_name(L, names, &fields[i]);
        lua_rawseti(L, -2, (int)i * 2 + 1);
        push_slice(L, fields[i].value);
        lua_rawseti(L, -2, (int)i * 2 + 2);
    }
    lua_remove(L, names);
}

/* ---------------------------------------------------------------------------------- opening */

/* http2.sensitiveHeaders as a table key. [-0, +1, -] */
static void push_sensitive_key(lua_State *L) {
    lua_pushlightuserdata(L, (void *)&lh2_sensitive_key);
}

static int refuse_change(lua_State *L) {
    return luaL_error(L, "the list of sensitive headers received cannot be changed");
}

/* Pushes an empty table that stays so. */
static void push_nothing(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_change);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}

void lh2_headers_open(lua_State *L) {
    lua_createtable(L, NOTHING, 0);
    for (int token = 1; token <= LAST_TOKEN; token++) {
        push_slice(L, hpack_token_name((hpack_token)token));
        lua_rawseti(L, -2, token);
    }
    push_nothing(L);
    lua_rawseti(L, -2, NOTHING);
    lh2_runtime_of(L)->names_ref = lh2_hold(L);
    push_sensitive_key(L);
    lua_setfield(L, -2, "sensitiveHeaders");
}
