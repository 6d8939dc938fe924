/* Output: what goes in which order, in which frames, and when chunks are given back. */
#include "h2/support/cases.h"

#define PLENTY 1000000

/* A stream that has answered, and windows that hold nothing back. */
static void open_stream(uint32_t id) {
    peer_get(&p, id);
    peer_window_update(&p, 0, PLENTY);
    peer_window_update(&p, id, PLENTY);
    peer_run(&p);
    peer_submit_ok(&p, id, false);
    peer_run(&p);
    peer_events(&p);
    peer_frames(&p);
}

static void write_and_end(uint32_t id, size_t size) {
    assert_int_equal(peer_write(&p, id, size), H2_OK);
    assert_int_equal(h2_session_end(p.session, id), H2_OK);
}

static void the_end_rides_on_the_last_frame(void **state) {
    (void)state;
    open_stream(1);
    write_and_end(1, 13);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 13 end");
    open_stream(3);
    assert_int_equal(peer_write(&p, 3, 13), H2_OK);
    peer_expect(&p, "", "DATA 3 13");
    assert_int_equal(h2_session_end(p.session, 3), H2_OK);
    peer_expect(&p, "close 3 NO_ERROR local", "DATA 3 0 end");
    open_stream(5);
    assert_int_equal(h2_session_end(p.session, 5), H2_OK);
    peer_expect(&p, "close 5 NO_ERROR local", "DATA 5 0 end");
}

static void small_chunks_share_a_frame_and_large_ones_are_cut(void **state) {
    (void)state;
    open_stream(1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(peer_write(&p, 1, i == 2 ? 0 : 10), H2_OK);
    peer_expect(&p, "", "DATA 1 40");
    write_and_end(1, 40000);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 16384; DATA 1 16384; DATA 1 7232 end");
}

static void trailers_follow_the_last_chunk(void **state) {
    (void)state;
    hpack_field trailer = peer_field("x-sum", "1");
    open_stream(1);
    assert_int_equal(peer_write(&p, 1, 20000), H2_OK);
    assert_int_equal(h2_session_submit_trailers(p.session, 1, &trailer, 1), H2_OK);
    assert_int_equal(peer_write(&p, 1, 1), H2_GONE);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 16384; DATA 1 3616; HEADERS 1 end");
}

static void control_frames_go_before_data(void **state) {
    (void)state;
    open_stream(1);
    assert_int_equal(peer_write(&p, 1, 10), H2_OK);
    peer_ping(&p, 0);
    peer_expect(&p, "ping abcdefgh", "PING ack; DATA 1 10");
}

static void output_stops_near_what_was_asked_for_and_in_whole_frames(void **state) {
    (void)state;
    bytes_slice slices[64];
    size_t count, octets = 0;
    open_stream(1);
    write_and_end(1, 500000);
    assert_int_equal(h2_session_output(p.session, slices, 64, 50000, &count), H2_OK);
    for (size_t i = 0; i < count; i++)
        octets += slices[i].size;
    assert_int_equal(octets, 4 * (16384 + 9));
    assert_int_equal(h2_session_output(p.session, slices, 3, 5000000, &count), H2_OK);
    assert_int_equal(count, 3);
    assert_true(h2_session_wants_output(p.session));
    peer_run(&p);
    assert_int_equal(p.data_octets, 500000);
}

static void chunks_are_listed_where_they_lie(void **state) {
    (void)state;
    bytes_slice slices[8];
    size_t count;
    open_stream(1);
    peer_chunk *chunk = (peer_chunk *)peer_chunk_new(5000, NULL, NULL);
    assert_int_equal(h2_session_write(p.session, 1, &chunk->chunk), H2_OK);
    assert_int_equal(h2_session_output(p.session, slices, 8, 100000, &count), H2_OK);
    assert_int_equal(count, 2);
    assert_ptr_equal(slices[1].data, chunk->octets);
    assert_int_equal(slices[1].size, 5000);
    h2_session_sent(p.session, 9 + 4999);
    assert_int_equal(h2_session_output(p.session, slices, 8, 100000, &count), H2_OK);
    assert_int_equal(count, 1);
    assert_ptr_equal(slices[0].data, chunk->octets + 4999);
    h2_session_sent(p.session, 1);
}

static void each_chunk_is_given_back_once_sent_or_not(void **state) {
    (void)state;
    size_t sent = 0, dropped = 0, count;
    bytes_slice slices[8];
    open_stream(1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(10000, &sent, &dropped)),
                         H2_OK);
    assert_int_equal(h2_session_output(p.session, slices, 8, 16000, &count), H2_OK);
    h2_session_sent(p.session, 9 + 10000);
    assert_int_equal(sent, 1);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    assert_int_equal(dropped, 2); /* two never began; one is on its way, in part */
    h2_session_sent(p.session, 6384);
    assert_int_equal(sent, 1);
    assert_int_equal(dropped, 3);
    peer_expect(&p, "close 1 CANCEL local reset", "RST_STREAM 1 CANCEL");
}

