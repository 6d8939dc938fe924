#include "binding/classes/exchange.h"

static lh2_response *check_response(lua_State *L) {
    return lh2_check(L, 1, &lh2_response_class);
}

/* The same in getters and setters, which are called for nothing else. */
static lh2_response *self(lua_State *L) {
    return lua_touserdata(L, 1);
}

bool lh2_response_is_open(const lh2_response *response) {
    return !response->is_closed && !response->carrier->is_destroyed;
}

/* -------------------------------------------------------------------------------------- body */

/* The callback, if there is one, hears of the error on top; `write` gives false. [-1, +1, m] */
static int refuse_write(lua_State *L, lh2_response *response, int callback) {
    if (callback > 0) {
        lh2_push_carrier(L, 1);
        lh2_visit(L, -1);
        lua_pop(L, 1);
        lh2_call_later(L, &response->carrier->object, callback);
        lh2_depart(L, &response->carrier->object);
    }
    lua_pushboolean(L, false);
    return 1;
}

static void destroy_carrier(lua_State *L, lh2_response *response) {
    if (response->is_destroyed || response->is_closed) {
        lua_pop(L, 1);
        return;
    }
    response->is_destroyed = true;
    lh2_duplex_destroy(L, response->carrier);
}

/* The octets of the chunk at 2 (or nil), if they are the body's as they are. */
static uint64_t body_size(lua_State *L, lh2_encoding encoding) {
    size_t size = lua_isnil(L, 2) ? 0 : lua_rawlen(L, 2);
    return size == 0 || lh2_is_identity(encoding) ? size : LH2_SIZE_UNKNOWN;
}

/* Takes a chunk off what the Content-Length leaves: false if it is more. Where it has to be decoded first,
 * the carrier sees to it, if its framing depends on it. */
static bool claim(lh2_response *response, uint64_t size) {
    if (response->left == LH2_SIZE_UNKNOWN || size == LH2_SIZE_UNKNOWN)
        return true;
    if (size > response->left)
        return false;
    response->left -= size;
    return true;
}

/* More than the Content-Length tells: the response is cut off, and the error pushed. [-0, +1, e] */
static void refuse_excess(lua_State *L, lh2_response *response) {
    lh2_push_length_error(L);
    lua_pushvalue(L, -1);
    destroy_carrier(L, response);
}

/* response:write(chunk[, encoding][, callback]): false once "drain" should be waited for. */
static int write(lua_State *L) {
    lh2_response *response = check_response(L);
    if (lua_type(L, 2) != LUA_TSTRING)
        return lh2_raise_type(L, "chunk", "of type string", 2);
    int callback = lh2_write_arguments(L);
    lh2_encoding encoding = lh2_write_encoding(L, response->carrier);
    if (response->is_ending || !lh2_response_is_open(response)) {
        bool is_late = response->is_ending;
        lh2_push_error(L, is_late ? "ERR_STREAM_WRITE_AFTER_END" : "ERR_HTTP2_INVALID_STREAM",
                       NULL);
        lua_pushvalue(L, -1);
        destroy_carrier(L, response);
        return refuse_write(L, response, callback);
    }
    lh2_response_begin(L, 1, false, LH2_SIZE_UNKNOWN);
    if (response->carrier->is_ending) { /* the head was all there may be */
        lh2_push_error(L, "ERR_STREAM_WRITE_AFTER_END", NULL);
        return refuse_write(L, response, callback);
    }
    if (!claim(response, body_size(L, encoding))) {
        refuse_excess(L, response);
        return refuse_write(L, response, callback);
    }
    lh2_push_carrier(L, 1);
    lua_replace(L, 1);
    lua_pushboolean(L, lh2_duplex_write(L, encoding, callback));
    return 1;
}

static void call_back(lua_State *L, lh2_object *object, intptr_t callback) {
    (void)object;
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lua_call(L, 0, 0);
}

/* A second finish(), or one that comes too late: harmless. */
static int finish_again(lua_State *L, lh2_response *response, int callback) {
    if (callback > 0) {
        lh2_push_carrier(L, 1);
        lh2_visit(L, -1);
        lua_pushvalue(L, callback);
        lh2_tick_push(L, &response->carrier->object, call_back, lh2_hold(L));
        lh2_depart(L, &response->carrier->object);
    }
    lua_settop(L, 1);
    return 1;
}

