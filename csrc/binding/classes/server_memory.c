/* What the sessions of a server hold together, in the engine's count. Each is weighed when it has been
 * served, and the sum is kept. */
#include "binding/args.h"
#include "binding/classes/server.h"

#define MEGABYTE ((size_t)1000000)
#define DEFAULT_MEGABYTES 512

void lh2_server_memory_init(lua_State *L, int options, lh2_server *server) {
    int64_t megabytes = DEFAULT_MEGABYTES;
    if (lua_istable(L, options))
        megabytes = lh2_opt_integer(L, options, "maxServerMemory", 0, 1000000, megabytes);
    server->max_memory = (size_t)megabytes * MEGABYTE;
}

static lh2_session *find_largest(const lh2_server *server) {
    lh2_session *largest = NULL;
    for (list_node *node = server->sessions.next; node != &server->sessions; node = node->next) {
        lh2_session *session = LIST_ENTRY(node, lh2_session, link);
        if (!session->is_destroyed && (largest == NULL || session->weight > largest->weight))
            largest = session;
    }
    return largest;
}

/* What the largest session holds goes with it, though its end may take a while yet. */
static void relieve(lua_State *L, void *data) {
    lh2_server *server = data;
    lh2_session *largest = find_largest(server);
    if (largest == NULL)
        return;
    server->memory -= largest->weight;
    largest->weight = 0;
    h2_session_terminate(largest->engine, H2_ENHANCE_YOUR_CALM, bytes_slice_of(NULL, 0));
    lh2_push_error_text(L, "Error", "ERR_HTTP2_ERROR", "%s",
                        "the sessions of the server hold more than maxServerMemory");
    lua_pushliteral(L, "local");
    lua_setfield(L, -2, "by");
    lua_pushliteral(L, "session");
    lua_setfield(L, -2, "scope");
    lh2_session_destroy(L, largest, H2_ENHANCE_YOUR_CALM);
}

void lh2_server_weigh(lh2_session *session) {
    lh2_server *server = session->server;
    if (server == NULL || server->max_memory == 0)
        return;
    size_t weight = session->is_destroyed ? 0 : h2_session_memory(session->engine);
    server->memory += weight - session->weight;
    session->weight = weight;
    if (server->memory > server->max_memory)
        lh2_enter(server->object.runtime, relieve, server, NULL);
}

void lh2_server_forget_weight(lh2_session *session) {
    session->server->memory -= session->weight;
    session->weight = 0;
}

bool lh2_server_is_crowded(const lh2_session *session) {
    const lh2_server *server = session->server;
    return server != NULL && server->max_memory > 0 && server->memory > server->max_memory / 10 * 8;
}
