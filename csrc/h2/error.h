/* What the peer did wrong: the code for the wire, how far it reaches, and words for people
 * (RFC 9113 §5.4, §7). */
#ifndef H2_ERROR_H
#define H2_ERROR_H

#include "h2/h2.h"

typedef enum h2_scope {
    H2_SCOPE_STREAM, /* RST_STREAM, the session goes on (§5.4.2) */
    H2_SCOPE_SESSION /* GOAWAY, the session is over (§5.4.1) */
} h2_scope;

typedef struct h2_fault {
    uint32_t code;
    h2_scope scope;
    uint32_t stream_id; /* of H2_SCOPE_STREAM */
    const char *text;   /* a string literal */
} h2_fault;

/* Both fill the fault and return H2_FAULT, so that a check is one `return`. */
int h2_fault_session(h2_fault *fault, h2_error_code code, const char *text);
int h2_fault_stream(h2_fault *fault, uint32_t stream_id, h2_error_code code, const char *text);

#endif
