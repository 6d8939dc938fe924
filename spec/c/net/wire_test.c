/* Two engines, each on its wire, over sockets with TLS and without, and over pipes made up here. */
#include "support/net_support.h"

#include <stdlib.h>

#include "base/list.h"

#define BODY ((size_t)10 * 1024 * 1024)
#define FIELD(n, v)                                                                                \
    { .name = BYTES_LITERAL(n), .value = BYTES_LITERAL(v) }

typedef struct peer {
    net_loop *loop;
    net_wire *wire;
    h2_session *engine;
    net_socket *socket;
    uint32_t stream_id;
    size_t body_size; /* what this side sends */
    const uint8_t *body, *expected;
    h2_chunk chunk;
    int released, headers, ends, closes, goaways, finishes, out_of_memory, events;
    size_t received;
    bool is_damaged, is_holding; /* does not consume */
    bool frees_in_event, frees_when_finished;
    int most_between; /* events between two of the loop's turns */
    int events_served;
    size_t largest_read;
    int socket_ends, socket_errors;
    net_error error;
} peer;

static void release(h2_chunk *chunk, bool was_sent) {
    (void)was_sent;
    LIST_ENTRY(chunk, peer, chunk)->released++;
}

static void send_body(peer *self) {
    self->chunk = (h2_chunk){.data = self->body, .size = self->body_size, .release = release};
    assert_int_equal(h2_session_write(self->engine, self->stream_id, &self->chunk), H2_OK);
    assert_int_equal(h2_session_end(self->engine, self->stream_id), H2_OK);
}

static void answer(peer *self, uint32_t stream_id) {
    const hpack_field fields[] = {FIELD(":status", "200")};
    self->stream_id = stream_id;
    assert_int_equal(
        h2_session_submit_response(self->engine, stream_id, fields, 1, self->body_size == 0),
        H2_OK);
    if (self->body_size > 0)
        send_body(self);
}

static void take_data(peer *self, const h2_event *event) {
    bytes_slice octets = event->data.octets;
    if (self->expected && memcmp(self->expected + self->received, octets.data, octets.size) != 0)
        self->is_damaged = true;
    self->received += octets.size;
    self->ends += event->data.is_end;
    if (!self->is_holding)
        h2_session_consume(self->engine, event->stream_id, octets.size, net_loop_now(self->loop));
}

static void let_go(peer *self) {
    net_socket_set_events(self->socket, NULL, NULL);
    net_wire_free(self->wire);
    self->wire = NULL;
}

static void on_event(net_wire *wire, h2_event *event) {
    peer *self = net_wire_context(wire);
    self->events++;
    if (self->frees_in_event) {
        let_go(self);
        return;
    }
    switch (event->kind) {
    case H2_EV_HEADERS:
        self->headers++;
        self->ends += event->headers.is_end;
        if (event->headers.message == H2_REQUEST)
            answer(self, event->stream_id);
        break;
    case H2_EV_DATA:
        take_data(self, event);
        break;
    case H2_EV_CLOSE:
        self->closes++;
        break;
    case H2_EV_GOAWAY:
        self->goaways++;
        break;
    default:
        break;
    }
}

static void on_finished(net_wire *wire) {
    peer *self = net_wire_context(wire);
    self->finishes++;
    if (self->frees_when_finished)
        let_go(self);
}

static void on_no_memory(net_wire *wire) {
    peer *self = net_wire_context(wire);
    self->out_of_memory++;
}

static void on_served(net_wire *wire) {
    peer *self = net_wire_context(wire);
    if (self->events - self->events_served > self->most_between)
        self->most_between = self->events - self->events_served;
    self->events_served = self->events;
}

static const net_wire_events wire_events = {.on_event = on_event,
                                            .on_finished = on_finished,
                                            .on_no_memory = on_no_memory,
                                            .on_served = on_served};

/* ------------------------------------------------------------------------------- over sockets */

static void on_data(net_socket *socket, const uint8_t *data, size_t size) {
    peer *self = net_socket_context(socket);
    if (size > self->largest_read)
        self->largest_read = size;
    net_wire_feed(self->wire, data, size);
}

