/* The life of a stream (RFC 9113 §5.1), as a table. */
#ifndef H2_STATE_H
#define H2_STATE_H

#include "h2/error.h"

/* What can befall a stream. A frame with END_STREAM is two inputs: the frame, then the end. */
typedef enum h2_input {
    H2_SEND_HEADERS,
    H2_SEND_DATA,
    H2_SEND_END,
    H2_SEND_PROMISE, /* of this stream, on another one */
    H2_SEND_RESET,
    H2_RECV_HEADERS,
    H2_RECV_DATA,
    H2_RECV_END,
    H2_RECV_PROMISE,
    H2_RECV_RESET,
    H2_RECV_WINDOW_UPDATE,
    H2_INPUTS
} h2_input;

/* Moves the state. What the peer must not do is H2_FAULT, with the error of §5.1 in *fault: on the
 * stream after its END_STREAM, else on the session. What this side cannot do (any more) is H2_MISUSE
 * (H2_GONE). The state is then unchanged. */
int h2_state_advance(h2_stream_state *state, h2_input input, uint32_t stream_id, h2_fault *fault);

static inline bool h2_state_is_local_closed(h2_stream_state state) {
    return state == H2_STATE_HALF_CLOSED_LOCAL || state == H2_STATE_RESERVED_REMOTE ||
           state == H2_STATE_CLOSED;
}

static inline bool h2_state_is_remote_closed(h2_stream_state state) {
    return state == H2_STATE_HALF_CLOSED_REMOTE || state == H2_STATE_RESERVED_LOCAL ||
           state == H2_STATE_CLOSED;
}

#endif
