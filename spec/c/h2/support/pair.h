/* A client's and a server's session joined in memory: each request is answered, bodies flow in either
 * direction, and every octet is checked against its place. Made so that any call may fail for want of
 * memory: then the run stops and says so. */
#ifndef SPEC_H2_PAIR_H
#define SPEC_H2_PAIR_H

#include "h2/h2.h"

#include <stdlib.h>

typedef struct pair_options {
    uint32_t window;  /* initial, of both */
    uint32_t streams; /* at once, all from the beginning */
    size_t upload;    /* octets of each request's body */
    size_t download;  /* of each answer's */
    size_t piece;     /* octets of a chunk */
    bool is_read;     /* bodies come from chunks that are read, not from memory */
    bool has_trailers;
    bool has_pushes; /* the first answer promises another */
    size_t split;    /* the wire's pieces; 0: as they come */
    h2_padding padding;
} pair_options;

typedef struct pair_result {
    int status;        /* H2_OK, H2_NOMEM, or H2_MISUSE for anything unexpected */
    const char *wrong; /* of H2_MISUSE */
    size_t requests;   /* complete on the server */
    size_t answers;    /* complete on the client */
    size_t rounds;     /* of the wire, both ways */
    size_t chunks;     /* made and released */
    size_t released;
} pair_result;

pair_result pair_run(const pair_options *options);

#endif
