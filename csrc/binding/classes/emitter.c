#include "binding/args.h"
#include "binding/listeners.h"
#include "binding/open.h"

/* ----------------------------------------------------------------------------------- adding */

/* Adds the function at `listener` to the event whose name is at `name`. [-0, +0, e] */
static void add_listener(lua_State *L, int owner, int name, int listener, bool is_once,
                         bool is_first) {
    int event = lh2_event_of(L, owner, name), top = lua_gettop(L);
    lh2_listeners_announce(L, owner, LH2_EVENT_NEW_LISTENER, name, listener);
    lh2_listeners_push(L, owner, name, event);
    bool is_none = lua_isnil(L, -1);
    if (is_none && !is_once) {
        lua_pushvalue(L, listener);
    } else {
        if (is_none)
            lua_createtable(L, 1, 0);
        else
            lh2_listeners_own(L);
        if (is_once) {
            lua_createtable(L, 2, 0);
            lua_pushvalue(L, listener);
            lua_rawseti(L, -2, LH2_LISTENER_FUNCTION);
        } else {
            lua_pushvalue(L, listener);
        }
        lh2_listeners_insert(L, is_first ? 1 : (int)lua_rawlen(L, -2) + 1);
    }
    lh2_listeners_set(L, owner, name, event);
    lua_settop(L, top);
}

void lh2_add_listener(lua_State *L, int index, lh2_event event, bool is_once) {
    index = lua_absindex(L, index);
    int listener = lua_gettop(L);
    lh2_push_event_name(L, index, (int)event);
    add_listener(L, index, listener + 1, listener, is_once, false);
    lua_settop(L, listener - 1);
}

void lh2_set_listener_hook(lua_State *L, const lh2_class *class, uint64_t events,
                           lh2_listener_hook hook) {
    lh2_hooks *hooks = lh2_runtime_hooks(lh2_runtime_of(L), class);
    hooks->on_listener = hook;
    hooks->listener_events = events;
}

/* ---------------------------------------------------------------------------------- methods */

static void check_name(lua_State *L) {
    if (lua_isnoneornil(L, 2))
        lh2_raise_type(L, "eventName", "of type string", 2);
}

static int add_method(lua_State *L, bool is_once, bool is_first) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    lh2_check_function(L, 3, "listener");
    lua_settop(L, 3);
    add_listener(L, 1, 2, 3, is_once, is_first);
    lua_settop(L, 1);
    return 1;
}

/* emitter:on(name, listener) */
static int on(lua_State *L) {
    return add_method(L, false, false);
}

/* emitter:once(name, listener) */
static int once(lua_State *L) {
    return add_method(L, true, false);
}

/* emitter:prependListener(name, listener) */
static int prepend_listener(lua_State *L) {
    return add_method(L, false, true);
}

/* emitter:prependOnceListener(name, listener) */
static int prepend_once_listener(lua_State *L) {
    return add_method(L, true, true);
}

/* Takes out the listener at `listener` of the event whose name is at `name`. [-0, +0, e] */
static void remove_listener(lua_State *L, int owner, int name, int listener) {
    int event = lh2_event_of(L, owner, name);
    lh2_listeners_push(L, owner, name, event);
    int at = lh2_listeners_find(L, listener);
    lua_pop(L, 1);
    if (at > 0)
        lh2_listeners_remove(L, owner, name, event, at);
}

void lh2_remove_listener(lua_State *L, int index, lh2_event event) {
    index = lua_absindex(L, index);
    int listener = lua_gettop(L);
    lh2_push_event_name(L, index, (int)event);
    remove_listener(L, index, listener + 1, listener);
    lua_settop(L, listener - 1);
}

/* emitter:off(name, listener): the one added last of those that are the same. */
static int off(lua_State *L) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    lh2_check_function(L, 3, "listener");
    lua_settop(L, 3);
    remove_listener(L, 1, 2, 3);
    lua_settop(L, 1);
    return 1;
}

/* Takes out all listeners of an event, the last first. [-0, +0, e] */
static void remove_all_of(lua_State *L, int name, int event) {
    for (;;) {
        lh2_listeners_push(L, 1, name, event);
        int count = lh2_listeners_count(L);
        lua_pop(L, 1);
        if (count == 0)
            return;
        lh2_listeners_remove(L, 1, name, event, count);
    }
}

/* Takes out the listeners of every known event but "removeListener". [-0, +0, e] */
static void remove_all_known(lua_State *L, const lh2_object *object) {
    for (int event = 0; event < LH2_EVENT_COUNT; event++) {
        if (event == LH2_EVENT_REMOVE_LISTENER || !lh2_is_listened(object, event))
            continue;
        lh2_push_event_name(L, 1, event);
        remove_all_of(L, lua_gettop(L), event);
        lua_pop(L, 1);
    }
}

/* Takes out the listeners of all other events. [-0, +0, e] */
static void remove_all_others(lua_State *L) {
    for (;;) {
        lh2_listeners_push_others(L, 1);
        lua_pushnil(L);
        if (!lua_istable(L, -2) || !lua_next(L, -2))
            break;
        lua_pop(L, 1);
        remove_all_of(L, lua_gettop(L), -1);
        lua_pop(L, 2);
    }
    lua_settop(L, 2);
}

