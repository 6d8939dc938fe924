#include "base/idmap.h"

#include "base/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Linear probing. A removal moves the rest of its run back, so no slot is ever merely marked as
 * deleted, and a map that has seen millions of streams probes as one that is new. */
struct idmap_slot {
    uint32_t id; /* 0 is a free slot */
    void *value;
};

#define LEAST_CAPACITY 8

void idmap_init(idmap *map, uint64_t seed) {
    *map = (idmap){._seed = seed};
}

void idmap_dispose(idmap *map) {
    mem_free(map->_slots);
    idmap_init(map, map->_seed);
}

/* Where the search for `id` begins. Both rounds depend on the secret; consecutive ids scatter. */
static size_t home_of(const idmap *map, uint32_t id) {
    uint64_t x = (id ^ map->_seed) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 32)) * (map->_seed | 1);
    return (size_t)(x ^ (x >> 29)) & (map->_capacity - 1);
}

/* The slot that holds `id`, or the free one where it belongs. The map has a free slot. */
static struct idmap_slot *find(const idmap *map, uint32_t id) {
    size_t i = home_of(map, id);
    while (map->_slots[i].id != id && map->_slots[i].id != 0)
        i = (i + 1) & (map->_capacity - 1);
    return &map->_slots[i];
}

void *idmap_get(const idmap *map, uint32_t id) {
    return map->_capacity ? find(map, id)->value : NULL;
}

static int resize(idmap *map, size_t capacity) {
    struct idmap_slot *slots = mem_alloc(capacity * sizeof(*slots));
    if (!slots)
        return -1;
    memset(slots, 0, capacity * sizeof(*slots));
    idmap old = *map;
    map->_slots = slots;
    map->_capacity = capacity;
    for (size_t i = 0; i < old._capacity; i++)
        if (old._slots[i].id != 0)
            *find(map, old._slots[i].id) = old._slots[i];
    mem_free(old._slots);
    return 0;
}

int idmap_put(idmap *map, uint32_t id, void *value) {
    assert(id != 0 && value);
    struct idmap_slot *slot = map->_capacity ? find(map, id) : NULL;
    bool is_new = !slot || slot->id == 0;
    if (is_new && map->_count >= map->_capacity / 4 * 3) {
        if (resize(map, map->_capacity ? map->_capacity * 2 : LEAST_CAPACITY) != 0)
            return -1;
        slot = find(map, id);
    }
    *slot = (struct idmap_slot){id, value};
    map->_count += is_new;
    return 0;
}

/* Empties slot `hole` and moves back each entry after it that its home lets come nearer. */
static void close_gap(idmap *map, size_t hole) {
    size_t mask = map->_capacity - 1;
    for (size_t i = (hole + 1) & mask; map->_slots[i].id != 0; i = (i + 1) & mask) {
        size_t distance = (i - home_of(map, map->_slots[i].id)) & mask;
        if (distance >= ((i - hole) & mask)) {
            map->_slots[hole] = map->_slots[i];
            hole = i;
        }
    }
    map->_slots[hole] = (struct idmap_slot){0, NULL};
}

void *idmap_remove(idmap *map, uint32_t id) {
    struct idmap_slot *slot = map->_capacity ? find(map, id) : NULL;
    if (!slot || slot->id == 0)
        return NULL;
    void *value = slot->value;
    close_gap(map, (size_t)(slot - map->_slots));
    if (--map->_count == 0)
        idmap_dispose(map);
    else if (map->_count < map->_capacity / 8)
        (void)resize(map, map->_capacity / 2); /* without memory for it, the map stays large */
    return value;
}

void *idmap_next(const idmap *map, size_t *cursor) {
    while (*cursor < map->_capacity) {
        const struct idmap_slot *slot = &map->_slots[(*cursor)++];
        if (slot->id != 0)
            return slot->value;
    }
    return NULL;
}
