#include "binding/emitter.h"

#include "binding/args.h"
#include "binding/open.h"
#include "binding/task.h"

/* Listeners lie in the object's fields: those of a known event under its number plus one, those of
 * other events by name in a table of their own. One plain listener is kept as the function itself.
 * Else there is a list of entries: a function, or for once() a table {function, is_fired}. A list
 * that was emitted from is marked at [0] and never changed again: a change makes a new list, so that
 * each round of emitting calls those that were there when it began. */
static const char others_key; /* in the fields: listeners of all other events, by name */

/* Events whose listeners serve a request. */
#define HANDLER_EVENTS                                                                             \
    (LH2_EVENT_BIT(STREAM) | LH2_EVENT_BIT(REQUEST) | LH2_EVENT_BIT(CHECK_CONTINUE) |              \
     LH2_EVENT_BIT(CHECK_EXPECTATION))

enum { LIST_IS_SHARED = 0, ENTRY_FUNCTION = 1, ENTRY_IS_FIRED = 2 };

/* ------------------------------------------------------------------------------ where they lie */

/* Pushes the table of known events. [-0, +1, -] */
static void push_events(lua_State *L, int owner) {
    const lh2_object *object = lua_touserdata(L, owner);
    lh2_push_held(L, object->runtime->events_ref);
}

/* The number of the event whose name is at `name`, or -1. [-0, +0, -] */
static int event_of(lua_State *L, int owner, int name) {
    push_events(L, owner);
    lua_pushvalue(L, name);
    lua_rawget(L, -2);
    int event = lua_type(L, name) == LUA_TSTRING ? (int)lua_tointeger(L, -1) - 1 : -1;
    lua_pop(L, 2);
    return event;
}

/* [-0, +1, -] */
static void push_event_name(lua_State *L, int owner, int event) {
    push_events(L, owner);
    lua_rawgeti(L, -1, event + 1);
    lua_replace(L, -2);
}

/* Whether there is a listener proper: a watcher alone is none. */
static bool is_listened(const lh2_object *object, int event) {
    return object->listened >> event & 1;
}

/* Pushes the listeners of an event: nil, a function or a list. [-0, +1, -] */
static void push_listeners(lua_State *L, int owner, int name, int event) {
    const lh2_object *object = lua_touserdata(L, owner);
    if (!object->has_fields || (event >= 0 && !is_listened(object, event))) {
        lua_pushnil(L);
        return;
    }
    lua_getiuservalue(L, owner, 1);
    if (event >= 0) {
        lua_rawgeti(L, -1, event + 1);
    } else {
        lua_rawgetp(L, -1, &others_key);
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, name);
            lua_rawget(L, -2);
            lua_replace(L, -2);
        }
    }
    lua_replace(L, -2);
}

