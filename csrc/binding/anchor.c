#include "base/mem.h"
#include "binding/class.h"

int lh2_hold(lua_State *L) {
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return ref == LUA_REFNIL ? LUA_NOREF : ref;
}

void lh2_push_held(lua_State *L, int ref) {
    if (ref == LUA_NOREF)
        lua_pushnil(L);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
}

void lh2_drop(lua_State *L, int ref) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
}

/* Slots of the registry that were made for anchors stay theirs: a free one holds false, so that to set
 * it allocates nothing, and its number is in a list that has room for the numbers of all. */
static void make_slot(lua_State *L, lh2_runtime *runtime) {
    if (runtime->anchor_slots == runtime->anchors_capacity) {
        uint32_t capacity = runtime->anchors_capacity ? runtime->anchors_capacity * 2 : 16;
        int *slots = mem_resize(runtime->free_anchors, capacity * sizeof *slots);
        if (!slots)
            lh2_raise_memory(L);
        runtime->free_anchors = slots;
        runtime->anchors_capacity = capacity;
    }
    lua_pushboolean(L, false);
    runtime->free_anchors[runtime->free_anchor_count] = luaL_ref(L, LUA_REGISTRYINDEX);
    runtime->free_anchor_count++;
    runtime->anchor_slots++;
}

void lh2_anchor_reserve(lua_State *L) {
    lh2_runtime *runtime = lh2_runtime_of(L);
    if (runtime->free_anchor_count == 0)
        make_slot(L, runtime);
}

void lh2_anchor(lua_State *L, int index) {
    lh2_object *object = lua_touserdata(L, index);
    lh2_runtime *runtime = object->runtime;
    if (object->anchors == 0) {
        if (runtime->free_anchor_count == 0)
            make_slot(L, runtime);
        object->anchor = runtime->free_anchors[--runtime->free_anchor_count];
        lua_pushvalue(L, index);
        lua_rawseti(L, LUA_REGISTRYINDEX, object->anchor);
    }
    object->anchors++;
}

void lh2_retain(lh2_object *object) {
    object->anchors++;
}

void lh2_release(lua_State *L, lh2_object *object) {
    if (--object->anchors > 0)
        return;
    lh2_runtime *runtime = object->runtime;
    lua_pushboolean(L, false);
    lua_rawseti(L, LUA_REGISTRYINDEX, object->anchor);
    runtime->free_anchors[runtime->free_anchor_count++] = object->anchor;
}

/* ------------------------------------------------------------------------------------- visits */

static void make_room(lua_State *L, lh2_runtime *runtime) {
    uint32_t capacity = runtime->visitors_capacity ? runtime->visitors_capacity * 2 : 16;
    lh2_object **visitors = mem_resize(runtime->visitors, capacity * sizeof(*visitors));
    if (!visitors)
        lh2_raise_memory(L);
    runtime->visitors = visitors;
    runtime->visitors_capacity = capacity;
}

void lh2_visit(lua_State *L, int index) {
    lh2_object *object = lua_touserdata(L, index);
    lh2_runtime *runtime = object->runtime;
    if (runtime->visitor_count == runtime->visitors_capacity)
        make_room(L, runtime);
    lh2_anchor(L, index);
    runtime->visitors[runtime->visitor_count++] = object;
}

/* What is above it was left there by errors that the program has caught. */
void lh2_depart(lua_State *L, lh2_object *object) {
    lh2_runtime *runtime = object->runtime;
    lh2_object *last;
    do {
        last = runtime->visitors[--runtime->visitor_count];
        lh2_release(L, last);
    } while (last != object);
}

void lh2_depart_late(lua_State *L, lh2_runtime *runtime) {
    while (runtime->visitor_count > runtime->visitor_floor)
        lh2_release(L, runtime->visitors[--runtime->visitor_count]);
}

void lh2_push(lua_State *L, lh2_object *object) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, object->anchor);
}
