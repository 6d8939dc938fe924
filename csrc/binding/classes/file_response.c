/* respondWithFile and respondWithFD: responses whose body the engine pulls from a file. */
#include "binding/classes/server.h"
#include "binding/classes/stream.h"
#include "binding/sent_headers.h"
#include "binding/stat.h"

/* The table held while a file is on its way: {headers, path, statCheck, onError, options of FD}. */
enum { CALL_HEADERS = 1, CALL_PATH, CALL_STAT_CHECK, CALL_ON_ERROR, CALL_RANGE };

/* A response on its way, and then its body: the write that the stream counts. */
typedef struct file_body {
    lh2_write write;   /* its `string` is the call's table */
    net_file *file;    /* NULL: not opened, or a descriptor that cannot be read */
    int64_t offset;    /* -1: not said */
    int64_t length;    /* -1: to the end */
    uint64_t promised; /* octets that content-length speaks of and that are not read yet */
    bool is_descriptor;
    bool has_date;
    bool has_length; /* a content-length may be among the headers */
    bool waits_for_trailers;
} file_body;

static lh2_stream *stream_of(const file_body *body) {
    return (lh2_stream *)body->write.duplex;
}

/* -------------------------------------------------------------------------- the engine's chunk */

/* A file that ends before its content-length has lost something: never a clean end. */
static long read_body(h2_chunk *chunk, uint8_t *into, size_t max) {
    file_body *body = (file_body *)(void *)chunk;
    long n = body->file != NULL ? net_file_read(body->file, into, max) : UV_EBADF;
    if (n == NET_FILE_AGAIN)
        return H2_AGAIN;
    if (n < 0 || (n == 0 && body->promised > 0))
        return H2_FAULT;
    body->promised -= (uint64_t)n < body->promised ? (uint64_t)n : body->promised;
    return n;
}

static void release_body(h2_chunk *chunk, bool was_sent) {
    file_body *body = (file_body *)(void *)chunk;
    net_file_close(body->file);
    body->file = NULL;
    lh2_write_release(chunk, was_sent);
}

static void on_ready(net_file *file) {
    const lh2_stream *stream = stream_of(net_file_context(file));
    if (stream->session == NULL || stream->is_engine_done)
        return;
    h2_session_resume(stream->session->engine, stream->id);
    lh2_session_touch(stream->session);
}

/* The octets that a content-length among the fields promises; 0 without one. */
static uint64_t promise_of(const lh2_fields *fields) {
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->fields[i].token != HPACK_TOKEN_CONTENT_LENGTH)
            continue;
        bytes_slice text = fields->fields[i].value;
        uint64_t octets = 0;
        for (size_t k = 0; k < text.size && k < 18; k++)
            octets = octets * 10 + (uint64_t)(text.data[k] - '0') % 10;
        return octets;
    }
    return 0;
}

/* -------------------------------------------------------------------------------- the response */

/* How much of the file is sent: *length, from `offset` on, is within a regular file's size. */
static uint64_t find_range(file_body *body) {
    uint64_t offset = body->offset > 0 ? (uint64_t)body->offset : 0;
    uint64_t length = body->length >= 0 ? (uint64_t)body->length : UINT64_MAX;
    if (body->file == NULL)
        return length;
    const struct stat *stat = net_file_stat(body->file);
    if (S_ISREG(stat->st_mode)) {
        uint64_t size = (uint64_t)stat->st_size;
        offset = offset < size ? offset : size;
        length = length < size - offset ? length : size - offset;
    }
    net_file_set_range(body->file, offset, length);
    return length;
}

/* Sends the headers and gives the body to the engine; *is_taken says whether the engine has it. The
 * engine's result of the former. [-0, +0, m] */
