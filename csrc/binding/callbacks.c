#include "binding/callbacks.h"

#include "base/mem.h"

int lh2_callbacks_reserve(lh2_callbacks *queue) {
    if (queue->first > 0 && queue->first + queue->count == queue->capacity) {
        memmove(queue->list, queue->list + queue->first, queue->count * sizeof(*queue->list));
        queue->first = 0;
    }
    if (queue->first + queue->count < queue->capacity)
        return 0;
    uint32_t capacity = queue->capacity ? queue->capacity * 2 : 4;
    lh2_callback *list = mem_resize(queue->list, capacity * sizeof(*list));
    if (list == NULL)
        return -1;
    queue->list = list;
    queue->capacity = capacity;
    return 0;
}

void lh2_callbacks_push(lua_State *L, lh2_callbacks *queue) {
    if (lh2_callbacks_reserve(queue) != 0)
        luaL_error(L, "out of memory");
    lh2_callback *callback = &queue->list[queue->first + queue->count];
    callback->function = lh2_hold(L);
    callback->asked_ns = uv_hrtime();
    queue->count++;
}

double lh2_callbacks_take(lua_State *L, lh2_callbacks *queue) {
    lh2_callback callback = queue->list[queue->first++];
    queue->count--;
    lh2_push_held(L, callback.function);
    lh2_drop(L, callback.function);
    return (double)(uv_hrtime() - callback.asked_ns) / 1e6;
}

void lh2_callbacks_dispose(lua_State *L, lh2_callbacks *queue) {
    while (queue->count > 0) {
        lh2_drop(L, queue->list[queue->first++].function);
        queue->count--;
    }
    mem_free(queue->list);
    *queue = (lh2_callbacks){0};
}
