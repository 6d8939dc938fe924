#include "net_support.h"

#include <stdio.h>
#include <stdlib.h>

/* --------------------------------------------------------------------------------------- loop */

static net_loop *flushed_loop;

static bool turn(void *context) {
    (void)context;
    return net_wire_flush_all(flushed_loop);
}

int open_loop(void **state) {
    mem_fail_from(0);
    net_loop *loop;
    assert_int_equal(net_loop_new(&loop, turn, NULL), 0);
    flushed_loop = loop;
    *state = loop;
    return 0;
}

int close_loop(void **state) {
    net_loop_free(*state);
    assert_int_equal(mem_blocks(), 0);
    return 0;
}

static net_timer *watchdog;
static uint64_t watch_end_ms;
static bool has_expired;

static void on_expiry(net_timer *timer) {
    uv_loop_t *loop = net_loop_uv(net_timer_context(timer));
    has_expired = has_expired || uv_now(loop) >= watch_end_ms;
}

/* One turn first runs the timers that are due and then waits: what it waits for may be a timer that
 * has just run. So this one runs again and again. */
#define WATCH_STEP_MS 20

static void watch(net_loop *loop, uint64_t milliseconds) {
    uint64_t step = milliseconds < WATCH_STEP_MS ? milliseconds : WATCH_STEP_MS;
    has_expired = false;
    assert_int_equal(net_timer_new(&watchdog, loop, on_expiry, loop), 0);
    uv_update_time(net_loop_uv(loop));
    watch_end_ms = uv_now(net_loop_uv(loop)) + milliseconds;
    net_timer_start(watchdog, step, step);
}

void begin_watch(net_loop *loop) {
    watch(loop, 60000); /* that long only on a machine that stands still */
}

bool is_overdue(void) {
    return has_expired;
}

void end_watch(void) {
    net_timer_close(watchdog);
}

void run_for(net_loop *loop, uint64_t milliseconds) {
    watch(loop, milliseconds);
    while (!has_expired)
        net_loop_run(loop, UV_RUN_ONCE);
    end_watch();
}

/* ---------------------------------------------------------------------------------- endpoints */

static void tell(endpoint *self, const char *event) {
    if (self->on_any)
        self->on_any(self, event);
}

static void send_outgoing(endpoint *self) {
    bytes_slice slice = bytes_slice_of(self->outgoing.data, self->outgoing.size);
    if (slice.size > 0 && self->socket)
        bytes_buffer_drop(&self->outgoing, net_socket_write(self->socket, &slice, 1));
}

void endpoint_send(endpoint *self, const void *data, size_t size) {
    assert_int_equal(bytes_buffer_append(&self->outgoing, data, size), 0);
    send_outgoing(self);
}

static void on_lookup(net_socket *socket, const net_error *error, const char *address, int family,
                      const char *host) {
    (void)family;
    (void)host;
    endpoint *self = net_socket_context(socket);
    if (self->lookups++ == 0 && !error)
        snprintf(self->first_address, sizeof(self->first_address), "%s", address);
    tell(self, "lookup");
}

static void on_connect(net_socket *socket) {
    endpoint *self = net_socket_context(socket);
    self->connects++;
    tell(self, "connect");
}

static void on_secure(net_socket *socket) {
    endpoint *self = net_socket_context(socket);
    self->secures++;
    tell(self, "secure");
}

static void on_data(net_socket *socket, const uint8_t *data, size_t size) {
    endpoint *self = net_socket_context(socket);
    self->received_octets += size;
    if (self->is_echoing)
        endpoint_send(self, data, size);
    else if (!self->is_sinking)
        assert_int_equal(bytes_buffer_append(&self->received, data, size), 0);
    tell(self, "data");
}

static void on_end(net_socket *socket) {
    endpoint *self = net_socket_context(socket);
    self->ends++;
    if (self->is_closing_on_end)
        net_socket_shutdown(socket);
    tell(self, "end");
}

