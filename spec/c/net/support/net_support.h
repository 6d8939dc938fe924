/* What the tests of csrc/net share: a loop with a watchdog, and an endpoint that keeps what a
 * socket tells and can echo, gather or send. */
#ifndef SPEC_NET_SUPPORT_H
#define SPEC_NET_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/net.h"

/* A loop whose turn flushes the wires; for cmocka's setup and teardown, which checks for leaks. */
int open_loop(void **state);
int close_loop(void **state);

/* Runs the loop until the condition holds; fails after five seconds. */
#define RUN_UNTIL(loop, condition)                                                                 \
    do {                                                                                           \
        begin_watch(loop);                                                                         \
        while (!(condition)) {                                                                     \
            assert_false(is_overdue());                                                            \
            net_loop_run((loop), UV_RUN_ONCE);                                                     \
        }                                                                                          \
        end_watch();                                                                               \
    } while (0)
void begin_watch(net_loop *loop);
bool is_overdue(void);
void end_watch(void);
/* Runs the loop for a while. */
void run_for(net_loop *loop, uint64_t milliseconds);

typedef struct endpoint {
    net_socket *socket; /* NULL once closed */
    int lookups, connects, secures, ends, writables, finishes, errors, closes;
    net_error error;
    char first_address[64];
    bytes_buffer received;
    size_t received_octets;
    bool is_echoing;
    bool is_sinking;        /* count what comes, do not keep it */
    bool is_closing_on_end; /* shutdown at the peer's end */
    net_tls *tls;           /* for an accepted socket: secures it at once */
    bytes_buffer outgoing;  /* what the socket did not take yet */
    void (*on_any)(struct endpoint *endpoint, const char *event); /* may be NULL */
    void *extra;
} endpoint;

extern const net_socket_events endpoint_events;

void endpoint_dispose(endpoint *endpoint);
/* Connects to 127.0.0.1. */
void endpoint_connect(endpoint *endpoint, net_loop *loop, int port);
/* Writes all, as the socket takes it. */
void endpoint_send(endpoint *endpoint, const void *data, size_t size);
/* Closes what is open, and waits for it. */
void endpoint_close(endpoint *endpoint, net_loop *loop);
/* Writes to a peer that does not read: some is taken, of which 1 to `bound` octets wait outside the
 * kernel, and no more. Once the peer reads, all `size` octets arrive. */
void write_to_the_deaf(net_loop *loop, endpoint *from, endpoint *to, size_t size, size_t bound);

/* A listener that gives its one next connection to `accepted`. */
typedef struct test_server {
    net_listener *listener;
    endpoint *accepted;
    net_tls_context *tls;
    int listenings, connections, errors, closes;
    net_error error;
    int port;
    /* Instead of all that; may be NULL. */
    void (*on_connection)(struct test_server *server, net_socket *socket);
} test_server;

extern const net_listener_events server_events;

/* Listens on a free port of 127.0.0.1, and waits until it does. */
void server_open(test_server *server, net_loop *loop, endpoint *accepted);
void server_close(test_server *server, net_loop *loop);

/* Connected over TCP; with contexts, over TLS for "localhost" (not yet shaken hands). */
void connect_pair(net_loop *loop, test_server *server, endpoint *client, endpoint *accepted,
                  net_tls_context *client_tls, net_tls_context *server_tls);

/* Octets that tell where they belong. */
void fill_pattern(uint8_t *data, size_t size, uint32_t seed);

/* The folder with the test certificates, which are made when first asked for; and one of its files
 * as a slice, read once. */
const char *certificates(void);
bytes_slice certificate(const char *name);

/* Contexts with the test CA, ALPN h2. The server has the certificate for "localhost". */
net_tls_options client_options(void);
net_tls_options server_options(void);
net_tls_context *make_context(const net_tls_options *options);

#endif