/* Node: where there was never anything to finish, the callback is a listener of the response. */
static int finish_with_carrier(lua_State *L, int callback) {
    lua_pushvalue(L, callback);
    lh2_add_listener(L, 1, LH2_EVENT_FINISH, true);
    lua_settop(L, 1);
    return 1;
}

/* The trailers that were set follow the body. */
static void expect_trailers(lh2_response *response) {
    if (!response->carrier->is_ending)
        response->version->expect_trailers(response->carrier);
    lh2_watch(&response->carrier->object, &response->object, LH2_EVENT_WANT_TRAILERS, true);
}

/* response:finish([data][, encoding][, callback]), and under the name `end` too. */
static int finish(lua_State *L) {
    lh2_response *response = check_response(L);
    int callback = lh2_write_arguments(L);
    bool has_trailers = response->has_trailers;
    lh2_encoding encoding = lua_isnil(L, 2) ? LH2_OCTETS : lh2_write_encoding(L, response->carrier);
    if (response->is_ending || !lh2_response_is_open(response)) {
        response->is_ending = true;
        return finish_again(L, response, callback);
    }
    uint64_t size = body_size(L, encoding);
    lh2_response_begin(L, 1, size == 0 && !has_trailers, has_trailers ? LH2_SIZE_UNKNOWN : size);
    response->is_ending = true;
    if (has_trailers)
        expect_trailers(response);
    if (response->carrier->is_ending) { /* a body that may not be is let go */
        if (callback == 0)
            return lua_settop(L, 1), 1;
        if (response->version->is_head(response->carrier)) /* it had ended before */
            return finish_with_carrier(L, callback);
        lua_pushnil(L);
        lua_replace(L, 2);
        size = 0;
    }
    if (!claim(response, size)) {
        refuse_excess(L, response);
        refuse_write(L, response, callback);
        return lua_settop(L, 1), 1;
    }
    lh2_push_carrier(L, 1);
    lua_replace(L, 1);
    lh2_duplex_finish(L, encoding, callback);
    lh2_push(L, &response->object); /* anchored still: what closes the carrier comes by ticks */
    return 1;
}

/* response:destroy([error]) */
static int destroy(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 2);
    destroy_carrier(L, response);
    return 0;
}

static int cork(lua_State *L) {
    check_response(L);
    return lh2_call_carrier(L, "cork");
}

static int uncork(lua_State *L) {
    check_response(L);
    return lh2_call_carrier(L, "uncork");
}

static int set_timeout(lua_State *L) {
    check_response(L);
    return lh2_exchange_set_timeout(L);
}

/* ------------------------------------------------------------------------------------ pushing */

/* pushStream's callback (error, stream); upvalues: the callback, the response. */
static int pushed(lua_State *L) {
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    if (lua_isnil(L, 1)) {
        const lh2_response *parent = lua_touserdata(L, lua_upvalueindex(2));
        lua_pushvalue(L, 2);
        lh2_response_new_pushed(L, parent->version->server(parent->carrier));
        lua_remove(L, -2);
        lua_call(L, 2, 0);
    } else {
        lua_call(L, 1, 0);
    }
    return 0;
}

/* response:createPushResponse(headers, callback): callback(error, response). */
static int create_push_response(lua_State *L) {
    lh2_response *response = check_response(L);
    lua_settop(L, 3);
    lh2_check_function(L, 3, "callback");
    if (!lh2_response_is_open(response)) {
        lh2_push_error(L, "ERR_HTTP2_INVALID_STREAM", NULL);
        refuse_write(L, response, 3);
        return 0;
    }
    lh2_push_carrier(L, 1);
    lua_getfield(L, 4, "pushStream");
    if (lua_isnil(L, 5))
        return lh2_raise(L, "ERR_HTTP2_PUSH_DISABLED", NULL);
    lua_insert(L, 4);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, pushed, 2);
    lua_call(L, 3, 0);
    return 0;
}

static const luaL_Reg methods[] = {
    {"writeContinue", lh2_response_write_continue},
    {"writeEarlyHints", lh2_response_write_early_hints},
    {"flushHeaders", lh2_response_flush_headers},
    {"write", write},
    {"finish", finish},
    {"end", finish},
    {"destroy", destroy},
    {"cork", cork},
    {"uncork", uncork},
    {"setTimeout", set_timeout},
    {"createPushResponse", create_push_response},
    {NULL, NULL},
};