static void on_writable(net_socket *socket) {
    endpoint *self = net_socket_context(socket);
    self->writables++;
    send_outgoing(self);
    tell(self, "writable");
}

static void on_finish(net_socket *socket) {
    endpoint *self = net_socket_context(socket);
    self->finishes++;
    tell(self, "finish");
}

static void on_error(net_socket *socket, const net_error *error) {
    endpoint *self = net_socket_context(socket);
    self->errors++;
    self->error = *error;
    tell(self, "error");
}

static void on_close(net_socket *socket) {
    endpoint *self = net_socket_context(socket);
    self->closes++;
    self->socket = NULL;
    tell(self, "close");
}

const net_socket_events endpoint_events = {.on_lookup = on_lookup,
                                           .on_connect = on_connect,
                                           .on_secure = on_secure,
                                           .on_data = on_data,
                                           .on_end = on_end,
                                           .on_writable = on_writable,
                                           .on_finish = on_finish,
                                           .on_error = on_error,
                                           .on_close = on_close};

void endpoint_dispose(endpoint *self) {
    bytes_buffer_dispose(&self->received);
    bytes_buffer_dispose(&self->outgoing);
}

void endpoint_connect(endpoint *self, net_loop *loop, int port) {
    net_connect_options options = {.host = "127.0.0.1", .port = port, .is_no_delay = true};
    assert_int_equal(net_socket_connect(&self->socket, loop, &options, &endpoint_events, self), 0);
}

void endpoint_close(endpoint *self, net_loop *loop) {
    if (self->socket) {
        net_socket_close(self->socket);
        RUN_UNTIL(loop, self->closes == 1);
    }
    endpoint_dispose(self);
}

void write_to_the_deaf(net_loop *loop, endpoint *from, endpoint *to, size_t size, size_t bound) {
    net_socket_read_stop(to->socket);
    uint8_t *data = malloc(size);
    fill_pattern(data, size, 2);
    bytes_slice slice = bytes_slice_of(data, size);
    size_t taken = net_socket_write(from->socket, &slice, 1);
    assert_in_range(taken, 1, size - 1);
    assert_in_range(net_socket_queued(from->socket), 1, bound);
    slice = bytes_slice_of(data + taken, size - taken);
    assert_int_equal(net_socket_write(from->socket, &slice, 1), 0);
    assert_int_equal(from->writables, 0);
    assert_int_equal(bytes_buffer_append(&from->outgoing, slice.data, slice.size), 0);
    net_socket_read_start(to->socket);
    RUN_UNTIL(loop, to->received.size == size);
    assert_memory_equal(to->received.data, data, size);
    assert_true(from->writables > 0);
    assert_int_equal(net_socket_queued(from->socket), 0);
    free(data);
}

/* -------------------------------------------------------------------------------------- server */

static void on_listening(net_listener *listener) {
    test_server *self = net_listener_context(listener);
    self->listenings++;
}

static void on_connection(net_listener *listener, net_socket *socket) {
    test_server *self = net_listener_context(listener);
    self->connections++;
    if (self->on_connection) {
        self->on_connection(self, socket);
        return;
    }
    endpoint *accepted = self->accepted;
    accepted->socket = socket;
    net_socket_set_events(socket, &endpoint_events, accepted);
    if (self->tls) {
        net_tls *tls;
        assert_int_equal(net_tls_new(&tls, self->tls, NULL, bytes_slice_of(NULL, 0)), 0);
        net_socket_secure(socket, tls);
    }
    net_socket_read_start(socket);
}

static void on_listener_error(net_listener *listener, const net_error *error) {
    test_server *self = net_listener_context(listener);
    self->errors++;
    self->error = *error;
}

static void on_listener_close(net_listener *listener) {
    test_server *self = net_listener_context(listener);
    self->closes++;
    self->listener = NULL;
}

const net_listener_events server_events = {on_listening, on_connection, on_listener_error,
                                           on_listener_close};

