#include "binding/classes/client_session.h"

#include "binding/classes/stream.h"
#include "binding/sent_headers.h"

/* --------------------------------------------------------------------------------- requests */

/* GET, HEAD and DELETE requests have no body unless the program says otherwise. */
static bool is_bodyless_method(bytes_slice method) {
    return bytes_slice_equal(method, BYTES_LITERAL("GET")) ||
           bytes_slice_equal(method, BYTES_LITERAL("HEAD")) ||
           bytes_slice_equal(method, BYTES_LITERAL("DELETE"));
}

/* RFC 9113 §8.5: a plain CONNECT has an authority and nothing else. */
static void check_connect(lua_State *L, const lh2_fields *fields) {
    if (fields->pseudo[LH2_PSEUDO_AUTHORITY].size == 0)
        lh2_raise(L, "ERR_HTTP2_CONNECT_AUTHORITY", NULL);
    if (fields->pseudo[LH2_PSEUDO_SCHEME].data != NULL)
        lh2_raise(L, "ERR_HTTP2_CONNECT_SCHEME", NULL);
    if (fields->pseudo[LH2_PSEUDO_PATH].data != NULL)
        lh2_raise(L, "ERR_HTTP2_CONNECT_PATH", NULL);
}

/* What the program left out: Node's defaults. */
static void complete_request(lua_State *L, const lh2_client_session *client, lh2_fields *fields) {
    bytes_slice *pseudo = fields->pseudo;
    if (pseudo[LH2_PSEUDO_METHOD].data == NULL)
        pseudo[LH2_PSEUDO_METHOD] = BYTES_LITERAL("GET");
    if (bytes_slice_equal(pseudo[LH2_PSEUDO_METHOD], BYTES_LITERAL("CONNECT")) &&
        pseudo[LH2_PSEUDO_PROTOCOL].data == NULL) {
        check_connect(L, fields);
        return;
    }
    if (pseudo[LH2_PSEUDO_AUTHORITY].data == NULL && !lh2_fields_has(fields, HPACK_TOKEN_HOST))
        pseudo[LH2_PSEUDO_AUTHORITY] = bytes_slice_of(client->authority, client->authority_size);
    if (pseudo[LH2_PSEUDO_SCHEME].data == NULL)
        pseudo[LH2_PSEUDO_SCHEME] =
            client->is_secure ? BYTES_LITERAL("https") : BYTES_LITERAL("http");
    if (pseudo[LH2_PSEUDO_PATH].data == NULL)
        pseudo[LH2_PSEUDO_PATH] = BYTES_LITERAL("/");
}

static void set_default(lua_State *L, int headers, const char *name, const char *value) {
    if (lh2_headers_has(L, headers, name))
        return;
    lua_pushstring(L, value);
    lua_setfield(L, headers, name);
}

void lh2_client_session_complete_headers(lua_State *L, const lh2_session *session, int headers) {
    const lh2_client_session *client = (const lh2_client_session *)session;
    set_default(L, headers, ":method", "GET");
    lua_getfield(L, headers, ":method");
    bool is_connect = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), "CONNECT") == 0;
    lua_pop(L, 1);
    if (is_connect && !lh2_headers_has(L, headers, ":protocol"))
        return;
    if (!lh2_headers_has(L, headers, "host"))
        set_default(L, headers, ":authority", client->authority);
    set_default(L, headers, ":scheme", client->is_secure ? "https" : "http");
    set_default(L, headers, ":path", "/");
}

/* Hands the request to the engine, or keeps it while there is no connection. */
static int submit_request(lh2_session *session, lh2_stream *stream, const lh2_fields *fields) {
    if (session->is_connecting) {
        stream->duplex.is_held = true;
        stream->request = lh2_fields_keep(session->object.runtime, fields->fields, fields->count);
        return stream->request != NULL ? H2_OK : H2_NOMEM;
    }
    int result = h2_session_submit_request(session->engine, fields->fields, fields->count,
                                           stream->is_request_end, stream, &stream->id);
    if (result == H2_OK)
        lh2_session_touch(session);
    return result;
}

