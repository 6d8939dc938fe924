#include "binding/classes/connection.h"
#include "binding/classes/session_members.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"
#include "binding/open.h"

lh2_session *lh2_session_check_alive(lua_State *L, int index) {
    lh2_session *session = lh2_check(L, index, &lh2_session_class);
    if (session->is_destroyed)
        lh2_raise(L, "ERR_HTTP2_INVALID_SESSION", NULL);
    return session;
}

/* ---------------------------------------------------------------------------------- methods */

/* session:close([callback]): without a stream to wait for that is its end. */
static int session_close(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (session->is_closed || session->is_destroyed)
        return 0;
    if (!lua_isnoneornil(L, 2)) {
        lh2_check_function(L, 2, "callback");
        lua_pushvalue(L, 2);
        lh2_add_listener(L, 1, LH2_EVENT_CLOSE, true);
    }
    lh2_session_close(L, session);
    lh2_session_finish(L, session);
    return 0;
}

/* session:destroy([error][, code]): a number in the place of the error is a code. */
static int session_destroy(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lua_settop(L, 3);
    uint32_t code = H2_NO_ERROR;
    if (lua_type(L, 2) == LUA_TNUMBER) {
        code = (uint32_t)lh2_check_integer(L, 2, "code", 0, UINT32_MAX);
        if (code == H2_NO_ERROR)
            lua_pushnil(L);
        else
            lh2_push_session_error(L, code, H2_BY_LOCAL, true);
    } else {
        code = lua_isnil(L, 2) ? H2_NO_ERROR : H2_INTERNAL_ERROR;
        if (!lua_isnil(L, 3))
            code = (uint32_t)lh2_check_integer(L, 3, "code", 0, UINT32_MAX);
        lua_pushvalue(L, 2);
        lh2_to_error(L);
    }
    lh2_session_destroy(L, session, code);
    return 0;
}

/* A goaway() that waited for the connection; upvalues: its arguments. */
static int goaway_connected(lua_State *L) {
    lua_settop(L, 0);
    lua_getfield(L, lua_upvalueindex(1), "goaway");
    for (int i = 1; i <= 4; i++)
        lua_pushvalue(L, lua_upvalueindex(i));
    lua_call(L, 4, 0);
    return 0;
}

/* session:goaway([code[, lastStreamID[, opaqueData]]]) */
static int session_goaway(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    lua_settop(L, 4);
    uint32_t code = 0, last_id = 0;
    size_t size = 0;
    const char *debug = NULL;
    if (!lua_isnil(L, 2))
        code = (uint32_t)lh2_check_integer(L, 2, "code", 0, UINT32_MAX);
    if (!lua_isnil(L, 3)) {
        int64_t id = lh2_check_integer(L, 3, "lastStreamID", INT32_MIN, UINT32_MAX);
        last_id = id < 0 ? 0 : (uint32_t)id;
    }
    if (!lua_isnil(L, 4))
        debug = lh2_check_string(L, 4, "opaqueData", &size);
    if (session->is_connecting) {
        for (int i = 1; i <= 4; i++)
            lua_pushvalue(L, i);
        lua_pushcclosure(L, goaway_connected, 4);
        lh2_add_listener(L, 1, LH2_EVENT_CONNECT, true);
        return 0;
    }
    if (last_id == 0)
        last_id = INT32_MAX;
    h2_session_submit_goaway(session->engine, code, last_id, bytes_slice_of(debug, size));
    lh2_session_touch(session);
    return 0;
}

/* Calls the callback, held with the call as its number, with a cancelled ping. */
static void ping_cancelled(lua_State *L, lh2_object *object, intptr_t callback) {
    (void)object;
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lh2_push_error(L, "ERR_HTTP2_PING_CANCEL", NULL);
    lua_call(L, 1, 0);
}

