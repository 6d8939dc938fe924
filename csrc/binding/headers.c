#include "binding/headers.h"

/* The runtime's table of known strings: by token the names; behind them, by token, the last value that
 * each had, since most requests repeat most of them; then the metatable of header tables. */
#define VALUES LH2_NAMES
#define METATABLE (VALUES + LH2_NAMES)
/* Longer values are not kept. */
#define MAX_KEPT 64

static void push_slice(lua_State *L, bytes_slice slice) {
    lua_pushlstring(L, (const char *)slice.data, slice.size);
}

/* Pushes the name, from the table of known strings (at `known`) where it is there. */
static void push_name(lua_State *L, int known, const hpack_field *field) {
    if (field->token != HPACK_TOKEN_NONE)
        lua_rawgeti(L, known, field->token);
    else
        push_slice(L, field->name);
}

/* Pushes the value. That of :path is another each time, as a rule, and is not kept; nor is one that the
 * peer wants in no table. */
static void push_value(lua_State *L, lh2_runtime *runtime, int known, const hpack_field *field) {
    bytes_slice *last = &runtime->last_values[field->token];
    if (field->token == HPACK_TOKEN_NONE || field->token == HPACK_TOKEN_PATH ||
        field->flags & HPACK_NEVER_INDEXED || field->value.size > MAX_KEPT) {
        push_slice(L, field->value);
    } else if (bytes_slice_equal(*last, field->value)) {
        lua_rawgeti(L, known, VALUES + field->token);
    } else {
        push_slice(L, field->value);
        lua_pushvalue(L, -1);
        lua_rawseti(L, known, VALUES + field->token);
        *last = bytes_slice_of(lua_tostring(L, -1), field->value.size);
    }
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
static void merge_repeat(lua_State *L, int known, const hpack_field *fields, size_t count,
                         size_t at) {
    size_t first = first_of(fields, at);
    if (lh2_is_single_value(fields[at].name))
        return;
    /* Only the second occurrence does the work for all of them. */
    for (size_t i = first + 1; i < at; i++)
        if (bytes_slice_equal(fields[i].name, fields[at].name))
            return;
    push_name(L, known, &fields[at]);
    push_joined(L, fields, count, first, fields[at].token == HPACK_TOKEN_COOKIE ? "; " : ", ");
    lua_rawset(L, -3);
}

/* Appends a set-cookie value to the sequence in the table at -1. */
static void add_set_cookie(lua_State *L, int known, const hpack_field *field) {
    lua_rawgeti(L, known, HPACK_TOKEN_SET_COOKIE);
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

/* The names flagged never-indexed, one for each field, under the sensitive key. Where there are none,
 * the metatable says so. Table at -1. */
static void set_sensitive(lua_State *L, int known, const hpack_field *fields, size_t count) {
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(fields[i].flags & HPACK_NEVER_INDEXED))
            continue;
        if (found == 0)
            lua_newtable(L);
        push_name(L, known, &fields[i]);
        lua_rawseti(L, -2, ++found);
    }
    if (found > 0) {
        lua_rawsetp(L, -2, &lh2_sensitive_key);
    } else {
        lua_rawgeti(L, known, METATABLE);
        lua_setmetatable(L, -2);
    }
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
static void set_field(lua_State *L, lh2_runtime *runtime, int known, const hpack_field *fields,
                      size_t count, size_t at, uint32_t seen[2]) {
    const hpack_field *field = &fields[at];
    push_name(L, known, field);
    if (is_repeat(L, field->token, seen)) {
        lua_pop(L, 1);
        merge_repeat(L, known, fields, count, at);
        return;
    }
    if (field->token == HPACK_TOKEN_STATUS)
        push_status(L, field->value);
    else
        push_value(L, runtime, known, field);
    lua_rawset(L, -3);
}

void lh2_push_headers(lua_State *L, lh2_runtime *runtime, const hpack_field *fields, size_t count) {
    luaL_checkstack(L, 10, "headers");
    lh2_push_held(L, runtime->names_ref);
    int known = lua_gettop(L);
    lua_createtable(L, 0, (int)count);
    uint32_t seen[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        if (fields[i].token == HPACK_TOKEN_SET_COOKIE)
            add_set_cookie(L, known, &fields[i]);
        else
            set_field(L, runtime, known, fields, count, i, seen);
    set_sensitive(L, known, fields, count);
    lua_replace(L, known);
}

void lh2_push_raw_headers(lua_State *L, lh2_runtime *runtime, const hpack_field *fields,
                          size_t count) {
    luaL_checkstack(L, 10, "headers");
    lh2_push_held(L, runtime->names_ref);
    int known = lua_gettop(L);
    lua_createtable(L, (int)count * 2, 0);
    for (size_t i = 0; i < count; i++) {
        push_name(L, known, &fields[i]);
        lua_rawseti(L, -2, (int)i * 2 + 1);
        push_value(L, runtime, known, &fields[i]);
        lua_rawseti(L, -2, (int)i * 2 + 2);
    }
    lua_replace(L, known);
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

/* Pushes the metatable of header tables without sensitive fields, which show the empty list. */
static void push_metatable(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    push_nothing(L);
    lua_rawsetp(L, -2, &lh2_sensitive_key);
    lua_setfield(L, -2, "__index");
}

void lh2_headers_open(lua_State *L) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    lua_createtable(L, METATABLE, 0);
    for (int token = 1; token < LH2_NAMES; token++) {
        push_slice(L, hpack_token_name((hpack_token)token));
        lua_rawseti(L, -2, token);
        lua_pushliteral(L, "");
        lua_rawseti(L, -2, VALUES + token);
        runtime->last_values[token] = bytes_slice_of("", 0);
    }
    push_metatable(L);
    lua_rawseti(L, -2, METATABLE);
    runtime->names_ref = lh2_hold(L);
    push_sensitive_key(L);
    lua_setfield(L, -2, "sensitiveHeaders");
}
