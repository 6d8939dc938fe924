#include "support/net_support.h"

#include <stdlib.h>
#include <sys/socket.h>

#define BIG ((size_t)8 * 1024 * 1024)

typedef struct pair {
    net_loop *loop;
    test_server listening;
    endpoint client, accepted;
} pair;

static void open_pair(pair *self, void **state) {
    memset(self, 0, sizeof(*self));
    self->loop = *state;
    connect_pair(self->loop, &self->listening, &self->client, &self->accepted, NULL, NULL);
}

static void close_pair(pair *self) {
    endpoint_close(&self->client, self->loop);
    endpoint_close(&self->accepted, self->loop);
    server_close(&self->listening, self->loop);
}

static void echoes_over_tcp(void **state) {
    pair self;
    open_pair(&self, state);
    self.accepted.is_echoing = true;
    endpoint_send(&self.client, "hello", 5);
    RUN_UNTIL(self.loop, self.client.received.size == 5);
    assert_memory_equal(self.client.received.data, "hello", 5);
    assert_int_equal(net_socket_bytes_written(self.client.socket), 5);
    assert_int_equal(net_socket_bytes_read(self.client.socket), 5);
    assert_int_equal(net_socket_queued(self.client.socket), 0);
    close_pair(&self);
}

static void writes_gathered_slices_in_order(void **state) {
    pair self;
    open_pair(&self, state);
    uint8_t expected[3000];
    bytes_slice slices[1500];
    fill_pattern(expected, sizeof(expected), 1);
    for (size_t i = 0; i < 1500; i++)
        slices[i] = bytes_slice_of(expected + 2 * i, i % 3 == 0 ? 2 : 0);
    assert_int_equal(net_socket_write(self.client.socket, slices, 1500), 1000);
    RUN_UNTIL(self.loop, self.accepted.received.size == 1000);
    for (size_t i = 0; i < 500; i++)
        assert_memory_equal(self.accepted.received.data + 2 * i, expected + 6 * i, 2);
    close_pair(&self);
}

static void takes_a_bounded_rest_when_the_kernel_is_full(void **state) {
    pair self;
    open_pair(&self, state);
    write_to_the_deaf(self.loop, &self.client, &self.accepted, BIG, 64 * 1024);
    close_pair(&self);
}

static void carries_much_both_ways_at_once(void **state) {
    pair self;
    open_pair(&self, state);
    self.accepted.is_echoing = true;
    uint8_t *data = malloc(BIG);
    fill_pattern(data, BIG, 3);
    endpoint_send(&self.client, data, BIG);
    RUN_UNTIL(self.loop, self.client.received.size == BIG);
    assert_memory_equal(self.client.received.data, data, BIG);
    free(data);
    close_pair(&self);
}

static void stop_reading(endpoint *self, const char *event) {
    if (strcmp(event, "data") == 0)
        net_socket_read_stop(self->socket);
}

static void reads_only_on_demand(void **state) {
    pair self;
    open_pair(&self, state);
    self.accepted.on_any = stop_reading;
    uint8_t data[200000];
    fill_pattern(data, sizeof(data), 4);
    endpoint_send(&self.client, data, sizeof(data));
    RUN_UNTIL(self.loop, self.accepted.received.size > 0);
    size_t first = self.accepted.received.size;
    assert_false(net_socket_is_reading(self.accepted.socket));
    run_for(self.loop, 10);
    assert_int_equal(self.accepted.received.size, first);
    self.accepted.on_any = NULL;
    net_socket_read_start(self.accepted.socket);
    RUN_UNTIL(self.loop, self.accepted.received.size == sizeof(data));
    assert_memory_equal(self.accepted.received.data, data, sizeof(data));
    close_pair(&self);
}

static void closes_each_side_by_itself(void **state) {
    pair self;
    open_pair(&self, state);
    endpoint_send(&self.client, "question", 8);
    net_socket_shutdown(self.client.socket);
    net_socket_shutdown(self.client.socket);
    assert_int_equal(self.client.finishes, 0);
    RUN_UNTIL(self.loop, self.accepted.ends == 1 && self.client.finishes == 1);
    assert_int_equal(self.accepted.received.size, 8);
    endpoint_send(&self.accepted, "answer", 6);
    net_socket_shutdown(self.accepted.socket);
    RUN_UNTIL(self.loop, self.client.ends == 1 && self.accepted.finishes == 1);
    assert_int_equal(self.client.received.size, 6);
    assert_int_equal(self.client.errors + self.accepted.errors, 0);
    assert_int_equal(self.client.closes + self.accepted.closes, 0);
    close_pair(&self);
}

