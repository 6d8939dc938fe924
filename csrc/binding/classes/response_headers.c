#include "binding/classes/exchange.h"
#include "binding/field_list.h"

/* What setHeader and its kin have gathered is a list of fields in the second slot. */

/* Private field: such a list of trailers. */
static const char trailers_key;

/* Pushes the list of the response at `index`, made if there is none. [-0, +1, m] */
static void push_list(lua_State *L, int index) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_push_slot(L, index, LH2_SLOT_HEADERS);
    if (lua_istable(L, -1) && !response->has_raw_headers)
        return;
    if (response->has_raw_headers)
        lh2_field_list_copy(L, lua_gettop(L));
    else
        lua_createtable(L, 8, 0);
    lua_replace(L, -2);
    response->has_raw_headers = false;
    lua_pushvalue(L, -1);
    lh2_set_slot(L, index, LH2_SLOT_HEADERS);
}

void lh2_response_clear_headers(lua_State *L, int index) {
    lh2_response *response = lua_touserdata(L, index);
    response->has_raw_headers = false;
    lua_pushnil(L);
    lh2_set_slot(L, index, LH2_SLOT_HEADERS);
}

void lh2_response_read_headers(lua_State *L, int index, lh2_fields *fields) {
    lh2_push_slot(L, index, LH2_SLOT_HEADERS);
    lh2_fields_read(L, -1, LH2_SECTION_PLAIN, fields);
}

/* ----------------------------------------------------------------------------------- methods */

static lh2_response *check_response(lua_State *L) {
    return lh2_check(L, 1, &lh2_response_class);
}

/* Raises once the headers cannot be changed any more. [-0, +0, v] */
static void check_open(lua_State *L, const lh2_response *response) {
    if (lh2_response_has_begun(response))
        lh2_raise(L, "ERR_HTTP2_HEADERS_SENT", NULL);
}

/* Node: of Connection, HTTP/2 lets nothing be said. */
static bool is_dropped(lua_State *L, const lh2_response *response) {
    if (response->version->major < 2 || strcmp(lua_tostring(L, 2), "connection") != 0)
        return false;
    lh2_warn_once(L, LH2_WARNING_CONNECTION);
    return true;
}

/* (response, name, value): pushes the list that the header goes to, and the value. False where it goes
 * to none. [-0, +0|2, v] */
static bool begin_header(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 3);
    lh2_field_check_pair(L, 2);
    check_open(L, response);
    if (is_dropped(L, response))
        return false;
    push_list(L, 1);
    lua_pushvalue(L, 3);
    return true;
}

/* response:setHeader(name, value) */
static int set_header(lua_State *L) {
    if (begin_header(L))
        lh2_field_list_put(L, 4, 2);
    return 0;
}

/* response:appendHeader(name, value) */
static int append_header(lua_State *L) {
    if (begin_header(L))
        lh2_field_list_add(L, 4, 2);
    return 0;
}

/* response:removeHeader(name); of the date, only the one that is added is meant. */
static int remove_header(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 2);
    lh2_check_string(L, 2, "name", NULL);
    check_open(L, response);
    lh2_field_fold_name(L, 2);
    if (strcmp(lua_tostring(L, 2), "date") == 0) {
        response->has_date = false;
        return 0;
    }
    push_list(L, 1);
    int at = lh2_field_list_find(L, 3, 2);
    if (at > 0)
        lh2_field_list_erase(L, 3, at);
    return 0;
}

/* Pushes the value that the name at 2 has, or nil. [-0, +1, v] */
static void push_header(lua_State *L) {
    const lh2_response *response = check_response(L);
    lua_settop(L, 2);
    lh2_check_string(L, 2, "name", NULL);
    lh2_field_fold_name(L, 2);
    if (lh2_response_has_begun(response) && strcmp(lua_tostring(L, 2), ":status") == 0) {
        lua_pushinteger(L, response->status);
        return;
    }
    push_list(L, 1);
    int at = lh2_field_list_find(L, 3, 2);
    if (at > 0)
        lua_rawgeti(L, 3, at + 1);
    else
        lua_pushnil(L);
}

