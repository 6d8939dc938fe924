/* What one Lua state owns: its loop, the objects the loop may call back, and what is to be called
 * later in this turn. There is no other state: no C global changes. */
#ifndef BINDING_RUNTIME_H
#define BINDING_RUNTIME_H

#include "base/list.h"
#include "binding/lua_compat.h"
#include "net/net.h"

struct lh2_class;
struct lh2_object;
struct lh2_spare;
struct lh2_tick;

#define LH2_MAX_HOOKS 16
#define LH2_METATABLE_PLACES 64 /* a power of two, more than there are classes */
#define LH2_SPARE_KINDS 3
/* The names of HPACK's static table, by token, and one more. */
#define LH2_NAMES 62

/* What a class has asked to be told (call.h, emitter.h); any may be NULL. */
typedef struct lh2_hooks {
    const struct lh2_class *class;
    bool (*on_blame)(lua_State *L, struct lh2_object *object);
    void (*on_listener)(lua_State *L, int index, int event, bool is_added);
    uint64_t listener_events; /* ... of which events, a bit for each */
} lh2_hooks;

/* Where the metatables of a class are held. */
typedef struct lh2_metatable {
    const struct lh2_class *class; /* NULL: a free place */
    int ref, finalized_ref;        /* the second: of objects with a late finalizer, or LUA_NOREF */
} lh2_metatable;

typedef struct lh2_runtime {
    net_loop *loop;           /* NULL until first used; made anew in a forked child */
    lua_State *L;             /* the state that runs the loop at this moment; NULL outside a run */
    struct lh2_object *blame; /* whose handler runs: where an error raised in it goes */
    struct lh2_tick *ticks;   /* ring of calls due */
    size_t ticks_first, ticks_count, ticks_capacity;
    size_t ticks_reserved; /* room kept for lh2_tick_push_reserved */
    int *free_anchors;     /* slots of the registry (anchor.c) that hold nothing */
    uint32_t free_anchor_count, anchor_slots, anchors_capacity;
    struct lh2_object *
        *visitors; /* anchored for the length of a call (lh2_visit), innermost last */
    uint32_t visitor_count, visitors_capacity;
    uint32_t visitor_floor; /* below it are those of calls around the present protected one */
    list_node writes; /* every lh2_write (duplex.h) there is: freed with the state at the latest */
    struct lh2_spare *spare[LH2_SPARE_KINDS]; /* blocks of memory that nobody has (spare.c) */
    uint32_t spare_count[LH2_SPARE_KINDS];
    net_tls_contexts tls_contexts; /* of clients */
    lh2_hooks hooks[LH2_MAX_HOOKS];
    /* Told of what a watched object emits (emitter.h). */
    void (*on_watched)(lua_State *L, struct lh2_object *watcher, int event, int nargs);
    lh2_metatable metatables[LH2_METATABLE_PLACES]; /* of classes, by their addresses (class.c) */
    lua_State *idle_task; /* a coroutine for handlers to run in (task.c); NULL: none is idle */
    int idle_task_ref;    /* held */
    int enter_ref, blame_ref, traceback_ref; /* functions of call.c, held */
    int names_ref;                           /* the table of known strings (headers.c), held */
    bytes_slice last_values[LH2_NAMES];      /* octets of those of them that are values */
    int events_ref;    /* name -> number and number -> name of the known events (emitter.c), held */
    bool has_uncaught; /* an error waits to be raised by run (in the state's slot) */
    bool is_observed;  /* performance entries are wanted (perf.c) */
    uint64_t time_origin_ns;
    bool keeps_responses; /* coroutines are in use: responses nobody listens for are kept */
    uint8_t warned;       /* a bit for each warning (warning.h) that was given */
    bool is_closing;      /* lua_close is under way: nothing is emitted any more */
    int64_t date_time;    /* the second that `date` is of (lh2_server_date) */
    char date[40];
} lh2_runtime;

