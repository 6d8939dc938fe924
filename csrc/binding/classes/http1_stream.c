#include "binding/classes/http1.h"
#include "binding/classes/stream.h"

/* `out` takes more while it holds less than this; octets that go in at once. */
#define MAX_OUT ((size_t)64 * 1024)
#define MAX_PIECE ((size_t)32 * 1024)

/* --------------------------------------------------------------------------------- writing */

static bool is_writing(const lh2_http1_stream *stream) {
    return stream->connection != NULL && stream->has_sent_headers;
}

/* Moves one piece of the first write. 0, or -1 when memory is out. */
static int encode_piece(lh2_http1_stream *stream) {
    lh2_write *write = stream->first;
    size_t left = write->size - stream->sent, size = left < MAX_PIECE ? left : MAX_PIECE;
    if (h1_write_data(&stream->writer, &stream->connection->out, write->chunk.data + stream->sent,
                      size) != 0)
        return -1;
    stream->sent += size;
    if (size < left)
        return 0;
    stream->first = write->next;
    stream->sent = 0;
    lh2_write_release(&write->chunk, true);
    return 0;
}

int lh2_http1_stream_encode(lh2_http1_stream *stream) {
    bytes_buffer *out = &stream->connection->out;
    if (!stream->has_sent_headers)
        return 0;
    while (stream->first != NULL && out->size < MAX_OUT)
        if (encode_piece(stream) != 0)
            return -1;
    bool is_last = stream->first == NULL && stream->is_finishing && !stream->is_end_written;
    if (!is_last || stream->expects_trailers)
        return 0;
    stream->is_end_written = true;
    return h1_write_end(&stream->writer, out, NULL, 0);
}

static void flush_tick(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)L, (void)unused;
    lh2_http1_stream *stream = (lh2_http1_stream *)object;
    stream->is_flush_due = false;
    if (stream->connection != NULL)
        lh2_http1_flush(stream->connection);
}

/* What one round of the loop writes leaves together. */
void lh2_http1_schedule_flush(lua_State *L, lh2_http1_stream *stream) {
    lh2_http1_stream_note_activity(stream);
    if (stream->is_flush_due)
        return;
    stream->is_flush_due = true;
    lh2_tick_push(L, &stream->duplex.object, flush_tick, 0);
}

/* ------------------------------------------------------------------------- duplex operations */

static void want_trailers(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_http1_stream *stream = (lh2_http1_stream *)object;
    if (stream->connection == NULL || lh2_emit(L, object, LH2_EVENT_WANT_TRAILERS, 0))
        return;
    stream->expects_trailers = false;
    lh2_http1_schedule_flush(L, stream);
}

static void op_read(lua_State *L, lh2_duplex *duplex, bool is_wanted) {
    (void)L, (void)is_wanted;
    lh2_http1_stream *stream = (lh2_http1_stream *)duplex;
    if (stream->connection != NULL)
        lh2_http1_update_reading(stream->connection);
}

/* More than the Content-Length tells would be taken for the next response. */
static void refuse_excess(lua_State *L, lh2_http1_stream *stream, lh2_write *write) {
    lh2_push_length_error(L);
    lh2_write_release(&write->chunk, false);
    lh2_duplex_destroy(L, &stream->duplex);
}

static void op_write(lua_State *L, lh2_duplex *duplex, lh2_write *write) {
    lh2_http1_stream *stream = (lh2_http1_stream *)duplex;
    if (stream->connection != NULL && !stream->has_sent_headers)
        lh2_http1_respond_implicitly(L, stream, false);
    if (!is_writing(stream)) {
        lh2_write_release(&write->chunk, false);
        return;
    }
    if (stream->writer.framing == H1_LENGTH && write->size > stream->unclaimed) {
        refuse_excess(L, stream, write);
        return;
    }
    stream->unclaimed -= stream->writer.framing == H1_LENGTH ? write->size : 0;
    if (stream->first != NULL)
        stream->last->next = write;
    else
        stream->first = write;
    stream->last = write;
    lh2_http1_schedule_flush(L, stream);
}

