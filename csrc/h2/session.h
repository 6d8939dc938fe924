/* The session behind h2.h, for this folder alone: the struct, and what its files offer each other.
 *
 * Functions here return H2_OK, H2_NOMEM, or H2_FAULT with what is wrong in session->fault; the loop in
 * receive.c then reacts to it. */
#ifndef H2_SESSION_H
#define H2_SESSION_H

#include "base/idmap.h"
#include "h2/fields.h"
#include "h2/growth.h"
#include "h2/history.h"
#include "h2/limits.h"
#include "h2/pool.h"
#include "h2/role.h"
#include "h2/settings.h"

/* What may come next from the peer. Reads on from session->in, and either makes a step (H2_OK, perhaps
 * with an event) or has too little input to make one (H2_STARVED). */
typedef int h2_expectation(h2_session *session, h2_event *event);
enum { H2_STARVED = 1 };

typedef struct h2_reader {
    h2_expectation *expect;
    const uint8_t *data; /* fed and not yet read */
    size_t size;
    bytes_buffer carry;   /* the beginning of something small that was cut in two */
    bool is_carry_done;   /* it was handed on whole, and goes with the next step */
    bool has_settings;    /* the peer's first frame was there (§3.4) */
    uint8_t preface_done; /* octets of the client's preface */
    uint8_t padding;      /* the last octets of `left` */
    uint32_t left;        /* octets of the frame's payload not yet read */
    h2_frame_header frame;
} h2_reader;

typedef enum h2_block_kind {
    H2_BLOCK_NONE,    /* none is open */
    H2_BLOCK_REQUEST, /* opens a stream of the peer's */
    H2_BLOCK_MESSAGE, /* on a stream that is there */
    H2_BLOCK_PUSH,
    H2_BLOCK_DISCARD /* decoded to keep the table in step (§4.3), and forgotten */
} h2_block_kind;

/* The header block that is being read (§4.3): one at a time, nothing comes between its frames. */
typedef struct h2_block {
    h2_block_kind kind;
    uint8_t flags; /* of the frame that began it */
    uint32_t stream_id;
    uint32_t promised_id;
    bool is_late;           /* after END_STREAM: a fault of the stream, raised at the end */
    hpack_section *section; /* kept until the next h2_session_next: its event points into it */
} h2_block;

/* PRIORITY_UPDATE for streams that are not open yet (RFC 9218 §7.1). */
#define H2_MAX_EARLY_PRIORITIES 100
typedef struct h2_early_priorities {
    size_t count;
    struct {
        uint32_t stream_id;
        h2_priority priority;
    } entries[H2_MAX_EARLY_PRIORITIES];
} h2_early_priorities;

/* What is due by when (deadline.c); H2_NEVER where nothing is. */
typedef struct h2_deadlines {
    uint64_t begun_ms; /* what the peer has begun: its first SETTINGS, then the open header block */
    uint64_t look_ms;  /* at streams whose DATA is held back */
    uint64_t grace_ms; /* nothing that was due before is late before this */
} h2_deadlines;

struct h2_session {
    h2_pool *pool;
    h2_counters *counters; /* NULL: nothing is counted */
    hpack_decoder *decoder;
    hpack_encoder *encoder;
    h2_wire *wire; /* NULL while nothing waits for the transport */

    /* Streams: all in the map, each in one of the lists, in the order of their opening or closing. */
    idmap streams;
    list_node open;
    list_node waiting; /* requests held back by the peer's concurrency limit */
    list_node closed;  /* their H2_EV_CLOSE is not told yet */
    h2_scheduler scheduler;
    h2_history local_ids;
    h2_history peer_ids;
    uint32_t next_id;
    uint32_t last_begun_id; /* the newest of our requests that did not wait, or no longer does */
    uint32_t last_processed_id; /* of the peer's */
    uint32_t live_streams;
    uint32_t active_local; /* what SETTINGS_MAX_CONCURRENT_STREAMS counts (§5.1.2) */
    uint32_t active_peer;
    uint32_t reserved_peer;
    h2_early_priorities *early_priorities;

    h2_window send_window;
    h2_inflow receive_window;
    h2_growth growth;
    size_t queued_octets; /* sums over the streams */
    size_t unread_octets;
    size_t held_octets; /* fields that wait */