/* response:getHeader(name) */
static int get_header(lua_State *L) {
    push_header(L);
    return 1;
}

/* response:hasHeader(name) */
static int has_header(lua_State *L) {
    push_header(L);
    lua_pushboolean(L, !lua_isnil(L, -1));
    return 1;
}

/* response:getHeaderNames(): in the order they were set; with :status once it is sent. */
static int get_header_names(lua_State *L) {
    const lh2_response *response = check_response(L);
    lua_settop(L, 1);
    push_list(L, 1);
    int count = (int)lua_rawlen(L, 2) / 2;
    lua_createtable(L, count + 1, 0);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, 2, 2 * i - 1);
        lua_rawseti(L, 3, i);
    }
    if (lh2_response_has_begun(response)) {
        lua_pushliteral(L, ":status");
        lua_rawseti(L, 3, count + 1);
    }
    return 1;
}

/* response:getHeaders(): a map of its own. */
static int get_headers(lua_State *L) {
    const lh2_response *response = check_response(L);
    lua_settop(L, 1);
    push_list(L, 1);
    int count = (int)lua_rawlen(L, 2);
    lua_createtable(L, 0, count / 2 + 1);
    for (int i = 1; i < count; i += 2) {
        lua_rawgeti(L, 2, i);
        lua_rawgeti(L, 2, i + 1);
        lua_rawset(L, 3);
    }
    if (lh2_response_has_begun(response)) {
        lua_pushinteger(L, response->status);
        lua_setfield(L, 3, ":status");
    }
    return 1;
}

/* --------------------------------------------------------------------------------- trailers */

/* Pushes the list of trailers, made if there is none. [-0, +1, m] */
static void push_trailers(lua_State *L) {
    lh2_get_private(L, 1, &trailers_key);
    if (lua_istable(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lh2_set_private(L, 1, &trailers_key);
}

/* response:setTrailer(name, value) */
static int set_trailer(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 3);
    lh2_field_check_pair(L, 2);
    push_trailers(L);
    lua_pushvalue(L, 3);
    lh2_field_list_put(L, 4, 2);
    response->has_trailers = true;
    return 0;
}

/* response:addTrailers(headers): all of them, or none. */
static int add_trailers(lua_State *L) {
    lh2_response *response = check_response(L);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    lua_settop(L, 2);
    lh2_field_list_copy(L, 2);
    push_trailers(L);
    for (int i = 1, count = (int)lua_rawlen(L, 3); i < count; i += 2) {
        lua_rawgeti(L, 3, i);
        lua_rawgeti(L, 3, i + 1);
        lh2_field_list_put(L, 4, 5);
        lua_settop(L, 4);
    }
    response->has_trailers = true;
    return 0;
}

void lh2_response_send_trailers(lua_State *L, int index) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_fields fields;
    int top = lua_gettop(L);
    lh2_get_private(L, index, &trailers_key);
    lh2_fields_read(L, -1, LH2_SECTION_TRAILERS, &fields);
    response->version->trail(L, response->carrier, &fields, top + 1);
    lua_settop(L, top);
}

/* -------------------------------------------------------------------------------- writeHead */

int lh2_check_final_status(lua_State *L, int index) {
    int64_t status = 0;
    if (lua_type(L, index) != LUA_TNUMBER)
        lh2_raise_type(L, "statusCode", "of type number", index);
    if (!lua_compat_integer(L, index, &status) || (status != 0 && (status < 200 || status > 599)))
        lh2_raise(L, "ERR_HTTP2_STATUS_INVALID", luaL_tolstring(L, index, NULL));
    return status == 0 ? 200 : (int)status;
}

