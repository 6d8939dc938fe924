#include "binding/class.h"

#include <assert.h>

#include "binding/error.h"

/* A class's metatable is held by the runtime. It has the names of the class and of each ancestor as keys,
 * and two tables of members: what can be read (a method, or the address of a getter's entry) and what can
 * be set (a setter's). A class with a late finalizer has another, with __gc. */
static const char readable_key, settable_key;
static const char metatables_key; /* in the registry: the sequence of all metatables */
static const char brand;

/* The place of the class, which may be free. */
static lh2_metatable *find_metatable(lh2_runtime *runtime, const lh2_class *class) {
    size_t at = (uintptr_t) class / 16; /* next to each other, so that few places are taken twice */
    for (;; at++) {
        lh2_metatable *place = &runtime->metatables[at & (LH2_METATABLE_PLACES - 1)];
        if (!place->class || place->class == class)
            return place;
    }
}

void lh2_push_metatable(lua_State *L, lh2_runtime *runtime, const lh2_class *class) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, find_metatable(runtime, class)->ref);
}

/* ------------------------------------------------------------------------- members by name */

/* Whether a key may be the program's own: integers and addresses are ours. */
static bool is_own_key(lua_State *L, int index) {
    int type = lua_type(L, index);
    return type != LUA_TNUMBER && type != LUA_TLIGHTUSERDATA && type != LUA_TNIL;
}

/* Pushes the program's own field whose name is at index 2, or nil. [-0, +1, -] */
static void push_own(lua_State *L, const lh2_object *object) {
    if (!object->has_fields || !is_own_key(L, 2)) {
        lua_pushnil(L);
        return;
    }
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
}

/* __index; upvalue: what can be read. */
static int get_member(lua_State *L) {
    const lh2_object *object = lua_touserdata(L, 1);
    if (object->has_overrides) {
        push_own(L, object);
        if (!lua_isnil(L, -1))
            return 1;
        lua_settop(L, 2);
    }
    if (object->has_fields) /* else the key is not needed any more */
        lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    switch (lua_type(L, -1)) {
    case LUA_TLIGHTUSERDATA: {
        const luaL_Reg *getter = lua_touserdata(L, -1);
        lua_settop(L, 1);
        return getter->func(L);
    }
    case LUA_TNIL:
        if (object->has_fields)
            push_own(L, object);
        return 1;
    default:
        return 1;
    }
}

/* __newindex; upvalues: what can be read, what can be set. A method can be replaced for one object, a
 * property without a setter cannot. */