static int respond(lua_State *L, file_body *body, lh2_fields *fields, int status, bool is_empty,
                   bool *is_taken) {
    lh2_stream *stream = stream_of(body);
    h2_session *engine = stream->session->engine;
    bool is_end = is_empty && !body->waits_for_trailers;
    *is_taken = false;
    int result = lh2_server_stream_submit(L, stream, fields, status, body->has_date, is_end);
    if (result != H2_OK)
        return result;
    body->promised = promise_of(fields);
    stream->waits_for_trailers = body->waits_for_trailers;
    if (is_end) {
        lh2_stream_end_writing(L, stream);
        return H2_OK;
    }
    lh2_duplex_take_writing(&stream->duplex);
    if (!is_empty)
        lh2_perf_stream_sends(stream);
    *is_taken = !is_empty && h2_session_write(engine, stream->id, &body->write.chunk) == H2_OK;
    if (*is_taken && !body->waits_for_trailers)
        h2_session_end(engine, stream->id);
    return H2_OK;
}

/* What did not go out, told as respond() tells it. [-0, +0, v] */
static void raise_result(lua_State *L, lh2_stream *stream, int result) {
    if (result == H2_TOO_LARGE)
        lh2_stream_frame_error(L, stream, H2_FRAME_SIZE_ERROR);
    else if (result != H2_OK)
        lh2_stream_raise(L, result);
}

/* --------------------------------------------------------------------- once the file is looked at */

/* What `settle` does in Lua; `body` is NULL as soon as it has an owner. */
typedef struct settlement {
    file_body *body;
    int status;
} settlement;

/* No more files can be open: that passes, and the client may ask again. [-0, +0, m] */
static void say_unavailable(lua_State *L, lh2_stream *stream) {
    lh2_fields fields;
    int top = lua_gettop(L);
    lua_pushnil(L);
    lh2_fields_read(L, -1, LH2_SECTION_RESPONSE, &fields);
    if (lh2_server_stream_submit(L, stream, &fields, 503, true, true) == H2_OK) {
        stream->sent_status = 503;
        lh2_stream_end_writing(L, stream);
    }
    lua_settop(L, top);
}

/* The file cannot be sent, for the error on top: onError's to answer, or the stream's end. [-1, +0, e] */
static void fail(lua_State *L, file_body *body, int status, int call) {
    lua_rawgeti(L, call, CALL_ON_ERROR);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        if (status == UV_EMFILE || status == UV_ENFILE) {
            lua_pop(L, 1);
            say_unavailable(L, stream_of(body));
        } else {
            lh2_duplex_destroy(L, body->write.duplex);
        }
        return;
    }
    lua_insert(L, -2);
    lua_call(L, 1, 0);
}

/* Pushes libuv's error in Node's words. [-0, +1, m] */
static void push_system_error(lua_State *L, int status, const char *syscall, const char *path) {
    char code[48], text[192];
    uv_err_name_r(status, code, sizeof(code));
    uv_strerror_r(status, text, sizeof(text));
    if (path != NULL)
        lh2_push_error_text(L, "Error", code, "%s: %s, %s '%s'", code, text, syscall, path);
    else
        lh2_push_error_text(L, "Error", code, "%s: %s, %s", code, text, syscall);
    lua_pushinteger(L, status);
    lua_setfield(L, -2, "errno");
    lua_pushstring(L, syscall);
    lua_setfield(L, -2, "syscall");
    lua_pushstring(L, path);
    lua_setfield(L, -2, "path");
}

/* Pushes what speaks against sending the file; false and nothing where all is well. [-0, +0|1, m] */
static bool push_objection(lua_State *L, const file_body *body, int status, int call) {
    if (status != 0) {
        lua_rawgeti(L, call, CALL_PATH);
        push_system_error(L, status, body->is_descriptor ? "fstat" : "open", lua_tostring(L, -1));
        lua_remove(L, -2);
        return true;
    }
    mode_t mode = net_file_stat(body->file)->st_mode;
    if (body->is_descriptor || S_ISREG(mode))
        return false;
    if (S_ISDIR(mode))
        lh2_push_error(L, "ERR_HTTP2_SEND_FILE", NULL);
    else if (body->offset >= 0 || body->length >= 0)
        lh2_push_error(L, "ERR_HTTP2_SEND_FILE_NOSEEK", NULL);
    else
        return false;
    return true;
}

