/* A session's settings: what the program sees of them, and settings(). The tables given out are made
 * once for each change, so that what a callback gets is what the property gives. */
#include "binding/classes/session_members.h"
#include "binding/classes/stream.h"

/* Private fields: the tables as last given out; nil when they are out of date. */
static const char local_key, remote_key;

/* Pushes the table kept under `key`, made now if there is none. The session is at `index`.
 * [-0, +1, m] */
static void push_kept(lua_State *L, int index, const char *key, const h2_settings *settings) {
    lh2_get_private(L, index, key);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lh2_push_settings(L, settings);
    lua_pushvalue(L, -1);
    lh2_set_private(L, index, key);
}

static void forget(lua_State *L, lh2_session *session, const char *key) {
    if (!session->object.has_fields)
        return;
    lh2_push(L, &session->object);
    lua_pushnil(L);
    lh2_set_private(L, -2, key);
    lua_pop(L, 1);
}

/* ------------------------------------------------------------------------------------- getters */

/* Empty while connecting; the last ones stay when the session has ended. */
int lh2_session_get_local_settings(lua_State *L) {
    const lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (session->engine != NULL && !session->is_connecting)
        push_kept(L, 1, &local_key, h2_session_local_settings(session->engine));
    else
        lh2_get_private(L, 1, &local_key);
    if (lua_isnil(L, -1))
        lua_newtable(L);
    return 1;
}

int lh2_session_get_remote_settings(lua_State *L) {
    const lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (session->engine != NULL && !session->is_connecting && !session->is_destroyed)
        push_kept(L, 1, &remote_key, h2_session_remote_settings(session->engine));
    else
        lua_newtable(L);
    return 1;
}

/* Those that wait for the connection count as well, but not the first ones. */
int lh2_session_get_pending_settings_ack(lua_State *L) {
    const lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    bool is_pending = session->settings.count > 0;
    if (session->engine != NULL && session->has_connected)
        is_pending = h2_session_unacknowledged_settings(session->engine) > 0;
    lua_pushboolean(L, is_pending);
    return 1;
}

/* ---------------------------------------------------------------------------------- settings() */

/* Too many wait for acknowledgement: the callback, on top, hears so, and the session ends. */
static int refuse(lua_State *L, lh2_session *session) {
    if (!lua_isnil(L, -1)) {
        lh2_push_error(L, "ERR_HTTP2_SETTINGS_CANCEL", NULL);
        lua_call(L, 1, 0);
    }
    lh2_push_error(L, "ERR_HTTP2_MAX_PENDING_SETTINGS_ACK", NULL);
    lh2_session_destroy(L, session, H2_INTERNAL_ERROR);
    return 0;
}

/* session:settings([settings][, callback]) */
int lh2_session_submit_settings(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    h2_setting entries[LH2_MAX_SETTINGS];
    int callback = lua_isfunction(L, 2) ? 2 : 3;
    lua_settop(L, 3);
    size_t count = callback == 2 ? 0 : lh2_settings_read(L, 2, "settings", entries);
    if (!lua_isnil(L, callback))
        lh2_check_function(L, callback, "callback");
    /* A server may not offer to be pushed to (RFC 9113 §6.5.2). */
    for (size_t i = 0; i < count && session->role == H2_SERVER; i++)
        if (entries[i].id == H2_SETTINGS_ENABLE_PUSH) {
            memmove(&entries[i], &entries[i + 1], (--count - i) * sizeof(*entries));
            break;
        }
    if (lh2_callbacks_reserve(&session->settings) != 0)
        return lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    lua_pushvalue(L, callback);
    int result = h2_session_submit_settings(session->engine, entries, count);
    if (result == H2_LIMIT)
        return refuse(L, session);
    if (result != H2_OK)
        return lh2_stream_raise(L, result);
    lh2_callbacks_push(L, &session->settings);
    lh2_session_touch(session);
    return 0;
}

/* ------------------------------------------------------------------------------- from the engine */

void lh2_session_settings_received(lua_State *L, lh2_session *session) {
    forget(L, session, &remote_key);
    if (!lh2_has_listener(&session->object, LH2_EVENT_REMOTE_SETTINGS))
        return;
    lh2_push(L, &session->object);
    push_kept(L, lua_gettop(L), &remote_key, h2_session_remote_settings(session->engine));
    lh2_emit(L, &session->object, LH2_EVENT_REMOTE_SETTINGS, 1);
    lua_pop(L, 1);
}

/* The settings() that was acknowledged hears of it first, then whoever listens. */
void lh2_session_settings_acknowledged(lua_State *L, lh2_session *session) {
    bool has_callback = session->has_initial_ack && session->settings.count > 0;
    bool is_heard = lh2_has_listener(&session->object, LH2_EVENT_LOCAL_SETTINGS);
    forget(L, session, &local_key);
    session->has_initial_ack = true;
    if (!has_callback && !is_heard)
        return;
    int top = lua_gettop(L);
    lh2_push(L, &session->object);
    push_kept(L, top + 1, &local_key, h2_session_local_settings(session->engine));
    if (has_callback) {
        double duration_ms = lh2_callbacks_take(L, &session->settings);
        if (lua_isfunction(L, -1)) {
            lua_pushnil(L);
            lua_pushvalue(L, top + 2);
            lua_pushnumber(L, duration_ms);
            lua_call(L, 3, 0);
        }
    }
    lua_settop(L, top + 2);
    lh2_emit(L, &session->object, LH2_EVENT_LOCAL_SETTINGS, 1);
    lua_settop(L, top);
}
