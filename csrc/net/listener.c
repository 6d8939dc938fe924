/* Listening and accepting. libuv offers no pause: a connection that is not fetched stops it from
 * accepting more, and that is how the listener waits, with one connection in hand and the others in
 * the kernel's backlog. */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/mem.h"
#include "net/internal.h"

#define DEFAULT_BACKLOG 511
#define MAX_ACCEPTS_PER_TURN 64 /* connections in a row, before others have their turn */
#define REST_MS 100             /* pause when descriptors or memory are out */

enum { DUE_LISTENING = 1, DUE_ERROR = 2, DUE_ACCEPT = 4, DUE_CLOSED = 8 };

struct net_listener {
    net_member member;
    const net_listener_events *events;
    void *context;
    net_channel *channel; /* NULL until bound */
    net_lookup *lookup;
    uv_timer_t rest; /* active while it rests */
    struct sockaddr_storage address;
    net_error error;
    int port;
    int backlog;
    unsigned accepted; /* in this turn */
    uint8_t due;
    bool is_ipv6_only;
    bool is_reuse_port;
    bool is_unref;
    bool is_paused;
    bool is_closing;
    bool has_waiting; /* one connection in hand */
    char host[];      /* or path */
};

#define TELL(listener, event, ...)                                                                 \
    do {                                                                                           \
        if ((listener)->events->event)                                                             \
            (listener)->events->event(__VA_ARGS__);                                                \
    } while (0)

static void set_due(net_listener *listener, uint8_t due) {
    listener->due |= due;
    net_member_due(&listener->member);
}

static void fail(net_listener *listener, int status, const char *syscall) {
    net_error_from_uv(&listener->error, status, syscall, listener->host, listener->port);
    set_due(listener, DUE_ERROR);
}

/* ---------------------------------------------------------------------------------- accepting */

static bool must_wait(const net_listener *listener) {
    return listener->is_paused || uv_is_active((const uv_handle_t *)&listener->rest) ||
           listener->accepted >= MAX_ACCEPTS_PER_TURN;
}

static void accept_waiting(net_listener *listener);

static void on_rested(uv_timer_t *timer) {
    accept_waiting(timer->data);
}

static void take_rest(net_listener *listener) {
    uv_timer_start(&listener->rest, on_rested, REST_MS, 0);
}

static int accept_one(net_listener *listener, net_socket **out) {
    net_loop *loop = listener->member.loop;
    bool is_pipe = listener->channel->handle.type == UV_NAMED_PIPE;
    net_channel *channel;
    int status = net_channel_new(&channel, loop, is_pipe);
    if (status != 0)
        return status;
    status = net_socket_from_channel(out, loop, channel);
    if (status != 0) {
        net_channel_close(channel);
        return status;
    }
    listener->has_waiting = false;
    status = uv_accept(&listener->channel->stream, &channel->stream);
    if (status != 0) {
        net_socket_close(*out);
        return status;
    }
    if (!is_pipe)
        uv_tcp_nodelay(&channel->tcp, 1); /* small frames must not wait for acknowledgements */
    return 0;
}

static void accept_waiting(net_listener *listener) {
    if (!listener->has_waiting || must_wait(listener) || listener->is_closing)
        return;
    net_socket *socket;
    if (accept_one(listener, &socket) != 0) {
        take_rest(listener);
        return;
    }
    if (++listener->accepted >= MAX_ACCEPTS_PER_TURN)
        set_due(listener, DUE_ACCEPT);
    if (listener->events->on_connection)
        listener->events->on_connection(listener, socket);
    else
        net_socket_close(socket);
}

static void on_connection(uv_stream_t *stream, int status) {
    net_listener *listener = stream->data;
    if (status != 0) {
        take_rest(listener); /* EMFILE and its like: libuv has dropped what it could not take */
        return;
    }
    listener->has_waiting = true;
    accept_waiting(listener);
}

/* ------------------------------------------------------------------------------------ binding */

