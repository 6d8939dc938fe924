#include "binding/field_list.h"

#include "binding/args.h"
#include "binding/error.h"
#include "h1/h1.h"

/* --------------------------------------------------------------------------- names and values */

/* ERR_INVALID_HTTP_TOKEN, or what is wrong with a name that begins with a colon. [-0, +0, v] */
static int raise_name(lua_State *L, int name) {
    static const char *const pseudo[] = {":status", ":method",    ":path",
                                         ":scheme", ":authority", ":protocol"};
    size_t size;
    const char *text = lua_tolstring(L, name, &size);
    for (size_t i = 0; i < sizeof(pseudo) / sizeof(*pseudo); i++)
        if (strcmp(text, pseudo[i]) == 0)
            return lh2_raise(L, "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED", NULL);
    if (text[0] == ':')
        return lh2_raise(L, "ERR_HTTP2_INVALID_PSEUDOHEADER", text);
    return lh2_raise(L, "ERR_INVALID_HTTP_TOKEN", text);
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void lh2_field_fold_name(lua_State *L, int index) {
    size_t size, upper = 0;
    const char *text = lua_tolstring(L, index, &size);
    size_t begin = 0, end = size;
    while (begin < end && is_blank(text[begin]))
        begin++;
    while (end > begin && is_blank(text[end - 1]))
        end--;
    for (size_t i = begin; i < end; i++)
        upper += text[i] >= 'A' && text[i] <= 'Z';
    if (upper == 0 && end - begin == size)
        return;
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = begin; i < end; i++)
        luaL_addchar(&buffer, (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]));
    luaL_pushresult(&buffer);
    lua_replace(L, index);
}

/* Folds a name that is to be set. [-0, +0, v] */
static void check_name(lua_State *L, int index) {
    size_t size;
    const char *text = lh2_check_string(L, index, "name", &size);
    hpack_token token = hpack_token_of(bytes_slice_of(text, size));
    if (token != HPACK_TOKEN_NONE && text[0] != ':') /* RFC 7541's table has it in this spelling */
        return;
    lh2_field_fold_name(L, index);
    text = lua_tolstring(L, index, &size);
    if (!h1_is_token(bytes_slice_of(text, size)))
        raise_name(L, index);
}

static int raise_value(lua_State *L, int name, int value) {
    luaL_tolstring(L, value, NULL);
    lua_pushfstring(L, "\"%s\" for header \"%s\"", lua_tostring(L, -1), lua_tostring(L, name));
    return lh2_raise(L, "ERR_HTTP2_INVALID_HEADER_VALUE", lua_tostring(L, -1));
}

/* RFC 9110 §5.5. */
static void check_text(lua_State *L, int name, int value) {
    size_t size;
    const char *text = lua_tolstring(L, value, &size);
    for (size_t i = 0; i < size; i++)
        if (((uint8_t)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            lh2_raise_text(L, "TypeError", "ERR_INVALID_CHAR",
                           "Invalid character in header content [\"%s\"]", lua_tostring(L, name));
}

static void check_scalar(lua_State *L, int name, int value) {
    int type = lua_type(L, value);
    if (type == LUA_TSTRING)
        check_text(L, name, value);
    else if (type != LUA_TNUMBER && type != LUA_TBOOLEAN)
        raise_value(L, name, value);
}

/* Raises for what is no value of a field, nor a sequence of them. [-0, +0, v] */
static void check_value(lua_State *L, int name, int value) {
    if (!lua_istable(L, value)) {
        check_scalar(L, name, value);
        return;
    }
    for (int i = 1, count = (int)lua_rawlen(L, value); i <= count; i++) {
        lua_rawgeti(L, value, i);
        check_scalar(L, name, lua_gettop(L));
        lua_pop(L, 1);
    }
}

/* ---------------------------------------------------------------------------------- the list */

int lh2_field_list_find(lua_State *L, int list, int name) {
    for (int i = 1, count = (int)lua_rawlen(L, list); i < count; i += 2) {
        lua_rawgeti(L, list, i);
        bool is_found = lua_rawequal(L, -1, name);
        lua_pop(L, 1);
        if (is_found)
            return i;
    }
    return 0;
}

void lh2_field_list_put(lua_State *L, int list, int name) {
    int at = lh2_field_list_find(L, list, name);
    if (at == 0) {
        at = (int)lua_rawlen(L, list) + 1;
        lua_pushvalue(L, name);
        lua_rawseti(L, list, at);
    }
    lua_rawseti(L, list, at + 1);
}

void lh2_field_list_add(lua_State *L, int list, int name) {
    int value = lua_gettop(L), at = lh2_field_list_find(L, list, name), count = 0;
    if (at == 0) {
        lh2_field_list_put(L, list, name);
        return;
    }
    lua_newtable(L);
    lua_rawgeti(L, list, at + 1);
    for (int source = value + 2; source >= value; source -= 2) {
        int size = lua_istable(L, source) ? (int)lua_rawlen(L, source) : 0;
        for (int i = 1; i <= size; i++) {
            lua_rawgeti(L, source, i);
            lua_rawseti(L, value + 1, ++count);
        }
        if (!lua_istable(L, source)) {
            lua_pushvalue(L, source);
            lua_rawseti(L, value + 1, ++count);
        }
    }
    lua_pop(L, 1);
    lua_rawseti(L, list, at + 1);
    lua_pop(L, 1);
}

void lh2_field_list_erase(lua_State *L, int list, int at) {
    int count = (int)lua_rawlen(L, list);
    for (int i = at; i <= count; i++) {
        lua_rawgeti(L, list, i + 2);
        lua_rawseti(L, list, i);
    }
}

void lh2_field_check_pair(lua_State *L, int name) {
    check_name(L, name);
    check_value(L, name, name + 1);
}

void lh2_field_list_copy(lua_State *L, int given) {
    int list = lua_gettop(L) + 1, count = (int)lua_rawlen(L, given);
    lua_createtable(L, 16, 0);
    for (int i = 1; i < count; i += 2) {
        lua_rawgeti(L, given, i);
        lua_rawgeti(L, given, i + 1);
        lh2_field_check_pair(L, list + 1);
        lh2_field_list_add(L, list, list + 1);
        lua_settop(L, list);
    }
    if (count > 0)
        return;
    for (lua_pushnil(L); lua_next(L, given); lua_settop(L, list + 1)) {
        if (lua_type(L, list + 1) != LUA_TSTRING)
            continue;
        lua_pushvalue(L, list + 1);
        lua_pushvalue(L, list + 2);
        lh2_field_check_pair(L, list + 3);
        lh2_field_list_put(L, list, list + 3);
    }
}
