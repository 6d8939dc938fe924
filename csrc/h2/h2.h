/* The HTTP/2 engine (RFC 9113): one connection, either role, no I/O and no clock of its own.
 *
 * Octets from the peer go in by h2_session_feed, what they mean comes out one event at a time by
 * h2_session_next; what the program submits leaves by h2_session_output as slices for one gathered
 * write, and h2_session_sent says how much of it the transport took. Nothing is ever called back but
 * a chunk's `read` and `release`.
 *
 *     feed -> next* (until H2_EV_NONE) -> submit... -> output -> write -> sent -> next*
 *
 * Functions that return int give H2_OK or one of the negative codes below; after a failure the
 * session is as it was. RFC 9113 error codes are positive, and live in events and arguments only. */
#ifndef H2_H2_H
#define H2_H2_H

#include "hpack/hpack.h"

/* ------------------------------------------------------------------------------ basic types */

enum {
    H2_OK = 0,
    H2_FAULT = -1,  /* the peer broke the protocol; inside the engine only, an h2_fault says how */
    H2_NOMEM = -2,  /* memory is out; the session can only be freed or be shut down */
    H2_MISUSE = -3, /* the call is not allowed in this state or role */
    H2_GONE = -4,   /* the stream is closed or its sending side is ended; or the session is ended */
    H2_NO_IDS = -5, /* stream identifiers are used up (RFC 9113 §5.1.1) */
    H2_TOO_LARGE = -6, /* the header block is over max_send_header_octets */
    H2_DISABLED = -7,  /* the peer does not accept this (push, extended CONNECT) */
    H2_LIMIT = -8,     /* too many outstanding (pings, settings) */
    H2_AGAIN = -9      /* a chunk's `read`: nothing now, h2_session_resume will follow */
};

typedef enum h2_role { H2_CLIENT, H2_SERVER } h2_role;

/* RFC 9113 §7. X(name, number) */
#define H2_ERROR_MAP(X)                                                                            \
    X(NO_ERROR, 0x0)                                                                               \
    X(PROTOCOL_ERROR, 0x1)                                                                         \
    X(INTERNAL_ERROR, 0x2)                                                                         \
    X(FLOW_CONTROL_ERROR, 0x3)                                                                     \
    X(SETTINGS_TIMEOUT, 0x4)                                                                       \
    X(STREAM_CLOSED, 0x5)                                                                          \
    X(FRAME_SIZE_ERROR, 0x6)                                                                       \
    X(REFUSED_STREAM, 0x7)                                                                         \
    X(CANCEL, 0x8)                                                                                 \
    X(COMPRESSION_ERROR, 0x9)                                                                      \
    X(CONNECT_ERROR, 0xa)                                                                          \
    X(ENHANCE_YOUR_CALM, 0xb)                                                                      \
    X(INADEQUATE_SECURITY, 0xc)                                                                    \
    X(HTTP_1_1_REQUIRED, 0xd)

typedef enum h2_error_code {
#define H2_ERROR_ENUM(name, number) H2_##name = (number),
    H2_ERROR_MAP(H2_ERROR_ENUM)
#undef H2_ERROR_ENUM
} h2_error_code;

/* "PROTOCOL_ERROR"; NULL for a number that RFC 9113 §7 does not name. */
const char *h2_error_name(uint32_t code);

/* RFC 9113 §6.5.2, RFC 8441, RFC 9218. X(field, identifier, initial value) */
#define H2_SETTINGS_MAP(X)                                                                         \
    X(header_table_size, 0x1, 4096u)                                                               \
    X(enable_push, 0x2, 1u)                                                                        \
    X(max_concurrent_streams, 0x3, UINT32_MAX)                                                     \
    X(initial_window_size, 0x4, 65535u)                                                            \
    X(max_frame_size, 0x5, 16384u)                                                                 \
    X(max_header_list_size, 0x6, UINT32_MAX)                                                       \
    X(enable_connect_protocol, 0x8, 0u)                                                            \
    X(no_rfc7540_priorities, 0x9, 0u)

