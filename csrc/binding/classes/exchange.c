#include "binding/classes/exchange.h"

#include "binding/classes/stream.h"
#include "binding/extend.h"
#include "binding/open.h"
#include "h1/h1.h"

/* ------------------------------------------------------------------------------- the two of them */

/* Gives the object on top the class that the server's option asks for. [-0, +0, m] */
static void apply_class(lua_State *L, lh2_server *server, const void *key) {
    if (server == NULL || !server->has_classes)
        return;
    lh2_push(L, &server->object);
    lh2_get_private(L, -1, key);
    if (lua_istable(L, -1))
        lua_setmetatable(L, -3);
    else
        lua_pop(L, 1);
    lua_pop(L, 1);
}

/* The keys of the server's classes, for HTTP/2 and for HTTP/1.1. */
static const void *request_key(const lh2_carrier *version) {
    return version->major >= 2 ? &lh2_server_class_keys[LH2_CLASS_REQUEST]
                               : &lh2_server_class_keys[LH2_CLASS_REQUEST_1];
}

static const void *response_key(const lh2_carrier *version) {
    return version->major >= 2 ? &lh2_server_class_keys[LH2_CLASS_RESPONSE]
                               : &lh2_server_class_keys[LH2_CLASS_RESPONSE_1];
}

/* A response that watches the carrier; what it keeps is on top. [-1, +1, m] */
static lh2_response *new_response(lua_State *L, lh2_server *server, lh2_duplex *carrier,
                                  const lh2_carrier *version) {
    lh2_response *response = lh2_new_with_slots(L, carrier->object.runtime, &lh2_response_class,
                                                sizeof(*response), 2, true);
    apply_class(L, server, response_key(version));
    lua_insert(L, -2);
    lh2_set_slot(L, -2, LH2_SLOT_OWNER);
    response->carrier = carrier;
    response->version = version;
    response->status = 200;
    response->left = LH2_SIZE_UNKNOWN;
    response->has_date = true;
    lh2_response_init_headers(response);
    lh2_anchor(L, -1);
    lh2_watch(&carrier->object, &response->object, LH2_EVENT_CLOSE, true);
    lh2_watch(&carrier->object, &response->object, LH2_EVENT_ERROR, true);
    return response;
}

void lh2_exchange_new(lua_State *L, lh2_server *server, const lh2_carrier *version) {
    lh2_duplex *carrier = lua_touserdata(L, -1);
    const lh2_kept_fields *fields = version->request(carrier);
    size_t size = fields != NULL ? lh2_packed_size(fields) : 0;
    lh2_request *request = lh2_new_with_slots(L, carrier->object.runtime, &lh2_request_class,
                                              sizeof(*request) + size, 1, true);
    if (fields != NULL) {
        lh2_fields_pack(fields, request->fields);
        request->field_count = fields->count;
    }
    apply_class(L, server, request_key(version));
    lua_pushvalue(L, -2);
    lh2_set_slot(L, -2, LH2_SLOT_OWNER);
    request->carrier = carrier;
    request->version = version;
    lua_pushvalue(L, -1);
    request->response = new_response(L, server, carrier, version);
    request->response->request = request;
    lh2_watch(&carrier->object, &request->response->object, LH2_EVENT_TRAILERS, true);
}

lh2_response *lh2_response_new_pushed(lua_State *L, lh2_server *server) {
    lua_pushvalue(L, -1);
    return new_response(L, server, lua_touserdata(L, -1), &lh2_stream_carrier);
}

void lh2_push_carrier(lua_State *L, int index) {
    const lh2_object *object = lua_touserdata(L, index);
    lh2_push_slot(L, index, LH2_SLOT_OWNER);
    if (object->class == &lh2_response_class && ((const lh2_response *)object)->request != NULL) {
        lh2_push_slot(L, -1, LH2_SLOT_OWNER);
        lua_replace(L, -2);
    }
}

int lh2_forward(lua_State *L, const char *name) {
    lh2_push_carrier(L, 1);
    lua_getfield(L, -1, name);
    return 1;
}

int lh2_exchange_errored(lua_State *L, bool is_destroyed) {
    if (is_destroyed)
        return lh2_forward(L, "errored");
    lua_pushnil(L);
    return 1;
}

