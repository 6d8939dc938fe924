/* WINDOW_UPDATE coming in, and the windows that it opens (RFC 9113 §6.9). */
#include "h2/support/cases.h"

/* A stream with an answer of `size` octets that waits for the windows. */
static void answer(uint32_t stream_id, size_t size) {
    peer_get(&p, stream_id);
    peer_run(&p);
    peer_submit_ok(&p, stream_id, false);
    assert_int_equal(peer_write(&p, stream_id, size), H2_OK);
    assert_int_equal(h2_session_end(p.session, stream_id), H2_OK);
}

static void an_increment_of_zero_ends_the_session(void **state) {
    (void)state;
    peer_window_update(&p, 0, 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_get(&p, 1);
    peer_window_update(&p, 1, 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void an_increment_of_zero_costs_a_lenient_server_the_stream(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_window_update(&p, 1, 0);
    peer_window_update(&p, 1, 0);
    peer_expect(&p, "request 1 end; close 1 PROTOCOL_ERROR engine reset",
                "RST_STREAM 1 PROTOCOL_ERROR");
    peer_window_update(&p, 0, 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_window_past_its_size_resets_the_stream_and_ends_the_session(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_window_update(&p, 1, 0x7fffffff);
    peer_run(&p);
    assert_string_equal(peer_events(&p), "request 1 end; fault FLOW_CONTROL_ERROR");
    assert_string_equal(peer_frames(&p),
                        "RST_STREAM 1 FLOW_CONTROL_ERROR; GOAWAY FLOW_CONTROL_ERROR 1");
    again(H2_SERVER, NULL);
    peer_get(&p, 1);
    peer_window_update(&p, 1, 0x7fffffff - 65535); /* in two steps */
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_window_update(&p, 1, 1);
    peer_expect_fault(&p, "FLOW_CONTROL_ERROR");
    again(H2_SERVER, NULL);
    peer_window_update(&p, 0, 0x7fffffff);
    peer_expect_fault(&p, "FLOW_CONTROL_ERROR");
}

static void a_window_past_its_size_costs_a_lenient_server_the_stream(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_window_update(&p, 1, 0x7fffffff);
    peer_expect(&p, "request 1 end; close 1 FLOW_CONTROL_ERROR engine reset",
                "RST_STREAM 1 FLOW_CONTROL_ERROR");
}

static void updates_for_closed_streams_are_ignored(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, true);
    peer_run(&p);
    peer_window_update(&p, 1, 10);
    peer_reset(&p, 1, H2_CANCEL);
    peer_get(&p, 3);
    peer_expect(&p, "request 1 end; close 1 NO_ERROR local; request 3 end", "HEADERS 1 end");
}

static void data_waits_for_both_windows(void **state) {
    (void)state;
    answer(1, 70000);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65535);
    peer_window_update(&p, 0, 100000);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65535);
    peer_window_update(&p, 1, 1);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65536);
    peer_window_update(&p, 1, 100000);
    peer_run(&p);
    assert_int_equal(p.data_octets, 70000);
    assert_int_equal(h2_session_stream_count(p.session), 0);
}

static void a_used_up_session_window_holds_all_streams_and_an_update_wakes_them(void **state) {
    (void)state;
    answer(1, 65535);
    peer_run(&p);
    answer(3, 1000);
    answer(5, 1000);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65535);
    assert_false(h2_session_wants_output(p.session));
    peer_window_update(&p, 0, 2000);
    peer_run(&p);
    assert_int_equal(p.data_octets, 67535);
    assert_int_equal(h2_session_stream_count(p.session), 0);
}

static void what_needs_no_window_does_not_wait_for_it(void **state) {
    (void)state;
    hpack_field trailer = peer_field("x-sum", "1");
    answer(1, 65535);
    peer_get(&p, 3);
    peer_get(&p, 5);
    peer_get(&p, 7);
    peer_run(&p);
    peer_frames(&p);
    peer_submit_ok(&p, 3, false);
    assert_int_equal(h2_session_end(p.session, 3), H2_OK);
    peer_submit_ok(&p, 5, false);
    assert_int_equal(h2_session_submit_trailers(p.session, 5, &trailer, 1), H2_OK);
    peer_submit_ok(&p, 7, false);
    assert_int_equal(peer_write(&p, 7, 0), H2_OK);
    assert_int_equal(h2_session_end(p.session, 7), H2_OK);
    peer_expect(&p, NULL,
                "HEADERS 3; DATA 3 0 end; HEADERS 5; HEADERS 5 end; HEADERS 7; DATA 7 0 end");
}

static void a_negative_window_is_filled_step_by_step(void **state) {
    (void)state;
    answer(1, 100000);
    peer_window_update(&p, 0, 1000000);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65535);
    peer_setting(&p, H2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    for (int i = 0; i < 5; i++)
        peer_window_update(&p, 1, 13107);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65535);
    peer_window_update(&p, 1, 1);
    peer_run(&p);
    assert_int_equal(p.data_octets, 65536);
}

static void a_flood_of_updates_ends_the_session(void **state) {
    (void)state;
    for (int i = 0; i < 10001; i++)
        peer_window_update(&p, 0, 1);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    again(H2_SERVER, NULL);
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, true);
    peer_run(&p);
    for (int i = 0; i < 10005; i++)
        peer_window_update(&p, 1, 1);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void a_slow_reader_with_small_steps_is_not_punished(void **state) {
    (void)state;
    peer_setting(&p, H2_SETTINGS_INITIAL_WINDOW_SIZE, 1);
    answer(1, 30000);
    for (int i = 0; i < 29999; i++) {
        peer_run(&p);
        peer_window_update(&p, 0, 1);
        peer_window_update(&p, 1, 1);
    }
    peer_run(&p);
    assert_int_equal(p.data_octets, 30000);
    assert_int_equal(h2_session_stream_count(p.session), 0);
}

static void our_window_of_the_session_can_be_set(void **state) {
    (void)state;
    h2_session_figures figures;
    assert_int_equal(h2_session_set_local_window(p.session, 1 << 20), H2_OK);
    peer_expect(&p, "", "WINDOW_UPDATE 0 983041");
    h2_session_get_figures(p.session, &figures);
    assert_int_equal(figures.effective_local_window_size, 1 << 20);
    assert_int_equal(figures.local_window_size, 1 << 20);
    assert_int_equal(h2_session_set_local_window(p.session, 1000), H2_OK);
    peer_expect(&p, "", "");
    h2_session_get_figures(p.session, &figures);
    assert_int_equal(figures.effective_local_window_size, 1000);
    assert_int_equal(figures.effective_recv_data_length, 0);
    assert_int_equal(h2_session_set_local_window(p.session, 0x80000000u), H2_MISUSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(an_increment_of_zero_ends_the_session),
        LENIENT(an_increment_of_zero_costs_a_lenient_server_the_stream),
        SERVER(a_window_past_its_size_resets_the_stream_and_ends_the_session),
        LENIENT(a_window_past_its_size_costs_a_lenient_server_the_stream),
        SERVER(updates_for_closed_streams_are_ignored),
        SERVER(data_waits_for_both_windows),
        SERVER(a_used_up_session_window_holds_all_streams_and_an_update_wakes_them),
        SERVER(what_needs_no_window_does_not_wait_for_it),
        SERVER(a_negative_window_is_filled_step_by_step),
        SERVER(a_flood_of_updates_ends_the_session),
        SERVER(a_slow_reader_with_small_steps_is_not_punished),
        SERVER(our_window_of_the_session_can_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
