#include "h2/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static h2_fault fault;

static void a_grant_past_the_largest_window_is_refused_and_changes_nothing(void **state) {
    (void)state;
    h2_window window = {1};
    assert_int_equal(h2_window_grant(&window, 0x7ffffffe, 3, &fault), H2_OK);
    assert_int_equal(window.left, H2_MAX_WINDOW);
    assert_int_equal(h2_window_grant(&window, 1, 3, &fault), H2_FAULT);
    assert_int_equal(fault.code, H2_FLOW_CONTROL_ERROR);
    assert_int_equal(fault.scope, H2_SCOPE_STREAM);
    assert_int_equal(fault.stream_id, 3);
    assert_int_equal(window.left, H2_MAX_WINDOW);
    assert_int_equal(h2_window_grant(&window, 1, 0, &fault), H2_FAULT);
    assert_int_equal(fault.scope, H2_SCOPE_SESSION);
}

static void settings_may_take_a_window_below_zero(void **state) {
    (void)state;
    h2_window window = {10};
    assert_int_equal(h2_window_shift(&window, -60000, 0, &fault), H2_OK);
    assert_int_equal(window.left, -59990);
    assert_int_equal(h2_window_grant(&window, 59991, 1, &fault), H2_OK);
    assert_int_equal(window.left, 1);
}

static void settings_may_not_take_a_window_past_its_size_even_for_a_moment(void **state) {
    (void)state;
    h2_window window = {65535};
    assert_int_equal(h2_window_shift(&window, 0, H2_MAX_WINDOW - 65535, &fault), H2_OK);
    assert_int_equal(h2_window_shift(&window, 0, H2_MAX_WINDOW - 65534, &fault), H2_FAULT);
    assert_int_equal(fault.code, H2_FLOW_CONTROL_ERROR);
    assert_int_equal(fault.scope, H2_SCOPE_SESSION);
    assert_int_equal(window.left, 65535);
}

static void spending_past_the_window_is_refused_and_changes_nothing(void **state) {
    (void)state;
    h2_window window = {5};
    assert_int_equal(h2_window_spend(&window, 5, 1, &fault), H2_OK);
    assert_int_equal(h2_window_spend(&window, 1, 1, &fault), H2_FAULT);
    assert_int_equal(fault.code, H2_FLOW_CONTROL_ERROR);
    assert_int_equal(window.left, 0);
    window.left = -7;
    assert_int_equal(h2_window_spend(&window, 0, 1, &fault), H2_OK);
}

static void what_was_read_goes_back_when_it_is_half_of_the_window(void **state) {
    (void)state;
    h2_inflow inflow;
    h2_inflow_init(&inflow, 100);
    assert_int_equal(h2_window_spend(&inflow.window, 100, 1, &fault), H2_OK);
    inflow.unread = 100;
    assert_int_equal(h2_inflow_update(&inflow), 0);
    assert_int_equal(h2_inflow_consume(&inflow, 49), 49);
    assert_int_equal(h2_inflow_update(&inflow), 0);
    assert_int_equal(h2_inflow_consume(&inflow, 1), 1);
    assert_int_equal(h2_inflow_update(&inflow), 50);
    assert_int_equal(inflow.window.left, 50);
    assert_int_equal(h2_inflow_consume(&inflow, 1000), 50);
    assert_int_equal(h2_inflow_update(&inflow), 50);
}

static void a_window_of_one_octet_is_given_back_at_once(void **state) {
    (void)state;
    h2_inflow inflow;
    for (uint32_t limit = 1; limit < 5; limit++) {
        h2_inflow_init(&inflow, limit);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(h2_window_spend(&inflow.window, 1, 1, &fault), H2_OK);
            (void)h2_inflow_update(&inflow);
            assert_true(inflow.window.left > 0);
        }
    }
}

static void a_larger_window_is_granted_at_once_and_a_smaller_one_as_it_is_spent(void **state) {
    (void)state;
    h2_inflow inflow;
    h2_inflow_init(&inflow, 65535);
    assert_int_equal(h2_inflow_resize(&inflow, 65536), 1);
    assert_int_equal(h2_inflow_resize(&inflow, 1000), 0);
    assert_int_equal(h2_window_spend(&inflow.window, 65000, 1, &fault), H2_OK);
    assert_int_equal(h2_inflow_update(&inflow), 0);
    assert_int_equal(h2_window_spend(&inflow.window, 536, 1, &fault), H2_OK);
    assert_int_equal(h2_inflow_update(&inflow), 1000);
}

static void our_own_smaller_setting_may_leave_a_window_in_debt(void **state) {
    (void)state;
    h2_inflow inflow;
    h2_inflow_init(&inflow, 65535);
    assert_int_equal(h2_window_spend(&inflow.window, 65535, 1, &fault), H2_OK);
    inflow.unread = 65535;
    h2_inflow_shift(&inflow, 10 - 65535);
    assert_int_equal(inflow.window.left, 10 - 65535);
    assert_int_equal(h2_inflow_update(&inflow), 0);
    h2_inflow_consume(&inflow, 65535);
    assert_int_equal(h2_inflow_update(&inflow), 65535);
    assert_int_equal(inflow.window.left, 10);
}

static void an_update_that_was_not_written_is_owed_still(void **state) {
    (void)state;
    h2_inflow inflow;
    h2_inflow_init(&inflow, 10);
    assert_int_equal(h2_window_spend(&inflow.window, 10, 1, &fault), H2_OK);
    h2_inflow_revert(&inflow, h2_inflow_update(&inflow));
    assert_int_equal(inflow.window.left, 0);
    assert_int_equal(h2_inflow_update(&inflow), 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_past_the_largest_window_is_refused_and_changes_nothing),
        cmocka_unit_test(settings_may_take_a_window_below_zero),
        cmocka_unit_test(settings_may_not_take_a_window_past_its_size_even_for_a_moment),
        cmocka_unit_test(spending_past_the_window_is_refused_and_changes_nothing),
        cmocka_unit_test(what_was_read_goes_back_when_it_is_half_of_the_window),
        cmocka_unit_test(a_window_of_one_octet_is_given_back_at_once),
        cmocka_unit_test(a_larger_window_is_granted_at_once_and_a_smaller_one_as_it_is_spent),
        cmocka_unit_test(our_own_smaller_setting_may_leave_a_window_in_debt),
        cmocka_unit_test(an_update_that_was_not_written_is_owed_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
