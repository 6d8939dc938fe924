/* DATA coming in (RFC 9113 §6.1, §6.9): its octets, its length, and both windows. */
#include "h2/support/cases.h"

#define END (H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM)

static void post_with_length(uint32_t stream_id, const char *length) {
    peer_headers(&p, H2_FLAG_END_HEADERS, stream_id,
                 peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a",
                            "content-length", length, NULL));
}

static void content_is_told_as_it_comes(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_data(&p, 0, 1, 10);
    peer_data(&p, H2_FLAG_END_STREAM, 1, 0);
    peer_expect(&p, "request 1; data 1 10 end", "");
    peer_post(&p, 3);
    peer_data(&p, H2_FLAG_END_STREAM, 3, 5);
    peer_expect(&p, "request 3; data 3 5 end", "");
}

static void a_frame_is_told_before_it_is_whole(void **state) {
    (void)state;
    h2_event event;
    uint8_t head[9];
    h2_frame_write_header(head, 10, H2_FRAME_DATA, H2_FLAG_END_STREAM, 1);
    peer_post(&p, 1);
    peer_octets(&p, head, 9);
    peer_octets(&p, "abc", 3);
    peer_expect(&p, "request 1; data 1 3", "");
    h2_session_feed(p.session, (const uint8_t *)"defghij", 7, 0);
    assert_int_equal(h2_session_next(p.session, &event), H2_OK);
    assert_int_equal(event.kind, H2_EV_DATA);
    assert_memory_equal(event.data.octets.data, "defghij", 7);
    assert_true(event.data.is_end);
}

static void content_length_is_checked_both_ways(void **state) {
    (void)state;
    post_with_length(1, "10");
    peer_data(&p, H2_FLAG_END_STREAM, 1, 9);
    peer_expect(&p, "request 1; close 1 PROTOCOL_ERROR engine reset",
                "RST_STREAM 1 PROTOCOL_ERROR");
    post_with_length(3, "10");
    peer_data(&p, 0, 3, 6);
    peer_data(&p, 0, 3, 5);
    peer_expect(&p, "request 3; data 3 6; close 3 PROTOCOL_ERROR engine reset",
                "RST_STREAM 3 PROTOCOL_ERROR");
    post_with_length(5, "0");
    peer_data(&p, 0, 5, 1);
    peer_expect(&p, "request 5; close 5 PROTOCOL_ERROR engine reset", NULL);
    post_with_length(7, "10");
    peer_data(&p, 0, 7, 4);
    peer_data(&p, H2_FLAG_END_STREAM, 7, 6);
    peer_expect(&p, "request 7; data 7 10 end", "");
}

static void data_after_the_end_ends_the_session(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_data(&p, 0, 1, 1);
    peer_expect_fault(&p, "STREAM_CLOSED");
    again(H2_SERVER, NULL);
    peer_post(&p, 1);
    peer_reset(&p, 1, H2_CANCEL);
    peer_data(&p, 0, 1, 1);
    peer_expect_fault(&p, "STREAM_CLOSED");
}

static void data_after_the_end_costs_a_lenient_server_the_stream(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_data(&p, 0, 1, 100);
    peer_get(&p, 3);
    peer_expect(&p, "request 1 end; close 1 STREAM_CLOSED engine reset; request 3 end",
                "RST_STREAM 1 STREAM_CLOSED");
}

static void data_before_the_response_costs_the_stream(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_data(&p, 0, 1, 5);
    peer_expect(&p, "close 1 PROTOCOL_ERROR engine reset",
                "HEADERS 1 end; RST_STREAM 1 PROTOCOL_ERROR");
}

/* ---------------------------------------------------------------------------------------- windows */

static void tiny_window(h2_options *options) {
    static const h2_setting setting = {H2_SETTINGS_INITIAL_WINDOW_SIZE, 10};
    options->settings = &setting;
    options->settings_count = 1;
}

static void data_past_the_streams_window_costs_the_stream(void **state) {
    (void)state;
    again(H2_SERVER, tiny_window);
    peer_post(&p, 1);
    peer_data(&p, 0, 1, 10);
    peer_data(&p, 0, 1, 1);
    peer_get(&p, 3);
    peer_expect(&p, "request 1; data 1 10; close 1 FLOW_CONTROL_ERROR engine reset; request 3 end",
                "RST_STREAM 1 FLOW_CONTROL_ERROR");
}

