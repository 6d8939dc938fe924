/* A map from stream ids to pointers: open addressing, hashed with a secret so that a peer cannot
 * choose ids that collide. */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct idmap {
    struct idmap_slot *_slots; /* NULL while empty */
    size_t _capacity;          /* 0 or a power of two */
    size_t _count;
    uint64_t _seed;
} idmap;

/* An empty map, which holds no memory. `seed` should be random. */
void idmap_init(idmap *map, uint64_t seed);
/* Frees the memory; the map is empty and may be used again. The pointers are the caller's. */
void idmap_dispose(idmap *map);

/* The pointer put under `id`, or NULL. */
void *idmap_get(const idmap *map, uint32_t id);
/* Puts `value`, which is not NULL, under `id`, which is not 0; replaces what was there. 0, or -1
 * when memory is out (the map is then unchanged). */
int idmap_put(idmap *map, uint32_t id, void *value);
/* Takes the pointer out and returns it, or NULL. Never fails for want of memory. */
void *idmap_remove(idmap *map, uint32_t id);

static inline size_t idmap_count(const idmap *map) {
    return map->_count;
}

/* Each pointer once, in no order, then NULL; `*cursor` starts at 0. Whoever puts or removes while
 * iterating starts again at 0. */
void *idmap_next(const idmap *map, size_t *cursor);

#endif
