#include "h2/pool.h"

#include "base/mem.h"

#include <assert.h>

#define KEPT_STREAMS 1024
#define KEPT_SECTIONS 8
#define KEPT_WIRES 8
/* A wire that one large header block or a fast reader has blown up is not kept. */
#define KEPT_WIRE_OCTETS (512 * 1024)

struct h2_pool {
    h2_stream *streams; /* linked by _next */
    h2_wire *wires;
    hpack_section *sections[KEPT_SECTIONS];
    size_t stream_count;
    size_t wire_count;
    size_t section_count;
};

int h2_pool_new(h2_pool **out) {
    h2_pool *pool = mem_alloc(sizeof(*pool));
    if (!pool)
        return H2_NOMEM;
    *pool = (h2_pool){0};
    *out = pool;
    return H2_OK;
}

void h2_pool_free(h2_pool *pool) {
    if (!pool)
        return;
    while (pool->streams) {
        h2_stream *stream = pool->streams;
        pool->streams = stream->_next;
        mem_free(stream);
    }
    while (pool->wires) {
        h2_wire *wire = pool->wires;
        pool->wires = wire->_next;
        h2_wire_dispose(wire);
        mem_free(wire);
    }
    while (pool->section_count) {
        hpack_section *section = pool->sections[--pool->section_count];
        hpack_section_dispose(section);
        mem_free(section);
    }
    mem_free(pool);
}

h2_stream *h2_pool_take_stream(h2_pool *pool) {
    h2_stream *stream = pool->streams;
    if (!stream)
        return mem_alloc(sizeof(*stream));
    pool->streams = stream->_next;
    pool->stream_count--;
    return stream;
}

void h2_pool_give_stream(h2_pool *pool, h2_stream *stream) {
    if (pool->stream_count == KEPT_STREAMS) {
        mem_free(stream);
        return;
    }
    stream->_next = pool->streams;
    pool->streams = stream;
    pool->stream_count++;
}

hpack_section *h2_pool_take_section(h2_pool *pool) {
    if (pool->section_count)
        return pool->sections[--pool->section_count];
    hpack_section *section = mem_alloc(sizeof(*section));
    if (section)
        hpack_section_init(section);
    return section;
}

void h2_pool_give_section(h2_pool *pool, hpack_section *section) {
    if (pool->section_count == KEPT_SECTIONS) {
        hpack_section_dispose(section);
        mem_free(section);
        return;
    }
    hpack_section_clear(section);
    pool->sections[pool->section_count++] = section;
}

h2_wire *h2_pool_take_wire(h2_pool *pool) {
    h2_wire *wire = pool->wires;
    if (wire) {
        pool->wires = wire->_next;
        pool->wire_count--;
        return wire;
    }
    wire = mem_alloc(sizeof(*wire));
    if (wire)
        h2_wire_init(wire);
    return wire;
}

void h2_pool_give_wire(h2_pool *pool, h2_wire *wire) {
    assert(h2_wire_is_empty(wire));
    if (pool->wire_count == KEPT_WIRES || h2_wire_memory(wire) > KEPT_WIRE_OCTETS) {
        h2_wire_dispose(wire);
        mem_free(wire);
        return;
    }
    wire->_next = pool->wires;
    pool->wires = wire;
    pool->wire_count++;
}
