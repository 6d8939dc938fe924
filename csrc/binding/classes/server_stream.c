#include "binding/classes/exchange.h"
#include "binding/classes/server.h"
#include "binding/classes/stream.h"

/* Private field: {scheme, authority} of the request. */
static const char request_origin_key;

bool lh2_is_bodyless(int status) {
    return status == 204 || status == 205 || status == 304;
}

/* ------------------------------------------------------------------------------- responding */

/* The number of the :status that was given; -1: not a number, or none was. */
static int read_status(const lh2_fields *fields) {
    bytes_slice text = fields->pseudo[LH2_PSEUDO_STATUS];
    int status = text.size > 0 ? 0 : -1;
    for (size_t i = 0; i < text.size && status >= 0 && status < 1000; i++)
        status =
            text.data[i] >= '0' && text.data[i] <= '9' ? status * 10 + (text.data[i] - '0') : -1;
    return status;
}

int lh2_server_stream_status(lua_State *L, const lh2_fields *fields) {
    bytes_slice text = fields->pseudo[LH2_PSEUDO_STATUS];
    int status = text.data == NULL ? 200 : read_status(fields);
    if (status == 0)
        return 200;
    if (status < 200 || status > 599) {
        lua_pushlstring(L, (const char *)text.data, text.size);
        lh2_raise(L, "ERR_HTTP2_STATUS_INVALID", lua_tostring(L, -1));
    }
    return status;
}

int lh2_server_stream_submit(lua_State *L, lh2_stream *stream, lh2_fields *fields, int status,
                             bool has_date, bool is_end) {
    lh2_fields_set_status(fields, status);
    if (has_date && !lh2_fields_has(fields, HPACK_TOKEN_DATE))
        lh2_fields_add(L, fields, BYTES_LITERAL("date"),
                       lh2_server_date(stream->duplex.object.runtime));
    lh2_fields_finish(fields);
    int result = h2_session_submit_response(stream->session->engine, stream->id, fields->fields,
                                            fields->count, is_end);
    if (result == H2_OK) {
        stream->has_sent_headers = true;
        lh2_session_touch(stream->session);
    }
    return result;
}

void lh2_server_stream_respond_implicitly(lua_State *L, lh2_stream *stream, bool is_end) {
    lh2_fields fields;
    int top = lua_gettop(L);
    lua_pushnil(L);
    lh2_fields_read(L, -1, LH2_SECTION_RESPONSE, &fields);
    lh2_server_stream_submit(L, stream, &fields, 200, true, is_end);
    stream->sent_status = 200;
    stream->sent_date = stream->duplex.object.runtime->date_time;
    lua_settop(L, top);
}

/* stream:respond([headers[, options]]) */
static int stream_respond(lua_State *L) {
    lh2_stream *stream = lh2_stream_check_alive(L, 1);
    lua_settop(L, 3);
    if (stream->has_sent_headers)
        return lh2_raise(L, "ERR_HTTP2_HEADERS_SENT", NULL);
    int type = lua_type(L, 2);
    if (type != LUA_TTABLE && type != LUA_TNIL)
        return lh2_raise_type(L, "headers", "of type table", 2);
    bool is_end = false, waits = false, has_date = true, has_get_trailers = false;
    if (lh2_check_options(L, 3, "options")) {
        is_end = lh2_opt_truth(L, 3, "endStream", false);
        has_get_trailers = lh2_check_get_trailers(L, 3);
        waits = has_get_trailers || lh2_opt_truth(L, 3, "waitForTrailers", false);
        has_date = lh2_opt_truth(L, 3, "sendDate", true);
    }
    lh2_fields fields;
    lh2_fields_read(L, 2, LH2_SECTION_RESPONSE, &fields);
    int status = lh2_server_stream_status(L, &fields);
    is_end = is_end || stream->is_head || lh2_is_bodyless(status);
    int result = lh2_server_stream_submit(L, stream, &fields, status, has_date, is_end);
    if (result == H2_TOO_LARGE)
        return lh2_stream_frame_error(L, stream, H2_FRAME_SIZE_ERROR);
    if (result != H2_OK)
        return lh2_stream_raise(L, result);
    stream->waits_for_trailers = waits && !is_end;
    if (has_get_trailers)
        lh2_stream_note_get_trailers(L, 1, 3);
    lh2_stream_note_response(L, 1, 2, status, has_date);
    if (is_end)
        lh2_stream_end_writing(L, stream);
    return 0;
}

