#include "h2/support/peer.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_SLICES 64

static void append(bytes_buffer *buffer, const void *data, size_t size) {
    if (buffer->size + size > buffer->capacity) {
        buffer->capacity = (buffer->size + size) * 2 + 64;
        buffer->data = realloc(buffer->data, buffer->capacity);
        assert_non_null(buffer->data);
    }
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static uint64_t blocks_alive(void) {
#ifdef MEM_FAULTS
    return mem_blocks();
#else
    return 0;
#endif
}

void peer_open_silent(peer *p, h2_role role, peer_tweak *tweak) {
    h2_options options;
    *p = (peer){.blocks = blocks_alive()};
    h2_options_init(&options, role);
    assert_int_equal(h2_pool_new(&p->pool), H2_OK);
    options.pool = p->pool;
    options.seed = 0x1234567;
    if (tweak)
        tweak(&options);
    assert_int_equal(h2_session_new(&p->session, &options), H2_OK);
}

void peer_open(peer *p, h2_role role, peer_tweak *tweak) {
    peer_open_silent(p, role, tweak);
    if (role == H2_SERVER)
        peer_preface(p);
    peer_settings(p, NULL, 0);
    peer_settings_ack(p);
    peer_expect(p, "settings; settings ack", "SETTINGS; SETTINGS ack");
}

void peer_close(peer *p) {
    h2_session_free(p->session);
    h2_pool_free(p->pool);
    free(p->out.data);
    trace_dispose(&p->events);
    trace_dispose(&p->frames);
    assert_int_equal(blocks_alive(), p->blocks);
}

/* ------------------------------------------------------------------------------------ to deliver */

void peer_octets(peer *p, const void *octets, size_t size) {
    append(&p->out, octets, size);
}

void peer_frame(peer *p, uint8_t type, uint8_t flags, uint32_t stream_id, const void *payload,
                size_t size) {
    uint8_t header[H2_FRAME_HEADER_OCTETS];
    h2_frame_write_header(header, (uint32_t)size, type, flags, stream_id);
    peer_octets(p, header, sizeof(header));
    peer_octets(p, payload, size);
}

void peer_preface(peer *p) {
    peer_octets(p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
}

void peer_settings(peer *p, const h2_setting *settings, size_t count) {
    uint8_t payload[6 * 3000];
    assert_true(count <= 3000);
    for (size_t i = 0; i < count; i++)
        h2_frame_write_setting(payload + 6 * i, settings[i]);
    peer_frame(p, H2_FRAME_SETTINGS, 0, 0, payload, 6 * count);
}

void peer_setting(peer *p, uint16_t id, uint32_t value) {
    h2_setting setting = {id, value};
    peer_settings(p, &setting, 1);
}

void peer_settings_ack(peer *p) {
    peer_frame(p, H2_FRAME_SETTINGS, H2_FLAG_ACK, 0, NULL, 0);
}

void peer_window_update(peer *p, uint32_t stream_id, uint32_t increment) {
    uint8_t payload[4];
    bytes_put_u32(payload, increment);
    peer_frame(p, H2_FRAME_WINDOW_UPDATE, 0, stream_id, payload, sizeof(payload));
}

void peer_reset(peer *p, uint32_t stream_id, uint32_t code) {
    uint8_t payload[4];
    bytes_put_u32(payload, code);
    peer_frame(p, H2_FRAME_RST_STREAM, 0, stream_id, payload, sizeof(payload));
}

void peer_ping(peer *p, uint8_t flags) {
    peer_frame(p, H2_FRAME_PING, flags, 0, "abcdefgh", 8);
}

void peer_goaway(peer *p, uint32_t last_id, uint32_t code) {
    uint8_t payload[8];
    bytes_put_u32(bytes_put_u32(payload, last_id), code);
    peer_frame(p, H2_FRAME_GOAWAY, 0, 0, payload, sizeof(payload));
}

void peer_data(peer *p, uint8_t flags, uint32_t stream_id, size_t size) {
    uint8_t *payload = malloc(size + 1);
    assert_non_null(payload);
    memset(payload, 'x', size);
    peer_frame(p, H2_FRAME_DATA, flags, stream_id, payload, size);
    free(payload);
}

static void put_string(bytes_buffer *block, const char *text) {
    size_t size = strlen(text);
    uint8_t length = (uint8_t)(size < 127 ? size : 127);
    append(block, &length, 1);
    if (size >= 127) { /* RFC 7541 §5.1 */
        size_t rest = size - 127;
        for (; rest >= 128; rest /= 128) {
            uint8_t octet = (uint8_t)(rest % 128 + 128);
            append(block, &octet, 1);
        }
        uint8_t octet = (uint8_t)rest;
        append(block, &octet, 1);
    }
    append(block, text, size);
}

bytes_slice peer_block(const char *name, ...) {
    static bytes_buffer block;
    va_list arguments;
    block.size = 0;
    va_start(arguments, name);
    for (; name; name = va_arg(arguments, const char *)) {
        append(&block, "", 1); /* literal, not indexed, new name (RFC 7541 §6.2.2) */
        put_string(&block, name);
        put_string(&block, va_arg(arguments, const char *));
    }
    va_end(arguments);
    return bytes_slice_of(block.data, block.size);
}

void peer_headers(peer *p, uint8_t flags, uint32_t stream_id, bytes_slice block) {
    peer_frame(p, H2_FRAME_HEADERS, flags, stream_id, block.data, block.size);
}

void peer_get(peer *p, uint32_t stream_id) {
    peer_headers(
        p, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, stream_id,
        peer_block(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", NULL));
}

void peer_post(peer *p, uint32_t stream_id) {
    peer_headers(
        p, H2_FLAG_END_HEADERS, stream_id,
        peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a", NULL));
}

void peer_respond(peer *p, uint8_t flags, uint32_t stream_id) {
    peer_headers(p, H2_FLAG_END_HEADERS | flags, stream_id, peer_block(":status", "200", NULL));
}

/* -------------------------------------------------------------------------------------- delivery */

static void read_events(peer *p) {
    h2_event event;
    for (;;) {
        assert_int_equal(h2_session_next(p->session, &event), H2_OK);
        trace_event(&p->events, &event);
        if (event.kind == H2_EV_NONE)
            return;
        if (event.kind == H2_EV_DATA && p->is_reading)
            h2_session_consume(p->session, event.stream_id, event.data.octets.size, p->now_ms);
    }
}

static void read_frames(peer *p, const uint8_t *octets, size_t size) {
    if (size >= 3 && memcmp(octets, "PRI", 3) == 0) {
        octets += 24;
        size -= 24;
    }
    while (size > 0) {
        h2_frame_header header;
        assert_true(size >= H2_FRAME_HEADER_OCTETS);
        h2_frame_header_read(&header, octets);
        assert_true(size >= H2_FRAME_HEADER_OCTETS + header.length);
        trace_frame(&p->frames, &header, octets + H2_FRAME_HEADER_OCTETS);
        if (header.type == H2_FRAME_DATA)
            p->data_octets += header.length;
        octets += H2_FRAME_HEADER_OCTETS + header.length;
        size -= H2_FRAME_HEADER_OCTETS + header.length;
    }
}

static void read_output(peer *p) {
    bytes_slice slices[MAX_SLICES];
    bytes_buffer octets = {0};
    size_t count;
    while (!p->is_deaf && h2_session_wants_output(p->session)) {
        size_t before = octets.size;
        assert_int_equal(h2_session_output(p->session, slices, MAX_SLICES, 128 * 1024, &count),
                         H2_OK);
        for (size_t i = 0; i < count; i++)
            append(&octets, slices[i].data, slices[i].size);
        h2_session_sent(p->session, octets.size - before);
        if (octets.size == before)
            break;
    }
    read_frames(p, octets.data, octets.size);
    free(octets.data);
}

/* What is delivered is copied to the heap in its exact size, and is gone when the session has read
 * it: whatever is kept of it, or read past it, is found by the sanitizers. */
static void deliver(peer *p, const uint8_t *octets, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, octets, size);
    h2_session_feed(p->session, copy, size, p->now_ms);
    read_events(p);
    free(copy);
}

void peer_run(peer *p) {
    bytes_buffer out = p->out;
    p->out = (bytes_buffer){0};
    size_t step = p->split ? p->split : out.size;
    for (size_t at = 0; at < out.size; at += step)
        deliver(p, out.data + at, out.size - at < step ? out.size - at : step);
    free(out.data);
    read_events(p);
    read_output(p);
    read_events(p);
}

const char *peer_events(peer *p) {
    return trace_take(&p->events);
}

const char *peer_frames(peer *p) {
    return trace_take(&p->frames);
}

void peer_expect(peer *p, const char *events, const char *frames) {
    peer_run(p);
    const char *told = peer_events(p), *written = peer_frames(p);
    if (events)
        assert_string_equal(told, events);
    if (frames)
        assert_string_equal(written, frames);
}

void peer_expect_fault(peer *p, const char *code) {
    char event[64] = "fault ", frame[64] = "GOAWAY ";
    strncat(event, code, sizeof(event) - strlen(event) - 1);
    strncat(frame, code, sizeof(frame) - strlen(frame) - 1);
    peer_run(p);
    const char *events = peer_events(p), *frames = peer_frames(p);
    size_t size = strlen(events);
    if (size < strlen(event) || strcmp(events + size - strlen(event), event) != 0)
        fail_msg("expected %s, was told: %s", event, events);
    const char *last = strstr(frames, frame);
    if (!last || strchr(last, ';'))
        fail_msg("expected %s to be the last frame of: %s", frame, frames);
    assert_true(h2_session_is_finished(p->session));
    peer_get(p, 0x7ffffff1);
    peer_ping(p, 0);
    peer_expect(p, "", "");
    assert_false(h2_session_wants_output(p->session));
}

/* --------------------------------------------------------------------------------- the session's */

hpack_field peer_field(const char *name, const char *value) {
    hpack_field field = {.name = bytes_slice_of(name, strlen(name)),
                         .value = bytes_slice_of(value, strlen(value))};
    field.token = hpack_token_of(field.name);
    return field;
}

static uint32_t submit_request(peer *p, const char *method, bool is_end) {
    uint32_t stream_id;
    hpack_field fields[] = {peer_field(":method", method), peer_field(":scheme", "http"),
                            peer_field(":path", "/"), peer_field(":authority", "a")};
    assert_int_equal(h2_session_submit_request(p->session, fields, 4, is_end, NULL, &stream_id),
                     H2_OK);
    return stream_id;
}

uint32_t peer_submit_get(peer *p) {
    return submit_request(p, "GET", true);
}

uint32_t peer_submit_post(peer *p) {
    return submit_request(p, "POST", false);
}

void peer_submit_ok(peer *p, uint32_t stream_id, bool is_end) {
    hpack_field field = peer_field(":status", "200");
    assert_int_equal(h2_session_submit_response(p->session, stream_id, &field, 1, is_end), H2_OK);
}

static void release(h2_chunk *chunk, bool was_sent) {
    peer_chunk *self = (peer_chunk *)chunk;
    size_t *count = was_sent ? self->sent : self->dropped;
    if (count)
        ++*count;
    free(self);
}

h2_chunk *peer_chunk_new(size_t size, size_t *sent, size_t *dropped) {
    peer_chunk *self = malloc(sizeof(*self) + size + 1);
    assert_non_null(self);
    memset(self->octets, 'y', size);
    self->chunk = (h2_chunk){.data = self->octets, .size = size, .release = release};
    self->sent = sent;
    self->dropped = dropped;
    return &self->chunk;
}

int peer_write(peer *p, uint32_t stream_id, size_t size) {
    h2_chunk *chunk = peer_chunk_new(size, NULL, NULL);
    int result = h2_session_write(p->session, stream_id, chunk);
    if (result != H2_OK)
        free(chunk);
    return result;
}
