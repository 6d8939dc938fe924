/* A long path in simulated time: at its far end a peer that has endless uploads to send and keeps to
 * its windows, at the near end the session under test and a program that reads at some pace. */
#ifndef SPEC_H2_PATH_H
#define SPEC_H2_PATH_H

#include "h2/support/peer.h"

#define PATH_STREAMS 4
#define PATH_ITEMS 65536 /* on the way at once, in one direction */
#define PATH_AT_ONCE SIZE_MAX

/* DATA, WINDOW_UPDATE, PING or its answer on its way. */
typedef struct path_item {
    uint64_t arrives_ms;
    uint8_t type;
    uint32_t stream_id;
    uint32_t octets;
} path_item;

typedef struct path_queue {
    path_item items[PATH_ITEMS];
    size_t first, count;
} path_queue;

typedef struct path_upload {
    int64_t window;
    size_t sent;
} path_upload;

typedef struct path {
    peer *peer;
    uint32_t way_ms;        /* one way */
    size_t octets_per_ms;   /* that the path carries */
    size_t read_per_ms;     /* of each stream by the program */
    uint32_t read_every_ms; /* the program reads now and then only; 0: all the time */
    bool is_mute;           /* the peer does not answer PING */
    size_t streams;         /* uploads: on stream 1, 3, 5 ... */
    path_upload uploads[PATH_STREAMS];
    int64_t window; /* of the session, as the peer knows it */
    size_t pings;   /* that the session has sent */
    path_queue there, back;
} path;

/* Opens the uploads on a server's session that was just opened. */
void path_open(path *far, peer *p, size_t streams);
/* Lets time pass; returns the octets that came in. */
size_t path_run(path *far, uint64_t ms);

#endif