static void an_empty_chunk_is_given_back_when_its_turn_comes(void **state) {
    (void)state;
    size_t sent = 0;
    open_stream(1);
    assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(0, &sent, NULL)), H2_OK);
    assert_true(h2_session_wants_output(p.session));
    peer_expect(&p, "", "");
    assert_int_equal(sent, 1);
    assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(5, &sent, NULL)), H2_OK);
    assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(0, &sent, NULL)), H2_OK);
    assert_int_equal(h2_session_end(p.session, 1), H2_OK);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 5 end");
    assert_int_equal(sent, 3);
}

/* ---------------------------------------------------------------------------------------- sharing */

static void streams_without_a_priority_share(void **state) {
    (void)state;
    for (uint32_t id = 1; id < 7; id += 2)
        open_stream(id);
    write_and_end(1, 40000);
    write_and_end(3, 13);
    write_and_end(5, 20000);
    peer_expect(&p, NULL,
                "DATA 1 16384; DATA 3 13 end; DATA 5 16384; DATA 1 16384; DATA 5 3616 end; "
                "DATA 1 7232 end");
}

static void urgent_streams_go_first_and_one_after_the_other(void **state) {
    (void)state;
    for (uint32_t id = 1; id < 7; id += 2)
        open_stream(id);
    assert_int_equal(h2_session_set_priority(p.session, 3, (h2_priority){1, false}), H2_OK);
    assert_int_equal(h2_session_set_priority(p.session, 5, (h2_priority){1, false}), H2_OK);
    write_and_end(1, 20000);
    write_and_end(3, 20000);
    write_and_end(5, 20000);
    peer_expect(&p, NULL,
                "DATA 3 16384; DATA 3 3616 end; DATA 5 16384; DATA 5 3616 end; DATA 1 16384; "
                "DATA 1 3616 end");
}

/* ---------------------------------------------------------------------------- chunks that are read */

typedef struct source {
    h2_chunk chunk;
    size_t left;
    size_t step;     /* the most that is given at once */
    bool is_blocked; /* nothing now */
    bool is_broken;
    int sent, dropped;
} source;

static long read_source(h2_chunk *chunk, uint8_t *into, size_t max) {
    source *self = (source *)chunk;
    if (self->is_broken)
        return H2_FAULT;
    if (self->is_blocked)
        return H2_AGAIN;
    size_t n = self->left < max ? self->left : max;
    if (self->step && n > self->step)
        n = self->step;
    memset(into, 'z', n);
    self->left -= n;
    return (long)n;
}

static void release_source(h2_chunk *chunk, bool was_sent) {
    source *self = (source *)chunk;
    if (was_sent)
        self->sent++;
    else
        self->dropped++;
}

static source source_of(size_t octets) {
    return (source){.chunk = {.read = read_source, .release = release_source}, .left = octets};
}

static void a_source_is_read_into_whole_frames_and_its_end_is_seen(void **state) {
    (void)state;
    source s = source_of(40000);
    s.step = 7000;
    open_stream(1);
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_int_equal(h2_session_end(p.session, 1), H2_OK);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 16384; DATA 1 16384; DATA 1 7232 end");
    assert_int_equal(s.sent, 1);
}

static void a_source_that_fills_its_last_frame_ends_with_an_empty_one(void **state) {
    (void)state;
    source s = source_of(16384);
    open_stream(1);
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_int_equal(h2_session_end(p.session, 1), H2_OK);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 16384; DATA 1 0 end");
    assert_int_equal(s.sent, 1);
}

static void a_source_that_says_its_size_needs_no_empty_frame(void **state) {
    (void)state;
    source s = source_of(65535);
    s.chunk.size = 65535;
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_int_equal(h2_session_end(p.session, 1), H2_OK);
    peer_expect(&p, "request 1 end; close 1 NO_ERROR local",
                "HEADERS 1; DATA 1 16384; DATA 1 16384; DATA 1 16384; DATA 1 16383 end");
    assert_int_equal(s.sent, 1);
}

static void an_empty_source_is_nothing_and_trailers_follow_a_source(void **state) {
    (void)state;
    hpack_field trailer = peer_field("x-sum", "1");
    source empty = source_of(0), s = source_of(10);
    open_stream(1);
    assert_int_equal(h2_session_write(p.session, 1, &empty.chunk), H2_OK);
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_int_equal(h2_session_submit_trailers(p.session, 1, &trailer, 1), H2_OK);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 10; HEADERS 1 end");
    assert_int_equal(empty.sent, 1);
    assert_int_equal(s.sent, 1);
}

static void empty_chunks_behind_a_source_make_no_frames(void **state) {
    (void)state;
    source s = source_of(10);
    size_t sent = 0;
    open_stream(1);
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(0, &sent, NULL)), H2_OK);
    peer_expect(&p, "", "DATA 1 10");
    assert_int_equal(sent, 3);
    assert_int_equal(h2_session_end(p.session, 1), H2_OK);
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 0 end");
}

