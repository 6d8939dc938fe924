/* Connecting as RFC 8305 has it ("Happy Eyeballs"): the addresses of a name take turns by family;
 * an attempt that has not answered after a while is joined by the next one, and the first to
 * answer wins. The error told in the end is that of the address that was the first choice. */
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "net/internal.h"

#define DEFAULT_ATTEMPT_DELAY_MS 250 /* RFC 8305 §5 */

struct net_connector {
    net_socket *socket; /* NULL once closed */
    net_loop *loop;
    net_lookup *lookup;
    uv_timer_t timer;   /* until the next attempt */
    list_node attempts; /* under way */
    struct sockaddr_storage *addresses;
    size_t count;
    size_t next;
    struct sockaddr_storage local; /* ss_family 0: any */
    int family;
    int port;
    uint32_t delay_ms;
    uint32_t keep_alive_s;
    bool is_no_delay;
    bool is_name;
    net_error error;    /* of the address of the lowest index that failed, */
    size_t error_index; /* which is this one */
    char host[];        /* or path */
};

typedef struct attempt {
    uv_connect_t request;
    list_node node;
    net_connector *connector; /* NULL once given up */
    net_channel *channel;
    size_t index;
} attempt;

/* ---------------------------------------------------------------------------------- outcomes */

static void succeed(net_connector *connector, net_channel *channel) {
    net_socket *socket = connector->socket;
    if (channel->handle.type == UV_TCP) {
        /* Of no consequence for the connection if they fail. */
        uv_tcp_nodelay(&channel->tcp, connector->is_no_delay);
        if (connector->keep_alive_s > 0)
            uv_tcp_keepalive(&channel->tcp, 1, connector->keep_alive_s);
    }
    net_connector_close(connector);
    net_socket_connected(socket, channel);
}

static void fail(net_connector *connector) {
    net_socket *socket = connector->socket;
    net_error error = connector->error;
    net_connector_close(connector);
    net_socket_failed(socket, &error);
}

static void note_failure(net_connector *connector, size_t index, int status) {
    if (index > connector->error_index)
        return;
    connector->error_index = index;
    if (connector->count == 0) { /* a path */
        net_error_from_uv(&connector->error, status, "connect", connector->host, -1);
        return;
    }
    net_address address;
    net_format_address(&connector->addresses[index], &address);
    net_error_from_uv(&connector->error, status, "connect", address.text, address.port);
}

/* ---------------------------------------------------------------------------------- attempts */

static void try_next(net_connector *connector);

static void on_connected(uv_connect_t *request, int status) {
    attempt *done = request->data;
    net_connector *connector = done->connector;
    net_channel *channel = done->channel;
    size_t index = done->index;
    list_remove(&done->node);
    mem_free(done);
    if (!connector)
        return; /* whoever gave it up has closed the channel */
    if (status == 0) {
        succeed(connector, channel);
        return;
    }
    note_failure(connector, index, status);
    net_channel_close(channel);
    try_next(connector);
}

static int connect_tcp(net_connector *connector, attempt *new, size_t index) {
    const struct sockaddr_storage *address = &connector->addresses[index];
    if (connector->local.ss_family != 0) {
        int status = uv_tcp_bind(&new->channel->tcp, (const struct sockaddr *)&connector->local, 0);
        if (status != 0)
            return status;
    }
    return uv_tcp_connect(&new->request, &new->channel->tcp, (const struct sockaddr *)address,
                          on_connected);
}

static int start_attempt(net_connector *connector, size_t index) {
    bool is_path = connector->count == 0;
    attempt *new = mem_alloc(sizeof(*new));
    if (!new)
        return UV_ENOMEM;
    memset(new, 0, sizeof(*new));
    int status = net_channel_new(&new->channel, connector->loop, is_path);
    if (status != 0)
        goto no_channel;
    new->request.data = new;
    new->connector = connector;
    new->index = index;
    list_init(&new->node);
    if (is_path)
        uv_pipe_connect(&new->request, &new->channel->pipe, connector->host, on_connected);
    else
        status = connect_tcp(connector, new, index);
    if (status != 0)
        goto not_connecting;
    list_append(&connector->attempts, &new->node);
    return 0;

not_connecting:
    net_channel_close(new->channel);
no_channel:
    mem_free(new);
    return status;
}

static void on_delay(uv_timer_t *timer) {
    try_next(timer->data);
}

/* Starts the next attempt that can be started; when none is left nor under way, all have failed. */
static void try_next(net_connector *connector) {
    uv_timer_stop(&connector->timer);
    while (connector->next < connector->count) {
        size_t index = connector->next++;
        int status = start_attempt(connector, index);
        if (status == 0) {
            if (connector->next < connector->count)
                uv_timer_start(&connector->timer, on_delay, connector->delay_ms, 0);
            return;
        }
        note_failure(connector, index, status);
    }
    if (list_is_empty(&connector->attempts))
        fail(connector);
}

/* --------------------------------------------------------------------------------- addresses */

static const struct addrinfo *of_family(const struct addrinfo *list, int family) {
    while (list && list->ai_family != family)
        list = list->ai_next;
    return list;
}