/* A number that statCheck may have changed. [-0, +0, v] */
static int64_t read_figure(lua_State *L, int range, const char *name, int64_t otherwise) {
    int64_t value = otherwise;
    lua_getfield(L, range, name);
    if (!lua_isnil(L, -1) && (!lua_compat_integer(L, -1, &value) || value < -1))
        lh2_raise_value(L, name, NULL, -1);
    lua_pop(L, 1);
    return value;
}

/* Calls statCheck(stat, headers[, range]). Returns whether the file is still to be sent. [-0, +0, e] */
static bool check_stat(lua_State *L, file_body *body, int call) {
    const lh2_stream *stream = stream_of(body);
    int top = lua_gettop(L);
    lua_rawgeti(L, call, CALL_STAT_CHECK);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return true;
    }
    body->has_length = true;
    lh2_push_stat(L, net_file_stat(body->file));
    lua_rawgeti(L, call, CALL_HEADERS);
    lua_rawgeti(L, call, CALL_RANGE);
    lua_call(L, 3, 1);
    bool is_refused = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    lua_rawgeti(L, call, CALL_RANGE);
    if (lua_istable(L, -1)) {
        body->offset = read_figure(L, lua_gettop(L), "offset", body->offset);
        body->length = read_figure(L, lua_gettop(L), "length", body->length);
    }
    lua_settop(L, top);
    return !is_refused && !stream->has_sent_headers;
}

static bool is_open(const lh2_stream *stream) {
    return stream->session != NULL && !stream->is_closed && !stream->is_engine_done;
}

static bool is_wanted(const lh2_stream *stream) {
    return is_open(stream) && !stream->has_sent_headers;
}

static void settle_in_lua(lua_State *L, void *data) {
    settlement *s = data;
    file_body *body = s->body;
    lh2_stream *stream = stream_of(body);
    lh2_push_held(L, body->write.string);
    int call = lua_gettop(L);
    if (!is_wanted(stream))
        return;
    if (push_objection(L, body, s->status, call)) {
        fail(L, body, s->status, call);
        return;
    }
    if (!check_stat(L, body, call) || !is_wanted(stream))
        return;
    uint64_t length = find_range(body);
    bool is_regular = S_ISREG(net_file_stat(body->file)->st_mode);
    lua_rawgeti(L, call, CALL_HEADERS);
    int headers = lua_gettop(L);
    if (is_regular && !body->is_descriptor) {
        lua_pushinteger(L, (lua_Integer)length);
        if (body->has_length)
            lh2_headers_set(L, headers, "content-length");
        else
            lua_setfield(L, headers, "content-length");
    }
    lh2_fields fields;
    lh2_fields_read(L, headers, LH2_SECTION_RESPONSE, &fields);
    int status = lh2_server_stream_status(L, &fields);
    bool is_taken;
    int result = respond(L, body, &fields, status, is_regular && length == 0, &is_taken);
    if (is_taken)
        s->body = NULL;
    raise_result(L, stream, result);
    lh2_push(L, &stream->duplex.object);
    lh2_stream_note_full_headers(L, lua_gettop(L), headers);
}

/* What becomes of the response, now that the file is open or is not; an error raised meanwhile is the
 * stream's. */
static void settle(file_body *body, int status) {
    settlement s = {body, status};
    lh2_object *object = &body->write.duplex->object;
    lh2_enter(object->runtime, settle_in_lua, &s, object);
    if (s.body != NULL) /* no octet of it was due: what the program answers instead may finish */
        release_body(&body->write.chunk, is_open(stream_of(body)));
}

static void on_open(net_file *file, int status) {
    settle(net_file_context(file), status);
}

static const net_file_events file_events = {on_open, on_ready};

/* -------------------------------------------------------------------------------- the arguments */

/* What both functions take behind their first argument: headers at 3, options at 4. */
typedef struct arguments {
    lh2_fields fields;
    int status;
    int64_t offset, length;
    bool has_date, waits_for_trailers, has_get_trailers;
} arguments;