    h2_settings local; /* as acknowledged */
    h2_settings remote;
    list_node sent_settings;
    uint16_t *remote_custom;
    uint32_t remote_custom_count;
    uint32_t unacknowledged_settings;
    uint32_t unacknowledged_pings;
    uint32_t announced_max_streams; /* sent, acknowledged or not */
    uint32_t max_reserved_peer;
    uint32_t unread_frames; /* that the unread octets came in */
    size_t max_send_header_octets;

    h2_reader in;
    h2_block block;
    bytes_slice *origins; /* of the last H2_EV_ORIGIN */
    h2_fault fault;
    h2_limits limits;
    h2_deadlines deadlines;

    uint32_t sent_last_id; /* of our GOAWAY; meaningless before */
    uint32_t received_last_id;
    uint8_t received_goaways;
    h2_role role : 8;
    h2_padding padding : 8;
    bool has_sent_goaway : 1;
    bool is_draining : 1; /* the last GOAWAY is sent when the streams are done */
    bool is_drained : 1;  /* it is sent */
    bool is_terminal : 1; /* nothing but output is left */
    bool is_input_ended : 1;
    bool is_window_set : 1;    /* by the program: the session's window stays so */
    bool is_timed : 1;         /* somebody tells the time: deadlines are kept */
    bool is_overdue : 1;       /* the peer was late: `fault` is told next */
    bool is_push_refused : 1;  /* SETTINGS_ENABLE_PUSH 0 was sent, acknowledged or not */
    bool is_out_of_memory : 1; /* what could not be said by the call that failed */
};

/* Adds to one of the counters, where somebody wants to know. */
#define H2_COUNT(session, counter, n)                                                              \
    do {                                                                                           \
        if ((session)->counters)                                                                   \
            (session)->counters->counter += (n);                                                   \
    } while (0)

/* ------------------------------------------------------------------------ streams (streams.c) */

/* The stream, if it is there and not closed. */
h2_stream *h2_session_find(const h2_session *session, uint32_t stream_id);

/* For a frame of the peer's: the stream, or NULL for one that is closed. On an idle stream H2_FAULT
 * (§5.1). */
int h2_session_locate(h2_session *session, uint32_t stream_id, h2_stream **out);

/* As above, for frames that are not to come on a closed stream: unless this side has reset it, or it
 * is forgotten, H2_FAULT; else NULL and one glitch. */
int h2_session_locate_open(h2_session *session, uint32_t stream_id, h2_stream **out);

/* A new stream in the list of open ones. The history is the caller's. */
int h2_session_add_stream(h2_session *session, uint32_t stream_id, h2_stream_state state,
                          h2_stream **out);
/* Undoes h2_session_add_stream. */
void h2_session_remove_stream(h2_session *session, h2_stream *stream);

/* Counts the stream against the limit of its side. */
void h2_session_activate(h2_session *session, h2_stream *stream);

/* Moves the stream's state; one that both sides have ended is closed. */
int h2_session_advance(h2_session *session, h2_stream *stream, h2_input input);

/* Closes a stream: all it held is given back, H2_EV_CLOSE will follow. */
void h2_session_close(h2_session *session, h2_stream *stream, h2_ending ending);

/* Fills H2_EV_CLOSE of the stream that closed first, and forgets it. False when there is none. */
bool h2_session_tell_close(h2_session *session, h2_event *event);

/* Forgets all streams without a word. */
void h2_session_drop_streams(h2_session *session);

/* Puts the stream in the scheduler or takes it out, after whatever changed what it can send. */
void h2_session_schedule(h2_session *session, h2_stream *stream);

/* Makes a copy of fields for a stream that has to wait with them. */
int h2_session_hold(h2_session *session, const hpack_field *fields, size_t count,
                    hpack_section **out);
void h2_session_release_held(h2_session *session, hpack_section **held);

/* ---------------------------------------------------------------------- frames out (control.c) */

/* Makes room on the wire, so that writing this much does not fail. */
int h2_session_reserve(h2_session *session, size_t octets, size_t segments);
/* Gives the wire back if nothing is left on it. */
void h2_session_trim_wire(h2_session *session);
/* The caller has written one control frame of `octets` at the wire's tail. */
void h2_session_add_frame(h2_session *session, size_t octets);
/* The same, of an acknowledgement. */
void h2_session_add_ack(h2_session *session, size_t octets);