void server_open(test_server *self, net_loop *loop, endpoint *accepted) {
    net_listen_options options = {.host = "127.0.0.1", .fd = -1};
    self->accepted = accepted;
    assert_int_equal(net_listener_open(&self->listener, loop, &options, &server_events, self), 0);
    RUN_UNTIL(loop, self->listenings == 1);
    net_address address;
    assert_int_equal(net_listener_address(self->listener, &address), 0);
    self->port = address.port;
}

void server_close(test_server *self, net_loop *loop) {
    if (!self->listener)
        return;
    net_listener_close(self->listener);
    RUN_UNTIL(loop, self->closes == 1);
}

void connect_pair(net_loop *loop, test_server *self, endpoint *client, endpoint *accepted,
                  net_tls_context *client_tls, net_tls_context *server_tls) {
    self->tls = server_tls;
    server_open(self, loop, accepted);
    endpoint_connect(client, loop, self->port);
    if (client_tls) {
        net_tls *tls;
        assert_int_equal(net_tls_new(&tls, client_tls, "localhost", bytes_slice_of(NULL, 0)), 0);
        net_socket_secure(client->socket, tls);
    }
    net_socket_read_start(client->socket);
    RUN_UNTIL(loop, (client->connects == 1 && accepted->socket) || client->errors > 0);
}

void fill_pattern(uint8_t *data, size_t size, uint32_t seed) {
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (uint8_t)(x >> 24);
    }
}

/* -------------------------------------------------------------------------------- certificates */

static void folder_of_source(char *folder, size_t size) {
    snprintf(folder, size, "%s", __FILE__);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    else
        snprintf(folder, size, ".");
}

/* Made anew by each program: in its own folder, so that programs can run side by side. */
const char *certificates(void) {
    static char folder[64];
    if (folder[0] != '\0')
        return folder;
    char source[400], command[600];
    folder_of_source(source, sizeof(source));
    snprintf(folder, sizeof(folder), "net-certificates.%ld", (long)getpid());
    snprintf(command, sizeof(command), "sh '%s/make_certificates.sh' '%s'", source, folder);
    if (system(command) != 0)
        fail_msg("the certificates cannot be made: is openssl installed?");
    return folder;
}

static void remove_certificates(void) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf 'net-certificates.%ld'", (long)getpid());
    if (system(command) != 0)
        perror("rm");
}

typedef struct file {
    char name[48];
    uint8_t data[16384];
    size_t size;
} file;

bytes_slice certificate(const char *name) {
    static file files[32];
    static size_t count;
    if (count == 0)
        atexit(remove_certificates);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i].name, name) == 0)
            return bytes_slice_of(files[i].data, files[i].size);
    }
    assert_true(count < sizeof(files) / sizeof(*files));
    file *new = &files[count++];
    char path[128];
    snprintf(new->name, sizeof(new->name), "%s", name);
    snprintf(path, sizeof(path), "%s/%s", certificates(), name);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    new->size = fread(new->data, 1, sizeof(new->data), stream);
    fclose(stream);
    return bytes_slice_of(new->data, new->size);
}

static const char *const h2[] = {"h2"};
static bytes_slice test_ca;

net_tls_options client_options(void) {
    test_ca = certificate("ca.crt");
    return (net_tls_options){.ca = &test_ca,
                             .ca_count = 1,
                             .alpn = h2,
                             .alpn_count = 1,
                             .reject_unauthorized = true,
                             .has_tickets = true,
                             .is_h2_strict = true};
}

net_tls_options server_options(void) {
    net_tls_options options = client_options();
    options.is_server = true;
    options.cert = certificate("localhost.crt");
    options.key = certificate("localhost.key");
    return options;
}

net_tls_context *make_context(const net_tls_options *options) {
    net_error error = {.text = ""};
    net_tls_context *context = NULL;
    if (net_tls_context_new(&context, options, &error) != 0)
        fail_msg("%s: %s", error.code, error.text);
    return context;
}
