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

void lh2_anchor_reserve(lua_State *L) {
    lua_pushboolean(L, true);
    luaL_unref(L, LUA_REGISTRYINDEX, luaL_ref(L, LUA_REGISTRYINDEX));
}

void lh2_anchor(lua_State *L, int index) {
    lh2_object *object = lua_touserdata(L, index);
    if (object->anchors == 0) {
        lua_pushvalue(L, index);
        object->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    object->anchors++;
}

void lh2_retain(lh2_object *object) {
    object->anchors++;
}

void lh2_release(lua_State *L, lh2_object *object) {
    if (--object->anchors == 0)
        luaL_unref(L, LUA_REGISTRYINDEX, object->anchor);
}

void lh2_push(lua_State *L, lh2_object *object) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, object->anchor);
}
