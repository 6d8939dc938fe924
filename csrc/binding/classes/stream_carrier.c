#include "binding/classes/exchange.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"
#include "binding/sent_headers.h"

/* An exchange over a stream of HTTP/2. */

static void respond(lua_State *L, lh2_duplex *carrier, const lh2_head *head) {
    lh2_stream *stream = (lh2_stream *)carrier;
    int result = lh2_server_stream_submit(L, stream, head->fields, head->status, head->has_date,
                                          head->is_end);
    if (result == H2_TOO_LARGE) {
        lh2_stream_frame_error(L, stream, H2_FRAME_SIZE_ERROR);
        return;
    }
    if (result != H2_OK)
        lh2_stream_raise(L, result);
    lh2_push(L, &carrier->object);
    lh2_stream_note_response(L, lua_gettop(L), head->headers, head->status, head->has_date);
    lua_pop(L, 1);
    if (head->is_end)
        lh2_stream_end_writing(L, stream);
}

/* What the stream tells of 1xx responses: the headers, with their status. [-0, +0, m] */
static void note_informational(lua_State *L, lh2_duplex *carrier, int headers, int status) {
    lh2_push(L, &carrier->object);
    lh2_push_headers_copy(L, headers);
    lua_pushinteger(L, status);
    lua_setfield(L, -2, ":status");
    lh2_stream_note_info_headers(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
}

static void inform(lua_State *L, lh2_duplex *carrier, lh2_fields *fields, int headers, int status) {
    lh2_stream *stream = (lh2_stream *)carrier;
    lh2_fields_set_status(fields, status);
    lh2_fields_finish(fields);
    int result = h2_session_submit_informational(stream->session->engine, stream->id,
                                                 fields->fields, fields->count);
    if (result != H2_OK)
        lh2_stream_raise(L, result);
    note_informational(L, carrier, headers, status);
    lh2_session_touch(stream->session);
}

static void expect_trailers(lh2_duplex *carrier) {
    ((lh2_stream *)carrier)->waits_for_trailers = true;
}

static void trail(lua_State *L, lh2_duplex *carrier, lh2_fields *fields, int headers) {
    lh2_stream *stream = (lh2_stream *)carrier;
    lh2_fields_finish(fields);
    int result = fields->count == 0
                     ? h2_session_end(stream->session->engine, stream->id)
                     : h2_session_submit_trailers(stream->session->engine, stream->id,
                                                  fields->fields, fields->count);
    if (result != H2_OK)
        lh2_stream_raise(L, result);
    stream->has_sent_trailers = true;
    stream->waits_for_trailers = false;
    lh2_push(L, &carrier->object);
    lh2_stream_note_trailers(L, lua_gettop(L), headers);
    lua_pop(L, 1);
    lh2_session_touch(stream->session);
}

static const lh2_kept_fields *request(lh2_duplex *carrier) {
    return ((lh2_stream *)carrier)->request;
}

static const lh2_kept_fields *raw_request(lh2_duplex *carrier) {
    (void)carrier;
    return NULL;
}

static bool has_sent_headers(const lh2_duplex *carrier) {
    return ((const lh2_stream *)carrier)->has_sent_headers;
}

static bool is_head(const lh2_duplex *carrier) {
    return ((const lh2_stream *)carrier)->is_head;
}

static bool is_closed(const lh2_duplex *carrier) {
    return ((const lh2_stream *)carrier)->is_closed;
}

static void push_socket(lua_State *L, lh2_duplex *carrier) {
    const lh2_stream *stream = (const lh2_stream *)carrier;
    if (stream->session != NULL)
        lh2_push_session_socket(L, stream->session);
    else
        lua_pushnil(L);
}

static void push_connection(lua_State *L, lh2_duplex *carrier) {
    const lh2_stream *stream = (const lh2_stream *)carrier;
    if (stream->session != NULL)
        lh2_push(L, &stream->session->object);
    else
        lua_pushnil(L);
}

static lh2_server *server_of(const lh2_duplex *carrier) {
    const lh2_stream *stream = (const lh2_stream *)carrier;
    return stream->session != NULL ? stream->session->server : NULL;
}

static uint8_t minor(const lh2_duplex *carrier) {
    (void)carrier;
    return 0;
}

const lh2_carrier lh2_stream_carrier = {
    .respond = respond,
    .inform = inform,
    .expect_trailers = expect_trailers,
    .trail = trail,
    .request = request,
    .raw_request = raw_request,
    .has_sent_headers = has_sent_headers,
    .is_head = is_head,
    .is_closed = is_closed,
    .push_socket = push_socket,
    .push_connection = push_connection,
    .server = server_of,
    .major = 2,
    .minor = minor,
};
