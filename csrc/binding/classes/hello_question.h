/* One connection's question to the program, for hello.c and hello_events.c alone: it is put in stages,
 * each of which may take its time. */
#ifndef BINDING_CLASSES_HELLO_QUESTION_H
#define BINDING_CLASSES_HELLO_QUESTION_H

#include "binding/classes/hello.h"

enum { LH2_ALERT_INTERNAL_ERROR = 80, LH2_ALERT_NO_APPLICATION_PROTOCOL = 120 };

/* Anchored until its handshake is over. */
typedef struct lh2_hello {
    lh2_object object;
    lh2_server *server;
    net_socket *socket;      /* NULL once the handshake is over */
    net_tls_context *chosen; /* by SNICallback; NULL: by the host */
    uint8_t stage;           /* the one that comes next */
    bool wants_status;
    bool is_at_once; /* the program is in its callbacks: an answer needs not be told */
    bool is_told;    /* the session that was made is being stored */
} lh2_hello;

/* Private fields of a question: the host name and the session's identifier, if the client sent them. */
extern const char lh2_hello_name_key, lh2_hello_session_key;

/* Whether an answer is awaited. */
bool lh2_hello_is_open(const lh2_hello *hello);
/* The question at `index` goes on to the next stage, or is answered; nothing happens if it is not open.
 * [-0, +0, e] */
void lh2_hello_go_on(lua_State *L, int index);
/* The answer is no, for the reason on top (or nil). [-1, +0, m] */
void lh2_hello_refuse(lua_State *L, int index, uint8_t alert);

/* Pushes callback(err, ...) for the stage that the question at `index` is at. [-0, +1, m] */
void lh2_hello_push_callback(lua_State *L, int index, lua_CFunction callback);
/* In such a callback: pushes the question, and gives it unless it is past that stage or err is not nil,
 * with which it is refused. [-0, +1, m] */
lh2_hello *lh2_hello_answered(lua_State *L);

/* Stages (hello_events.c): each asks somebody, or gives false where there is nothing to ask.
 * [-0, +0, e] */
bool lh2_hello_ask_session(lua_State *L, int index);
bool lh2_hello_ask_status(lua_State *L, int index);

#endif