static void op_finish(lua_State *L, lh2_duplex *duplex) {
    lh2_http1_stream *stream = (lh2_http1_stream *)duplex;
    if (stream->connection == NULL)
        return;
    if (!stream->has_sent_headers)
        lh2_http1_respond_implicitly(L, stream, true);
    stream->is_finishing = true;
    if (stream->expects_trailers && !stream->wants_trailers) {
        stream->wants_trailers = true;
        lh2_tick_push(L, &duplex->object, want_trailers, 0);
    }
    lh2_http1_schedule_flush(L, stream);
}

/* "finish" comes when the transport has it all. */
static bool op_flushed(lua_State *L, lh2_duplex *duplex) {
    (void)L;
    return ((lh2_http1_stream *)duplex)->connection == NULL;
}

static void drop_writes(lh2_http1_stream *stream) {
    while (stream->first != NULL) {
        lh2_write *write = stream->first;
        stream->first = write->next;
        lh2_write_release(&write->chunk, false);
    }
    stream->sent = 0;
}

/* As of HTTP/2: "aborted" is what the program had not finished. */
static void note_abort(lua_State *L, lh2_http1_stream *stream) {
    if (stream->duplex.is_ending || stream->is_aborted)
        return;
    stream->is_aborted = true;
    lh2_emit_later(L, &stream->duplex.object, LH2_EVENT_ABORTED);
}

static void op_destroy(lua_State *L, lh2_duplex *duplex) {
    lh2_http1_stream *stream = (lh2_http1_stream *)duplex;
    lh2_http1 *connection = stream->connection;
    lh2_http1_stream_stop_timer(stream);
    list_remove(&stream->link);
    drop_writes(stream);
    if (connection != NULL) {
        note_abort(L, stream);
        stream->connection = NULL;
        connection->stream = NULL;
        lh2_http1_close(connection);
    }
    lh2_duplex_closed(L, duplex);
    lh2_release(L, &duplex->object);
}

static const lh2_duplex_ops ops = {.read = op_read,
                                   .write = op_write,
                                   .finish = op_finish,
                                   .flushed = op_flushed,
                                   .destroy = op_destroy};

/* ------------------------------------------------------------------------- from the connection */

void lh2_http1_stream_lost(lua_State *L, lh2_http1_stream *stream) {
    note_abort(L, stream);
    lua_pushnil(L);
    lh2_duplex_destroy(L, &stream->duplex);
}

/* As of a stream of HTTP/2 that is reset with CANCEL. */
void lh2_http1_stream_cancelled(lua_State *L, lh2_http1_stream *stream) {
    lh2_duplex *duplex = &stream->duplex;
    note_abort(L, stream);
    lh2_duplex_abort_writing(L, duplex, true);
    if (duplex->flowing == 1 && duplex->pending.size == 0)
        lh2_duplex_end(L, duplex);
}

/* Both are done, or the response is and the connection closes with it. */
static void end_exchange(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_http1_stream *stream = (lh2_http1_stream *)object;
    lh2_http1 *connection = stream->connection;
    if (connection == NULL)
        return;
    bool goes_on = stream->writer.is_keep_alive && stream->is_request_done;
    stream->connection = NULL;
    connection->stream = NULL;
    lh2_duplex *duplex = &stream->duplex;
    if (!duplex->is_finished)
        lh2_duplex_finished(L, duplex);
    duplex->auto_destroy = true;
    if (stream->is_request_done) {
        list_append(&connection->unread, &stream->link); /* until it is read */
        lh2_duplex_end(L, duplex);
    } else {
        lua_pushnil(L);
        lh2_duplex_destroy(L, duplex);
    }
    lh2_http1_next(L, connection, goes_on);
}

/* The response is out: a body that still comes, and nobody reads, is let go. */
static void settle(lua_State *L, lh2_http1_stream *stream) {
    lh2_duplex *duplex = &stream->duplex;
    if (!stream->is_response_done || stream->connection == NULL)
        return;
    if (stream->writer.framing == H1_TUNNEL && !stream->is_request_done) {
        net_socket_shutdown(stream->connection->socket); /* the other direction goes on */
    } else if (stream->is_request_done || !stream->writer.is_keep_alive) {
        lh2_tick_push(L, &duplex->object, end_exchange, 0);
    } else if (duplex->flowing == -1 && !duplex->was_read) {
        duplex->is_let_go = true;
        lh2_duplex_resume(L, duplex);
    }
}

