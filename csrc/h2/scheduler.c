#include "h2/scheduler.h"

void h2_scheduler_init(h2_scheduler *scheduler) {
    for (size_t i = 0; i < H2_URGENCIES; i++)
        list_init(&scheduler->ready[i]);
}

void h2_node_init(h2_node *node, h2_priority priority) {
    list_init(&node->link);
    node->priority = priority;
}

void h2_scheduler_add(h2_scheduler *scheduler, h2_node *node) {
    if (list_is_empty(&node->link))
        list_append(&scheduler->ready[node->priority.urgency], &node->link);
}

void h2_scheduler_remove(h2_node *node) {
    list_remove(&node->link);
}

h2_node *h2_scheduler_next(const h2_scheduler *scheduler) {
    for (size_t i = 0; i < H2_URGENCIES; i++) {
        list_node *link = list_first(&scheduler->ready[i]);
        if (link)
            return LIST_ENTRY(link, h2_node, link);
    }
    return NULL;
}

void h2_scheduler_took_turn(h2_scheduler *scheduler, h2_node *node) {
    if (!node->priority.is_incremental)
        return;
    list_remove(&node->link);
    list_append(&scheduler->ready[node->priority.urgency], &node->link);
}

void h2_scheduler_move(h2_scheduler *scheduler, h2_node *node, h2_priority priority) {
    bool is_ready = !list_is_empty(&node->link);
    list_remove(&node->link);
    node->priority = priority;
    if (is_ready)
        h2_scheduler_add(scheduler, node);
}
