/* GOAWAY in both directions, draining, and the end of the input (RFC 9113 §5.4.1, §6.8). */
#include "h2/support/cases.h"

static int submit_one(void) {
    uint32_t id;
    hpack_field field = peer_field(":method", "GET");
    return h2_session_submit_request(p.session, &field, 1, true, NULL, &id);
}

static void a_graceful_end_waits_for_the_open_streams(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_get(&p, 3);
    peer_run(&p);
    assert_int_equal(h2_session_shutdown(p.session), H2_OK);
    assert_int_equal(h2_session_shutdown(p.session), H2_OK);
    peer_get(&p, 5);
    peer_expect(&p, "request 1 end; request 3 end", "GOAWAY NO_ERROR 3");
    peer_submit_ok(&p, 1, true);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_submit_ok(&p, 3, true);
    peer_expect(&p, "close 1 NO_ERROR local; close 3 NO_ERROR local",
                "HEADERS 1 end; HEADERS 3 end; GOAWAY NO_ERROR 3");
    assert_true(h2_session_is_finished(p.session));
}

static void a_graceful_end_without_streams_is_at_once(void **state) {
    (void)state;
    assert_int_equal(h2_session_shutdown(p.session), H2_OK);
    assert_true(h2_session_wants_output(p.session));
    peer_expect(&p, "", "GOAWAY NO_ERROR 0; GOAWAY NO_ERROR 0");
    assert_true(h2_session_is_finished(p.session));
    assert_false(h2_session_wants_output(p.session));
}

static void no_request_is_taken_after_a_goaway_of_either_side(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    assert_int_equal(h2_session_submit_goaway(p.session, 0, 0, BYTES_LITERAL("")), H2_OK);
    assert_int_equal(submit_one(), H2_GONE);
    again(H2_CLIENT, NULL);
    peer_goaway(&p, 0x7fffffff, H2_NO_ERROR);
    peer_expect(&p, "goaway NO_ERROR 2147483647 ", "");
    assert_int_equal(submit_one(), H2_GONE);
    again(H2_CLIENT, NULL);
    h2_session_end_input(p.session);
    assert_int_equal(submit_one(), H2_GONE);
}

static void streams_above_the_last_identifier_were_not_processed(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++)
        (void)peer_submit_get(&p);
    peer_goaway(&p, 3, H2_NO_ERROR);
    peer_expect(&p, "goaway NO_ERROR 3 ; close 5 REFUSED_STREAM peer reset unprocessed", NULL);
    peer_respond(&p, H2_FLAG_END_STREAM, 1);
    peer_respond(&p, H2_FLAG_END_STREAM, 3);
    peer_expect(&p,
                "response 1 200 end; close 1 NO_ERROR local; response 3 200 end; "
                "close 3 NO_ERROR local",
                "");
}

static void requests_that_wait_were_not_processed(void **state) {
    (void)state;
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
    peer_run(&p);
    (void)peer_submit_get(&p);
    (void)peer_submit_get(&p);
    peer_goaway(&p, 0x7fffffff, H2_NO_ERROR);
    peer_expect(&p,
                "settings; goaway NO_ERROR 2147483647 ; "
                "close 3 REFUSED_STREAM peer reset unprocessed",
                "SETTINGS ack; HEADERS 1 end");
}

