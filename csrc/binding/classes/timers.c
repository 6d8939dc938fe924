#include "binding/args.h"
#include "binding/emitter.h"
#include "binding/open.h"

/* Timers as Node's: objects that can be referenced, refreshed and closed. Immediates are timers of no
 * delay: libuv calls those before it waits again, after all ticks of the turn. */

#define MAX_DELAY INT32_MAX

/* Private field: {function, arguments ...}. */
static const char call_key;

typedef struct lh2_timer {
    lh2_object object;
    net_timer *net; /* NULL: not running */
    uint32_t delay_ms;
    bool is_repeating;
    bool is_unref;
    bool is_closed; /* refresh() does not start it again */
} lh2_timer;

static const lh2_class timer_class;

/* ------------------------------------------------------------------------------- life cycle */

static void stop(lua_State *L, lh2_timer *timer) {
    if (!timer->net)
        return;
    net_timer_close(timer->net);
    timer->net = NULL;
    lh2_release(L, &timer->object);
}

/* Calls the function with its arguments. One that runs once is stopped before, so that it may start
 * itself again. */
static void call_timer(lua_State *L, void *data) {
    lh2_timer *timer = data;
    lh2_push(L, &timer->object);
    lh2_get_private(L, -1, &call_key);
    int call = lua_gettop(L);
    lua_rawgeti(L, call, 0);
    int count = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (!timer->is_repeating)
        stop(L, timer);
    luaL_checkstack(L, count, "too many arguments");
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, call, i);
    lua_call(L, count - 1, 0);
}

static void on_timer(net_timer *net) {
    lh2_timer *timer = net_timer_context(net);
    lh2_enter(timer->object.runtime, call_timer, timer, NULL);
}

/* Starts, or starts again, the timer at `index`. [-0, +0, e] */
static void start(lua_State *L, int index) {
    lh2_timer *timer = lua_touserdata(L, index);
    net_loop *loop = lh2_runtime_loop(L);
    if (!timer->net) {
        if (net_timer_new(&timer->net, loop, on_timer, timer))
            lh2_raise_memory(L);
        net_timer_ref(timer->net, !timer->is_unref);
        lh2_anchor(L, index);
    }
    net_timer_start(timer->net, timer->delay_ms, timer->is_repeating ? timer->delay_ms : 0);
}

/* A running timer for the function at index 1, its arguments from index `first` on. [-0, +1, e] */
static int make_timer(lua_State *L, int first, uint32_t delay_ms, bool is_repeating) {
    int last = lua_gettop(L), count = last >= first ? last - first + 1 : 0;
    lh2_check_function(L, 1, "callback");
    lh2_timer *timer = lh2_new(L, &timer_class, sizeof *timer);
    timer->delay_ms = delay_ms;
    timer->is_repeating = is_repeating;
    lua_createtable(L, count + 1, 1);
    lua_pushinteger(L, count + 1);
    lua_rawseti(L, -2, 0); /* the arguments may hold nils */
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    for (int i = 0; i < count; i++) {
        lua_pushvalue(L, first + i);
        lua_rawseti(L, -2, i + 2);
    }
    lh2_set_private(L, -2, &call_key);
    start(L, last + 1);
    return 1;
}

/* Node's rule: what is no delay from 1 to 2^31-1 is 1. */
static uint32_t delay_at(lua_State *L, int index) {
    lua_Number delay = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : 1;
    return delay >= 1 && delay <= MAX_DELAY ? (uint32_t)delay : 1;
}

/* --------------------------------------------------------------------------------- functions */

/* setTimeout(fn[, ms, ...]) */
static int set_timeout(lua_State *L) {
    return make_timer(L, 3, delay_at(L, 2), false);
}

/* setInterval(fn[, ms, ...]) */
static int set_interval(lua_State *L) {
    return make_timer(L, 3, delay_at(L, 2), true);
}

/* setImmediate(fn[, ...]) */
static int set_immediate(lua_State *L) {
    return make_timer(L, 2, 0, false);
}

/* clearTimeout(timer), and its kin: what is no timer is let be. */
static int clear(lua_State *L) {
    lh2_timer *timer = lh2_test(L, 1, &timer_class);
    if (!timer)
        return 0;
    timer->is_closed = true;
    stop(L, timer);
    return 0;
}

/* ----------------------------------------------------------------------------------- methods */

static int set_ref(lua_State *L, bool is_ref) {
    lh2_timer *timer = lh2_check(L, 1, &timer_class);
    timer->is_unref = !is_ref;
    if (timer->net)
        net_timer_ref(timer->net, is_ref);
    lua_settop(L, 1);
    return 1;
}

/* timer:ref() */
static int ref_method(lua_State *L) {
    return set_ref(L, true);
}

/* timer:unref() */
static int unref_method(lua_State *L) {
    return set_ref(L, false);
}

/* timer:hasRef() */
static int has_ref(lua_State *L) {
    const lh2_timer *timer = lh2_check(L, 1, &timer_class);
    lua_pushboolean(L, !timer->is_unref);
    return 1;
}

/* timer:refresh(): the whole time again, also when it has been called already. */
static int refresh(lua_State *L) {
    const lh2_timer *timer = lh2_check(L, 1, &timer_class);
    lua_settop(L, 1);
    if (!timer->is_closed)
        start(L, 1);
    return 1;
}

/* timer:close() */
static int close_method(lua_State *L) {
    lh2_check(L, 1, &timer_class);
    clear(L);
    lua_settop(L, 1);
    return 1;
}

static int gc(lua_State *L) {
    lh2_finalize(lua_touserdata(L, 1));
    return 0;
}

static const luaL_Reg methods[] = {{"ref", ref_method},     {"unref", unref_method},
                                   {"hasRef", has_ref},     {"refresh", refresh},
                                   {"close", close_method}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {{"__gc", gc}, {"__close", close_method}, {NULL, NULL}};

static const lh2_class timer_class = {"Timeout", NULL, methods, NULL, NULL, metamethods};

void lh2_timers_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"setTimeout", set_timeout},
                                         {"setInterval", set_interval},
                                         {"setImmediate", set_immediate},
                                         {"clearTimeout", clear},
                                         {NULL, NULL}};
    lh2_class_register(L, &timer_class);
    luaL_setfuncs(L, functions, 0);
}