/* stream:additionalHeaders(headers): a 1xx response. */
static int stream_additional_headers(lua_State *L) {
    lh2_stream *stream = lh2_stream_check_alive(L, 1);
    lua_settop(L, 2);
    if (stream->has_sent_headers)
        return lh2_raise(L, "ERR_HTTP2_HEADERS_AFTER_RESPOND", NULL);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    lh2_fields fields;
    lh2_fields_read(L, 2, LH2_SECTION_RESPONSE, &fields);
    int status = read_status(&fields);
    if (status == 101)
        return lh2_raise(L, "ERR_HTTP2_STATUS_101", NULL);
    if (status < 100 || status >= 200) {
        lua_pushinteger(L, status);
        return lh2_raise(L, "ERR_HTTP2_INVALID_INFO_STATUS", lua_tostring(L, -1));
    }
    lh2_fields_finish(&fields);
    int result = h2_session_submit_informational(stream->session->engine, stream->id, fields.fields,
                                                 fields.count);
    if (result != H2_OK)
        return lh2_stream_raise(L, result);
    lh2_stream_note_info_headers(L, 1, 2);
    lh2_session_touch(stream->session);
    return 0;
}

/* ---------------------------------------------------------------------------------- pushing */

static bool is_push_allowed(const lh2_stream *stream) {
    return stream->session != NULL && !stream->is_closed && !stream->session->is_closed &&
           h2_session_remote_settings(stream->session->engine)->enable_push;
}

/* The callback of pushStream, held in `callback`, with the pushed stream. */
static void call_pushed(lua_State *L, lh2_object *object, intptr_t callback) {
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lua_pushnil(L);
    lh2_push(L, object);
    lh2_stream_push_sent_headers(L, lua_gettop(L));
    lua_call(L, 3, 0);
}

/* Completes a promised request as the request it belongs to. */
static void complete_promise(lua_State *L, lh2_fields *fields) {
    static const bytes_slice get = {(const uint8_t *)"GET", 3}, root = {(const uint8_t *)"/", 1};
    if (fields->pseudo[LH2_PSEUDO_METHOD].data == NULL)
        fields->pseudo[LH2_PSEUDO_METHOD] = get;
    if (fields->pseudo[LH2_PSEUDO_PATH].data == NULL)
        fields->pseudo[LH2_PSEUDO_PATH] = root;
    lh2_get_private(L, 1, &request_origin_key);
    if (!lua_istable(L, -1))
        return;
    for (int i = 1; i <= 2; i++) {
        lh2_pseudo pseudo = i == 1 ? LH2_PSEUDO_SCHEME : LH2_PSEUDO_AUTHORITY;
        lua_rawgeti(L, -1, i);
        size_t size;
        const char *text = lua_tolstring(L, -1, &size);
        if (fields->pseudo[pseudo].data == NULL && text != NULL)
            fields->pseudo[pseudo] = bytes_slice_of(text, size);
        lua_pop(L, 1);
    }
}

/* The answer to HEAD has no body: its writable side has ended before the program sees the stream. */
static void end_of_head(lh2_stream *stream) {
    if (stream->is_head)
        stream->duplex.is_ending = stream->duplex.is_finished = true;
}

/* Makes the object of a promised stream, whose readable side is at its end; or NULL, for the engine's
 * result. [-0, +1, m] */
static lh2_stream *new_pushed(lua_State *L, lh2_stream *parent, const lh2_fields *fields,
                              int *result) {
    lh2_stream *pushed =
        lh2_stream_new(L, &lh2_server_stream_class, parent->session, 0, false, true);
    *result = h2_session_submit_push(parent->session->engine, parent->id, fields->fields,
                                     fields->count, pushed, &pushed->id);
    pushed->is_push = true;
    pushed->is_remote_ended = true;
    pushed->is_head = bytes_slice_equal(fields->pseudo[LH2_PSEUDO_METHOD], BYTES_LITERAL("HEAD"));
    if (*result != H2_OK) {
        pushed->id = 0;
        lua_pushnil(L);
        lh2_duplex_destroy(L, &pushed->duplex);
        return NULL;
    }
    lh2_duplex_end(L, &pushed->duplex);
    return pushed;
}

