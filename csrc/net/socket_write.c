/* A socket's writing: from the caller's own memory to the kernel at once, and only what the kernel
 * does not take, up to a bound, through a buffer of the socket's. */
#ifdef __linux__
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

#include "base/mem.h"
#include "net/socket.h"

#define MAX_BATCH 128                          /* slices of one system call */
#define MAX_REST_OCTETS ((size_t)64 * 1024)    /* of plain text kept for the kernel */
#define MAX_SEALED_OCTETS ((size_t)512 * 1024) /* of cipher text made in one go */

/* A position in the caller's slices. */
typedef struct cursor {
    const bytes_slice *slices;
    size_t count;
    size_t offset; /* in the first one */
} cursor;

static void advance(cursor *at, size_t octets) {
    while (at->count > 0) {
        size_t left = at->slices->size - at->offset;
        if (octets < left) {
            at->offset += octets;
            return;
        }
        octets -= left;
        at->slices++;
        at->count--;
        at->offset = 0;
    }
}

/* The next slices from the position on, as many as fit; how many there are. */
static size_t gather(const cursor *at, bytes_slice *batch, size_t max, size_t *octets) {
    size_t count = 0;
    *octets = 0;
    for (size_t i = 0; i < at->count && count < max; i++) {
        size_t offset = i == 0 ? at->offset : 0;
        if (at->slices[i].size == offset)
            continue;
        batch[count++] = bytes_slice_of(at->slices[i].data + offset, at->slices[i].size - offset);
        *octets += at->slices[i].size - offset;
    }
    return count;
}

static size_t total_of(const bytes_slice *slices, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += slices[i].size;
    return total;
}

/* ----------------------------------------------------------------------------- to the kernel */

static void on_written(uv_write_t *request, int status) {
    net_socket *socket = LIST_ENTRY(request, net_socket, request.write);
    socket->is_writing = false;
    bytes_buffer_dispose(&socket->rest);
    if (socket->is_closing)
        return;
    if (status != 0)
        net_socket_break_uv(socket, status, "write");
    else
        net_socket_written(socket);
}

void net_socket_written(net_socket *socket) {
    socket->is_writing = false;
    socket->wants_writable = true;
    net_socket_resume_writing(socket);
}

/* Copies what follows the cursor, `max_octets` at most, and leaves it to libuv. 0 or an error. */
static int leave_rest(net_socket *socket, const cursor *at, size_t max_octets, size_t *left) {
    *left = 0;
    for (size_t i = 0; i < at->count && *left < max_octets; i++) {
        size_t offset = i == 0 ? at->offset : 0;
        size_t size = at->slices[i].size - offset;
        if (size > max_octets - *left)
            size = max_octets - *left;
        if (bytes_buffer_append(&socket->rest, at->slices[i].data + offset, size) != 0)
            return UV_ENOMEM;
        *left += size;
    }
    uv_buf_t buffer = {(char *)socket->rest.data, socket->rest.size};
    int status = uv_write(&socket->request.write, &socket->channel->stream, &buffer, 1, on_written);
    if (status == 0) {
        socket->is_writing = true;
        socket->bytes_written += *left;
    }
    return status;
}

/* One system call for a batch; the octets written or an error. */
static int try_batch(net_socket *socket, const bytes_slice *batch, size_t count) {
    uv_buf_t buffers[MAX_BATCH];
    for (size_t i = 0; i < count; i++) {
        buffers[i].base = (char *)batch[i].data;
        buffers[i].len = batch[i].size;
    }
    int written = uv_try_write(&socket->channel->stream, buffers, (unsigned)count);
    return written == UV_EAGAIN ? 0 : written;
}

/* A carrier takes all it is given, and says later when it may be given more. */
static size_t carry_slices(net_socket *socket, const bytes_slice *slices, size_t count) {
    size_t total = total_of(slices, count);
    int status = socket->carrier->write(socket->carrier_context, slices, count);
    if (status != 0) {
        net_socket_break_uv(socket, status, "write");
        return total;
    }
    socket->is_writing = true;
    socket->bytes_written += total;
    return total;
}

/* Writes until the kernel is full, then keeps up to `max_rest` octets. How many were taken: all, if
 * the socket broke. */
static size_t send_slices(net_socket *socket, const bytes_slice *slices, size_t count,
                          size_t max_rest) {
    cursor at = {slices, count, 0};
    size_t taken = 0;
    if (socket->is_carried)
        return carry_slices(socket, slices, count);
    for (;;) {
        bytes_slice batch[MAX_BATCH];
        size_t octets;
        size_t batch_count = gather(&at, batch, MAX_BATCH, &octets);
        if (batch_count == 0)
            return taken;
        int status = try_batch(socket, batch, batch_count);
        if (status < 0) {
            net_socket_break_uv(socket, status, "write");
            return total_of(slices, count);
        }
        size_t written = (size_t)status;
        socket->bytes_written += written;
        taken += written;
        advance(&at, written);
        if (written == octets)
            continue;
        size_t left;
        status = leave_rest(socket, &at, max_rest, &left);
        if (status == 0)
            return taken + left;
        net_socket_break_uv(socket, status, "write");
        return total_of(slices, count);
    }
}

/* -------------------------------------------------------------------------------- through TLS */

