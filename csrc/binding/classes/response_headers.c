#include "binding/classes/exchange.h"
#include "binding/field_list.h"

/* The second slot holds what setHeader and its kin have gathered, a list of fields, or nothing; or the table
 * that writeHead was given, as it is. */

/* Private field: such a list of trailers. */
static const char trailers_key;

/* Pushes the list of the response at `index`, or nil. [-0, +1, m] */
static void push_list(lua_State *L, int index) {
    lh2_push_slot(L, index, LH2_SLOT_HEADERS);
    if (!lua_istable(L, -1))
        return;
    lh2_field_list_push_copy(L, lua_gettop(L));
    lua_replace(L, -2);
    lua_pushvalue(L, -1);
    lh2_set_slot(L, index, LH2_SLOT_HEADERS);
}

void lh2_response_clear_headers(lua_State *L, int index) {
    lua_pushnil(L);
    lh2_set_slot(L, index, LH2_SLOT_HEADERS);
}

void lh2_response_read_headers(lua_State *L, int index, lh2_fields *fields) {
    lh2_push_slot(L, index, LH2_SLOT_HEADERS);
    if (lua_isuserdata(L, -1))
        lh2_field_list_read(L, lua_gettop(L), LH2_SECTION_PLAIN, fields);
    else
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
static bool is_dropped(lua_State *L, const lh2_response *response, const lh2_field_name *name) {
    if (name->token != HPACK_TOKEN_NONE || response->version->major < 2 ||
        !bytes_slice_equal(name->text, BYTES_LITERAL("connection")))
        return false;
    lh2_warn_once(L, LH2_WARNING_CONNECTION);
    return true;
}

/* (name, value), by lh2_field_list_put or its like. */
static int change_header(lua_State *L, bool change(lua_State *, int, const lh2_given_field *)) {
    lh2_response *response = check_response(L);
    lua_settop(L, 3);
    lh2_given_field field;
    lh2_field_check_pair(L, 2, &field);
    check_open(L, response);
    if (is_dropped(L, response, &field.name))
        return 0;
    push_list(L, 1);
    if (change(L, 4, &field))
        lh2_set_slot(L, 1, LH2_SLOT_HEADERS);
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
    push_list(L, 1);
    lh2_field_list_erase(L, 3, &name);
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
    push_list(L, 1);
    lh2_field_list_push_value(L, 3, &name);
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
    lh2_field_list_push_names(L, 2);
    if (lh2_response_has_begun(response)) {
        lua_pushliteral(L, ":status");
        lua_rawseti(L, 3, (int)lua_rawlen(L, 3) + 1);
    }
    return 1;
}

/* response:getHeaders(): a map of its own. */
static int get_headers(lua_State *L) {
    const lh2_response *response = check_response(L);
    lua_settop(L, 1);
    push_list(L, 1);
    lh2_field_list_push_map(L, 2);
    if (lh2_response_has_begun(response)) {
        lua_pushinteger(L, response->status);
        lua_setfield(L, 3, ":status");
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
    if (lh2_field_list_put(L, 4, &field))
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
    lh2_field_list_push_merged(L, 3, 2);
    lh2_set_private(L, 1, &trailers_key);
    response->has_trailers = true;
    return 0;
}

void lh2_response_send_trailers(lua_State *L, int index) {
    lh2_response *response = lua_touserdata(L, index);
    lh2_fields fields;
    int top = lua_gettop(L);
    lh2_get_private(L, index, &trailers_key);
    lh2_field_list_read(L, top + 1, LH2_SECTION_TRAILERS, &fields);
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

/* Makes the headers at `given`, with what was set besides, those of the response, in the second slot; if
 * they cannot be sent this raises, and nothing was changed. [-0, +0, v] */
static void take_given(lua_State *L, const lh2_response *response, int given) {
    lh2_fields fields;
    flatten(L, given);
    lh2_push_slot(L, 1, LH2_SLOT_HEADERS);
    int headers = lua_gettop(L);
    if (lua_isuserdata(L, headers)) {
        lh2_field_list_push_merged(L, headers, given);
        lua_replace(L, headers);
        lh2_field_list_read(L, headers, LH2_SECTION_PLAIN, &fields);
    } else {
        lua_pushvalue(L, given);
        lua_replace(L, headers);
        lh2_fields_read(L, headers, LH2_SECTION_PLAIN, &fields);
    }
    if (fields.connection.data != NULL && response->version->major >= 2)
        lh2_warn_once(L, LH2_WARNING_CONNECTION);
    lua_settop(L, headers);
    lh2_set_slot(L, 1, LH2_SLOT_HEADERS);
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
