#include "binding/listeners.h"

static const char others_key; /* in the fields: listeners of all other events, by name */

enum { LIST_IS_MARKED = 0 };

/* ---------------------------------------------------------------------------- known events */

void lh2_events_open(lua_State *L) {
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
}

/* Pushes the table of the known events. [-0, +1, -] */
static void push_events(lua_State *L, int owner) {
    const lh2_object *object = lua_touserdata(L, owner);
    lh2_push_held(L, object->runtime->events_ref);
}

int lh2_event_of(lua_State *L, int owner, int name) {
    push_events(L, owner);
    lua_pushvalue(L, name);
    lua_rawget(L, -2);
    int event = lua_type(L, name) == LUA_TSTRING ? (int)lua_tointeger(L, -1) - 1 : -1;
    lua_pop(L, 2);
    return event;
}

void lh2_push_event_name(lua_State *L, int owner, int event) {
    push_events(L, owner);
    lua_rawgeti(L, -1, event + 1);
    lua_replace(L, -2);
}

/* ------------------------------------------------------------------------------ where they lie */

void lh2_listeners_push(lua_State *L, int owner, int name, int event) {
    const lh2_object *object = lua_touserdata(L, owner);
    if (!object->has_fields || (event >= 0 && !lh2_is_listened(object, event))) {
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

void lh2_listeners_push_others(lua_State *L, int owner) {
    lh2_get_private(L, owner, &others_key);
}

/* Pushes the table of the other events' listeners, made if there is none. [-0, +1, m] */
static void make_others(lua_State *L, int owner) {
    lh2_listeners_push_others(L, owner);
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

void lh2_listeners_set(lua_State *L, int owner, int name, int event) {
    if (event < 0) {
        make_others(L, owner);
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
    object->listener_changes++;
    object->listened = is_none ? before & ~bit : before | bit;
    object->all_wanted = wants_all ? object->all_wanted | bit : object->all_wanted & ~bit;
    if (object->listened != before)
        call_hooks(L, owner, event, object->listened & bit);
}

/* ------------------------------------------------------------------------------------- lists */

int lh2_listeners_count(lua_State *L) {
    return lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : !lua_isnil(L, -1);
}

static bool is_marked(lua_State *L, int list) {
    lua_rawgeti(L, list, LIST_IS_MARKED);
    bool is_set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_set;
}

void lh2_listeners_own(lua_State *L) {
    int old = lua_gettop(L);
    if (lua_isfunction(L, old)) {
        lua_createtable(L, 2, 0);
        lua_insert(L, old);
        lua_rawseti(L, old, 1);
    } else if (is_marked(L, old)) {
        int count = (int)lua_rawlen(L, old);
        lua_createtable(L, count + 1, 0);
        for (int i = 1; i <= count; i++) {
            lua_rawgeti(L, old, i);
            lua_rawseti(L, old + 1, i);
        }
        lua_replace(L, old);
    }
}

void lh2_listeners_mark(lua_State *L, int list) {
    if (is_marked(L, list))
        return;
    lua_pushboolean(L, true);
    lua_rawseti(L, list, LIST_IS_MARKED);
}

void lh2_listeners_insert(lua_State *L, int position) {
    int list = lua_gettop(L) - 1;
    for (int i = (int)lua_rawlen(L, list); i >= position; i--) {
        lua_rawgeti(L, list, i);
        lua_rawseti(L, list, i + 1);
    }
    lua_rawseti(L, list, position);
}

void lh2_listeners_erase(lua_State *L, int position) {
    int list = lua_gettop(L), count = (int)lua_rawlen(L, list);
    for (int i = position; i < count; i++) {
        lua_rawgeti(L, list, i + 1);
        lua_rawseti(L, list, i);
    }
    lua_pushnil(L);
    lua_rawseti(L, list, count);
}

void lh2_listener_unwrap(lua_State *L) {
    if (!lua_istable(L, -1))
        return;
    lua_rawgeti(L, -1, LH2_LISTENER_FUNCTION);
    lua_replace(L, -2);
}

int lh2_listeners_find(lua_State *L, int wanted) {
    int listeners = lua_gettop(L);
    if (!lua_istable(L, listeners))
        return lua_rawequal(L, listeners, wanted);
    for (int i = (int)lua_rawlen(L, listeners); i > 0; i--) {
        lua_rawgeti(L, listeners, i);
        bool is_found = lua_rawequal(L, -1, wanted);
        lh2_listener_unwrap(L);
        is_found |= lua_rawequal(L, -1, wanted);
        lua_pop(L, 1);
        if (is_found)
            return i;
    }
    return 0;
}
