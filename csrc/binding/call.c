#include "binding/call.h"

#include <stdio.h>
#include <string.h>

#include "binding/args.h"

static const char uncaught_key; /* onUncaught's function, or false */
static const char error_key;    /* the error that run is to raise, or false */

typedef struct body_call {
    void (*body)(lua_State *L, void *data);
    void *data;
} body_call;

static int call_body(lua_State *L) {
    const body_call *call = lua_touserdata(L, 1);
    lua_settop(L, 0);
    call->body(L, call->data);
    return 0;
}

/* Text gets the traceback behind it, a table gets it in a field of its own, which begins with the place
 * where the error was raised. */
void lh2_add_traceback(lua_State *L, lua_State *of) {
    int error = lua_gettop(L), level = L == of;
    if (lua_type(L, error) == LUA_TSTRING) {
        if (!strstr(lua_tostring(L, error), "\nstack traceback:\n")) {
            luaL_traceback(L, of, lua_tostring(L, error), level);
            lua_replace(L, error);
        }
    } else if (lua_istable(L, error)) {
        lua_pushliteral(L, "traceback");
        lua_rawget(L, error);
        if (lua_isnil(L, -1)) {
            lua_pushliteral(L, "traceback");
            lh2_push_description(L, error);
            luaL_traceback(L, of, lua_tostring(L, -1), level);
            lua_replace(L, -2);
            lua_rawset(L, error);
        }
        lua_settop(L, error);
    }
}

/* The message handler. */
static int add_traceback(lua_State *L) {
    lua_settop(L, 1);
    lh2_add_traceback(L, L);
    return 1;
}

/* Calls the function below its arguments; an error, with its traceback, takes their place.
 * [-(nargs+1), +0|1, -] */
static bool call_protected(lua_State *L, lh2_runtime *runtime, int nargs) {
    int handler = lua_gettop(L) - nargs;
    uint32_t floor = runtime->visitor_floor;
    runtime->visitor_floor = runtime->visitor_count;
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->traceback_ref);
    lua_insert(L, handler);
    int status = lua_pcall(L, nargs, 0, handler);
    lua_remove(L, handler);
    lh2_depart_late(L, runtime);
    runtime->visitor_floor = floor;
    return status == LUA_OK;
}

/* --------------------------------------------------------------------------------------- blame */

static lh2_blame_handler find_handler(const lh2_object *object) {
    for (const lh2_class *class = object->class; class; class = class->parent)
        for (const lh2_hooks *hooks = object->runtime->hooks; hooks->class; hooks++)
            if (hooks->class == class && hooks->on_blame)
                return hooks->on_blame;
    return NULL;
}

void lh2_set_blame_handler(lua_State *L, const lh2_class *class, lh2_blame_handler handler) {
    lh2_runtime_hooks(lh2_runtime_of(L), class)->on_blame = handler;
}

typedef struct blame_call {
    lh2_object *object;
    lh2_blame_handler handler;
    bool is_taken;
} blame_call;

static int call_handler(lua_State *L) {
    blame_call *call = lua_touserdata(L, 1);
    lua_remove(L, 1);
    call->is_taken = call->handler(L, call->object);
    return 0;
}

/* Gives the error on top to the object's class, or to whoever asks for what nobody caught; so too an
 * error of the class's handler. [-1, +0, -] */
static void route_error(lua_State *L, lh2_object *object) {
    blame_call call = {object, object ? find_handler(object) : NULL, false};
    if (!call.handler) {
        lh2_uncaught(L);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, object->runtime->blame_ref);
    lua_pushlightuserdata(L, &call);
    lua_pushvalue(L, -3);
    if (!call_protected(L, object->runtime, 2))
        lh2_uncaught(L);
    if (call.is_taken)
        lua_pop(L, 1);
    else
        lh2_uncaught(L);
}

/* --------------------------------------------------------------------------------- the way in */

