/* Names to addresses, on libuv's thread pool. An address is not looked up, but it too is told from
 * the loop, so that the caller has one path. */
#include <string.h>

#include "base/mem.h"
#include "net/internal.h"

struct net_lookup {
    uv_getaddrinfo_t request; /* of a name */
    uv_timer_t timer;         /* of an address: due at once */
    net_lookup_done *done;    /* NULL once cancelled */
    void *context;
    struct sockaddr_storage address;
    struct addrinfo info;
};

int net_parse_address(const char *text, int port, struct sockaddr_storage *address) {
    struct sockaddr_storage unused;
    if (!address)
        address = &unused;
    memset(address, 0, sizeof(*address));
    if (uv_ip4_addr(text, port, (struct sockaddr_in *)address) == 0)
        return 4;
    if (uv_ip6_addr(text, port, (struct sockaddr_in6 *)address) == 0)
        return 6;
    return 0;
}

void net_format_address(const struct sockaddr_storage *storage, net_address *address) {
    memset(address, 0, sizeof(*address));
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
        uv_ip4_name(in, address->text, sizeof(address->text));
        address->port = ntohs(in->sin_port);
        address->family = 4;
    } else if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)storage;
        uv_ip6_name(in, address->text, sizeof(address->text));
        address->port = ntohs(in->sin6_port);
        address->family = 6;
    }
}

void net_set_port(struct sockaddr_storage *address, int port) {
    if (address->ss_family == AF_INET)
        ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
}

/* --------------------------------------------------------------------------------- an address */

static void on_timer_closed(uv_handle_t *handle) {
    mem_free(handle->data);
}

static void on_timer(uv_timer_t *handle) {
    net_lookup *lookup = handle->data;
    uv_close((uv_handle_t *)handle, on_timer_closed);
    lookup->done(lookup->context, 0, &lookup->info);
}

static int start_address(net_lookup *lookup, net_loop *loop, int family, int wanted_family) {
    if (wanted_family != 0 && wanted_family != family)
        return UV_EINVAL;
    lookup->info.ai_family = family == 4 ? AF_INET : AF_INET6;
    lookup->info.ai_addr = (struct sockaddr *)&lookup->address;
    lookup->info.ai_addrlen =
        family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    uv_timer_init(&loop->uv, &lookup->timer);
    lookup->timer.data = lookup;
    uv_timer_start(&lookup->timer, on_timer, 0, 0);
    return 0;
}

/* ------------------------------------------------------------------------------------- a name */

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    net_lookup *lookup = request->data;
    if (lookup->done)
        lookup->done(lookup->context, status, list);
    uv_freeaddrinfo(list);
    mem_free(lookup);
}

static int start_name(net_lookup *lookup, net_loop *loop, const char *host, int family) {
    struct addrinfo hints;
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    lookup->request.data = lookup;
    return uv_getaddrinfo(&loop->uv, &lookup->request, on_addresses, host, NULL, &hints);
}

int net_lookup_start(net_lookup **out, net_loop *loop, const char *host, int family,
                     net_lookup_done *done, void *context) {
    net_lookup *lookup = mem_alloc(sizeof(*lookup));
    if (!lookup)
        return UV_ENOMEM;
    memset(lookup, 0, sizeof(*lookup));
    lookup->done = done;
    lookup->context = context;
    int address_family = net_parse_address(host, 0, &lookup->address);
    int status = address_family != 0 ? start_address(lookup, loop, address_family, family)
                                     : start_name(lookup, loop, host, family);
    if (status != 0) {
        mem_free(lookup);
        return status;
    }
    *out = lookup;
    return 0;
}

void net_lookup_cancel(net_lookup *lookup) {
    if (!lookup)
        return;
    if (lookup->timer.data) {
        uv_close((uv_handle_t *)&lookup->timer, on_timer_closed);
        return;
    }
    lookup->done = NULL;
    uv_cancel((uv_req_t *)&lookup->request); /* if a thread is at it, its answer is ignored */
}
