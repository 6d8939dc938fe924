/* A socket's life: made connecting or connected, secured, broken, closed. */
#include "net/socket.h"

#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

static const net_socket_events no_events;

/* ---------------------------------------------------------------------------------- channels */

int net_channel_new(net_channel **out, net_loop *loop, bool is_pipe) {
    net_channel *channel = mem_alloc(sizeof(*channel));
    if (!channel)
        return UV_ENOMEM;
    int status = is_pipe ? uv_pipe_init(&loop->uv, &channel->pipe, 0)
                         : uv_tcp_init(&loop->uv, &channel->tcp);
    if (status != 0) {
        mem_free(channel);
        return status;
    }
    *out = channel;
    return 0;
}

static void on_channel_freed(uv_handle_t *handle) {
    mem_free(LIST_ENTRY(handle, net_channel, handle));
}

/* A child must not take a descriptor out of the poll set that it shares with its parent. */
static void leave_parent(const net_channel *channel) {
    net_loop_fork(LIST_ENTRY(channel->handle.loop, net_loop, uv));
}

void net_channel_close(net_channel *channel) {
    if (!channel)
        return;
    leave_parent(channel);
    uv_close(&channel->handle, on_channel_freed);
}

/* ------------------------------------------------------------------------------------ failing */

void net_socket_set_due(net_socket *socket, uint8_t due) {
    socket->due |= due;
    net_member_due(&socket->member);
}

void net_socket_break(net_socket *socket, const net_error *error) {
    if (socket->is_failed || socket->is_closing)
        return;
    socket->is_failed = true;
    socket->failure = error ? mem_alloc(sizeof(*error)) : NULL;
    if (socket->failure)
        *socket->failure = *error;
    net_socket_poll(socket);
    net_socket_set_due(socket, DUE_ERROR);
}

void net_socket_break_uv(net_socket *socket, int status, const char *syscall) {
    net_error error;
    net_error_from_uv(&error, status, syscall, NULL, -1);
    net_socket_break(socket, &error);
}

static void tell_failure(net_socket *socket) {
    net_error error;
    if (socket->failure)
        error = *socket->failure;
    else
        net_error_from_uv(&error, UV_ENOMEM, "malloc", NULL, -1);
    mem_free(socket->failure);
    socket->failure = NULL;
    TELL(socket, on_error, socket, &error);
}

void net_socket_break_tls(net_socket *socket, net_tls_status status, const net_error *error) {
    net_socket_flush(socket); /* the alert */
    net_socket_break(socket, status == NET_TLS_ERROR ? error : NULL);
}

bool net_socket_is_open(const net_socket *socket) {
    return net_socket_is_connected(socket) && (!socket->tls || net_tls_is_established(socket->tls));
}

/* --------------------------------------------------------------------------------- connecting */

static void attach(net_socket *socket, net_channel *channel) {
    socket->channel = channel;
    channel->handle.data = socket;
    if (socket->is_unref)
        uv_unref(&channel->handle);
}

static void begin_tls(net_socket *socket) {
    net_error error;
    socket->has_begun_tls = true;
    net_tls_status status = net_tls_start(socket->tls, &error);
    if (status != NET_TLS_OK)
        net_socket_break_tls(socket, status, &error);
    else
        net_socket_flush(socket);
    net_socket_poll(socket);
}

void net_socket_looked_up(net_socket *socket, const net_error *error, const char *address,
                          int family, const char *host) {
    TELL(socket, on_lookup, socket, error, address, family, host);
}

void net_socket_begin(net_socket *socket) {
    TELL(socket, on_connect, socket);
    if (socket->is_closing)
        return;
    if (socket->tls && !socket->has_begun_tls)
        begin_tls(socket);
    else
        net_socket_poll(socket);
    net_socket_resume_writing(socket);
}

void net_socket_connected(net_socket *socket, net_channel *channel) {
    socket->connector = NULL;
    attach(socket, channel);
    net_socket_begin(socket);
}

void net_socket_failed(net_socket *socket, const net_error *error) {
    socket->connector = NULL;
    net_socket_break(socket, error);
}