/* ------------------------------------------------------------------------ getters and setters */

static int get_status_code(lua_State *L) {
    lua_pushinteger(L, self(L)->status);
    return 1;
}

/* Node cuts it to an integer; what is no number counts as 0. */
static int set_status_code(lua_State *L) {
    lh2_response *response = self(L);
    double status = lua_tonumber(L, 2);
    if (status >= 100 && status < 200)
        return lh2_raise(L, "ERR_HTTP2_INFO_STATUS_NOT_ALLOWED", NULL);
    if (!(status >= 200 && status < 600))
        return lh2_raise(L, "ERR_HTTP2_STATUS_INVALID", luaL_tolstring(L, 2, NULL));
    response->status = (uint16_t)status;
    return 0;
}

static int get_status_message(lua_State *L) {
    lh2_warn_once(L, LH2_WARNING_STATUS_MESSAGE);
    lua_pushliteral(L, "");
    return 1;
}

static int set_status_message(lua_State *L) {
    lh2_warn_once(L, LH2_WARNING_STATUS_MESSAGE);
    return 0;
}

static int get_headers_sent(lua_State *L) {
    lua_pushboolean(L, lh2_response_has_begun(self(L)));
    return 1;
}

static int get_send_date(lua_State *L) {
    lua_pushboolean(L, self(L)->has_date);
    return 1;
}

static int set_send_date(lua_State *L) {
    self(L)->has_date = lua_toboolean(L, 2);
    return 0;
}

static int get_finished(lua_State *L) {
    lua_pushboolean(L, self(L)->is_ending);
    return 1;
}

/* Node: a field that is never changed. */
static int get_writable(lua_State *L) {
    lua_pushboolean(L, true);
    return 1;
}

static int get_closed(lua_State *L) {
    lua_pushboolean(L, self(L)->is_closed);
    return 1;
}

static int get_req(lua_State *L) {
    if (self(L)->request != NULL)
        lh2_push_slot(L, 1, LH2_SLOT_OWNER);
    else
        lua_pushnil(L);
    return 1;
}

static int get_stream(lua_State *L) {
    lh2_push_carrier(L, 1);
    return 1;
}

static int get_socket(lua_State *L) {
    if (self(L)->is_closed)
        lua_pushnil(L);
    else
        lh2_push_exchange_socket(L, 1);
    return 1;
}

LH2_FORWARD(destroyed)
LH2_FORWARD(writableFinished)
LH2_FORWARD(writableLength)
LH2_FORWARD(writableHighWaterMark)
LH2_FORWARD(writableNeedDrain)
LH2_FORWARD(writableCorked)

static int get_errored(lua_State *L) {
    return lh2_exchange_errored(L, self(L)->is_destroyed);
}

static const luaL_Reg getters[] = {
    {"statusCode", get_status_code},
    {"statusMessage", get_status_message},
    {"headersSent", get_headers_sent},
    {"_header", get_headers_sent},
    {"sendDate", get_send_date},
    {"finished", get_finished},
    {"writableEnded", get_finished},
    {"writable", get_writable},
    {"closed", get_closed},
    {"req", get_req},
    {"stream", get_stream},
    {"socket", get_socket},
    {"connection", get_socket},
    {"destroyed", get_destroyed},
    {"errored", get_errored},
    {"writableFinished", get_writableFinished},
    {"writableLength", get_writableLength},
    {"writableHighWaterMark", get_writableHighWaterMark},
    {"writableNeedDrain", get_writableNeedDrain},
    {"writableCorked", get_writableCorked},
    {NULL, NULL},
};

static const luaL_Reg setters[] = {{"statusCode", set_status_code},
                                   {"statusMessage", set_status_message},
                                   {"sendDate", set_send_date},
                                   {NULL, NULL}};

/* `local response <close>`: what is not finished at the end of the block is cut off. */
static int close_variable(lua_State *L) {
    lh2_response *response = check_response(L);
    if (response->is_ending)
        return 0;
    lua_settop(L, 1);
    return destroy(L);
}

static const luaL_Reg metamethods[] = {{"__close", close_variable}, {NULL, NULL}};

const lh2_class lh2_response_class = {
    "Http2ServerResponse", &lh2_response_headers_class, methods, getters, setters, metamethods};