/* Pushes the table of the other events' listeners, made if there is none. [-0, +1, m] */
static void push_others(lua_State *L, int owner) {
    lh2_get_private(L, owner, &others_key);
    if (lua_istable(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lh2_set_private(L, owner, &others_key);
}

static void call_hooks(lua_State *L, int owner, int event, bool is_added) {
    const lh2_object *object = lua_touserdata(L, owner);
    for (const lh2_hooks *hooks = object->runtime->hooks; hooks->class; hooks++)
        if (hooks->listener_events >> event & 1 && lh2_is_a(object, hooks->class))
            hooks->on_listener(L, owner, event, is_added);
}

/* Events whose third argument or a later one is made only where somebody may look at it. */
#define LONG_EVENTS                                                                                \
    (LH2_EVENT_BIT(STREAM) | LH2_EVENT_BIT(RESPONSE) | LH2_EVENT_BIT(PUSH) |                       \
     LH2_EVENT_BIT(HEADERS) | LH2_EVENT_BIT(TRAILERS))

/* Whether the listeners on top may look at more than two arguments of such an event. [-0, +0, -] */
static bool want_all(lua_State *L, uint64_t bit) {
    return bit & LONG_EVENTS && (!lua_isfunction(L, -1) || lua_compat_max_arguments(L, -1) > 2);
}

/* Replaces the listeners of an event by the value on top. [-1, +0, m] */
static void set_listeners(lua_State *L, int owner, int name, int event) {
    if (event < 0) {
        push_others(L, owner);
        lua_pushvalue(L, name);
        lua_pushvalue(L, -3);
        lua_rawset(L, -3);
        lua_pop(L, 2);
        return;
    }
    lh2_object *object = lua_touserdata(L, owner);
    uint64_t bit = (uint64_t)1 << event, before = object->listened;
    bool is_none = lua_isnil(L, -1), wants_all = want_all(L, bit);
    lh2_push_fields(L, owner);
    lua_insert(L, -2);
    lua_rawseti(L, -2, event + 1); /* may fail, and what tells of it is true only then */
    lua_pop(L, 1);
    object->listened = is_none ? before & ~bit : before | bit;
    object->all_wanted = wants_all ? object->all_wanted | bit : object->all_wanted & ~bit;
    if (object->listened != before)
        call_hooks(L, owner, event, object->listened & bit);
}

/* ------------------------------------------------------------------------------------- lists */

static bool is_shared(lua_State *L, int list) {
    lua_rawgeti(L, list, LIST_IS_SHARED);
    bool is_marked = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_marked;
}

/* Replaces the listeners on top (a function, or a list that may be shared) by a list of their own.
 * [-1, +1, m] */
static void own_list(lua_State *L) {
    int old = lua_gettop(L);
    if (lua_isfunction(L, old)) {
        lua_createtable(L, 2, 0);
        lua_insert(L, old);
        lua_rawseti(L, old, 1);
    } else if (is_shared(L, old)) {
        int count = (int)lua_rawlen(L, old);
        lua_createtable(L, count + 1, 0);
        for (int i = 1; i <= count; i++) {
            lua_rawgeti(L, old, i);
            lua_rawseti(L, old + 1, i);
        }
        lua_replace(L, old);
    }
}

/* Puts the value on top into the list below it, at `position`. [-1, +0, m] */
static void list_insert(lua_State *L, int position) {
    int list = lua_gettop(L) - 1;
    for (int i = (int)lua_rawlen(L, list); i >= position; i--) {
        lua_rawgeti(L, list, i);
        lua_rawseti(L, list, i + 1);
    }
    lua_rawseti(L, list, position);
}

/* Takes an entry out of the list on top. [-0, +0, -] */
static void list_erase(lua_State *L, int position) {
    int list = lua_gettop(L), count = (int)lua_rawlen(L, list);
    for (int i = position; i < count; i++) {
        lua_rawgeti(L, list, i + 1);
        lua_rawseti(L, list, i);
    }
    lua_pushnil(L);
    lua_rawseti(L, list, count);
}

/* Replaces the entry on top by its function. [-1, +1, -] */
static void unwrap(lua_State *L) {
    if (!lua_istable(L, -1))
        return;
    lua_rawgeti(L, -1, ENTRY_FUNCTION);
    lua_replace(L, -2);
}

/* The last entry of the listeners on top that is the value at `wanted`, or whose function it is; 0 if
 * there is none. [-0, +0, -] */
static int find_entry(lua_State *L, int wanted) {
    int listeners = lua_gettop(L);
    if (!lua_istable(L, listeners))
        return lua_rawequal(L, listeners, wanted);
    for (int i = (int)lua_rawlen(L, listeners); i > 0; i--) {
        lua_rawgeti(L, listeners, i);
        bool is_found = lua_rawequal(L, -1, wanted);
        unwrap(L);
        is_found |= lua_rawequal(L, -1, wanted);
        lua_pop(L, 1);
        if (is_found)
            return i;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------- emitting */

/* Announces a change by "newListener" or "removeListener". [-0, +0, e] */
static void announce(lua_State *L, int owner, lh2_event announcement, int name, int entry);

/* Takes out the entry at position `at`, and says so. [-0, +0, e] */
static void remove_at(lua_State *L, int owner, int name, int event, int at) {
    push_listeners(L, owner, name, event);
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, at);
        lua_insert(L, -2);
    } else {
        lua_pushvalue(L, -1);
    }
    int entry = lua_gettop(L) - 1;
    if (lua_istable(L, -1) && lua_rawlen(L, -1) > 1) {
        own_list(L);
        list_erase(L, at);
    } else {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    set_listeners(L, owner, name, event);
    announce(L, owner, LH2_EVENT_REMOVE_LISTENER, name, entry);
    lua_settop(L, entry - 1);
}

/* Makes the once-entry on top fire: replaced by its function, taken out of the listeners. False, and
 * nothing on top, if it has fired in a round within this one. [-1, +0|1, e] */
static bool fire_entry(lua_State *L, int owner, int name, int event) {
    int entry = lua_gettop(L);
    lua_rawgeti(L, entry, ENTRY_IS_FIRED);
    if (lua_toboolean(L, -1)) {
        lua_pop(L, 2);
        return false;
    }
    lua_pushboolean(L, true);
    lua_rawseti(L, entry, ENTRY_IS_FIRED);
    lua_settop(L, entry);
    if (name == 0) {
        push_event_name(L, owner, event);
        name = entry + 1;
    }
    push_listeners(L, owner, name, event);
    int at = find_entry(L, entry);
    lua_pop(L, 1);
    if (at > 0)
        remove_at(L, owner, name, event, at);
    lua_settop(L, entry);
    unwrap(L);
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
    if (!is_shared(L, list)) {
        lua_pushboolean(L, true);
        lua_rawseti(L, list, LIST_IS_SHARED);
    }
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        if (lua_istable(L, -1) && !fire_entry(L, owner, name, event))
            continue;
        for (int argument = first; argument < owner; argument++)
            lua_pushvalue(L, argument);
        call_listener(L, runtime, event, nargs);
    }
}

/* Calls the listeners on top, above the owner, above the arguments; all are popped. `name` is the
 * index of the event's name; 0: known by its number. [-(nargs+2), +0, e] */
static void call_listeners(lua_State *L, int name, int event, int nargs) {
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

/* Emits from the owner on top, which has a listener and is above the arguments. [-(nargs+1), +0, e] */
static void emit_known(lua_State *L, lh2_event event, int nargs) {
    lua_getiuservalue(L, -1, 1);
    lua_rawgeti(L, -1, (int)event + 1);
    lua_replace(L, -2);
    call_listeners(L, 0, (int)event, nargs);
}

/* Tells the watcher; the arguments on top stay. [-0, +0, e] */
static void tell_watcher(lua_State *L, lh2_object *object, lh2_event event, int nargs) {
    lh2_object *watcher = object->watcher;
    for (const lh2_class *class = watcher->class; class; class = class->parent)
        for (const lh2_hooks *hooks = object->runtime->hooks; hooks->class; hooks++)
            if (hooks->class == class && hooks->on_watched)
                hooks->on_watched(L, watcher, (int)event, nargs);
}

static bool is_watched(const lh2_object *object, int event) {
    return event >= 0 && object->watched >> event & 1;
}

bool lh2_emit(lua_State *L, lh2_object *object, lh2_event event, int nargs) {
    bool was_watched = is_watched(object, (int)event);
    if (was_watched)
        tell_watcher(L, object, event, nargs);
    if (!is_listened(object, (int)event)) {
        lua_pop(L, nargs);
        return was_watched;
    }
    lh2_push(L, object);
    emit_known(L, event, nargs);
    return true;
}

bool lh2_emit_at(lua_State *L, int index, lh2_event event, int nargs) {
    if (!lh2_has_listener(lua_touserdata(L, index), event)) {
        lua_pop(L, nargs);
        return false;
    }
    lua_pushvalue(L, index);
    emit_known(L, event, nargs);
    return true;
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

void lh2_set_watch_hook(lua_State *L, const lh2_class *class, lh2_watch_hook hook) {
    lh2_runtime_hooks(lh2_runtime_of(L), class)->on_watched = hook;
}

bool lh2_is_only_listener(lua_State *L, lh2_object *object, lh2_event event,
                          lua_CFunction function) {
    lh2_push(L, object);
    push_listeners(L, lua_gettop(L), 0, (int)event);
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

static void announce(lua_State *L, int owner, lh2_event announcement, int name, int entry) {
    const lh2_object *object = lua_touserdata(L, owner);
    if (!is_listened(object, (int)announcement))
        return;
    lua_pushvalue(L, name);
    lua_pushvalue(L, entry);
    unwrap(L);
    lua_pushvalue(L, owner);
    push_listeners(L, owner, 0, (int)announcement);
    call_listeners(L, 0, (int)announcement, 2);
}

/* ----------------------------------------------------------------------------------- adding */

/* Adds the function at `listener` to the event whose name is at `name`. [-0, +0, e] */
static void add_listener(lua_State *L, int owner, int name, int listener, bool is_once,
                         bool is_first) {
    int event = event_of(L, owner, name), top = lua_gettop(L);
    announce(L, owner, LH2_EVENT_NEW_LISTENER, name, listener);
    push_listeners(L, owner, name, event);
    bool is_none = lua_isnil(L, -1);
    if (is_none && !is_once) {
        lua_pushvalue(L, listener);
    } else {
        if (is_none)
            lua_createtable(L, 1, 0);
        else
            own_list(L);
        if (is_once) {
            lua_createtable(L, 2, 0);
            lua_pushvalue(L, listener);
            lua_rawseti(L, -2, ENTRY_FUNCTION);
        } else {
            lua_pushvalue(L, listener);
        }
        list_insert(L, is_first ? 1 : (int)lua_rawlen(L, -2) + 1);
    }
    set_listeners(L, owner, name, event);
    lua_settop(L, top);
}

void lh2_add_listener(lua_State *L, int index, lh2_event event, bool is_once) {
    index = lua_absindex(L, index);
    int listener = lua_gettop(L);
    push_event_name(L, index, (int)event);
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
    int event = event_of(L, owner, name);
    push_listeners(L, owner, name, event);
    int at = find_entry(L, listener);
    lua_pop(L, 1);
    if (at > 0)
        remove_at(L, owner, name, event, at);
}

void lh2_remove_listener(lua_State *L, int index, lh2_event event) {
    index = lua_absindex(L, index);
    int listener = lua_gettop(L);
    push_event_name(L, index, (int)event);
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
        push_listeners(L, 1, name, event);
        int count = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : !lua_isnil(L, -1);
        lua_pop(L, 1);
        if (count == 0)
            return;
        remove_at(L, 1, name, event, count);
    }
}

/* Takes out the listeners of every known event but "removeListener". [-0, +0, e] */
static void remove_all_known(lua_State *L, const lh2_object *object) {
    for (int event = 0; event < LH2_EVENT_COUNT; event++) {
        if (event == LH2_EVENT_REMOVE_LISTENER || !is_listened(object, event))
            continue;
        push_event_name(L, 1, event);
        remove_all_of(L, lua_gettop(L), event);
        lua_pop(L, 1);
    }
}

/* Takes out the listeners of all other events. [-0, +0, e] */
static void remove_all_others(lua_State *L) {
    for (;;) {
        push_others(L, 1);
        lua_pushnil(L);
        if (!lua_next(L, -2))
            break;
        lua_pop(L, 1);
        remove_all_of(L, lua_gettop(L), -1);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

/* emitter:removeAllListeners([name]) */
static int remove_all_listeners(lua_State *L) {
    const lh2_object *object = lh2_check(L, 1, &lh2_emitter_class);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        remove_all_of(L, 2, event_of(L, 1, 2));
    } else if (object->has_fields) {
        remove_all_known(L, object);
        remove_all_others(L);
        push_event_name(L, 1, LH2_EVENT_REMOVE_LISTENER);
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
    int event = event_of(L, 1, 2), nargs = lua_gettop(L) - 2;
    bool was_watched = is_watched(lua_touserdata(L, 1), event);
    if (was_watched)
        tell_watcher(L, lua_touserdata(L, 1), (lh2_event)event, nargs);
    lua_pushvalue(L, 1);
    push_listeners(L, 1, 2, event);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 2);
        if (event == LH2_EVENT_ERROR && !was_watched)
            return raise_unhandled(L);
        lua_pushboolean(L, was_watched);
        return 1;
    }
    call_listeners(L, 2, event, nargs);
    lua_pushboolean(L, true);
    return 1;
}

/* emitter:listenerCount(name) */
static int listener_count(lua_State *L) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    push_listeners(L, 1, 2, event_of(L, 1, 2));
    int count = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : !lua_isnil(L, -1);
    lua_pushinteger(L, count);
    return 1;
}

/* emitter:listeners(name): a new sequence. */
static int listeners(lua_State *L) {
    lh2_check(L, 1, &lh2_emitter_class);
    check_name(L);
    lua_settop(L, 2);
    push_listeners(L, 1, 2, event_of(L, 1, 2));
    lua_newtable(L);
    if (lua_isfunction(L, 3)) {
        lua_pushvalue(L, 3);
        lua_rawseti(L, 4, 1);
    }
    for (int i = 1; lua_istable(L, 3) && i <= (int)lua_rawlen(L, 3); i++) {
        lua_rawgeti(L, 3, i);
        unwrap(L);
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
        if (is_listened(object, event)) {
            push_event_name(L, 1, event);
            lua_rawseti(L, 2, ++count);
        }
    lh2_get_private(L, 1, &others_key);
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
    static const char *const names[] = {
#define EVENT_NAME(name, text) text,
        LH2_EVENT_MAP(EVENT_NAME)
#undef EVENT_NAME
    };
    lua_createtable(L, LH2_EVENT_COUNT, LH2_EVENT_COUNT);
    for (int event = 0; event < LH2_EVENT_COUNT; event++) {
        lua_pushstring(L, names[event]);
        lua_rawseti(L, -2, event + 1);
        lua_pushinteger(L, event + 1);
        lua_setfield(L, -2, names[event]);
    }
    lh2_runtime_of(L)->events_ref = lh2_hold(L);
    lh2_class_register(L, &lh2_emitter_class);
    lua_pushcfunction(L, new_emitter);
    lua_setfield(L, -2, "EventEmitter");
}
