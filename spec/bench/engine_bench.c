/* What the engine alone costs: a client's and a server's session joined in memory, 32 requests at a
 * time, each answered with 13 octets. Prints the time of one request and answer, both sides together.
 * Usage: engine_bench [requests] */
#include "h2/h2.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STREAMS 32
#define SLICES 512

static const char body[] = "Hello, World!";

#define FIELD(n, v, t)                                                                             \
    { {(const uint8_t *)(n), sizeof(n) - 1}, {(const uint8_t *)(v), sizeof(v) - 1}, 0, (t) }

static const hpack_field request[] = {
    FIELD(":method", "GET", HPACK_TOKEN_METHOD),
    FIELD(":scheme", "http", HPACK_TOKEN_SCHEME),
    FIELD(":authority", "localhost:8080", HPACK_TOKEN_AUTHORITY),
    FIELD(":path", "/", HPACK_TOKEN_PATH),
    FIELD("user-agent", "engine_bench/1.0", 58),
};

static const hpack_field response[] = {
    FIELD(":status", "200", HPACK_TOKEN_STATUS),
    FIELD("content-type", "text/plain", 31),
    FIELD("content-length", "13", HPACK_TOKEN_CONTENT_LENGTH),
    FIELD("date", "Tue, 29 Sep 2026 12:00:00 GMT", HPACK_TOKEN_DATE),
};

typedef struct side {
    h2_session *session;
    uint8_t wire[256 * 1024]; /* what the other side reads next */
    size_t size;
} side;

static h2_chunk chunks[STREAMS];
static h2_chunk *spare[STREAMS];
static size_t spare_count;
static size_t requested, answered;

static void check(int result, const char *what) {
    if (result == H2_OK)
        return;
    fprintf(stderr, "%s: %d\n", what, result);
    exit(1);
}

static void on_release(h2_chunk *chunk, bool was_sent) {
    (void)was_sent;
    spare[spare_count++] = chunk;
}

static void ask(h2_session *client) {
    uint32_t id;
    check(h2_session_submit_request(client, request, 5, true, NULL, &id), "request");
    requested++;
}

static void answer(h2_session *server, uint32_t id) {
    h2_chunk *chunk = spare[--spare_count];
    *chunk = (h2_chunk){(const uint8_t *)body, sizeof(body) - 1, NULL, on_release, NULL, 0};
    check(h2_session_submit_response(server, id, response, 4, false), "response");
    check(h2_session_write(server, id, chunk), "write");
    check(h2_session_end(server, id), "end");
}

static void flush(side *from) {
    bytes_slice slices[SLICES];
    size_t count, sent = 0;
    check(h2_session_output(from->session, slices, SLICES, sizeof(from->wire) / 2, &count),
          "output");
    for (size_t i = 0; i < count; i++) {
        memcpy(from->wire + from->size, slices[i].data, slices[i].size);
        from->size += slices[i].size;
        sent += slices[i].size;
    }
    h2_session_sent(from->session, sent);
}

/* Returns how many streams have closed. */
static size_t deliver(side *from, h2_session *to) {
    h2_event event;
    size_t closed = 0;
    h2_session_feed(to, from->wire, from->size, 0);
    for (;;) {
        check(h2_session_next(to, &event), "next");
        if (event.kind == H2_EV_NONE)
            break;
        if (event.kind == H2_EV_HEADERS && event.headers.message == H2_REQUEST)
            answer(to, event.stream_id);
        else if (event.kind == H2_EV_DATA)
            h2_session_consume(to, event.stream_id, event.data.octets.size, 0);
        else if (event.kind == H2_EV_CLOSE)
            closed++;
        if (event.kind == H2_EV_FAULT) {
            fprintf(stderr, "fault: %s\n", event.fault.text);
            exit(1);
        }
    }
    from->size = 0;
    return closed;
}

int main(int argc, char **argv) {
    size_t total = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    static side client, server;
    h2_options options;
    h2_pool *pool;
    check(h2_pool_new(&pool), "pool");
    h2_options_init(&options, H2_CLIENT);
    options.pool = pool;
    check(h2_session_new(&client.session, &options), "client");
    options.role = H2_SERVER;
    check(h2_session_new(&server.session, &options), "server");
    for (size_t i = 0; i < STREAMS; i++)
        spare[spare_count++] = &chunks[i];

    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while (requested < total) {
        while (h2_session_stream_count(client.session) < STREAMS && requested < total)
            ask(client.session);
        flush(&client);
        deliver(&client, server.session);
        flush(&server);
        answered += deliver(&server, client.session);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    printf("%zu answers, %.0f ns each, both sides\n", answered, ns / (double)answered);
    h2_session_free(client.session);
    h2_session_free(server.session);
    h2_pool_free(pool);
    return 0;
}
