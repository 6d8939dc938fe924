#include "binding/classes/exchange.h"

/* Private field: the list of trailers. */
static const char trailers_key;

void lh2_response_init_headers(lh2_response *response) {
    response->own.list = (lh2_field_list){.capacity = sizeof(response->own.records)};
    response->headers = (lh2_field_list *)&response->own;
}

/* Keeps the list on top for the response at `index`. [-1, +0, m] */
static void keep_list(lua_State *L, int index, lh2_field_list *list) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_set_slot(L, index, LH2_SLOT_HEADERS);
    response->headers = list;
    response->has_raw_headers = false;
}

/* What was set, or what writeHead was given, as a list. [-0, +0, m] */
static lh2_field_list *list_of(lua_State *L, int index) {
    const lh2_response *response = lua_touserdata(L, index);
    if (response->has_raw_headers) {
        lh2_push_slot(L, index, LH2_SLOT_HEADERS);
        keep_list(L, index, lh2_field_list_push_copy(L, lua_gettop(L)));
        lua_pop(L, 1);
    }
    return response->headers;
}

void lh2_response_clear_headers(lua_State *L, int index) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_response_init_headers(response);
    lua_pushnil(L);
    keep_list(L, index, response->headers);
}

void lh2_response_read_headers(lua_State *L, int index, lh2_fields *fields) {
    const lh2_response *response = lua_touserdata(L, index);
    if (response->has_raw_headers) {
        lh2_push_slot(L, index, LH2_SLOT_HEADERS);
        lh2_fields_read(L, -1, LH2_SECTION_PLAIN, fields);
    } else {
        lua_pushvalue(L, index);
        lh2_field_list_read(L, response->headers, LH2_SECTION_PLAIN, fields);
    }
}

void lh2_response_push_headers(lua_State *L, int index) {
    lh2_field_list_push_map(L, list_of(L, index));
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
static bool is_dropped(lua_State *L, const lh2_response *response, const lh2_field_name *name) {
    if (name->token != HPACK_TOKEN_NONE || response->version->major < 2 ||
        !bytes_slice_equal(name->text, BYTES_LITERAL("connection")))
        return false;
    lh2_warn_once(L, LH2_WARNING_CONNECTION);
    return true;
}

/* (name, value), by lh2_field_list_put or its like. */
static int change_header(lua_State *L, lh2_field_list *change(lua_State *, lh2_field_list *,
                                                              const lh2_given_field *)) {
    lh2_response *response = check_response(L);
    lua_settop(L, 3);
    lh2_given_field field;
    lh2_field_check_pair(L, 2, &field);
    check_open(L, response);
    if (is_dropped(L, response, &field.name))
        return 0;
    lh2_field_list *before = list_of(L, 1), *after = change(L, before, &field);
    if (after != before)
        keep_list(L, 1, after);
    return 0;
}

/* response:setHeader(name, value) */
static int set_header(lua_State *L) {
    return change_header(L, lh2_field_list_put);
}

/* response:appendHeader(name, value) */
static int append_header(lua_State *L) {
    return change_header(L, lh2_field_list_add);
}

/* The argument `name`. [-0, +0, v] */
static lh2_field_name check_name(lua_State *L) {
    lua_settop(L, 2);
    lh2_check_string(L, 2, "name", NULL);
    return lh2_field_fold_name(L, 2);
}

/* response:removeHeader(name); of the date, only the one that is added is meant. */
static int remove_header(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 2);
    lh2_check_string(L, 2, "name", NULL);
    check_open(L, response);
    lh2_field_name name = lh2_field_fold_name(L, 2);
    if (name.token == HPACK_TOKEN_DATE) {
        response->has_date = false;
        return 0;
    }
    lh2_field_list_erase(list_of(L, 1), &name);
    return 0;
}

/* Pushes the value that the name at 2 has, or nil. [-0, +1, v] */
static void push_header(lua_State *L) {
    const lh2_response *response = check_response(L);
    lh2_field_name name = check_name(L);
    if (lh2_response_has_begun(response) && name.token == HPACK_TOKEN_STATUS) {
        lua_pushinteger(L, response->status);
        return;
    }
    lh2_field_list_push_value(L, list_of(L, 1), &name);
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
    lh2_field_list_push_names(L, list_of(L, 1));
    if (lh2_response_has_begun(response)) {
        lua_pushliteral(L, ":status");
        lua_rawseti(L, 2, (int)lua_rawlen(L, 2) + 1);
    }
    return 1;
}

/* response:getHeaders(): a map of its own. */
static int get_headers(lua_State *L) {
    const lh2_response *response = check_response(L);
    lua_settop(L, 1);
    lh2_response_push_headers(L, 1);
    if (lh2_response_has_begun(response)) {
        lua_pushinteger(L, response->status);
        lua_setfield(L, 2, ":status");
    }
    return 1;
}

/* --------------------------------------------------------------------------------- trailers */

/* response:setTrailer(name, value) */
static int set_trailer(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 3);
    lh2_given_field field;
    lh2_field_check_pair(L, 2, &field);
    lh2_get_private(L, 1, &trailers_key);
    lh2_field_list *before = lua_touserdata(L, 4);
    if (lh2_field_list_put(L, before, &field) != before)
        lh2_set_private(L, 1, &trailers_key);
    response->has_trailers = true;
    return 0;
}

/* response:addTrailers(headers): all of them, or none. */
static int add_trailers(lua_State *L) {
    lh2_response *response = check_response(L);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    lua_settop(L, 2);
    lh2_get_private(L, 1, &trailers_key);
    lh2_field_list_push_merged(L, lua_touserdata(L, 3), 2);
    lh2_set_private(L, 1, &trailers_key);
    response->has_trailers = true;
    return 0;
}

void lh2_response_send_trailers(lua_State *L, int index) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_fields fields;
    int top = lua_gettop(L);
    lh2_get_private(L, index, &trailers_key);
    lh2_field_list_read(L, lua_touserdata(L, top + 1), LH2_SECTION_TRAILERS, &fields);
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

/* Makes the headers at `given`, with what was set besides, those of the response; if they cannot be sent
 * this raises, and nothing was changed. [-0, +0, v] */
static void take_given(lua_State *L, lh2_response *response, int given) {
    lh2_fields fields;
    flatten(L, given);
    lh2_field_list *list = response->headers;
    bool is_raw = list->size == 0;
    if (is_raw) {
        lua_pushvalue(L, given);
        lh2_fields_read(L, given, LH2_SECTION_PLAIN, &fields);
    } else {
        list = lh2_field_list_push_merged(L, list, given);
        lh2_field_list_read(L, list, LH2_SECTION_PLAIN, &fields);
    }
    if (fields.connection.data != NULL && response->version->major >= 2)
        lh2_warn_once(L, LH2_WARNING_CONNECTION);
    lua_pop(L, 1);
    if (is_raw) {
        lh2_response_init_headers(response);
        list = response->headers;
    }
    keep_list(L, 1, list);
    response->has_raw_headers = is_raw;
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