static int set_reuse_port(net_channel *channel) {
#ifdef SO_REUSEPORT
    uv_os_fd_t fd;
    int on = 1;
    int status = uv_fileno(&channel->handle, &fd);
    if (status == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        status = UV_ENOTSUP;
    return status;
#else
    (void)channel;
    return UV_ENOTSUP;
#endif
}

static int bind_address(net_listener *listener, net_channel *channel) {
    const struct sockaddr *address = (const struct sockaddr *)&listener->address;
    unsigned flags = 0;
    if (address->sa_family == AF_INET6 && listener->is_ipv6_only)
        flags = UV_TCP_IPV6ONLY;
    return uv_tcp_bind(&channel->tcp, address, flags);
}

/* What a kernel without IPv6 answers. */
static bool is_without_ipv6(int status) {
    return status == UV_EAFNOSUPPORT || status == UV_EADDRNOTAVAIL || status == UV_EINVAL;
}

static int open_tcp(net_listener *listener, net_channel **out) {
    net_channel *channel = mem_alloc(sizeof(*channel));
    if (!channel)
        return UV_ENOMEM;
    /* With the family given the descriptor is made at once, and can have its options set. */
    int status =
        uv_tcp_init_ex(&listener->member.loop->uv, &channel->tcp, listener->address.ss_family);
    if (status != 0) {
        mem_free(channel);
        return status;
    }
    if (listener->is_reuse_port)
        status = set_reuse_port(channel);
    if (status == 0)
        status = bind_address(listener, channel);
    if (status != 0) {
        net_channel_close(channel);
        return status;
    }
    *out = channel;
    return 0;
}

static void listen_on(net_listener *listener, net_channel *channel) {
    channel->handle.data = listener;
    listener->channel = channel;
    if (listener->is_unref)
        uv_unref(&channel->handle);
    int status = uv_listen(&channel->stream, listener->backlog, on_connection);
    if (status != 0)
        fail(listener, status, "listen");
    else
        set_due(listener, DUE_LISTENING);
}

static void open_address(net_listener *listener) {
    net_set_port(&listener->address, listener->port);
    net_channel *channel;
    int status = open_tcp(listener, &channel);
    bool is_any = strcmp(listener->host, "::") == 0;
    if (status != 0 && is_any && is_without_ipv6(status) && !listener->is_ipv6_only) {
        net_parse_address("0.0.0.0", listener->port, &listener->address);
        status = open_tcp(listener, &channel);
    }
    if (status != 0)
        fail(listener, status, "listen");
    else
        listen_on(listener, channel);
}

static void on_addresses(void *context, int status, const struct addrinfo *list) {
    net_listener *listener = context;
    listener->lookup = NULL;
    if (status == 0 && !list)
        status = UV_EAI_NONAME;
    if (status != 0) {
        fail(listener, status, "getaddrinfo");
        return;
    }
    memcpy(&listener->address, list->ai_addr, list->ai_addrlen);
    open_address(listener);
}

static int open_path(net_listener *listener, uint32_t mode) {
    struct sockaddr_un unused;
    if (strlen(listener->host) >= sizeof(unused.sun_path))
        return UV_ENAMETOOLONG; /* libuv would cut it */
    net_channel *channel;
    int status = net_channel_new(&channel, listener->member.loop, true);
    if (status != 0)
        return status;
    status = uv_pipe_bind(&channel->pipe, listener->host);
    if (status == 0 && mode != 0 && chmod(listener->host, mode) != 0)
        status = UV_EPERM;
    if (status != 0) {
        net_channel_close(channel);
        return status;
    }
    listen_on(listener, channel);
    return 0;
}

static int open_descriptor(net_listener *listener, int fd) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return UV_ENOTSOCK;
    bool is_pipe = address.ss_family == AF_UNIX;
    net_channel *channel;
    int status = net_channel_new(&channel, listener->member.loop, is_pipe);
    if (status != 0)
        return status;
    status = is_pipe ? uv_pipe_open(&channel->pipe, fd) : uv_tcp_open(&channel->tcp, fd);
    if (status != 0) {
        net_channel_close(channel);
        return status;
    }
    listen_on(listener, channel);
    return 0;
}

/* --------------------------------------------------------------------------------- life cycle */

static void finish_close(net_listener *listener) {
    TELL(listener, on_close, listener);
    net_member_dispose(&listener->member);
    mem_free(listener);
}

