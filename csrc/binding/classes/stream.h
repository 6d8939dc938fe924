/* Http2Stream: what both roles share. A stream is anchored from its making until it leaves its session,
 * which it does when it is destroyed or, complete but not read yet, when the session is; its engine's
 * context is the pointer to it for as long. */
#ifndef BINDING_CLASSES_STREAM_H
#define BINDING_CLASSES_STREAM_H

#include <time.h>

#include "binding/classes/session.h"
#include "binding/duplex.h"
#include "binding/headers.h"
#include "binding/kept_fields.h"

typedef struct lh2_stream {
    lh2_duplex duplex;
    lh2_session *session; /* NULL once the stream has left it */
    list_node link;       /* among the session's streams */
    uint32_t id;          /* 0: not submitted yet */
    uint32_t rst_code;
    lh2_kept_fields *request; /* fields that wait: for the session to connect, or to be told */
    uint8_t flags;            /* of the HEADERS that opened it (servers) */
    bool is_request_end;      /* their HEADERS carry END_STREAM */
    bool has_rst_code;        /* the first code given stays */
    bool is_closed;           /* Node's `closed` */
    bool is_engine_done;      /* the engine knows the stream no more */
    bool is_aborted;
    bool is_remote_ended; /* END_STREAM came */
    bool ends_after_headers;
    bool is_head; /* a request with :method HEAD */
    bool is_push;
    bool has_sent_headers; /* of the final response */
    bool waits_for_trailers;
    bool wants_trailers; /* "wantTrailers" was emitted: sendTrailers is due */
    bool has_sent_trailers;
    bool is_resetting;         /* close() was called: RST_STREAM when the writes are through */
    bool has_priority;         /* `priority` waits for the identifier */
    bool has_signal;           /* listens to an AbortSignal */
    bool has_get_trailers;     /* legacy: the option getTrailers */
    bool is_sent_headers_full; /* the table kept for sentHeaders has the defaults too */
    h2_priority priority;
    uint16_t sent_status; /* of the final response; 0: none was sent */
    time_t sent_date;     /* of the date that was added to it; 0: none */
    net_timer *timer;     /* of setTimeout; NULL: none */
    uint64_t timeout_ms, active_ms;
    uint64_t octets_seen;    /* by the timer: sent so far */
    lh2_stream_marks *marks; /* for performance entries; NULL: nobody observes */
} lh2_stream;

/* A chain of classes for one struct: duplex <- stream_headers <- stream_legacy <- stream. */
extern const lh2_class lh2_stream_headers_class, lh2_stream_legacy_class;
/* What the slots of a stream hold: the headers it sent, for sentHeaders; a client's session. */
enum { LH2_STREAM_SLOT_HEADERS = 1, LH2_STREAM_SLOT_SESSION };
extern const lh2_class lh2_stream_class;
extern const lh2_class lh2_client_stream_class;
extern const lh2_class lh2_server_stream_class;

/* A stream of the session, anchored and in its list; id 0: pending. `has_body`: what it receives may
 * have octets. [-0, +1, m] */
lh2_stream *lh2_stream_new(lua_State *L, const lh2_class *class, lh2_session *session, uint32_t id,
                           bool has_body, bool is_writable);
extern const lh2_duplex_ops lh2_stream_ops; /* stream_operations.c */

/* Raises ERR_HTTP2_INVALID_STREAM unless alive. [-0, +0, v] */
lh2_stream *lh2_stream_check_alive(lua_State *L, int index);
/* The code of an engine call's failure as Node's error, raised. `result` is not H2_OK. [-0, +0, v] */
int lh2_stream_raise(lua_State *L, int result);

/* Frees what a stream has of its own but what it has received; its session goes, or it is collected. */
void lh2_stream_dispose(lh2_stream *stream);
/* stream->request is not needed any more. */
void lh2_stream_forget_request(lh2_stream *stream);
/* Client: a request that the engine does not take, for its result: the stream ends with an error of its
 * own. [-0, +0, m] */
void lh2_client_stream_fail(lua_State *L, lh2_stream *stream, int result);
/* Client: a request that waited goes to the engine now that the session is connected; ready. [-0, +0, m] */
void lh2_client_stream_submit(lua_State *L, lh2_stream *stream);
/* Client: the request is with the engine: "ready" follows, and what was written is sent. [-0, +0, m] */
void lh2_client_stream_ready(lua_State *L, lh2_stream *stream);
/* Client: keeps the response's {headers, flags, rawHeaders}, on top, for takeResponse. [-3, +0, m] */
void lh2_client_stream_keep_response(lua_State *L, lh2_stream *stream);
/* Adds keepResponses and takeResponse to the table on top. [-0, +0, m] */
void lh2_client_stream_functions(lua_State *L);
/* Server: a request came; emits "stream". [-0, +0, e] */
void lh2_server_stream_request(lua_State *L, lh2_session *session, const h2_event *event);
/* Server: the stream on top has left its session; remembers who hears of errors still to come.
 * [-0, +0, m] */
void lh2_server_stream_left(lua_State *L, lh2_stream *stream, const lh2_session *session);
/* Server: the final response with default headers if none was sent. [-0, +0, m] */
void lh2_server_stream_respond_implicitly(lua_State *L, lh2_stream *stream, bool is_end);

/* ---- how a stream ends (stream_end.c) */

