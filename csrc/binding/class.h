/* Userdata classes: one descriptor a class, members found by name through __index and __newindex,
 * names that no class knows kept as the program's own in the user value. */
#ifndef BINDING_CLASS_H
#define BINDING_CLASS_H

#include "binding/runtime.h"

typedef struct lh2_class lh2_class;

/* The head of every userdata of ours. The brand, an address that nobody else knows, tells it from other
 * people's; so a check is a few comparisons and no look-up. */
typedef struct lh2_object {
    const void *brand;
    const lh2_class *class;
    lh2_runtime *runtime;
    uint64_t listened;   /* a bit for each known event (emitter.h) that has a listener */
    uint64_t all_wanted; /* ... one that may look at more than two arguments */
    uint64_t watched;    /* ... that `watcher` is told of first (emitter.h) */
    struct lh2_object *watcher;
    int anchor; /* reference number, valid while anchors > 0 */
    uint32_t anchors;
    uint8_t has_fields;    /* the user value is a table (listeners, the program's own fields) */
    uint8_t has_overrides; /* a member of the class was replaced by the program: look there first */
    uint8_t has_finalizer; /* what needs freeing is freed */
    uint32_t listener_changes; /* how often listeners of known events were set */
} lh2_object;

struct lh2_class {
    const char *name; /* Node's */
    const lh2_class *parent;
    const luaL_Reg *methods; /* obj:method(...) */
    /* Called for an object of the class alone, which need not be checked: */
    const luaL_Reg *getters;     /* obj.name: with the object, returns 1 value */
    const luaL_Reg *setters;     /* obj.name = v: with object and value */
    const luaL_Reg *metamethods; /* __gc, __close, __tostring ...; inherited unless given */
};

/* The name of a __gc for those objects alone that lh2_need_finalizer is called for. A finalizer costs
 * the collector a second round; where it is seldom needed, it comes late. */
#define LH2_LATE_GC "late __gc"

/* Makes what registering needs, before anything else of this header; adds `method` and `addMethods`, by
 * which Lua files extend classes, to the table on top. [-0, +0, m] */
void lh2_class_open(lua_State *L);
/* Registers a class (parents first): makes its metatable. Inherits by copying. [-0, +0, m] */
void lh2_class_register(lua_State *L, const lh2_class *class);
/* Pushes the metatable of a registered class. [-0, +1, -] */
void lh2_push_metatable(lua_State *L, lh2_runtime *runtime, const lh2_class *class);
/* Pushes a metatable of objects like those whose metatable is at `parent`, with the members of the table
 * at `members` besides: they come first where names are the same. [-0, +1, m] */
void lh2_class_derive(lua_State *L, int parent, int members);
/* A new object of `size` octets, zeroed behind its head, on the stack. [-0, +1, m] */
void *lh2_new(lua_State *L, const lh2_class *class, size_t size);
/* The same, for an object of this runtime with `count` slots (1 or 2) for values that it keeps alive:
 * cheaper than private fields, which need a table. `has_finalizer`: a late one, where the class has
 * such, comes at once. [-0, +1, m] */
void *lh2_new_with_slots(lua_State *L, lh2_runtime *runtime, const lh2_class *class, size_t size,
                         int count, bool has_finalizer);
/* Sets a slot of the object at `index` to the value on top. [-1, +0, m] */
void lh2_set_slot(lua_State *L, int index, int slot);
/* Pushes it. [-0, +1, -] */
void lh2_push_slot(lua_State *L, int index, int slot);
/* First in every __gc: an object that has anchors is finalized by lua_close alone, from where on
 * nothing is emitted. */
void lh2_finalize(lh2_object *object);
/* From here on the object, anchored, owns what its late finalizer must free. Lua looks for the object
 * among all that were made since: for what hardly ever happens. [-0, +0, -] */
void lh2_need_finalizer(lua_State *L, lh2_object *object);
/* Whether the object is of the class or one that inherits from it. */
bool lh2_is_a(const lh2_object *object, const lh2_class *class);
/* The object at `index` if it is of the class or one that inherits from it; else NULL. [-0, +0, -] */
void *lh2_test(lua_State *L, int index, const lh2_class *class);
/* The same; raises ERR_INVALID_ARG_TYPE-like for a wrong `self`. [-0, +0, v] */
void *lh2_check(lua_State *L, int index, const lh2_class *class);

/* Pushes the user value's table of the object at `index`, made if there is none. Integer keys belong
 * to emitter.c, LH2_FIELD_* keys to the classes, strings to the program. [-0, +1, m] */
void lh2_push_fields(lua_State *L, int index);
/* Keys for what the classes keep for Lua (light userdata, so that no program can meet them): */
/* Sets field `key` (any address of ours) of the object at `index` to the value on top. [-1, +0, m] */
void lh2_set_private(lua_State *L, int index, const void *key);
/* Pushes it, or nil. [-0, +1, -] */
void lh2_get_private(lua_State *L, int index, const void *key);

#endif
