/* An intrusive, circular, doubly linked list. A list is a node that stands for its two ends; a node
 * that is in no list is linked to itself, so removing it again does no harm. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct list_node {
    struct list_node *next;
    struct list_node *prev;
} list_node;

/* The struct of `type` whose `member` is the node. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Makes an empty list, or a node that is in none. */
static inline void list_init(list_node *list) {
    list->next = list;
    list->prev = list;
}

static inline bool list_is_empty(const list_node *list) {
    return list->next == list;
}

/* The first node, or NULL of an empty list. */
static inline list_node *list_first(const list_node *list) {
    return list_is_empty(list) ? NULL : list->next;
}

/* Puts a node that is in no list between two neighbours. */
static inline void list_link(list_node *prev, list_node *node, list_node *next) {
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_append(list_node *list, list_node *node) {
    list_link(list->prev, node, list);
}

static inline void list_prepend(list_node *list, list_node *node) {
    list_link(list, node, list->next);
}

/* Takes a node out of the list it is in, if any, and leaves it linked to itself. */
static inline void list_remove(list_node *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#endif
