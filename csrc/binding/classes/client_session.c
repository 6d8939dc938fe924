#include <stdio.h>
#include <string.h>

#include "binding/classes/secure_context.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"
#include "binding/url.h"

typedef struct lh2_client_session {
    lh2_session session;
    bool is_secure;
    char authority[LH2_HOST_SIZE + 8]; /* host:port as requests carry it */
    size_t authority_size;
} lh2_client_session;

static const char *const alpn[] = {"h2"};

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

/* ------------------------------------------------------------------------------- connecting */

static void connected_in_lua(lua_State *L, void *data) {
    lh2_session *session = data;
    lh2_session_attach(L, session, session->socket);
    list_node *node = session->streams.next;
    while (node != &session->streams) {
        lh2_stream *stream = LIST_ENTRY(node, lh2_stream, link);
        node = node->next;
        if (stream->request != NULL)
            lh2_client_stream_submit(L, stream);
    }
    if (!lh2_has_listener(&session->object, LH2_EVENT_CONNECT))
        return;
    lh2_push(L, &session->object);
    lh2_push_socket_proxy(L, session);
    lh2_emit(L, &session->object, LH2_EVENT_CONNECT, 2);
}

static void connected(lh2_session *session) {
    lh2_enter(session->object.runtime, connected_in_lua, session, NULL);
}

static void on_connect(net_socket *socket) {
    lh2_client_session *client = net_socket_context(socket);
    if (!client->is_secure)
        connected(&client->session);
}

static void no_alpn_in_lua(lua_State *L, void *data) {
    lh2_push_error_text(L, "Error", "ERR_HTTP2_ERROR",
                        "The server did not choose HTTP/2 (\"h2\") by ALPN");
    lh2_session_destroy(L, data, H2_INTERNAL_ERROR);
}

static void on_secure(net_socket *socket) {
    lh2_session *session = net_socket_context(socket);
    const char *chosen = net_tls_alpn(net_socket_tls(socket));
    if (chosen != NULL && strcmp(chosen, "h2") == 0)
        connected(session);
    else
        lh2_enter(session->object.runtime, no_alpn_in_lua, session, NULL);
}

struct failure {
    lh2_session *session;
    const net_error *error;
};

static void failed_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    lh2_push_net_error(L, failure->error);
    lh2_session_destroy(L, failure->session, H2_INTERNAL_ERROR);
}

static void on_error(net_socket *socket, const net_error *error) {
    lh2_session *session = net_socket_context(socket);
    struct failure failure = {session, error};
    lh2_enter(session->object.runtime, failed_in_lua, &failure, NULL);
}

/* The peer went away in the middle of the handshake. */
static void on_end(net_socket *socket) {
    net_error error;
    net_error_from_uv(&error, UV_ECONNRESET, "tls", NULL, -1);
    on_error(socket, &error);
}

static void on_close(net_socket *socket) {
    lh2_session_socket_closed(net_socket_context(socket));
}

static const net_socket_events connecting_events = {
    .on_connect = on_connect,
    .on_secure = on_secure,
    .on_end = on_end,
    .on_error = on_error,
    .on_close = on_close,
};

/* ---------------------------------------------------------------------------- http2.connect */

static int raise_url(lua_State *L, const char *input) {
    lh2_push_error_text(L, "TypeError", "ERR_INVALID_URL", "Invalid URL");
    lua_pushstring(L, input);
    lua_setfield(L, -2, "input");
    return lh2_throw(L);
}

/* The field of the table at `index` as text into `out`, if there. */
static bool copy_field(lua_State *L, int index, const char *name, char *out, size_t size) {
    lua_getfield(L, index, name);
    size_t length = 0;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (text != NULL && length >= size)
        raise_url(L, text);
    if (text != NULL)
        memcpy(out, text, length + 1);
    lua_pop(L, 1);
    return text != NULL;
}

static void read_url(lua_State *L, const char *text, size_t size, lh2_url *url) {
    if (!lh2_url_parse(text, size, url))
        raise_url(L, text);
}

/* The authority: a URL, or a table with `origin`, or with protocol, hostname or host, and port. */
static void read_authority(lua_State *L, int index, lh2_url *url) {
    size_t size;
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &size);
        read_url(L, text, size, url);
        return;
    }
    if (!lua_istable(L, index))
        lh2_raise_type(L, "authority", "of type string or table", index);
    lua_getfield(L, index, "origin");
    if (lua_type(L, -1) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, -1, &size);
        read_url(L, text, size, url);
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    *url = (lh2_url){.port = -1};
    if (copy_field(L, index, "protocol", url->scheme, sizeof(url->scheme)))
        url->scheme[strcspn(url->scheme, ":")] = '\0';
    if (!copy_field(L, index, "hostname", url->host, sizeof(url->host)) &&
        !copy_field(L, index, "host", url->host, sizeof(url->host)))
        strcpy(url->host, "localhost");
    url->port = (int)lh2_opt_integer(L, index, "port", 0, 65535, -1);
    url->is_ipv6 = strchr(url->host, ':') != NULL;
}