static void data_past_the_sessions_window_ends_the_session(void **state) {
    (void)state;
    assert_int_equal(h2_session_set_local_window(p.session, 100), H2_OK);
    peer_post(&p, 1);
    for (int i = 0; i < 4; i++) /* 65,435 of 65,535 are spent before the window is smaller */
        peer_data(&p, 0, 1, i < 3 ? 16384 : 16283);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_data(&p, 0, 1, 101);
    peer_data(&p, 0, 1, 101);
    peer_expect_fault(&p, "FLOW_CONTROL_ERROR");
}

static void the_old_window_holds_until_the_smaller_one_is_acknowledged(void **state) {
    (void)state;
    h2_stream_figures figures;
    peer_post(&p, 1);
    peer_run(&p);
    h2_setting smaller = {H2_SETTINGS_INITIAL_WINDOW_SIZE, 10};
    assert_int_equal(h2_session_submit_settings(p.session, &smaller, 1), H2_OK);
    peer_data(&p, 0, 1, 16384);
    peer_settings_ack(&p);
    peer_expect(&p, "request 1; data 1 16384; settings ack", "SETTINGS");
    assert_int_equal(h2_session_get_stream(p.session, 1, &figures), H2_OK);
    assert_int_equal(figures.local_window_size, 10 - 16384);
    h2_session_consume(p.session, 1, 16384, p.now_ms);
    peer_expect(&p, "", "WINDOW_UPDATE 1 16384");
    peer_data(&p, 0, 1, 10);
    peer_data(&p, 0, 1, 1);
    peer_expect(&p, "data 1 10; close 1 FLOW_CONTROL_ERROR engine reset", NULL);
}

static void a_smaller_window_gives_back_what_was_too_little_for_the_larger_one(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_data(&p, 0, 1, 13107);
    p.is_reading = true;
    peer_expect(&p, "request 1; data 1 13107", "");
    h2_setting smaller = {H2_SETTINGS_INITIAL_WINDOW_SIZE, 5000};
    assert_int_equal(h2_session_submit_settings(p.session, &smaller, 1), H2_OK);
    peer_settings_ack(&p);
    peer_expect(&p, "settings ack", "SETTINGS; WINDOW_UPDATE 1 13107");
}

static void the_sessions_window_comes_back_on_arrival_and_the_streams_when_read(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_data(&p, 0, 1, 16384);
    peer_data(&p, 0, 1, 16384);
    peer_expect(&p, "request 1; data 1 32768", "WINDOW_UPDATE 0 32768");
    h2_session_consume(p.session, 1, 32766, p.now_ms);
    peer_expect(&p, "", "");
    h2_session_consume(p.session, 1, 1, p.now_ms);
    peer_expect(&p, "", "WINDOW_UPDATE 1 32767");
    h2_session_consume(p.session, 1, 1000000, p.now_ms);
    h2_session_consume(p.session, 99, 1, p.now_ms);
    peer_expect(&p, "", "");
}

static void a_stream_that_is_not_read_does_not_stop_another(void **state) {
    (void)state;
    peer_post(&p, 1);
    for (int i = 0; i < 3; i++)
        peer_data(&p, 0, 1, 16384);
    peer_data(&p, 0, 1, 16383);
    peer_post(&p, 3);
    peer_run(&p);
    peer_frames(&p);
    p.is_reading = true;
    for (int i = 0; i < 20; i++)
        peer_data(&p, 0, 3, 16384);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    assert_int_equal(h2_session_stream_count(p.session), 2);
}

static void padding_is_given_back_at_once(void **state) {
    (void)state;
    uint8_t payload[257] = {255, 'x'};
    p.is_reading = false;
    peer_post(&p, 1);
    for (int i = 0; i < 1000; i++) {
        peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED, 1, payload, sizeof(payload));
        peer_run(&p);
    }
    h2_stream_figures figures;
    assert_int_equal(h2_session_get_stream(p.session, 1, &figures), H2_OK);
    assert_true(figures.local_window_size > 65535 / 2 - 1000);
}