static int set_member(lua_State *L) {
    lua_settop(L, 3);
    lh2_object *object = lua_touserdata(L, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    const luaL_Reg *setter = lua_touserdata(L, -1);
    if (setter) {
        lua_settop(L, 3);
        lua_replace(L, 2);
        return setter->func(L);
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    if (lua_islightuserdata(L, -1) || !is_own_key(L, 2))
        return lh2_raise_text(L, "TypeError", NULL, "cannot set property %s of %s",
                              lua_tostring(L, 2), object->class->name);
    if (!lua_isnil(L, -1))
        object->has_overrides = 1;
    lh2_push_fields(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

/* ---------------------------------------------------------------------------- registration */

/* Copies what is in the table at `from` to the one on top. [-0, +0, m] */
static void copy_table(lua_State *L, int from) {
    for (lua_pushnil(L); lua_next(L, from);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* Adds the methods; two names of one function get the same value. [-0, +0, m] */
static void add_methods(lua_State *L, const luaL_Reg *methods) {
    for (const luaL_Reg *method = methods; method && method->name; method++) {
        const luaL_Reg *first = methods;
        while (first->func != method->func)
            first++;
        if (first < method)
            lua_getfield(L, -1, first->name);
        else
            lua_pushcfunction(L, method->func);
        lua_setfield(L, -2, method->name);
    }
}

/* Adds the address of each entry under its name. */
static void add_entries(lua_State *L, const luaL_Reg *entries) {
    for (; entries && entries->name; entries++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)entries);
        lua_setfield(L, -2, entries->name);
    }
}

/* Pushes a table of members that starts with the parent's, whose metatable is at `parent` (nil: no
 * parent). [-0, +1, m] */
static void push_members(lua_State *L, int parent, const void *key) {
    lua_newtable(L);
    if (lua_isnil(L, parent))
        return;
    lua_rawgetp(L, parent, key);
    lua_insert(L, -2);
    copy_table(L, lua_gettop(L) - 1);
    lua_remove(L, -2);
}

/* Puts the members on top, what can be read and what can be set, into the metatable. [-2, +0, m] */
static void install_members(lua_State *L, int metatable) {
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, get_member, 1);
    lua_setfield(L, metatable, "__index");
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, set_member, 2);
    lua_setfield(L, metatable, "__newindex");
    lua_rawsetp(L, metatable, &settable_key);
    lua_rawsetp(L, metatable, &readable_key);
}

/* Fills the metatable at `metatable` with what the members need. [-0, +0, m] */
static void add_members(lua_State *L, int metatable, int parent, const lh2_class *class) {
    push_members(L, parent, &readable_key);
    add_methods(L, class->methods);
    add_entries(L, class->getters);
    push_members(L, parent, &settable_key);
    add_entries(L, class->setters);
    install_members(L, metatable);
}

void lh2_class_derive(lua_State *L, int parent, int members) {
    parent = lua_absindex(L, parent);
    members = lua_absindex(L, members);
    lua_newtable(L);
    copy_table(L, parent);
    push_members(L, parent, &readable_key);
    copy_table(L, members);
    push_members(L, parent, &settable_key);
    install_members(L, lua_gettop(L) - 2);
}

/* Makes the metatable with the late finalizer, if there is one, and holds it: LUA_NOREF where there is
 * none; the one on top is without. [-0, +0, m] */
static int split_finalizer(lua_State *L) {
    int metatable = lua_gettop(L), ref = LUA_NOREF;
    lua_getfield(L, metatable, LH2_LATE_GC);
    if (!lua_isnil(L, -1)) {
        lua_pushnil(L);
        lua_setfield(L, metatable, "__gc");
        lua_newtable(L);
        copy_table(L, metatable);
        lua_pushvalue(L, -2);
        lua_setfield(L, -2, "__gc");
        ref = lh2_hold(L);
    }
    lua_settop(L, metatable);
    return ref;
}

void lh2_class_register(lua_State *L, const lh2_class *class) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    if (class->parent)
        lh2_push_metatable(L, runtime, class->parent);
    else
        lua_pushnil(L);
    int parent = lua_gettop(L);
    lua_newtable(L);
    if (class->parent)
        copy_table(L, parent);
    if (class->metamethods)
        luaL_setfuncs(L, class->metamethods, 0);
    add_members(L, parent + 1, parent, class);
    lua_pushstring(L, class->name);
    lua_pushvalue(L, -1);
    lua_setfield(L, parent + 1, "__name");
    lua_setfield(L, parent + 1,
                 "__metatable"); /* what getmetatable gives: ours stays out of reach */
    lua_pushboolean(L, true);
    lua_setfield(L, parent + 1, class->name);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatables_key);
    lua_pushvalue(L, parent + 1);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    assert(lua_rawlen(L, -1) < LH2_METATABLE_PLACES); /* a search finds a free one */
    lua_pop(L, 1);
    lh2_metatable *place = find_metatable(runtime, class);
    place->finalized_ref = split_finalizer(L);
    place->ref = lh2_hold(L);
    place->class = class;
    lua_pop(L, 1);
}

/* --------------------------------------------------------------------- methods written in Lua */

static int raise_this(lua_State *L, const char *class) {
    return lh2_raise_text(
        L, "TypeError", "ERR_INVALID_THIS",
        "Value of \"self\" must be an instance of %s (methods are called with a colon)", class);
}

/* method(class, name): the function that objects of the class have; nil where there is none. */
static int get_method(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_settop(L, 2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatables_key);
    for (int i = 1, count = (int)lua_rawlen(L, 3); i <= count; i++) {
        lua_rawgeti(L, 3, i);
        lua_pushvalue(L, 1);
        lua_rawget(L, 4);
        if (lua_toboolean(L, -1)) {
            lua_rawgetp(L, 4, &readable_key);
            lua_pushvalue(L, 2);
            lua_rawget(L, -2);
            if (lua_isfunction(L, -1))
                return 1;
        }
        lua_settop(L, 3);
    }
    return 0;
}

/* addMethods(class, {name = function}): for objects of the class and of those that inherit from it. */
static int set_methods(lua_State *L) {
    luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
        lh2_note_own_file(L, -1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatables_key);
    for (int i = 1, count = (int)lua_rawlen(L, 3); i <= count; i++) {
        lua_rawgeti(L, 3, i);
        lua_pushvalue(L, 1);
        lua_rawget(L, 4);
        if (lua_toboolean(L, -1)) {
            lua_rawgetp(L, 4, &readable_key);
            copy_table(L, 2);
        }
        lua_settop(L, 3);
    }
    return 0;
}