static void deliver(net_member *member) {
    net_listener *listener = LIST_ENTRY(member, net_listener, member);
    uint8_t due = listener->due;
    listener->due = 0;
    if (due & DUE_CLOSED) {
        finish_close(listener);
        return;
    }
    if (listener->is_closing)
        return;
    listener->accepted = 0;
    if (due & DUE_LISTENING)
        TELL(listener, on_listening, listener);
    if ((due & DUE_ERROR) && !listener->is_closing)
        TELL(listener, on_error, listener, &listener->error);
    if (due & DUE_ACCEPT)
        accept_waiting(listener);
}

static void close_member(net_member *member) {
    net_listener_close(LIST_ENTRY(member, net_listener, member));
}

static const net_member_class listener_class = {deliver, close_member, NULL};

static net_listener *make_listener(net_loop *loop, const char *host) {
    size_t size = strlen(host) + 1;
    net_listener *listener = mem_alloc(sizeof(*listener) + size);
    if (!listener)
        return NULL;
    memset(listener, 0, sizeof(*listener));
    memcpy(listener->host, host, size);
    net_member_init(&listener->member, loop, &listener_class);
    uv_timer_init(&loop->uv, &listener->rest);
    uv_unref((uv_handle_t *)&listener->rest);
    listener->rest.data = listener;
    return listener;
}

static int start(net_listener *listener, const net_listen_options *options) {
    if (options->fd >= 0)
        return open_descriptor(listener, options->fd);
    if (options->path)
        return open_path(listener, options->mode);
    if (options->port < 0 || options->port > 65535)
        return UV_EINVAL;
    if (net_parse_address(listener->host, options->port, &listener->address) == 0)
        return net_lookup_start(&listener->lookup, listener->member.loop, listener->host, 0,
                                on_addresses, listener);
    open_address(listener);
    return 0;
}

int net_listener_open(net_listener **out, net_loop *loop, const net_listen_options *options,
                      const net_listener_events *events, void *context) {
    const char *host = options->path ? options->path : options->host ? options->host : "::";
    net_listener *listener = make_listener(loop, options->fd >= 0 ? "" : host);
    if (!listener)
        return UV_ENOMEM;
    listener->events = events;
    listener->context = context;
    listener->port = options->path || options->fd >= 0 ? -1 : options->port;
    listener->backlog = options->backlog > 0 ? options->backlog : DEFAULT_BACKLOG;
    listener->is_ipv6_only = options->is_ipv6_only;
    listener->is_reuse_port = options->is_reuse_port;
    int status = start(listener, options);
    if (status != 0)
        fail(listener, status, "listen");
    *out = listener;
    return 0;
}

void *net_listener_context(const net_listener *listener) {
    return listener->context;
}

int net_listener_address(const net_listener *listener, net_address *address) {
    memset(address, 0, sizeof(*address));
    if (!listener->channel || listener->is_closing)
        return UV_ENOTCONN;
    if (listener->channel->handle.type == UV_NAMED_PIPE)
        return 0;
    struct sockaddr_storage storage;
    int size = sizeof(storage);
    int status = uv_tcp_getsockname(&listener->channel->tcp, (struct sockaddr *)&storage, &size);
    if (status == 0)
        net_format_address(&storage, address);
    return status;
}

int net_listener_path(const net_listener *listener, char path[NET_MAX_PATH]) {
    size_t size = NET_MAX_PATH - 1;
    int status = uv_pipe_getsockname(&listener->channel->pipe, path, &size);
    path[status == 0 ? size : 0] = '\0';
    return status;
}

void net_listener_pause(net_listener *listener, bool is_paused) {
    listener->is_paused = is_paused;
    if (!is_paused && listener->has_waiting)
        set_due(listener, DUE_ACCEPT);
}

void net_listener_ref(net_listener *listener, bool is_ref) {
    listener->is_unref = !is_ref;
    if (!listener->channel)
        return;
    if (is_ref)
        uv_ref(&listener->channel->handle);
    else
        uv_unref(&listener->channel->handle);
}

static void on_rest_closed(uv_handle_t *handle) {
    finish_close(handle->data);
}

void net_listener_close(net_listener *listener) {
    if (listener->is_closing)
        return;
    listener->is_closing = true;
    net_lookup_cancel(listener->lookup);
    listener->lookup = NULL;
    net_channel_close(listener->channel); /* also unlinks a path */
    uv_close((uv_handle_t *)&listener->rest, on_rest_closed);
}