int lh2_call_carrier(lua_State *L, const char *name) {
    lh2_push_carrier(L, 1);
    lua_replace(L, 1);
    lua_getfield(L, 1, name);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* ------------------------------------------------------------------- what the carrier tells */

typedef struct last_event {
    lh2_object *object;
    lh2_event event;
} last_event;

static void emit_in_lua(lua_State *L, void *data) {
    const last_event *last = data;
    lh2_emit(L, last->object, last->event, 0);
}

/* Protected: what comes after it comes though a listener fail. */
static void emit_last(lh2_response *response, lh2_object *object, lh2_event event) {
    last_event last = {object, event};
    if (lh2_has_listener(object, event))
        lh2_enter(object->runtime, emit_in_lua, &last, &response->carrier->object);
}

/* Whether the program has never asked for the body. */
static bool is_unread(const lh2_duplex *carrier) {
    return carrier->is_let_go || (carrier->flowing == -1 && !carrier->was_read);
}

/* The carrier has closed: request "close", response "finish" and "close", in Node's order, and the "end"
 * of a body that nobody read; and no more. */
static void carrier_closed(lua_State *L, lh2_response *response) {
    lh2_request *request = response->request;
    lh2_unwatch(&response->carrier->object);
    response->is_closed = true;
    if (request != NULL) {
        request->is_closed = true;
        emit_last(response, &request->object, LH2_EVENT_CLOSE);
    }
    emit_last(response, &response->object, LH2_EVENT_FINISH);
    emit_last(response, &response->object, LH2_EVENT_CLOSE);
    if (request != NULL && is_unread(response->carrier))
        emit_last(response, &request->object, LH2_EVENT_END);
    if (request != NULL) {
        request->response = NULL;
        if (request->is_anchored)
            lh2_release(L, &request->object);
        request->is_anchored = false;
    }
    lh2_release(L, &response->object);
}

/* Whether anybody cares for the exchange's timeouts; nobody: the documentation has the stream end. */
static bool has_timeout_listener(lua_State *L, const lh2_response *response) {
    lh2_push(L, &response->carrier->object);
    lua_getfield(L, -1, "listenerCount");
    lua_insert(L, -2);
    lua_pushliteral(L, "timeout");
    lua_call(L, 2, 1);
    bool is_heard = lua_tointeger(L, -1) > 0;
    lua_pop(L, 1);
    const lh2_server *server = response->version->server(response->carrier);
    return is_heard || lh2_has_listener(&response->object, LH2_EVENT_TIMEOUT) ||
           (server != NULL && lh2_has_listener(&server->object, LH2_EVENT_TIMEOUT)) ||
           (response->request != NULL &&
            lh2_has_listener(&response->request->object, LH2_EVENT_TIMEOUT));
}

static void timed_out(lua_State *L, lh2_response *response) {
    if (!has_timeout_listener(L, response)) {
        lua_pushnil(L);
        lh2_duplex_destroy(L, response->carrier);
        return;
    }
    if (response->request != NULL)
        lh2_emit(L, &response->request->object, LH2_EVENT_TIMEOUT, 0);
    lh2_emit(L, &response->object, LH2_EVENT_TIMEOUT, 0);
}

/* Emits for the request what the carrier emits, with the same arguments, which stay on top. */
static void forward(lua_State *L, lh2_request *request, lh2_event event, int nargs) {
    if (request == NULL || !lh2_has_listener(&request->object, event))
        return;
    for (int i = 0; i < nargs; i++)
        lua_pushvalue(L, -nargs);
    lh2_emit(L, &request->object, event, nargs);
}

/* "error" is the stream's alone, but for what destroy() was given. */
static void carrier_failed(lua_State *L, lh2_request *request) {
    if (request != NULL && request->is_destroyed)
        forward(L, request, LH2_EVENT_ERROR, 1);
}

static void on_watched(lua_State *L, lh2_object *watcher, int event, int nargs) {
    lh2_response *response = (lh2_response *)watcher;
    switch (event) {
    case LH2_EVENT_CLOSE:
        carrier_closed(L, response);
        break;
    case LH2_EVENT_ERROR:
        carrier_failed(L, response->request);
        break;
    case LH2_EVENT_TIMEOUT:
        timed_out(L, response);
        break;
    case LH2_EVENT_TRAILERS:
        lh2_request_note_trailers(L, response->request, lua_gettop(L) - nargs + 1);
        break;
    case LH2_EVENT_WANT_TRAILERS:
        lh2_push(L, watcher);
        lh2_response_send_trailers(L, lua_gettop(L));
        lua_pop(L, 1);
        break;
    case LH2_EVENT_END:
        if (!response->carrier->is_let_go)
            forward(L, response->request, LH2_EVENT_END, nargs);
        break;
    case LH2_EVENT_DRAIN:
        lh2_emit(L, watcher, LH2_EVENT_DRAIN, 0);
        break;
    default:
        forward(L, response->request, (lh2_event)event, nargs);
    }
}

/* Listeners of the request for what it gets from the carrier: the carrier is watched for that. */
static void on_request_listener(lua_State *L, int index, int event, bool is_added) {
    lh2_request *request = lua_touserdata(L, index);
    if (request->response == NULL)
        return;
    if (!request->is_anchored) {
        lh2_anchor(L, index);
        request->is_anchored = true;
    }
    if (event != LH2_EVENT_DATA && event != LH2_EVENT_END && event != LH2_EVENT_READABLE &&
        event != LH2_EVENT_ABORTED && event != LH2_EVENT_PAUSE && event != LH2_EVENT_RESUME)
        return;
    lh2_watch(&request->carrier->object, &request->response->object, (lh2_event)event, is_added);
    lh2_push_carrier(L, index);
    lh2_readable_listened(L, lua_gettop(L), event, is_added);
    lua_pop(L, 1);
}

static void on_response_listener(lua_State *L, int index, int event, bool is_added) {
    (void)L;
    lh2_response *response = lua_touserdata(L, index);
    if (event == LH2_EVENT_DRAIN && !response->is_closed)
        lh2_watch(&response->carrier->object, &response->object, LH2_EVENT_DRAIN, is_added);
}

/* request:setTimeout(msecs[, callback]) and response's: the carrier's, whom the callback listens to. */
int lh2_exchange_set_timeout(lua_State *L) {
    lh2_check_duration(L, 2, "msecs");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        lh2_check_function(L, 3, "callback");
    lh2_push_carrier(L, 1);
    lh2_duplex *carrier = lua_touserdata(L, 4);
    lh2_object *watcher = carrier->object.watcher;
    if (watcher == NULL || carrier->is_destroyed)
        return lua_settop(L, 1), 1;
    lh2_watch(&carrier->object, watcher, LH2_EVENT_TIMEOUT, true);
    lua_getfield(L, 4, "setTimeout");
    lua_insert(L, 4);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_call(L, 3, 0);
    lua_settop(L, 1);
    return 1;
}

/* -------------------------------------------------------------------------- to the handlers */

/* Emits the event for the request and response on top, which are popped. [-2, +0, e] */
static void emit_exchange(lua_State *L, lh2_server *server, lh2_event event) {
    lh2_emit(L, &server->object, event, 2);
}

/* Answers without a handler. [-2, +0, e] */
static void answer(lua_State *L, int status) {
    int index = lua_gettop(L);
    ((lh2_response *)lua_touserdata(L, index))->status = (uint16_t)status;
    lh2_response_begin(L, index, true, 0);
    lua_settop(L, index - 2);
}

/* "100-continue" is granted unless somebody checks it, other expectations are not. [-2, +0, e] */
static void announce_expecting(lua_State *L, lh2_server *server, bytes_slice expectation) {
    if (!h1_is_same(expectation, BYTES_LITERAL("100-continue"))) { /* RFC 9110 §10.1.1 */
        if (lh2_has_listener(&server->object, LH2_EVENT_CHECK_EXPECTATION))
            emit_exchange(L, server, LH2_EVENT_CHECK_EXPECTATION);
        else
            answer(L, 417);
        return;
    }
    if (lh2_has_listener(&server->object, LH2_EVENT_CHECK_CONTINUE)) {
        emit_exchange(L, server, LH2_EVENT_CHECK_CONTINUE);
        return;
    }
    lh2_response_inform(L, lua_touserdata(L, -1), 100);
    emit_exchange(L, server, LH2_EVENT_REQUEST);
}

/* Makes the two for the carrier on top, which is popped, and emits what is due. `headers`: the index of
 * {headers, flags, rawHeaders} if they were made; 0. [-1, +0, e] */
static void announce(lua_State *L, lh2_server *server, const lh2_carrier *version, int headers) {
    lh2_exchange_new(L, server, version);
    const lh2_request *request = lua_touserdata(L, -2);
    lua_remove(L, -3);
    if (headers > 0)
        lh2_request_use_headers(L, -2, headers, headers + 2);
    bytes_slice expectation =
        lh2_packed_find(request->fields, request->field_count, HPACK_TOKEN_EXPECT);
    bytes_slice method = lh2_packed_find(request->fields, request->field_count, HPACK_TOKEN_METHOD);
    if (bytes_slice_equal(method, BYTES_LITERAL("CONNECT"))) {
        if (lh2_has_listener(&server->object, LH2_EVENT_CONNECT))
            emit_exchange(L, server, LH2_EVENT_CONNECT);
        else
            answer(L, 405);
    } else if (expectation.data != NULL) {
        announce_expecting(L, server, expectation);
    } else {
        emit_exchange(L, server, LH2_EVENT_REQUEST);
    }
}

void lh2_exchange_announce(lua_State *L, lh2_server *server, const lh2_carrier *version) {
    announce(L, server, version, 0);
}

/* The listener of a server's "stream" that brings the compatibility API (stream, headers, flags,
 * rawHeaders), where others listen too. */
int lh2_stream_to_request(lua_State *L) {
    lh2_stream *stream = lh2_test(L, 1, &lh2_server_stream_class);
    lua_settop(L, 4);
    if (stream == NULL || stream->session == NULL || stream->session->server == NULL ||
        stream->duplex.object.watcher != NULL)
        return 0;
    lua_pushvalue(L, 1);
    announce(L, stream->session->server, &lh2_stream_carrier, 2);
    return 0;
}

bool lh2_serves_requests_alone(lua_State *L, lh2_server *server) {
    if (!server->has_requests)
        return false;
    if (server->seen_changes != server->object.listener_changes) {
        server->seen_changes = server->object.listener_changes;
        server->has_requests_alone =
            lh2_is_only_listener(L, &server->object, LH2_EVENT_STREAM, lh2_stream_to_request);
    }
    return server->has_requests_alone;
}

/* The first listener to "request" brings the one to "stream", at its place among the others. */
static void on_server_listener(lua_State *L, int index, int event, bool is_added) {
    lh2_server *server = lua_touserdata(L, index);
    if (event != LH2_EVENT_REQUEST || !is_added || server->has_requests)
        return;
    server->has_requests = true;
    index = lua_absindex(L, index);
    lua_pushcfunction(L, lh2_stream_to_request);
    lh2_add_listener(L, index, LH2_EVENT_STREAM, false);
}

bool lh2_exchange_fail(lua_State *L, lh2_duplex *carrier) {
    static const char text[] = "Internal Server Error";
    lh2_response *response = (lh2_response *)carrier->object.watcher;
    if (response == NULL || carrier->is_destroyed || response->is_ending ||
        lh2_response_has_begun(response) || response->version->is_closed(carrier))
        return false;
    int top = lua_gettop(L);
    lh2_push(L, &response->object);
    lh2_response_clear_headers(L, top + 1);
    response->status = 500;
    lua_getfield(L, top + 1, "finish");
    lua_pushvalue(L, top + 1);
    lua_pushlstring(L, text, sizeof(text) - 1);
    lua_call(L, 2, 0);
    lua_settop(L, top);
    return true;
}

void lh2_exchange_open(lua_State *L) {
    lh2_extend_open(L);
    lh2_class_register(L, &lh2_request_class);
    lh2_class_register(L, &lh2_response_headers_class);
    lh2_class_register(L, &lh2_response_class);
    lh2_exchange_socket_open(L);
    lh2_set_listener_hook(L, &lh2_request_class, LH2_EVERY_EVENT, on_request_listener);
    lh2_set_listener_hook(L, &lh2_response_class, LH2_EVENT_BIT(DRAIN), on_response_listener);
    lh2_set_listener_hook(L, &lh2_server_class, LH2_EVENT_BIT(REQUEST), on_server_listener);
    lh2_set_watch_hook(L, on_watched);
    lh2_export_class(L, "Http2ServerRequest", &lh2_request_class);
    lh2_export_class(L, "Http2ServerResponse", &lh2_response_class);
}
