#include "h2/support/pair.h"

#include <stdio.h>

#define SLICES 32
#define MAX_STREAMS 256

/* One direction of one stream. */
typedef struct flow {
    size_t to_send;
    size_t sent;
    size_t expected;
    size_t received;
    bool is_ended;
} flow;

typedef struct side {
    h2_session *session;
    flow flows[MAX_STREAMS];
    uint8_t *wire;
    size_t wire_size, wire_capacity;
    struct pair *pair;
} side;

typedef struct pair {
    const pair_options *options;
    h2_pool *pool;
    side client, server;
    pair_result result;
    size_t pushes;
} pair;

typedef struct body_chunk {
    h2_chunk chunk;
    pair *owner;
    size_t offset;
    size_t left;
    uint32_t stream_id;
    uint8_t octets[];
} body_chunk;

/* Every octet of every body is told by its stream and its place. */
static uint8_t octet_at(uint32_t stream_id, size_t at) {
    return (uint8_t)(stream_id * 7 + at * 31 + (at >> 8) * 5);
}

static bool fail(pair *q, int status, const char *wrong) {
    if (q->result.status == H2_OK) {
        q->result.status = status == H2_NOMEM ? H2_NOMEM : H2_MISUSE;
        q->result.wrong = wrong;
    }
    return false;
}

static bool check(pair *q, int result, const char *what) {
    return result == H2_OK || fail(q, result, what);
}

/* Stream 1, 3, 5 ... have their place, and so have the pushes, 2, 4 ... */
static flow *flow_of(side *s, uint32_t stream_id) {
    return &s->flows[stream_id < MAX_STREAMS ? stream_id : 0];
}

/* --------------------------------------------------------------------------------------- bodies */

static void release(h2_chunk *chunk, bool was_sent) {
    (void)was_sent;
    body_chunk *self = (body_chunk *)chunk;
    self->owner->result.released++;
    free(self);
}

static long read_chunk(h2_chunk *chunk, uint8_t *into, size_t max) {
    body_chunk *self = (body_chunk *)chunk;
    size_t n = self->left < max ? self->left : max;
    for (size_t i = 0; i < n; i++)
        into[i] = octet_at(self->stream_id, self->offset + i);
    self->offset += n;
    self->left -= n;
    return (long)n;
}

static body_chunk *chunk_new(pair *q, uint32_t stream_id, size_t offset, size_t size) {
    bool is_read = q->options->is_read;
    body_chunk *self = malloc(sizeof(*self) + (is_read ? 0 : size));
    if (!self)
        abort();
    *self = (body_chunk){.owner = q, .offset = offset, .left = size, .stream_id = stream_id};
    self->chunk.release = release;
    if (is_read) {
        self->chunk.read = read_chunk;
    } else {
        for (size_t i = 0; i < size; i++)
            self->octets[i] = octet_at(stream_id, offset + i);
        self->chunk.data = self->octets;
        self->chunk.size = size;
    }
    return self;
}

static bool end_body(side *s, uint32_t stream_id) {
    pair *q = s->pair;
    hpack_field trailer = {.name = BYTES_LITERAL("x-trailer"), .value = BYTES_LITERAL("end")};
    int result = q->options->has_trailers
                     ? h2_session_submit_trailers(s->session, stream_id, &trailer, 1)
                     : h2_session_end(s->session, stream_id);
    return check(q, result, "end");
}

static bool send_body(side *s, uint32_t stream_id, size_t size) {
    pair *q = s->pair;
    for (size_t at = 0; at < size;) {
        size_t n = size - at < q->options->piece ? size - at : q->options->piece;
        body_chunk *chunk = chunk_new(q, stream_id, at, n);
        q->result.chunks++;
        int result = h2_session_write(s->session, stream_id, &chunk->chunk);
        if (result != H2_OK) {
            release(&chunk->chunk, false);
            return check(q, result, "write");
        }
        at += n;
    }
    return end_body(s, stream_id);
}

