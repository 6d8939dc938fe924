#include "support/net_support.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "net/internal.h"

/* A socket that is bound to a port of this address, one of the system's choice at 0. */
static int bind_socket(const char *address, int *port) {
    struct sockaddr_storage place;
    struct sockaddr_in *bound = (struct sockaddr_in *)&place;
    socklen_t size = sizeof(*bound);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    net_parse_address(address, *port, &place);
    assert_int_equal(bind(fd, (struct sockaddr *)bound, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)bound, &size), 0);
    *port = ntohs(bound->sin_port);
    return fd;
}

static void connect_to(endpoint *client, net_loop *loop, const char *host, int port, int family) {
    net_connect_options options = {.host = host, .port = port, .family = family};
    assert_int_equal(net_socket_connect(&client->socket, loop, &options, &endpoint_events, client),
                     0);
}

static void connects_to_an_address_without_looking_it_up(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0};
    connect_pair(*state, &listening, &client, &accepted, NULL, NULL);
    assert_int_equal(client.lookups, 0);
    assert_int_equal(client.errors, 0);
    assert_false(net_socket_is_connecting(client.socket));
    net_address address;
    assert_int_equal(net_socket_peer(client.socket, &address), 0);
    assert_string_equal(address.text, "127.0.0.1");
    assert_int_equal(address.port, listening.port);
    assert_int_equal(address.family, 4);
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
}

static void tells_code_address_and_port_of_a_refused_connection(void **state) {
    endpoint client = {0};
    int port = 0, holder = bind_socket("127.0.0.1", &port); /* it does not listen */
    connect_to(&client, *state, "127.0.0.1", port, 0);
    assert_true(net_socket_is_connecting(client.socket));
    assert_int_equal(client.errors, 0);
    RUN_UNTIL(*state, client.errors == 1);
    assert_string_equal(client.error.code, "ECONNREFUSED");
    assert_int_equal(client.error.number, UV_ECONNREFUSED);
    assert_string_equal(client.error.syscall, "connect");
    assert_string_equal(client.error.address, "127.0.0.1");
    assert_int_equal(client.error.port, port);
    char text[64];
    snprintf(text, sizeof(text), "connect ECONNREFUSED 127.0.0.1:%d", port);
    assert_string_equal(client.error.text, text);
    assert_int_equal(client.connects, 0);
    endpoint_close(&client, *state);
    close(holder);
}

static void tells_of_a_name_that_nobody_knows(void **state) {
    endpoint client = {0};
    connect_to(&client, *state, "no..such.host", 80, 0);
    RUN_UNTIL(*state, client.errors == 1);
    assert_string_equal(client.error.syscall, "getaddrinfo");
    assert_string_equal(client.error.address, "no..such.host");
    assert_int_equal(client.lookups, 1);
    assert_string_equal(client.error.code, "ENOTFOUND");
    assert_string_equal(client.error.text, "getaddrinfo ENOTFOUND no..such.host");
    endpoint_close(&client, *state);
}

static void tells_what_is_wrong_at_once_from_the_loop(void **state) {
    endpoint client = {0}, other = {0};
    connect_to(&client, *state, "127.0.0.1", 70000, 0);
    assert_int_equal(client.errors, 0);
    net_connect_options options = {.path = "/tmp/"};
    char path[300];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    options.path = path;
    assert_int_equal(net_socket_connect(&other.socket, *state, &options, &endpoint_events, &other),
                     0);
    RUN_UNTIL(*state, client.errors == 1 && other.errors == 1);
    assert_string_equal(client.error.code, "EINVAL");
    assert_string_equal(other.error.code, "ENAMETOOLONG");
    endpoint_close(&client, *state);
    endpoint_close(&other, *state);
}

static void looks_up_a_name_and_tells_its_addresses(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0};
    server_open(&listening, *state, &accepted);
    connect_to(&client, *state, "localhost", listening.port, 4);
    RUN_UNTIL(*state, client.connects == 1 && accepted.socket);
    assert_int_equal(client.lookups, 1);
    assert_string_equal(client.first_address, "127.0.0.1");
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
}