enum {
    H2_SETTINGS_HEADER_TABLE_SIZE = 0x1,
    H2_SETTINGS_ENABLE_PUSH = 0x2,
    H2_SETTINGS_MAX_CONCURRENT_STREAMS = 0x3,
    H2_SETTINGS_INITIAL_WINDOW_SIZE = 0x4,
    H2_SETTINGS_MAX_FRAME_SIZE = 0x5,
    H2_SETTINGS_MAX_HEADER_LIST_SIZE = 0x6,
    H2_SETTINGS_ENABLE_CONNECT_PROTOCOL = 0x8,
    H2_SETTINGS_NO_RFC7540_PRIORITIES = 0x9
};

/* One entry of a SETTINGS frame, and what a session keeps of unknown identifiers. */
typedef struct h2_setting {
    uint16_t id;
    uint32_t value;
} h2_setting;

#define H2_MAX_CUSTOM_SETTINGS 10

/* All settings of one side, in force. `custom` are identifiers that the map does not name: ours once
 * acknowledged; the peer's where h2_options.remote_custom asks for them. */
typedef struct h2_settings {
#define H2_SETTINGS_FIELD(name, id, value) uint32_t name;
    H2_SETTINGS_MAP(H2_SETTINGS_FIELD)
#undef H2_SETTINGS_FIELD
    h2_setting custom[H2_MAX_CUSTOM_SETTINGS];
    size_t custom_count;
} h2_settings;

/* The initial values of RFC 9113 §6.5.2. */
void h2_settings_init(h2_settings *settings);
/* Whether the value is one that RFC 9113 §6.5.2 allows for the identifier. */
bool h2_setting_is_valid(h2_setting setting);

/* RFC 9218 §4. */
typedef struct h2_priority {
    uint8_t urgency; /* 0 (first) to 7 */
    bool is_incremental;
} h2_priority;

/* Parses the value of a `priority` field; what is missing or unusable takes the default (RFC 9218 §4,
 * RFC 8941). */
h2_priority h2_priority_parse(bytes_slice value);

/* Whether it is the value of a field: no control but HTAB, and no white space at the ends (RFC 9113
 * §8.2.1). */
bool h2_text_is_field_value(bytes_slice text);

/* ---------------------------------------------------------------------------------- options */

/* Memory that many sessions take turns with (field sections, wire buffers), so that an idle session
 * holds none. One pool may serve all sessions of one thread; it must outlive them. */
typedef struct h2_pool h2_pool;
int h2_pool_new(h2_pool **out);
void h2_pool_free(h2_pool *pool);

/* What a session has done, for whoever wants to know. */
typedef struct h2_counters {
    uint64_t frames_sent, frames_received;
    uint64_t octets_sent, octets_received; /* of everything */
    uint32_t most_streams;                 /* that were open at once, by whoever */
} h2_counters;

/* In the order of Node's PADDING_STRATEGY_*. */
typedef enum h2_padding { H2_PADDING_NONE, H2_PADDING_ALIGNED, H2_PADDING_MAX } h2_padding;

/* The text of the fault that max_session_invalid_frames makes, for who tells it from the others. */
#define H2_TOO_MANY_INVALID_FRAMES "too many invalid or empty frames"

