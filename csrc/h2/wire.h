/* What waits for the transport: octets of our own (frame headers, control frames, header blocks) and,
 * between them, octets of chunks, which stay where they are. In the order in which they were added. */
#ifndef H2_WIRE_H
#define H2_WIRE_H

#include "h2/h2.h"

/* A run of octets: the next ones of the wire, or some of a chunk. A chunk's last run may be empty; it
 * then only says when the chunk is done. */
typedef struct h2_segment {
    h2_chunk *chunk; /* NULL: of the wire */
    const uint8_t *data;
    uint32_t size;
    uint16_t frames; /* control frames, and acknowledgements among them, that the run holds */
    uint16_t acks;
} h2_segment;

typedef struct h2_wire {
    bytes_buffer octets;
    size_t unsent;         /* octets of all segments */
    size_t _start;         /* in `octets`: the first that is unsent */
    h2_segment *_segments; /* a ring */
    uint32_t _first;
    uint32_t _count;
    uint32_t _capacity;    /* 0 or a power of two */
    struct h2_wire *_next; /* in the pool */
} h2_wire;

/* What a call to h2_wire_sent has finished. */
typedef struct h2_wire_done {
    uint32_t frames;
    uint32_t acks;
} h2_wire_done;

void h2_wire_init(h2_wire *wire);
/* Frees the memory. The wire is empty, see h2_wire_drop. */
void h2_wire_dispose(h2_wire *wire);

/* Makes room, so that adding this much does not fail. H2_OK or H2_NOMEM. */
int h2_wire_reserve(h2_wire *wire, size_t octets, size_t segments);

/* Where the next octets of the wire go; there is room for what was reserved. */
static inline uint8_t *h2_wire_tail(h2_wire *wire) {
    return wire->octets.data + wire->octets.size;
}

/* The caller has written `octets` behind the tail: they are now to be sent. They hold so many control
 * frames, of which so many are acknowledgements. */
void h2_wire_add(h2_wire *wire, size_t octets, uint16_t frames, uint16_t acks);

/* Octets are already in `wire->octets`, appended by somebody else: the last `octets` of it. */
void h2_wire_add_appended(h2_wire *wire, size_t octets);

/* Adds the next `octets` of a chunk with data, and takes them off it. */
void h2_wire_add_chunk(h2_wire *wire, h2_chunk *chunk, size_t octets);

/* A chunk that has no octets left is released when all before it is sent. */
void h2_wire_add_release(h2_wire *wire, h2_chunk *chunk);

/* A chunk is not wanted any more: it is released, as not sent, now or when what was added of it has
 * gone. Whoever held it in a queue does no longer. */
void h2_wire_discard_chunk(h2_chunk *chunk);

/* Lists the unsent octets; returns how many slices were filled. */
size_t h2_wire_list(const h2_wire *wire, bytes_slice *slices, size_t max);

/* The first `octets` are sent: chunks that are done are released. */
void h2_wire_sent(h2_wire *wire, size_t octets, h2_wire_done *done);

/* Forgets all that is unsent and releases its chunks as not sent. */
void h2_wire_drop(h2_wire *wire);

static inline bool h2_wire_is_empty(const h2_wire *wire) {
    return wire->_count == 0;
}

static inline size_t h2_wire_segments(const h2_wire *wire) {
    return wire->_count;
}

/* Octets unsent that lie in the wire itself. */
static inline size_t h2_wire_own_octets(const h2_wire *wire) {
    return wire->octets.size - wire->_start;
}

size_t h2_wire_memory(const h2_wire *wire);

#endif
