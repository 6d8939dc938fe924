/* The same input in any pieces has the same events, the same frames in answer, and the same end. */
#include "h2/support/cases.h"

#include "base/mem.h"

#define END (H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM)

typedef void conversation(void);

/* All that a client may say, in order. */
static void good_client(void) {
    static const h2_setting settings[] = {{1, 100}, {4, 1000}, {3, 7}, {0xff, 1}};
    uint8_t priority[] = {0, 0, 0, 5, 'u', '=', '1'};
    peer_preface(&p);
    peer_settings(&p, settings, 4);
    peer_settings_ack(&p);
    peer_window_update(&p, 0, 1000);
    peer_ping(&p, 0);
    peer_frame(&p, H2_FRAME_PRIORITY_UPDATE, 0, 0, priority, sizeof(priority));
    peer_post(&p, 1);
    peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED, 1,
               "\x03"
               "abcxyz",
               7);
    peer_frame(&p, 0xee, 0x55, 7, "unknown", 7);
    peer_get(&p, 3);
    peer_data(&p, 0, 1, 50);
    bytes_slice block = peer_block(":method", "GET", ":scheme", "http", ":path", "/a", ":authority",
                                   "a", "x", "y", NULL);
    uint8_t padded[300];
    padded[0] = 4;
    memcpy(padded + 1, "\x80\0\0\x03\x10", 5);
    memcpy(padded + 6, block.data, 10);
    memset(padded + 16, 0, 4);
    peer_frame(&p, H2_FRAME_HEADERS, H2_FLAG_END_STREAM | H2_FLAG_PADDED | H2_FLAG_PRIORITY, 5,
               padded, 20);
    peer_frame(&p, H2_FRAME_CONTINUATION, 0, 5, block.data + 10, 20);
    peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 5, block.data + 30, block.size - 30);
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 9, "\0\0\0\0\x10", 5);
    peer_reset(&p, 3, H2_CANCEL);
    peer_headers(&p, END, 1, peer_block("x-sum", "1", NULL));
    peer_headers(&p, END, 7, peer_block(":method", "GET", NULL)); /* malformed */
    peer_data(&p, 0, 7, 30);
    peer_goaway(&p, 0, H2_NO_ERROR);
}

static void and_then_wrong_length(void) {
    good_client();
    peer_frame(&p, H2_FRAME_PING, 0, 0, "short", 5);
    peer_get(&p, 9);
}

static void and_then_garbage_in_a_block(void) {
    good_client();
    peer_headers(&p, END, 9, bytes_slice_of("\x82\xff\xff\xff\xff\xff\xff", 7));
}

static void and_then_over_padded(void) {
    peer_preface(&p);
    peer_settings(&p, NULL, 0);
    peer_post(&p, 1);
    peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED, 1, "\x09xyz", 4);
}

static void good_server(void) {
    for (int i = 0; i < 3; i++)
        (void)peer_submit_get(&p);
    peer_settings(&p, NULL, 0);
    peer_settings_ack(&p);
    bytes_slice block =
        peer_block(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", NULL);
    uint8_t promise[200] = {0, 0, 0, 2};
    memcpy(promise + 4, block.data, block.size);
    peer_frame(&p, H2_FRAME_PUSH_PROMISE, H2_FLAG_END_HEADERS, 1, promise, 4 + block.size);
    peer_headers(&p, H2_FLAG_END_HEADERS, 1, peer_block(":status", "103", NULL));
    peer_respond(&p, 0, 1);
    peer_respond(&p, 0, 2);
    peer_data(&p, H2_FLAG_END_STREAM, 2, 20);
    peer_data(&p, 0, 1, 20);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 0, "\0\1oh3", 5);
    peer_frame(&p, H2_FRAME_ORIGIN, 0, 0, "\0\1a\0\2bc", 7);
    peer_headers(&p, END, 1, peer_block("x-sum", "1", NULL));
    peer_headers(&p, H2_FLAG_END_HEADERS, 3, peer_block(":status", "99", NULL));
    peer_goaway(&p, 3, H2_NO_ERROR);
}

static void run(h2_role role, conversation *talk, size_t split, char **events, char **frames) {
    peer_open_silent(&p, role, NULL);
    p.events.with_fields = true;
    p.is_reading = true;
    p.is_deaf = true;
    p.split = split;
    talk();
    peer_run(&p);
    p.is_deaf = false;
    peer_run(&p);
    *events = strdup(peer_events(&p));
    *frames = strdup(peer_frames(&p));
    assert_true(*events && *frames);
    peer_close(&p);
}