/* What a hostile peer may make us do. Numbers are counts, octets or per second, as named. */
typedef struct h2_limit_options {
    uint32_t max_header_list_pairs;        /* 128; fields of one section, all kinds */
    uint32_t max_continuations;            /* 8; frames of one header block */
    uint32_t max_settings;                 /* 32; entries of one SETTINGS frame */
    uint32_t max_outstanding_settings;     /* 10; ours, not acknowledged */
    uint32_t max_outstanding_pings;        /* 10; ours, not acknowledged */
    uint32_t max_session_invalid_frames;   /* 1000 in the life of a session */
    uint32_t max_session_rejected_streams; /* 100 in a row */
    uint32_t max_streams_per_tick;         /* 0: twice as many as are offered at once */
    uint32_t stream_reset_burst;           /* 1000; resets received or provoked */
    uint32_t stream_reset_rate;            /* 33 per second, refills the burst */
    uint32_t glitch_burst;                 /* 10000; legal but suspicious events */
    uint32_t glitch_rate;                  /* 330 per second */
    uint32_t max_outbound_acks;            /* 1000; SETTINGS and PING acknowledgements unsent */
    uint32_t max_outbound_frames;          /* 5000; control frames unsent */
    size_t max_outbound_octets;            /* 512 KiB; above it wants_input is false */
    size_t max_session_octets;             /* 10 MB; above it new streams are refused */
    uint32_t max_interim_responses;        /* 32 for each request, its fields within one list */
    uint32_t max_overhead_ratio;           /* 8; octets in for one of payload, past the first
                                              mebibyte of it; 0: no limit */
    uint32_t first_settings_ms;            /* 10000, from the first tick on; 0: no limit */
    uint32_t settings_ack_ms;              /* 10000; 0: no limit */
    uint32_t header_block_ms;              /* 10000, from its first frame to its end; 0: no limit */
    uint32_t stream_stall_ms;              /* servers 60000, clients 0 (no limit): while a window
                                              holds DATA back, 16 KiB are to move in this time */
    bool is_strict;                        /* stream errors a peer could farm end the session */
} h2_limit_options;

typedef struct h2_options {
    h2_role role;
    const h2_setting *settings; /* our first SETTINGS frame, in this order; may be empty */
    size_t settings_count;
    const uint16_t *remote_custom; /* unknown identifiers to keep of the peer's SETTINGS */
    size_t remote_custom_count;
    uint32_t peer_max_concurrent_streams; /* 100; assumed until the peer's SETTINGS come */
    uint32_t max_reserved_remote_streams; /* 200; pushes promised and not begun */
    uint32_t max_deflate_table_octets;    /* 4096 */
    size_t max_send_header_octets;        /* 65536; hpack_encoder_bound of one block */
    h2_padding padding;
    h2_limit_options limits;
    uint64_t seed;         /* unpredictable to the peer */
    h2_pool *pool;         /* not owned */
    h2_counters *counters; /* not owned; kept up to date. NULL: nobody wants to know */
} h2_options;

/* The defaults noted above. */
void h2_options_init(h2_options *options, h2_role role);

/* ------------------------------------------------------------------------------- life cycle */

typedef struct h2_session h2_session;

/* A session whose preface (RFC 9113 §3.4) and first SETTINGS are ready for output. The lists in
 * `options` are copied. H2_MISUSE for settings that h2_setting_is_valid refuses. */
int h2_session_new(h2_session **out, const h2_options *options);
/* Frees the session (NULL: nothing); chunks still queued are released as not sent. Not from within a
 * `release`. */
void h2_session_free(h2_session *session);

/* -------------------------------------------------------------------------------------- time */

#define H2_NEVER UINT64_MAX

/* Tells the time, on the clock of h2_session_feed: before output is asked for, and when the deadline
 * has come; requests are counted from one call to the next. What the peer is late with ends the session
 * (H2_EV_FAULT) or a stream (H2_EV_CLOSE): ask h2_session_next. The first call starts the clock; without
 * one there are no deadlines. */
void h2_session_tick(h2_session *session, uint64_t now_ms);
/* When to call it at the latest; H2_NEVER: nothing waits. */
uint64_t h2_session_deadline(const h2_session *session);

/* ------------------------------------------------------------------------------------ input */

/* Gives the session octets to read; they must stay until h2_session_next has returned H2_EV_NONE.
 * `now_ms` is any monotonic clock. Once the session is terminal the octets are swallowed. */
void h2_session_feed(h2_session *session, const uint8_t *data, size_t size, uint64_t now_ms);

typedef enum h2_event_kind {
    H2_EV_NONE,         /* nothing to tell: input is used up */
    H2_EV_HEADERS,      /* a field section, complete and valid */
    H2_EV_DATA,         /* octets of a body, as they come: a frame may be told in pieces */
    H2_EV_CLOSE,        /* a stream's one and last event; the session knows it no more */
    H2_EV_SETTINGS,     /* the peer's settings changed and are in force (our ACK is queued) */
    H2_EV_SETTINGS_ACK, /* our oldest unacknowledged SETTINGS are in force */
    H2_EV_PING,         /* answered already */
    H2_EV_PING_ACK,
    H2_EV_GOAWAY,
    H2_EV_PRIORITY,        /* of old: nothing follows from it (RFC 9113 §5.3) */
    H2_EV_PRIORITY_UPDATE, /* already in force (RFC 9218 §7) */
    H2_EV_ALTSVC,          /* RFC 7838 §4, to clients */
    H2_EV_ORIGIN,          /* RFC 8336, to clients; one event for a frame */
    H2_EV_FAULT /* the session is over: GOAWAY is queued; nothing follows, CLOSE neither */
} h2_event_kind;