typedef struct request_options {
    bool is_end; /* no body */
    bool waits_for_trailers;
    bool has_get_trailers;
    int signal; /* index of the AbortSignal; 0: none */
} request_options;

/* The identifier that the next request gets, behind those that wait for the connection. */
static uint32_t next_stream_id(const lh2_session *session) {
    h2_session_figures figures;
    h2_session_get_figures(session->engine, &figures);
    uint32_t id = figures.next_stream_id;
    if (!session->is_connecting)
        return id;
    for (list_node *node = session->streams.next; node != &session->streams; node = node->next)
        if (LIST_ENTRY(node, lh2_stream, link)->request != NULL)
            id += 2;
    return id;
}

/* RFC 7540's dependency: it means nothing any more, but not even that could be on oneself. */
static void check_parent(lua_State *L, int index, const lh2_session *session) {
    lh2_check_dependency(L, index);
    lua_Integer parent = lh2_opt_integer(L, index, "parent", 0, INT32_MAX, 0);
    if (parent != 0 && parent == next_stream_id(session))
        lh2_raise(L, "ERR_HTTP2_STREAM_SELF_DEPENDENCY", NULL);
}

/* Leaves the signal, if there is one, on the stack. [-0, +0|1, v] */
static request_options read_options(lua_State *L, int index, const lh2_session *session,
                                    bytes_slice method) {
    request_options options = {.is_end = is_bodyless_method(method)};
    if (!lh2_check_options(L, index, "options"))
        return options;
    options.is_end = lh2_opt_boolean(L, index, "endStream", options.is_end);
    check_parent(L, index, session);
    options.has_get_trailers = lh2_check_get_trailers(L, index);
    options.waits_for_trailers =
        !options.is_end &&
        (options.has_get_trailers || lh2_opt_truth(L, index, "waitForTrailers", false));
    options.signal = lh2_check_signal(L, index) ? lua_gettop(L) : 0;
    return options;
}

/* session:request([headers[, options]]) */
static int session_request(lua_State *L) {
    lh2_client_session *client = lh2_check(L, 1, &lh2_client_session_class);
    lh2_session *session = &client->session;
    if (session->is_destroyed)
        return lh2_raise(L, "ERR_HTTP2_INVALID_SESSION", NULL);
    if (session->is_closed)
        return lh2_raise(L, "ERR_HTTP2_GOAWAY_SESSION", NULL);
    lua_settop(L, 3);
    if (!lua_isnil(L, 2) && !lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    lh2_fields fields;
    lh2_fields_read(L, 2, LH2_SECTION_REQUEST, &fields);
    complete_request(L, client, &fields);
    bytes_slice method = fields.pseudo[LH2_PSEUDO_METHOD];
    request_options options = read_options(L, 3, session, method);
    lh2_fields_finish(&fields);
    lh2_stream *stream = lh2_stream_new(L, &lh2_client_stream_class, session, 0, true, true);
    stream->is_head = bytes_slice_equal(method, BYTES_LITERAL("HEAD"));
    stream->waits_for_trailers = options.waits_for_trailers;
    stream->is_request_end = options.is_end;
    stream->duplex.is_ending = options.is_end; /* nothing can be written, from the beginning */
    int object = lua_gettop(L);
    lh2_stream_note_request(L, object, 2, 1);
    if (options.has_get_trailers)
        lh2_stream_note_get_trailers(L, object, 3);
    if (options.signal != 0 && !lh2_stream_watch(L, object, options.signal))
        return 1;
    int result = submit_request(session, stream, &fields);
    if (result != H2_OK) {
        lh2_client_stream_fail(L, stream, result);
        return 1;
    }
    if (!session->is_connecting)
        lh2_client_stream_ready(L, stream);
    return 1;
}

/* ------------------------------------------------------------------------------------ class */

static const luaL_Reg methods[] = {{"request", session_request}, {NULL, NULL}};

const lh2_class lh2_client_session_class = {
    "ClientHttp2Session", &lh2_session_class, methods, NULL, NULL, NULL};

void lh2_client_session_open(lua_State *L) {
    lh2_class_register(L, &lh2_client_session_class);
    lh2_connect_open(L);
}