static void a_source_that_has_nothing_now_is_resumed(void **state) {
    (void)state;
    source s = source_of(10);
    open_stream(1);
    open_stream(3);
    s.is_blocked = true;
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_int_equal(h2_session_end(p.session, 1), H2_OK);
    write_and_end(3, 5);
    peer_expect(&p, "close 3 NO_ERROR local", "DATA 3 5 end");
    assert_false(h2_session_wants_output(p.session));
    s.is_blocked = false;
    h2_session_resume(p.session, 1);
    assert_true(h2_session_wants_output(p.session));
    peer_expect(&p, "close 1 NO_ERROR local", "DATA 1 10 end");
    assert_int_equal(s.sent, 1);
}

static void a_source_that_fails_costs_the_stream(void **state) {
    (void)state;
    source s = source_of(10), next = source_of(10);
    open_stream(1);
    s.is_broken = true;
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_int_equal(h2_session_write(p.session, 1, &next.chunk), H2_OK);
    peer_expect(&p, "close 1 INTERNAL_ERROR local reset", "RST_STREAM 1 INTERNAL_ERROR");
    assert_int_equal(s.dropped, 1);
    assert_int_equal(next.dropped, 1);
}

/* ---------------------------------------------------------------------------------------- padding */

static void pad_fully(h2_options *options) {
    options->padding = H2_PADDING_MAX;
}

static void pad_aligned(h2_options *options) {
    options->padding = H2_PADDING_ALIGNED;
}

/* The lengths of all frames on the wire. */
static void assert_lengths(uint32_t headers, uint32_t data) {
    bytes_slice slices[8];
    size_t count, size = 0;
    uint8_t octets[2048];
    h2_frame_header header;
    assert_int_equal(h2_session_output(p.session, slices, 8, 100000, &count), H2_OK);
    for (size_t i = 0; i < count; i++) {
        memcpy(octets + size, slices[i].data, slices[i].size);
        size += slices[i].size;
    }
    h2_frame_header_read(&header, octets);
    assert_int_equal(header.length, headers);
    h2_frame_header_read(&header, octets + 9 + headers);
    assert_int_equal(header.length, data);
    assert_int_equal(size, 18 + headers + data);
    for (uint32_t i = octets[9 + headers + 9]; i > 0; i--)
        assert_int_equal(octets[size - i], 0);
    h2_session_sent(p.session, size);
}

static void frames_are_padded_as_asked_for(void **state) {
    (void)state;
    again(H2_SERVER, pad_fully);
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    write_and_end(1, 10);
    assert_lengths(1 + 256, 10 + 256);
    again(H2_SERVER, pad_aligned);
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    write_and_end(1, 10);
    assert_lengths(7, 15);
    again(H2_SERVER, pad_fully);
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    source s = source_of(10);
    assert_int_equal(h2_session_write(p.session, 1, &s.chunk), H2_OK);
    assert_lengths(1 + 256, 10 + 256);
}

static void padding_gives_way_to_the_window_and_the_frame(void **state) {
    (void)state;
    again(H2_SERVER, pad_fully);
    peer_get(&p, 1);
    peer_run(&p);
    peer_frames(&p);
    peer_submit_ok(&p, 1, false);
    write_and_end(1, 16384 * 3 + 16383 - 100);
    peer_expect(&p, NULL,
                "HEADERS 1 padded; DATA 1 16384; DATA 1 16384; DATA 1 16384; "
                "DATA 1 16383 padded end");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(the_end_rides_on_the_last_frame),
        SERVER(small_chunks_share_a_frame_and_large_ones_are_cut),
        SERVER(trailers_follow_the_last_chunk),
        SERVER(control_frames_go_before_data),
        SERVER(output_stops_near_what_was_asked_for_and_in_whole_frames),
        SERVER(chunks_are_listed_where_they_lie),
        SERVER(each_chunk_is_given_back_once_sent_or_not),
        SERVER(an_empty_chunk_is_given_back_when_its_turn_comes),
        SERVER(streams_without_a_priority_share),
        SERVER(urgent_streams_go_first_and_one_after_the_other),
        SERVER(a_source_is_read_into_whole_frames_and_its_end_is_seen),
        SERVER(a_source_that_fills_its_last_frame_ends_with_an_empty_one),
        SERVER(a_source_that_says_its_size_needs_no_empty_frame),
        SERVER(an_empty_source_is_nothing_and_trailers_follow_a_source),
        SERVER(empty_chunks_behind_a_source_make_no_frames),
        SERVER(a_source_that_has_nothing_now_is_resumed),
        SERVER(a_source_that_fails_costs_the_stream),
        SERVER(frames_are_padded_as_asked_for),
        SERVER(padding_gives_way_to_the_window_and_the_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
