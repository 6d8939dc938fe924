/* Members of Http2Session that have a file of their own; session.c has the rest and the class. */
#ifndef BINDING_CLASSES_SESSION_MEMBERS_H
#define BINDING_CLASSES_SESSION_MEMBERS_H

#include "binding/classes/session.h"

/* session_settings.c */
int lh2_session_submit_settings(lua_State *L);
int lh2_session_get_local_settings(lua_State *L);
int lh2_session_get_remote_settings(lua_State *L);
int lh2_session_get_pending_settings_ack(lua_State *L);
/* The engine's events (deliver.c). [-0, +0, e] */
void lh2_session_settings_received(lua_State *L, lh2_session *session);
void lh2_session_settings_acknowledged(lua_State *L, lh2_session *session);

/* origin.c */
int lh2_session_get_origin_set(lua_State *L);
int lh2_session_altsvc(lua_State *L);
int lh2_session_origin(lua_State *L);
/* The peer's ORIGIN frame: kept, and told. [-0, +0, e] */
void lh2_session_origins_received(lua_State *L, lh2_session *session, const bytes_slice *origins,
                                  size_t count);
/* Client: whether the request that a server promises is for an origin that it answers for (RFC 9113
 * §8.4): the session's, that of the request the promise belongs to, or one of the origin set.
 * [-0, +0, e] */
bool lh2_session_answers_for(lua_State *L, lh2_session *session, const h2_event *event);
/* The response to the request of a client's stream has status 421: the session is not for its origin.
 * [-0, +0, e] */
void lh2_session_misdirected(lua_State *L, lh2_session *session, lh2_object *stream);
/* Replaces the sequence of URLs at the top by their origins; raises as origin() does. [-1, +1, v] */
void lh2_read_origins(lua_State *L);
/* Sends the origins in the sequence on top, which lh2_read_origins has made. [-1, +0, m] */
void lh2_session_send_origins(lua_State *L, lh2_session *session);

/* session_legacy.c */
int lh2_session_shutdown(lua_State *L);
int lh2_session_rst_stream(lua_State *L);
int lh2_session_priority(lua_State *L);
/* A PRIORITY frame of the peer's (H2_EV_PRIORITY). [-0, +0, e] */
void lh2_session_priority_received(lua_State *L, lh2_session *session, const h2_event *event);

#endif
