/* What differs between a client and a server, and nothing else: whose identifiers are whose, and which
 * frames come from which side (RFC 9113 §5.1.1, §8.4; RFC 7838 §4; RFC 8336 §2; RFC 9218 §7). */
#ifndef H2_ROLE_H
#define H2_ROLE_H

#include "h2/frame.h"

static inline bool h2_role_owns_id(h2_role role, uint32_t stream_id) {
    return stream_id % 2 == (role == H2_CLIENT ? 1 : 0);
}

static inline uint32_t h2_role_first_id(h2_role role) {
    return role == H2_CLIENT ? 1 : 2;
}

/* HEADERS from the peer open a stream only at a server; a client's peer promises its streams. */
static inline bool h2_role_takes_requests(h2_role role) {
    return role == H2_SERVER;
}

typedef enum h2_reception {
    H2_TAKEN,
    H2_IGNORED,  /* as if the type were unknown */
    H2_FORBIDDEN /* PROTOCOL_ERROR on the connection */
} h2_reception;

static inline h2_reception h2_role_reception(h2_role role, uint8_t frame_type) {
    switch (frame_type) {
    case H2_FRAME_PUSH_PROMISE:
        return role == H2_CLIENT ? H2_TAKEN : H2_FORBIDDEN;
    case H2_FRAME_PRIORITY_UPDATE:
        return role == H2_SERVER ? H2_TAKEN : H2_FORBIDDEN;
    case H2_FRAME_ALTSVC:
    case H2_FRAME_ORIGIN:
        return role == H2_CLIENT ? H2_TAKEN : H2_IGNORED;
    default:
        return H2_TAKEN;
    }
}

#endif
