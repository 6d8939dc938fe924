/* HTTP/1.1 on a secure server's port (allowHTTP1): a connection that serves one request after the other,
 * and the duplex, Http1Stream, that carries an exchange in the place of an HTTP/2 stream. The connection
 * is the transport's and this folder's alone; what Lua sees of it is the stream and the socket's facts. */
#ifndef BINDING_CLASSES_HTTP1_H
#define BINDING_CLASSES_HTTP1_H

#include "binding/classes/exchange.h"
#include "binding/classes/socket.h"
#include "h1/h1.h"

struct lh2_http1_stream;

/* What the peer has to say next, for which it has its time. */
typedef enum lh2_http1_wait {
    LH2_WAIT_NOTHING, /* it is not the peer's turn */
    LH2_WAIT_FIRST,   /* the connection's first request */
    LH2_WAIT_HEAD,    /* the rest of a request's head */
    LH2_WAIT_BODY,    /* ... of a request */
    LH2_WAIT_NEXT,    /* another request */
    LH2_WAIT_ANSWER,  /* it has ended; the program has its time to answer */
    LH2_WAIT_END      /* we have ended: the same of it */
} lh2_http1_wait;

typedef struct lh2_http1 {
    lh2_server *server; /* NULL once it does not count any more */
    list_node link;     /* among the server's connections */
    net_loop *loop;
    net_socket *socket;
    lh2_socket
        *described; /* the Socket object that shows its facts, anchored; NULL: nobody asked */
    int sockets; /* held: a sequence of objects that stand for what is beneath; LUA_NOREF: none */
    h1_parser *parser;
    struct lh2_http1_stream *stream; /* whose exchange is under way; NULL: between two */
    list_node
        unread; /* streams whose exchange is over, with a body that is not read to its end yet */
    net_timer *timer;
    uint64_t timer_ms; /* when it fires, if it is active */
    lh2_http1_wait wait;
    uint64_t deadline_ms; /* for what is waited for; UINT64_MAX: none */
    uint64_t begun_ms;    /* LH2_WAIT_HEAD and _BODY: when the request began */
    uint64_t paused_ms;   /* LH2_WAIT_BODY: since when the program does not read; 0: it does */
    uint64_t moved_ms;    /* output waits for the peer, which took some of it then; 0: none waits */
    uint64_t moved_octets;
    uint64_t idle_ms; /* server.timeout when it came; 0: none */
    uint64_t active_ms;
    bool has_timed_out; /* ... and nothing has moved since */
    bool is_heard;      /* the server's "timeout" has a listener */
    size_t unsent;      /* LH2_WAIT_END: at the last look */
    uint32_t stalls;
    bool is_last_look; /* the deadline has passed: what the kernel has is read first */
    bytes_buffer in;   /* came while an exchange was under way; bounded */
    bytes_buffer out;  /* written, and not with the transport yet; bounded */
    uint64_t requests;
    bool is_parsing;
    bool has_peer_ended; /* FIN */
    bool is_shut;        /* all is said: nothing is read but the peer's end is waited for */
} lh2_http1;

/* A request under way. Anchored until its duplex is destroyed. */
typedef struct lh2_http1_stream {
    lh2_duplex duplex;
    lh2_http1 *connection;          /* NULL once the exchange, or the connection, is over */
    list_node link;                 /* among the connection's unread ones, or in no list */
    lh2_kept_fields *request, *raw; /* with pseudo-headers and in lower case; as they came */
    lh2_kept_fields *trailers, *raw_trailers; /* of the request, while they are told */
    h1_writer writer;
    lh2_write *first, *last; /* writes that are not in `out` yet */
    size_t sent;             /* octets of the first that are */
    uint64_t unclaimed;      /* H1_LENGTH: octets that may still be written */
    size_t dumped;           /* octets of a body that nobody reads, after the response */
    net_timer *timer;        /* of setTimeout; NULL: none */
    uint64_t timeout_ms, active_ms;
    bool is_connect;
    bool expects_continue; /* the body waits for a 100 */
    bool is_request_done;  /* it came in whole */
    bool has_sent_headers; /* of the final response */
    bool expects_trailers, wants_trailers;
    bool is_finishing; /* the body ends behind the last write */
    bool is_end_written;
    bool is_response_done; /* it is with the transport */
    bool is_aborted;
    bool is_flush_due;
} lh2_http1_stream;

extern const lh2_class lh2_http1_stream_class;
extern const lh2_carrier lh2_http1_carrier;

/* A TLS connection that has not agreed on HTTP/2, and is counted, is served (http1_connection.c). NULL for
 * want of memory; the socket is then the caller's still. */
