#include "h2/scheduler.h"

static h2_node *successor(const h2_node *node) {
    return LIST_ENTRY(node->link.next, h2_node, link);
}

void h2_node_init(h2_node *node, h2_priority priority) {
    list_init(&node->link);
    node->priority = priority;
    node->is_ready = false;
}

void h2_scheduler_add(h2_scheduler *scheduler, h2_node *node) {
    h2_node **turn = &scheduler->turns[node->priority.urgency];
    if (node->is_ready)
        return;
    node->is_ready = true;
    if (*turn)
        list_append(&(*turn)->link, &node->link); /* last: before whose turn it is */
    else
        *turn = node;
}

void h2_scheduler_remove(h2_scheduler *scheduler, h2_node *node) {
    h2_node **turn = &scheduler->turns[node->priority.urgency];
    if (!node->is_ready)
        return;
    node->is_ready = false;
    if (*turn == node)
        *turn = successor(node) == node ? NULL : successor(node);
    list_remove(&node->link);
}

h2_node *h2_scheduler_next(const h2_scheduler *scheduler) {
    for (size_t i = 0; i < H2_URGENCIES; i++)
        if (scheduler->turns[i])
            return scheduler->turns[i];
    return NULL;
}

void h2_scheduler_took_turn(h2_scheduler *scheduler, h2_node *node) {
    if (node->priority.is_incremental)
        scheduler->turns[node->priority.urgency] = successor(node);
}

void h2_scheduler_move(h2_scheduler *scheduler, h2_node *node, h2_priority priority) {
    bool is_ready = node->is_ready;
    h2_scheduler_remove(scheduler, node);
    node->priority = priority;
    if (is_ready)
        h2_scheduler_add(scheduler, node);
}
