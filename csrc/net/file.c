/* Files as sources of octets. A regular file's octets are asked of the page cache first
 * (RWF_NOWAIT); a thread of libuv's pool fetches a block where they are not there. What has no
 * offsets is read when poll says so, and a device that cannot be polled by a thread. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* preadv2 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif
#endif

#include "base/mem.h"
#include "net/internal.h"

#define BLOCK_OCTETS ((size_t)128 * 1024) /* fetched at once by a thread */
/* A FIFO without a writer does not hold up its opener, and a terminal does not become ours. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

typedef enum source {
    SOURCE_CACHE, /* regular: from the page cache, else by a thread */
    SOURCE_POLL,  /* when it says that it can be read */
    SOURCE_THREAD /* by a thread alone */
} source;

struct net_file {
    net_member member;
    const net_file_events *events;
    void *context;
    int fd;             /* -1: not open */
    net_opened *opened; /* whose the descriptor is; NULL: this file's alone */
    struct stat stat;
    source source;
    bool has_offsets; /* regular */
    bool is_restored; /* O_NONBLOCK of somebody else's descriptor is to be taken back */
    bool is_at_end;
    bool is_closing;
    int status; /* libuv's error that the last read came to */
    uint64_t offset, left;
    uv_work_t work;
    bool is_working; /* a thread has `work` */
    bool has_poll;   /* `poll` is a handle of the loop */
    uv_poll_t poll;
    char *path; /* while it is being opened */
    uint8_t *block;
    size_t block_at, block_size;
};

/* ---------------------------------------------------------------------------------- life cycle */

static void release(net_file *file) {
    if (file->is_restored)
        (void)fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) & ~O_NONBLOCK);
    if (file->opened)
        net_opened_unref(file->opened);
    else if (file->fd >= 0)
        close(file->fd);
    mem_free(file->path);
    mem_free(file->block);
    file->member.loop->file_count--;
    net_member_dispose(&file->member);
    mem_free(file);
}

static void on_poll_closed(uv_handle_t *handle) {
    release(handle->data);
}

void net_file_close(net_file *file) {
    if (!file || file->is_closing)
        return;
    file->is_closing = true;
    if (file->is_working)
        uv_cancel((uv_req_t *)&file->work); /* if a thread is at it, the file waits for its end */
    else if (file->has_poll)
        uv_close((uv_handle_t *)&file->poll, on_poll_closed);
    else
        release(file);
}

static void close_member(net_member *member) {
    net_file_close(LIST_ENTRY(member, net_file, member));
}

/* The opening has come to its end without a thread. */
static void deliver_open(net_member *member);

static const net_member_class file_class = {deliver_open, close_member, NULL};

/* The limit is asked for anew only where files have reached what it was. */
static bool is_limit_reached(net_loop *loop) {
    if (loop->file_count < loop->file_limit)
        return false;
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    loop->file_limit = is_limited ? limit.rlim_cur / 4 : SIZE_MAX;
    return loop->file_count >= loop->file_limit;
}

static int new_file(net_file **out, net_loop *loop, const net_file_events *events, void *context) {
    if (is_limit_reached(loop))
        return UV_EMFILE;
    net_file *file = mem_alloc(sizeof(*file));
    if (!file)
        return UV_ENOMEM;
    memset(file, 0, sizeof(*file));
    file->events = events;
    file->context = context;
    file->fd = -1;
    file->left = UINT64_MAX;
    net_member_init(&file->member, loop, &file_class);
    loop->file_count++;
    *out = file;
    return 0;
}

/* ------------------------------------------------------------------------------------- opening */

/* What kind of file it is decides how it is read. */
static void set_source(net_file *file) {
    file->has_offsets = S_ISREG(file->stat.st_mode);
    file->source = file->has_offsets ? SOURCE_CACHE : SOURCE_POLL;
    if (S_ISBLK(file->stat.st_mode))
        file->source = SOURCE_THREAD;
}