/* Makes the runtime of this state, as its first finalizable object. [-0, +0, m] */
void lh2_runtime_open(lua_State *L);
/* The runtime of this state. [-0, +0, -] */
lh2_runtime *lh2_runtime_of(lua_State *L);
/* The loop, made on first use. Raises when it cannot be had. [-0, +0, e] */
net_loop *lh2_runtime_loop(lua_State *L);

/* The hooks of `class`, made if there are none. */
lh2_hooks *lh2_runtime_hooks(lh2_runtime *runtime, const struct lh2_class *class);

/* Raises "not enough memory", as Lua does. [-0, +0, v] */
int lh2_raise_memory(lua_State *L);

/* The loop's hook: calls due, then what they and the sockets have made ready to be written. Returns
 * whether it wants to be called again before the loop waits. */
bool lh2_runtime_turn(void *runtime);

/* http2.run([mode]), onUncaught, backendFd, backendTimeout, added to the table on top. [-0, +0, m] */
void lh2_runtime_functions(lua_State *L);

/* Memory that each request takes and gives back: blocks up to a kilobyte, some of which are kept for the
 * next (spare.c). NULL when memory is out. */
void *lh2_spare_take(lh2_runtime *runtime, size_t size);
/* `memory` may be NULL. */
void lh2_spare_give(lh2_runtime *runtime, void *memory);
/* At the end of the runtime. */
void lh2_spare_free(lh2_runtime *runtime);

/* ------------------------------------------------------------------------------- anchors */

/* Keeps the object at `index` alive, and reachable by lh2_push, until lh2_release has been called as
 * often: from open to close, and while a tick is due. [-0, +0, m] */
void lh2_anchor(lua_State *L, int index);
/* Sees to it that the next lh2_anchor cannot fail: for what must not be interrupted between a first
 * callback's becoming possible and the anchor. Nothing else is anchored or held meanwhile. [-0, +0, m] */
void lh2_anchor_reserve(lua_State *L);
/* One more anchor for an object that has one; cannot fail. */
void lh2_retain(struct lh2_object *object);
/* [-0, +0, -] */
void lh2_release(lua_State *L, struct lh2_object *object);
/* Anchors the object at `index` for the length of a call of the program's: until lh2_depart, or, when an
 * error is raised meanwhile, until the protected call around has ended, or the next turn of the loop
 * begins. No Lua code that runs the loop is called in between. [-0, +0, m] */
void lh2_visit(lua_State *L, int index);
/* [-0, +0, -] */
void lh2_depart(lua_State *L, struct lh2_object *object);
/* Releases those that errors have left behind in the present protected call. [-0, +0, -] */
void lh2_depart_late(lua_State *L, lh2_runtime *runtime);
/* Pushes an anchored object. [-0, +1, -] */
void lh2_push(lua_State *L, struct lh2_object *object);

/* A Lua value held for C for a while (a string being sent, a callback): reference numbers as luaL_ref
 * gives them, LUA_NOREF for nil. [-1, +0, m] */
int lh2_hold(lua_State *L);
/* Pushes the value held. [-0, +1, -] */
void lh2_push_held(lua_State *L, int ref);
/* [-0, +0, -] */
void lh2_drop(lua_State *L, int ref);

/* --------------------------------------------------------------------------------- ticks */

/* Calls `call(L, object, data)` once the present callback has returned, in the order asked for,
 * protected, with `object` anchored meanwhile and blamed. The object has an anchor (lh2_anchor it
 * first where that is not sure). Raises only for want of memory. [-0, +0, m] */
void lh2_tick_push(lua_State *L, struct lh2_object *object,
                   void (*call)(lua_State *L, struct lh2_object *object, intptr_t data),
                   intptr_t data);

/* For what cannot fail when it happens: room for one tick is kept from reserve on, until it is used by
 * push_reserved or given back by unreserve. [-0, +0, m] */
void lh2_tick_reserve(lua_State *L, lh2_runtime *runtime);
void lh2_tick_unreserve(lh2_runtime *runtime);
/* Takes over an anchor of the object's, which is released when the call has been made. */
void lh2_tick_push_reserved(struct lh2_object *object,
                            void (*call)(lua_State *L, struct lh2_object *object, intptr_t data),
                            intptr_t data);

#endif