static void response_done(lua_State *L, void *data) {
    lh2_http1_stream *stream = data;
    lh2_duplex *duplex = &stream->duplex;
    if (stream->is_request_done && duplex->flowing == -1 && !duplex->was_read) {
        duplex->flowing = 1; /* what has come and nobody reads is let go */
        duplex->is_let_go = true;
        lh2_duplex_end(L, duplex);
    }
    lh2_duplex_finished(L, duplex);
    settle(L, stream);
}

void lh2_http1_stream_drained(lh2_http1_stream *stream) {
    lh2_object *object = &stream->duplex.object;
    if (!stream->is_end_written || stream->is_response_done)
        return;
    stream->is_response_done = true;
    lh2_enter(object->runtime, response_done, stream, object);
}

static void drop_trailers(lh2_http1_stream *stream) {
    lh2_runtime *runtime = stream->duplex.object.runtime;
    lh2_fields_drop(runtime, stream->trailers);
    lh2_fields_drop(runtime, stream->raw_trailers);
    stream->trailers = stream->raw_trailers = NULL;
}

/* "trailers" (headers, flags, rawHeaders), as of HTTP/2. [-0, +0, e] */
static void emit_trailers(lua_State *L, lh2_http1_stream *stream, const h1_event *end) {
    lh2_runtime *runtime = stream->duplex.object.runtime;
    if (lh2_http1_keep_fields(runtime, NULL, end->end.fields, end->end.count, &stream->trailers,
                              &stream->raw_trailers) != 0)
        lh2_raise_memory(L);
    lh2_push_headers(L, runtime, stream->trailers->fields, stream->trailers->count);
    lua_pushinteger(L, 0);
    lh2_push_raw_headers(L, runtime, stream->raw_trailers->fields, stream->raw_trailers->count);
    drop_trailers(stream);
    lh2_emit(L, &stream->duplex.object, LH2_EVENT_TRAILERS, 3);
}

void lh2_http1_stream_ended(lua_State *L, lh2_http1_stream *stream, const h1_event *end) {
    stream->is_request_done = true;
    if (end->end.count > 0 && lh2_has_listener(&stream->duplex.object, LH2_EVENT_TRAILERS))
        emit_trailers(L, stream, end);
    lh2_duplex_end(L, &stream->duplex);
    settle(L, stream);
}

static bool has_expectation(const h1_event *head) {
    for (size_t i = 0; i < head->head.count; i++)
        if (h1_is_same(head->head.fields[i].name, BYTES_LITERAL("expect")))
            return true;
    return false;
}

lh2_http1_stream *lh2_http1_stream_new(lua_State *L, lh2_http1 *connection, const h1_event *head) {
    lh2_http1_stream *stream = lh2_new_with_slots(
        L, connection->server->object.runtime, &lh2_http1_stream_class, sizeof(*stream), 1, true);
    list_init(&stream->link);
    lh2_duplex_init(&stream->duplex, &ops, true, true);
    if (lh2_http1_keep_fields(stream->duplex.object.runtime, head, head->head.fields,
                              head->head.count, &stream->request, &stream->raw) != 0)
        lh2_raise_memory(L);
    lh2_push(L, &connection->server->object);
    lh2_set_slot(L, -2, LH2_SLOT_OWNER); /* to whom its last listeners' errors go */
    lh2_anchor(L, -1);
    stream->connection = connection;
    stream->is_connect = head->head.is_connect;
    stream->expects_continue = head->head.has_body && has_expectation(head);
    stream->writer = (h1_writer){
        .minor = head->head.minor,
        .is_head = bytes_slice_equal(head->head.method, BYTES_LITERAL("HEAD")),
        .is_connect = head->head.is_connect,
        .is_keep_alive = head->head.is_keep_alive,
    };
    return stream;
}