/* session:ping([payload, ]callback) */
static int session_ping(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    int callback = lua_isfunction(L, 2) ? 2 : 3;
    uint8_t payload[8];
    uint64_t now = uv_hrtime();
    memcpy(payload, &now, sizeof(payload));
    if (callback == 3 && !lua_isnoneornil(L, 2)) {
        size_t size;
        const char *given = lh2_check_string(L, 2, "payload", &size);
        if (size != 8)
            return lh2_raise(L, "ERR_HTTP2_PING_LENGTH", NULL);
        memcpy(payload, given, sizeof(payload));
    }
    lh2_check_function(L, callback, "callback");
    lua_pushvalue(L, callback);
    if (session->is_connecting || session->is_closed) {
        lh2_tick_push(L, &session->object, ping_cancelled, lh2_hold(L));
        return 0;
    }
    if (h2_session_submit_ping(session->engine, payload) != H2_OK) {
        lh2_push_error(L, "ERR_HTTP2_PING_CANCEL", NULL);
        lua_call(L, 1, 0);
        lua_pushboolean(L, false);
        return 1;
    }
    lh2_callbacks_push(L, &session->pings);
    lh2_session_touch(session);
    lua_pushboolean(L, true);
    return 1;
}

/* session:setLocalWindowSize(octets) */
static int session_set_local_window_size(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    int64_t octets = lh2_check_integer(L, 2, "windowSize", 0, INT32_MAX);
    if (h2_session_set_local_window(session->engine, (uint32_t)octets) != H2_OK)
        return lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    lh2_session_touch(session);
    return 0;
}

/* session:setNextStreamID(id): one that is used already has no effect; one above 2^31-1 leaves none. */
static int session_set_next_stream_id(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    int64_t id = lh2_check_integer(L, 2, "id", 1, UINT32_MAX);
    if (id % 2 != (session->role == H2_CLIENT))
        return lh2_raise_range(L, "id", session->role == H2_CLIENT ? "odd" : "even", 2);
    h2_session_set_next_id(session->engine, (uint32_t)id);
    return 0;
}

/* session:setTimeout(msecs[, callback]): "timeout" after so long without a frame; nothing is closed. */
static int session_set_timeout(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lua_settop(L, 3);
    if (!session->is_destroyed) {
        int64_t timeout_ms = lh2_check_duration(L, 2, "msecs");
        if (!lua_isnil(L, 3)) {
            lh2_check_function(L, 3, "callback");
            if (timeout_ms == 0)
                lh2_remove_listener(L, 1, LH2_EVENT_TIMEOUT);
            else
                lh2_add_listener(L, 1, LH2_EVENT_TIMEOUT, true);
        }
        lh2_session_set_timeout(L, session, (uint64_t)timeout_ms);
    }
    lua_settop(L, 1);
    return 1;
}

static int set_ref(lua_State *L, bool is_ref) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (session->socket != NULL && !session->is_destroyed)
        net_socket_ref(session->socket, is_ref);
    return 0;
}

static int session_ref(lua_State *L) {
    return set_ref(L, true);
}

static int session_unref(lua_State *L) {
    return set_ref(L, false);
}

static const luaL_Reg methods[] = {
    {"close", session_close},
    {"destroy", session_destroy},
    {"goaway", session_goaway},
    {"ping", session_ping},
    {"settings", lh2_session_submit_settings},
    {"setTimeout", session_set_timeout},
    {"setLocalWindowSize", session_set_local_window_size},
    {"setNextStreamID", session_set_next_stream_id},
    {"ref", session_ref},
    {"unref", session_unref},
    /* legacy: Node 8 */
    {"shutdown", lh2_session_shutdown},
    {"rstStream", lh2_session_rst_stream},
    {"priority", lh2_session_priority},
    {NULL, NULL},
};

/* ---------------------------------------------------------------------------------- getters */

static int push_boolean(lua_State *L, bool value) {
    lua_pushboolean(L, value);
    return 1;
}

