/* Sockets with a filter: over TCP and Unix sockets, among ourselves and with OpenSSL. */
#include "support/net_support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "net/tls.h"

#define BIG ((size_t)3 * 1024 * 1024)

typedef struct tls_sockets {
    net_loop *loop;
    net_tls_context *client_tls, *server_tls;
    test_server listening;
    endpoint client, accepted;
} tls_sockets;

static void connect_with(tls_sockets *self, void **state, const net_tls_options *client,
                         const net_tls_options *server) {
    memset(self, 0, sizeof(*self));
    self->loop = *state;
    self->client_tls = make_context(client);
    self->server_tls = make_context(server);
    connect_pair(self->loop, &self->listening, &self->client, &self->accepted, self->client_tls,
                 self->server_tls);
}

static void open_sockets(tls_sockets *self, void **state) {
    net_tls_options client = client_options(), server = server_options();
    connect_with(self, state, &client, &server);
    RUN_UNTIL(self->loop, self->client.secures == 1 && self->accepted.secures == 1);
}

static void close_sockets(tls_sockets *self) {
    endpoint_close(&self->client, self->loop);
    endpoint_close(&self->accepted, self->loop);
    server_close(&self->listening, self->loop);
    net_tls_context_unref(self->client_tls);
    net_tls_context_unref(self->server_tls);
}

static void echoes_over_tls(void **state) {
    tls_sockets self;
    open_sockets(&self, state);
    self.accepted.is_echoing = true;
    assert_string_equal(net_tls_alpn(net_socket_tls(self.client.socket)), "h2");
    endpoint_send(&self.client, "secret", 6);
    RUN_UNTIL(self.loop, self.client.received.size == 6);
    assert_memory_equal(self.client.received.data, "secret", 6);
    assert_true(net_socket_bytes_written(self.client.socket) > 6);
    close_sockets(&self);
}

static void carries_much_both_ways_at_once(void **state) {
    tls_sockets self;
    open_sockets(&self, state);
    self.accepted.is_echoing = true;
    uint8_t *data = malloc(BIG);
    fill_pattern(data, BIG, 7);
    endpoint_send(&self.client, data, BIG);
    RUN_UNTIL(self.loop, self.client.received.size == BIG);
    assert_memory_equal(self.client.received.data, data, BIG);
    free(data);
    close_sockets(&self);
}

static void seals_a_bounded_rest_when_the_kernel_is_full(void **state) {
    tls_sockets self;
    open_sockets(&self, state);
    write_to_the_deaf(self.loop, &self.client, &self.accepted, 24 * BIG, (size_t)(512 + 16) * 1024);
    close_sockets(&self);
}

static void stop_reading(endpoint *self, const char *event) {
    if (strcmp(event, "data") == 0)
        net_socket_read_stop(self->socket);
}

static void reads_only_on_demand(void **state) {
    tls_sockets self;
    open_sockets(&self, state);
    self.accepted.on_any = stop_reading;
    uint8_t data[300000];
    fill_pattern(data, sizeof(data), 8);
    endpoint_send(&self.client, data, sizeof(data));
    net_socket_shutdown(self.client.socket);
    size_t before = 0;
    while (self.accepted.received.size < sizeof(data)) {
        RUN_UNTIL(self.loop, self.accepted.received.size > before);
        before = self.accepted.received.size;
        run_for(self.loop, 2);
        assert_int_equal(self.accepted.received.size, before);
        assert_int_equal(self.accepted.ends, 0);
        net_socket_read_start(self.accepted.socket);
        assert_int_equal(self.accepted.received.size, before);
    }
    RUN_UNTIL(self.loop, self.accepted.ends == 1);
    assert_memory_equal(self.accepted.received.data, data, sizeof(data));
    close_sockets(&self);
}

static void shakes_hands_without_a_reader(void **state) {
    net_tls_options client = client_options(), server = server_options();
    tls_sockets self;
    connect_with(&self, state, &client, &server);
    net_socket_read_stop(self.client.socket);
    net_socket_read_stop(self.accepted.socket);
    RUN_UNTIL(self.loop, self.client.secures == 1 && self.accepted.secures == 1);
    endpoint_send(&self.client, "waiting", 7);
    run_for(self.loop, 5);
    assert_int_equal(self.accepted.received.size, 0);
    net_socket_read_start(self.accepted.socket);
    RUN_UNTIL(self.loop, self.accepted.received.size == 7);
    close_sockets(&self);
}

