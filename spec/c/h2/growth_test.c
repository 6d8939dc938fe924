/* Receive windows that grow with the path (growth.h), in simulated time. */
#include "h2/session.h"
#include "h2/support/cases.h"
#include "h2/support/path.h"

#define MEGABYTE ((size_t)1000000)

static path far; /* 50 ms there and back */

static void open_path(size_t octets_per_ms, size_t streams) {
    far = (path){.way_ms = 25, .octets_per_ms = octets_per_ms, .read_per_ms = PATH_AT_ONCE};
    path_open(&far, &p, streams);
}

static uint32_t stream_limit(uint32_t stream_id) {
    return h2_session_find(p.session, stream_id)->receive_window.limit;
}

static uint32_t session_limit(void) {
    return p.session->receive_window.limit;
}

static void much_memory(h2_options *options) {
    options->limits.max_session_octets = 1000 * MEGABYTE;
}

static void little_memory(h2_options *options) {
    options->limits.max_session_octets = MEGABYTE;
}

static void a_far_peer_soon_fills_the_path(void **state) {
    (void)state;
    open_path(20000, 1); /* a megabyte on the way */
    path_run(&far, 500);
    size_t octets = path_run(&far, 1000);
    assert_in_range(octets, 19800000, 20000000);
}

static void windows_grow_no_further_than_the_path_is_wide(void **state) {
    (void)state;
    open_path(20000, 1);
    path_run(&far, 20000);
    assert_in_range(stream_limit(1), 2 * MEGABYTE, 5 * MEGABYTE);
    assert_in_range(session_limit(), 3 * MEGABYTE, 8 * MEGABYTE);
}

static void windows_have_a_limit_however_wide_the_path_is(void **state) {
    (void)state;
    again(H2_SERVER, much_memory);
    open_path(2 * MEGABYTE, 2);
    path_run(&far, 1500);
    assert_in_range(stream_limit(1), 1, 16 << 20);
    assert_in_range(stream_limit(3), 1, 16 << 20);
    assert_int_equal(session_limit(), 24 << 20);
    assert_in_range(stream_limit(1) + stream_limit(3) - 2 * 65535, 20 << 20, 24 << 20);
}

static void windows_grow_within_what_a_session_may_hold(void **state) {
    (void)state;
    open_path(2 * MEGABYTE, PATH_STREAMS);
    path_run(&far, 1500);
    size_t sum = 0;
    for (uint32_t id = 1; id < 2 * PATH_STREAMS; id += 2)
        sum += stream_limit(id);
    assert_in_range(sum, 7 * MEGABYTE, 8 * MEGABYTE);
    again(H2_SERVER, little_memory);
    open_path(2 * MEGABYTE, 1);
    path_run(&far, 1500);
    assert_int_equal(stream_limit(1), 65535 + 750000);
}

static void a_program_that_reads_slowly_keeps_small_windows(void **state) {
    (void)state;
    open_path(20000, 1);
    far.read_per_ms = 200;
    path_run(&far, 10000);
    assert_int_equal(stream_limit(1), 65535);
    assert_int_equal(session_limit(), 65535);
}

static void a_program_that_reads_all_but_seldom_keeps_small_windows(void **state) {
    (void)state;
    open_path(20000, 1);
    far.read_every_ms = 400;
    path_run(&far, 20000);
    assert_in_range(stream_limit(1), 65535, 4 * 65535);
}

static void a_stream_that_is_not_read_keeps_its_window_while_another_grows(void **state) {
    (void)state;
    open_path(20000, 2);
    far.streams = 1;
    peer_data(&p, 0, 3, 16384);
    path_run(&far, 1000);
    assert_true(stream_limit(1) > 1000000);
    for (int i = 0; i < 2; i++)
        peer_data(&p, 0, 3, 16384);
    p.is_reading = false;
    peer_run(&p);
    h2_session_consume(p.session, 3, 32768 + 1024, p.now_ms);
    assert_in_range(stream_limit(3), 65535, 2 * 65535);
}

static void a_near_peer_is_measured_by_the_grain_of_the_clock(void **state) {
    (void)state;
    open_path(MEGABYTE, 1);
    far.way_ms = 0;
    path_run(&far, 1000);
    assert_true(path_run(&far, 100) > 99 * MEGABYTE);
    assert_in_range(stream_limit(1), 2 * MEGABYTE, 8 * MEGABYTE);
}

static void what_has_grown_is_given_back_when_streams_end(void **state) {
    (void)state;
    open_path(2 * MEGABYTE, 1);
    path_run(&far, 1000);
    assert_true(p.session->growth.granted > 7 * MEGABYTE);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    assert_int_equal(p.session->growth.granted, 0);
}