void net_socket_flush(net_socket *socket) {
    if (!socket->tls || !net_socket_is_connected(socket) || socket->is_closing ||
        socket->is_failed || socket->is_writing)
        return;
    bytes_slice output = net_tls_output(socket->tls);
    if (output.size > 0)
        net_tls_sent(socket->tls, send_slices(socket, &output, 1, SIZE_MAX));
}

/* A peer that takes all that is made gets more at once, for each write wakes it; of a slow one's, which
 * has to be kept, little is made. */
static void adapt_sealing(net_socket *socket, size_t sealed) {
    if (socket->is_writing)
        socket->seal_octets = NET_MIN_SEALED_OCTETS;
    else if (sealed > socket->seal_octets / 2 && socket->seal_octets < MAX_SEALED_OCTETS)
        socket->seal_octets *= 2;
}

static size_t seal_slices(net_socket *socket, const bytes_slice *slices, size_t count) {
    cursor at = {slices, count, 0};
    size_t taken = 0;
    while (!socket->is_writing && !socket->is_failed) {
        bytes_slice batch[MAX_BATCH];
        size_t octets, sealed;
        size_t batch_count = gather(&at, batch, MAX_BATCH, &octets);
        if (batch_count == 0)
            return taken;
        net_error error;
        net_tls_status status =
            net_tls_write(socket->tls, batch, batch_count, socket->seal_octets, &sealed, &error);
        net_socket_flush(socket);
        adapt_sealing(socket, sealed);
        if (status != NET_TLS_OK) {
            net_socket_break(socket, status == NET_TLS_ERROR ? &error : NULL);
            break;
        }
        if (sealed == 0)
            break;
        taken += sealed;
        advance(&at, sealed);
    }
    return socket->is_failed ? total_of(slices, count) : taken;
}

/* ------------------------------------------------------------------------------------- public */

size_t net_socket_write(net_socket *socket, const bytes_slice *slices, size_t count) {
    size_t total = total_of(slices, count);
    if (socket->is_closing || socket->is_failed || socket->wants_shutdown)
        return total;
    size_t taken = 0;
    if (net_socket_is_open(socket) && !socket->is_writing)
        taken = socket->tls ? seal_slices(socket, slices, count)
                            : send_slices(socket, slices, count, MAX_REST_OCTETS);
    if (taken < total)
        socket->wants_writable = true;
    return taken;
}

size_t net_socket_queued(const net_socket *socket) {
    size_t sealed = socket->tls ? net_tls_output(socket->tls).size : 0;
    size_t carried = socket->is_carried ? socket->carrier->queued(socket->carrier_context) : 0;
    return socket->rest.size + sealed + carried;
}

uint64_t net_socket_octets_moved(const net_socket *socket) {
    size_t queued = 0;
    if (socket->channel)
        queued = uv_stream_get_write_queue_size(&socket->channel->stream);
    else if (socket->is_carried)
        queued = socket->carrier->queued(socket->carrier_context);
    return socket->bytes_written - queued;
}

size_t net_socket_unsent(const net_socket *socket) {
    int in_kernel = 0;
#ifdef __linux__
    uv_os_fd_t fd;
    bool is_open = socket->channel && !socket->is_closing;
    if (!is_open || uv_fileno(&socket->channel->handle, &fd) != 0 ||
        ioctl(fd, SIOCOUTQ, &in_kernel) != 0)
        in_kernel = 0;
#endif
    return net_socket_queued(socket) + (size_t)in_kernel;
}

/* -------------------------------------------------------------------------------- half-close */

static void on_shut_down(uv_shutdown_t *request, int status) {
    net_socket *socket = LIST_ENTRY(request, net_socket, request.shutdown);
    if (socket->is_closing)
        return;
    if (status == 0 || status == UV_ENOTCONN) /* the peer was faster */
        net_socket_set_due(socket, DUE_FINISH);
    else
        net_socket_break_uv(socket, status, "shutdown");
}

/* Whether everything before FIN is with the kernel. */
static bool is_drained(net_socket *socket) {
    if (socket->tls && !socket->has_sent_notify) {
        socket->has_sent_notify = true;
        if (net_tls_close_notify(socket->tls) != NET_TLS_OK)
            net_socket_break(socket, NULL);
        net_socket_flush(socket);
    }
    return !socket->is_writing && !socket->is_failed;
}

static void shut_down(net_socket *socket) {
    if (!socket->wants_shutdown || socket->has_shut_down || socket->is_closing ||
        socket->is_failed || socket->is_writing || !net_socket_is_open(socket))
        return;
    if (!is_drained(socket))
        return;
    socket->has_shut_down = true;
    if (socket->is_carried) {
        socket->carrier->shutdown(socket->carrier_context);
        return;
    }
    int status = uv_shutdown(&socket->request.shutdown, &socket->channel->stream, on_shut_down);
    if (status != 0)
        on_shut_down(&socket->request.shutdown, status);
}

void net_socket_shutdown(net_socket *socket) {
    socket->wants_shutdown = true;
    shut_down(socket);
}

void net_socket_resume_writing(net_socket *socket) {
    net_socket_flush(socket);
    if (!net_socket_is_open(socket) || socket->is_writing || socket->is_failed)
        return;
    if (socket->wants_writable && socket->events->on_writable) {
        socket->wants_writable = false;
        socket->events->on_writable(socket);
    }
    shut_down(socket);
}