static int64_t read_number(lua_State *L, const char *name, const char *full_name) {
    int64_t value = -1;
    lua_getfield(L, 4, name);
    bool is_range = lua_isnil(L, -1) || (lua_compat_integer(L, -1, &value) &&
                                         value >= (strcmp(name, "length") == 0 ? -1 : 0));
    if (!is_range)
        lh2_raise_value(L, full_name, NULL, -1);
    lua_pop(L, 1);
    return value;
}

static void check_callback(lua_State *L, const char *name, const char *full_name) {
    lua_getfield(L, 4, name);
    if (!lua_isnil(L, -1) && !lua_isfunction(L, -1))
        lh2_raise_value(L, full_name, NULL, -1);
    lua_pop(L, 1);
}

static void read_options(lua_State *L, arguments *a) {
    a->offset = a->length = -1;
    a->has_date = true;
    a->waits_for_trailers = a->has_get_trailers = false;
    if (!lh2_check_options(L, 4, "options"))
        return;
    a->offset = read_number(L, "offset", "options.offset");
    a->length = read_number(L, "length", "options.length");
    check_callback(L, "statCheck", "options.statCheck");
    check_callback(L, "onError", "options.onError");
    a->has_get_trailers = lh2_check_get_trailers(L, 4);
    a->waits_for_trailers = a->has_get_trailers || lh2_opt_truth(L, 4, "waitForTrailers", false);
    a->has_date = lh2_opt_truth(L, 4, "sendDate", true);
}

/* Pushes the option, or nil. [-0, +1, e] */
static void push_option(lua_State *L, const char *name) {
    if (lua_istable(L, 4))
        lua_getfield(L, 4, name);
    else
        lua_pushnil(L);
}

/* Raises for a stream that cannot respond any more, and for headers and options that are wrong. */
static lh2_stream *check_arguments(lua_State *L, arguments *a) {
    lh2_stream *stream = lh2_stream_check_alive(L, 1);
    lua_settop(L, 4);
    if (stream->has_sent_headers)
        lh2_raise(L, "ERR_HTTP2_HEADERS_SENT", NULL);
    if (!lua_isnil(L, 3) && !lua_istable(L, 3))
        lh2_raise_type(L, "headers", "of type table", 3);
    read_options(L, a);
    lh2_fields_read(L, 3, LH2_SECTION_RESPONSE, &a->fields);
    a->status = lh2_server_stream_status(L, &a->fields);
    if (stream->is_head || lh2_is_bodyless(a->status)) {
        lua_pushinteger(L, a->status);
        lh2_raise(L, "ERR_HTTP2_PAYLOAD_FORBIDDEN", lua_tostring(L, -1));
    }
    return stream;
}

static file_body *new_body(lua_State *L, const arguments *a) {
    if (a->has_get_trailers)
        lh2_stream_note_get_trailers(L, 1, 4);
    file_body *body = (file_body *)(void *)lh2_write_begin(L, 1, sizeof(*body));
    body->write.chunk.read = read_body;
    body->write.chunk.release = release_body;
    body->offset = a->offset;
    body->length = a->length;
    body->has_date = a->has_date;
    body->has_length = lh2_fields_has(&a->fields, HPACK_TOKEN_CONTENT_LENGTH);
    body->waits_for_trailers = a->waits_for_trailers;
    return body;
}

/* Pushes the headers as statCheck is to see them, with what is sent by default. [-0, +1, m] */
static void push_full_headers(lua_State *L, const arguments *a) {
    lh2_push_headers_copy(L, 3);
    if (a->fields.pseudo[LH2_PSEUDO_STATUS].data == NULL) {
        lua_pushinteger(L, a->status);
        lua_setfield(L, -2, ":status");
    }
    if (a->has_date && !lh2_fields_has(&a->fields, HPACK_TOKEN_DATE)) {
        bytes_slice date = lh2_server_date(((lh2_object *)lua_touserdata(L, 1))->runtime);
        lua_pushlstring(L, (const char *)date.data, date.size);
        lua_setfield(L, -2, "date");
    }
}