static bool receive_body(side *s, const h2_event *event) {
    pair *q = s->pair;
    flow *f = flow_of(s, event->stream_id);
    for (size_t i = 0; i < event->data.octets.size; i++)
        if (event->data.octets.data[i] != octet_at(event->stream_id, f->received + i))
            return fail(q, H2_MISUSE, "octet out of place");
    f->received += event->data.octets.size;
    h2_session_consume(s->session, event->stream_id, event->data.octets.size, 0);
    return true;
}

static bool receive_end(side *s, uint32_t stream_id) {
    pair *q = s->pair;
    flow *f = flow_of(s, stream_id);
    if (f->is_ended)
        return fail(q, H2_MISUSE, "second end");
    if (f->received != f->expected)
        return fail(q, H2_MISUSE, "end before all octets");
    f->is_ended = true;
    if (s == &q->server)
        q->result.requests++;
    else
        q->result.answers++;
    return true;
}

/* -------------------------------------------------------------------------------------- messages */

#define FIELD(n, v, t)                                                                             \
    { .name = BYTES_LITERAL(n), .value = BYTES_LITERAL(v), .token = (t) }

static bool answer(side *s, uint32_t stream_id) {
    pair *q = s->pair;
    hpack_field fields[] = {FIELD(":status", "200", HPACK_TOKEN_STATUS),
                            FIELD("x-answer", "a value that is indexed", HPACK_TOKEN_NONE)};
    size_t size = q->options->download;
    bool is_end = size == 0 && !q->options->has_trailers;
    int result = h2_session_submit_response(s->session, stream_id, fields, 2, is_end);
    if (result != H2_OK)
        return check(q, result, "response");
    return is_end || send_body(s, stream_id, size);
}

static bool push(side *s, uint32_t parent_id) {
    pair *q = s->pair;
    uint32_t stream_id;
    hpack_field fields[] = {FIELD(":method", "GET", HPACK_TOKEN_METHOD),
                            FIELD(":scheme", "https", HPACK_TOKEN_SCHEME),
                            FIELD(":path", "/pushed", HPACK_TOKEN_PATH),
                            FIELD(":authority", "example.org", HPACK_TOKEN_AUTHORITY)};
    q->pushes++;
    return check(q, h2_session_submit_push(s->session, parent_id, fields, 4, NULL, &stream_id),
                 "push") &&
           answer(s, stream_id);
}

static bool receive_headers(side *s, const h2_event *event) {
    pair *q = s->pair;
    flow *f = flow_of(s, event->stream_id);
    switch (event->headers.message) {
    case H2_REQUEST:
        f->expected = q->options->upload;
        if (q->options->has_pushes && q->pushes == 0 && !push(s, event->stream_id))
            return false;
        return (!event->headers.is_end || receive_end(s, event->stream_id)) &&
               answer(s, event->stream_id);
    case H2_RESPONSE:
        f->expected = q->options->download;
        break;
    default:
        break;
    }
    return !event->headers.is_end || receive_end(s, event->stream_id);
}

static bool ask(pair *q) {
    uint32_t stream_id;
    hpack_field fields[] = {FIELD(":method", "POST", HPACK_TOKEN_METHOD),
                            FIELD(":scheme", "https", HPACK_TOKEN_SCHEME),
                            FIELD(":path", "/some/path", HPACK_TOKEN_PATH),
                            FIELD(":authority", "example.org", HPACK_TOKEN_AUTHORITY)};
    size_t size = q->options->upload;
    bool is_end = size == 0 && !q->options->has_trailers;
    int result = h2_session_submit_request(q->client.session, fields, 4, is_end, NULL, &stream_id);
    if (result != H2_OK)
        return check(q, result, "request");
    return is_end || send_body(&q->client, stream_id, size);
}

/* ---------------------------------------------------------------------------------------- wires */