void net_socket_secure(net_socket *socket, net_tls *tls) {
    socket->tls = tls;
    net_tls_share_signatures(tls, &socket->member.loop->signatures);
    if (net_socket_is_connected(socket) && !socket->is_closing && !socket->is_failed)
        begin_tls(socket);
}

void net_socket_answered(net_socket *socket) {
    net_socket_set_due(socket, DUE_ANSWER);
}

net_tls *net_socket_tls(const net_socket *socket) {
    return socket->tls;
}

/* --------------------------------------------------------------------------------- life cycle */

static void finish_close(net_socket *socket) {
    net_crowd_leave(socket->place);
    TELL(socket, on_close, socket);
    net_member_dispose(&socket->member);
    net_tls_free(socket->tls);
    bytes_buffer_dispose(&socket->rest);
    mem_free(socket->failure);
    mem_free(socket);
}

static void deliver(net_member *member) {
    net_socket *socket = LIST_ENTRY(member, net_socket, member);
    uint8_t due = socket->due;
    socket->due = 0;
    if (due & DUE_CLOSED) {
        finish_close(socket);
        return;
    }
    if ((due & DUE_ANSWER) && !socket->is_closing && !socket->is_failed)
        net_socket_receive_sealed(socket, NULL, 0);
    if (due & DUE_PLAIN)
        net_socket_read_filter(socket);
    if ((due & DUE_FINISH) && !socket->is_closing)
        TELL(socket, on_finish, socket);
    if ((due & DUE_ERROR) && !socket->is_closing)
        tell_failure(socket);
}

static void close_member(net_member *member) {
    net_socket_close(LIST_ENTRY(member, net_socket, member));
}

static const net_member_class socket_class = {deliver, close_member, NULL};

net_socket *net_socket_make(net_loop *loop, const net_socket_events *events, void *context) {
    net_socket *socket = mem_alloc(sizeof(*socket));
    if (!socket)
        return NULL;
    memset(socket, 0, sizeof(*socket));
    net_member_init(&socket->member, loop, &socket_class);
    socket->events = events ? events : &no_events;
    socket->context = context;
    socket->share = NET_SOCKET_SHARE;
    socket->read_octets = NET_READ_BUFFER_OCTETS;
    socket->seal_octets = NET_MIN_SEALED_OCTETS;
    return socket;
}

static void unmake_socket(net_socket *socket) {
    net_member_dispose(&socket->member);
    mem_free(socket);
}

int net_socket_connect(net_socket **out, net_loop *loop, const net_connect_options *options,
                       const net_socket_events *events, void *context) {
    net_socket *socket = net_socket_make(loop, events, context);
    if (!socket)
        return UV_ENOMEM;
    int status = net_connector_new(&socket->connector, socket, loop, options);
    if (status == UV_ENOMEM) {
        unmake_socket(socket);
        return status;
    }
    if (status != 0) {
        net_error error;
        const char *address = options->path ? options->path : options->host;
        net_error_from_uv(&error, status, "connect", address, options->path ? -1 : options->port);
        net_socket_break(socket, &error);
    }
    *out = socket;
    return 0;
}

int net_socket_from_channel(net_socket **out, net_loop *loop, net_channel *channel) {
    net_socket *socket = net_socket_make(loop, NULL, NULL);
    if (!socket)
        return UV_ENOMEM;
    attach(socket, channel);
    *out = socket;
    return 0;
}

int net_socket_adopt(net_socket **out, net_loop *loop, int fd, const net_socket_events *events,
                     void *context) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return UV_ENOTSOCK;
    bool is_pipe = address.ss_family == AF_UNIX;
    net_channel *channel;
    int status = net_channel_new(&channel, loop, is_pipe);
    if (status != 0)
        return status;
    net_socket *socket = net_socket_make(loop, events, context);
    if (!socket) {
        net_channel_close(channel);
        return UV_ENOMEM;
    }
    status = is_pipe ? uv_pipe_open(&channel->pipe, fd) : uv_tcp_open(&channel->tcp, fd);
    if (status != 0) {
        unmake_socket(socket);
        net_channel_close(channel);
        return status;
    }
    attach(socket, channel);
    *out = socket;
    return 0;
}

