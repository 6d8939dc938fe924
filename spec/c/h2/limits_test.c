#include "h2/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static h2_limits limits;
static h2_fault fault;

static int setup(void **state) {
    (void)state;
    h2_options options;
    h2_options_init(&options, H2_SERVER);
    h2_limits_init(&limits, &options.limits);
    return 0;
}

static void assert_calm(int result) {
    assert_int_equal(result, H2_FAULT);
    assert_int_equal(fault.code, H2_ENHANCE_YOUR_CALM);
    assert_int_equal(fault.scope, H2_SCOPE_SESSION);
}

static void a_burst_of_resets_is_borne_and_then_so_many_a_second(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(h2_limits_reset(&limits, &fault), H2_OK);
    assert_calm(h2_limits_reset(&limits, &fault));
    limits.now_ms = 1000;
    for (int i = 0; i < 33; i++)
        assert_int_equal(h2_limits_reset(&limits, &fault), H2_OK);
    assert_calm(h2_limits_reset(&limits, &fault));
}

static void a_slow_trickle_of_resets_is_borne_for_ever(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        limits.now_ms += 31;
        assert_int_equal(h2_limits_reset(&limits, &fault), H2_OK);
    }
}

static void a_clock_that_jumps_fills_no_more_than_the_burst(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(h2_limits_reset(&limits, &fault), H2_OK);
    limits.now_ms = UINT64_MAX;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(h2_limits_reset(&limits, &fault), H2_OK);
    limits.now_ms = 5;
    assert_calm(h2_limits_reset(&limits, &fault));
}

static void a_rate_of_zero_never_refills(void **state) {
    (void)state;
    limits.options.glitch_rate = 0;
    limits.options.glitch_burst = 2;
    limits.glitches.level = 2000;
    limits.now_ms = 1000000;
    assert_int_equal(h2_limits_glitch(&limits, &fault), H2_OK);
    assert_int_equal(h2_limits_glitch(&limits, &fault), H2_OK);
    limits.now_ms = 2000000;
    assert_calm(h2_limits_glitch(&limits, &fault));
}

static void invalid_frames_are_counted_for_life(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(h2_limits_invalid_frame(&limits, &fault), H2_OK);
    limits.now_ms = 1000000;
    assert_calm(h2_limits_invalid_frame(&limits, &fault));
}

static void refused_streams_are_counted_in_a_row(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(h2_limits_rejected(&limits, &fault), H2_OK);
    h2_limits_accepted(&limits);
    for (int i = 0; i < 100; i++)
        assert_int_equal(h2_limits_rejected(&limits, &fault), H2_OK);
    assert_calm(h2_limits_rejected(&limits, &fault));
}

static void settings_are_few_and_short(void **state) {
    (void)state;
    assert_int_equal(h2_limits_settings(&limits, 32, &fault), H2_OK);
    assert_calm(h2_limits_settings(&limits, 33, &fault));
    limits.options.glitch_rate = 0;
    limits.glitches.level = 5000;
    for (int i = 1; i < 15; i++)
        assert_int_equal(h2_limits_settings(&limits, 0, &fault), H2_OK);
    assert_calm(h2_limits_settings(&limits, 0, &fault));
}

static void continuation_frames_are_eight_or_what_the_list_needs(void **state) {
    (void)state;
    h2_limits_block(&limits);
    for (int i = 0; i < 8; i++)
        assert_int_equal(h2_limits_continuation(&limits, 1, 65535, &fault), H2_OK);
    assert_calm(h2_limits_continuation(&limits, 1, 65535, &fault));
    h2_limits_block(&limits);
    for (int i = 0; i < 80; i++)
        assert_int_equal(h2_limits_continuation(&limits, 1, 1024 * 1024, &fault), H2_OK);
    assert_calm(h2_limits_continuation(&limits, 1, 1024 * 1024, &fault));
}

static void one_continuation_frame_may_be_empty(void **state) {
    (void)state;
    h2_limits_block(&limits);
    assert_int_equal(h2_limits_continuation(&limits, 0, 65535, &fault), H2_OK);
    assert_int_equal(h2_limits_continuation(&limits, 1, 65535, &fault), H2_OK);
    assert_calm(h2_limits_continuation(&limits, 0, 65535, &fault));
}

static void window_updates_are_earned(void **state) {
    (void)state;
    limits.options.glitch_rate = 0;
    limits.glitches.level = 3000;
    h2_limits_earn_updates(&limits, 14);
    for (int i = 0; i < 17; i++)
        assert_int_equal(h2_limits_window_update(&limits, &fault), H2_OK);
    assert_calm(h2_limits_window_update(&limits, &fault));
    for (int i = 0; i < 1000000; i++)
        h2_limits_earn_updates(&limits, 10);
    assert_true(limits.update_credit < 2000000);
}

static void unsent_answers_are_bounded(void **state) {
    (void)state;
    limits.outbound_acks = 999;
    assert_int_equal(h2_limits_ack(&limits, &fault), H2_OK);
    limits.outbound_acks = 1000;
    assert_calm(h2_limits_ack(&limits, &fault));
    limits.outbound_frames = 5000;
    assert_int_equal(h2_limits_outbound(&limits, &fault), H2_OK);
    limits.outbound_frames = 5001;
    assert_calm(h2_limits_outbound(&limits, &fault));
}

static void twice_as_many_streams_as_are_offered_are_taken_in_a_tick(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_false(h2_limits_is_hasty(&limits, 10));
        h2_limits_accepted(&limits);
    }
    assert_true(h2_limits_is_hasty(&limits, 10));
    assert_false(h2_limits_is_hasty(&limits, UINT32_MAX)); /* no limit was announced */
    limits.options.max_streams_per_tick = 21;
    assert_false(h2_limits_is_hasty(&limits, 10));
    h2_limits_accepted(&limits);
    assert_true(h2_limits_is_hasty(&limits, UINT32_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_burst_of_resets_is_borne_and_then_so_many_a_second, setup),
        cmocka_unit_test_setup(a_slow_trickle_of_resets_is_borne_for_ever, setup),
        cmocka_unit_test_setup(a_clock_that_jumps_fills_no_more_than_the_burst, setup),
        cmocka_unit_test_setup(a_rate_of_zero_never_refills, setup),
        cmocka_unit_test_setup(invalid_frames_are_counted_for_life, setup),
        cmocka_unit_test_setup(refused_streams_are_counted_in_a_row, setup),
        cmocka_unit_test_setup(settings_are_few_and_short, setup),
        cmocka_unit_test_setup(continuation_frames_are_eight_or_what_the_list_needs, setup),
        cmocka_unit_test_setup(one_continuation_frame_may_be_empty, setup),
        cmocka_unit_test_setup(window_updates_are_earned, setup),
        cmocka_unit_test_setup(unsent_answers_are_bounded, setup),
        cmocka_unit_test_setup(twice_as_many_streams_as_are_offered_are_taken_in_a_tick, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
