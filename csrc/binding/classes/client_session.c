#include "binding/classes/client_session.h"

#include "binding/classes/stream.h"

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

/* A request that the engine does not take: the stream, on top, ends with an error of its own. */
static int fail_request(lua_State *L, lh2_stream *stream, int result) {
    switch (result) {
    case H2_TOO_LARGE:
        lh2_stream_frame_error(L, stream, H2_REFUSED_STREAM);
        lh2_push_stream_error(L, H2_REFUSED_STREAM, H2_BY_LOCAL, false);
        break;
    case H2_NO_IDS:
        lh2_push_error(L, "ERR_HTTP2_OUT_OF_STREAMS", NULL);
        break;
    case H2_GONE:
        lh2_push_error(L, "ERR_HTTP2_GOAWAY_SESSION", NULL);
        break;
    default:
        lh2_push_error(L, "ERR_HTTP2_NO_MEM", NULL);
        break;
    }
    lh2_duplex_destroy(L, &stream->duplex);
    return 1;
}

/* Hands the request to the engine, or keeps it while there is no connection. */
static int submit_request(lh2_session *session, lh2_stream *stream, const lh2_fields *fields) {
    if (session->is_connecting) {
        stream->duplex.is_held = true;
        stream->request = lh2_fields_keep(fields->fields, fields->count);
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
} request_options;

static request_options read_options(lua_State *L, int index, bytes_slice method) {
    request_options options = {is_bodyless_method(method), false};
    if (lh2_check_options(L, index, "options")) {
        options.is_end = lh2_opt_boolean(L, index, "endStream", options.is_end);
        options.waits_for_trailers =
            !options.is_end && lh2_opt_truth(L, index, "waitForTrailers", false);
    }
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
    request_options options = read_options(L, 3, method);
    lh2_fields_finish(&fields);
    lh2_stream *stream = lh2_stream_new(L, &lh2_client_stream_class, session, 0, true, true);
    stream->is_head = bytes_slice_equal(method, BYTES_LITERAL("HEAD"));
    stream->waits_for_trailers = options.waits_for_trailers;
    stream->is_request_end = options.is_end;
    if (!lua_isnil(L, 2)) {
        lua_pushvalue(L, 2);
        lh2_set_private(L, -2, &lh2_sent_headers_key);
    }
    int result = submit_request(session, stream, &fields);
    if (result != H2_OK)
        return fail_request(L, stream, result);
    if (session->is_connecting)
        stream->duplex.is_ending =
            options.is_end; /* nothing can be written; the rest comes later */
    else
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
