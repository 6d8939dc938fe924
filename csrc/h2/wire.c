#include "h2/wire.h"

#include "base/mem.h"

#include <assert.h>

#define LEAST_SEGMENTS 16

void h2_wire_init(h2_wire *wire) {
    *wire = (h2_wire){0};
}

void h2_wire_dispose(h2_wire *wire) {
    assert(wire->_count == 0);
    bytes_buffer_dispose(&wire->octets);
    mem_free(wire->_segments);
    h2_wire_init(wire);
}

static h2_segment *segment_at(const h2_wire *wire, uint32_t i) {
    return &wire->_segments[(wire->_first + i) & (wire->_capacity - 1)];
}

static int reserve_segments(h2_wire *wire, size_t extra) {
    if (extra <= wire->_capacity - wire->_count)
        return H2_OK;
    size_t capacity = wire->_capacity ? wire->_capacity : LEAST_SEGMENTS;
    while (capacity < wire->_count + extra)
        capacity *= 2;
    h2_segment *segments = mem_alloc(capacity * sizeof(*segments));
    if (!segments)
        return H2_NOMEM;
    for (uint32_t i = 0; i < wire->_count; i++)
        segments[i] = *segment_at(wire, i);
    mem_free(wire->_segments);
    wire->_segments = segments;
    wire->_capacity = (uint32_t)capacity;
    wire->_first = 0;
    return H2_OK;
}

int h2_wire_reserve(h2_wire *wire, size_t octets, size_t segments) {
    /* What is sent already makes room, once it is as much as what would have to be moved. */
    if (octets > wire->octets.capacity - wire->octets.size &&
        wire->_start >= wire->octets.size - wire->_start) {
        bytes_buffer_drop(&wire->octets, wire->_start);
        wire->_start = 0;
    }
    if (bytes_buffer_reserve(&wire->octets, octets) != 0)
        return H2_NOMEM;
    return reserve_segments(wire, segments);
}

static void append_segment(h2_wire *wire, h2_segment segment) {
    assert(wire->_count < wire->_capacity);
    *segment_at(wire, wire->_count++) = segment;
    wire->unsent += segment.size;
}

void h2_wire_add_appended(h2_wire *wire, size_t octets) {
    h2_segment *last = wire->_count ? segment_at(wire, wire->_count - 1) : NULL;
    if (!last || last->chunk || last->frames > UINT16_MAX / 2 || last->size > UINT32_MAX / 2) {
        append_segment(wire, (h2_segment){.size = (uint32_t)octets});
    } else {
        last->size += (uint32_t)octets;
        wire->unsent += octets;
    }
}

void h2_wire_add(h2_wire *wire, size_t octets, uint16_t frames, uint16_t acks) {
    wire->octets.size += octets;
    h2_wire_add_appended(wire, octets);
    h2_segment *last = segment_at(wire, wire->_count - 1);
    last->frames = (uint16_t)(last->frames + frames);
    last->acks = (uint16_t)(last->acks + acks);
}

void h2_wire_add_chunk(h2_wire *wire, h2_chunk *chunk, size_t octets) {
    append_segment(wire, (h2_segment){chunk, chunk->data, (uint32_t)octets, 0, 0});
    chunk->data += octets;
    chunk->size -= octets;
    chunk->_unsent += octets;
}

void h2_wire_add_release(h2_wire *wire, h2_chunk *chunk) {
    chunk->size = 0;
    append_segment(wire, (h2_segment){.chunk = chunk});
}

/* A chunk that was discarded with octets on the wire is marked by being its own successor. */
void h2_wire_discard_chunk(h2_chunk *chunk) {
    if (chunk->_unsent == 0)
        chunk->release(chunk, false);
    else
        chunk->_next = chunk;
}

/* A run of the chunk has gone, or was dropped. The chunk is released with its last one, unless there
 * is more of it in a queue. */
static void settle(h2_chunk *chunk, size_t octets, bool was_sent) {
    chunk->_unsent -= octets;
    if (chunk->_unsent > 0)
        return;
    if (chunk->_next == chunk)
        chunk->release(chunk, false);
    else if (chunk->size == 0)
        chunk->release(chunk, was_sent);
}

size_t h2_wire_list(const h2_wire *wire, bytes_slice *slices, size_t max) {
    size_t count = 0, at = wire->_start;
    for (uint32_t i = 0; i < wire->_count && count < max; i++) {
        const h2_segment *segment = segment_at(wire, i);
        if (segment->size == 0)
            continue;
        const uint8_t *data = segment->chunk ? segment->data : wire->octets.data + at;
        slices[count++] = bytes_slice_of(data, segment->size);
        if (!segment->chunk)
            at += segment->size;
    }
    return count;
}

/* Takes up to `octets` off the first segment; returns how many. */
static size_t advance(h2_wire *wire, size_t octets, h2_wire_done *done) {
    h2_segment *segment = segment_at(wire, 0);
    uint32_t n = octets < segment->size ? (uint32_t)octets : segment->size;
    segment->size -= n;
    h2_segment gone = *segment;
    wire->unsent -= n;
    if (!gone.chunk)
        wire->_start += n;
    else if (n > 0)
        segment->data += n;
    if (gone.size == 0) {
        wire->_first = (wire->_first + 1) & (wire->_capacity - 1);
        wire->_count--;
        done->frames += gone.frames;
        done->acks += gone.acks;
    }
    if (gone.chunk)
        settle(gone.chunk, n, true);
    return n;
}

void h2_wire_sent(h2_wire *wire, size_t octets, h2_wire_done *done) {
    *done = (h2_wire_done){0, 0};
    assert(octets <= wire->unsent);
    while (wire->_count > 0 && (octets > 0 || segment_at(wire, 0)->size == 0))
        octets -= advance(wire, octets, done);
    if (wire->_start == wire->octets.size) {
        wire->_start = 0;
        wire->octets.size = 0;
    }
}

void h2_wire_drop(h2_wire *wire) {
    while (wire->_count > 0) {
        h2_segment gone = *segment_at(wire, 0);
        wire->_first = (wire->_first + 1) & (wire->_capacity - 1);
        wire->_count--;
        if (gone.chunk)
            settle(gone.chunk, gone.size, false);
    }
    wire->unsent = 0;
    wire->_start = 0;
    wire->octets.size = 0;
}

size_t h2_wire_memory(const h2_wire *wire) {
    return sizeof(*wire) + wire->octets.capacity + wire->_capacity * sizeof(h2_segment);
}
