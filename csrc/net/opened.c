/* Regular files that are open, to be read by all who ask for the same path while the turn lasts: a file
 * that many want at once is opened once. What a path names may change even within a turn, by the
 * program's own hand, so whoever comes later asks the kernel whether it is still the same. */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/internal.h"

/* To be found by their paths; each holds a descriptor until the turn is over. */
#define MAX_OPENED 8

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* While it is open its inode cannot become another file's. */
static bool is_unchanged(const net_opened *opened) {
    struct stat now;
    const struct stat *then = &opened->stat;
    return stat(opened->path, &now) == 0 && now.st_ino == then->st_ino &&
           now.st_dev == then->st_dev && now.st_size == then->st_size &&
           now.st_mode == then->st_mode && now.st_uid == then->st_uid &&
           now.st_gid == then->st_gid && is_same_time(now.st_ctim, then->st_ctim) &&
           is_same_time(now.st_mtim, then->st_mtim);
}

static void forget(net_loop *loop, net_opened *opened) {
    list_remove(&opened->_node);
    loop->opened_count--;
    net_opened_unref(opened);
}

net_opened *net_opened_find(net_loop *loop, const char *path) {
    for (list_node *node = loop->opened.next; node != &loop->opened; node = node->next) {
        net_opened *opened = LIST_ENTRY(node, net_opened, _node);
        if (strcmp(opened->path, path) != 0)
            continue;
        if (is_unchanged(opened)) {
            opened->references++;
            return opened;
        }
        forget(loop, opened);
        return NULL;
    }
    return NULL;
}

net_opened *net_opened_new(net_loop *loop, const char *path, int fd, const struct stat *stat) {
    size_t size = strlen(path) + 1;
    net_opened *opened = mem_alloc(sizeof(*opened) + size);
    if (!opened)
        return NULL;
    opened->references = 2; /* the loop's and the caller's */
    opened->fd = fd;
    opened->stat = *stat;
    memcpy(opened->path, path, size);
    if (loop->opened_count == MAX_OPENED)
        forget(loop, LIST_ENTRY(list_first(&loop->opened), net_opened, _node));
    list_init(&opened->_node);
    list_append(&loop->opened, &opened->_node);
    loop->opened_count++;
    return opened;
}

void net_opened_unref(net_opened *opened) {
    if (--opened->references > 0)
        return;
    close(opened->fd);
    mem_free(opened);
}

void net_opened_forget(net_loop *loop) {
    while (!list_is_empty(&loop->opened))
        forget(loop, LIST_ENTRY(list_first(&loop->opened), net_opened, _node));
}