static bool read_events(side *s) {
    h2_event event;
    for (;;) {
        int result = h2_session_next(s->session, &event);
        if (result != H2_OK)
            return check(s->pair, result, "next");
        bool is_well = true;
        switch (event.kind) {
        case H2_EV_NONE:
            return true;
        case H2_EV_HEADERS:
            is_well = receive_headers(s, &event);
            break;
        case H2_EV_DATA:
            is_well =
                receive_body(s, &event) && (!event.data.is_end || receive_end(s, event.stream_id));
            break;
        case H2_EV_CLOSE:
            if (event.close.code != H2_NO_ERROR || event.close.is_reset)
                is_well = fail(s->pair, H2_MISUSE, event.close.text ? event.close.text : "reset");
            break;
        case H2_EV_FAULT:
            is_well = fail(s->pair, H2_MISUSE, event.fault.text);
            break;
        default:
            break;
        }
        if (!is_well)
            return false;
    }
}

static void append(side *s, bytes_slice slice) {
    if (s->wire_size + slice.size > s->wire_capacity) {
        s->wire_capacity = (s->wire_size + slice.size) * 2;
        s->wire = realloc(s->wire, s->wire_capacity);
        if (!s->wire)
            abort();
    }
    memcpy(s->wire + s->wire_size, slice.data, slice.size);
    s->wire_size += slice.size;
}

/* What one side has to say goes over to the other; *octets is how much it was. */
static bool carry(side *from, side *to, size_t *octets) {
    bytes_slice slices[SLICES];
    size_t count, step = from->pair->options->split;
    int result = h2_session_output(from->session, slices, SLICES, 128 * 1024, &count);
    if (result != H2_OK)
        return check(from->pair, result, "output");
    from->wire_size = 0;
    for (size_t i = 0; i < count; i++)
        append(from, slices[i]);
    h2_session_sent(from->session, from->wire_size);
    *octets += from->wire_size;
    if (step == 0)
        step = from->wire_size;
    for (size_t at = 0; at < from->wire_size; at += step) {
        size_t n = from->wire_size - at < step ? from->wire_size - at : step;
        h2_session_feed(to->session, from->wire + at, n, 0);
        if (!read_events(to))
            return false;
    }
    return read_events(from);
}

static bool is_done(const pair *q) {
    size_t streams = q->options->streams;
    return q->result.requests == streams && q->result.answers == streams + q->pushes &&
           h2_session_stream_count(q->client.session) == 0 &&
           h2_session_stream_count(q->server.session) == 0;
}

static bool exchange(pair *q) {
    for (uint32_t i = 0; i < q->options->streams; i++)
        if (!ask(q))
            return false;
    while (!is_done(q)) {
        size_t octets = 0;
        if (!carry(&q->client, &q->server, &octets) || !carry(&q->server, &q->client, &octets))
            return false;
        q->result.rounds++;
        if (octets == 0)
            return fail(q, H2_MISUSE, "both sides are silent before the end");
    }
    return true;
}

static bool open_sessions(pair *q) {
    h2_setting settings[] = {{H2_SETTINGS_INITIAL_WINDOW_SIZE, q->options->window},
                             {H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000}};
    h2_options options;
    h2_options_init(&options, H2_CLIENT);
    options.pool = q->pool;
    options.settings = settings;
    options.settings_count = 2;
    options.padding = q->options->padding;
    options.seed = 99;
    if (!check(q, h2_session_new(&q->client.session, &options), "client"))
        return false;
    options.role = H2_SERVER;
    return check(q, h2_session_new(&q->server.session, &options), "server");
}

pair_result pair_run(const pair_options *options) {
    pair *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->options = options;
    q->client.pair = q->server.pair = q;
    if (check(q, h2_pool_new(&q->pool), "pool") && open_sessions(q))
        (void)exchange(q);
    h2_session_free(q->client.session);
    h2_session_free(q->server.session);
    h2_pool_free(q->pool);
    pair_result result = q->result;
    free(q->client.wire);
    free(q->server.wire);
    free(q);
    return result;
}
