/* Http2Stream: what both roles share. A stream is anchored from its making until it is closed; its
 * engine's context is the pointer to it for as long. */
#ifndef BINDING_CLASSES_STREAM_H
#define BINDING_CLASSES_STREAM_H

#include "binding/classes/session.h"
#include "binding/duplex.h"
#include "binding/headers.h"

typedef struct lh2_stream {
    lh2_duplex duplex;
    lh2_session *session; /* NULL once destroyed */
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
    bool is_resetting; /* close() was called: RST_STREAM when the writes are through */
} lh2_stream;

extern const lh2_class lh2_stream_class;
extern const lh2_class lh2_client_stream_class;
extern const lh2_class lh2_server_stream_class;

/* A stream of the session, anchored and in its list; id 0: pending. [-0, +1, m] */
lh2_stream *lh2_stream_new(lua_State *L, const lh2_class *class, lh2_session *session, uint32_t id,
                           bool is_readable, bool is_writable);

/* What the engine tells of a stream (deliver.c); they emit. [-0, +0, e] */
void lh2_stream_ended(lua_State *L, lh2_stream *stream);
void lh2_stream_closed(lua_State *L, lh2_stream *stream, const h2_event *event);
/* The session ends, with the error or nil on top and session->code. [-1, +0, m] */
void lh2_stream_session_gone(lua_State *L, lh2_stream *stream);

/* Its handler failed, which has been told: INTERNAL_ERROR to the peer, no "error" here. [-0, +0, m] */
void lh2_stream_fail(lua_State *L, lh2_stream *stream);
/* close(code) by the program or for it. */
void lh2_stream_close(lh2_stream *stream, uint32_t code);
/* The headers just sent carry END_STREAM: nothing can be written, "finish" follows. [-0, +0, m] */
void lh2_stream_end_writing(lua_State *L, lh2_stream *stream);
/* A header block was too large to be sent: "frameError", the stream ends with `code` and the session
 * gracefully, as Node does it. Returns 0. [-0, +0, m] */
int lh2_stream_frame_error(lua_State *L, lh2_stream *stream, uint32_t code);
/* Raises ERR_HTTP2_INVALID_STREAM unless alive. [-0, +0, v] */
lh2_stream *lh2_stream_check_alive(lua_State *L, int index);
/* Keeps the header table at `index` as sentHeaders ("headers"), sentInfoHeaders, sentTrailers. */
extern const char lh2_sent_headers_key, lh2_sent_info_headers_key, lh2_sent_trailers_key;

/* The code of an engine call's failure as Node's error, raised. `result` is not H2_OK. [-0, +0, v] */
int lh2_stream_raise(lua_State *L, int result);

/* stream->request is not needed any more. */
void lh2_stream_forget_request(lh2_stream *stream);
/* Client: a request that waited goes to the engine now that the session is connected; ready. [-0, +0, m] */
void lh2_client_stream_submit(lua_State *L, lh2_stream *stream);
/* Client: the request is with the engine: "ready" follows, and what was written is sent. [-0, +0, m] */
void lh2_client_stream_ready(lua_State *L, lh2_stream *stream);
/* Server: a request came; emits "stream". [-0, +0, e] */
void lh2_server_stream_request(lua_State *L, lh2_session *session, const h2_event *event);
/* Server: the stream is about to leave its session; remembers who hears of errors still to come.
 * [-0, +0, m] */
void lh2_server_stream_left(lua_State *L, lh2_stream *stream);
/* Server: the final response with default headers if none was sent. [-0, +0, m] */
void lh2_server_stream_respond_implicitly(lua_State *L, lh2_stream *stream, bool is_end);

#endif