static int get_closed(lua_State *L) {
    return push_boolean(L, ((lh2_session *)lh2_check(L, 1, &lh2_session_class))->is_closed);
}

static int get_destroyed(lua_State *L) {
    return push_boolean(L, ((lh2_session *)lh2_check(L, 1, &lh2_session_class))->is_destroyed);
}

static int get_connecting(lua_State *L) {
    return push_boolean(L, ((lh2_session *)lh2_check(L, 1, &lh2_session_class))->is_connecting);
}

static int get_encrypted(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (session->has_connected)
        return push_boolean(L, session->is_encrypted);
    lua_pushnil(L);
    return 1;
}

static int get_alpn_protocol(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (session->has_connected)
        lua_pushstring(L, session->is_encrypted ? "h2" : "h2c");
    else
        lua_pushnil(L);
    return 1;
}

static int get_type(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lua_pushinteger(L, session->role == H2_CLIENT);
    return 1;
}

static int get_goaway_code(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lua_pushinteger(L, (lua_Integer)session->goaway_code);
    return 1;
}

static int get_goaway_last_stream_id(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lua_pushinteger(L, (lua_Integer)session->goaway_last_id);
    return 1;
}

static void set_figure(lua_State *L, const char *name, int64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static int get_state(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lua_createtable(L, 0, 9);
    if (session->engine == NULL || session->is_connecting || session->is_destroyed)
        return 1;
    h2_session_figures f;
    h2_session_get_figures(session->engine, &f);
    set_figure(L, "effectiveLocalWindowSize", f.effective_local_window_size);
    set_figure(L, "effectiveRecvDataLength", f.effective_recv_data_length);
    set_figure(L, "nextStreamID", f.next_stream_id);
    set_figure(L, "localWindowSize", f.local_window_size);
    set_figure(L, "lastProcStreamID", f.last_proc_stream_id);
    set_figure(L, "remoteWindowSize", f.remote_window_size);
    set_figure(L, "outboundQueueSize", (int64_t)f.outbound_queue_size);
    set_figure(L, "deflateDynamicTableSize", (int64_t)f.deflate_dynamic_table_size);
    set_figure(L, "inflateDynamicTableSize", (int64_t)f.inflate_dynamic_table_size);
    return 1;
}

static int get_socket(lua_State *L) {
    lh2_push_socket_proxy(L, lh2_check(L, 1, &lh2_session_class));
    return 1;
}

static const luaL_Reg getters[] = {
    {"closed", get_closed},
    {"destroyed", get_destroyed},
    {"connecting", get_connecting},
    {"encrypted", get_encrypted},
    {"alpnProtocol", get_alpn_protocol},
    {"type", get_type},
    {"localSettings", lh2_session_get_local_settings},
    {"remoteSettings", lh2_session_get_remote_settings},
    {"pendingSettingsAck", lh2_session_get_pending_settings_ack},
    {"originSet", lh2_session_get_origin_set},
    {"goawayCode", get_goaway_code},
    {"goawayLastStreamID", get_goaway_last_stream_id},
    {"state", get_state},
    {"socket", get_socket},
    {NULL, NULL},
};

/* ------------------------------------------------------------------------------------- end */

/* `local session <close>`: the end of the block closes gracefully. */
static int session_close_variable(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lh2_session_close(L, session);
    lh2_session_finish(L, session);
    return 0;
}

static int session_gc(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    lh2_finalize(&session->object);
    lh2_session_dispose(L, session);
    return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", session_gc},
    {"__close", session_close_variable},
    {NULL, NULL},
};

const lh2_class lh2_session_class = {"Http2Session", &lh2_emitter_class, methods, getters,
                                     NULL,           metamethods};

void lh2_session_open(lua_State *L) {
    lh2_headers_open(L);
    lh2_connection_open_module(L);
    lh2_socket_proxy_open(L);
    lh2_class_register(L, &lh2_session_class);
    lh2_client_session_open(L);
    lh2_server_session_open(L);
}
