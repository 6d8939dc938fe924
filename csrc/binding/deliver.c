#include "binding/classes/session_members.h"
#include "binding/classes/stream.h"

#define STATUS_MISDIRECTED 421

/* From the engine's events to listeners: one function for each kind. They run under lh2_enter. */

typedef struct delivery {
    lh2_session *session;
    const h2_event *event;
} delivery;

/* ------------------------------------------------------------------------------- of streams */

/* Pushes headers, flags, and rawHeaders if somebody may look at them. Returns their number.
 * [-0, +2..3, m] */
static int push_section(lua_State *L, lh2_runtime *runtime, const h2_event *event, bool has_raw) {
    const hpack_field *fields = event->headers.fields;
    size_t count = event->headers.count;
    lh2_push_headers(L, runtime, fields, count);
    lua_pushinteger(L, event->headers.flags);
    if (has_raw)
        lh2_push_raw_headers(L, runtime, fields, count);
    return has_raw ? 3 : 2;
}

static void emit_section(lua_State *L, lh2_stream *stream, const h2_event *event, lh2_event name) {
    lh2_object *object = &stream->duplex.object;
    if (!lh2_has_listener(object, name))
        return;
    lh2_emit(L, object, name, push_section(L, object->runtime, event, lh2_wants_all(object, name)));
}

/* "trailers" of a request that was itself not told yet: behind it. `held` is {headers, flags, raw}. */
static void tell_trailers(lua_State *L, lh2_object *object, intptr_t held) {
    if (((lh2_stream *)object)->duplex.is_resume_due) { /* the body that came before flows first */
        lh2_tick_push(L, object, tell_trailers, held);
        return;
    }
    int first = lua_gettop(L) + 1;
    lh2_push_held(L, (int)held);
    lh2_drop(L, (int)held);
    for (int i = 1; i <= 3; i++)
        lua_rawgeti(L, first, i);
    lh2_emit(L, object, LH2_EVENT_TRAILERS, 3);
    lua_settop(L, first - 1);
}

static void deliver_trailers(lua_State *L, lh2_stream *stream, const h2_event *event) {
    if (stream->request == NULL) {
        emit_section(L, stream, event, LH2_EVENT_TRAILERS);
        return;
    }
    lua_createtable(L, 3, 0);
    push_section(L, stream->duplex.object.runtime, event, true);
    for (int i = 3; i >= 1; i--)
        lua_rawseti(L, -1 - i, i);
    lh2_tick_push(L, &stream->duplex.object, tell_trailers, lh2_hold(L));
}

static void deliver_informational(lua_State *L, lh2_stream *stream, const h2_event *event) {
    emit_section(L, stream, event, LH2_EVENT_HEADERS);
    if (event->headers.status == 100 && !stream->duplex.is_destroyed)
        lh2_emit(L, &stream->duplex.object, LH2_EVENT_CONTINUE, 0);
}

/* A promised request: the client's session tells of the stream its response will come on. One that
 * nobody is told of can never be read, and is refused. */
static void deliver_push(lua_State *L, lh2_session *session, const h2_event *event) {
    if (!lh2_has_listener(&session->object, LH2_EVENT_STREAM)) {
        h2_session_reset(session->engine, event->stream_id, H2_CANCEL);
        return;
    }
    if (!lh2_session_answers_for(L, session, event)) {
        h2_session_reset(session->engine, event->stream_id, H2_PROTOCOL_ERROR);
        return;
    }
    lh2_stream *stream =
        lh2_stream_new(L, &lh2_client_stream_class, session, event->stream_id, true, false);
    stream->is_push = true;
    stream->duplex.is_ending = stream->duplex.is_finish_called = true;
    stream->ends_after_headers = event->headers.is_end;
    h2_session_set_context(session->engine, stream->id, stream);
    int count = push_section(L, session->object.runtime, event,
                             lh2_wants_all(&session->object, LH2_EVENT_STREAM));
    lh2_emit(L, &session->object, LH2_EVENT_STREAM, 1 + count);
}

/* A response that nobody listens for is kept for a coroutine that may ask for it later. */
static void deliver_response(lua_State *L, lh2_stream *stream, const h2_event *event) {
    lh2_event name = stream->is_push ? LH2_EVENT_PUSH : LH2_EVENT_RESPONSE;
    bool is_heard = lh2_has_listener(&stream->duplex.object, name);
    if (!is_heard && stream->duplex.object.runtime->keeps_responses) {
        push_section(L, stream->duplex.object.runtime, event, true);
        lh2_client_stream_keep_response(L, stream);
    }
    emit_section(L, stream, event, name);
}