/* ---------------------------------------------------------------------------------- members */

#define GET_BOOLEAN(name, value)                                                                   \
    static int get_##name(lua_State *L) {                                                          \
        const lh2_http1_stream *stream = lh2_check(L, 1, &lh2_http1_stream_class);                 \
        lua_pushboolean(L, value);                                                                 \
        return 1;                                                                                  \
    }

GET_BOOLEAN(aborted, stream->is_aborted)
GET_BOOLEAN(headers_sent, stream->has_sent_headers)
GET_BOOLEAN(head_request, stream->writer.is_head)
/* HTTP/1.1 has no pushes. */
GET_BOOLEAN(push_allowed, stream == NULL)

/* stream:respond([headers[, options]]), with the options endStream and sendDate, as of HTTP/2. */
static int stream_respond(lua_State *L) {
    lh2_http1_stream *stream = lh2_check(L, 1, &lh2_http1_stream_class);
    lua_settop(L, 3);
    if (stream->connection == NULL)
        return lh2_raise(L, "ERR_HTTP2_INVALID_STREAM", NULL);
    if (stream->has_sent_headers)
        return lh2_raise(L, "ERR_HTTP2_HEADERS_SENT", NULL);
    if (!lua_isnil(L, 2) && !lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    bool has_options = lh2_check_options(L, 3, "options");
    lh2_fields fields;
    lh2_fields_read(L, 2, LH2_SECTION_RESPONSE, &fields);
    lh2_head head = {.fields = &fields, .headers = 2, .size = LH2_SIZE_UNKNOWN};
    head.status = lh2_server_stream_status(L, &fields);
    head.has_date = !has_options || lh2_opt_truth(L, 3, "sendDate", true);
    head.is_end = (has_options && lh2_opt_truth(L, 3, "endStream", false)) ||
                  stream->writer.is_head || lh2_is_bodyless(head.status);
    lh2_http1_carrier.respond(L, &stream->duplex, &head);
    return 0;
}

/* stream:close([code][, callback]): nothing can be taken back here but by the connection's end. */
static int stream_close(lua_State *L) {
    lh2_http1_stream *stream = lh2_check(L, 1, &lh2_http1_stream_class);
    int callback = lua_isfunction(L, 2) ? 2 : 3;
    lua_settop(L, 3);
    if (!lua_isnil(L, callback)) {
        lh2_check_function(L, callback, "callback");
        lua_pushvalue(L, callback);
        lh2_add_listener(L, 1, LH2_EVENT_CLOSE, true);
    }
    if (!stream->duplex.is_destroyed && !stream->is_finishing) {
        lua_pushnil(L);
        lh2_duplex_destroy(L, &stream->duplex);
    }
    return 0;
}

static int gc(lua_State *L) {
    lh2_http1_stream *stream = lua_touserdata(L, 1);
    lh2_finalize(&stream->duplex.object);
    if (stream->connection != NULL)
        stream->connection->stream = NULL;
    list_remove(&stream->link);
    lh2_http1_stream_stop_timer(stream);
    lh2_fields_drop(stream->duplex.object.runtime, stream->request);
    lh2_fields_drop(stream->duplex.object.runtime, stream->raw);
    drop_trailers(stream);
    lh2_duplex_dispose(L, &stream->duplex);
    return 0;
}

static const luaL_Reg methods[] = {{"respond", stream_respond},
                                   {"close", stream_close},
                                   {"setTimeout", lh2_http1_stream_set_timeout},
                                   {NULL, NULL}};
static const luaL_Reg getters[] = {{"aborted", get_aborted},
                                   {"headersSent", get_headers_sent},
                                   {"headRequest", get_head_request},
                                   {"pushAllowed", get_push_allowed},
                                   {NULL, NULL}};
static const luaL_Reg metamethods[] = {{"__gc", gc}, {NULL, NULL}};

const lh2_class lh2_http1_stream_class = {"Http1Stream", &lh2_duplex_class, methods, getters,
                                          NULL,          metamethods};