/* Scheme and port in full; only http and https are spoken. */
static void complete_url(lua_State *L, int options, lh2_url *url) {
    if (url->scheme[0] == '\0') {
        const char *protocol = lh2_opt_string(L, options, "protocol", NULL, "https:");
        size_t size = strcspn(protocol, ":");
        if (size < sizeof(url->scheme)) {
            memcpy(url->scheme, protocol, size);
            url->scheme[size] = '\0';
        }
    }
    int port = lh2_url_default_port(url->scheme);
    if (port == 0)
        lh2_raise(L, "ERR_HTTP2_UNSUPPORTED_PROTOCOL", url->scheme);
    if (url->port < 0)
        url->port = port;
}

/* host:port for :authority; the option servername takes the place of the host under TLS. */
static void set_authority(lh2_client_session *client, const lh2_url *url, const char *servername) {
    const char *host = client->is_secure && servername != NULL ? servername : url->host;
    bool has_brackets = strchr(host, ':') != NULL;
    int size = snprintf(client->authority, sizeof(client->authority),
                        has_brackets ? "[%.255s]:%d" : "%.255s:%d", host, url->port);
    client->authority_size =
        (size_t)size < sizeof(client->authority) ? (size_t)size : sizeof(client->authority) - 1;
}

static void read_connect_options(lua_State *L, int options, const lh2_url *url,
                                 net_connect_options *out) {
    *out = (net_connect_options){.host = url->host, .port = url->port, .is_no_delay = true};
    if (lua_isnil(L, options))
        return;
    out->host = lh2_opt_string(L, options, "host", NULL, out->host);
    out->port = (int)lh2_opt_integer(L, options, "port", 0, 65535, out->port);
    out->path = lh2_opt_string(L, options, "path", NULL, NULL);
    out->local_address = lh2_opt_string(L, options, "localAddress", NULL, NULL);
    out->local_port = (int)lh2_opt_integer(L, options, "localPort", 0, 65535, 0);
    out->family = (int)lh2_opt_integer(L, options, "family", 0, 6, 0);
    if (out->path != NULL)
        out->host = NULL;
}

/* What connect was asked for. */
typedef struct destination {
    lh2_url url;
    net_connect_options connect;
    const char *servername;
    bool is_secure;
} destination;

static void read_destination(lua_State *L, destination *to) {
    read_authority(L, 1, &to->url);
    complete_url(L, 2, &to->url);
    read_connect_options(L, 2, &to->url, &to->connect);
    to->servername = lh2_opt_string(L, 2, "servername", NULL, NULL);
    to->is_secure = strcmp(to->url.scheme, "https") == 0;
}

/* Begins to connect; the TLS filter goes in between where there is one. H2_OK or H2_NOMEM. */
static int start_connecting(lh2_client_session *client, net_loop *loop, const destination *to,
                            net_tls *tls) {
    if (net_socket_connect(&client->session.socket, loop, &to->connect, &connecting_events,
                           client) != 0)
        return H2_NOMEM;
    client->session.is_connecting = true;
    if (tls != NULL)
        net_socket_secure(client->session.socket, tls);
    return H2_OK;
}

/* A TLS filter for the destination by the options at 2, or NULL for clear text. [-0, +0, e] */
static net_tls *make_tls(lua_State *L, const destination *to) {
    if (!to->is_secure)
        return NULL;
    net_tls_context *context = lh2_secure_context(L, 2, false, alpn, 1);
    net_tls *tls;
    int result = net_tls_new(&tls, context, to->servername != NULL ? to->servername : to->url.host,
                             bytes_slice_of(NULL, 0));
    net_tls_context_unref(context);
    if (result != 0)
        lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    return tls;
}

/* http2.connect(authority[, options][, listener]) */
static int http2_connect(lua_State *L) {
    lua_settop(L, 3);
    if (lua_isfunction(L, 2)) {
        lua_insert(L, 2);
        lua_settop(L, 3);
    }
    if (!lua_isnil(L, 3))
        lh2_check_function(L, 3, "listener");
    if (!lh2_check_options(L, 2, "options")) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    destination to;
    lh2_config config;
    read_destination(L, &to);
    lh2_config_read(L, 2, H2_CLIENT, &config);
    net_loop *loop = lh2_runtime_loop(L);
    lh2_client_session *client = (lh2_client_session *)lh2_session_new(L, &lh2_client_session_class,
                                                                       sizeof(*client), &config);
    client->is_secure = to.is_secure;
    set_authority(client, &to.url, to.servername);
    if (!lua_isnil(L, 3)) {
        lua_pushvalue(L, 3);
        lh2_add_listener(L, -2, LH2_EVENT_CONNECT, true);
    }
    lh2_anchor_reserve(L);
    net_tls *tls = make_tls(L, &to);
    if (start_connecting(client, loop, &to, tls) != H2_OK) {
        net_tls_free(tls);
        return lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    }
    lh2_anchor(L, -1);
    return 1;
}

/* ------------------------------------------------------------------------------------ class */

static const luaL_Reg methods[] = {{"request", session_request}, {NULL, NULL}};

const lh2_class lh2_client_session_class = {
    "ClientHttp2Session", &lh2_session_class, methods, NULL, NULL, NULL};

void lh2_client_session_open(lua_State *L) {
    lh2_class_register(L, &lh2_client_session_class);
    lua_pushcfunction(L, http2_connect);
    lua_setfield(L, -2, "connect");
}
