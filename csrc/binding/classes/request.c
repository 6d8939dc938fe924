#include "binding/classes/exchange.h"

/* Private fields: what was asked for once, or was set. */
static const char headers_key, raw_headers_key, trailers_key, raw_trailers_key;

static lh2_request *check_request(lua_State *L) {
    return lh2_check(L, 1, &lh2_request_class);
}

/* The same in getters and setters, which are called for nothing else. */
static lh2_request *self(lua_State *L) {
    return lua_touserdata(L, 1);
}

/* ---------------------------------------------------------------------------------- headers */

/* Pushes the headers as a table, always the same. [-0, +1, m] */
static void push_headers(lua_State *L, int index) {
    lh2_request *request = lua_touserdata(L, index);
    lh2_get_private(L, index, &headers_key);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    const hpack_field *fields = lh2_push_unpacked(L, request->fields, request->field_count);
    lh2_push_headers(L, request->object.runtime, fields, request->field_count);
    lua_replace(L, -2);
    lua_pushvalue(L, -1);
    lh2_set_private(L, index, &headers_key);
}

/* Pushes one header, or nil; makes no table for it. [-0, +1, m] */
static void push_header(lua_State *L, hpack_token name) {
    const lh2_request *request = self(L);
    lh2_get_private(L, 1, &headers_key);
    if (!lua_isnil(L, -1)) {
        lua_getfield(L, -1, (const char *)hpack_token_name(name).data);
        lua_replace(L, -2);
        return;
    }
    bytes_slice value = lh2_packed_find(request->fields, request->field_count, name);
    if (value.data != NULL)
        lua_pushlstring(L, (const char *)value.data, value.size);
}

void lh2_request_use_headers(lua_State *L, int index, int headers, int raw) {
    index = lua_absindex(L, index);
    lua_pushvalue(L, headers);
    lh2_set_private(L, index, &headers_key);
    lua_pushvalue(L, raw);
    lh2_set_private(L, index, &raw_headers_key);
}

void lh2_request_note_trailers(lua_State *L, lh2_request *request, int arguments) {
    lh2_push(L, &request->response->object);
    lh2_push_slot(L, -1, LH2_SLOT_OWNER);
    lua_pushvalue(L, arguments);
    lh2_set_private(L, -2, &trailers_key);
    lua_pushvalue(L, arguments + 2);
    lh2_set_private(L, -2, &raw_trailers_key);
    lua_pop(L, 2);
}

static int get_headers(lua_State *L) {
    push_headers(L, 1);
    return 1;
}

static int get_raw_headers(lua_State *L) {
    lh2_request *request = self(L);
    lh2_get_private(L, 1, &raw_headers_key);
    if (!lua_isnil(L, -1))
        return 1;
    const lh2_kept_fields *raw = request->version->raw_request(request->carrier);
    const hpack_field *fields = raw != NULL ? raw->fields : NULL;
    size_t count = raw != NULL ? raw->count : request->field_count;
    if (raw == NULL)
        fields = lh2_push_unpacked(L, request->fields, count);
    lh2_push_raw_headers(L, request->object.runtime, fields, count);
    lua_pushvalue(L, -1);
    lh2_set_private(L, 1, &raw_headers_key);
    return 1;
}

/* Pushes the table under `key`, an empty one if there is none. [-0, +1, m] */
static int push_table(lua_State *L, const void *key) {
    lh2_get_private(L, 1, key);
    if (!lua_isnil(L, -1))
        return 1;
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lh2_set_private(L, 1, key);
    return 1;
}

static int get_trailers(lua_State *L) {
    return push_table(L, &trailers_key);
}

static int get_raw_trailers(lua_State *L) {
    return push_table(L, &raw_trailers_key);
}

static int get_method(lua_State *L) {
    push_header(L, HPACK_TOKEN_METHOD);
    return 1;
}

static int set_method(lua_State *L) {
    const char *method = lh2_check_string(L, 2, "method", NULL);
    if (method[strspn(method, " \t\r\n")] == '\0')
        return lh2_raise_value(L, "method", NULL, 2);
    push_headers(L, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, ":method");
    return 0;
}

static int get_url(lua_State *L) {
    push_header(L, HPACK_TOKEN_PATH);
    return 1;
}

static int set_url(lua_State *L) {
    lua_settop(L, 2);
    push_headers(L, 1);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, ":path");
    return 0;
}

static int get_authority(lua_State *L) {
    push_header(L, HPACK_TOKEN_AUTHORITY);
    if (lua_isnil(L, -1))
        push_header(L, HPACK_TOKEN_HOST);
    return 1;
}

static int get_scheme(lua_State *L) {
    push_header(L, HPACK_TOKEN_SCHEME);
    return 1;
}

/* ------------------------------------------------------------------------------ the exchange */

static int get_http_version(lua_State *L) {
    const lh2_request *request = self(L);
    lua_pushfstring(L, "%d.%d", request->version->major, request->version->minor(request->carrier));
    return 1;
}

static int get_http_version_major(lua_State *L) {
    lua_pushinteger(L, self(L)->version->major);
    return 1;
}

