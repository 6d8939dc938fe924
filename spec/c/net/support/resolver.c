/* The resolver of these tests, instead of the C library's: no network, no /etc/hosts, and lists in
 * known order. */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "net/internal.h"

typedef struct fake_host {
    const char *name;
    const char *addresses[4];
} fake_host;

static const fake_host fake_hosts[] = {
    {"localhost", {"127.0.0.1"}},
    {"six-first.test", {"::1", "127.0.0.1"}},
    {"four-first.test", {"127.0.0.5", "127.0.0.6", "::1"}},
    {"slow-first.test", {"127.0.0.3", "127.0.0.1"}},
};

typedef struct fake_info {
    struct addrinfo info;
    struct sockaddr_storage address;
} fake_info;

static struct addrinfo *make_info(const char *text, struct addrinfo *next) {
    fake_info *new = calloc(1, sizeof(*new));
    int family = net_parse_address(text, 0, &new->address);
    new->info.ai_family = family == 4 ? AF_INET : AF_INET6;
    new->info.ai_addr = (struct sockaddr *)&new->address;
    new->info.ai_addrlen = family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    new->info.ai_next = next;
    return &new->info;
}

#define EXPORTED __attribute__((visibility("default"))) /* for libuv to find them first */

EXPORTED int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                         struct addrinfo **list) {
    (void)service;
    *list = NULL;
    for (size_t i = 0; i < sizeof(fake_hosts) / sizeof(*fake_hosts); i++) {
        if (strcmp(fake_hosts[i].name, name) != 0)
            continue;
        for (int k = 3; k >= 0; k--) {
            const char *text = fake_hosts[i].addresses[k];
            int family = text && strchr(text, ':') ? AF_INET6 : AF_INET;
            if (text && (hints->ai_family == AF_UNSPEC || hints->ai_family == family))
                *list = make_info(text, *list);
        }
    }
    return *list ? 0 : EAI_NONAME;
}

EXPORTED void freeaddrinfo(struct addrinfo *list) {
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(LIST_ENTRY(list, fake_info, info));
        list = next;
    }
}