static void the_last_identifier_is_never_raised(void **state) {
    (void)state;
    peer_goaway(&p, 5, H2_NO_ERROR);
    peer_goaway(&p, 7, H2_NO_ERROR);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_third_goaway_ends_the_session(void **state) {
    (void)state;
    peer_goaway(&p, 7, H2_NO_ERROR);
    peer_goaway(&p, 5, H2_NO_ERROR);
    peer_expect(&p, "goaway NO_ERROR 7 ; goaway NO_ERROR 5 ", "");
    peer_goaway(&p, 5, H2_NO_ERROR);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void debug_data_is_told_and_not_kept(void **state) {
    (void)state;
    static uint8_t payload[16384];
    size_t before = h2_session_memory(p.session);
    memset(payload + 8, 'd', sizeof(payload) - 8);
    for (int i = 0; i < 2; i++)
        peer_frame(&p, H2_FRAME_GOAWAY, 0, 0, payload, sizeof(payload));
    p.split = 1000; /* cut in pieces, it has to be gathered */
    peer_run(&p);
    assert_true(h2_session_memory(p.session) <= before);
}

static void what_is_said_by_hand_goes_no_further_than_what_was_done(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_get(&p, 3);
    peer_run(&p);
    bytes_slice debug = BYTES_LITERAL("because");
    assert_int_equal(h2_session_submit_goaway(p.session, H2_CANCEL, 100, debug), H2_OK);
    assert_int_equal(h2_session_submit_goaway(p.session, H2_CANCEL, 1, debug), H2_OK);
    assert_int_equal(h2_session_submit_goaway(p.session, H2_CANCEL, 3, debug), H2_OK);
    peer_expect(&p, "request 1 end; request 3 end",
                "GOAWAY CANCEL 3; GOAWAY CANCEL 1; GOAWAY CANCEL 1");
    assert_false(h2_session_is_finished(p.session));
    peer_submit_ok(&p, 3, true);
    peer_expect(&p, "close 3 NO_ERROR local", "HEADERS 3 end");
}

static void debug_data_of_ours_fits_a_frame(void **state) {
    (void)state;
    static const uint8_t large[100000];
    assert_int_equal(
        h2_session_terminate(p.session, H2_NO_ERROR, bytes_slice_of(large, sizeof(large))), H2_OK);
    peer_expect(&p, "", "GOAWAY NO_ERROR 0");
}

static void an_immediate_end_drops_all_and_takes_nothing_more(void **state) {
    (void)state;
    size_t dropped = 0;
    const uint8_t ping[8] = {0};
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(100000, NULL, &dropped)), H2_OK);
    assert_int_equal(h2_session_terminate(p.session, H2_CANCEL, BYTES_LITERAL("bye")), H2_OK);
    assert_int_equal(dropped, 1);
    peer_expect(&p, "request 1 end", "HEADERS 1; GOAWAY CANCEL 1");
    assert_int_equal(peer_write(&p, 1, 1), H2_GONE);
    assert_int_equal(h2_session_end(p.session, 1), H2_GONE);
    assert_int_equal(h2_session_reset(p.session, 1, 0), H2_OK);
    assert_int_equal(h2_session_submit_ping(p.session, ping), H2_GONE);
    assert_int_equal(h2_session_submit_settings(p.session, NULL, 0), H2_GONE);
    assert_int_equal(h2_session_submit_goaway(p.session, 0, 0, BYTES_LITERAL("")), H2_GONE);
    assert_int_equal(h2_session_set_local_window(p.session, 1000000), H2_GONE);
    assert_int_equal(h2_session_shutdown(p.session), H2_OK);
    h2_session_end_input(p.session);
    peer_expect(&p, "", "");
}

static void what_was_framed_before_the_end_is_sent_whole(void **state) {
    (void)state;
    size_t sent = 0, dropped = 0, count;
    bytes_slice slices[8];
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    peer_run(&p);
    assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(20000, &sent, &dropped)), H2_OK);
    assert_int_equal(h2_session_output(p.session, slices, 8, 1, &count), H2_OK);
    assert_int_equal(h2_session_terminate(p.session, H2_CANCEL, BYTES_LITERAL("")), H2_OK);
    assert_int_equal(sent + dropped, 0);
    peer_run(&p);
    assert_string_equal(peer_frames(&p), "HEADERS 1; DATA 1 16384; GOAWAY CANCEL 1");
    assert_int_equal(dropped, 1);
    assert_int_equal(sent, 0);
}

static void after_the_end_of_input_what_is_whole_is_answered(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_post(&p, 3);
    peer_run(&p);
    peer_octets(&p, "\0\0", 2); /* a frame that is cut */
    peer_run(&p);
    h2_session_end_input(p.session);
    peer_get(&p, 5);
    peer_expect(&p, "request 1 end; request 3; close 3 CANCEL peer reset", "");
    assert_false(h2_session_is_finished(p.session));
    peer_submit_ok(&p, 1, true);
    peer_expect(&p, "close 1 NO_ERROR local", "HEADERS 1 end");
    assert_true(h2_session_is_finished(p.session));
}

static void a_client_without_input_has_no_use_for_its_streams(void **state) {
    (void)state;
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
    peer_run(&p);
    (void)peer_submit_get(&p);
    (void)peer_submit_get(&p);
    h2_session_end_input(p.session);
    peer_expect(&p, "settings; close 1 CANCEL peer reset; close 3 CANCEL peer reset unprocessed",
                NULL);
    assert_true(h2_session_is_finished(p.session));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(a_graceful_end_waits_for_the_open_streams),
        SERVER(a_graceful_end_without_streams_is_at_once),
        CLIENT(no_request_is_taken_after_a_goaway_of_either_side),
        CLIENT(streams_above_the_last_identifier_were_not_processed),
        CLIENT(requests_that_wait_were_not_processed),
        CLIENT(the_last_identifier_is_never_raised),
        SERVER(a_third_goaway_ends_the_session),
        SERVER(debug_data_is_told_and_not_kept),
        SERVER(what_is_said_by_hand_goes_no_further_than_what_was_done),
        SERVER(debug_data_of_ours_fits_a_frame),
        SERVER(an_immediate_end_drops_all_and_takes_nothing_more),
        SERVER(what_was_framed_before_the_end_is_sent_whole),
        SERVER(after_the_end_of_input_what_is_whole_is_answered),
        CLIENT(a_client_without_input_has_no_use_for_its_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