static void goes_on_with_ipv4_when_ipv6_is_refused(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0};
    server_open(&listening, *state, &accepted);
    connect_to(&client, *state, "six-first.test", listening.port, 0);
    RUN_UNTIL(*state, client.connects == 1 && accepted.socket);
    assert_int_equal(client.lookups, 2);
    assert_string_equal(client.first_address, "::1");
    assert_int_equal(client.errors, 0);
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
}

static void reports_the_first_address_when_all_fail(void **state) {
    endpoint client = {0};
    int port = 0, holder = bind_socket("0.0.0.0", &port);
    connect_to(&client, *state, "four-first.test", port, 0);
    RUN_UNTIL(*state, client.errors == 1);
    assert_string_equal(client.error.code, "ECONNREFUSED");
    assert_string_equal(client.error.address, "127.0.0.5");
    assert_int_equal(client.error.port, port);
    endpoint_close(&client, *state);
    close(holder);
}

static void note_lookup(net_socket *socket, const net_error *error, const char *address, int family,
                        const char *host) {
    (void)error;
    (void)family;
    assert_string_equal(host, "four-first.test");
    char *order = net_socket_context(socket);
    strcat(strcat(order, address), " ");
}

static void lets_the_families_take_turns(void **state) {
    static const net_socket_events events = {.on_lookup = note_lookup};
    char order[200] = "";
    net_socket *socket;
    net_connect_options options = {.host = "four-first.test", .port = 1};
    assert_int_equal(net_socket_connect(&socket, *state, &options, &events, order), 0);
    RUN_UNTIL(*state, order[0] != '\0');
    assert_string_equal(order, "127.0.0.5 ::1 127.0.0.6 ");
    net_socket_close(socket);
}

/* A listening socket whose queue is full: the kernel lets further connections wait. */
static int open_full_listener(int *port, int *fillers, size_t count) {
    struct sockaddr_storage address;
    int fd = bind_socket("127.0.0.3", port);
    net_parse_address("127.0.0.3", *port, &address);
    assert_int_equal(listen(fd, 0), 0);
    for (size_t i = 0; i < count; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, sizeof(struct sockaddr_in));
    }
    return fd;
}

static void tries_the_next_address_when_the_first_is_slow(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0};
    int fillers[3];
    server_open(&listening, *state, &accepted);
    int full = open_full_listener(&listening.port, fillers, 3);
    net_connect_options options = {
        .host = "slow-first.test", .port = listening.port, .attempt_delay_ms = 30};
    uint64_t start = uv_hrtime();
    assert_int_equal(
        net_socket_connect(&client.socket, *state, &options, &endpoint_events, &client), 0);
    RUN_UNTIL(*state, client.connects == 1 && accepted.socket);
    assert_true(uv_hrtime() - start >= 29 * 1000000ull);
    assert_int_equal(client.errors, 0);
    net_address address;
    assert_int_equal(net_socket_peer(client.socket, &address), 0);
    assert_string_equal(address.text, "127.0.0.1");
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
    for (size_t i = 0; i < 3; i++)
        close(fillers[i]);
    close(full);
}

static void gives_up_an_attempt_that_is_under_way(void **state) {
    endpoint client = {0};
    int fillers[3], port = 0;
    int full = open_full_listener(&port, fillers, 3);
    connect_to(&client, *state, "127.0.0.3", port, 0);
    run_for(*state, 5);
    assert_true(net_socket_is_connecting(client.socket));
    endpoint_close(&client, *state);
    assert_int_equal(client.errors + client.connects, 0);
    for (size_t i = 0; i < 3; i++)
        close(fillers[i]);
    close(full);
}

static void closes_while_looking_up(void **state) {
    endpoint client = {0};
    connect_to(&client, *state, "localhost", 1, 0);
    net_socket_close(client.socket);
    net_socket_close(client.socket);
    assert_int_equal(client.closes, 0);
    RUN_UNTIL(*state, client.closes == 1);
    assert_int_equal(client.lookups + client.errors + client.connects, 0);
}

