/* The other end of a session, scripted frame by frame: it can say anything, right or wrong. What the
 * session tells and what it writes are kept as text (trace.h). */
#ifndef SPEC_H2_PEER_H
#define SPEC_H2_PEER_H

#include "h2/support/trace.h"

typedef struct peer {
    h2_pool *pool;
    h2_session *session; /* under test */
    uint64_t now_ms;
    bytes_buffer out; /* to be delivered */
    trace events;
    trace frames;
    size_t data_octets; /* of DATA that the session has written */
    bool is_deaf;       /* does not read: what is written stays where it is */
    bool is_reading;    /* consumes DATA at once */
    size_t split;       /* deliver so many octets at a time; 0: all at once */
    uint64_t blocks;    /* alive before */
} peer;

/* The session's options, before it is made. */
typedef void peer_tweak(h2_options *options);

/* A session of `role`, after both sides have sent and acknowledged their SETTINGS; the traces are
 * empty. */
void peer_open(peer *p, h2_role role, peer_tweak *tweak);
/* The same without a word said yet. */
void peer_open_silent(peer *p, h2_role role, peer_tweak *tweak);
/* Frees all; fails if anything is left behind. */
void peer_close(peer *p);

/* -------------------------------------------------------------------- what is to be delivered */

void peer_octets(peer *p, const void *octets, size_t size);
void peer_frame(peer *p, uint8_t type, uint8_t flags, uint32_t stream_id, const void *payload,
                size_t size);
void peer_preface(peer *p);
void peer_settings(peer *p, const h2_setting *settings, size_t count);
void peer_setting(peer *p, uint16_t id, uint32_t value);
void peer_settings_ack(peer *p);
void peer_window_update(peer *p, uint32_t stream_id, uint32_t increment);
void peer_reset(peer *p, uint32_t stream_id, uint32_t code);
void peer_ping(peer *p, uint8_t flags);
void peer_goaway(peer *p, uint32_t last_id, uint32_t code);
/* DATA of `size` octets of 'x'. */
void peer_data(peer *p, uint8_t flags, uint32_t stream_id, size_t size);

/* A literal header block of name, value, ..., NULL; in place, valid until the next call. */
bytes_slice peer_block(const char *name, ...) __attribute__((sentinel));
/* HEADERS with such a block. */
void peer_headers(peer *p, uint8_t flags, uint32_t stream_id, bytes_slice block);
/* HEADERS of a GET or POST that is in order; with END_HEADERS. */
void peer_get(peer *p, uint32_t stream_id);
void peer_post(peer *p, uint32_t stream_id);
/* HEADERS of a response that is in order. */
void peer_respond(peer *p, uint8_t flags, uint32_t stream_id);

/* ------------------------------------------------------------------------------- the delivery */

/* Delivers what there is, and takes the session's output. */
void peer_run(peer *p);
/* Events told, and frames written, since last asked; after a peer_run. */
const char *peer_events(peer *p);
const char *peer_frames(peer *p);

/* Runs, and checks both; NULL is anything. */
void peer_expect(peer *p, const char *events, const char *frames);
/* The session must have ended itself with this code, tell nothing after, and swallow the rest. */
void peer_expect_fault(peer *p, const char *code);

/* ------------------------------------------------------------------------ what the session does */

hpack_field peer_field(const char *name, const char *value);
/* A GET, or a POST that goes on, of the session's; returns its stream. */
uint32_t peer_submit_get(peer *p);
uint32_t peer_submit_post(peer *p);
/* ":status: 200", and no more if is_end. */
void peer_submit_ok(peer *p, uint32_t stream_id, bool is_end);

/* A chunk on the heap that frees itself; counts what became of it. */
typedef struct peer_chunk {
    h2_chunk chunk;
    size_t *sent;
    size_t *dropped;
    uint8_t octets[];
} peer_chunk;
h2_chunk *peer_chunk_new(size_t size, size_t *sent, size_t *dropped);
/* Writes `size` octets of 'y'. */
int peer_write(peer *p, uint32_t stream_id, size_t size);

#endif
