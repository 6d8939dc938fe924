/* What sessions of one thread take turns with: streams, field sections and wires. All are given back
 * empty; a few are kept, the rest is freed. */
#ifndef H2_POOL_H
#define H2_POOL_H

#include "h2/stream.h"
#include "h2/wire.h"

/* Each returns NULL when memory is out. */
h2_stream *h2_pool_take_stream(h2_pool *pool);
hpack_section *h2_pool_take_section(h2_pool *pool);
h2_wire *h2_pool_take_wire(h2_pool *pool);

void h2_pool_give_stream(h2_pool *pool, h2_stream *stream);
void h2_pool_give_section(h2_pool *pool, hpack_section *section);
/* The wire is empty. */
void h2_pool_give_wire(h2_pool *pool, h2_wire *wire);

#endif
