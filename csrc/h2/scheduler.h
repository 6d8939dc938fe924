/* Whose DATA goes next (RFC 9218 §10): the most urgent ready node first; among equals one after the
 * other, where a node that is not incremental keeps its turn until it has nothing left, and an
 * incremental one gives it up after each frame. Knows nodes, not streams. */
#ifndef H2_SCHEDULER_H
#define H2_SCHEDULER_H

#include "base/list.h"
#include "h2/priority.h"

typedef struct h2_node {
    list_node link; /* in a ring, while ready */
    h2_priority priority;
    bool is_ready;
} h2_node;

/* All zero: nobody is ready. */
typedef struct h2_scheduler {
    h2_node *turns[H2_URGENCIES]; /* whose turn it is among each urgency; the others follow it */
} h2_scheduler;

/* A node that is not ready. */
void h2_node_init(h2_node *node, h2_priority priority);

/* Without effect on a node that is, or is not, ready already. */
void h2_scheduler_add(h2_scheduler *scheduler, h2_node *node);
void h2_scheduler_remove(h2_scheduler *scheduler, h2_node *node);

/* The node whose turn it is, or NULL. */
h2_node *h2_scheduler_next(const h2_scheduler *scheduler);

/* The node, which h2_scheduler_next gave, has had its turn. */
void h2_scheduler_took_turn(h2_scheduler *scheduler, h2_node *node);

/* Changes the priority, ready or not. */
void h2_scheduler_move(h2_scheduler *scheduler, h2_node *node, h2_priority priority);

#endif
