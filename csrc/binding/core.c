#include "binding/call.h"
#include "binding/class.h"
#include "binding/error.h"
#include "binding/open.h"
#include "binding/perf.h"
#include "binding/task.h"

/* The core's table, in the registry: a program may load the module again after forgetting it. */
static const char core_key;

/* luaopen_http2_core, the one symbol exported. Makes no loop, no seed, no thread: a host may fork
 * afterwards. */
__attribute__((visibility("default"))) int luaopen_http2_core(lua_State *L);

int luaopen_http2_core(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key);
    if (lua_istable(L, -1))
        return 1;
    lh2_runtime_open(L); /* first, so that it is finalized last */
    lh2_call_open(L);
    lua_newtable(L);
    lh2_class_open(L);
    lh2_error_open(L);
    lh2_call_functions(L);
    lh2_task_open(L);
    lh2_perf_open(L);
    lh2_runtime_functions(L);
    lh2_constants_open(L);
    lh2_emitter_open(L);
    lh2_duplex_open(L);
    lh2_timers_open(L);
    lh2_socket_open(L);
    lh2_listener_open(L);
    lh2_settings_open(L);
    lh2_session_open(L);
    lh2_stream_open(L);
    lh2_server_open(L);
    lh2_exchange_open(L);
    lh2_http1_open(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
    return 1;
}