/* checkClass(self, class): raises unless it is an object of that class. */
static int check_class(lua_State *L) {
    const char *class = luaL_checkstring(L, 2);
    bool is_one = false;
    if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1)) {
        lua_pushvalue(L, 2);
        lua_rawget(L, -2);
        is_one = lua_toboolean(L, -1);
    }
    return is_one ? 0 : raise_this(L, class);
}

void lh2_class_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"method", get_method},
                                         {"addMethods", set_methods},
                                         {"checkClass", check_class},
                                         {NULL, NULL}};
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatables_key);
    luaL_setfuncs(L, functions, 0);
}

/* --------------------------------------------------------------------------------- objects */

static void *make_object(lua_State *L, lh2_runtime *runtime, const lh2_class *class, size_t size,
                         int user_values, bool has_finalizer) {
    (void)user_values;
    const lh2_metatable *metatable = find_metatable(runtime, class);
    bool is_late = has_finalizer && metatable->finalized_ref != LUA_NOREF;
    lh2_object *object = lua_newuserdatauv(L, size, user_values);
    memset(object, 0, size);
    object->brand = &brand;
    object->class = class;
    object->runtime = runtime;
    object->has_finalizer = has_finalizer;
    lua_rawgeti(L, LUA_REGISTRYINDEX, is_late ? metatable->finalized_ref : metatable->ref);
    lua_setmetatable(L, -2);
    return object;
}

void *lh2_new(lua_State *L, const lh2_class *class, size_t size) {
    return make_object(L, lh2_runtime_of(L), class, size, 1, true);
}

#if LUA_COMPAT_MANY_USER_VALUES

void *lh2_new_with_slots(lua_State *L, lh2_runtime *runtime, const lh2_class *class, size_t size,
                         int count, bool has_finalizer) {
    return make_object(L, runtime, class, size, 1 + count, has_finalizer);
}

void lh2_set_slot(lua_State *L, int index, int slot) {
    lua_setiuservalue(L, index, 1 + slot);
}

void lh2_push_slot(lua_State *L, int index, int slot) {
    lua_getiuservalue(L, index, 1 + slot);
}

#else

/* Slots are private fields. */
static const char slot_keys[3];

void *lh2_new_with_slots(lua_State *L, lh2_runtime *runtime, const lh2_class *class, size_t size,
                         int count, bool has_finalizer) {
    (void)count;
    return make_object(L, runtime, class, size, 1, has_finalizer);
}

void lh2_set_slot(lua_State *L, int index, int slot) {
    lh2_set_private(L, index, &slot_keys[slot]);
}

void lh2_push_slot(lua_State *L, int index, int slot) {
    lh2_get_private(L, index, &slot_keys[slot]);
}

#endif

void lh2_finalize(lh2_object *object) {
    if (object->anchors > 0)
        object->runtime->is_closing = true;
}

void lh2_need_finalizer(lua_State *L, lh2_object *object) {
    if (object->has_finalizer)
        return;
    object->has_finalizer = true;
    lh2_push(L, object);
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                find_metatable(object->runtime, object->class)->finalized_ref);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

bool lh2_is_a(const lh2_object *object, const lh2_class *class) {
    const lh2_class *ancestor = object->class;
    while (ancestor && ancestor != class)
        ancestor = ancestor->parent;
    return ancestor;
}

void *lh2_test(lua_State *L, int index, const lh2_class *class) {
    lh2_object *object = lua_touserdata(L, index);
    /* The length of a light userdata is 0. */
    if (!object || lua_rawlen(L, index) < sizeof(lh2_object) || object->brand != &brand)
        return NULL;
    return lh2_is_a(object, class) ? object : NULL;
}

void *lh2_check(lua_State *L, int index, const lh2_class *class) {
    void *object = lh2_test(L, index, class);
    if (!object)
        raise_this(L, class->name);
    return object;
}

void lh2_push_fields(lua_State *L, int index) {
    lh2_object *object = lua_touserdata(L, index);
    if (object->has_fields) {
        lua_getiuservalue(L, index, 1);
        return;
    }
    index = lua_absindex(L, index);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, 1);
    object->has_fields = 1;
}

void lh2_set_private(lua_State *L, int index, const void *key) {
    lh2_push_fields(L, index);
    lua_insert(L, -2);
    lua_rawsetp(L, -2, key);
    lua_pop(L, 1);
}

void lh2_get_private(lua_State *L, int index, const void *key) {
    const lh2_object *object = lua_touserdata(L, index);
    if (!object->has_fields) {
        lua_pushnil(L);
        return;
    }
    lua_getiuservalue(L, index, 1);
    lua_rawgetp(L, -1, key);
    lua_replace(L, -2);
}