static void on_end(net_socket *socket) {
    peer *self = net_socket_context(socket);
    self->socket_ends++;
    net_wire_end(self->wire);
}

static void on_writable(net_socket *socket) {
    net_wire_writable(((peer *)net_socket_context(socket))->wire);
}

static void on_error(net_socket *socket, const net_error *error) {
    peer *self = net_socket_context(socket);
    self->socket_errors++;
    self->error = *error;
}

static const net_socket_events socket_events = {
    .on_data = on_data, .on_end = on_end, .on_writable = on_writable, .on_error = on_error};

static void make_engine(peer *self, net_loop *loop, h2_role role) {
    const h2_setting settings[] = {{H2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
    h2_options options;
    h2_options_init(&options, role);
    options.settings = settings;
    options.settings_count = 1;
    options.seed = 42;
    options.pool = net_loop_pool(loop);
    self->loop = loop;
    assert_int_equal(h2_session_new(&self->engine, &options), H2_OK);
}

static void put_on_socket(peer *self, net_loop *loop, net_socket *socket, h2_role role) {
    self->socket = socket;
    make_engine(self, loop, role);
    net_socket_set_events(socket, &socket_events, self);
    assert_int_equal(
        net_wire_new(&self->wire, loop, self->engine, &net_socket_pipe, socket, &wire_events, self),
        0);
}

typedef struct scene {
    net_loop *loop;
    test_server listening;
    endpoint client_end, server_end;
    net_tls_context *client_tls, *server_tls;
    peer client, server;
} scene;

static void open_scene(scene *self, void **state, bool is_secure) {
    memset(self, 0, sizeof(*self));
    self->loop = *state;
    if (is_secure) {
        net_tls_options client = client_options(), server = server_options();
        self->client_tls = make_context(&client);
        self->server_tls = make_context(&server);
    }
    connect_pair(self->loop, &self->listening, &self->client_end, &self->server_end,
                 self->client_tls, self->server_tls);
    /* The client's wire may be put on before the handshake is over. */
    put_on_socket(&self->client, self->loop, self->client_end.socket, H2_CLIENT);
    put_on_socket(&self->server, self->loop, self->server_end.socket, H2_SERVER);
}

static void close_scene(scene *self) {
    net_wire_free(self->client.wire);
    net_wire_free(self->server.wire);
    net_socket_set_events(self->client.socket, &endpoint_events, &self->client_end);
    net_socket_set_events(self->server.socket, &endpoint_events, &self->server_end);
    endpoint_close(&self->client_end, self->loop);
    endpoint_close(&self->server_end, self->loop);
    server_close(&self->listening, self->loop);
    net_tls_context_unref(self->client_tls);
    net_tls_context_unref(self->server_tls);
}

static void request(peer *self) {
    const hpack_field fields[] = {FIELD(":method", "POST"), FIELD(":scheme", "https"),
                                  FIELD(":path", "/"), FIELD(":authority", "localhost")};
    bool is_end = self->body_size == 0;
    assert_int_equal(
        h2_session_submit_request(self->engine, fields, 4, is_end, NULL, &self->stream_id), H2_OK);
    if (!is_end)
        send_body(self);
    net_wire_touch(self->wire);
}

static void exchange_bodies(void **state, bool is_secure) {
    scene self;
    open_scene(&self, state, is_secure);
    uint8_t *up = malloc(BODY), *down = malloc(BODY);
    fill_pattern(up, BODY, 1);
    fill_pattern(down, BODY, 2);
    self.client.body = self.server.expected = up;
    self.server.body = self.client.expected = down;
    self.client.body_size = self.server.body_size = BODY;
    request(&self.client);
    RUN_UNTIL(self.loop, self.client.closes == 1 && self.server.closes == 1);
    assert_int_equal(self.client.received, BODY);
    assert_int_equal(self.server.received, BODY);
    assert_false(self.client.is_damaged || self.server.is_damaged);
    assert_int_equal(self.client.ends + self.server.ends, 2);
    assert_int_equal(self.client.released + self.server.released, 2);
    assert_int_equal(self.client.socket_errors + self.server.socket_errors, 0);
    free(up);
    free(down);
    close_scene(&self);
}

static void carries_ten_megabytes_both_ways_over_tcp(void **state) {
    exchange_bodies(state, false);
}

static void carries_ten_megabytes_both_ways_over_tls(void **state) {
    exchange_bodies(state, true);
}

static void answers_a_request_without_a_body(void **state) {
    scene self;
    open_scene(&self, state, true);
    request(&self.client);
    RUN_UNTIL(self.loop, self.client.closes == 1);
    assert_int_equal(self.client.headers, 1);
    assert_int_equal(self.server.headers, 1);
    close_scene(&self);
}

/* A hundred requests that leave together. What their answers make is told in as many turns as the reads
 * of them are. */
static void request_many(scene *self) {
    self->client.most_between = self->client.closes = 0;
    for (int i = 0; i < 100; i++)
        request(&self->client);
    RUN_UNTIL(self->loop, self->client.closes == 100);
}

static void reads_less_at_a_time_of_what_brings_many_events(void **state) {
    scene self;
    open_scene(&self, state, false);
    request_many(&self);
    assert_true(self.client.most_between >= 200);
    for (int i = 0; i < 5; i++)
        request_many(&self);
    assert_true(self.client.most_between >= 10);
    assert_true(self.client.most_between <= 120);

    uint8_t *down = malloc(BODY);
    fill_pattern(down, BODY, 3);
    self.server.body = self.client.expected = down;
    self.server.body_size = BODY;
    self.client.largest_read = 0;
    request(&self.client);
    RUN_UNTIL(self.loop, self.client.closes == 101);
    assert_int_equal(self.client.received, BODY);
    assert_int_equal(self.client.largest_read, 65536);
    free(down);
    close_scene(&self);
}

static void ends_the_transport_when_the_engines_are_finished(void **state) {
    scene self;
    open_scene(&self, state, false);
    request(&self.client);
    RUN_UNTIL(self.loop, self.client.closes == 1);
    assert_int_equal(h2_session_shutdown(self.client.engine), H2_OK);
    assert_int_equal(h2_session_shutdown(self.server.engine), H2_OK);
    net_wire_touch(self.client.wire);
    net_wire_touch(self.server.wire);
    RUN_UNTIL(self.loop, self.client.finishes == 1 && self.server.finishes == 1);
    RUN_UNTIL(self.loop, self.client.socket_ends == 1 && self.server.socket_ends == 1);
    run_for(self.loop, 2);
    assert_int_equal(self.client.finishes + self.server.finishes, 2);
    assert_int_equal(self.client.socket_errors + self.server.socket_errors, 0);
    close_scene(&self);
}

static void sends_the_goaway_of_a_terminated_engine(void **state) {
    scene self;
    open_scene(&self, state, true);
    request(&self.client);
    RUN_UNTIL(self.loop, self.client.closes == 1);
    assert_int_equal(
        h2_session_terminate(self.server.engine, H2_ENHANCE_YOUR_CALM, bytes_slice_of(NULL, 0)),
        H2_OK);
    net_wire_flush(self.server.wire);
    net_wire_touch(self.server.wire);
    RUN_UNTIL(self.loop, self.client.goaways == 1 && self.server.finishes == 1);
    close_scene(&self);
}

static void may_be_freed_from_its_own_events(void **state) {
    scene self;
    open_scene(&self, state, false);
    self.server.frees_in_event = true;
    self.client.frees_when_finished = true;
    request(&self.client);
    RUN_UNTIL(self.loop, self.server.events == 1);
    run_for(self.loop, 2);
    assert_int_equal(self.server.events, 1);
    assert_int_equal(h2_session_terminate(self.client.engine, 0, bytes_slice_of(NULL, 0)), H2_OK);
    net_wire_touch(self.client.wire);
    RUN_UNTIL(self.loop, self.client.finishes == 1);
    close_scene(&self);
}

/* ---------------------------------------------------------------------------------- made up */

/* A pipe in memory: what is written lies in `written`, as far as there is room. */
typedef struct fake_pipe {
    bytes_buffer written;
    size_t room;
    int reads_on, reads_off, shutdowns, writes;
} fake_pipe;

static size_t write_fake(void *pipe, const bytes_slice *slices, size_t count) {
    fake_pipe *self = pipe;
    size_t taken = 0;
    self->writes++;
    for (size_t i = 0; i < count && self->room > 0; i++) {
        size_t size = slices[i].size < self->room ? slices[i].size : self->room;
        bytes_buffer_append(&self->written, slices[i].data, size);
        self->room -= size;
        taken += size;
    }
    return taken;
}

static void read_fake(void *pipe, bool is_on) {
    fake_pipe *self = pipe;
    if (is_on)
        self->reads_on++;
    else
        self->reads_off++;
}

static void shut_down_fake(void *pipe) {
    ((fake_pipe *)pipe)->shutdowns++;
}

static const net_pipe fake = {write_fake, read_fake, shut_down_fake};

static void put_on_fake(peer *self, net_loop *loop, fake_pipe *pipe, h2_role role) {
    make_engine(self, loop, role);
    pipe->room = SIZE_MAX;
    assert_int_equal(net_wire_new(&self->wire, loop, self->engine, &fake, pipe, &wire_events, self),
                     0);
    assert_int_equal(pipe->reads_on, 1);
}

static void writes_once_in_a_turn(void **state) {
    peer self = {0};
    fake_pipe pipe = {0};
    put_on_fake(&self, *state, &pipe, H2_CLIENT);
    request(&self);
    request(&self);
    assert_int_equal(pipe.writes, 0);
    assert_false(net_wire_flush_all(*state));
    assert_int_equal(pipe.writes, 1);
    assert_true(pipe.written.size > 24);
    assert_false(net_wire_flush_all(*state));
    assert_int_equal(pipe.writes, 1);
    net_wire_free(self.wire);
    bytes_buffer_dispose(&pipe.written);
}

static void waits_for_a_transport_that_is_full(void **state) {
    peer self = {0};
    fake_pipe pipe = {0};
    put_on_fake(&self, *state, &pipe, H2_CLIENT);
    pipe.room = 10;
    assert_false(net_wire_flush_all(*state));
    assert_int_equal(pipe.written.size, 10);
    int writes = pipe.writes;
    request(&self);
    assert_false(net_wire_flush_all(*state));
    assert_int_equal(pipe.writes, writes);
    pipe.room = SIZE_MAX;
    net_wire_writable(self.wire);
    assert_false(net_wire_flush_all(*state));
    assert_memory_equal(pipe.written.data, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    assert_false(h2_session_wants_output(self.engine));
    net_wire_free(self.wire);
    bytes_buffer_dispose(&pipe.written);
}

/* Two wires whose pipes lead to each other. */
static void cross_over(peer *to, fake_pipe *pipe) {
    bytes_buffer octets = pipe->written;
    pipe->written = (bytes_buffer){0};
    net_wire_feed(to->wire, octets.data, octets.size);
    bytes_buffer_dispose(&octets);
}

static void gives_other_wires_their_turn(void **state) {
    peer client = {0}, server = {0};
    fake_pipe up = {0}, down = {0};
    put_on_fake(&client, *state, &up, H2_CLIENT);
    put_on_fake(&server, *state, &down, H2_SERVER);
    uint8_t *body = calloc(1, BODY);
    client.body = body;
    client.body_size = BODY;
    assert_int_equal(h2_session_set_local_window(server.engine, 1 << 30), H2_OK);
    const h2_setting window = {H2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30};
    assert_int_equal(h2_session_submit_settings(server.engine, &window, 1), H2_OK);
    for (int i = 0; i < 4; i++) {
        net_wire_flush_all(*state);
        cross_over(&server, &up);
        cross_over(&client, &down);
    }
    request(&client);
    assert_true(net_wire_flush_all(*state)); /* it has had its share, and wants more */
    assert_in_range(up.written.size, 1 << 19, 1 << 21);
    size_t rounds = 1;
    while (net_wire_flush_all(*state))
        rounds++;
    assert_in_range(rounds, 5, 20);
    assert_true(up.written.size > BODY);
    net_wire_free(client.wire);
    net_wire_free(server.wire);
    bytes_buffer_dispose(&up.written);
    bytes_buffer_dispose(&down.written);
    free(body);
}

/* Feeds the wire from within its own event, as a pipe in the program may. */
static bytes_slice nested_octets;

static void feed_nested(net_wire *wire, h2_event *event) {
    bytes_slice octets = nested_octets;
    nested_octets.size = 0;
    on_event(wire, event);
    if (octets.size > 0)
        net_wire_feed(wire, octets.data, octets.size);
}

static void takes_octets_that_come_in_an_event_after_it(void **state) {
    static const net_wire_events events = {
        .on_event = feed_nested, .on_finished = on_finished, .on_no_memory = on_no_memory};
    peer client = {0}, server = {0};
    fake_pipe up = {0}, down = {.room = SIZE_MAX};
    put_on_fake(&client, *state, &up, H2_CLIENT);
    make_engine(&server, *state, H2_SERVER);
    assert_int_equal(
        net_wire_new(&server.wire, *state, server.engine, &fake, &down, &events, &server), 0);
    request(&client);
    request(&client);
    net_wire_flush_all(*state);
    nested_octets = bytes_slice_of(up.written.data + 60, up.written.size - 60);
    net_wire_feed(server.wire, up.written.data, 60);
    net_wire_flush_all(*state);
    assert_int_equal(server.headers, 2);
    net_wire_free(client.wire);
    net_wire_free(server.wire);
    bytes_buffer_dispose(&up.written);
    bytes_buffer_dispose(&down.written);
}

static void ends_the_engine_with_its_input(void **state) {
    peer self = {0};
    fake_pipe pipe = {0};
    put_on_fake(&self, *state, &pipe, H2_SERVER);
    net_wire_end(self.wire);
    assert_int_equal(self.finishes, 0);
    RUN_UNTIL((net_loop *)*state, self.finishes == 1);
    assert_int_equal(pipe.shutdowns, 1);
    net_wire_free(self.wire);
    bytes_buffer_dispose(&pipe.written);
}

static void bears_failing_allocations(void **state) {
    for (size_t n = 1; n < 400; n++) {
        peer client = {0}, server = {0};
        fake_pipe up = {0}, down = {0};
        put_on_fake(&client, *state, &up, H2_CLIENT);
        put_on_fake(&server, *state, &down, H2_SERVER);
        const hpack_field fields[] = {FIELD(":method", "GET"), FIELD(":scheme", "http"),
                                      FIELD(":path", "/"), FIELD(":authority", "a")};
        mem_fail_once(n);
        if (h2_session_submit_request(client.engine, fields, 4, true, NULL, &client.stream_id) ==
            H2_OK)
            net_wire_touch(client.wire);
        size_t attempts = 0;
        for (int i = 0; i < 5 && client.out_of_memory + server.out_of_memory == 0; i++) {
            net_wire_flush_all(*state);
            cross_over(&server, &up);
            net_wire_flush_all(*state);
            cross_over(&client, &down);
        }
        attempts = mem_attempts();
        mem_fail_from(0);
        assert_true(client.out_of_memory <= 1 && server.out_of_memory <= 1);
        net_wire_free(client.wire);
        net_wire_free(server.wire);
        bytes_buffer_dispose(&up.written);
        bytes_buffer_dispose(&down.written);
        if (attempts < n)
            break;
    }
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(carries_ten_megabytes_both_ways_over_tcp),
        ON_LOOP(carries_ten_megabytes_both_ways_over_tls),
        ON_LOOP(answers_a_request_without_a_body),
        ON_LOOP(reads_less_at_a_time_of_what_brings_many_events),
        ON_LOOP(ends_the_transport_when_the_engines_are_finished),
        ON_LOOP(sends_the_goaway_of_a_terminated_engine),
        ON_LOOP(may_be_freed_from_its_own_events),
        ON_LOOP(writes_once_in_a_turn),
        ON_LOOP(waits_for_a_transport_that_is_full),
        ON_LOOP(gives_other_wires_their_turn),
        ON_LOOP(takes_octets_that_come_in_an_event_after_it),
        ON_LOOP(ends_the_engine_with_its_input),
        ON_LOOP(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