static void closes_each_side_by_itself(void **state) {
    tls_sockets self;
    open_sockets(&self, state);
    endpoint_send(&self.client, "question", 8);
    net_socket_shutdown(self.client.socket);
    RUN_UNTIL(self.loop, self.accepted.ends == 1 && self.client.finishes == 1);
    assert_int_equal(self.accepted.received.size, 8);
    endpoint_send(&self.accepted, "answer", 6);
    net_socket_shutdown(self.accepted.socket);
    RUN_UNTIL(self.loop, self.client.ends == 1 && self.accepted.finishes == 1);
    assert_int_equal(self.client.received.size, 6);
    assert_int_equal(self.client.errors + self.accepted.errors, 0);
    close_sockets(&self);
}

static void writes_what_was_given_early_when_secure(void **state) {
    net_tls_options client = client_options(), server = server_options();
    tls_sockets self;
    connect_with(&self, state, &client, &server);
    endpoint_send(&self.client, "early", 5);
    assert_int_equal(self.client.outgoing.size, 5);
    RUN_UNTIL(self.loop, self.accepted.received.size == 5);
    close_sockets(&self);
}

static void tells_both_sides_why_a_handshake_failed(void **state) {
    net_tls_options client = client_options(), server = server_options();
    bytes_slice other = certificate("other-ca.crt");
    client.ca = &other;
    tls_sockets self;
    connect_with(&self, state, &client, &server);
    RUN_UNTIL(self.loop, self.client.errors == 1 && self.accepted.errors == 1);
    assert_string_equal(self.client.error.code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    assert_string_equal(self.accepted.error.code, "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
    assert_int_equal(self.client.secures, 0);
    assert_int_equal(self.client.closes, 0);
    close_sockets(&self);
}

static void tells_a_peer_that_leaves_in_the_handshake(void **state) {
    net_tls_options options = server_options();
    tls_sockets self = {.loop = *state};
    self.server_tls = make_context(&options);
    connect_pair(*state, &self.listening, &self.client, &self.accepted, NULL, self.server_tls);
    net_socket_shutdown(self.client.socket);
    RUN_UNTIL(*state, self.accepted.errors == 1);
    assert_string_equal(self.accepted.error.code, "ECONNRESET");
    assert_string_equal(self.accepted.error.syscall, "tls");
    assert_int_equal(self.accepted.ends, 0);
    close_sockets(&self);
}

static void takes_a_bare_end_for_an_end(void **state) {
    tls_sockets self;
    open_sockets(&self, state);
    /* A ticket left unread would make it RST: it comes before what the server says. */
    endpoint_send(&self.accepted, "x", 1);
    RUN_UNTIL(self.loop, self.client.received.size == 1);
    /* FIN without close_notify: what is cut is for HTTP/2 to see. */
    net_socket_close(self.client.socket);
    RUN_UNTIL(self.loop, self.accepted.ends == 1 || self.accepted.errors == 1);
    assert_int_equal(self.accepted.ends, 1);
    close_sockets(&self);
}

static void close_on(endpoint *self, const char *event) {
    if (self->socket && strcmp(event, self->extra) == 0)
        net_socket_close(self->socket);
}

static void may_be_closed_from_any_event(void **state) {
    const char *events[] = {"connect", "secure", "data", "end", "writable"};
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
        net_tls_options client = client_options(), server = server_options();
        tls_sockets self = {.loop = *state};
        self.client.on_any = close_on;
        self.client.extra = (void *)events[i];
        self.client_tls = make_context(&client);
        self.server_tls = make_context(&server);
        self.accepted.is_echoing = true;
        self.accepted.is_closing_on_end = true;
        connect_pair(*state, &self.listening, &self.client, &self.accepted, self.client_tls,
                     self.server_tls);
        if (i >= 2)
            endpoint_send(&self.client, "data", 4);
        if (i == 3) {
            RUN_UNTIL(*state, self.client.received.size == 4);
            net_socket_shutdown(self.client.socket);
        }
        RUN_UNTIL(*state, self.client.closes == 1);
        assert_int_equal(self.client.errors, 0);
        close_sockets(&self);
    }
}

static void works_over_a_unix_socket(void **state) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    net_tls_options client = client_options(), server = server_options();
    net_tls_context *contexts[2] = {make_context(&client), make_context(&server)};
    endpoint ends[2] = {{0}, {.is_echoing = true}};
    for (int i = 0; i < 2; i++) {
        net_tls *tls;
        assert_int_equal(
            net_socket_adopt(&ends[i].socket, *state, fds[i], &endpoint_events, &ends[i]), 0);
        assert_int_equal(
            net_tls_new(&tls, contexts[i], i == 0 ? "localhost" : NULL, bytes_slice_of(NULL, 0)),
            0);
        net_socket_secure(ends[i].socket, tls);
        net_socket_read_start(ends[i].socket);
    }
    endpoint_send(&ends[0], "unix", 4);
    RUN_UNTIL(*state, ends[0].received.size == 4);
    for (int i = 0; i < 2; i++) {
        endpoint_close(&ends[i], *state);
        net_tls_context_unref(contexts[i]);
    }
}

