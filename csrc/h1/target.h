/* The request target (RFC 9112 §3.2): its four forms, and what it has to do with Host. */
#ifndef H1_TARGET_H
#define H1_TARGET_H

#include "h1/h1.h"

typedef struct h1_target {
    bytes_slice scheme, authority; /* empty unless the target names them */
    bytes_slice path;              /* "/" for an absolute form without one */
} h1_target;

/* Takes the target of a request with this method apart. False for what is none. */
bool h1_target_parse(bytes_slice text, bytes_slice method, h1_target *target);
/* Whether it is a host, or host and port, without user information; may be empty. */
bool h1_is_authority(bytes_slice text);

#endif
