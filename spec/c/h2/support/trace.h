/* Events and frames as text, so that a test can say in one line what it expects of a conversation. */
#ifndef SPEC_H2_TRACE_H
#define SPEC_H2_TRACE_H

#include "h2/frame.h"

/* Entries are separated by "; ". DATA of one stream that comes in pieces is one entry. */
typedef struct trace {
    bytes_buffer text;
    bytes_buffer last; /* what the last trace_take has returned */
    bool with_fields;
    uint32_t data_stream; /* 0: no DATA is being gathered */
    size_t data_octets;
    uint32_t data_sum; /* of the octets, to tell contents apart */
} trace;

void trace_dispose(trace *t);

void trace_event(trace *t, const h2_event *event);
void trace_frame(trace *t, const h2_frame_header *header, const uint8_t *payload);

/* The text so far, which begins anew; valid until the next call. */
const char *trace_take(trace *t);

#endif