/* No push: what is up to the peer is told to the callback, since the handler cannot help it. */
static int refuse_push(lua_State *L, lh2_stream *parent, int result, int callback) {
    if (result == H2_LIMIT)
        lh2_push_stream_error(L, H2_REFUSED_STREAM, H2_BY_LOCAL, false);
    else if (result == H2_NO_IDS)
        lh2_push_error(L, "ERR_HTTP2_OUT_OF_STREAMS", NULL);
    else
        return lh2_stream_raise(L, result);
    lh2_call_later(L, &parent->duplex.object, callback);
    return 0;
}

/* stream:pushStream(headers[, options], callback) */
static int stream_push_stream(lua_State *L) {
    lh2_stream *stream = lh2_check(L, 1, &lh2_server_stream_class);
    if (!is_push_allowed(stream))
        return lh2_raise(L, "ERR_HTTP2_PUSH_DISABLED", NULL);
    if (stream->is_push)
        return lh2_raise(L, "ERR_HTTP2_NESTED_PUSH", NULL);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    int callback = lua_isfunction(L, 3) ? 3 : 4;
    lua_settop(L, 4);
    bool is_end = callback == 4 && lh2_check_options(L, 3, "options") &&
                  lh2_opt_truth(L, 3, "endStream", false);
    lh2_check_function(L, callback, "callback");
    lh2_fields fields;
    lh2_fields_read(L, 2, LH2_SECTION_REQUEST, &fields);
    complete_promise(L, &fields);
    lh2_fields_finish(&fields);
    int result;
    lh2_stream *pushed = new_pushed(L, stream, &fields, &result);
    if (pushed == NULL)
        return refuse_push(L, stream, result, callback);
    int object = lua_gettop(L);
    lh2_push_headers(L, pushed->duplex.object.runtime, fields.fields, fields.count);
    lh2_stream_note_full_headers(L, object, lua_gettop(L));
    pushed->is_head = pushed->is_head || is_end;
    end_of_head(pushed);
    lh2_session_touch(stream->session);
    lua_pushvalue(L, callback);
    lh2_tick_push(L, &pushed->duplex.object, call_pushed, lh2_hold(L));
    return 0;
}

/* ------------------------------------------------------------------------------ the request */

/* Scheme and authority of the request complete those of pushes: kept where the client takes any. */
static void keep_origin(lua_State *L, lh2_stream *stream) {
    lh2_push(L, &stream->duplex.object);
    lua_createtable(L, 2, 0);
    for (size_t i = 0; i < stream->request->count; i++) {
        const hpack_field *field = &stream->request->fields[i];
        if (field->token != HPACK_TOKEN_SCHEME && field->token != HPACK_TOKEN_AUTHORITY)
            continue;
        lua_pushlstring(L, (const char *)field->value.data, field->value.size);
        lua_rawseti(L, -2, field->token == HPACK_TOKEN_SCHEME ? 1 : 2);
    }
    lh2_set_private(L, -2, &request_origin_key);
    lua_pop(L, 1);
}

static bool is_head_request(const h2_event *event) {
    for (size_t i = 0; i < event->headers.count; i++) {
        const hpack_field *field = &event->headers.fields[i];
        if (field->token == HPACK_TOKEN_METHOD)
            return bytes_slice_equal(field->value, BYTES_LITERAL("HEAD"));
    }
    return false;
}

/* Pushes the arguments of "stream": stream, headers, flags, and rawHeaders if somebody may look at
 * them. Returns their number. [-0, +3..4, m] */
static int push_arguments(lua_State *L, lh2_stream *stream, const lh2_kept_fields *request,
                          bool has_raw) {
    lh2_runtime *runtime = stream->duplex.object.runtime;
    lh2_push(L, &stream->duplex.object);
    lh2_push_headers(L, runtime, request->fields, request->count);
    lua_pushinteger(L, stream->flags);
    if (has_raw)
        lh2_push_raw_headers(L, runtime, request->fields, request->count);
    return has_raw ? 4 : 3;
}