/* What the engine tells of a stream (deliver.c); they emit. [-0, +0, e] */
void lh2_stream_ended(lua_State *L, lh2_stream *stream);
void lh2_stream_closed(lua_State *L, lh2_stream *stream, const h2_event *event);
/* The session ends, with the error or nil on top and session->code. [-1, +0, m] */
void lh2_stream_session_gone(lua_State *L, lh2_stream *stream);
/* The session ends, and memory is out to tell the stream of it. [-0, +0, -] */
void lh2_stream_abandon(lua_State *L, lh2_stream *stream);

/* close(code) by the program or for it. */
void lh2_stream_close(lh2_stream *stream, uint32_t code);
/* Its handler failed, which has been told: INTERNAL_ERROR to the peer, no "error" here. [-0, +0, m] */
void lh2_stream_fail(lua_State *L, lh2_stream *stream);
/* A header block was too large to be sent: "frameError", the stream ends with `code` and the session
 * gracefully, as Node does it. Returns 0. [-0, +0, m] */
int lh2_stream_frame_error(lua_State *L, lh2_stream *stream, uint32_t code);
/* The duplex's `destroy`, the error or nil on top. [-0, +0, m] */
void lh2_stream_destroy(lua_State *L, lh2_duplex *duplex);
/* "aborted": the writing side was open when the stream ended (RFC 9113 knows no such thing; Node).
 * [-0, +0, m] */
void lh2_stream_note_abort(lua_State *L, lh2_stream *stream);
/* The headers just sent carry END_STREAM: nothing can be written, "finish" follows. [-0, +0, m] */
void lh2_stream_end_writing(lua_State *L, lh2_stream *stream);
/* A server has answered in full: the peer need not send on what nobody reads. [-0, +0, m] */
void lh2_stream_refuse_unread_body(lua_State *L, lh2_stream *stream);

/* ---- sentHeaders and its kin (stream_headers.c): `object` and `headers` are indices */

/* The response that was just submitted with these headers (or nil), a status and perhaps a date.
 * [-0, +0, m] */
void lh2_stream_note_response(lua_State *L, int object, int headers, int status, bool has_date);
/* Headers, a table of ours, that have all that is sent. [-0, +0, m] */
void lh2_stream_note_full_headers(lua_State *L, int object, int headers);
/* The request that the session at index `session` sends. [-0, +0, m] */
void lh2_stream_note_request(lua_State *L, int object, int headers, int session);
void lh2_stream_note_info_headers(lua_State *L, int object, int headers);
void lh2_stream_note_trailers(lua_State *L, int object, int headers);
/* Pushes what was noted last. [-0, +1, -] */
void lh2_stream_push_sent_headers(lua_State *L, int object);
/* Adds to the map at `headers` what the client's session sends by default. [-0, +0, m] */
void lh2_client_session_complete_headers(lua_State *L, const lh2_session *session, int headers);

/* ---- setTimeout (stream_timeout.c) */

int lh2_stream_set_timeout(lua_State *L);
void lh2_stream_stop_timer(lh2_stream *stream);
/* Something of the stream has moved. */
static inline void lh2_stream_note_activity(lh2_stream *stream) {
    if (stream->timeout_ms > 0)
        stream->active_ms = net_loop_now(stream->duplex.object.runtime->loop);
}

/* ---- priorities (stream_priority.c) */

int lh2_stream_set_priority(lua_State *L);
/* Tells the engine what waited for the stream's identifier. */
void lh2_stream_apply_priority(lh2_stream *stream);
/* Checks the options exclusive, parent, weight and silent. [-0, +0, v] */
void lh2_check_dependency(lua_State *L, int options);

/* ---- AbortSignal (abort_signal.c) */

/* Pushes the option `signal` if there is one; raises for what is no AbortSignal. [-0, +0|1, v] */
bool lh2_check_signal(lua_State *L, int options);
/* Has the stream at `object` end with the signal; false if that is aborted already. [-0, +0, e] */
bool lh2_stream_watch(lua_State *L, int object, int signal);
void lh2_stream_unwatch(lua_State *L, lh2_stream *stream);
/* The same for the session at `object`, which is anchored; called off when it has closed. [-0, +0, e] */
void lh2_session_watch(lua_State *L, int object, int signal);
void lh2_session_unwatch(lua_State *L, lh2_session *session);

/* ---- legacy (stream_legacy.c) */

/* Whether there is an option getTrailers; and its keeping. [-0, +0, v] */
bool lh2_check_get_trailers(lua_State *L, int options);
void lh2_stream_note_get_trailers(lua_State *L, int object, int options);
/* Sends the trailers that the option's function gives; false if there is none. [-0, +0, e] */
bool lh2_stream_fetch_trailers(lua_State *L, lh2_stream *stream);
/* A tick: "streamClosed" with the code. */
void lh2_stream_tell_closed(lua_State *L, lh2_object *object, intptr_t code);

/* Server: the :status that was given, 200 without one; raises for what is not from 200 to 599.
 * [-0, +0, v] */
int lh2_server_stream_status(lua_State *L, const lh2_fields *fields);
/* Server: whether responses of that status never have a body (RFC 9110 §6.4.1, §15.3.6). */
bool lh2_is_bodyless(int status);
/* Server: submits the final response, with a date if that is wanted and not given. What the program
 * sees of it is the caller's. The engine's result. [-0, +0, m] */
int lh2_server_stream_submit(lua_State *L, lh2_stream *stream, lh2_fields *fields, int status,
                             bool has_date, bool is_end);
/* respondWithFile and respondWithFD (file_response.c). */
int lh2_respond_with_file(lua_State *L);
int lh2_respond_with_fd(lua_State *L);

#endif