static void sends_what_was_taken_before_the_end(void **state) {
    pair self;
    open_pair(&self, state);
    uint8_t *data = malloc(BIG);
    fill_pattern(data, BIG, 5);
    net_socket_read_stop(self.accepted.socket);
    bytes_slice slice = bytes_slice_of(data, BIG);
    size_t taken = net_socket_write(self.client.socket, &slice, 1);
    assert_true(net_socket_queued(self.client.socket) > 0);
    net_socket_shutdown(self.client.socket);
    net_socket_read_start(self.accepted.socket);
    RUN_UNTIL(self.loop, self.accepted.ends == 1);
    assert_int_equal(self.accepted.received.size, taken);
    assert_memory_equal(self.accepted.received.data, data, taken);
    free(data);
    close_pair(&self);
}

static void tells_of_a_peer_that_is_gone(void **state) {
    pair self;
    open_pair(&self, state);
    net_socket_read_stop(self.client.socket);
    net_socket_reset(self.accepted.socket);
    RUN_UNTIL(self.loop, self.accepted.closes == 1);
    bytes_slice slice = BYTES_LITERAL("into the void");
    /* Errors come from the loop, and what was written counts as taken. */
    assert_int_equal(net_socket_write(self.client.socket, &slice, 1), slice.size);
    assert_int_equal(self.client.errors, 0);
    assert_int_equal(net_socket_write(self.client.socket, &slice, 1), slice.size);
    RUN_UNTIL(self.loop, self.client.errors == 1);
    assert_string_equal(self.client.error.syscall, "write");
    assert_true(strcmp(self.client.error.code, "ECONNRESET") == 0 ||
                strcmp(self.client.error.code, "EPIPE") == 0);
    assert_int_equal(net_socket_write(self.client.socket, &slice, 1), slice.size);
    run_for(self.loop, 2);
    assert_int_equal(self.client.errors, 1);
    close_pair(&self);
}

static void tells_a_reset_to_a_reader(void **state) {
    pair self;
    open_pair(&self, state);
    net_socket_reset(self.accepted.socket);
    RUN_UNTIL(self.loop, self.client.errors == 1);
    assert_string_equal(self.client.error.code, "ECONNRESET");
    assert_string_equal(self.client.error.syscall, "read");
    assert_int_equal(self.client.ends, 0);
    close_pair(&self);
}

static void takes_nothing_before_the_connection_stands(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0};
    server_open(&listening, *state, &accepted);
    endpoint_connect(&client, *state, listening.port);
    endpoint_send(&client, "early", 5);
    assert_int_equal(client.outgoing.size, 5);
    net_socket_shutdown(client.socket);
    bytes_slice slice = BYTES_LITERAL("late");
    assert_int_equal(net_socket_write(client.socket, &slice, 1), slice.size);
    RUN_UNTIL(*state, client.connects == 1);
    RUN_UNTIL(*state, client.finishes == 1);
    endpoint_close(&client, *state);
    if (!accepted.socket)
        RUN_UNTIL(*state, accepted.socket);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
}

static void writes_when_connected(void **state) {
    test_server listening = {0};
    endpoint client = {0}, accepted = {0};
    server_open(&listening, *state, &accepted);
    endpoint_connect(&client, *state, listening.port);
    endpoint_send(&client, "early", 5);
    RUN_UNTIL(*state, accepted.received.size == 5);
    assert_int_equal(client.writables, 1);
    endpoint_close(&client, *state);
    endpoint_close(&accepted, *state);
    server_close(&listening, *state);
}

static void closes_while_writing(void **state) {
    pair self;
    open_pair(&self, state);
    net_socket_read_stop(self.accepted.socket);
    uint8_t *data = malloc(BIG);
    memset(data, 0, BIG);
    bytes_slice slice = bytes_slice_of(data, BIG);
    net_socket_write(self.client.socket, &slice, 1);
    free(data);
    assert_true(net_socket_queued(self.client.socket) > 0);
    net_socket_shutdown(self.client.socket);
    close_pair(&self);
    assert_int_equal(self.client.errors + self.client.finishes, 0);
}

static void close_on(endpoint *self, const char *event) {
    if (self->socket && strcmp(event, self->extra) == 0)
        net_socket_close(self->socket);
}

static void may_be_closed_from_any_event(void **state) {
    const char *events[] = {"data", "end", "writable", "finish", "error"};
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
        pair self;
        open_pair(&self, state);
        uint8_t *data = calloc(1, BIG);
        self.client.on_any = close_on;
        self.client.extra = (void *)events[i];
        self.accepted.is_sinking = true;
        endpoint_send(&self.accepted, "data", 4);
        endpoint_send(&self.client, data, BIG);
        if (i == 1 || i == 3) {
            RUN_UNTIL(self.loop, self.client.outgoing.size == 0);
            net_socket_shutdown(i == 1 ? self.accepted.socket : self.client.socket);
        }
        if (i == 4)
            net_socket_reset(self.accepted.socket);
        RUN_UNTIL(self.loop, self.client.closes == 1);
        free(data);
        close_pair(&self);
    }
}