/* Puts the option, if there is one, into the call's table on top. [-0, +0, e] */
static void hold_function(lua_State *L, const char *name, int place) {
    push_option(L, name);
    if (lua_isnil(L, -1))
        lua_pop(L, 1);
    else
        lua_rawseti(L, -2, place);
}

/* Has the body hold what `settle` needs; takes the headers from the top. [-1, +0, m] */
static void hold_call(lua_State *L, file_body *body) {
    int headers = lua_gettop(L);
    lua_createtable(L, CALL_PATH, 0);
    lua_pushvalue(L, headers);
    lua_rawseti(L, -2, CALL_HEADERS);
    hold_function(L, "statCheck", CALL_STAT_CHECK);
    if (!body->is_descriptor) {
        lua_pushvalue(L, 2);
        lua_rawseti(L, -2, CALL_PATH);
        hold_function(L, "onError", CALL_ON_ERROR);
    }
    if (body->is_descriptor) {
        lua_createtable(L, 0, 2);
        lua_pushinteger(L, body->offset > 0 ? (lua_Integer)body->offset : 0);
        lua_setfield(L, -2, "offset");
        lua_pushinteger(L, (lua_Integer)body->length);
        lua_setfield(L, -2, "length");
        lua_rawseti(L, -2, CALL_RANGE);
    }
    body->write.string = lh2_hold(L);
    lua_pop(L, 1);
}

/* -------------------------------------------------------------------------------- the functions */

static void settle_later(lua_State *L, lh2_object *object, intptr_t data) {
    (void)L, (void)object;
    file_body *body = (file_body *)data;
    settle(body, body->file == NULL ? UV_EBADF : 0);
}

static void refuse_later(lua_State *L, lh2_object *object, intptr_t data) {
    (void)L, (void)object;
    settle((file_body *)data, UV_EMFILE);
}

/* stream:respondWithFile(path[, headers[, options]]) */
int lh2_respond_with_file(lua_State *L) {
    arguments a;
    size_t size;
    lh2_stream *stream = check_arguments(L, &a);
    const char *path = lh2_check_string(L, 2, "path", &size);
    if (strlen(path) != size)
        return lh2_raise_value(L, "path", "must be a string without null bytes", 2);
    net_loop *loop = stream->duplex.object.runtime->loop;
    push_full_headers(L, &a);
    file_body *body = new_body(L, &a);
    hold_call(L, body);
    body->has_date = false; /* the headers have it */
    if (net_file_open(&body->file, loop, path, &file_events, body) != 0)
        lh2_tick_push(L, &stream->duplex.object, refuse_later, (intptr_t)body);
    return 0;
}

/* stream:respondWithFD(fd[, headers[, options]]): the headers go at once unless there is a statCheck. */
int lh2_respond_with_fd(lua_State *L) {
    arguments a;
    lh2_stream *stream = check_arguments(L, &a);
    int descriptor = lh2_check_descriptor(L, 2, "fd");
    net_loop *loop = stream->duplex.object.runtime->loop;
    push_option(L, "statCheck");
    bool has_check = !lua_isnil(L, -1);
    if (has_check)
        push_full_headers(L, &a);
    file_body *body = new_body(L, &a);
    body->is_descriptor = true;
    net_file_adopt(&body->file, loop, descriptor, &file_events, body);
    if (has_check) {
        hold_call(L, body);
        body->has_date = false;
        lh2_tick_push(L, &stream->duplex.object, settle_later, (intptr_t)body);
        return 0;
    }
    find_range(body);
    bool is_taken;
    int result = respond(L, body, &a.fields, a.status, false, &is_taken);
    if (!is_taken)
        release_body(&body->write.chunk, false);
    raise_result(L, stream, result);
    lh2_stream_note_response(L, 1, 3, a.status, a.has_date);
    return 0;
}