static int look_at(net_file *file) {
    if (fstat(file->fd, &file->stat) != 0)
        return -errno;
    set_source(file);
    return 0;
}

static int open_path(net_file *file) {
    file->fd = open(file->path, OPEN_FLAGS);
    return file->fd < 0 ? -errno : look_at(file);
}

#if defined(SYS_openat2) && defined(RESOLVE_CACHED)
static int share(net_file *file, net_opened *opened) {
    file->opened = opened;
    file->fd = opened->fd;
    file->stat = opened->stat;
    set_source(file);
    return 0;
}

/* For others who want the same in this turn; whether they get it matters to nobody. */
static void offer(net_file *file, const char *path) {
    if (file->has_offsets)
        file->opened = net_opened_new(file->member.loop, path, file->fd, &file->stat);
}
#endif

/* Opens by what the kernel remembers of the path, so that no disk is waited for. UV_EAGAIN: a thread
 * has to try. */
static int open_cached(net_file *file, const char *path) {
#if defined(SYS_openat2) && defined(RESOLVE_CACHED)
    net_opened *opened = net_opened_find(file->member.loop, path);
    if (opened)
        return share(file, opened);
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_CACHED};
    long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (fd >= 0) {
        file->fd = (int)fd;
        int status = look_at(file);
        if (status == 0)
            offer(file, path);
        return status;
    }
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
        return -errno;
#else
    (void)file, (void)path;
#endif
    return UV_EAGAIN;
}

static void tell_open(net_file *file) {
    mem_free(file->path);
    file->path = NULL;
    file->events->on_open(file, file->status);
}

static void deliver_open(net_member *member) {
    net_file *file = LIST_ENTRY(member, net_file, member);
    if (!file->is_closing)
        tell_open(file);
}

static void open_in_thread(uv_work_t *work) {
    net_file *file = work->data;
    file->status = open_path(file);
}

static void on_opened(uv_work_t *work, int status) {
    net_file *file = work->data;
    file->is_working = false;
    if (file->is_closing) {
        release(file);
        return;
    }
    if (status != 0)
        file->status = status;
    tell_open(file);
}

static int start_work(net_file *file, uv_work_cb run, uv_after_work_cb done) {
    file->work.data = file;
    int status = uv_queue_work(&file->member.loop->uv, &file->work, run, done);
    file->is_working = status == 0;
    return status;
}

int net_file_open(net_file **out, net_loop *loop, const char *path, const net_file_events *events,
                  void *context) {
    net_file *file;
    int status = new_file(&file, loop, events, context);
    if (status != 0)
        return status;
    file->status = open_cached(file, path);
    if (file->status != UV_EAGAIN) {
        net_member_due(&file->member);
        *out = file;
        return 0;
    }
    size_t size = strlen(path) + 1;
    file->path = mem_alloc(size);
    status = UV_ENOMEM;
    if (!file->path)
        goto failed;
    memcpy(file->path, path, size);
    status = start_work(file, open_in_thread, on_opened);
    if (status != 0)
        goto failed;
    *out = file;
    return 0;

failed:
    release(file);
    return status;
}

int net_file_adopt(net_file **out, net_loop *loop, int fd, const net_file_events *events,
                   void *context) {
    net_file *file;
    int status = new_file(&file, loop, events, context);
    if (status != 0)
        return status;
    file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    status = file->fd < 0 ? -errno : look_at(file);
    if (status != 0) {
        release(file);
        return status;
    }
    /* Polling makes a descriptor non-blocking, for whoever else has it too. */
    file->is_restored = file->source == SOURCE_POLL && (fcntl(file->fd, F_GETFL) & O_NONBLOCK) == 0;
    *out = file;
    return 0;
}

void *net_file_context(const net_file *file) {
    return file->context;
}

const struct stat *net_file_stat(const net_file *file) {
    return &file->stat;
}

void net_file_set_range(net_file *file, uint64_t offset, uint64_t length) {
    file->offset = offset;
    file->left = length;
}

/* ------------------------------------------------------------------------------- by a thread */