static void adopts_a_descriptor(void **state) {
    int fds[2], ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(pipe(ends), 0);
    endpoint left = {0}, right = {.is_echoing = true};
    assert_int_equal(net_socket_adopt(&left.socket, *state, fds[0], &endpoint_events, &left), 0);
    assert_int_equal(net_socket_adopt(&right.socket, *state, fds[1], &endpoint_events, &right), 0);
    net_socket *none;
    assert_int_equal(net_socket_adopt(&none, *state, ends[0], &endpoint_events, NULL), UV_ENOTSOCK);
    net_socket_read_start(left.socket);
    net_socket_read_start(right.socket);
    endpoint_send(&left, "unix", 4);
    RUN_UNTIL(*state, left.received.size == 4);
    net_address address;
    assert_int_equal(net_socket_peer(left.socket, &address), 0);
    assert_string_equal(address.text, "");
    assert_int_equal(address.family, 0);
    assert_int_equal(net_socket_set_no_delay(left.socket, true), UV_ENOTCONN);
    endpoint_close(&left, *state);
    endpoint_close(&right, *state);
    close(ends[0]);
    close(ends[1]);
}

static void sets_options_of_tcp(void **state) {
    pair self;
    open_pair(&self, state);
    assert_int_equal(net_socket_set_no_delay(self.client.socket, false), 0);
    assert_int_equal(net_socket_set_keep_alive(self.client.socket, true, 60), 0);
    assert_int_equal(net_socket_set_keep_alive(self.client.socket, false, 0), 0);
    net_address here, there;
    assert_int_equal(net_socket_local(self.client.socket, &here), 0);
    assert_int_equal(net_socket_peer(self.accepted.socket, &there), 0);
    assert_int_equal(here.port, there.port);
    close_pair(&self);
}

static void does_not_keep_the_loop_alive_when_unreferenced(void **state) {
    pair self;
    open_pair(&self, state);
    net_socket_ref(self.client.socket, false);
    net_socket_ref(self.accepted.socket, false);
    net_listener_ref(self.listening.listener, false);
    assert_false(net_loop_run(self.loop, UV_RUN_DEFAULT));
    net_socket_ref(self.client.socket, true);
    assert_true(net_loop_is_alive(self.loop));
    close_pair(&self);
}

static void can_be_handed_on(void **state) {
    pair self;
    endpoint heir = {0};
    open_pair(&self, state);
    net_socket_set_events(self.accepted.socket, &endpoint_events, &heir);
    heir.socket = self.accepted.socket;
    self.accepted.socket = NULL;
    endpoint_send(&self.client, "for the heir", 12);
    RUN_UNTIL(self.loop, heir.received.size == 12);
    assert_int_equal(self.accepted.received.size, 0);
    endpoint_close(&heir, self.loop);
    close_pair(&self);
}

static void breaks_when_memory_is_out(void **state) {
    pair self;
    open_pair(&self, state);
    net_socket_read_stop(self.accepted.socket);
    uint8_t *data = calloc(1, BIG);
    bytes_slice slice = bytes_slice_of(data, BIG);
    mem_fail_from(1);
    assert_int_equal(net_socket_write(self.client.socket, &slice, 1), BIG);
    net_loop_run(self.loop, UV_RUN_NOWAIT);
    mem_fail_from(0);
    assert_int_equal(self.client.errors, 1);
    assert_string_equal(self.client.error.code, "ENOMEM");
    free(data);
    close_pair(&self);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(echoes_over_tcp),
        ON_LOOP(writes_gathered_slices_in_order),
        ON_LOOP(takes_a_bounded_rest_when_the_kernel_is_full),
        ON_LOOP(carries_much_both_ways_at_once),
        ON_LOOP(reads_only_on_demand),
        ON_LOOP(closes_each_side_by_itself),
        ON_LOOP(sends_what_was_taken_before_the_end),
        ON_LOOP(tells_of_a_peer_that_is_gone),
        ON_LOOP(tells_a_reset_to_a_reader),
        ON_LOOP(takes_nothing_before_the_connection_stands),
        ON_LOOP(writes_when_connected),
        ON_LOOP(closes_while_writing),
        ON_LOOP(may_be_closed_from_any_event),
        ON_LOOP(adopts_a_descriptor),
        ON_LOOP(sets_options_of_tcp),
        ON_LOOP(does_not_keep_the_loop_alive_when_unreferenced),
        ON_LOOP(can_be_handed_on),
        ON_LOOP(breaks_when_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
