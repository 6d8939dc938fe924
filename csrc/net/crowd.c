/* How many connections come from the same place: an IPv4 address, or the first 64 bits of an IPv6
 * address, of which one household has all that follow. A few buckets of short lists do: who is counted
 * here is held to a number of connections that one process can bear. */
#include <string.h>

#include "base/mem.h"
#include "net/socket.h"

#define BUCKETS 1024u

/* A place where connections come from. Owned by its crowd, while it has any. */
struct net_crowd_place {
    list_node link; /* in its bucket */
    net_crowd *crowd;
    uint64_t address;
    uint32_t connections;
    bool is_ipv6;
};

struct net_crowd {
    uint32_t most;
    uint32_t places;
    bool is_left; /* by who made it: goes with its last place */
    list_node buckets[BUCKETS];
};

int net_crowd_new(net_crowd **out, uint32_t most) {
    net_crowd *crowd = mem_alloc(sizeof(*crowd));
    if (!crowd)
        return UV_ENOMEM;
    crowd->most = most;
    crowd->places = 0;
    crowd->is_left = false;
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&crowd->buckets[i]);
    *out = crowd;
    return 0;
}

static void free_if_empty(net_crowd *crowd) {
    if (crowd->is_left && crowd->places == 0)
        mem_free(crowd);
}

void net_crowd_free(net_crowd *crowd) {
    if (!crowd)
        return;
    crowd->is_left = true;
    free_if_empty(crowd);
}

/* The place of the socket's peer. False for a peer without an address. */
static bool locate(const net_socket *socket, net_crowd_place *place) {
    struct sockaddr_storage storage;
    int size = sizeof(storage);
    if (!socket->channel || socket->channel->handle.type != UV_TCP ||
        uv_tcp_getpeername(&socket->channel->tcp, (struct sockaddr *)&storage, &size) != 0)
        return false;
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    *place = (net_crowd_place){.is_ipv6 = storage.ss_family == AF_INET6};
    if (!place->is_ipv6) {
        place->address = ((const struct sockaddr_in *)&storage)->sin_addr.s_addr;
        return true;
    }
    const uint8_t *octets = ((const struct sockaddr_in6 *)&storage)->sin6_addr.s6_addr;
    place->is_ipv6 = memcmp(octets, mapped, sizeof(mapped)) != 0;
    if (place->is_ipv6)
        memcpy(&place->address, octets, 8);
    else
        memcpy(&place->address, octets + sizeof(mapped), 4);
    return true;
}

static net_crowd_place *find(net_crowd *crowd, const net_crowd_place *wanted, list_node **bucket) {
    uint64_t mixed = wanted->address * UINT64_C(0x9e3779b97f4a7c15);
    *bucket = &crowd->buckets[(mixed >> 32) % BUCKETS];
    for (list_node *node = (*bucket)->next; node != *bucket; node = node->next) {
        net_crowd_place *place = LIST_ENTRY(node, net_crowd_place, link);
        if (place->address == wanted->address && place->is_ipv6 == wanted->is_ipv6)
            return place;
    }
    return NULL;
}

static net_crowd_place *add(net_crowd *crowd, const net_crowd_place *wanted, list_node *bucket) {
    net_crowd_place *place = mem_alloc(sizeof(*place));
    if (!place)
        return NULL;
    *place = *wanted;
    place->crowd = crowd;
    list_append(bucket, &place->link);
    crowd->places++;
    return place;
}

bool net_crowd_admit(net_crowd *crowd, net_socket *socket) {
    net_crowd_place wanted;
    list_node *bucket;
    if (!locate(socket, &wanted))
        return true;
    net_crowd_place *place = find(crowd, &wanted, &bucket);
    if (!place)
        place = add(crowd, &wanted, bucket);
    if (!place || place->connections >= crowd->most)
        return false;
    place->connections++;
    socket->place = place;
    return true;
}

void net_crowd_leave(net_crowd_place *place) {
    if (!place || --place->connections > 0)
        return;
    net_crowd *crowd = place->crowd;
    list_remove(&place->link);
    mem_free(place);
    crowd->places--;
    free_if_empty(crowd);
}
