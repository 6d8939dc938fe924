#include "h2/stream.h"

#include "h2/wire.h"

/* Without a word on priority, streams share: a small answer is then never stuck behind a big one. */
static const h2_priority unsaid_priority = {H2_DEFAULT_URGENCY, true};

void h2_stream_init(h2_stream *stream, uint32_t id, h2_stream_state state, uint32_t send_window,
                    uint32_t receive_window) {
    *stream = (h2_stream){.id = id, .state = state, .content_left = -1};
    list_init(&stream->link);
    h2_node_init(&stream->node, unsaid_priority);
    stream->send_window.left = send_window;
    h2_inflow_init(&stream->receive_window, receive_window);
}

void h2_stream_push_chunk(h2_stream *stream, h2_chunk *chunk) {
    chunk->_next = NULL;
    chunk->_unsent = 0;
    if (stream->last_chunk)
        stream->last_chunk->_next = chunk;
    else
        stream->first_chunk = chunk;
    stream->last_chunk = chunk;
    if (chunk->data)
        stream->queued_octets += chunk->size;
}

h2_chunk *h2_stream_pop_chunk(h2_stream *stream) {
    h2_chunk *chunk = stream->first_chunk;
    stream->first_chunk = chunk->_next;
    if (!stream->first_chunk)
        stream->last_chunk = NULL;
    chunk->_next = NULL;
    return chunk;
}

void h2_stream_drop_chunks(h2_stream *stream) {
    while (stream->first_chunk)
        h2_wire_discard_chunk(h2_stream_pop_chunk(stream));
    stream->queued_octets = 0;
}

bool h2_stream_is_sendable(const h2_stream *stream) {
    return stream->first_chunk && !stream->is_blocked && !stream->is_waiting &&
           stream->has_sent_final && stream->send_window.left > 0;
}

const char *h2_stream_count_content(h2_stream *stream, uint32_t octets, bool is_end) {
    if (stream->content_left < 0)
        return NULL;
    if (octets > stream->content_left)
        return "more DATA than the message may have";
    stream->content_left -= octets;
    if (is_end && stream->content_left > 0)
        return "less DATA than content-length says";
    return NULL;
}
