#include "binding/listeners.h"
#include "binding/task.h"

/* Events whose listeners serve a request. */
#define HANDLER_EVENTS                                                                             \
    (LH2_EVENT_BIT(STREAM) | LH2_EVENT_BIT(REQUEST) | LH2_EVENT_BIT(CHECK_CONTINUE) |              \
     LH2_EVENT_BIT(CHECK_EXPECTATION))

/* ---------------------------------------------------------------------- calling the listeners */

/* Makes the once-entry on top fire: replaced by its function, taken out of the listeners. False, and
 * nothing on top, if it has fired in a round within this one. [-1, +0|1, e] */
static bool fire_entry(lua_State *L, int owner, int name, int event) {
    int entry = lua_gettop(L);
    lua_rawgeti(L, entry, LH2_LISTENER_IS_FIRED);
    if (lua_toboolean(L, -1)) {
        lua_pop(L, 2);
        return false;
    }
    lua_pushboolean(L, true);
    lua_rawseti(L, entry, LH2_LISTENER_IS_FIRED);
    lua_settop(L, entry);
    if (name == 0) {
        lh2_push_event_name(L, owner, event);
        name = entry + 1;
    }
    lh2_listeners_push(L, owner, name, event);
    int at = lh2_listeners_find(L, entry);
    lua_pop(L, 1);
    if (at > 0)
        lh2_listeners_remove(L, owner, name, event, at);
    lua_settop(L, entry);
    lh2_listener_unwrap(L);
    return true;
}

/* Calls the listener below its `nargs` arguments; a handler may wait. [-(nargs+1), +0, e] */
static void call_listener(lua_State *L, lh2_runtime *runtime, int event, int nargs) {
    if (event >= 0 && HANDLER_EVENTS >> event & 1)
        lh2_task_run(L, runtime, nargs);
    else
        lua_call(L, nargs, 0);
}

/* Calls the entries of the list on top, which is above the owner, which is above the arguments.
 * [-0, +0, e] */
static void call_list(lua_State *L, int name, int event, int nargs) {
    int list = lua_gettop(L), owner = list - 1, first = owner - nargs;
    int count = (int)lua_rawlen(L, list);
    lh2_runtime *runtime = ((lh2_object *)lua_touserdata(L, owner))->runtime;
    luaL_checkstack(L, nargs + LUA_MINSTACK, "too many arguments");
    lh2_listeners_mark(L, list);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        if (lua_istable(L, -1) && !fire_entry(L, owner, name, event))
            continue;
        for (int argument = first; argument < owner; argument++)
            lua_pushvalue(L, argument);
        call_listener(L, runtime, event, nargs);
    }
}

void lh2_listeners_call(lua_State *L, int name, int event, int nargs) {
    if (lua_isfunction(L, -1)) {
        lh2_runtime *runtime = ((lh2_object *)lua_touserdata(L, -2))->runtime;
        lua_replace(L, -2);
        lua_insert(L, -nargs - 1);
        call_listener(L, runtime, event, nargs);
        return;
    }
    int bottom = lua_gettop(L) - nargs - 2;
    call_list(L, name, event, nargs);
    lua_settop(L, bottom);
}

/* ---------------------------------------------------------------------------- announcements */

void lh2_listeners_announce(lua_State *L, int owner, lh2_event announcement, int name, int entry) {
    const lh2_object *object = lua_touserdata(L, owner);
    if (!lh2_is_listened(object, (int)announcement))
        return;
    lua_pushvalue(L, name);
    lua_pushvalue(L, entry);
    lh2_listener_unwrap(L);
    lua_pushvalue(L, owner);
    lh2_listeners_push(L, owner, 0, (int)announcement);
    lh2_listeners_call(L, 0, (int)announcement, 2);
}

void lh2_listeners_remove(lua_State *L, int owner, int name, int event, int at) {
    lh2_listeners_push(L, owner, name, event);
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, at);
        lua_insert(L, -2);
    } else {
        lua_pushvalue(L, -1);
    }
    int entry = lua_gettop(L) - 1;
    if (lua_istable(L, -1) && lua_rawlen(L, -1) > 1) {
        lh2_listeners_own(L);
        lh2_listeners_erase(L, at);
    } else {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lh2_listeners_set(L, owner, name, event);
    lh2_listeners_announce(L, owner, LH2_EVENT_REMOVE_LISTENER, name, entry);
    lua_settop(L, entry - 1);
}

/* ---------------------------------------------------------------------------------- emitting */

/* Emits from the owner on top, which has a listener and is above the arguments. [-(nargs+1), +0, e] */
static void emit_known(lua_State *L, lh2_event event, int nargs) {
    lua_getiuservalue(L, -1, 1);
    lua_rawgeti(L, -1, (int)event + 1);
    lua_replace(L, -2);
    lh2_listeners_call(L, 0, (int)event, nargs);
}

void lh2_tell_watcher(lua_State *L, lh2_object *object, lh2_event event, int nargs) {
    object->runtime->on_watched(L, object->watcher, (int)event, nargs);
}

/* Tells the watcher; whether there are listeners, too. Else the arguments are popped. */
static bool begin_emit(lua_State *L, lh2_object *object, lh2_event event, int nargs) {
    if (nargs == 0 && !lh2_has_listener(object, event))
        return false;
    if (lh2_is_watched(object, (int)event))
        lh2_tell_watcher(L, object, event, nargs);
    bool is_listened = lh2_is_listened(object, (int)event);
    if (!is_listened)
        lua_pop(L, nargs);
    return is_listened;
}

bool lh2_emit(lua_State *L, lh2_object *object, lh2_event event, int nargs) {
    bool is_heard = lh2_has_listener(object, event);
    if (begin_emit(L, object, event, nargs)) {
        lh2_push(L, object);
        emit_known(L, event, nargs);
    }
    return is_heard;
}

bool lh2_emit_at(lua_State *L, int index, lh2_event event, int nargs) {
    lh2_object *object = lua_touserdata(L, index);
    bool is_heard = lh2_has_listener(object, event);
    if (begin_emit(L, object, event, nargs)) {
        lua_pushvalue(L, index);
        emit_known(L, event, nargs);
    }
    return is_heard;
}

void lh2_emit_error(lua_State *L, lh2_object *object) {
    if (!lh2_has_listener(object, LH2_EVENT_ERROR))
        lua_error(L);
    lh2_emit(L, object, LH2_EVENT_ERROR, 1);
}

void lh2_watch(lh2_object *object, lh2_object *watcher, lh2_event event, bool is_on) {
    uint64_t bit = (uint64_t)1 << event;
    object->watched = is_on ? object->watched | bit : object->watched & ~bit;
    object->watcher = watcher;
}

void lh2_unwatch(lh2_object *object) {
    object->watched = 0;
    object->watcher = NULL;
}

void lh2_set_watch_hook(lua_State *L, lh2_watch_hook hook) {
    lh2_runtime_of(L)->on_watched = hook;
}

bool lh2_is_only_listener(lua_State *L, lh2_object *object, lh2_event event,
                          lua_CFunction function) {
    lh2_push(L, object);
    lh2_listeners_push(L, lua_gettop(L), 0, (int)event);
    bool is_only = lua_tocfunction(L, -1) == function;
    lua_pop(L, 2);
    return is_only;
}

static void emit_tick(lua_State *L, lh2_object *object, intptr_t event) {
    lh2_emit(L, object, (lh2_event)event, 0);
}

void lh2_emit_later(lua_State *L, lh2_object *object, lh2_event event) {
    if (lh2_has_listener(object, event))
        lh2_tick_push(L, object, emit_tick, event);
}
