#include "binding/classes/http1_server.h"

#include "binding/classes/http1.h"

/* What a secure server has because of HTTP/1.1: Node's names and defaults. */

#define HEADERS_TIMEOUT_MS 60000
#define REQUEST_TIMEOUT_MS 300000
#define KEEP_ALIVE_TIMEOUT_MS 5000
#define CHECKING_INTERVAL_MS 30000
#define MAX_HEADER_SIZE 16384
#define MAX_HEADER_SIZE_LIMIT 65536
#define MAX_HEADERS 128

void lh2_http1_options_read(lua_State *L, int index, lh2_http1_options *options) {
    *options = (lh2_http1_options){
        .is_allowed = lh2_opt_boolean(L, index, "allowHTTP1", false),
        .headers_timeout_ms =
            (uint32_t)lh2_opt_integer(L, index, "headersTimeout", 0, INT32_MAX, HEADERS_TIMEOUT_MS),
        .request_timeout_ms =
            (uint32_t)lh2_opt_integer(L, index, "requestTimeout", 0, INT32_MAX, REQUEST_TIMEOUT_MS),
        .keep_alive_timeout_ms = (uint32_t)lh2_opt_integer(L, index, "keepAliveTimeout", 0,
                                                           INT32_MAX, KEEP_ALIVE_TIMEOUT_MS),
        .max_requests =
            (uint32_t)lh2_opt_integer(L, index, "maxRequestsPerSocket", 0, INT32_MAX, 0),
        .checking_interval_ms = (uint32_t)lh2_opt_integer(L, index, "connectionsCheckingInterval",
                                                          0, INT32_MAX, CHECKING_INTERVAL_MS),
        .max_head_octets = (uint32_t)lh2_opt_integer(L, index, "maxHeaderSize", 1,
                                                     MAX_HEADER_SIZE_LIMIT, MAX_HEADER_SIZE),
        .max_fields =
            (uint32_t)lh2_opt_integer(L, index, "maxHeaderListPairs", 1, UINT32_MAX, MAX_HEADERS),
    };
}

/* ---------------------------------------------------------------------------------- members */

/* server:closeIdleConnections(): those of HTTP/1.1, as in Node. */
static int close_idle_connections(lua_State *L) {
    lh2_http1_close_idle(lh2_check(L, 1, &lh2_http1_server_class));
    return 0;
}

#define PROPERTY(name, field)                                                                      \
    static int get_##field(lua_State *L) {                                                         \
        const lh2_server *server = lh2_check(L, 1, &lh2_http1_server_class);                       \
        lua_pushinteger(L, (lua_Integer)server->http1.field);                                      \
        return 1;                                                                                  \
    }                                                                                              \
    static int set_##field(lua_State *L) {                                                         \
        lh2_server *server = lh2_check(L, 1, &lh2_http1_server_class);                             \
        server->http1.field = (uint32_t)lh2_check_integer(L, 2, name, 0, INT32_MAX);               \
        return 0;                                                                                  \
    }

PROPERTY("headersTimeout", headers_timeout_ms)
PROPERTY("requestTimeout", request_timeout_ms)
PROPERTY("keepAliveTimeout", keep_alive_timeout_ms)
PROPERTY("maxRequestsPerSocket", max_requests)
PROPERTY("connectionsCheckingInterval", checking_interval_ms)

static const luaL_Reg methods[] = {{"closeIdleConnections", close_idle_connections}, {NULL, NULL}};

static const luaL_Reg getters[] = {{"headersTimeout", get_headers_timeout_ms},
                                   {"requestTimeout", get_request_timeout_ms},
                                   {"keepAliveTimeout", get_keep_alive_timeout_ms},
                                   {"maxRequestsPerSocket", get_max_requests},
                                   {"connectionsCheckingInterval", get_checking_interval_ms},
                                   {NULL, NULL}};

static const luaL_Reg setters[] = {{"headersTimeout", set_headers_timeout_ms},
                                   {"requestTimeout", set_request_timeout_ms},
                                   {"keepAliveTimeout", set_keep_alive_timeout_ms},
                                   {"maxRequestsPerSocket", set_max_requests},
                                   {"connectionsCheckingInterval", set_checking_interval_ms},
                                   {NULL, NULL}};

const lh2_class lh2_http1_server_class = {"Http1Server", &lh2_server_class, methods,
                                          getters,       setters,           NULL};

/* --------------------------------------------------------------------------- a failing handler */

/* As of a stream of HTTP/2: 500 if the response has not begun; one that is not complete is cut off. */
static bool take_blame(lua_State *L, lh2_object *object) {
    lh2_duplex *duplex = (lh2_duplex *)object;
    lh2_push(L, object);
    lh2_push_slot(L, -1, LH2_SLOT_OWNER);
    lua_replace(L, -2);
    lh2_server_tell_failure(L, object);
    const lh2_http1_stream *stream = (lh2_http1_stream *)object;
    bool is_whole = stream->is_finishing && !stream->expects_trailers;
    if (!lh2_exchange_fail(L, duplex) && !is_whole) {
        lua_pushnil(L);
        lh2_duplex_destroy(L, duplex);
    }
    return true;
}

void lh2_http1_open(lua_State *L) {
    lh2_class_register(L, &lh2_http1_stream_class);
    lh2_set_blame_handler(L, &lh2_http1_stream_class, take_blame);
}
