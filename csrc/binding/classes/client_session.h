/* ClientHttp2Session: requests (client_session.c), whom to talk to (authority.c), and how it comes to
 * be connected (connect.c). */
#ifndef BINDING_CLASSES_CLIENT_SESSION_H
#define BINDING_CLASSES_CLIENT_SESSION_H

#include "binding/classes/session.h"
#include "binding/url.h"

typedef struct lh2_client_session {
    lh2_session session;
    bool is_secure;                    /* the scheme is https */
    bool has_identity_check;           /* options.checkServerIdentity */
    char authority[LH2_HOST_SIZE + 8]; /* host:port as requests carry it */
    size_t authority_size;
    char host[LH2_HOST_SIZE]; /* the name that the server's certificate is to have */
    int port;
} lh2_client_session;

/* The authority at `index`: a URL, or a table with `origin`, or with protocol, hostname or host, and
 * port. [-0, +0, v] */
void lh2_read_authority(lua_State *L, int index, lh2_url *url);
/* Scheme and port in full; only http and https are spoken, unless the program connects by itself.
 * [-0, +0, v] */
void lh2_complete_authority(lua_State *L, int options, bool is_carried, lh2_url *url);
/* host:port for :authority; the option servername takes the place of the host under TLS. */
void lh2_client_session_set_authority(lh2_client_session *client, const lh2_url *url,
                                      const char *servername);

/* Adds http2.connect to the table on top. [-0, +0, m] */
void lh2_connect_open(lua_State *L);

#endif
