#include "support/net_support.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void listen_with(test_server *self, net_loop *loop, net_listen_options options) {
    assert_int_equal(net_listener_open(&self->listener, loop, &options, &server_events, self), 0);
    assert_int_equal(self->listenings + self->errors, 0);
    RUN_UNTIL(loop, self->listenings + self->errors == 1);
}

static void tells_a_port_in_use(void **state) {
    test_server first = {0}, second = {0};
    endpoint unused = {0};
    server_open(&first, *state, &unused);
    listen_with(&second, *state,
                (net_listen_options){.host = "127.0.0.1", .port = first.port, .fd = -1});
    assert_int_equal(second.errors, 1);
    assert_string_equal(second.error.code, "EADDRINUSE");
    assert_string_equal(second.error.syscall, "listen");
    assert_string_equal(second.error.address, "127.0.0.1");
    assert_int_equal(second.error.port, first.port);
    server_close(&first, *state);
    server_close(&second, *state);
}

static void shares_a_port_where_that_is_asked_for(void **state) {
    test_server first = {0}, second = {0};
    net_listen_options options = {.host = "127.0.0.1", .fd = -1, .is_reuse_port = true};
    net_address address;
    listen_with(&first, *state, options);
    assert_int_equal(net_listener_address(first.listener, &address), 0);
    options.port = address.port;
    listen_with(&second, *state, options);
    assert_int_equal(second.listenings, 1);
    server_close(&first, *state);
    server_close(&second, *state);
}

static void listens_on_every_address_by_default(void **state) {
    test_server self = {0};
    endpoint client = {0}, accepted = {0};
    self.accepted = &accepted;
    listen_with(&self, *state, (net_listen_options){.fd = -1});
    assert_int_equal(self.listenings, 1);
    net_address address;
    assert_int_equal(net_listener_address(self.listener, &address), 0);
    endpoint_connect(&client, *state, address.port);
    RUN_UNTIL(*state, client.connects == 1 && accepted.socket);
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&self, *state);
}

static void listens_on_a_name(void **state) {
    test_server self = {0}, unknown = {0};
    listen_with(&self, *state, (net_listen_options){.host = "localhost", .fd = -1});
    assert_int_equal(self.listenings, 1);
    listen_with(&unknown, *state, (net_listen_options){.host = "no such host", .fd = -1});
    assert_int_equal(unknown.errors, 1);
    server_close(&self, *state);
    server_close(&unknown, *state);
}

static void tells_an_address_that_is_not_here(void **state) {
    test_server self = {0}, other = {0};
    listen_with(&self, *state, (net_listen_options){.host = "192.0.2.1", .fd = -1});
    assert_string_equal(self.error.code, "EADDRNOTAVAIL");
    listen_with(&other, *state, (net_listen_options){.host = "127.0.0.1", .port = -5, .fd = -1});
    assert_string_equal(other.error.code, "EINVAL");
    server_close(&self, *state);
    server_close(&other, *state);
}

static void serves_a_unix_socket_and_removes_its_file(void **state) {
    test_server self = {0}, second = {0};
    endpoint client = {0}, accepted = {.is_echoing = true};
    char path[64];
    snprintf(path, sizeof(path), "listener_test.%ld", (long)getpid());
    self.accepted = &accepted;
    listen_with(&self, *state, (net_listen_options){.path = path, .fd = -1, .mode = 0600});
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    listen_with(&second, *state, (net_listen_options){.path = path, .fd = -1});
    assert_string_equal(second.error.code, "EADDRINUSE");
    assert_string_equal(second.error.address, path);
    assert_int_equal(second.error.port, -1);
    server_close(&second, *state);
    net_connect_options options = {.path = path};
    assert_int_equal(
        net_socket_connect(&client.socket, *state, &options, &endpoint_events, &client), 0);
    net_socket_read_start(client.socket);
    endpoint_send(&client, "unix", 4);
    RUN_UNTIL(*state, client.received.size == 4);
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&self, *state);
    assert_int_not_equal(stat(path, &status), 0);
    endpoint late = {0};
    assert_int_equal(net_socket_connect(&late.socket, *state, &options, &endpoint_events, &late),
                     0);
    RUN_UNTIL(*state, late.errors == 1);
    assert_string_equal(late.error.code, "ENOENT");
    assert_string_equal(late.error.address, path);
    endpoint_close(&late, *state);
}

static void refuses_a_path_that_is_too_long(void **state) {
    test_server self = {0};
    char path[200];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    listen_with(&self, *state, (net_listen_options){.path = path, .fd = -1});
    assert_string_equal(self.error.code, "ENAMETOOLONG");
    server_close(&self, *state);
}

static void takes_over_a_descriptor(void **state) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 5), 0);
    test_server self = {0};
    endpoint client = {0}, accepted = {0};
    self.accepted = &accepted;
    listen_with(&self, *state, (net_listen_options){.fd = fd});
    net_address name;
    assert_int_equal(net_listener_address(self.listener, &name), 0);
    endpoint_connect(&client, *state, name.port);
    RUN_UNTIL(*state, client.connects == 1 && accepted.socket);
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&self, *state);
    test_server wrong = {0};
    listen_with(&wrong, *state, (net_listen_options){.fd = 9999});
    assert_string_equal(wrong.error.code, "ENOTSOCK");
    server_close(&wrong, *state);
}