static void close_at(endpoint *self, const char *event) {
    if (self->socket && strcmp(event, self->extra) == 0)
        net_socket_close(self->socket);
}

static void may_be_closed_from_any_event(void **state) {
    test_server listening = {0};
    endpoint accepted = {0};
    server_open(&listening, *state, &accepted);
    const char *events[] = {"lookup", "connect"};
    for (size_t i = 0; i < 2; i++) {
        endpoint client = {.on_any = close_at, .extra = (void *)events[i]};
        connect_to(&client, *state, "localhost", listening.port, 4);
        RUN_UNTIL(*state, client.closes == 1);
        assert_int_equal(client.connects, i);
        assert_int_equal(client.errors, 0);
    }
    endpoint refused = {.on_any = close_at, .extra = "error"};
    server_close(&listening, *state);
    connect_to(&refused, *state, "127.0.0.1", listening.port, 0);
    RUN_UNTIL(*state, refused.closes == 1);
    assert_int_equal(refused.errors, 1);
    if (accepted.socket)
        endpoint_close(&accepted, *state);
}

static void connects_from_a_local_address(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0}, other = {0};
    server_open(&listening, *state, &accepted);
    net_connect_options options = {
        .host = "127.0.0.1", .port = listening.port, .local_address = "127.0.0.2"};
    assert_int_equal(
        net_socket_connect(&client.socket, *state, &options, &endpoint_events, &client), 0);
    RUN_UNTIL(*state, client.connects == 1 && accepted.socket);
    net_address address;
    assert_int_equal(net_socket_peer(accepted.socket, &address), 0);
    assert_string_equal(address.text, "127.0.0.2");
    options.local_address = "no address";
    assert_int_equal(net_socket_connect(&other.socket, *state, &options, &endpoint_events, &other),
                     0);
    RUN_UNTIL(*state, other.errors == 1);
    assert_string_equal(other.error.code, "EINVAL");
    endpoint_close(&client, *state);
    endpoint_close(&other, *state);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
}

static void bears_failing_allocations(void **state) {
    test_server listening = {0};
    endpoint accepted = {0};
    server_open(&listening, *state, &accepted);
    for (size_t n = 1; n < 12; n++) {
        endpoint client = {0};
        net_connect_options options = {.host = "localhost", .port = listening.port, .family = 4};
        begin_watch(*state);
        mem_fail_once(n);
        int status =
            net_socket_connect(&client.socket, *state, &options, &endpoint_events, &client);
        while (status == 0 && client.connects + client.errors == 0) {
            assert_false(is_overdue());
            net_loop_run(*state, UV_RUN_ONCE);
        }
        mem_fail_from(0);
        end_watch();
        if (status != 0) {
            assert_int_equal(status, UV_ENOMEM);
            client.socket = NULL;
        }
        endpoint_close(&client, *state);
        run_for(*state, 1);
        if (accepted.socket)
            endpoint_close(&accepted, *state);
        accepted = (endpoint){0};
    }
    server_close(&listening, *state);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(connects_to_an_address_without_looking_it_up),
        ON_LOOP(tells_code_address_and_port_of_a_refused_connection),
        ON_LOOP(tells_of_a_name_that_nobody_knows),
        ON_LOOP(tells_what_is_wrong_at_once_from_the_loop),
        ON_LOOP(looks_up_a_name_and_tells_its_addresses),
        ON_LOOP(goes_on_with_ipv4_when_ipv6_is_refused),
        ON_LOOP(reports_the_first_address_when_all_fail),
        ON_LOOP(lets_the_families_take_turns),
        ON_LOOP(tries_the_next_address_when_the_first_is_slow),
        ON_LOOP(gives_up_an_attempt_that_is_under_way),
        ON_LOOP(closes_while_looking_up),
        ON_LOOP(may_be_closed_from_any_event),
        ON_LOOP(connects_from_a_local_address),
        ON_LOOP(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
