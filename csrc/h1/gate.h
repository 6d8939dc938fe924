/* The strict look at everything that is no body: the lines of heads, chunks and trailers, octet for
 * octet. Finds what lenient parsers pass over. */
#ifndef H1_GATE_H
#define H1_GATE_H

#include "h1/h1.h"

typedef enum h1_gate_place {
    H1_GATE_START,   /* before the request line */
    H1_GATE_REQUEST, /* in it */
    H1_GATE_FIELDS,  /* of head or trailers */
    H1_GATE_OVER,    /* the empty line has been: nothing but a body can follow */
    H1_GATE_SIZE,    /* a chunk's size */
    H1_GATE_EXTENSION,
    H1_GATE_DATA /* a chunk's data, or the line's end behind them */
} h1_gate_place;

typedef struct h1_gate {
    h1_gate_place place;
    bool is_after_cr;
    bool is_line_start;
    bool is_last_chunk;              /* its size is nothing but zeros */
    uint32_t spaces, version_octets; /* of the request line */
    size_t line_octets;
    size_t octets; /* since the head, or the trailers, began */
} h1_gate;

/* Before a request. */
void h1_gate_reset(h1_gate *gate);
/* Before the first chunk of a body. */
void h1_gate_begin_chunks(h1_gate *gate);
/* Looks at octets that are no body. Returns NULL, or what is wrong with them; *status is 400 or 431. */
const char *h1_gate_pass(h1_gate *gate, const h1_limits *limits, bytes_slice octets, int *status);

#endif