static void bears_failing_allocations(void **state) {
    net_tls_options client = client_options(), server = server_options();
    for (size_t n = 1; n < 60; n++) {
        tls_sockets self = {.loop = *state};
        self.client_tls = make_context(&client);
        self.server_tls = make_context(&server);
        connect_pair(*state, &self.listening, &self.client, &self.accepted, self.client_tls,
                     self.server_tls);
        begin_watch(*state);
        mem_fail_once(n);
        net_socket_write(self.client.socket, &(bytes_slice){(const uint8_t *)"abc", 3}, 1);
        while (self.client.errors + self.accepted.errors == 0 &&
               self.client.secures + self.accepted.secures < 2 && !is_overdue())
            net_loop_run(*state, UV_RUN_ONCE);
        size_t attempts = mem_attempts();
        mem_fail_from(0);
        assert_false(is_overdue());
        end_watch();
        close_sockets(&self);
        if (attempts < n)
            break;
    }
}

/* ------------------------------------------------------------------------------------ OpenSSL */

/* Starts `openssl` with the words of `arguments`; its standard input and output are the pipes. */
static pid_t start_openssl(const char *arguments, int *input, int *output) {
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        char command[600];
        snprintf(command, sizeof(command), "cd '%s' && exec openssl %s 2>&1", certificates(),
                 arguments);
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    *input = in[1];
    *output = out[0];
    return child;
}

static void stop_openssl(pid_t child, int input, int output) {
    int status;
    close(input);
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    close(output);
}

/* Runs s_client with these options against a server of ours; what became of our end. */
static void serve_openssl(void **state, const char *arguments, endpoint *accepted) {
    net_tls_options options = server_options();
    test_server listening = {.tls = make_context(&options)};
    accepted->is_echoing = true;
    server_open(&listening, *state, accepted);
    char command[400];
    snprintf(command, sizeof(command),
             "s_client -connect 127.0.0.1:%d -servername localhost -CAfile ca.crt "
             "-verify_return_error -quiet -no_ign_eof %s",
             listening.port, arguments);
    int input, output;
    pid_t child = start_openssl(command, &input, &output);
    assert_int_equal(write(input, "hello\n", 6), 6);
    RUN_UNTIL(*state, accepted->received_octets == 6 || accepted->errors == 1);
    if (accepted->errors == 0) {
        char text[2000] = "";
        size_t size = 0;
        while (!strstr(text, "hello\n") && size < sizeof(text) - 1) {
            ssize_t octets = read(output, text + size, sizeof(text) - 1 - size);
            assert_true(octets > 0);
            size += (size_t)octets;
        }
    }
    stop_openssl(child, input, output);
    net_listener_close(listening.listener);
    RUN_UNTIL(*state, listening.closes == 1);
    net_tls_context_unref(listening.tls);
}

static void serves_openssl(void **state) {
    endpoint accepted = {0};
    serve_openssl(state, "-tls1_2 -alpn h2", &accepted);
    assert_string_equal(accepted.error.text, "");
    assert_string_equal(net_tls_protocol(net_socket_tls(accepted.socket)), "TLSv1.2");
    assert_string_equal(net_tls_alpn(net_socket_tls(accepted.socket)), "h2");
    endpoint_close(&accepted, *state);
    accepted = (endpoint){0};
    serve_openssl(state, "-alpn h2,http/1.1", &accepted);
    assert_string_equal(accepted.error.text, "");
    assert_string_equal(net_tls_protocol(net_socket_tls(accepted.socket)),
                        TLS_HAS_1_3 ? "TLSv1.3" : "TLSv1.2");
    endpoint_close(&accepted, *state);
}