/* "stream", of the session and then of the server. [-0, +0, e] */
static void announce(lua_State *L, lh2_stream *stream, const lh2_kept_fields *request) {
    lh2_object *session = &stream->session->object;
    lh2_object *server = lh2_server_object(stream->session);
    bool has_listener = lh2_has_listener(session, LH2_EVENT_STREAM);
    bool has_server_listener = server != NULL && lh2_has_listener(server, LH2_EVENT_STREAM);
    if (!has_listener && !has_server_listener)
        return;
    if (!has_listener && lh2_serves_requests_alone(L, stream->session->server)) {
        lh2_push(L, &stream->duplex.object);
        lh2_exchange_announce(L, (lh2_server *)server, &lh2_stream_carrier);
        return;
    }
    bool has_raw = (has_listener && lh2_wants_all(session, LH2_EVENT_STREAM)) ||
                   (has_server_listener && lh2_wants_all(server, LH2_EVENT_STREAM));
    int first = lua_gettop(L) + 1;
    int count = push_arguments(L, stream, request, has_raw);
    if (has_listener && has_server_listener)
        for (int i = 0; i < count; i++)
            lua_pushvalue(L, first + i);
    if (has_listener)
        lh2_emit(L, session, LH2_EVENT_STREAM, count);
    if (has_server_listener)
        lh2_emit(L, server, LH2_EVENT_STREAM, count);
}

/* Requests are told when all that was read has been looked at: one that was reset in the same breath
 * never reaches a handler. */
static void tell_request(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_stream *stream = (lh2_stream *)object;
    if (stream->session == NULL || stream->is_closed)
        return;
    if (h2_session_remote_settings(stream->session->engine)->enable_push)
        keep_origin(L, stream);
    announce(L, stream, stream->request);
    lh2_stream_forget_request(stream);
}

void lh2_server_stream_request(lua_State *L, lh2_session *session, const h2_event *event) {
    if (lh2_server_is_crowded(session)) {
        h2_session_reset(session->engine, event->stream_id, H2_REFUSED_STREAM);
        return;
    }
    if (lh2_server_misdirects(session, event))
        return;
    lh2_stream *stream = lh2_stream_new(L, &lh2_server_stream_class, session, event->stream_id,
                                        !event->headers.is_end, true);
    lh2_blame(&stream->duplex.object);
    h2_session_set_context(session->engine, stream->id, stream);
    lh2_perf_stream_headers(stream);
    stream->ends_after_headers = event->headers.is_end;
    stream->flags = event->headers.flags;
    stream->is_head = is_head_request(event);
    end_of_head(stream);
    stream->request =
        lh2_fields_keep(session->object.runtime, event->headers.fields, event->headers.count);
    if (stream->request == NULL)
        lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    if (event->headers.is_end)
        lh2_stream_ended(L, stream);
    lh2_tick_push(L, &stream->duplex.object, tell_request, 0);
    lua_pop(L, 1);
}

/* ---------------------------------------------------------------------------------- getters */

static int get_headers_sent(lua_State *L) {
    const lh2_stream *stream = lh2_check(L, 1, &lh2_server_stream_class);
    lua_pushboolean(L, stream->has_sent_headers);
    return 1;
}

static int get_push_allowed(lua_State *L) {
    lua_pushboolean(L, is_push_allowed(lh2_check(L, 1, &lh2_server_stream_class)));
    return 1;
}

static const luaL_Reg methods[] = {
    {"respond", stream_respond},
    {"additionalHeaders", stream_additional_headers},
    {"pushStream", stream_push_stream},
    {"respondWithFile", lh2_respond_with_file},
    {"respondWithFD", lh2_respond_with_fd},
    {NULL, NULL},
};

static const luaL_Reg getters[] = {
    {"headersSent", get_headers_sent},
    {"pushAllowed", get_push_allowed},
    {NULL, NULL},
};

const lh2_class lh2_server_stream_class = {
    "ServerHttp2Stream", &lh2_stream_class, methods, getters, NULL, NULL};