static void add_address(net_connector *connector, const struct addrinfo *info) {
    struct sockaddr_storage *address = &connector->addresses[connector->count++];
    memcpy(address, info->ai_addr, info->ai_addrlen);
    net_set_port(address, connector->port);
}

/* RFC 8305 §4: the resolver's order within a family, its first family first, then by turns. */
static int collect(net_connector *connector, const struct addrinfo *list) {
    size_t count = 0;
    for (const struct addrinfo *info = list; info; info = info->ai_next)
        count++;
    if (count == 0)
        return UV_EAI_NONAME;
    connector->addresses = mem_alloc(count * sizeof(*connector->addresses));
    if (!connector->addresses)
        return UV_ENOMEM;
    int leading = list->ai_family == AF_INET ? AF_INET : AF_INET6;
    int other = leading == AF_INET ? AF_INET6 : AF_INET;
    const struct addrinfo *first = of_family(list, leading);
    const struct addrinfo *second = of_family(list, other);
    while (first || second) {
        if (first) {
            add_address(connector, first);
            first = of_family(first->ai_next, leading);
        }
        if (second) {
            add_address(connector, second);
            second = of_family(second->ai_next, other);
        }
    }
    return connector->count == 0 ? UV_EAI_NONAME : 0;
}

/* Tells the addresses of a name; the program may close the socket while it listens. */
static void announce(net_connector *connector) {
    for (size_t i = 0; i < connector->count && connector->socket; i++) {
        net_address address;
        net_format_address(&connector->addresses[i], &address);
        net_socket_looked_up(connector->socket, NULL, address.text, address.family,
                             connector->host);
    }
}

static void on_addresses(void *context, int status, const struct addrinfo *list) {
    net_connector *connector = context;
    connector->lookup = NULL;
    if (status == 0)
        status = collect(connector, list);
    if (status != 0) {
        net_error_from_uv(&connector->error, status, "getaddrinfo", connector->host, -1);
        if (connector->is_name)
            net_socket_looked_up(connector->socket, &connector->error, NULL, 0, connector->host);
        if (connector->socket)
            fail(connector);
        return;
    }
    if (connector->is_name)
        announce(connector);
    if (connector->socket)
        try_next(connector);
}

/* -------------------------------------------------------------------------------- life cycle */

static int set_local(net_connector *connector, const net_connect_options *options) {
    if (!options->local_address && options->local_port == 0)
        return 0;
    const char *any = options->family == 6 ? "::" : "0.0.0.0";
    const char *text = options->local_address ? options->local_address : any;
    int family = net_parse_address(text, options->local_port, &connector->local);
    if (family == 0 || (options->family != 0 && options->family != family))
        return UV_EINVAL;
    connector->family = family; /* the other one could not be reached from there */
    return 0;
}

static int start(net_connector *connector, const net_connect_options *options) {
    if (options->path) {
        struct sockaddr_un unused;
        if (strlen(options->path) >= sizeof(unused.sun_path))
            return UV_ENAMETOOLONG;
        return start_attempt(connector, 0);
    }
    int status = set_local(connector, options);
    if (status != 0)
        return status;
    connector->is_name = net_parse_address(options->host, 0, NULL) == 0;
    return net_lookup_start(&connector->lookup, connector->loop, options->host, connector->family,
                            on_addresses, connector);
}

int net_connector_new(net_connector **out, net_socket *socket, net_loop *loop,
                      const net_connect_options *options) {
    const char *host = options->path ? options->path : options->host;
    if (!host || options->port < 0 || options->port > 65535)
        return UV_EINVAL;
    size_t size = strlen(host) + 1;
    net_connector *connector = mem_alloc(sizeof(*connector) + size);
    if (!connector)
        return UV_ENOMEM;
    memset(connector, 0, sizeof(*connector));
    memcpy(connector->host, host, size);
    connector->socket = socket;
    connector->loop = loop;
    connector->family = options->family;
    connector->port = options->port;
    connector->keep_alive_s = options->keep_alive_s;
    connector->is_no_delay = options->is_no_delay;
    connector->delay_ms =
        options->attempt_delay_ms > 0 ? options->attempt_delay_ms : DEFAULT_ATTEMPT_DELAY_MS;
    connector->error_index = SIZE_MAX;
    list_init(&connector->attempts);
    uv_timer_init(&loop->uv, &connector->timer);
    connector->timer.data = connector;
    int status = start(connector, options);
    if (status != 0) {
        net_connector_close(connector);
        return status;
    }
    *out = connector;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle) {
    net_connector *connector = handle->data;
    mem_free(connector->addresses);
    mem_free(connector);
}

void net_connector_close(net_connector *connector) {
    if (!connector)
        return;
    connector->socket = NULL;
    net_lookup_cancel(connector->lookup);
    connector->lookup = NULL;
    list_node *node;
    while ((node = list_first(&connector->attempts)) != NULL) {
        attempt *given_up = LIST_ENTRY(node, attempt, node);
        list_remove(node);
        given_up->connector = NULL;
        net_channel_close(given_up->channel); /* on_connected frees the attempt */
    }
    uv_close((uv_handle_t *)&connector->timer, on_timer_closed);
}