void *net_socket_context(const net_socket *socket) {
    return socket->context;
}

void net_socket_set_events(net_socket *socket, const net_socket_events *events, void *context) {
    socket->events = events ? events : &no_events;
    socket->context = context;
}

static void on_channel_closed(uv_handle_t *handle) {
    net_socket *socket = handle->data;
    mem_free(socket->channel);
    finish_close(socket);
}

static void close_socket(net_socket *socket, bool is_reset) {
    if (socket->is_closing)
        return;
    socket->is_closing = true;
    net_connector_close(socket->connector);
    socket->connector = NULL;
    if (!socket->channel) {
        if (socket->carrier)
            socket->carrier->close(socket->carrier_context, is_reset);
        socket->carrier = NULL;
        socket->is_carried = false;
        net_socket_set_due(socket, DUE_CLOSED);
        return;
    }
    leave_parent(socket->channel);
    uv_handle_t *handle = &socket->channel->handle;
    if (is_reset && handle->type == UV_TCP &&
        uv_tcp_close_reset(&socket->channel->tcp, on_channel_closed) == 0)
        return;
    uv_close(handle, on_channel_closed);
}

void net_socket_close(net_socket *socket) {
    close_socket(socket, false);
}

void net_socket_reset(net_socket *socket) {
    close_socket(socket, true);
}

bool net_socket_is_closing(const net_socket *socket) {
    return socket->is_closing;
}

bool net_socket_is_connecting(const net_socket *socket) {
    return socket->connector != NULL || (socket->carrier && !socket->is_carried);
}

/* ------------------------------------------------------------------------- options and figures */

void net_socket_ref(net_socket *socket, bool is_ref) {
    socket->is_unref = !is_ref;
    if (socket->carrier)
        socket->carrier->ref(socket->carrier_context, is_ref);
    if (!socket->channel)
        return; /* libuv's requests, such as the one to connect, keep the loop alive in any case */
    if (is_ref)
        uv_ref(&socket->channel->handle);
    else
        uv_unref(&socket->channel->handle);
}

static bool is_tcp(const net_socket *socket) {
    return socket->channel && !socket->is_closing && socket->channel->handle.type == UV_TCP;
}

int net_socket_set_no_delay(net_socket *socket, bool is_on) {
    return is_tcp(socket) ? uv_tcp_nodelay(&socket->channel->tcp, is_on) : UV_ENOTCONN;
}

int net_socket_set_keep_alive(net_socket *socket, bool is_on, uint32_t delay_s) {
    return is_tcp(socket) ? uv_tcp_keepalive(&socket->channel->tcp, is_on, delay_s) : UV_ENOTCONN;
}

uint64_t net_socket_bytes_read(const net_socket *socket) {
    return socket->bytes_read;
}

uint64_t net_socket_bytes_written(const net_socket *socket) {
    return socket->bytes_written;
}

static int look_up_address(const net_socket *socket, net_address *address,
                           int (*look_up)(const uv_tcp_t *, struct sockaddr *, int *)) {
    memset(address, 0, sizeof(*address));
    if (!socket->channel || socket->is_closing)
        return UV_ENOTCONN;
    if (!is_tcp(socket))
        return 0;
    struct sockaddr_storage storage;
    int size = sizeof(storage);
    int status = look_up(&socket->channel->tcp, (struct sockaddr *)&storage, &size);
    if (status == 0)
        net_format_address(&storage, address);
    return status;
}

int net_family_of(const char *text) {
    return net_parse_address(text, 0, NULL);
}

int net_socket_local(const net_socket *socket, net_address *address) {
    return look_up_address(socket, address, uv_tcp_getsockname);
}

int net_socket_peer(const net_socket *socket, net_address *address) {
    return look_up_address(socket, address, uv_tcp_getpeername);
}