/* Replaces {{name, value} ...} at `index` by {name, value ...}. [-0, +0, v] */
static void flatten(lua_State *L, int index) {
    int count = (int)lua_rawlen(L, index), flat = lua_gettop(L) + 1;
    lua_rawgeti(L, index, 1);
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        if (count % 2 != 0)
            lh2_raise_value(L, "headers", "must have an even number of elements", index);
        return;
    }
    lua_pop(L, 1);
    lua_createtable(L, count * 2, 0);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        if (!lua_istable(L, -1) || lua_rawlen(L, -1) != 2)
            lh2_raise_value(L, "headers", "must be pairs of a name and a value", index);
        lua_rawgeti(L, -1, 1);
        lua_rawseti(L, flat, 2 * i - 1);
        lua_rawgeti(L, -1, 2);
        lua_rawseti(L, flat, 2 * i);
        lua_pop(L, 1);
    }
    lua_replace(L, index);
}

/* Pushes what was set and is given at `given` besides, which replaces fields of the same names.
 * [-0, +1, v] */
static void merge(lua_State *L, int given) {
    push_list(L, 1);
    int old = lua_gettop(L), list = old + 1;
    lua_createtable(L, 16, 0);
    lh2_field_list_copy(L, given);
    for (int source = old; source <= list + 1; source += 2) {
        for (int i = 1, count = (int)lua_rawlen(L, source); i < count; i += 2) {
            lua_rawgeti(L, source, i);
            lua_rawgeti(L, source, i + 1);
            lh2_field_list_put(L, list, list + 2);
            lua_settop(L, list + 1);
        }
    }
    lua_settop(L, list);
    lua_replace(L, old);
}

/* Makes the headers at `given` those of the response, in the second slot; if they cannot be sent this
 * raises, and nothing was changed. [-0, +0, v] */
static void take_given(lua_State *L, lh2_response *response, int given) {
    lh2_fields fields;
    flatten(L, given);
    lh2_push_slot(L, 1, LH2_SLOT_HEADERS);
    bool has_some = lua_istable(L, -1) && lua_rawlen(L, -1) > 0;
    lua_pop(L, 1);
    if (has_some)
        merge(L, given);
    else
        lua_pushvalue(L, given);
    int headers = lua_gettop(L);
    lh2_fields_read(L, headers, LH2_SECTION_PLAIN, &fields);
    if (fields.connection.data != NULL && response->version->major >= 2)
        lh2_warn_once(L, LH2_WARNING_CONNECTION);
    lua_settop(L, headers);
    lh2_set_slot(L, 1, LH2_SLOT_HEADERS);
    response->has_raw_headers = !has_some;
}

/* response:writeHead(statusCode[, statusMessage][, headers]) */
static int write_head(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 4);
    if (response->is_closed || response->carrier->is_destroyed) {
        lua_settop(L, 1);
        return 1;
    }
    check_open(L, response);
    int status = lh2_check_final_status(L, 2);
    int given = lua_isnil(L, 4) && lua_type(L, 3) != LUA_TSTRING ? 3 : 4;
    if (lua_type(L, 3) == LUA_TSTRING)
        lh2_warn_once(L, LH2_WARNING_STATUS_MESSAGE);
    if (!lua_isnil(L, given) && !lua_istable(L, given))
        return lh2_raise_type(L, "headers", "of type table", given);
    if (lua_istable(L, given))
        take_given(L, response, given);
    response->status = (uint16_t)status;
    lh2_response_begin(L, 1, false, LH2_SIZE_UNKNOWN);
    lua_settop(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    {"setHeader", set_header},
    {"appendHeader", append_header},
    {"removeHeader", remove_header},
    {"getHeader", get_header},
    {"hasHeader", has_header},
    {"getHeaderNames", get_header_names},
    {"getHeaders", get_headers},
    {"setTrailer", set_trailer},
    {"addTrailers", add_trailers},
    {"writeHead", write_head},
    {NULL, NULL},
};

const lh2_class lh2_response_headers_class = {
    "Http2ServerResponseHeaders", &lh2_emitter_class, methods, NULL, NULL, NULL};
