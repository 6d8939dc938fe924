/* SETTINGS in both directions (RFC 9113 §6.5). */
#include "h2/support/cases.h"

#include <time.h>

static void assert_setting_fault(h2_role role, uint16_t id, uint32_t value, const char *code) {
    again(role, NULL);
    peer_setting(&p, id, value);
    peer_expect_fault(&p, code);
}

static void values_out_of_range_end_the_session(void **state) {
    (void)state;
    for (int role = 0; role < 2; role++) {
        h2_role r = role ? H2_SERVER : H2_CLIENT;
        assert_setting_fault(r, H2_SETTINGS_ENABLE_PUSH, 2, "PROTOCOL_ERROR");
        assert_setting_fault(r, H2_SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000, "FLOW_CONTROL_ERROR");
        assert_setting_fault(r, H2_SETTINGS_MAX_FRAME_SIZE, 16383, "PROTOCOL_ERROR");
        assert_setting_fault(r, H2_SETTINGS_MAX_FRAME_SIZE, 0, "PROTOCOL_ERROR");
        assert_setting_fault(r, H2_SETTINGS_MAX_FRAME_SIZE, 1 << 24, "PROTOCOL_ERROR");
        assert_setting_fault(r, H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 2, "PROTOCOL_ERROR");
    }
    assert_setting_fault(H2_CLIENT, H2_SETTINGS_ENABLE_PUSH, 1, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    peer_setting(&p, H2_SETTINGS_ENABLE_PUSH, 0);
    peer_expect(&p, "settings", "SETTINGS ack");
}

static void extended_connect_is_not_taken_back(void **state) {
    (void)state;
    peer_setting(&p, H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    peer_setting(&p, H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    peer_expect(&p, "settings; settings", NULL);
    peer_setting(&p, H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void the_last_of_equal_identifiers_wins_and_unknown_ones_are_ignored(void **state) {
    (void)state;
    h2_setting settings[] = {{3, 5}, {0xff, 1}, {0, 9}, {7, 1}, {3, 6}};
    peer_settings(&p, settings, 5);
    peer_expect(&p, "settings", "SETTINGS ack");
    assert_int_equal(h2_session_remote_settings(p.session)->max_concurrent_streams, 6);
    assert_int_equal(h2_session_remote_settings(p.session)->custom_count, 0);
}

static void wanted_custom(h2_options *options) {
    static const uint16_t ids[] = {0xff, 0x77};
    options->remote_custom = ids;
    options->remote_custom_count = 2;
}

static void unknown_identifiers_are_kept_where_they_are_wanted(void **state) {
    (void)state;
    again(H2_SERVER, wanted_custom);
    h2_setting settings[] = {{0xfe, 5}, {0xff, 1}, {0xff, 2}};
    peer_settings(&p, settings, 3);
    peer_expect(&p, "settings", "SETTINGS ack");
    const h2_settings *remote = h2_session_remote_settings(p.session);
    assert_int_equal(remote->custom_count, 1);
    assert_int_equal(remote->custom[0].id, 0xff);
    assert_int_equal(remote->custom[0].value, 2);
}

static void a_hundred_streams_are_assumed_until_the_peer_has_spoken(void **state) {
    (void)state;
    peer_close(&p);
    peer_open_silent(&p, H2_SERVER, NULL);
    assert_int_equal(h2_session_remote_settings(p.session)->max_concurrent_streams, 100);
    peer_preface(&p);
    peer_settings(&p, NULL, 0);
    peer_run(&p);
    assert_int_equal(h2_session_remote_settings(p.session)->max_concurrent_streams, UINT32_MAX);
}

static void ours_come_into_force_one_frame_after_the_other(void **state) {
    (void)state;
    h2_setting first[] = {{H2_SETTINGS_MAX_FRAME_SIZE, 20000}, {0x99, 4}};
    h2_setting second = {H2_SETTINGS_MAX_FRAME_SIZE, 16384};
    const h2_settings *local = h2_session_local_settings(p.session);
    assert_int_equal(h2_session_submit_settings(p.session, first, 2), H2_OK);
    assert_int_equal(h2_session_submit_settings(p.session, &second, 1), H2_OK);
    peer_expect(&p, "", "SETTINGS; SETTINGS");
    assert_int_equal(local->max_frame_size, 16384);
    assert_int_equal(h2_session_unacknowledged_settings(p.session), 2);
    peer_settings_ack(&p);
    peer_frame(&p, 0xee, 0, 0, NULL, 0);
    peer_expect(&p, "settings ack", "");
    assert_int_equal(local->max_frame_size, 20000);
    assert_int_equal(local->custom[0].value, 4);
    peer_settings_ack(&p);
    peer_expect(&p, "settings ack", "");
    assert_int_equal(local->max_frame_size, 16384);
    peer_settings_ack(&p);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void only_so_many_of_ours_may_be_outstanding(void **state) {
    (void)state;
    h2_setting push = {H2_SETTINGS_ENABLE_PUSH, 1}, bad = {H2_SETTINGS_MAX_FRAME_SIZE, 1};
    for (int i = 0; i < 10; i++)
        assert_int_equal(h2_session_submit_settings(p.session, NULL, 0), H2_OK);
    assert_int_equal(h2_session_submit_settings(p.session, NULL, 0), H2_LIMIT);
    peer_settings_ack(&p);
    peer_run(&p);
    assert_int_equal(h2_session_submit_settings(p.session, &bad, 1), H2_MISUSE);
    assert_int_equal(h2_session_submit_settings(p.session, &push, 1), H2_MISUSE);
    push.value = 0;
    assert_int_equal(h2_session_submit_settings(p.session, &push, 1), H2_OK);
}

/* ------------------------------------------------------------------------------------------ windows */

static void a_setting_moves_the_windows_of_all_streams(void **state) {
    (void)state;
    h2_stream_figures figures;
    peer_get(&p, 1);
    peer_setting(&p, H2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    peer_get(&p, 3);
    peer_run(&p);
    for (uint32_t id = 1; id < 5; id += 2) {
        assert_int_equal(h2_session_get_stream(p.session, id, &figures), H2_OK);
        assert_int_equal(figures.remote_window_size, 10);
    }
    h2_session_figures session;
    h2_session_get_figures(p.session, &session);
    assert_int_equal(session.remote_window_size, 65535);
}

static void a_setting_may_not_take_a_window_past_its_size_even_on_the_way(void **state) {
    (void)state;
    h2_setting settings[] = {{H2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff},
                             {H2_SETTINGS_INITIAL_WINDOW_SIZE, 65535}};
    peer_get(&p, 1);
    peer_settings(&p, settings, 2);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_window_update(&p, 1, 1);
    peer_settings(&p, settings, 2);
    peer_expect_fault(&p, "FLOW_CONTROL_ERROR");
}

static void thirty_two_entries_are_taken_and_thirty_three_change_nothing(void **state) {
    (void)state;
    h2_setting settings[33];
    for (size_t i = 0; i < 33; i++)
        settings[i] = (h2_setting){H2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)i};
    peer_settings(&p, settings, 32);
    peer_expect(&p, "settings", "SETTINGS ack");
    assert_int_equal(h2_session_remote_settings(p.session)->initial_window_size, 31);
    peer_settings(&p, settings, 33);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    assert_int_equal(h2_session_remote_settings(p.session)->initial_window_size, 31);
}

static void alternating_windows_cost_little_and_end_the_session(void **state) {
    (void)state;
    h2_setting settings[32];
    for (uint32_t i = 0; i < 32; i++)
        settings[i] = (h2_setting){H2_SETTINGS_INITIAL_WINDOW_SIZE, i % 2 ? 65535 : 0};
    for (uint32_t i = 0; i < 100; i++)
        peer_get(&p, 1 + 2 * i);
    peer_run(&p);
    for (uint32_t i = 0; i < 100; i++) {
        peer_submit_ok(&p, 1 + 2 * i, false);
        assert_int_equal(peer_write(&p, 1 + 2 * i, 100000), H2_OK);
    }
    peer_run(&p);
    clock_t start = clock();
    for (int i = 0; i < 20000 && !h2_session_is_finished(p.session); i++) {
        peer_settings(&p, settings, 32);
        peer_run(&p);
        peer_events(&p);
    }
    assert_true(h2_session_is_finished(p.session));
    assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
}

static void a_flood_of_settings_ends_the_session(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        peer_settings(&p, NULL, 0);
    p.is_deaf = true;
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_settings(&p, NULL, 0);
    peer_run(&p);
    assert_true(h2_session_is_finished(p.session));
    again(H2_SERVER, NULL);
    int frames = 1;
    for (; frames < 20000 && !h2_session_is_finished(p.session); frames++) {
        peer_settings(&p, NULL, 0);
        peer_run(&p);
    }
    assert_in_range(frames, 10000, 10020);
}

static void each_settings_frame_has_its_acknowledgement(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++)
        peer_setting(&p, H2_SETTINGS_HEADER_TABLE_SIZE, i % 2 ? 4096 : 0);
    peer_expect(&p, "settings; settings; settings; settings; settings",
                "SETTINGS ack; SETTINGS ack; SETTINGS ack; SETTINGS ack; SETTINGS ack");
}

static void a_table_larger_than_ours_changes_nothing(void **state) {
    (void)state;
    size_t before = h2_session_memory(p.session);
    peer_setting(&p, H2_SETTINGS_HEADER_TABLE_SIZE, UINT32_MAX);
    peer_run(&p);
    assert_true(h2_session_memory(p.session) <= before + 8192);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(values_out_of_range_end_the_session),
        SERVER(extended_connect_is_not_taken_back),
        SERVER(the_last_of_equal_identifiers_wins_and_unknown_ones_are_ignored),
        SERVER(unknown_identifiers_are_kept_where_they_are_wanted),
        SERVER(a_hundred_streams_are_assumed_until_the_peer_has_spoken),
        SERVER(ours_come_into_force_one_frame_after_the_other),
        SERVER(only_so_many_of_ours_may_be_outstanding),
        SERVER(a_setting_moves_the_windows_of_all_streams),
        SERVER(a_setting_may_not_take_a_window_past_its_size_even_on_the_way),
        SERVER(thirty_two_entries_are_taken_and_thirty_three_change_nothing),
        SERVER(alternating_windows_cost_little_and_end_the_session),
        SERVER(a_flood_of_settings_ends_the_session),
        SERVER(each_settings_frame_has_its_acknowledgement),
        SERVER(a_table_larger_than_ours_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
