/* A stream: its state, two windows, the queue of chunks and what is known of its messages. Functions
 * here touch the stream alone; what also concerns its session is in session.h. */
#ifndef H2_STREAM_H
#define H2_STREAM_H

#include "base/list.h"
#include "h2/scheduler.h"
#include "h2/state.h"
#include "h2/window.h"

/* How a stream ended. */
typedef struct h2_ending {
    uint32_t code;
    h2_by by;
    bool is_reset;
    bool is_processed;
    const char *text;
} h2_ending;

/* Owned by its session, from the pool. In the session's map until its H2_EV_CLOSE is handed out. */
typedef struct h2_stream {
    uint32_t id;
    h2_stream_state state;
    void *context;
    list_node link; /* in the session's list of waiting or of closed streams */
    h2_node node;   /* in the scheduler while it has DATA that its window lets go */

    h2_window send_window;
    h2_inflow receive_window;
    uint32_t unread_frames; /* that `receive_window.unread` came in */

    h2_chunk *first_chunk;
    h2_chunk *last_chunk;
    size_t queued_octets;    /* of chunks with data */
    hpack_section *headers;  /* of a request that waits for its turn */
    hpack_section *trailers; /* wait for the chunks before them */

    uint64_t octets_sent, octets_received; /* of content */
    uint64_t stalled_ms; /* since when its DATA has been held back, if is_stalled */
    size_t moved_octets; /* since then */

    int64_t content_left; /* octets that content-length still promises; -1: not said */
    uint16_t interim_responses;
    uint32_t interim_octets;     /* of their field lists */
    bool has_received_final : 1; /* the request, or the final response: trailers are next */
    bool has_sent_final : 1;
    bool is_waiting : 1;   /* for the peer's concurrency limit: nothing of it is on the wire */
    bool is_ending : 1;    /* nothing more will be written */
    bool is_blocked : 1;   /* the first chunk's `read` had nothing */
    bool is_stalled : 1;   /* watched by deadline.c */
    bool is_active : 1;    /* counts towards a concurrency limit */
    bool has_priority : 1; /* somebody said one */
    bool is_head : 1;      /* the request is HEAD */
    bool is_connect : 1;

    h2_ending ending;        /* of a closed stream */
    struct h2_stream *_next; /* in the pool */
} h2_stream;

/* A stream without chunks. Windows are as given. */
void h2_stream_init(h2_stream *stream, uint32_t id, h2_stream_state state, uint32_t send_window,
                    uint32_t receive_window);

void h2_stream_push_chunk(h2_stream *stream, h2_chunk *chunk);
/* Takes the first chunk out of the queue. */
h2_chunk *h2_stream_pop_chunk(h2_stream *stream);
/* Discards all chunks, as not sent. */
void h2_stream_drop_chunks(h2_stream *stream);

/* Whether DATA could go now, if the connection's window allowed. */
bool h2_stream_is_sendable(const h2_stream *stream);

/* A frame of `octets` of content came in, the last one if `is_end`. NULL, or what is wrong with it
 * by content-length (RFC 9113 §8.1.1). */
const char *h2_stream_count_content(h2_stream *stream, uint32_t octets, bool is_end);

#endif