static int get_http_version_minor(lua_State *L) {
    const lh2_request *request = self(L);
    lua_pushinteger(L, request->version->minor(request->carrier));
    return 1;
}

static int get_complete(lua_State *L) {
    const lh2_request *request = self(L);
    const lh2_duplex *carrier = request->carrier;
    lua_pushboolean(L, carrier->is_end_emitted || request->is_closed || carrier->is_destroyed);
    return 1;
}

static int get_stream(lua_State *L) {
    lh2_push_carrier(L, 1);
    return 1;
}

static int get_socket(lua_State *L) {
    lh2_push_exchange_socket(L, 1);
    return 1;
}

static int get_closed(lua_State *L) {
    lua_pushboolean(L, self(L)->is_closed);
    return 1;
}

/* request:destroy([error]): the carrier's end (the documentation; Node's code leaves it be). */
static int destroy(lua_State *L) {
    lh2_request *request = check_request(L);
    lua_settop(L, 2);
    if (request->response != NULL && !request->carrier->is_destroyed) {
        request->is_destroyed = true;
        lua_pushvalue(L, 2);
        lh2_duplex_destroy(L, request->carrier);
    }
    lua_settop(L, 1);
    return 1;
}

/* ------------------------------------------------------------------- the carrier's readable side */

/* A method of the carrier that returns the carrier: here, the request. */
static int call_for_self(lua_State *L, const char *name) {
    check_request(L);
    lua_pushvalue(L, 1);
    lua_insert(L, 1);
    lh2_push_carrier(L, 1);
    lua_replace(L, 2);
    lua_getfield(L, 2, name);
    lua_insert(L, 2);
    lua_call(L, lua_gettop(L) - 2, 0);
    lua_settop(L, 1);
    return 1;
}

static int pause(lua_State *L) {
    return call_for_self(L, "pause");
}

static int resume(lua_State *L) {
    return call_for_self(L, "resume");
}

static int set_encoding(lua_State *L) {
    return call_for_self(L, "setEncoding");
}

static int read(lua_State *L) {
    check_request(L);
    return lh2_call_carrier(L, "read");
}

static int is_paused(lua_State *L) {
    check_request(L);
    return lh2_call_carrier(L, "isPaused");
}

static int unshift(lua_State *L) {
    check_request(L);
    return lh2_call_carrier(L, "unshift");
}

static int set_timeout(lua_State *L) {
    check_request(L);
    return lh2_exchange_set_timeout(L);
}

static const luaL_Reg methods[] = {
    {"destroy", destroy},
    {"setTimeout", set_timeout},
    {"read", read},
    {"pause", pause},
    {"resume", resume},
    {"isPaused", is_paused},
    {"setEncoding", set_encoding},
    {"unshift", unshift},
    {"pipe", lh2_pipe},
    {"unpipe", lh2_unpipe},
    {NULL, NULL},
};

LH2_FORWARD(aborted)
LH2_FORWARD(destroyed)
LH2_FORWARD(readable)
LH2_FORWARD(readableEnded)
LH2_FORWARD(readableAborted)
LH2_FORWARD(readableDidRead)
LH2_FORWARD(readableFlowing)
LH2_FORWARD(readableLength)
LH2_FORWARD(readableHighWaterMark)
LH2_FORWARD(readableEncoding)

static int get_errored(lua_State *L) {
    return lh2_exchange_errored(L, self(L)->is_destroyed);
}

static const luaL_Reg getters[] = {
    {"headers", get_headers},
    {"rawHeaders", get_raw_headers},
    {"trailers", get_trailers},
    {"rawTrailers", get_raw_trailers},
    {"method", get_method},
    {"url", get_url},
    {"authority", get_authority},
    {"scheme", get_scheme},
    {"httpVersion", get_http_version},
    {"httpVersionMajor", get_http_version_major},
    {"httpVersionMinor", get_http_version_minor},
    {"complete", get_complete},
    {"stream", get_stream},
    {"socket", get_socket},
    {"connection", get_socket},
    {"closed", get_closed},
    {"aborted", get_aborted},
    {"destroyed", get_destroyed},
    {"errored", get_errored},
    {"readable", get_readable},
    {"readableEnded", get_readableEnded},
    {"readableAborted", get_readableAborted},
    {"readableDidRead", get_readableDidRead},
    {"readableFlowing", get_readableFlowing},
    {"readableLength", get_readableLength},
    {"readableHighWaterMark", get_readableHighWaterMark},
    {"readableEncoding", get_readableEncoding},
    {NULL, NULL},
};

static const luaL_Reg setters[] = {{"method", set_method}, {"url", set_url}, {NULL, NULL}};

/* `local request <close>` */
static int close_variable(lua_State *L) {
    lua_settop(L, 1);
    return destroy(L);
}

static const luaL_Reg metamethods[] = {{"__close", close_variable}, {NULL, NULL}};

const lh2_class lh2_request_class = {
    "Http2ServerRequest", &lh2_emitter_class, methods, getters, setters, metamethods};
