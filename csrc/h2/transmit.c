/* Output: what is on the wire already goes first; then DATA, framed only now, by the scheduler's order,
 * from the chunks' own memory (RFC 9113 §6.1, §6.9). */
#include "h2/session.h"

#include <assert.h>

/* A turn of the scheduler: no frame is longer, so that streams which share do so in small pieces. */
#define TURN_OCTETS 16384u
/* Octets that are read into the wire before they are sent: not more than the processor's nearer caches
 * hold, where they still are when the kernel takes them, and with their frame headers less than the 64
 * KiB that a kernel hands down in one piece, so that no small packet is left behind each write. */
#define COPIED_OCTETS ((size_t)48 * 1024)

static uint32_t least(int64_t a, int64_t b) {
    return (uint32_t)(a < b ? a : b);
}

/* The longest DATA payload that the stream may send now. */
static uint32_t frame_limit(const h2_session *session, const h2_stream *stream) {
    uint32_t frame = least(session->remote.max_frame_size, TURN_OCTETS);
    return least(frame, least(session->send_window.left, stream->send_window.left));
}

/* The last of the content is in the frame before: its end or the trailers follow at once. */
static int finish_content(h2_session *session, h2_stream *stream, bool is_end_sent) {
    if (stream->first_chunk || !stream->is_ending)
        return H2_OK;
    if (stream->trailers)
        return h2_session_put_held_trailers(session, stream);
    return is_end_sent ? h2_session_advance(session, stream, H2_SEND_END)
                       : h2_session_put_end(session, stream);
}

/* The frame is on the wire, except for its header, for which there is room at `head`: `content` octets
 * and `extra` ones of padding. */
static int finish_frame(h2_session *session, h2_stream *stream, uint8_t *head, uint32_t content,
                        uint32_t extra) {
    uint32_t length = content + extra;
    uint8_t flags = extra ? H2_FLAG_PADDED : 0;
    bool is_end = !stream->first_chunk && stream->is_ending && !stream->trailers;
    if (is_end)
        flags |= H2_FLAG_END_STREAM;
    h2_frame_write_header(head, length, H2_FRAME_DATA, flags, stream->id);
    session->send_window.left -= length;
    stream->send_window.left -= length;
    stream->octets_sent += content;
    h2_limits_payload(&session->limits, content);
    H2_COUNT(session, frames_sent, 1);
    stream->moved_octets += length;
    /* The peer answers DATA with updates of two windows; a slow one does so in small steps. */
    h2_limits_earn_updates(&session->limits, 10);
    h2_scheduler_took_turn(&session->scheduler, &stream->node);
    h2_session_schedule(session, stream);
    return finish_content(session, stream, is_end);
}

/* ------------------------------------------------------------------------- chunks with their data */

/* Octets of the chunks that fit in one frame, and over how many chunks they are spread. Chunks without
 * octets, which need no room, go along. */
static uint32_t measure_chunks(const h2_stream *stream, uint32_t limit, size_t *runs) {
    size_t octets = 0;
    *runs = 0;
    for (const h2_chunk *chunk = stream->first_chunk; chunk && chunk->data; chunk = chunk->_next) {
        if (octets == limit && chunk->size > 0)
            break;
        ++*runs;
        if (chunk->size > limit - octets)
            return limit; /* cut: nothing goes after it */
        octets += chunk->size;
    }
    return (uint32_t)octets;
}

static void add_chunks(h2_session *session, h2_stream *stream, uint32_t octets, size_t runs) {
    stream->queued_octets -= octets;
    session->queued_octets -= octets;
    for (; runs > 0; runs--) {
        h2_chunk *chunk = stream->first_chunk;
        uint32_t n = chunk->size < octets ? (uint32_t)chunk->size : octets;
        bool is_done = n == chunk->size;
        if (is_done)
            h2_stream_pop_chunk(stream);
        if (n > 0)
            h2_wire_add_chunk(session->wire, chunk, n);
        else
            h2_wire_add_release(session->wire, chunk);
        octets -= n;
    }
}

/* Chunks without octets, as are left behind one that was read, need no frame. */
static int release_chunks(h2_session *session, h2_stream *stream, size_t runs) {
    if (h2_session_reserve(session, 0, runs) != H2_OK)
        return H2_NOMEM;
    add_chunks(session, stream, 0, runs);
    h2_session_schedule(session, stream);
    return finish_content(session, stream, false);
}

static int frame_chunks(h2_session *session, h2_stream *stream, uint32_t limit) {
    size_t runs;
    uint32_t octets = measure_chunks(stream, limit, &runs);
    if (octets == 0)
        return release_chunks(session, stream, runs);
    uint32_t extra = h2_session_padding(session, octets, limit);
    size_t room = H2_FRAME_HEADER_OCTETS + H2_MAX_PADDING_OCTETS;
    if (h2_session_reserve(session, room, runs + 2) != H2_OK)
        return H2_NOMEM;
    uint8_t *head = h2_wire_tail(session->wire);
    if (extra)
        bytes_put_u8(head + H2_FRAME_HEADER_OCTETS, (uint8_t)(extra - 1));
    h2_wire_add(session->wire, H2_FRAME_HEADER_OCTETS + (extra ? 1 : 0), 0, 0);
    add_chunks(session, stream, octets, runs);
    if (extra > 1) {
        memset(h2_wire_tail(session->wire), 0, extra - 1);
        h2_wire_add(session->wire, extra - 1, 0, 0);
    }
    return finish_frame(session, stream, head, octets, extra);
}

