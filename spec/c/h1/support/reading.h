/* What a parser made of octets, as text: "GET /a host=x keep|data:abc|end", "400 no Host". */
#ifndef SPEC_C_H1_READING_H
#define SPEC_C_H1_READING_H

#include "h1/h1.h"

/* Reads the octets in pieces of `step` and writes what came of them into `trace`, a text that ends
 * with NUL. 0, or -1 when memory was out. */
int reading_trace(const uint8_t *data, size_t size, size_t step, const h1_limits *limits,
                  bytes_buffer *trace);

#endif
