/* Connections counted by where they come from: the addresses of IPv4 that every machine has. */
#include "support/net_support.h"

#include <sys/socket.h>

#define MOST 8

/* A server that lets connections in as a crowd does, and clients from several addresses. */
typedef struct gate {
    test_server server;
    net_crowd *crowd;
    endpoint clients[MOST], accepted[MOST];
    size_t count; /* of connections that came */
    bool is_admitted[MOST];
    bool is_memory_out;
} gate;

static void on_connection(test_server *server, net_socket *socket) {
    gate *self = (gate *)server;
    size_t at = self->count++;
    mem_fail_from(self->is_memory_out ? 1 : 0);
    self->is_admitted[at] = net_crowd_admit(self->crowd, socket);
    mem_fail_from(0);
    self->accepted[at].socket = socket;
    net_socket_set_events(socket, &endpoint_events, &self->accepted[at]);
    net_socket_read_start(socket);
}

static void open_gate(gate *self, net_loop *loop, uint32_t most) {
    self->server.on_connection = on_connection;
    assert_int_equal(net_crowd_new(&self->crowd, most), 0);
    server_open(&self->server, loop, NULL);
}

/* Whether a client from that address is let in. */
static bool comes(gate *self, net_loop *loop, const char *address) {
    size_t at = self->count;
    net_connect_options options = {
        .host = "127.0.0.1", .port = self->server.port, .local_address = address};
    assert_int_equal(net_socket_connect(&self->clients[at].socket, loop, &options, &endpoint_events,
                                        &self->clients[at]),
                     0);
    RUN_UNTIL(loop, self->count == at + 1);
    return self->is_admitted[at];
}

static void leaves(gate *self, net_loop *loop, size_t at) {
    endpoint_close(&self->clients[at], loop);
    endpoint_close(&self->accepted[at], loop);
}

static void close_gate(gate *self, net_loop *loop) {
    for (size_t i = 0; i < self->count; i++)
        leaves(self, loop, i);
    server_close(&self->server, loop);
}

static void each_address_has_its_share(void **state) {
    gate self = {0};
    open_gate(&self, *state, 2);
    assert_true(comes(&self, *state, "127.0.0.1"));
    assert_true(comes(&self, *state, "127.0.0.1"));
    assert_false(comes(&self, *state, "127.0.0.1"));
    assert_true(comes(&self, *state, "127.0.0.2"));
    assert_true(comes(&self, *state, "127.0.0.2"));
    assert_false(comes(&self, *state, "127.0.0.2"));
    close_gate(&self, *state);
    net_crowd_free(self.crowd);
}

static void a_connection_that_closes_makes_room(void **state) {
    gate self = {0};
    open_gate(&self, *state, 1);
    assert_true(comes(&self, *state, "127.0.0.1"));
    assert_false(comes(&self, *state, "127.0.0.1"));
    leaves(&self, *state, 1); /* was not counted */
    assert_false(comes(&self, *state, "127.0.0.1"));
    leaves(&self, *state, 0);
    assert_true(comes(&self, *state, "127.0.0.1"));
    close_gate(&self, *state);
    net_crowd_free(self.crowd);
}

static void sockets_may_outlive_their_crowd(void **state) {
    gate self = {0};
    open_gate(&self, *state, 1);
    assert_true(comes(&self, *state, "127.0.0.1"));
    assert_true(comes(&self, *state, "127.0.0.2"));
    net_crowd_free(self.crowd);
    close_gate(&self, *state); /* the loop's end finds what is left over */
    net_crowd_free(NULL);
}

static void what_has_no_address_is_not_counted(void **state) {
    net_crowd *crowd;
    assert_int_equal(net_crowd_new(&crowd, 1), 0);
    endpoint ends[2] = {0};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            net_socket_adopt(&ends[i].socket, *state, fds[i], &endpoint_events, &ends[i]), 0);
        assert_true(net_crowd_admit(crowd, ends[i].socket));
    }
    for (size_t i = 0; i < 2; i++)
        endpoint_close(&ends[i], *state);
    net_crowd_free(crowd);
}

static void without_memory_nobody_is_let_in(void **state) {
    gate self = {0};
    net_crowd *none;
    mem_fail_from(1);
    assert_int_equal(net_crowd_new(&none, 1), UV_ENOMEM);
    mem_fail_from(0);
    open_gate(&self, *state, 1);
    self.is_memory_out = true;
    assert_false(comes(&self, *state, "127.0.0.1"));
    self.is_memory_out = false;
    assert_true(comes(&self, *state, "127.0.0.1"));
    close_gate(&self, *state);
    net_crowd_free(self.crowd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_address_has_its_share, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(a_connection_that_closes_makes_room, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(sockets_may_outlive_their_crowd, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(what_has_no_address_is_not_counted, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(without_memory_nobody_is_let_in, open_loop, close_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