static void read_in_thread(uv_work_t *work) {
    net_file *file = work->data;
    size_t size = file->left < BLOCK_OCTETS ? (size_t)file->left : BLOCK_OCTETS;
    ssize_t n;
    do
        n = file->has_offsets ? pread(file->fd, file->block, size, (off_t)file->offset)
                              : read(file->fd, file->block, size);
    while (n < 0 && errno == EINTR);
    file->status = n < 0 ? -errno : 0;
    file->is_at_end = n == 0;
    file->block_size = n > 0 ? (size_t)n : 0;
    file->block_at = 0;
}

static void on_read(uv_work_t *work, int status) {
    net_file *file = work->data;
    file->is_working = false;
    if (file->is_closing) {
        release(file);
        return;
    }
    if (status != 0)
        file->status = status;
    file->events->on_ready(file);
}

static long fetch(net_file *file) {
    if (file->is_working)
        return NET_FILE_AGAIN;
    if (!file->block)
        file->block = mem_alloc(BLOCK_OCTETS);
    if (!file->block)
        return UV_ENOMEM;
    int status = start_work(file, read_in_thread, on_read);
    return status != 0 ? status : NET_FILE_AGAIN;
}

static long take_from_block(net_file *file, uint8_t *into, size_t max) {
    size_t size = file->block_size - file->block_at;
    size = size < max ? size : max;
    memcpy(into, file->block + file->block_at, size);
    file->block_at += size;
    if (file->block_at == file->block_size) {
        mem_free(file->block);
        file->block = NULL;
        file->block_at = file->block_size = 0;
    }
    return (long)size;
}

/* ------------------------------------------------------------------------------- in the loop */

static long read_cached(net_file *file, uint8_t *into, size_t max) {
#ifdef RWF_NOWAIT
    struct iovec slice = {into, max};
    ssize_t n = preadv2(file->fd, &slice, 1, (off_t)file->offset, RWF_NOWAIT);
    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EINTR)
        file->source = SOURCE_THREAD; /* the file system cannot, or the thread meets it again */
#else
    (void)into, (void)max;
#endif
    return fetch(file);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    (void)events;
    net_file *file = handle->data;
    uv_poll_stop(handle);
    if (status != 0)
        file->status = status;
    file->events->on_ready(file);
}

/* /dev/null and its kin cannot be polled: they never keep a reader waiting for long. */
static long await_octets(net_file *file) {
    if (!file->has_poll) {
        int status = uv_poll_init(&file->member.loop->uv, &file->poll, file->fd);
        if (status != 0) {
            file->source = SOURCE_THREAD;
            return fetch(file);
        }
        file->poll.data = file;
        file->has_poll = true;
    }
    int status = uv_poll_start(&file->poll, UV_READABLE | UV_DISCONNECT, on_poll);
    return status != 0 ? status : NET_FILE_AGAIN;
}

static long read_polled(net_file *file, uint8_t *into, size_t max) {
    if (!file->has_poll) /* a FIFO to which nobody has written yet is not at its end */
        return await_octets(file);
    ssize_t n = read(file->fd, into, max);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? await_octets(file) : -errno;
}

static long read_source(net_file *file, uint8_t *into, size_t max) {
    switch (file->source) {
    case SOURCE_CACHE:
        return read_cached(file, into, max);
    case SOURCE_POLL:
        return read_polled(file, into, max);
    default:
        return fetch(file);
    }
}

long net_file_read(net_file *file, uint8_t *into, size_t max) {
    long n;
    if (max > file->left)
        max = (size_t)file->left;
    if (max == 0)
        return 0;
    if (file->status != 0)
        return file->status;
    if (!file->is_working && file->block_at < file->block_size)
        n = take_from_block(file, into, max);
    else if (file->is_at_end)
        n = 0;
    else
        n = read_source(file, into, max);
    if (n > 0 && n != NET_FILE_AGAIN) {
        file->offset += (uint64_t)n;
        file->left -= (uint64_t)n;
    }
    return n;
}