typedef enum h2_message {
    H2_REQUEST,       /* on a stream the peer opened */
    H2_PUSH,          /* a promised request, on the promised stream (RFC 9113 §8.4) */
    H2_INFORMATIONAL, /* 1xx */
    H2_RESPONSE,
    H2_TRAILERS
} h2_message;

/* Who ended a stream or a session. */
typedef enum h2_by {
    H2_BY_LOCAL, /* the program: both sides ended, reset, shutdown */
    H2_BY_PEER,  /* RST_STREAM, GOAWAY from the peer */
    H2_BY_ENGINE /* the engine, for a fault of the peer's */
} h2_by;

/* Slices, field arrays and `text` are valid until the next call of h2_session_next. */
typedef struct h2_event {
    h2_event_kind kind;
    uint32_t stream_id; /* 0: the connection */
    void *context;      /* of the stream */
    union {
        struct {
            h2_message message;
            const hpack_field *fields;
            size_t count;
            uint16_t status;    /* of H2_INFORMATIONAL and H2_RESPONSE */
            uint8_t flags;      /* of the HEADERS or PUSH_PROMISE frame */
            bool is_end;        /* END_STREAM: nothing follows from the peer */
            uint32_t parent_id; /* of H2_PUSH: the stream it came on */
            void *parent_context;
        } headers;
        struct {
            bytes_slice octets; /* may be empty with is_end */
            bool is_end;
        } data;
        struct {
            uint32_t code;     /* NO_ERROR where both sides ended in order */
            h2_by by;          /* who ended it */
            bool is_reset;     /* by RST_STREAM, GOAWAY or a fault rather than in order */
            bool is_processed; /* false: the peer has certainly not acted on it (REFUSED_STREAM,
                                   above GOAWAY's last id, never sent); it is safe to send again */
            const char *text;  /* of H2_BY_ENGINE: what was wrong */
            uint64_t octets_sent, octets_received; /* of content */
        } close;
        struct {
            uint8_t payload[8];
        } ping;
        struct {
            uint32_t code;
            uint32_t last_id;
            bytes_slice debug;
        } goaway;
        struct {
            h2_priority priority;
        } priority;
        struct {
            uint32_t parent_id;
            uint16_t weight; /* 1 to 256 */
            bool is_exclusive;
        } dependency; /* of H2_EV_PRIORITY */
        struct {
            bytes_slice origin, value;
        } altsvc;
        struct {
            const bytes_slice *origins;
            size_t count;
        } origin;
        struct {
            uint32_t code;    /* the GOAWAY code that goes to the peer */
            const char *text; /* what was wrong, for people */
        } fault;
    };
} h2_event;

/* The next event. H2_OK with event->kind (H2_EV_NONE when there is none), or H2_NOMEM. Call it also
 * after h2_session_sent and after submits: streams may have closed by them. Submits are allowed while
 * an event is looked at; they do not touch its slices. */
int h2_session_next(h2_session *session, h2_event *event);

/* The transport's end of input. Nothing more is read, what can still be answered may be. */
void h2_session_end_input(h2_session *session);

/* The program is done with `octets` of DATA events of the stream: their window goes back to the peer
 * when enough has gathered (RFC 9113 §6.9.1), and grows where a longer path needs it and the program
 * keeps up, by the clock of h2_session_feed. The connection's window is given back on arrival, so that
 * one stream that is not read does not block the others. No effect on a closed stream. */
void h2_session_consume(h2_session *session, uint32_t stream_id, size_t octets, uint64_t now_ms);

/* ---------------------------------------------------------------------------------- submits */

