/* Two filters that face each other in memory. */
#ifndef SPEC_NET_TLS_SUPPORT_H
#define SPEC_NET_TLS_SUPPORT_H

#include "net_support.h"

typedef struct tls_pair {
    net_tls *client, *server;
    net_tls_status client_status, server_status; /* of the last steps */
    net_error client_error, server_error;
    size_t split; /* octets handed over at a time; 0: all there are */
} tls_pair;

/* Filters for two contexts, which the pair does not own; the handshake is not begun. */
void pair_open(tls_pair *pair, net_tls_context *client, net_tls_context *server,
               const char *servername, bytes_slice session);
void pair_close(tls_pair *pair);
/* Hands octets over until both sides are quiet. */
void pair_run(tls_pair *pair);
/* Both at once: contexts of these options, and the handshake. The contexts end with the pair. */
void pair_shake(tls_pair *pair, const net_tls_options *client, const net_tls_options *server,
                const char *servername);

void write_all(net_tls *tls, const void *data, size_t size);
/* Reads what there is; returns the status of the last read. */
net_tls_status read_all(net_tls *tls, bytes_buffer *into, net_error *error);

#endif