lh2_http1 *lh2_http1_start(lh2_server *server, net_socket *socket);
/* The sequence on top (or nil) holds objects that stand for the connection. [-1, +0, m] */
void lh2_http1_keep(lua_State *L, lh2_http1 *connection);
/* Pushes the Socket object that shows the connection's facts. [-0, +1, m] */
void lh2_http1_push_socket(lua_State *L, lh2_http1 *connection);
/* Cuts all connections off. */
void lh2_http1_close_all(lh2_server *server);
/* Drops all connections without events; for __gc. */
void lh2_http1_drop_all(lh2_server *server);
/* Closes those that are between two requests. */
void lh2_http1_close_idle(lh2_server *server);

/* ---- the clock (http1_clock.c) */

/* False: there was no memory. */
bool lh2_http1_start_clock(lh2_http1 *connection);
/* From now on this is waited for. */
void lh2_http1_await(lh2_http1 *connection, lh2_http1_wait wait);
/* What is waited for is late, if it is not there by the next turn of the loop. */
void lh2_http1_expire(lh2_http1 *connection);
/* The connection is read, or not because the program does not, which is not the peer's time. */
void lh2_http1_note_reading(lh2_http1 *connection, bool is_reading);
/* Octets have moved: server.timeout begins anew. */
void lh2_http1_note_activity(lh2_http1 *connection);
/* Output waits for the peer, which has its time to take some of it. */
void lh2_http1_watch_output(lh2_http1 *connection);

/* ---- ends (http1_connection.c) */

/* The stream ends where it is; the connection has no part in it any more. */
void lh2_http1_lose_stream(lh2_http1 *connection);
/* The same where it is the client that has left. */
void lh2_http1_cancel_stream(lh2_http1 *connection);
/* All is said: FIN behind what was written, and the peer's is waited for. */
void lh2_http1_shut(lh2_http1 *connection);
/* Answers what could not be served, and ends. A response that has begun is cut off instead. */
void lh2_http1_refuse(lh2_http1 *connection, int status);

/* ---- between connection and stream */

/* Octets may be written, or the stream's end. */
void lh2_http1_flush(lh2_http1 *connection);
/* The stream reads, or does not: so does the connection. */
void lh2_http1_update_reading(lh2_http1 *connection);
/* Cuts the connection off. */
void lh2_http1_close(lh2_http1 *connection);
/* The exchange is over on the wire, in a tick: the connection goes on without the stream. [-0, +0, e] */
void lh2_http1_next(lua_State *L, lh2_http1 *connection, bool goes_on);

/* A stream for the request, anchored, on the stack. [-0, +1, m] */
lh2_http1_stream *lh2_http1_stream_new(lua_State *L, lh2_http1 *connection, const h1_event *head);
/* What one round of the loop writes leaves together. [-0, +0, m] */
void lh2_http1_schedule_flush(lua_State *L, lh2_http1_stream *stream);
/* Without a response so far: 200, and no more fields than the date (http1_carrier.c). [-0, +0, m] */
void lh2_http1_respond_implicitly(lua_State *L, lh2_http1_stream *stream, bool is_end);
/* Moves what the program wrote into the connection's `out`, and says when that was the last of it. */
int lh2_http1_stream_encode(lh2_http1_stream *stream);
/* `out` is with the transport: the response may be done. */
void lh2_http1_stream_drained(lh2_http1_stream *stream);
/* The request is complete. [-0, +0, e] */
void lh2_http1_stream_ended(lua_State *L, lh2_http1_stream *stream, const h1_event *end);
/* The connection is gone, or cannot go on: the stream ends where it is. [-0, +0, m] */
void lh2_http1_stream_lost(lua_State *L, lh2_http1_stream *stream);
/* The client has left; lh2_http1_lose_stream follows. [-0, +0, m] */
void lh2_http1_stream_cancelled(lua_State *L, lh2_http1_stream *stream);
static inline void lh2_http1_stream_note_activity(lh2_http1_stream *stream) {
    if (stream->timeout_ms > 0)
        stream->active_ms = net_loop_now(stream->duplex.object.runtime->loop);
}
/* The request's fields (head NULL: trailers) as two copies, both to be dropped: 0, or -1 when memory is
 * out (http1_fields.c). */
int lh2_http1_keep_fields(lh2_runtime *runtime, const h1_event *head, const h1_field *fields,
                          size_t count, lh2_kept_fields **request, lh2_kept_fields **raw);
/* setTimeout (http1_timeout.c). */
int lh2_http1_stream_set_timeout(lua_State *L);
void lh2_http1_stream_stop_timer(lh2_http1_stream *stream);

#endif