/* Counts connections and keeps none. */
static void drop_connection(test_server *self, net_socket *socket) {
    (void)self;
    net_socket_close(socket);
}

static void lets_connections_wait_while_paused(void **state) {
    test_server self = {.on_connection = drop_connection};
    endpoint unused = {0}, clients[5] = {{0}};
    server_open(&self, *state, &unused);
    net_listener_pause(self.listener, true);
    for (size_t i = 0; i < 5; i++)
        endpoint_connect(&clients[i], *state, self.port);
    RUN_UNTIL(*state, clients[4].connects == 1);
    run_for(*state, 10);
    assert_int_equal(self.connections, 0);
    net_listener_pause(self.listener, false);
    assert_int_equal(self.connections, 0);
    RUN_UNTIL(*state, self.connections == 5);
    for (size_t i = 0; i < 5; i++)
        endpoint_close(&clients[i], *state);
    server_close(&self, *state);
}

static void closes_while_a_connection_waits(void **state) {
    test_server self = {.on_connection = drop_connection};
    endpoint unused = {0}, client = {0};
    server_open(&self, *state, &unused);
    net_listener_pause(self.listener, true);
    endpoint_connect(&client, *state, self.port);
    RUN_UNTIL(*state, client.connects == 1);
    run_for(*state, 5);
    server_close(&self, *state);
    assert_int_equal(self.connections, 0);
    endpoint_close(&client, *state);
}

static void accepts_a_crowd(void **state) {
    enum { CROWD = 300 };
    test_server self = {.on_connection = drop_connection};
    endpoint unused = {0};
    static endpoint clients[CROWD];
    memset(clients, 0, sizeof(clients));
    server_open(&self, *state, &unused);
    for (size_t i = 0; i < CROWD; i++)
        endpoint_connect(&clients[i], *state, self.port);
    RUN_UNTIL(*state, self.connections == CROWD);
    for (size_t i = 0; i < CROWD; i++)
        endpoint_close(&clients[i], *state);
    server_close(&self, *state);
}

static void rests_when_memory_is_out_and_goes_on(void **state) {
    test_server self = {.on_connection = drop_connection};
    endpoint unused = {0}, client = {0};
    server_open(&self, *state, &unused);
    endpoint_connect(&client, *state, self.port);
    uint64_t start = uv_hrtime();
    RUN_UNTIL(*state, client.connects == 1 || self.connections == 1);
    if (self.connections == 0) {
        mem_fail_from(1);
        net_loop_run(*state, UV_RUN_NOWAIT);
        mem_fail_from(0);
        RUN_UNTIL(*state, self.connections == 1);
        assert_true(uv_hrtime() - start >= 90 * 1000000ull);
    }
    endpoint_close(&client, *state);
    server_close(&self, *state);
}

static void bears_running_out_of_descriptors(void **state) {
    test_server self = {.on_connection = drop_connection};
    endpoint unused = {0}, client = {0}, late = {0};
    server_open(&self, *state, &unused);
    endpoint_connect(&client, *state, self.port);
    /* The client has its descriptor; the server gets none. */
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    int next = dup(0);
    close(next);
    low = old;
    low.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &low);
    run_for(*state, 20);
    setrlimit(RLIMIT_NOFILE, &old);
    endpoint_connect(&late, *state, self.port);
    RUN_UNTIL(*state, self.connections >= 1);
    endpoint_close(&client, *state);
    endpoint_close(&late, *state);
    server_close(&self, *state);
}

static void does_not_keep_the_loop_alive_when_unreferenced(void **state) {
    test_server self = {0};
    endpoint unused = {0};
    server_open(&self, *state, &unused);
    net_listener_ref(self.listener, false);
    assert_false(net_loop_run(*state, UV_RUN_DEFAULT));
    server_close(&self, *state);
}

static void bears_failing_allocations(void **state) {
    for (size_t n = 1; n < 6; n++) {
        test_server self = {0};
        net_listen_options options = {.host = "localhost", .fd = -1};
        begin_watch(*state);
        mem_fail_once(n);
        int status = net_listener_open(&self.listener, *state, &options, &server_events, &self);
        while (status == 0 && self.listenings + self.errors == 0) {
            assert_false(is_overdue());
            net_loop_run(*state, UV_RUN_ONCE);
        }
        mem_fail_from(0);
        end_watch();
        if (status == 0)
            server_close(&self, *state);
        else
            assert_int_equal(status, UV_ENOMEM);
    }
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(tells_a_port_in_use),
        ON_LOOP(shares_a_port_where_that_is_asked_for),
        ON_LOOP(listens_on_every_address_by_default),
        ON_LOOP(listens_on_a_name),
        ON_LOOP(tells_an_address_that_is_not_here),
        ON_LOOP(serves_a_unix_socket_and_removes_its_file),
        ON_LOOP(refuses_a_path_that_is_too_long),
        ON_LOOP(takes_over_a_descriptor),
        ON_LOOP(lets_connections_wait_while_paused),
        ON_LOOP(closes_while_a_connection_waits),
        ON_LOOP(accepts_a_crowd),
        ON_LOOP(rests_when_memory_is_out_and_goes_on),
        ON_LOOP(bears_running_out_of_descriptors),
        ON_LOOP(does_not_keep_the_loop_alive_when_unreferenced),
        ON_LOOP(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
