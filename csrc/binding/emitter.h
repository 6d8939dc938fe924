/* The root class: listeners in order, and emitting from C. */
#ifndef BINDING_EMITTER_H
#define BINDING_EMITTER_H

#include "binding/call.h"

/* The events that C emits, at most 64: found by number, and one bit of lh2_object.listened says
 * whether anybody listens. Any other name works as well, by string. */
#define LH2_EVENT_MAP(X)                                                                           \
    X(DATA, "data")                                                                                \
    X(END, "end")                                                                                  \
    X(READABLE, "readable")                                                                        \
    X(PAUSE, "pause")                                                                              \
    X(RESUME, "resume")                                                                            \
    X(DRAIN, "drain")                                                                              \
    X(FINISH, "finish")                                                                            \
    X(PIPE, "pipe")                                                                                \
    X(UNPIPE, "unpipe")                                                                            \
    X(ERROR, "error")                                                                              \
    X(CLOSE, "close")                                                                              \
    X(READY, "ready")                                                                              \
    X(CONNECT, "connect")                                                                          \
    X(SECURE_CONNECT, "secureConnect")                                                             \
    X(LOOKUP, "lookup")                                                                            \
    X(TIMEOUT, "timeout")                                                                          \
    X(NEW_SESSION, "newSession")                                                                   \
    X(RESUME_SESSION, "resumeSession")                                                             \
    X(OCSP_REQUEST, "OCSPRequest")                                                                 \
    X(KEYLOG, "keylog")                                                                            \
    X(LISTENING, "listening")                                                                      \
    X(CONNECTION, "connection")                                                                    \
    X(SECURE_CONNECTION, "secureConnection")                                                       \
    X(TLS_CLIENT_ERROR, "tlsClientError")                                                          \
    X(CLIENT_ERROR, "clientError")                                                                 \
    X(UNKNOWN_PROTOCOL, "unknownProtocol")                                                         \
    X(SESSION, "session")                                                                          \
    X(SESSION_ERROR, "sessionError")                                                               \
    X(SOCKET_ERROR, "socketError")                                                                 \
    X(STREAM, "stream")                                                                            \
    X(REQUEST, "request")                                                                          \
    X(CHECK_CONTINUE, "checkContinue")                                                             \
    X(CHECK_EXPECTATION, "checkExpectation")                                                       \
    X(UPGRADE, "upgrade")                                                                          \
    X(HANDLER_ERROR, "handlerError")                                                               \
    X(DROP, "drop")                                                                                \
    X(ALTSVC, "altsvc")                                                                            \
    X(ORIGIN, "origin")                                                                            \
    X(PING, "ping")                                                                                \
    X(GOAWAY, "goaway")                                                                            \
    X(LOCAL_SETTINGS, "localSettings")                                                             \
    X(REMOTE_SETTINGS, "remoteSettings")                                                           \
    X(FRAME_ERROR, "frameError")                                                                   \
    X(ABORTED, "aborted")                                                                          \
    X(HEADERS, "headers")                                                                          \
    X(CONTINUE, "continue")                                                                        \
    X(RESPONSE, "response")                                                                        \
    X(PUSH, "push")                                                                                \
    X(TRAILERS, "trailers")                                                                        \
    X(WANT_TRAILERS, "wantTrailers")                                                               \
    X(STREAM_CLOSED, "streamClosed")                                                               \
    X(FETCH_TRAILERS, "fetchTrailers")                                                             \
    X(PRIORITY, "priority")                                                                        \
    X(NEW_LISTENER, "newListener")                                                                 \
    X(REMOVE_LISTENER, "removeListener")

typedef enum lh2_event {
#define LH2_EVENT_ENUM(name, text) LH2_EVENT_##name,
    LH2_EVENT_MAP(LH2_EVENT_ENUM)
#undef LH2_EVENT_ENUM
        LH2_EVENT_COUNT
} lh2_event;

/* A set of events is a bit for each. */
#define LH2_EVENT_BIT(name) ((uint64_t)1 << LH2_EVENT_##name)
#define LH2_EVERY_EVENT UINT64_MAX

extern const lh2_class lh2_emitter_class;

/* Whether anybody listens: to be asked before arguments are made. */
static inline bool lh2_has_listener(const lh2_object *object, lh2_event event) {
    return (object->listened | object->watched) >> event & 1;
}

/* Whether anybody may look at more than two arguments: rawHeaders need not be made otherwise. */
static inline bool lh2_wants_all(const lh2_object *object, lh2_event event) {
    return (object->all_wanted | object->watched) >> event & 1;
}

/* Calls the listeners of an anchored object with the `nargs` values on top, which are popped. An
 * error raised in one goes through to the protected call around. Returns whether there was one. The
 * object may be closed, the stack is the same, afterwards. [-nargs, +0, e] */
bool lh2_emit(lua_State *L, lh2_object *object, lh2_event event, int nargs);
/* The same, of the object at `index`, which need not be anchored: for use in the program's own calls,
 * which an error that is raised leaves as it goes. [-nargs, +0, e] */
bool lh2_emit_at(lua_State *L, int index, lh2_event event, int nargs);
/* Emits "error" with the error on top; without a listener it is raised. [-1, +0, e] */
void lh2_emit_error(lua_State *L, lh2_object *object);
/* Emits in a tick: without arguments. [-0, +0, m] */
void lh2_emit_later(lua_State *L, lh2_object *object, lh2_event event);

/* Adds the function on top as a listener of the object at `index`, which it pops. [-1, +0, m] */
void lh2_add_listener(lua_State *L, int index, lh2_event event, bool is_once);

/* Takes out the function on top, the one added last of those that are the same. [-1, +0, m] */
void lh2_remove_listener(lua_State *L, int index, lh2_event event);
/* As emitter:emit(name, ...), for classes that do something of their own on an event. */
int lh2_emitter_emit(lua_State *L);

/* A class may want to know when the first listener of one of some known events comes or the last one
 * goes: called after the change, with the object's index. */
typedef void (*lh2_listener_hook)(lua_State *L, int index, int event, bool is_added);
void lh2_set_listener_hook(lua_State *L, const lh2_class *class, uint64_t events,
                           lh2_listener_hook hook);

/* One object in C may watch another (there is one class that does): its hook is told of events, before
 * their listeners; the arguments, on top of the stack, stay there. What is watched counts as listened
 * to. */
typedef void (*lh2_watch_hook)(lua_State *L, lh2_object *watcher, int event, int nargs);
void lh2_set_watch_hook(lua_State *L, lh2_watch_hook hook);
/* Adds the event to what `object` is watched for, or takes it away. The watcher lives as long as it
 * watches. */
void lh2_watch(lh2_object *object, lh2_object *watcher, lh2_event event, bool is_on);
/* Nothing is watched any more. */
void lh2_unwatch(lh2_object *object);

/* Whether `function` is the one listener of the event. [-0, +0, -] */
bool lh2_is_only_listener(lua_State *L, lh2_object *object, lh2_event event,
                          lua_CFunction function);

#endif