static void deliver_headers(lua_State *L, void *data) {
    const delivery *d = data;
    const h2_event *event = d->event;
    lh2_stream *stream = event->context;
    if (event->headers.message == H2_REQUEST) {
        lh2_server_stream_request(L, d->session, event);
        return;
    }
    if (event->headers.message == H2_PUSH) {
        deliver_push(L, d->session, event);
        return;
    }
    if (stream == NULL)
        return;
    lh2_stream_note_activity(stream);
    lh2_perf_stream_headers(stream);
    switch (event->headers.message) {
    case H2_INFORMATIONAL:
        deliver_informational(L, stream, event);
        break;
    case H2_RESPONSE:
        if (event->headers.status == STATUS_MISDIRECTED)
            lh2_session_misdirected(L, d->session, &stream->duplex.object);
        deliver_response(L, stream, event);
        break;
    default:
        deliver_trailers(L, stream, event);
        break;
    }
    if (event->headers.is_end && !stream->duplex.is_destroyed)
        lh2_stream_ended(L, stream);
}

static void deliver_data(lua_State *L, void *data) {
    const delivery *d = data;
    const h2_event *event = d->event;
    lh2_stream *stream = event->context;
    if (stream == NULL) {
        h2_session_consume(d->session->engine, event->stream_id, event->data.octets.size,
                           net_loop_now(d->session->object.runtime->loop));
        return;
    }
    lh2_stream_note_activity(stream);
    lh2_perf_stream_data(stream);
    if (event->data.octets.size > 0)
        lh2_duplex_data(L, &stream->duplex, event->data.octets.data, event->data.octets.size);
    if (event->data.is_end && !stream->duplex.is_destroyed)
        lh2_stream_ended(L, stream);
}

static void deliver_close(lua_State *L, void *data) {
    const delivery *d = data;
    lh2_stream *stream = d->event->context;
    if (stream != NULL)
        lh2_stream_closed(L, stream, d->event);
}

/* ----------------------------------------------------------------------------- of sessions */

static void deliver_settings(lua_State *L, void *data) {
    lh2_session_settings_received(L, ((const delivery *)data)->session);
}

static void deliver_settings_ack(lua_State *L, void *data) {
    lh2_session_settings_acknowledged(L, ((const delivery *)data)->session);
}

static void deliver_ping(lua_State *L, void *data) {
    const delivery *d = data;
    if (!lh2_has_listener(&d->session->object, LH2_EVENT_PING))
        return;
    lua_pushlstring(L, (const char *)d->event->ping.payload, 8);
    lh2_emit(L, &d->session->object, LH2_EVENT_PING, 1);
}

static void deliver_ping_ack(lua_State *L, void *data) {
    const delivery *d = data;
    if (d->session->pings.count == 0)
        return;
    double duration_ms = lh2_callbacks_take(L, &d->session->pings);
    lh2_perf_session_pinged(d->session, duration_ms);
    lua_pushnil(L);
    lua_pushnumber(L, duration_ms);
    lua_pushlstring(L, (const char *)d->event->ping.payload, 8);
    lua_call(L, 3, 0);
}

static void deliver_goaway(lua_State *L, void *data) {
    const delivery *d = data;
    lh2_session *session = d->session;
    uint32_t code = d->event->goaway.code;
    session->has_goaway = true;
    session->goaway_code = code;
    session->goaway_last_id = d->event->goaway.last_id;
    if (lh2_has_listener(&session->object, LH2_EVENT_GOAWAY)) {
        bytes_slice debug = d->event->goaway.debug;
        lua_pushinteger(L, (lua_Integer)code);
        lua_pushinteger(L, (lua_Integer)session->goaway_last_id);
        if (debug.size > 0)
            lua_pushlstring(L, (const char *)debug.data, debug.size);
        else
            lua_pushnil(L);
        lh2_emit(L, &session->object, LH2_EVENT_GOAWAY, 3);
    }
    if (code == H2_NO_ERROR) {
        lh2_session_close(L, session);
        return;
    }
    lh2_push_session_error(L, code, H2_BY_PEER, true);
    /* Our own GOAWAY says NO_ERROR; the streams end with the peer's code. */
    h2_session_terminate(session->engine, H2_NO_ERROR, bytes_slice_of(NULL, 0));
    lh2_session_destroy(L, session, code);
}