/* ------------------------------------------------------------------------------ chunks that are read */

typedef enum read_outcome { READ_MORE, READ_END, READ_BLOCKED, READ_FAILED } read_outcome;

/* Fills up to `limit` octets; a chunk that says how much it gives has its end known with the last. */
static read_outcome read_chunk(h2_chunk *chunk, uint8_t *into, uint32_t limit, uint32_t *octets) {
    *octets = 0;
    while (*octets < limit) {
        uint32_t room = limit - *octets;
        long n = chunk->read(chunk, into + *octets, room);
        if (n == H2_AGAIN)
            return READ_BLOCKED;
        if (n < 0)
            return READ_FAILED;
        if (n == 0)
            return READ_END;
        assert((unsigned long)n <= room);
        *octets += (uint32_t)n;
        if (chunk->size > 0 && (chunk->size -= least(n, (int64_t)chunk->size)) == 0)
            return READ_END;
    }
    return READ_MORE;
}

/* The octets are behind the room for a frame header. */
static int frame_read_octets(h2_session *session, h2_stream *stream, uint32_t octets,
                             uint32_t limit) {
    uint32_t extra = h2_session_padding(session, octets, limit);
    uint8_t *head = h2_wire_tail(session->wire);
    uint8_t *content = head + H2_FRAME_HEADER_OCTETS;
    if (extra) {
        memmove(content + 1, content, octets);
        bytes_put_u8(content, (uint8_t)(extra - 1));
        memset(content + 1 + octets, 0, extra - 1);
    }
    h2_wire_add(session->wire, H2_FRAME_HEADER_OCTETS + octets + extra, 0, 0);
    return finish_frame(session, stream, head, octets, extra);
}

static int frame_read(h2_session *session, h2_stream *stream, uint32_t limit) {
    uint32_t octets;
    h2_chunk *chunk = stream->first_chunk;
    size_t room = H2_FRAME_HEADER_OCTETS + limit + H2_MAX_PADDING_OCTETS;
    /* Segments: the frame, trailers behind it, the chunk's release, which must not fail. */
    if (h2_session_reserve(session, room, 3) != H2_OK)
        return H2_NOMEM;
    uint8_t *into = h2_wire_tail(session->wire) + H2_FRAME_HEADER_OCTETS;
    read_outcome outcome = read_chunk(chunk, into, limit, &octets);
    if (outcome == READ_FAILED)
        return h2_session_reset(session, stream->id, H2_INTERNAL_ERROR);
    stream->is_blocked = outcome == READ_BLOCKED;
    if (outcome == READ_END)
        h2_stream_pop_chunk(stream);
    int result = H2_OK;
    if (octets > 0) {
        result = frame_read_octets(session, stream, octets, limit);
    } else {
        h2_session_schedule(session, stream);
        if (outcome == READ_END)
            result = finish_content(session, stream, false);
    }
    if (outcome == READ_END)
        h2_wire_add_release(session->wire, chunk);
    return result;
}

/* --------------------------------------------------------------------------------------- output */

static int frame_next(h2_session *session) {
    h2_node *node = h2_scheduler_next(&session->scheduler);
    h2_stream *stream = LIST_ENTRY(node, h2_stream, node);
    uint32_t limit = frame_limit(session, stream);
    return stream->first_chunk->data ? frame_chunks(session, stream, limit)
                                     : frame_read(session, stream, limit);
}

/* While the connection's window is used up nobody's turn comes; WINDOW_UPDATE ends that. */
static bool has_data(const h2_session *session) {
    return session->send_window.left > 0 && h2_scheduler_next(&session->scheduler);
}

static bool has_room(const h2_session *session, size_t max, size_t max_octets) {
    const h2_wire *wire = session->wire;
    return !wire || (wire->unsent < max_octets && h2_wire_segments(wire) < max &&
                     h2_wire_own_octets(wire) < COPIED_OCTETS);
}

static int fill_wire(h2_session *session, size_t max, size_t max_octets) {
    bool is_stuck = session->is_out_of_memory && !session->is_terminal;
    int result = is_stuck ? H2_NOMEM : h2_session_launch(session);
    while (result == H2_OK && has_data(session) && has_room(session, max, max_octets))
        result = frame_next(session);
    h2_session_note_exhaustion(session);
    if (result == H2_OK && h2_session_is_drain_due(session))
        result = h2_session_finish_drain(session);
    return result;
}

int h2_session_output(h2_session *session, bytes_slice *slices, size_t max, size_t max_octets,
                      size_t *count) {
    *count = 0;
    int result = fill_wire(session, max, max_octets);
    if (result == H2_OK && session->wire) {
        h2_session_sent(session, 0); /* chunks without octets are done */
        *count = session->wire ? h2_wire_list(session->wire, slices, max) : 0;
    }
    return result;
}

void h2_session_sent(h2_session *session, size_t octets) {
    h2_wire_done done;
    if (!session->wire)
        return;
    h2_wire_sent(session->wire, octets, &done);
    H2_COUNT(session, octets_sent, octets);
    session->limits.outbound_frames -= done.frames;
    session->limits.outbound_acks -= done.acks;
    h2_session_trim_wire(session);
}

bool h2_session_wants_output(const h2_session *session) {
    return session->wire || has_data(session) || h2_session_can_launch(session) ||
           h2_session_is_drain_due(session);
}

bool h2_session_wants_input(const h2_session *session) {
    return !session->wire || session->wire->unsent <= session->limits.options.max_outbound_octets;
}