/* ----------------------------------------------------------------------------------------- PING */

static void small_bodies_are_not_measured(void **state) {
    (void)state;
    p.is_reading = true;
    for (uint32_t id = 1; id < 200; id += 2) {
        peer_post(&p, id);
        peer_data(&p, H2_FLAG_END_STREAM, id, 16384);
        peer_run(&p);
        assert_null(strstr(peer_frames(&p), "PING"));
        peer_submit_ok(&p, id, true);
        peer_run(&p);
    }
    again(H2_SERVER, NULL);
    p.is_reading = true;
    peer_post(&p, 1);
    for (size_t i = 0; i < 4; i++)
        peer_data(&p, i == 3 ? H2_FLAG_END_STREAM : 0, 1, 16000);
    peer_expect(&p, NULL, "WINDOW_UPDATE 0 48000; WINDOW_UPDATE 1 48000");
}

static void a_peer_that_never_answers_is_asked_once(void **state) {
    (void)state;
    open_path(20000, 1);
    far.is_mute = true;
    path_run(&far, 5000);
    assert_int_equal(far.pings, 1);
    assert_int_equal(stream_limit(1), 65535);
    peer_frame(&p, H2_FRAME_PING, H2_FLAG_ACK, 0, "own ping", 8); /* five seconds late */
    far.is_mute = false;
    path_run(&far, 1000);
    assert_true(stream_limit(1) > 1000000);
}

static void a_steady_path_is_seldom_measured(void **state) {
    (void)state;
    open_path(1000, 1);
    path_run(&far, 2000);
    far.pings = 0;
    path_run(&far, 60000);
    assert_in_range(far.pings, 1, 30);
}

static void the_programs_own_pings_are_not_touched(void **state) {
    (void)state;
    open_path(20000, 1);
    far.is_mute = true;
    path_run(&far, 200);
    assert_int_equal(far.pings, 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(h2_session_submit_ping(p.session, (const uint8_t *)"abcdefgh"), H2_OK);
    peer_run(&p);
    peer_events(&p);
    peer_ping(&p, H2_FLAG_ACK);
    peer_frame(&p, H2_FRAME_PING, H2_FLAG_ACK, 0, "own ping", 8);
    peer_ping(&p, H2_FLAG_ACK);
    peer_expect(&p, "ping ack abcdefgh; ping ack abcdefgh", NULL);
    assert_int_equal(p.session->unacknowledged_pings, 8);
}

static void an_answer_to_a_measurement_that_was_not_made_is_a_fault(void **state) {
    (void)state;
    peer_frame(&p, H2_FRAME_PING, H2_FLAG_ACK, 0, "own ping", 8);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

/* ------------------------------------------------------------------------- what the program says */

static void a_sessions_window_that_the_program_has_set_stays(void **state) {
    (void)state;
    open_path(20000, 1);
    assert_int_equal(h2_session_set_local_window(p.session, 100000), H2_OK);
    path_run(&far, 1000);
    assert_int_equal(session_limit(), 100000);
}

static void windows_that_the_program_made_small_stay_small(void **state) {
    (void)state;
    h2_setting smaller = {H2_SETTINGS_INITIAL_WINDOW_SIZE, 20000};
    assert_int_equal(h2_session_submit_settings(p.session, &smaller, 1), H2_OK);
    peer_settings_ack(&p);
    open_path(20000, 1);
    far.uploads[0].window = 20000;
    path_run(&far, 1000);
    assert_int_equal(stream_limit(1), 20000);
    assert_int_equal(far.pings, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(a_far_peer_soon_fills_the_path),
        SERVER(windows_grow_no_further_than_the_path_is_wide),
        SERVER(windows_have_a_limit_however_wide_the_path_is),
        SERVER(windows_grow_within_what_a_session_may_hold),
        SERVER(a_program_that_reads_slowly_keeps_small_windows),
        SERVER(a_program_that_reads_all_but_seldom_keeps_small_windows),
        SERVER(a_stream_that_is_not_read_keeps_its_window_while_another_grows),
        SERVER(a_near_peer_is_measured_by_the_grain_of_the_clock),
        SERVER(what_has_grown_is_given_back_when_streams_end),
        SERVER(small_bodies_are_not_measured),
        SERVER(a_peer_that_never_answers_is_asked_once),
        SERVER(a_steady_path_is_seldom_measured),
        SERVER(the_programs_own_pings_are_not_touched),
        SERVER(an_answer_to_a_measurement_that_was_not_made_is_a_fault),
        SERVER(a_sessions_window_that_the_program_has_set_stays),
        SERVER(windows_that_the_program_made_small_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
