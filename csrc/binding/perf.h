/* Performance entries of streams and sessions. Nothing is measured, and nothing kept, of those that
 * begin while nobody observes. */
#ifndef BINDING_PERF_H
#define BINDING_PERF_H

#include "binding/emitter.h"

struct lh2_session;
struct lh2_stream;

/* Of a session and of a stream, made if somebody observes when it begins. */
typedef struct lh2_session_marks lh2_session_marks;
typedef struct lh2_stream_marks lh2_stream_marks;

/* Marks for a new session, or NULL if nobody observes; and the engine's counters in them. */
lh2_session_marks *lh2_perf_session_marks(const lh2_runtime *runtime);
h2_counters *lh2_perf_session_counters(lh2_session_marks *marks);
void lh2_perf_session_pinged(struct lh2_session *session, double duration_ms);

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

/* The session has ended: its entry follows. [-0, +0, m] */
void lh2_perf_session_ended(lua_State *L, struct lh2_session *session);
/* Frees its marks, once its engine is gone. */
void lh2_perf_session_dispose(struct lh2_session *session);

/* Adds observe([fn]) and now() to the table on top. [-0, +0, m] */
void lh2_perf_open(lua_State *L);

#endif