/* Opens a stream (clients). The fields are taken as they are: pseudo-fields first, names in lower
 * case; their octets are not needed after the call. The identifier is given at once; while the peer's
 * limit of concurrent streams is reached the HEADERS wait, and so does all else on the stream.
 * H2_GONE after a GOAWAY either way; H2_NO_IDS; H2_TOO_LARGE. */
int h2_session_submit_request(h2_session *session, const hpack_field *fields, size_t count,
                              bool is_end, void *context, uint32_t *stream_id);
/* The final response (servers). */
int h2_session_submit_response(h2_session *session, uint32_t stream_id, const hpack_field *fields,
                               size_t count, bool is_end);
/* A 1xx response, any number before the final one. */
int h2_session_submit_informational(h2_session *session, uint32_t stream_id,
                                    const hpack_field *fields, size_t count);
/* Trailers: they go after all chunks written so far and end the sending side. */
int h2_session_submit_trailers(h2_session *session, uint32_t stream_id, const hpack_field *fields,
                               size_t count);
/* Promises a response on a new stream (servers). H2_DISABLED where the peer does not take pushes,
 * H2_LIMIT over its concurrency limit. */
int h2_session_submit_push(h2_session *session, uint32_t parent_id, const hpack_field *fields,
                           size_t count, void *context, uint32_t *promised_id);

/* Outgoing octets of a body. The owner embeds the struct and keeps data and struct until `release`,
 * which comes exactly once: when the transport has taken the last octet (was_sent), or when the chunk
 * is dropped. `release` and `read` must not call the engine. */
typedef struct h2_chunk {
    const uint8_t *data; /* the octets; NULL: they are pulled by `read` when they can be sent */
    size_t size; /* octets of data left; of a `read`, what it will give if that is known, else 0 */
    /* Fills `into`: octets written (1..max), 0 at the end, H2_AGAIN, or H2_FAULT, which resets the
     * stream with INTERNAL_ERROR. */
    long (*read)(struct h2_chunk *chunk, uint8_t *into, size_t max);
    void (*release)(struct h2_chunk *chunk, bool was_sent);
    struct h2_chunk *_next;
    size_t _unsent;
} h2_chunk;

/* Queues a chunk behind those before it. H2_GONE when the sending side is ended or closed, H2_MISUSE
 * before the headers; the chunk is then the caller's still. Small chunks share DATA frames. */
int h2_session_write(h2_session *session, uint32_t stream_id, h2_chunk *chunk);
/* Ends the sending side behind the chunks written so far. */
int h2_session_end(h2_session *session, uint32_t stream_id);
/* A chunk whose `read` said H2_AGAIN has octets now. */
void h2_session_resume(h2_session *session, uint32_t stream_id);

/* RST_STREAM with `code`; chunks are dropped, what the peer still sends is swallowed. A stream whose
 * HEADERS never left goes silently. The H2_EV_CLOSE follows. No effect on a closed stream. */
int h2_session_reset(h2_session *session, uint32_t stream_id, uint32_t code);

/* Sets the priority the scheduler goes by; a client's also goes out as PRIORITY_UPDATE. */
int h2_session_set_priority(h2_session *session, uint32_t stream_id, h2_priority priority);

/* H2_LIMIT with max_outstanding_settings unacknowledged; H2_MISUSE for a value out of range. */
int h2_session_submit_settings(h2_session *session, const h2_setting *settings, size_t count);
int h2_session_submit_ping(h2_session *session, const uint8_t payload[8]);
/* A GOAWAY by hand; the session goes on. `last_id` above what was processed is lowered to it. */
int h2_session_submit_goaway(h2_session *session, uint32_t code, uint32_t last_id,
                             bytes_slice debug);
int h2_session_submit_altsvc(h2_session *session, uint32_t stream_id, bytes_slice origin,
                             bytes_slice value);
int h2_session_submit_origin(h2_session *session, const bytes_slice *origins, size_t count);
/* The receive window of the connection; growing it sends WINDOW_UPDATE, shrinking it takes effect as
 * the peer spends. */
