#include "binding/runtime.h"

#include <assert.h>

#include "base/mem.h"
#include "binding/args.h"
#include "binding/call.h"
#include "binding/duplex.h"

static const char runtime_key; /* its place in the registry */

int lh2_raise_memory(lua_State *L) {
    lua_pushliteral(L, "not enough memory");
    return lua_error(L);
}

/* --------------------------------------------------------------------------- life of the runtime */

lh2_runtime *lh2_runtime_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime_key);
    lh2_runtime *runtime = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return runtime;
}

/* At lua_close, after every other finalizer: the others were created, hence marked, later. */
static int runtime_gc(lua_State *L) {
    lh2_runtime *runtime = lua_touserdata(L, 1);
    runtime->is_closing = true;
    runtime->L = NULL;
    if (runtime->loop)
        net_loop_free(runtime->loop);
    runtime->loop = NULL;
    net_tls_contexts_dispose(&runtime->tls_contexts);
    while (!list_is_empty(&runtime->writes))
        lh2_write_drop(runtime, LIST_ENTRY(list_first(&runtime->writes), lh2_write, all));
    lh2_spare_free(runtime);
    mem_free(runtime->ticks);
    runtime->ticks = NULL;
    mem_free(runtime->visitors);
    mem_free(runtime->free_anchors);
    runtime->free_anchors = NULL;
    return 0;
}

void lh2_runtime_open(lua_State *L) {
    lh2_runtime *runtime = lua_newuserdatauv(L, sizeof *runtime, 0);
    *runtime = (lh2_runtime){.loop = NULL};
    list_init(&runtime->writes);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, runtime_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime_key);
}

lh2_hooks *lh2_runtime_hooks(lh2_runtime *runtime, const lh2_class *class) {
    lh2_hooks *hooks = runtime->hooks;
    while (hooks->class && hooks->class != class)
        hooks++;
    assert(hooks < runtime->hooks + LH2_MAX_HOOKS - 1); /* the last one ends the list */
    hooks->class = class;
    return hooks;
}

/* ------------------------------------------------------------------------------------------ loop */

net_loop *lh2_runtime_loop(lua_State *L) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    if (!runtime->loop) {
        if (net_loop_new(&runtime->loop, lh2_runtime_turn, runtime))
            lh2_raise_text(L, "Error", "ERR_LOOP", "the event loop could not be made");
        if (runtime->ticks_count > 0)
            net_loop_wake(runtime->loop);
    } else if (net_loop_fork(runtime->loop)) {
        lh2_raise_text(L, "Error", "ERR_LOOP", "the event loop did not survive the fork");
    }
    return runtime->loop;
}

static uv_run_mode check_mode(lua_State *L, int index) {
    static const char *const names[] = {"default", "once", "nowait"};
    static const uv_run_mode modes[] = {UV_RUN_DEFAULT, UV_RUN_ONCE, UV_RUN_NOWAIT};
    const char *name = lua_isnoneornil(L, index) ? names[0] : lua_tostring(L, index);
    for (size_t i = 0; name && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(name, names[i]) == 0)
            return modes[i];
    lh2_raise_value(L, "mode", "must be 'default', 'once' or 'nowait'", index);
    return UV_RUN_DEFAULT;
}

/* http2.run([mode]) */
static int run(lua_State *L) {
    uv_run_mode mode = check_mode(L, 1);
    net_loop *loop = lh2_runtime_loop(L);
    lh2_runtime *runtime = lh2_runtime_of(L);
    if (runtime->L)
        return lh2_raise(L, "ERR_LOOP_RUNNING", NULL);
    runtime->L = L;
    bool is_alive = net_loop_run(loop, mode);
    runtime->L = NULL;
    if (runtime->has_uncaught)
        return lh2_raise_uncaught(L);
    lua_pushboolean(L, is_alive || runtime->ticks_count > 0);
    return 1;
}

/* http2.backendFd() */
static int backend_fd(lua_State *L) {
    lua_pushinteger(L, uv_backend_fd(net_loop_uv(lh2_runtime_loop(L))));
    return 1;
}

/* http2.backendTimeout(): milliseconds until run is to be called at the latest; -1: no limit. */
static int backend_timeout(lua_State *L) {
    net_loop *loop = lh2_runtime_loop(L);
    if (lh2_runtime_of(L)->ticks_count > 0)
        lua_pushinteger(L, 0);
    else /* libuv says 0 where nothing is left to wait for */
        lua_pushinteger(L, net_loop_is_alive(loop) ? uv_backend_timeout(net_loop_uv(loop)) : -1);
    return 1;
}

void lh2_runtime_functions(lua_State *L) {
    static const luaL_Reg functions[] = {{"run", run},
                                         {"onUncaught", lh2_on_uncaught},
                                         {"backendFd", backend_fd},
                                         {"backendTimeout", backend_timeout},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
