/* What a peer has to do by a certain time, on a clock that the test moves. */
#include "h2/support/cases.h"

#define NEVER H2_NEVER

/* Moves the clock to `now_ms`, past the grace that a busy loop is given. */
static void pass(uint64_t now_ms) {
    p.now_ms = now_ms;
    h2_session_tick(p.session, now_ms);
    p.now_ms += 100;
    h2_session_tick(p.session, p.now_ms);
}

static void expect_end(const char *code) {
    char expected[64];
    snprintf(expected, sizeof(expected), "GOAWAY %s", code);
    peer_run(&p);
    assert_non_null(strstr(peer_frames(&p), expected));
    assert_true(h2_session_is_finished(p.session));
    assert_true(h2_session_deadline(p.session) == NEVER);
}

static void expect_well(void) {
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
}

/* ------------------------------------------------------------------------------------ SETTINGS */

static int open_silent_server(void **state) {
    (void)state;
    peer_open_silent(&p, H2_SERVER, NULL);
    return 0;
}

static void without_a_clock_there_are_no_deadlines(void **state) {
    (void)state;
    assert_true(h2_session_deadline(p.session) == NEVER);
    p.now_ms = 1000000;
    expect_well();
}

static void the_first_settings_are_due_after_ten_seconds(void **state) {
    (void)state;
    h2_session_tick(p.session, 500);
    assert_true(h2_session_deadline(p.session) == 10500);
    peer_octets(&p, "PRI * HTTP", 10);
    pass(10399);
    expect_well();
    pass(10500);
    expect_end("SETTINGS_TIMEOUT");
}

static void a_busy_loop_reads_first(void **state) {
    (void)state;
    h2_session_tick(p.session, 0);
    h2_session_tick(p.session, 60000);
    assert_true(h2_session_deadline(p.session) == 60100);
    p.now_ms = 60050;
    peer_preface(&p);
    peer_settings(&p, NULL, 0);
    peer_settings_ack(&p);
    peer_run(&p);
    h2_session_tick(p.session, 60100);
    expect_well();
    assert_true(h2_session_deadline(p.session) == NEVER);
}

static void our_settings_are_to_be_acknowledged(void **state) {
    (void)state;
    const h2_setting setting = {H2_SETTINGS_INITIAL_WINDOW_SIZE, 1000};
    h2_session_tick(p.session, 1000);
    assert_true(h2_session_deadline(p.session) == NEVER);
    assert_int_equal(h2_session_submit_settings(p.session, &setting, 1), H2_OK);
    assert_true(h2_session_deadline(p.session) == 11000);
    h2_session_tick(p.session, 5000);
    assert_int_equal(h2_session_submit_settings(p.session, &setting, 1), H2_OK);
    assert_true(h2_session_deadline(p.session) == 11000);
    peer_settings_ack(&p);
    p.now_ms = 6000;
    expect_well();
    assert_true(h2_session_deadline(p.session) == 15000);
    pass(15000);
    expect_end("SETTINGS_TIMEOUT");
}

/* --------------------------------------------------------------------------------- header blocks */

static void a_header_block_is_to_end(void **state) {
    (void)state;
    h2_session_tick(p.session, 1000);
    p.now_ms = 1000;
    peer_headers(&p, 0, 1, peer_block(":method", "GET", NULL));
    expect_well();
    assert_true(h2_session_deadline(p.session) == 11000);
    p.now_ms = 9000;
    peer_frame(&p, H2_FRAME_CONTINUATION, 0, 1, "\0\1a\1b", 5); /* puts nothing off */
    expect_well();
    assert_true(h2_session_deadline(p.session) == 11000);
    pass(11000);
    expect_end("ENHANCE_YOUR_CALM");
}

static void a_header_block_that_ends_is_forgotten(void **state) {
    (void)state;
    h2_session_tick(p.session, 1000);
    p.now_ms = 1000;
    peer_get(&p, 1);
    expect_well();
    assert_true(h2_session_deadline(p.session) == NEVER);
}

/* ----------------------------------------------------------------------------------------- stalls */

/* A response of 100 KB on stream 1, whose window takes 65535 octets of it. */
static void respond_with_much(void) {
    h2_session_tick(p.session, 1000);
    p.now_ms = 1000;
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    assert_int_equal(peer_write(&p, 1, 100000), H2_OK);
    peer_window_update(&p, 0, 1000000);
    peer_run(&p);
    peer_events(&p);
    peer_frames(&p);
}

/* A second at a time, as the deadlines ask for. */
static void pass_seconds(int seconds, uint32_t drip) {
    for (int i = 0; i < seconds && !h2_session_is_finished(p.session); i++) {
        if (drip > 0)
            peer_window_update(&p, 1, drip);
        peer_run(&p);
        pass(p.now_ms + 900);
    }
    peer_run(&p);
}

static void a_window_that_stays_closed_costs_the_stream(void **state) {
    (void)state;
    respond_with_much();
    assert_true(h2_session_deadline(p.session) == 2000);
    pass_seconds(58, 0);
    assert_null(strstr(peer_frames(&p), "RST_STREAM"));
    pass_seconds(4, 0);
    peer_expect(&p, "close 1 CANCEL engine reset", "RST_STREAM 1 CANCEL");
    assert_false(h2_session_is_finished(p.session));
    assert_true(h2_session_deadline(p.session) == NEVER);
}

static void a_drip_does_not_help(void **state) {
    (void)state;
    respond_with_much();
    pass_seconds(62, 100);
    assert_non_null(strstr(peer_frames(&p), "RST_STREAM 1 CANCEL"));
}

static void sixteen_kilobytes_a_minute_do(void **state) {
    (void)state;
    respond_with_much();
    for (int i = 0; i < 2; i++) {
        pass_seconds(50, 0);
        peer_window_update(&p, 1, 16384);
        peer_run(&p);
    }
    pass_seconds(50, 0);
    assert_null(strstr(peer_frames(&p), "RST_STREAM"));
}

static void the_window_of_the_connection_counts_too(void **state) {
    (void)state;
    h2_session_tick(p.session, 1000);
    p.now_ms = 1000;
    peer_setting(&p, H2_SETTINGS_INITIAL_WINDOW_SIZE, 1000000);
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    assert_int_equal(peer_write(&p, 1, 100000), H2_OK);
    peer_run(&p);
    pass_seconds(63, 0);
    assert_non_null(strstr(peer_frames(&p), "RST_STREAM 1 CANCEL"));
}

static void a_stream_without_octets_waits_for_us(void **state) {
    (void)state;
    h2_session_tick(p.session, 1000);
    p.now_ms = 1000;
    peer_setting(&p, H2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    peer_run(&p);
    assert_true(h2_session_deadline(p.session) == NEVER);
    pass_seconds(70, 0);
    assert_null(strstr(peer_frames(&p), "RST_STREAM"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(without_a_clock_there_are_no_deadlines),
        cmocka_unit_test_setup_teardown(the_first_settings_are_due_after_ten_seconds,
                                        open_silent_server, close_peer),
        cmocka_unit_test_setup_teardown(a_busy_loop_reads_first, open_silent_server, close_peer),
        SERVER(our_settings_are_to_be_acknowledged),
        SERVER(a_header_block_is_to_end),
        SERVER(a_header_block_that_ends_is_forgotten),
        SERVER(a_window_that_stays_closed_costs_the_stream),
        SERVER(a_drip_does_not_help),
        SERVER(sixteen_kilobytes_a_minute_do),
        SERVER(the_window_of_the_connection_counts_too),
        SERVER(a_stream_without_octets_waits_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
