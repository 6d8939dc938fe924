/* Http2Session: what both roles share. A session owns its engine, and the socket it was given; it is
 * anchored from its making until its "close" was emitted. */
#ifndef BINDING_CLASSES_SESSION_H
#define BINDING_CLASSES_SESSION_H

#include "base/list.h"
#include "binding/callbacks.h"
#include "binding/config.h"
#include "binding/emitter.h"
#include "binding/perf.h"

struct lh2_server;
struct lh2_stream;

typedef struct lh2_session {
    lh2_object object;
    h2_role role;
    h2_session *engine;  /* the wire's, once there is one */
    net_wire *wire;      /* NULL until connected, and after the end */
    net_socket *socket;  /* NULL before connecting, and once closed */
    net_timer *timer;    /* the one for all that waits for time to pass (session_clock.c) */
    uint64_t timer_ms;   /* when it fires; H2_NEVER: it does not run */
    uint64_t connect_ms; /* when it is to be connected; or H2_NEVER */
    uint64_t
        linger_ms; /* when the wait for the peer's end is over, once all is said; or H2_NEVER */
    uint64_t timeout_ms;                      /* of setTimeout; 0: none */
    uint64_t active_ms;                       /* the last octet, either way */
    uint64_t unused_ms;                       /* the last stream's end, if there is none */
    uint64_t moved_ms;                        /* when it was seen that the peer takes octets, */
    uint64_t moved_octets;                    /* and so many then; moved_ms 0: none wait */
    uint32_t keep_alive_ms, write_timeout_ms; /* 0: none */
    uint32_t max_turn_octets;                 /* read in one turn of the loop */
    struct lh2_server *server;                /* of a server's session, while both live */
    list_node link;                           /* among the server's sessions */
    size_t weight;                            /* what it adds to the server's memory */
    list_node streams;                        /* those not closed, by lh2_stream.link */
    size_t stream_count;
    lh2_callbacks pings, settings;
    lh2_session_marks *marks;             /* for performance entries; NULL: nobody observed */
    uint32_t goaway_code, goaway_last_id; /* of the last GOAWAY received */
    bool has_goaway;
    size_t drained;  /* octets received after the session's end */
    size_t unsent;   /* octets that the peer had not taken when it was last asked */
    uint32_t stalls; /* how often it was in vain */
    uint32_t code;   /* that streams end with when the session is destroyed */
    uint8_t reserved_ticks;
    bool is_connecting;
    bool has_initial_ack; /* the first SETTINGS were acknowledged */
    bool is_encrypted;
    bool has_connected;
    bool is_closed; /* no new streams: close(), or a GOAWAY */
    bool is_destroyed;
    bool is_ended;          /* "close" is due or was emitted */
    bool is_complete;       /* it ended in order: all was said, and no stream was left */
    bool is_output_done;    /* the engine's last octet is with the socket */
    bool has_peer_ended;    /* FIN */
    bool has_timed_out;     /* "timeout" was emitted, and nothing has moved since */
    bool has_signal;        /* listens to an AbortSignal */
    bool is_server_timeout; /* ... and concerns the server (server.timeout) */
} lh2_session;

extern const lh2_class lh2_session_class;
extern const lh2_class lh2_client_session_class;
extern const lh2_class lh2_server_session_class;

/* A session (a struct of `size` octets that begins with one) with an engine that is not on a wire
 * yet. The caller anchors it once nothing can fail any more; until then it is ordinary garbage.
 * [-0, +1, e] */
lh2_session *lh2_session_new(lua_State *L, const lh2_class *class, size_t size,
                             const lh2_config *config);
/* The socket, which is connected, is the session's from now on, and the engine's output flows.
 * [-0, +0, e] */
void lh2_session_attach(lua_State *L, lh2_session *session, net_socket *socket);
/* Time (session_clock.c). Something may be due sooner than it was: the timer is looked after. */
void lh2_session_rearm(lh2_session *session);
/* The session is on the wire: what the configuration says on time holds from now on. */
void lh2_session_start_clock(lh2_session *session);
/* "timeout" after so long without activity; 0: none. [-0, +0, m] */
void lh2_session_set_timeout(lua_State *L, lh2_session *session, uint64_t timeout_ms);
/* The last of its streams has closed. */
void lh2_session_note_unused(lh2_session *session);
/* Some octets are on their way to the peer: is it taking them? */
void lh2_session_watch_output(lh2_session *session);

/* Output or events may be due: to be called after every submit. */
void lh2_session_touch(lh2_session *session);

/* Graceful end: no new streams, "close" when the open ones are done. [-0, +0, m] */
void lh2_session_close(lua_State *L, lh2_session *session);
/* A session that is closed and has no stream is over: nothing can come of it any more. [-0, +0, m] */
void lh2_session_finish(lua_State *L, lh2_session *session);
/* Ends the session and its streams with the error or nil on top and an RFC 9113 code. [-1, +0, m] */
void lh2_session_destroy(lua_State *L, lh2_session *session, uint32_t code);
/* The socket has closed, in whatever state: the session ends now. For net_socket_events. */
void lh2_session_socket_closed(lh2_session *session);
/* For __gc: detaches from the loop and frees; emits nothing. Streams may be finalized already. */
void lh2_session_dispose(lua_State *L, lh2_session *session);
/* A stream of the session has closed: the session may have waited for that. [-0, +0, m] */
void lh2_session_stream_closed(lua_State *L, lh2_session *session);
/* Raises ERR_HTTP2_INVALID_SESSION for a destroyed one. [-0, +0, v] */
lh2_session *lh2_session_check_alive(lua_State *L, int index);

/* The server's part in a session's end (server.c): the error on top becomes its "sessionError"; it
 * may have waited for the session to end. [-1, +0, e], [-0, +0, m] */
void lh2_server_session_error(lua_State *L, lh2_session *session);
void lh2_server_session_ended(lua_State *L, lh2_session *session);

/* Octets have come or gone. */
static inline void lh2_session_note_activity(lh2_session *session) {
    session->active_ms = net_loop_now(session->object.runtime->loop);
    if (session->has_timed_out) {
        session->has_timed_out = false;
        lh2_session_rearm(session);
    }
}

/* The engine's event and those behind it: calls what is due in Lua (deliver.c). For net_wire_events. */
void lh2_deliver(net_wire *wire, h2_event *event);

/* Register the two heirs; the client's adds http2.connect to the table on top. [-0, +0, m] */
void lh2_client_session_open(lua_State *L);
void lh2_server_session_open(lua_State *L);

#endif