/* The peer broke the protocol: the engine has queued GOAWAY, and the session ends. */
static void deliver_fault(lua_State *L, void *data) {
    const delivery *d = data;
    const char *name = h2_error_name(d->event->fault.code), *text = d->event->fault.text;
    bool is_limit = strcmp(text, H2_TOO_MANY_INVALID_FRAMES) == 0;
    lh2_push_error_text(L, "Error",
                        is_limit ? "ERR_HTTP2_TOO_MANY_INVALID_FRAMES" : "ERR_HTTP2_ERROR",
                        "%s (%s)", text, name != NULL ? name : "?");
    lua_pushinteger(L, (lua_Integer)d->event->fault.code);
    lua_setfield(L, -2, "errno");
    lh2_set_verdict(L, "session", H2_BY_PEER, true);
    lh2_session_destroy(L, d->session, H2_INTERNAL_ERROR);
}

static void deliver_altsvc(lua_State *L, void *data) {
    const delivery *d = data;
    if (!lh2_has_listener(&d->session->object, LH2_EVENT_ALTSVC))
        return;
    bytes_slice value = d->event->altsvc.value, origin = d->event->altsvc.origin;
    lua_pushlstring(L, (const char *)value.data, value.size);
    lua_pushlstring(L, (const char *)origin.data, origin.size);
    lua_pushinteger(L, (lua_Integer)d->event->stream_id);
    lh2_emit(L, &d->session->object, LH2_EVENT_ALTSVC, 3);
}

static void deliver_origin(lua_State *L, void *data) {
    const delivery *d = data;
    lh2_session_origins_received(L, d->session, d->event->origin.origins, d->event->origin.count);
}

static void deliver_priority(lua_State *L, void *data) {
    const delivery *d = data;
    lh2_session_priority_received(L, d->session, d->event);
}

/* ------------------------------------------------------------------------------- dispatch */

static void (*const deliverers[])(lua_State *L, void *data) = {
    [H2_EV_HEADERS] = deliver_headers,
    [H2_EV_DATA] = deliver_data,
    [H2_EV_CLOSE] = deliver_close,
    [H2_EV_SETTINGS] = deliver_settings,
    [H2_EV_SETTINGS_ACK] = deliver_settings_ack,
    [H2_EV_PING] = deliver_ping,
    [H2_EV_PING_ACK] = deliver_ping_ack,
    [H2_EV_GOAWAY] = deliver_goaway,
    [H2_EV_ALTSVC] = deliver_altsvc,
    [H2_EV_ORIGIN] = deliver_origin,
    [H2_EV_FAULT] = deliver_fault,
    [H2_EV_NONE] = NULL,
    [H2_EV_PRIORITY] = deliver_priority,
    [H2_EV_PRIORITY_UPDATE] = NULL,
};

/* Calls what is due for one event; the stream it is of takes the blame meanwhile. [-0, +0, e] */
static void deliver_one(lua_State *L, delivery *d) {
    lh2_runtime *runtime = d->session->object.runtime;
    runtime->blame = d->event->context;
    if (runtime->blame != NULL)
        lh2_retain(runtime->blame);
    deliverers[d->event->kind](L, d);
    lh2_object *blamed = runtime->blame;
    runtime->blame = NULL;
    if (blamed != NULL)
        lh2_release(L, blamed);
    lua_settop(L, 0);
}

typedef struct delivery_batch {
    net_wire *wire;
    h2_event *event;
} delivery_batch;

/* All events that there are share one protected call; an error ends it, and the next event begins
 * another. */
static void deliver_batch(lua_State *L, void *data) {
    delivery_batch *batch = data;
    delivery d = {net_wire_context(batch->wire), batch->event};
    do {
        if (deliverers[d.event->kind] != NULL && !d.session->is_destroyed)
            deliver_one(L, &d);
    } while (net_wire_next(batch->wire, batch->event));
}

void lh2_deliver(net_wire *wire, h2_event *event) {
    const lh2_session *session = net_wire_context(wire);
    delivery_batch batch = {wire, event};
    lh2_enter(session->object.runtime, deliver_batch, &batch, NULL);
}