/* The call proper: with `blame` in charge, and whoever was in charge before in charge again. */
static bool call_in_charge(lua_State *L, int nargs, lh2_runtime *runtime, lh2_object *blame) {
    lh2_object *outer = runtime->blame;
    if (blame)
        lh2_retain(blame);
    runtime->blame = blame;
    bool is_done = call_protected(L, runtime, nargs);
    lh2_object *accused = runtime->blame;
    runtime->blame = outer;
    if (!is_done)
        route_error(L, accused);
    if (accused && accused != blame)
        lh2_release(L, accused);
    if (blame)
        lh2_release(L, blame);
    return is_done;
}

void lh2_blame(lh2_object *object) {
    lh2_retain(object);
    object->runtime->blame = object;
}

bool lh2_enter(lh2_runtime *runtime, void (*body)(lua_State *L, void *data), void *data,
               lh2_object *blame) {
    lua_State *L = runtime->L;
    if (!L || runtime->is_closing || !lua_checkstack(L, LUA_MINSTACK))
        return false;
    body_call call = {body, data};
    lua_rawgeti(L, LUA_REGISTRYINDEX, runtime->enter_ref);
    lua_pushlightuserdata(L, &call);
    return call_in_charge(L, 1, runtime, blame);
}

bool lh2_call_blaming(lua_State *L, int nargs, lh2_object *blame) {
    return call_in_charge(L, nargs, lh2_runtime_of(L), blame);
}

void lh2_call_open(lua_State *L) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    /* Held, since to push a C function allocates in Lua 5.1. */
    lua_pushcfunction(L, call_body);
    runtime->enter_ref = lh2_hold(L);
    lua_pushcfunction(L, call_handler);
    runtime->blame_ref = lh2_hold(L);
    lua_pushcfunction(L, add_traceback);
    runtime->traceback_ref = lh2_hold(L);
    /* Slots that are there already can be set without allocating. */
    lua_pushboolean(L, false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &uncaught_key);
    lua_pushboolean(L, false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
}

/* blamed(): the object that an error raised now would be the fault of, or nil. */
static int blamed(lua_State *L) {
    const lh2_runtime *runtime = lh2_runtime_of(L);
    if (!runtime->blame)
        return 0;
    lh2_push(L, runtime->blame);
    return 1;
}

static int rethrow(lua_State *L) {
    lua_settop(L, 1);
    return lua_error(L);
}

/* fail(error[, object]): as if a listener of the object, or a callback of nobody's, had raised it. */
static int fail(lua_State *L) {
    lh2_object *object = lua_touserdata(L, 2);
    lua_settop(L, 2);
    lua_pushcfunction(L, rethrow);
    lua_pushvalue(L, 1);
    if (object)
        lh2_visit(L, 2);
    lh2_call_blaming(L, 1, object);
    if (object)
        lh2_depart(L, object);
    return 0;
}

void lh2_call_functions(lua_State *L) {
    static const luaL_Reg functions[] = {{"blamed", blamed}, {"fail", fail}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

/* ----------------------------------------------------------------------------- nobody caught it */

void lh2_print_error(lua_State *L) {
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "traceback");
        lua_rawget(L, -2);
        lua_replace(L, -2);
    }
    const char *text = lua_tostring(L, -1);
    fprintf(stderr, "%s\n", text ? text : luaL_typename(L, -1));
    lua_pop(L, 1);
}

/* Calls onUncaught's function with the error on top. False if there is none, or if it fails: what it
 * raised is then on top. [-1, +0|1, -] */
static bool tell_program(lua_State *L, lh2_runtime *runtime) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &uncaught_key);
    if (!lua_isfunction(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_insert(L, -2);
    return call_protected(L, runtime, 1);
}

void lh2_uncaught(lua_State *L) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    if (tell_program(L, runtime))
        return;
    if (!runtime->L || runtime->has_uncaught) {
        lh2_print_error(L);
        return;
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    runtime->has_uncaught = true;
    net_loop_stop(runtime->loop);
}

int lh2_raise_uncaught(lua_State *L) {
    lh2_runtime_of(L)->has_uncaught = false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_pushboolean(L, false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    return lua_error(L);
}

int lh2_on_uncaught(lua_State *L) {
    if (lua_isnoneornil(L, 1))
        lua_pushboolean(L, false);
    else
        lh2_check_function(L, 1, "fn"), lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &uncaught_key);
    return 0;
}
