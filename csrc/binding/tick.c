#include "base/mem.h"
#include "binding/call.h"

/* Turns of ticks and writes before the loop polls again: ticks that always make new ticks must not
 * keep I/O waiting. */
#define MAX_ROUNDS 8

/* The ring of calls due: its capacity is a power of two and never less than count + reserved. */
typedef struct lh2_tick {
    lh2_object *object;
    void (*call)(lua_State *L, lh2_object *object, intptr_t data);
    intptr_t data;
} lh2_tick;

static int grow_ticks(lh2_runtime *runtime) {
    size_t capacity = runtime->ticks_capacity ? runtime->ticks_capacity * 2 : 32;
    lh2_tick *ticks = mem_alloc(capacity * sizeof *ticks);
    if (!ticks)
        return -1;
    for (size_t i = 0; i < runtime->ticks_count; i++)
        ticks[i] = runtime->ticks[(runtime->ticks_first + i) & (runtime->ticks_capacity - 1)];
    mem_free(runtime->ticks);
    runtime->ticks = ticks;
    runtime->ticks_first = 0;
    runtime->ticks_capacity = capacity;
    return 0;
}

static void append_tick(lh2_runtime *runtime, lh2_tick tick) {
    size_t at = (runtime->ticks_first + runtime->ticks_count++) & (runtime->ticks_capacity - 1);
    runtime->ticks[at] = tick;
    if (runtime->ticks_count == 1 && runtime->loop)
        net_loop_wake(runtime->loop);
}

static lh2_tick take_tick(lh2_runtime *runtime) {
    lh2_tick tick = runtime->ticks[runtime->ticks_first];
    runtime->ticks_first = (runtime->ticks_first + 1) & (runtime->ticks_capacity - 1);
    runtime->ticks_count--;
    return tick;
}

void lh2_tick_reserve(lua_State *L, lh2_runtime *runtime) {
    if (runtime->ticks_count + runtime->ticks_reserved == runtime->ticks_capacity &&
        grow_ticks(runtime))
        lh2_raise_memory(L);
    runtime->ticks_reserved++;
}

void lh2_tick_unreserve(lh2_runtime *runtime) {
    runtime->ticks_reserved--;
}

void lh2_tick_push_reserved(lh2_object *object,
                            void (*call)(lua_State *L, lh2_object *object, intptr_t data),
                            intptr_t data) {
    object->runtime->ticks_reserved--;
    append_tick(object->runtime, (lh2_tick){object, call, data});
}

void lh2_tick_push(lua_State *L, lh2_object *object,
                   void (*call)(lua_State *L, lh2_object *object, intptr_t data), intptr_t data) {
    lh2_tick_reserve(L, object->runtime);
    lh2_retain(object);
    lh2_tick_push_reserved(object, call, data);
}

/* Calls a callback that got no further than the call: data is a held {function, error}. */
static void call_back(lua_State *L, lh2_object *object, intptr_t data) {
    lh2_push_held(L, (int)data);
    lh2_drop(L, (int)data);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lh2_call_blaming(L, 1, object);
    lua_pop(L, 1);
}

void lh2_call_later(lua_State *L, lh2_object *object, int callback) {
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 2);
    lua_pushvalue(L, callback);
    lua_rawseti(L, -2, 1);
    lh2_tick_push(L, object, call_back, lh2_hold(L));
}

typedef struct tick_batch {
    lh2_runtime *runtime;
    size_t left;
} tick_batch;

/* Many ticks share one protected call; the object of each takes the blame for it, and with it the
 * tick's anchor (see lh2_blame). */
static void run_batch(lua_State *L, void *data) {
    tick_batch *batch = data;
    while (batch->left > 0) {
        lh2_tick tick = take_tick(batch->runtime);
        batch->left--;
        batch->runtime->blame = tick.object;
        tick.call(L, tick.object, tick.data);
        batch->runtime->blame = NULL;
        lh2_release(L, tick.object);
    }
}

/* Runs the ticks there are now, not those that they make. */
static void run_ticks(lh2_runtime *runtime) {
    tick_batch batch = {runtime, runtime->ticks_count};
    while (batch.left > 0 && !runtime->has_uncaught) {
        size_t before = batch.left;
        lh2_enter(runtime, run_batch, &batch, NULL);
        if (batch.left == before)
            return; /* there was not even room to call */
    }
}

bool lh2_runtime_turn(void *context) {
    lh2_runtime *runtime = context;
    if (!runtime->L || runtime->is_closing)
        return false;
    bool has_unwritten = true;
    lh2_depart_late(runtime->L, runtime);
    for (int round = 0; round < MAX_ROUNDS && !runtime->has_uncaught; round++) {
        run_ticks(runtime);
        has_unwritten = net_wire_flush_all(runtime->loop);
        if (runtime->ticks_count == 0)
            break;
    }
    return has_unwritten || runtime->ticks_count > 0;
}