/* emitter:removeAllListeners([name]) */
static int remove_all_listeners(lua_State *L) {
    const lh2_object *object = lh2_check(L, 1, &lh2_emitter_class);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        remove_all_of(L, 2, lh2_event_of(L, 1, 2));
    } else if (object->has_fields) {
        remove_all_known(L, object);
        remove_all_others(L);
        lh2_push_event_name(L, 1, LH2_EVENT_REMOVE_LISTENER);
        remove_all_of(L, 3, LH2_EVENT_REMOVE_LISTENER);
    }
    lua_settop(L, 1);
    return 1;
}

/* "error" that nobody listens to is raised: as it is if it is an error, else within one. */
static int raise_unhandled(lua_State *L) {
    lua_settop(L, 3);
    if (lh2_is_error(L, 3))
        return lua_error(L);
    lua_pushvalue(L, 3);
    lh2_to_error(L);
    lua_getfield(L, -1, "message");
    lh2_push_error(L, "ERR_UNHANDLED_ERROR", lua_isnil(L, 3) ? "nil" : lua_tostring(L, -1));
    lua_pushvalue(L, 3);
    lua_setfield(L, -2, "context");
    return lh2_throw(L);
}

/* emitter:emit(name, ...): whether there was a listener. */
int lh2_emitter_emit(lua_State *L) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    int event = lh2_event_of(L, 1, 2), nargs = lua_gettop(L) - 2;
    bool was_watched = lh2_is_watched(lua_touserdata(L, 1), event);
    if (was_watched)
        lh2_tell_watcher(L, lua_touserdata(L, 1), (lh2_event)event, nargs);
    lua_pushvalue(L, 1);
    lh2_listeners_push(L, 1, 2, event);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 2);
        if (event == LH2_EVENT_ERROR && !was_watched)
            return raise_unhandled(L);
        lua_pushboolean(L, was_watched);
        return 1;
    }
    lh2_listeners_call(L, 2, event, nargs);
    lua_pushboolean(L, true);
    return 1;
}

/* emitter:listenerCount(name) */
static int listener_count(lua_State *L) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    lh2_listeners_push(L, 1, 2, lh2_event_of(L, 1, 2));
    int count = lh2_listeners_count(L);
    lua_pushinteger(L, count);
    return 1;
}

/* emitter:listeners(name): a new sequence. */
static int listeners(lua_State *L) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    lua_settop(L, 2);
    lh2_listeners_push(L, 1, 2, lh2_event_of(L, 1, 2));
    lua_newtable(L);
    if (lua_isfunction(L, 3)) {
        lua_pushvalue(L, 3);
        lua_rawseti(L, 4, 1);
    }
    for (int i = 1; lua_istable(L, 3) && i <= (int)lua_rawlen(L, 3); i++) {
        lua_rawgeti(L, 3, i);
        lh2_listener_unwrap(L);
        lua_rawseti(L, 4, i);
    }
    return 1;
}

/* emitter:eventNames(): those that have listeners, the known ones first. */
static int event_names(lua_State *L) {
    const lh2_object *object = lh2_check(L, 1, &lh2_emitter_class);
    int count = 0;
    lua_settop(L, 1);
    lua_newtable(L);
    for (int event = 0; event < LH2_EVENT_COUNT; event++)
        if (lh2_is_listened(object, event)) {
            lh2_push_event_name(L, 1, event);
            lua_rawseti(L, 2, ++count);
        }
    lh2_listeners_push_others(L, 1);
    if (lua_istable(L, 3))
        for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_rawseti(L, 2, ++count);
        }
    lua_settop(L, 2);
    return 1;
}

static int to_string(lua_State *L) {
    const lh2_object *object = lua_touserdata(L, 1);
    lua_pushfstring(L, "%s: %p", object->class->name, (const void *)object);
    return 1;
}

static const luaL_Reg methods[] = {{"on", on},
                                   {"addListener", on},
                                   {"once", once},
                                   {"off", off},
                                   {"removeListener", off},
                                   {"removeAllListeners", remove_all_listeners},
                                   {"prependListener", prepend_listener},
                                   {"prependOnceListener", prepend_once_listener},
                                   {"emit", lh2_emitter_emit},
                                   {"listenerCount", listener_count},
                                   {"listeners", listeners},
                                   {"eventNames", event_names},
                                   {NULL, NULL}};
static const luaL_Reg metamethods[] = {{"__tostring", to_string}, {NULL, NULL}};

const lh2_class lh2_emitter_class = {"EventEmitter", NULL, methods, NULL, NULL, metamethods};

/* EventEmitter(): a plain one, for the program and for Lua files. */
static int new_emitter(lua_State *L) {
    lh2_new(L, &lh2_emitter_class, sizeof(lh2_object));
    return 1;
}

void lh2_emitter_open(lua_State *L) {
    lh2_events_open(L);
    lh2_class_register(L, &lh2_emitter_class);
    lua_pushcfunction(L, new_emitter);
    lua_setfield(L, -2, "EventEmitter");
}