/* RST_STREAM, remembered in the history. */
int h2_session_put_reset(h2_session *session, uint32_t stream_id, uint32_t code);
int h2_session_put_window_update(h2_session *session, uint32_t stream_id, uint32_t increment);
int h2_session_put_ping(h2_session *session, uint8_t flags, const uint8_t payload[8]);
/* WINDOW_UPDATE for the stream, once enough of it is read. */
int h2_session_credit(h2_session *session, h2_stream *stream);
/* Takes the answer to a PING by which the engine measures a round trip; false for another's. */
bool h2_session_take_own_ping(h2_session *session, const uint8_t payload[8]);

/* A fault of the peer's on a stream: RST_STREAM, and H2_EV_CLOSE if the program knows the stream.
 * H2_FAULT, of the session now, if there were too many. */
int h2_session_abort_stream(h2_session *session, const h2_fault *fault);

/* A stream's fault that a peer could provoke at will to have a new one for it: of the whole session
 * where the session is strict. `result` is what the check gave. */
int h2_session_escalate(h2_session *session, int result);

/* ---------------------------------------------------------------------- header blocks (block.c) */

/* H2_TOO_LARGE for more than max_send_header_octets. The encoder is not touched. */
int h2_session_measure(const h2_session *session, const hpack_field *fields, size_t count);

/* HEADERS, or PUSH_PROMISE for a promised_id that is not 0, and what CONTINUATION it takes. */
int h2_session_put_block(h2_session *session, uint32_t stream_id, uint32_t promised_id,
                         const hpack_field *fields, size_t count, bool is_end);

/* Octets that padding adds to a payload of `octets`, Pad Length included, within `limit`. */
uint32_t h2_session_padding(const h2_session *session, uint32_t octets, uint32_t limit);

/* ------------------------------------------------------------------- sending (submit.c, transmit.c) */

/* Whether a request that waits may go now. */
bool h2_session_can_launch(const h2_session *session);
int h2_session_launch(h2_session *session);

/* HEADERS that wait behind chunks which are all framed now. */
int h2_session_put_held_trailers(h2_session *session, h2_stream *stream);
/* An empty DATA frame that ends the stream. */
int h2_session_put_end(h2_session *session, h2_stream *stream);

/* --------------------------------------------------------------- receiving (receive*.c and others) */

/* What of the frame was not looked at is read past. */
void h2_session_skip_frame(h2_session *session);

int h2_receive_data_begin(h2_session *session);
int h2_receive_data(h2_session *session, const uint8_t *octets, h2_event *event);
int h2_receive_headers(h2_session *session, const uint8_t *octets, h2_event *event);
int h2_receive_push_promise(h2_session *session, const uint8_t *octets, h2_event *event);
int h2_receive_continuation_begin(h2_session *session);
int h2_receive_priority(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_rst_stream(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_settings_begin(h2_session *session);
int h2_receive_settings(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_ping(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_goaway(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_window_update(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_altsvc(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_origin(h2_session *session, const uint8_t *payload, h2_event *event);
int h2_receive_priority_update(h2_session *session, const uint8_t *payload, h2_event *event);

/* What was kept of the last event is given back. */
void h2_session_forget_event(h2_session *session);

/* Takes what was said early about a stream that opens now. */
void h2_session_apply_early_priority(h2_session *session, h2_stream *stream);

/* ------------------------------------------------------------------------ time (deadline.c) */

/* Says by when a SETTINGS frame of ours is to be acknowledged. */
void h2_session_date_settings(h2_session *session, h2_settings_sent *sent);
/* Says by when the header block that begins is to end. */
void h2_session_date_block(h2_session *session);
/* Watches a stream from now on whose DATA a window holds back. */
void h2_session_note_stall(h2_session *session, h2_stream *stream);
/* The same for the window of the connection, after output. */
void h2_session_note_exhaustion(h2_session *session);

/* ------------------------------------------------------------- beginning and end (shutdown.c) */

/* Reads past all that comes. */
h2_expectation h2_expect_nothing;
/* The first expectation: of a client its preface, of a server a frame. */
void h2_session_begin_reading(h2_session *session);

/* session->fault ends the session: GOAWAY, and the event. */
int h2_session_fail(h2_session *session, h2_event *event);

/* The second GOAWAY of a graceful end, once it is due. */
bool h2_session_is_drain_due(const h2_session *session);
int h2_session_finish_drain(h2_session *session);

/* Whether streams may still be opened by this side. */
bool h2_session_takes_requests(const h2_session *session);

#endif