static void what_comes_for_a_stream_we_have_reset_is_given_back_at_once(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t id = 1 + 2 * i;
        p.now_ms += 100;
        peer_post(&p, id);
        peer_run(&p);
        assert_int_equal(h2_session_reset(p.session, id, H2_CANCEL), H2_OK);
        peer_data(&p, 0, id, 1000);
        peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED, id, "\x03zxxx", 5);
        peer_run(&p);
    }
    peer_events(&p);
    h2_session_figures figures;
    h2_session_get_figures(p.session, &figures);
    assert_true(figures.local_window_size > 65535 / 2);
    assert_int_equal(h2_session_stream_count(p.session), 0);
}

static void a_stream_reset_inside_a_frame_tells_no_more_of_it(void **state) {
    (void)state;
    uint8_t head[9];
    h2_frame_write_header(head, 10, H2_FRAME_DATA, H2_FLAG_END_STREAM, 1);
    peer_post(&p, 1);
    peer_octets(&p, head, 9);
    peer_octets(&p, "abc", 3);
    peer_run(&p);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    peer_octets(&p, "defghij", 7);
    peer_get(&p, 3);
    peer_expect(&p, "request 1; data 1 3; close 1 CANCEL local reset; request 3 end",
                "RST_STREAM 1 CANCEL");
}

/* ----------------------------------------------------------------------------------------- floods */

static void empty_frames_end_the_session_but_not_the_first_thousand(void **state) {
    (void)state;
    peer_post(&p, 1);
    for (int i = 0; i < 500; i++) {
        peer_data(&p, 0, 1, 0);
        peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED, 1, "\x02xx", 3);
    }
    peer_run(&p);
    assert_string_equal(peer_events(&p), "request 1");
    peer_data(&p, 0, 1, 0);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void one_empty_frame_at_the_end_is_no_flood(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        peer_post(&p, 1 + 2 * i);
        peer_data(&p, H2_FLAG_END_STREAM, 1 + 2 * i, 0);
        peer_run(&p);
        peer_submit_ok(&p, 1 + 2 * i, true);
    }
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
}

static void unread_octets_count_as_memory_until_they_are_read(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_run(&p);
    size_t before = h2_session_memory(p.session);
    for (int i = 0; i < 1000; i++)
        peer_data(&p, 0, 1, 10);
    peer_run(&p);
    size_t held = h2_session_memory(p.session) - before;
    assert_true(held >= 1000 * (10 + 64) && held < 1000 * (10 + 64) + 4096);
    h2_session_consume(p.session, 1, 5000, p.now_ms);
    assert_true(h2_session_memory(p.session) - before < held / 2 + 4096);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    peer_run(&p);
    assert_true(h2_session_memory(p.session) <= before);
}

static void a_client_that_is_read_is_never_punished_for_small_frames(void **state) {
    (void)state;
    peer_post(&p, 1);
    p.is_reading = true;
    for (int i = 0; i < 50000; i++)
        peer_data(&p, 0, 1, 100);
    p.split = 60000;
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(content_is_told_as_it_comes),
        SERVER(a_frame_is_told_before_it_is_whole),
        SERVER(content_length_is_checked_both_ways),
        SERVER(data_after_the_end_ends_the_session),
        LENIENT(data_after_the_end_costs_a_lenient_server_the_stream),
        CLIENT(data_before_the_response_costs_the_stream),
        SERVER(data_past_the_streams_window_costs_the_stream),
        SERVER(data_past_the_sessions_window_ends_the_session),
        SERVER(the_old_window_holds_until_the_smaller_one_is_acknowledged),
        SERVER(a_smaller_window_gives_back_what_was_too_little_for_the_larger_one),
        SERVER(the_sessions_window_comes_back_on_arrival_and_the_streams_when_read),
        SERVER(a_stream_that_is_not_read_does_not_stop_another),
        SERVER(padding_is_given_back_at_once),
        SERVER(what_comes_for_a_stream_we_have_reset_is_given_back_at_once),
        SERVER(a_stream_reset_inside_a_frame_tells_no_more_of_it),
        SERVER(empty_frames_end_the_session_but_not_the_first_thousand),
        SERVER(one_empty_frame_at_the_end_is_no_flood),
        SERVER(unread_octets_count_as_memory_until_they_are_read),
        SERVER(a_client_that_is_read_is_never_punished_for_small_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
