/* Callbacks that wait for an acknowledgement, in the order the frames were sent (PING, SETTINGS). */
#ifndef BINDING_CALLBACKS_H
#define BINDING_CALLBACKS_H

#include "binding/runtime.h"

typedef struct lh2_callback {
    int function; /* held; LUA_NOREF: nobody waits */
    uint64_t asked_ns;
} lh2_callback;

/* All zero is an empty queue that holds no memory. */
typedef struct lh2_callbacks {
    lh2_callback *list;
    uint32_t first, count, capacity;
} lh2_callbacks;

/* Makes room for one more, so that the next push cannot fail. 0 or -1. */
int lh2_callbacks_reserve(lh2_callbacks *queue);
/* Queues the function (or nil) on top, asked for now. [-1, +0, m] */
void lh2_callbacks_push(lua_State *L, lh2_callbacks *queue);
/* Takes the oldest: pushes its function or nil, and says how long it took in milliseconds. The queue
 * must not be empty. [-0, +1, -] */
double lh2_callbacks_take(lua_State *L, lh2_callbacks *queue);
/* Drops all without calling them, and the memory. [-0, +0, -] */
void lh2_callbacks_dispose(lua_State *L, lh2_callbacks *queue);

#endif