static void refuses_openssl_what_http2_forbids(void **state) {
    static const char *const cases[][2] = {
        {"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", "ERR_SSL_NO_SHARED_CIPHER"},
        {"-tls1_1 -cipher ALL:@SECLEVEL=0", "ERR_SSL_UNSUPPORTED_PROTOCOL"},
        {"-tls1_2 -alpn http/1.0", "ERR_SSL_NO_APPLICATION_PROTOCOL"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        endpoint accepted = {0};
        serve_openssl(state, cases[i][0], &accepted);
        assert_int_equal(accepted.errors, 1);
        assert_string_equal(accepted.error.code, cases[i][1]);
        endpoint_close(&accepted, *state);
    }
}

static void read_line(int fd, char *line, size_t room) {
    size_t size = 0;
    do {
        assert_true(size < room - 1);
        assert_int_equal(read(fd, line + size, 1), 1);
    } while (line[size++] != '\n');
    line[size] = '\0';
}

/* Connects to s_server with these options, which must be up first, and says where. */
static void connect_to_openssl(void **state, const char *arguments, net_tls_context *context,
                               endpoint *client) {
    int port = 0, input, output;
    char command[400], line[100];
    snprintf(command, sizeof(command),
             "s_server -accept 127.0.0.1:0 -cert localhost.crt -key localhost.key -rev "
             "-naccept 1 %s",
             arguments);
    pid_t child = start_openssl(command, &input, &output);
    while (port == 0) {
        read_line(output, line, sizeof(line));
        sscanf(line, "ACCEPT 127.0.0.1:%d", &port);
    }
    net_tls *tls;
    endpoint_connect(client, *state, port);
    assert_int_equal(net_tls_new(&tls, context, "localhost", bytes_slice_of(NULL, 0)), 0);
    net_socket_secure(client->socket, tls);
    net_socket_read_start(client->socket);
    endpoint_send(client, "drawer\n", 7);
    RUN_UNTIL(*state, client->received.size == 7 || client->errors == 1);
    if (client->errors == 0)
        assert_memory_equal(client->received.data, "reward\n", 7);
    stop_openssl(child, input, output);
}

static void is_served_by_openssl(void **state) {
    net_tls_options options = client_options();
    net_tls_context *context = make_context(&options);
    static const char *const cases[][2] = {{"-tls1_2 -alpn h2", "TLSv1.2"},
                                           {"-alpn h2", TLS_HAS_1_3 ? "TLSv1.3" : "TLSv1.2"}};
    for (size_t i = 0; i < 2; i++) {
        endpoint client = {0};
        connect_to_openssl(state, cases[i][0], context, &client);
        assert_string_equal(client.error.text, "");
        assert_string_equal(net_tls_protocol(net_socket_tls(client.socket)), cases[i][1]);
        assert_string_equal(net_tls_alpn(net_socket_tls(client.socket)), "h2");
        endpoint_close(&client, *state);
    }
    net_tls_context_unref(context);
}

static void refuses_an_openssl_server_that_http2_forbids(void **state) {
    net_tls_options options = client_options();
    net_tls_context *context = make_context(&options);
    endpoint client = {0};
    connect_to_openssl(state, "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", context, &client);
    assert_string_equal(client.error.code, "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
    assert_string_equal(client.error.text, "the peer's alert: handshake failure");
    endpoint_close(&client, *state);
    net_tls_context_unref(context);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(echoes_over_tls),
        ON_LOOP(carries_much_both_ways_at_once),
        ON_LOOP(seals_a_bounded_rest_when_the_kernel_is_full),
        ON_LOOP(reads_only_on_demand),
        ON_LOOP(shakes_hands_without_a_reader),
        ON_LOOP(closes_each_side_by_itself),
        ON_LOOP(writes_what_was_given_early_when_secure),
        ON_LOOP(tells_both_sides_why_a_handshake_failed),
        ON_LOOP(tells_a_peer_that_leaves_in_the_handshake),
        ON_LOOP(takes_a_bare_end_for_an_end),
        ON_LOOP(may_be_closed_from_any_event),
        ON_LOOP(works_over_a_unix_socket),
        ON_LOOP(bears_failing_allocations),
        ON_LOOP(serves_openssl),
        ON_LOOP(refuses_openssl_what_http2_forbids),
        ON_LOOP(is_served_by_openssl),
        ON_LOOP(refuses_an_openssl_server_that_http2_forbids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
