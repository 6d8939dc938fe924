/* Performance entries of streams and sessions. What costs a look at the clock is measured only while
 * somebody observes; what is counted anyway is the engine's. */
#ifndef BINDING_PERF_H
#define BINDING_PERF_H

#include "binding/emitter.h"

struct lh2_session;
struct lh2_stream;

/* Of a session, part of it. */
typedef struct lh2_session_marks {
    uint64_t start_ns;
    uint64_t stream_count;
    uint64_t ended_count;       /* streams among them that were measured to their end */
    double ended_ms;            /* their durations together */
    double ping_ms;             /* round trip of the last ping; 0: none */
    h2_session_figures figures; /* the last there were; all zero while the engine lives */
} lh2_session_marks;

/* Of a stream, made while somebody observes. */
typedef struct lh2_stream_marks lh2_stream_marks;

/* A stream began: measured from here on if somebody observes. */
void lh2_perf_stream_began(struct lh2_stream *stream);
/* Header fields, or octets of its body, came. */
void lh2_perf_stream_headers(struct lh2_stream *stream);
void lh2_perf_stream_data(struct lh2_stream *stream);
/* Octets of its body are about to be given to the engine. */
void lh2_perf_stream_sends(struct lh2_stream *stream);
/* The engine has told how much there was. */
void lh2_perf_stream_closed(struct lh2_stream *stream, const h2_event *event);
/* The stream is being destroyed: its entry follows. [-0, +0, m] */
void lh2_perf_stream_ended(lua_State *L, struct lh2_stream *stream);
/* Frees its marks; for __gc. */
void lh2_perf_stream_dispose(struct lh2_stream *stream);

/* The session's engine is about to go. */
void lh2_perf_session_closing(struct lh2_session *session);
/* The session has ended: its entry follows. [-0, +0, m] */
void lh2_perf_session_ended(lua_State *L, struct lh2_session *session);

/* Adds observe([fn]) and now() to the table on top. [-0, +0, m] */
void lh2_perf_open(lua_State *L);

#endif