static void assert_same_in_all_pieces(h2_role role, conversation *talk) {
    char *events, *frames, *other_events, *other_frames;
    run(role, talk, 0, &events, &frames);
    assert_true(strlen(events) > 20);
    for (size_t split = 1; split < 400; split++) {
        run(role, talk, split, &other_events, &other_frames);
        assert_string_equal(other_events, events);
        assert_string_equal(other_frames, frames);
        free(other_events);
        free(other_frames);
    }
    free(events);
    free(frames);
}

static void a_clients_conversation(void **state) {
    (void)state;
    assert_same_in_all_pieces(H2_SERVER, good_client);
}

static void a_servers_conversation(void **state) {
    (void)state;
    assert_same_in_all_pieces(H2_CLIENT, good_server);
}

static void conversations_that_end_in_a_fault(void **state) {
    (void)state;
    assert_same_in_all_pieces(H2_SERVER, and_then_wrong_length);
    assert_same_in_all_pieces(H2_SERVER, and_then_garbage_in_a_block);
    assert_same_in_all_pieces(H2_SERVER, and_then_over_padded);
}

/* A peer that goes away at any octet. */
static void a_conversation_cut_anywhere_leaves_nothing_behind(void **state) {
    (void)state;
    peer_open_silent(&p, H2_SERVER, NULL);
    good_client();
    size_t size = p.out.size;
    peer_close(&p);
    for (size_t cut = 0; cut < size; cut++) {
        peer_open_silent(&p, H2_SERVER, NULL);
        good_client();
        p.out.size = cut;
        peer_run(&p);
        if (cut % 2)
            h2_session_end_input(p.session);
        peer_run(&p);
        peer_close(&p);
    }
}

#ifdef MEM_FAULTS
/* Feeds what was recorded to a session whose allocations fail from the n-th on; then it is shut down
 * as far as it can be. Whether the n-th was reached. */
static bool run_short_of_memory(h2_role role, bytes_slice input, size_t n) {
    h2_event event;
    bytes_slice slices[4];
    size_t count, at = 0;
    int result = H2_OK;
    peer_open_silent(&p, role, NULL);
    for (int i = 0; i < 3 && role == H2_CLIENT; i++)
        (void)peer_submit_get(&p);
    mem_fail_from(n);
    while (at < input.size && result == H2_OK) {
        size_t size = input.size - at < 11 ? input.size - at : 11;
        h2_session_feed(p.session, input.data + at, size, 0);
        do
            result = h2_session_next(p.session, &event);
        while (result == H2_OK && event.kind != H2_EV_NONE);
        at += size;
    }
    bool was_reached = mem_attempts() >= n;
    assert_int_equal(result, was_reached ? result : H2_OK);
    if (result != H2_OK) {
        assert_int_equal(result, H2_NOMEM);
        assert_int_equal(h2_session_next(p.session, &event), H2_NOMEM);
        assert_int_equal(h2_session_output(p.session, slices, 4, 1000, &count), H2_NOMEM);
        mem_fail_from(0);
        assert_int_equal(
            h2_session_terminate(p.session, H2_INTERNAL_ERROR, BYTES_LITERAL("memory")), H2_OK);
        assert_int_equal(h2_session_next(p.session, &event), H2_OK);
        assert_int_equal(event.kind, H2_EV_NONE);
        assert_int_equal(h2_session_output(p.session, slices, 4, 1000, &count), H2_OK);
        assert_true(count > 0);
    }
    mem_fail_from(0);
    peer_close(&p);
    return was_reached;
}

static void assert_survives_want_of_memory(h2_role role, conversation *talk) {
    peer_open_silent(&p, role, NULL);
    talk();
    bytes_slice input = bytes_slice_of(p.out.data, p.out.size);
    peer recorder = p;
    size_t n = 1;
    while (run_short_of_memory(role, input, n))
        n++;
    assert_true(n > 5);
    p = recorder;
    p.blocks = 0;
    peer_close(&p);
}

static void memory_that_runs_out_while_reading_is_said(void **state) {
    (void)state;
    assert_survives_want_of_memory(H2_SERVER, good_client);
    assert_survives_want_of_memory(H2_SERVER, and_then_wrong_length);
    assert_survives_want_of_memory(H2_CLIENT, good_server);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clients_conversation),
        cmocka_unit_test(a_servers_conversation),
        cmocka_unit_test(conversations_that_end_in_a_fault),
        cmocka_unit_test(a_conversation_cut_anywhere_leaves_nothing_behind),
#ifdef MEM_FAULTS
        cmocka_unit_test(memory_that_runs_out_while_reading_is_said),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