int h2_session_set_local_window(h2_session *session, uint32_t octets);
/* The identifier of the next stream this side opens; one above 2^31-1: there is none left. H2_MISUSE
 * if of the wrong parity or used. */
int h2_session_set_next_id(h2_session *session, uint32_t stream_id);

/* Graceful end (RFC 9113 §6.8): GOAWAY with the last stream processed; no new streams either way; a
 * second GOAWAY when the open ones are done, then h2_session_is_finished. */
int h2_session_shutdown(h2_session *session);
/* Immediate end: GOAWAY with `code`, all streams dropped without events; then only output is left. */
int h2_session_terminate(h2_session *session, uint32_t code, bytes_slice debug);

/* ----------------------------------------------------------------------------------- output */

/* Frames what may go now, up to about `max_octets`, and lists it with what is still unsent from
 * before. Fills at most `max` slices, in *count. The slices are valid until the next call of any
 * function of this session but h2_session_sent. H2_OK or H2_NOMEM. */
int h2_session_output(h2_session *session, bytes_slice *slices, size_t max, size_t max_octets,
                      size_t *count);
/* The transport took the first `octets` of the slices. */
void h2_session_sent(h2_session *session, size_t octets);

/* Whether h2_session_output would give anything. */
bool h2_session_wants_output(const h2_session *session);
/* Whether h2_session_next may give an event without further input. */
bool h2_session_has_events(const h2_session *session);
/* False while the peer lets too much of our output lie: reading stops until it takes some. */
bool h2_session_wants_input(const h2_session *session);
/* All is said: the transport is to be closed once the output has gone. */
bool h2_session_is_finished(const h2_session *session);

/* ---------------------------------------------------------------------------------- look-ups */

const h2_settings *h2_session_local_settings(const h2_session *session);
const h2_settings *h2_session_remote_settings(const h2_session *session);
size_t h2_session_unacknowledged_settings(const h2_session *session);
/* Streams open or half-closed, by whoever opened them, requests that wait included. */
size_t h2_session_stream_count(const h2_session *session);
/* Bytes held for this session: structs, tables, unconsumed DATA, queued chunks, wire. */
size_t h2_session_memory(const h2_session *session);

/* Node's session.state. */
typedef struct h2_session_figures {
    int64_t effective_local_window_size;
    int64_t effective_recv_data_length;
    uint32_t next_stream_id;
    int64_t local_window_size;
    uint32_t last_proc_stream_id;
    int64_t remote_window_size;
    size_t outbound_queue_size;
    size_t deflate_dynamic_table_size;
    size_t inflate_dynamic_table_size;
} h2_session_figures;
void h2_session_get_figures(const h2_session *session, h2_session_figures *figures);

/* RFC 9113 §5.1, numbered as Node's NGHTTP2_STREAM_STATE_*. */
typedef enum h2_stream_state {
    H2_STATE_IDLE = 1,
    H2_STATE_OPEN,
    H2_STATE_RESERVED_LOCAL,
    H2_STATE_RESERVED_REMOTE,
    H2_STATE_HALF_CLOSED_LOCAL,
    H2_STATE_HALF_CLOSED_REMOTE,
    H2_STATE_CLOSED
} h2_stream_state;

typedef struct h2_stream_figures {
    h2_stream_state state;
    bool is_local_closed;
    bool is_remote_closed;
    bool is_waiting; /* HEADERS held back by the peer's concurrency limit */
    int64_t local_window_size;
    int64_t remote_window_size;
    size_t queued_octets;                  /* of chunks with data, not yet framed */
    uint64_t octets_sent, octets_received; /* of content, framed */
    h2_priority priority;
} h2_stream_figures;
/* Whether HEADERS of a request of ours have left its queue; the session may be over. What has not left
 * is safe to send again. */
bool h2_session_has_begun(const h2_session *session, uint32_t stream_id);
/* H2_GONE for a stream the session does not know (any more). */
int h2_session_get_stream(const h2_session *session, uint32_t stream_id,
                          h2_stream_figures *figures);
void *h2_session_get_context(const h2_session *session, uint32_t stream_id);
void h2_session_set_context(h2_session *session, uint32_t stream_id, void *context);

#endif
