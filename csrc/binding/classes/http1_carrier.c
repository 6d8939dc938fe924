/* HTTP/1.1 as the compatibility objects' carrier: what HTTP/2 sends as frames of headers is written into
 * the connection's `out` here. */
#include "binding/classes/http1.h"

/* ----------------------------------------------------------------------------------- heads */

/* Fields as h1 wants them, in memory of Lua's on the stack; the pseudo-header in front is none of
 * them. [-0, +1, m] */
static h1_field *push_fields(lua_State *L, const lh2_fields *fields, size_t *count) {
    h1_field *list = lua_newuserdata(L, (fields->count + 2) * sizeof(*list));
    *count = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (fields->fields[i].name.data[0] != ':')
            list[(*count)++] = (h1_field){fields->fields[i].name, fields->fields[i].value};
    if (fields->connection.data != NULL)
        list[(*count)++] = (h1_field){BYTES_LITERAL("connection"), fields->connection};
    return list;
}

static void respond(lua_State *L, lh2_duplex *carrier, const lh2_head *head) {
    lh2_http1_stream *stream = (lh2_http1_stream *)carrier;
    size_t count;
    if (stream->connection == NULL)
        lh2_raise(L, "ERR_HTTP2_INVALID_STREAM", NULL);
    if (stream->expects_continue && !stream->is_request_done)
        stream->writer.is_keep_alive = false; /* whether the body comes now, nobody can tell */
    if (stream->connection->server->is_closing)
        stream->writer.is_keep_alive = false;
    if (head->has_date && !lh2_fields_has(head->fields, HPACK_TOKEN_DATE))
        lh2_fields_add(L, head->fields, BYTES_LITERAL("date"),
                       lh2_server_date(carrier->object.runtime));
    lh2_fields_finish(head->fields);
    const h1_field *fields = push_fields(L, head->fields, &count);
    bytes_buffer *out = &stream->connection->out;
    size_t before = out->size;
    if (h1_write_head(&stream->writer, out, head->status, fields, count,
                      head->is_end ? 0 : head->size) != 0) {
        out->size = before;
        lh2_raise_memory(L);
    }
    lua_pop(L, 1);
    stream->has_sent_headers = true;
    stream->unclaimed = stream->writer.left;
    if (stream->is_connect && stream->writer.framing != H1_TUNNEL)
        stream->writer.is_keep_alive = false; /* what follows the request is not HTTP */
    if (head->is_end) {
        stream->is_finishing = true;
        lh2_duplex_abort_writing(L, carrier, true);
    }
    lh2_http1_schedule_flush(L, stream);
}

static void inform(lua_State *L, lh2_duplex *carrier, lh2_fields *fields, int headers, int status) {
    (void)headers;
    lh2_http1_stream *stream = (lh2_http1_stream *)carrier;
    size_t count;
    if (stream->connection == NULL)
        lh2_raise(L, "ERR_HTTP2_INVALID_STREAM", NULL);
    lh2_fields_finish(fields);
    const h1_field *list = push_fields(L, fields, &count);
    bytes_buffer *out = &stream->connection->out;
    size_t before = out->size;
    if (h1_write_informational(&stream->writer, out, status, list, count) != 0) {
        out->size = before;
        lh2_raise_memory(L);
    }
    lua_pop(L, 1);
    if (status == 100)
        stream->expects_continue = false;
    lh2_http1_schedule_flush(L, stream);
}

void lh2_http1_respond_implicitly(lua_State *L, lh2_http1_stream *stream, bool is_end) {
    lh2_fields fields;
    int top = lua_gettop(L);
    lua_pushnil(L);
    lh2_fields_read(L, top + 1, LH2_SECTION_PLAIN, &fields);
    lh2_head head = {&fields,         top + 1, 200, true, is_end || stream->writer.is_head,
                     LH2_SIZE_UNKNOWN};
    respond(L, &stream->duplex, &head);
    lua_settop(L, top);
}

/* -------------------------------------------------------------------------------- trailers */

static void expect_trailers(lh2_duplex *carrier) {
    ((lh2_http1_stream *)carrier)->expects_trailers = true;
}

static void trail(lua_State *L, lh2_duplex *carrier, lh2_fields *fields, int headers) {
    (void)headers;
    lh2_http1_stream *stream = (lh2_http1_stream *)carrier;
    size_t count;
    if (stream->connection == NULL || stream->is_end_written)
        return;
    lh2_fields_finish(fields);
    const h1_field *list = push_fields(L, fields, &count);
    if (h1_write_end(&stream->writer, &stream->connection->out, list, count) != 0)
        lh2_raise_memory(L);
    lua_pop(L, 1);
    stream->expects_trailers = false;
    stream->is_end_written = true;
    lh2_http1_schedule_flush(L, stream);
}

/* ----------------------------------------------------------------------------------- facts */

static const lh2_kept_fields *request(lh2_duplex *carrier) {
    return ((lh2_http1_stream *)carrier)->request;
}

static const lh2_kept_fields *raw_request(lh2_duplex *carrier) {
    return ((lh2_http1_stream *)carrier)->raw;
}

static bool has_sent_headers(const lh2_duplex *carrier) {
    return ((const lh2_http1_stream *)carrier)->has_sent_headers;
}

static bool is_head(const lh2_duplex *carrier) {
    return ((const lh2_http1_stream *)carrier)->writer.is_head;
}

static bool is_closed(const lh2_duplex *carrier) {
    return ((const lh2_http1_stream *)carrier)->connection == NULL;
}

static void push_socket(lua_State *L, lh2_duplex *carrier) {
    lh2_http1 *connection = ((lh2_http1_stream *)carrier)->connection;
    if (connection != NULL)
        lh2_http1_push_socket(L, connection);
    else
        lua_pushnil(L);
}

/* There is no session: timeouts are the stream's. */
static void push_connection(lua_State *L, lh2_duplex *carrier) {
    (void)carrier;
    lua_pushnil(L);
}

static lh2_server *server_of(const lh2_duplex *carrier) {
    const lh2_http1_stream *stream = (const lh2_http1_stream *)carrier;
    return stream->connection != NULL ? stream->connection->server : NULL;
}

static uint8_t minor(const lh2_duplex *carrier) {
    return ((const lh2_http1_stream *)carrier)->writer.minor;
}

const lh2_carrier lh2_http1_carrier = {
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
    .major = 1,
    .minor = minor,
};
