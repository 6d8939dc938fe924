/* A session, of either role, fed by a peer that may say anything, in any pieces, while its program
 * answers, writes, reads, resets and shuts down at random.
 *
 * The input is one octet of options, one that seeds the program's moves and the cuts, and the octets
 * of the peer. What is checked: events come in an order that makes sense, what is written is whole
 * frames within what the peer allows, nothing comes after the end, memory stays bounded, chunks are
 * given back once, and nothing is left when all is freed. */
#include "base/mem.h"
#include "h2/frame.h"

#include <stdlib.h>

/* Returned values and facts are checked in every build. */
#define CHECK(is_so)                                                                               \
    do {                                                                                           \
        if (!(is_so))                                                                              \
            abort();                                                                               \
    } while (0)

#define MAX_SLICES 8
#define TRACKED_IDS 512
#define MAX_MEMORY (4u << 20)

enum {
    IS_SERVER = 1,
    IS_LENIENT = 2,
    HAS_LOW_LIMITS = 4,
    IS_PADDED = 8,
    HAS_PREFACE = 16,
    HAS_FAILURE = 32
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* What the program knows of a stream. */
typedef struct tracked {
    bool is_open;
    bool is_closed;
    bool has_final;
    bool is_ended;
    size_t unread;
} tracked;

typedef struct program {
    h2_session *session;
    h2_pool *pool;
    h2_role role;
    uint64_t random;
    bool is_over;    /* H2_EV_FAULT was told, or the session was terminated */
    bool has_failed; /* memory was out */
    tracked streams[TRACKED_IDS];
    size_t chunks;                          /* with the session */
    uint8_t header[H2_FRAME_HEADER_OCTETS]; /* of the output, as it is read */
    size_t header_size;
    size_t payload_left;
    size_t preface_left;
    uint32_t block_id; /* a header block of the output is open */
} program;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t draw(program *p, uint32_t below) {
    p->random = p->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(p->random >> 33) % below;
}

static tracked *track(program *p, uint32_t id) {
    return id > 0 && id < TRACKED_IDS ? &p->streams[id] : NULL;
}

/* A call that may only fail in these ways. */
static bool is_done(program *p, int result) {
    CHECK(result <= H2_OK && result != H2_FAULT);
    if (result == H2_NOMEM)
        p->has_failed = true;
    return result == H2_OK;
}

/* ---------------------------------------------------------------------------------------- chunks */

typedef struct fuzz_chunk {
    h2_chunk chunk;
    program *owner;
    uint8_t octets[700];
} fuzz_chunk;

static void on_release(h2_chunk *chunk, bool was_sent) {
    fuzz_chunk *self = (fuzz_chunk *)chunk;
    (void)was_sent;
    CHECK(self->owner->chunks > 0);
    self->owner->chunks--;
    free(self);
}

static long on_read(h2_chunk *chunk, uint8_t *into, size_t max) {
    fuzz_chunk *self = (fuzz_chunk *)chunk;
    switch (draw(self->owner, 8)) {
    case 0:
        return 0;
    case 1:
        return H2_AGAIN;
    case 2:
        return draw(self->owner, 4) ? 0 : H2_FAULT;
    default: {
        size_t n = 1 + draw(self->owner, 5000);
        n = n < max ? n : max;
        memset(into, 'r', n);
        return (long)n;
    }
    }
}

static void write_chunk(program *p, uint32_t id) {
    fuzz_chunk *self = calloc(1, sizeof(*self));
    CHECK(self);
    self->owner = p;
    self->chunk.release = on_release;
    if (draw(p, 4) == 0) {
        self->chunk.read = on_read;
    } else {
        self->chunk.data = self->octets;
        self->chunk.size = draw(p, sizeof(self->octets));
    }
    p->chunks++;
    if (!is_done(p, h2_session_write(p->session, id, &self->chunk)))
        on_release(&self->chunk, false);
}

/* ----------------------------------------------------------------------------------------- moves */

#define FIELD(n, v, t)                                                                             \
    { .name = BYTES_LITERAL(n), .value = BYTES_LITERAL(v), .token = (t) }

static void ask(program *p) {
    uint32_t id;
    hpack_field fields[] = {
        FIELD(":method", "GET", HPACK_TOKEN_METHOD), FIELD(":scheme", "https", HPACK_TOKEN_SCHEME),
        FIELD(":path", "/", HPACK_TOKEN_PATH), FIELD(":authority", "a", HPACK_TOKEN_AUTHORITY)};
    if (draw(p, 4) == 0)
        fields[0].value = BYTES_LITERAL("HEAD");
    if (!is_done(p, h2_session_submit_request(p->session, fields, 4, draw(p, 2), NULL, &id)))
        return;
    tracked *t = track(p, id);
    if (t)
        t->is_open = true;
}

static void push(program *p, uint32_t parent_id) {
    uint32_t id;
    hpack_field fields[] = {FIELD(":method", "GET", HPACK_TOKEN_METHOD),
                            FIELD(":path", "/p", HPACK_TOKEN_PATH)};
    if (!is_done(p, h2_session_submit_push(p->session, parent_id, fields, 2, NULL, &id)))
        return;
    tracked *t = track(p, id);
    if (t)
        t->is_open = t->is_ended = true;
}

static void answer(program *p, uint32_t id) {
    hpack_field status = FIELD(":status", "200", HPACK_TOKEN_STATUS);
    hpack_field trailer = FIELD("x-trailer", "1", HPACK_TOKEN_NONE);
    switch (draw(p, 6)) {
    case 0:
        (void)is_done(p, h2_session_submit_informational(p->session, id, &status, 1));
        break;
    case 1:
        (void)is_done(p, h2_session_submit_response(p->session, id, &status, 1, draw(p, 2)));
        break;
    case 2:
        (void)is_done(p, h2_session_submit_trailers(p->session, id, &trailer, 1));
        break;
    case 3:
        (void)is_done(p, h2_session_end(p->session, id));
        break;
    case 4:
        push(p, id);
        break;
    default:
        write_chunk(p, id);
    }
}

static void change_settings(program *p) {
    h2_setting settings[] = {{H2_SETTINGS_INITIAL_WINDOW_SIZE, draw(p, 100000)},
                             {H2_SETTINGS_HEADER_TABLE_SIZE, draw(p, 5000)},
                             {H2_SETTINGS_MAX_CONCURRENT_STREAMS, draw(p, 50)}};
    (void)is_done(p, h2_session_submit_settings(p->session, settings, draw(p, 4)));
}

static void move(program *p) {
    uint32_t id = 1 + draw(p, 20);
    const uint8_t ping[8] = {0};
    switch (draw(p, 24)) {
    case 0:
        (void)is_done(p, h2_session_submit_ping(p->session, ping));
        break;
    case 1:
        change_settings(p);
        break;
    case 2:
        (void)is_done(p, h2_session_reset(p->session, id, draw(p, 20)));
        break;
    case 3:
        (void)is_done(p, h2_session_set_local_window(p->session, draw(p, 1 << 20)));
        break;
    case 4:
        (void)is_done(p, h2_session_set_priority(p->session, id,
                                                 (h2_priority){(uint8_t)draw(p, 9), draw(p, 2)}));
        break;
    case 5:
        if (draw(p, 30) == 0)
            (void)is_done(p, h2_session_shutdown(p->session));
        break;
    case 6:
        if (draw(p, 60) == 0 &&
            is_done(p, h2_session_terminate(p->session, draw(p, 14), BYTES_LITERAL("done"))))
            p->is_over = true;
        break;
    case 7:
        h2_session_resume(p->session, id);
        break;
    case 8:
        if (draw(p, 30) == 0)
            (void)is_done(p, h2_session_submit_goaway(p->session, 0, id, BYTES_LITERAL("")));
        break;
    case 9:
    case 10:
    case 11:
        ask(p);
        break;
    default:
        answer(p, id);
    }
}

/* ---------------------------------------------------------------------------------------- events */

static void check_headers(program *p, const h2_event *event, tracked *t) {
    CHECK(event->headers.fields || event->headers.count == 0);
    for (size_t i = 0; i < event->headers.count; i++)
        CHECK(event->headers.fields[i].token == hpack_token_of(event->headers.fields[i].name));
    if (!t)
        return;
    bool opens = event->headers.message == H2_REQUEST || event->headers.message == H2_PUSH;
    CHECK(opens ? !t->is_open : t->is_open);
    CHECK(!t->is_closed && !t->is_ended);
    CHECK((event->headers.message == H2_TRAILERS) == (t->has_final && !opens));
    CHECK(event->headers.message != H2_REQUEST || p->role == H2_SERVER);
    t->is_open = true;
    t->has_final = event->headers.message != H2_INFORMATIONAL && event->headers.message != H2_PUSH;
    t->is_ended = event->headers.is_end;
    CHECK(event->headers.message != H2_TRAILERS || t->is_ended);
}

static void check_data(program *p, const h2_event *event, tracked *t) {
    CHECK(event->data.octets.size > 0 || event->data.is_end);
    if (t) {
        CHECK(t->is_open && !t->is_closed && t->has_final && !t->is_ended);
        t->is_ended = event->data.is_end;
    }
    if (draw(p, 4))
        h2_session_consume(p->session, event->stream_id, event->data.octets.size, p->random >> 50);
}

static void check_event(program *p, const h2_event *event) {
    tracked *t = track(p, event->stream_id);
    CHECK(!p->is_over);
    switch (event->kind) {
    case H2_EV_HEADERS:
        check_headers(p, event, t);
        break;
    case H2_EV_DATA:
        check_data(p, event, t);
        break;
    case H2_EV_CLOSE:
        if (t) {
            CHECK(t->is_open && !t->is_closed);
            t->is_closed = true;
        }
        break;
    case H2_EV_FAULT:
        CHECK(event->fault.text && h2_error_name(event->fault.code));
        CHECK(h2_session_is_finished(p->session));
        p->is_over = true;
        break;
    default:
        break;
    }
}

static void read_events(program *p) {
    h2_event event;
    while (!p->has_failed) {
        if (!is_done(p, h2_session_next(p->session, &event)) || event.kind == H2_EV_NONE)
            return;
        check_event(p, &event);
        if (draw(p, 3) == 0)
            move(p);
    }
}

/* ---------------------------------------------------------------------------------------- output */

static void check_frame_header(program *p) {
    h2_frame_header header;
    h2_fault fault;
    h2_frame_header_read(&header, p->header);
    CHECK(h2_frame_check(&header, 0xffffff, &fault) == H2_OK);
    CHECK((p->header[5] & 0x80) == 0);
    CHECK(header.type != H2_FRAME_PUSH_PROMISE || p->role == H2_SERVER);
    CHECK((header.type == H2_FRAME_CONTINUATION) == (p->block_id != 0));
    CHECK(p->block_id == 0 || p->block_id == header.stream_id);
    bool is_block = header.type == H2_FRAME_HEADERS || header.type == H2_FRAME_PUSH_PROMISE ||
                    header.type == H2_FRAME_CONTINUATION;
    if (is_block)
        p->block_id = header.flags & H2_FLAG_END_HEADERS ? 0 : header.stream_id;
    p->payload_left = header.length;
}

static void check_output(program *p, bytes_slice octets) {
    for (size_t i = 0; i < octets.size; i++) {
        if (p->preface_left > 0) {
            p->preface_left--;
        } else if (p->payload_left > 0) {
            size_t n = octets.size - i < p->payload_left ? octets.size - i : p->payload_left;
            p->payload_left -= n;
            i += n - 1;
        } else {
            p->header[p->header_size++] = octets.data[i];
            if (p->header_size == H2_FRAME_HEADER_OCTETS) {
                p->header_size = 0;
                check_frame_header(p);
            }
        }
    }
}

/* Takes some or all of the output; false when there is no more. */
static bool take_output(program *p, bool all) {
    bytes_slice slices[MAX_SLICES];
    size_t count, octets = 0, taken = 0;
    size_t most = 1 + draw(p, 40000);
    if (!is_done(p, h2_session_output(p->session, slices, MAX_SLICES, most, &count)))
        return false;
    for (size_t i = 0; i < count; i++)
        octets += slices[i].size;
    size_t wanted = all ? octets : draw(p, (uint32_t)octets + 1);
    for (size_t i = 0; i < count && taken < wanted; i++) {
        size_t n = slices[i].size < wanted - taken ? slices[i].size : wanted - taken;
        check_output(p, bytes_slice_of(slices[i].data, n));
        taken += n;
    }
    h2_session_sent(p->session, taken);
    return octets > 0;
}

/* ------------------------------------------------------------------------------------------- runs */

static bool open_session(program *p, uint8_t flags) {
    h2_setting settings[] = {{H2_SETTINGS_MAX_CONCURRENT_STREAMS, 40},
                             {H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};
    h2_options options;
    h2_options_init(&options, p->role);
    options.pool = p->pool;
    options.settings = settings;
    options.settings_count = 2;
    options.seed = 1;
    options.limits.is_strict = !(flags & IS_LENIENT);
    options.limits.max_session_octets = 1 << 20;
    options.padding = flags & IS_PADDED ? H2_PADDING_ALIGNED : H2_PADDING_NONE;
    if (flags & HAS_LOW_LIMITS) {
        options.limits.glitch_burst = 5;
        options.limits.stream_reset_burst = 3;
        options.limits.max_session_invalid_frames = 3;
        options.limits.max_outbound_acks = 2;
        options.limits.max_outbound_frames = 6;
        options.limits.max_session_rejected_streams = 2;
        options.max_send_header_octets = 100;
    }
    return is_done(p, h2_session_new(&p->session, &options));
}

static void feed(program *p, const uint8_t *data, size_t size) {
    /* In its exact size, and gone when it is read: what is kept of it is found by the sanitizer. */
    uint8_t *copy = malloc(size ? size : 1);
    CHECK(copy);
    memcpy(copy, data, size);
    h2_session_feed(p->session, copy, size, p->random >> 50);
    read_events(p);
    free(copy);
}

static void converse(program *p, const uint8_t *data, size_t size) {
    size_t step = 1 + draw(p, 200);
    while (size > 0 && !p->has_failed) {
        size_t n = 1 + draw(p, (uint32_t)step);
        n = n < size ? n : size;
        feed(p, data, n);
        data += n;
        size -= n;
        if (!p->has_failed && draw(p, 2))
            move(p);
        if (!p->has_failed && draw(p, 3))
            (void)take_output(p, draw(p, 2));
        CHECK(h2_session_memory(p->session) < MAX_MEMORY);
    }
}

/* All that is left is taken; after the end there is nothing more to say. */
static void finish(program *p) {
    if (!p->has_failed && draw(p, 2))
        h2_session_end_input(p->session);
    if (!p->has_failed)
        read_events(p);
    for (int i = 0; i < 1000 && !p->has_failed && take_output(p, true); i++)
        read_events(p);
    if (p->has_failed || !p->is_over)
        return;
    CHECK(!h2_session_wants_output(p->session));
    CHECK(p->header_size == 0 && p->payload_left == 0);
    feed(p, (const uint8_t *)preface, sizeof(preface) - 1);
    CHECK(!h2_session_wants_output(p->session));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    program p = {.role = data[0] & IS_SERVER ? H2_SERVER : H2_CLIENT, .random = data[1]};
    if (p.role == H2_CLIENT)
        p.preface_left = sizeof(preface) - 1;
    CHECK(mem_blocks() == 0);
    CHECK(h2_pool_new(&p.pool) == H2_OK);
    if (data[0] & HAS_FAILURE)
        mem_fail_from(1 + data[1]);
    if (open_session(&p, data[0])) {
        if (p.role == H2_SERVER && data[0] & HAS_PREFACE)
            feed(&p, (const uint8_t *)preface, sizeof(preface) - 1);
        converse(&p, data + 2, size - 2);
        finish(&p);
    }
    mem_fail_from(0);
    h2_session_free(p.session);
    h2_pool_free(p.pool);
    CHECK(p.chunks == 0);
    CHECK(mem_blocks() == 0);
    return 0;
}
