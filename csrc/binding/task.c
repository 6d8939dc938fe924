#include "binding/task.h"

#include "binding/args.h"

/* A coroutine that has come to its end can be given another function: one is kept at hand, so that a
 * handler that does not wait costs no new one. A task that waits is kept alive by what it waits for. */
static const char tasks_key;   /* weak: which coroutines are tasks */
static const char waiting_key; /* what a task yields when it waits */

/* Pushes a new task. [-0, +1, m] */
static lua_State *new_task(lua_State *L) {
    lua_State *task = lua_newthread(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tasks_key);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return task;
}

/* Runs the function below its `nargs` arguments in the task: LUA_OK if it came to its end, LUA_YIELD if
 * it waits; else the error, with the task's traceback, is on top. [-(nargs+1), +0|1, m] */
static int run_in(lua_State *L, lua_State *task, int nargs) {
    int results = 0;
    if (!lua_checkstack(task, nargs + LUA_MINSTACK))
        lh2_raise_memory(L);
    lua_xmove(L, task, nargs + 1);
    int status = lua_compat_resume(task, L, nargs, &results);
    if (status == LUA_OK) {
        lua_settop(task, 0);
    } else if (status != LUA_YIELD) {
        lua_xmove(task, L, 1);
        lh2_add_traceback(L, task);
    } else if (lua_touserdata(task, -1) == (const void *)&waiting_key) {
        lua_pop(task, results);
    } else {
        status = LUA_ERRRUN;
        lh2_push_error_text(L, "Error", "ERR_INVALID_YIELD",
                            "A handler can only wait by the methods of http2");
        lh2_add_traceback(L, task);
    }
    return status;
}

void lh2_task_run(lua_State *L, lh2_runtime *runtime, int nargs) {
    lua_State *task = runtime->idle_task;
    int ref = runtime->idle_task_ref;
    if (task == NULL) {
        task = new_task(L);
        ref = lh2_hold(L);
    }
    runtime->idle_task = NULL; /* until it is through */
    int status = run_in(L, task, nargs);
    if (status == LUA_OK && runtime->idle_task == NULL) {
        runtime->idle_task = task;
        runtime->idle_task_ref = ref;
        return;
    }
    lh2_drop(L, ref);
    if (status != LUA_OK && status != LUA_YIELD)
        lua_error(L);
}

/* run(fn, ...) */
static int run(lua_State *L) {
    lh2_check_function(L, 1, "fn");
    lh2_task_run(L, lh2_runtime_of(L), lua_gettop(L) - 1);
    return 0;
}

/* isTask(): whether the caller may wait. */
static int is_task(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &tasks_key);
    lua_pushthread(L);
    lua_rawget(L, -2);
    lua_pushboolean(L, lua_toboolean(L, -1));
    return 1;
}

void lh2_task_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"run", run}, {"isTask", is_task}, {NULL, NULL}};
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &tasks_key);
    lua_createtable(L, 0, 3);
    luaL_setfuncs(L, functions, 0);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&waiting_key);
    lua_setfield(L, -2, "waiting");
    lua_setfield(L, -2, "task");
}
