#include "tls_support.h"

void pair_open(tls_pair *self, net_tls_context *client, net_tls_context *server,
               const char *servername, bytes_slice session) {
    memset(self, 0, sizeof(*self));
    assert_int_equal(net_tls_new(&self->client, client, servername, session), 0);
    assert_int_equal(net_tls_new(&self->server, server, NULL, bytes_slice_of(NULL, 0)), 0);
}

void pair_close(tls_pair *self) {
    net_tls_free(self->client);
    net_tls_free(self->server);
}

static bool hand_over(net_tls *from, net_tls *to, size_t split, net_tls_status *status,
                      net_error *error) {
    bytes_slice output = net_tls_output(from);
    if (output.size == 0)
        return false;
    size_t size = split > 0 && split < output.size ? split : output.size;
    net_tls_status now = net_tls_feed(to, output.data, size, error);
    if (*status == NET_TLS_OK)
        *status = now;
    net_tls_sent(from, size);
    return true;
}

void pair_run(tls_pair *self) {
    bool is_busy = true;
    while (is_busy) {
        is_busy = hand_over(self->client, self->server, self->split, &self->server_status,
                            &self->server_error);
        is_busy |= hand_over(self->server, self->client, self->split, &self->client_status,
                             &self->client_error);
    }
}

void pair_shake(tls_pair *self, const net_tls_options *client, const net_tls_options *server,
                const char *servername) {
    net_tls_context *client_context = make_context(client);
    net_tls_context *server_context = make_context(server);
    pair_open(self, client_context, server_context, servername, bytes_slice_of(NULL, 0));
    net_tls_context_unref(client_context);
    net_tls_context_unref(server_context);
    self->client_status = net_tls_start(self->client, &self->client_error);
    pair_run(self);
}

void write_all(net_tls *tls, const void *data, size_t size) {
    bytes_slice slice = bytes_slice_of(data, size);
    net_error error;
    size_t taken;
    assert_int_equal(net_tls_write(tls, &slice, 1, SIZE_MAX, &taken, &error), NET_TLS_OK);
    assert_int_equal(taken, size);
}

net_tls_status read_all(net_tls *tls, bytes_buffer *into, net_error *error) {
    for (;;) {
        uint8_t buffer[4096];
        size_t size;
        net_tls_status status = net_tls_read(tls, buffer, sizeof(buffer), &size, error);
        if (size == 0)
            return status;
        assert_int_equal(status, NET_TLS_OK);
        assert_int_equal(bytes_buffer_append(into, buffer, size), 0);
    }
}
