#include "support/net_support.h"

typedef struct ticks {
    int fired;
    int close_at;
} ticks;

static void on_timer(net_timer *timer) {
    ticks *self = net_timer_context(timer);
    if (++self->fired == self->close_at)
        net_timer_close(timer);
}

static void fires_once_and_lets_the_loop_end(void **state) {
    ticks self = {0};
    net_timer *timer;
    assert_int_equal(net_timer_new(&timer, *state, on_timer, &self), 0);
    assert_false(net_timer_is_active(timer));
    net_timer_start(timer, 1, 0);
    assert_true(net_timer_is_active(timer));
    assert_false(net_loop_run(*state, UV_RUN_DEFAULT));
    assert_int_equal(self.fired, 1);
    assert_false(net_timer_is_active(timer));
    net_timer_close(timer);
}

static void repeats_until_it_is_closed_from_within(void **state) {
    ticks self = {.close_at = 3};
    net_timer *timer;
    assert_int_equal(net_timer_new(&timer, *state, on_timer, &self), 0);
    net_timer_start(timer, 1, 1);
    assert_false(net_loop_run(*state, UV_RUN_DEFAULT));
    assert_int_equal(self.fired, 3);
}

static void starts_again_from_the_last_start(void **state) {
    ticks self = {0};
    net_timer *timer;
    assert_int_equal(net_timer_new(&timer, *state, on_timer, &self), 0);
    net_timer_start(timer, 1, 0);
    net_timer_start(timer, 60000, 0);
    run_for(*state, 20);
    assert_int_equal(self.fired, 0);
    net_timer_stop(timer);
    assert_false(net_timer_is_active(timer));
    net_timer_close(timer);
}

static void does_not_keep_the_loop_alive_unless_referenced(void **state) {
    ticks self = {0};
    net_timer *timer;
    assert_int_equal(net_timer_new(&timer, *state, on_timer, &self), 0);
    net_timer_start(timer, 60000, 0);
    assert_true(net_timer_has_ref(timer));
    net_timer_ref(timer, false);
    assert_false(net_timer_has_ref(timer));
    assert_false(net_loop_run(*state, UV_RUN_DEFAULT));
    assert_int_equal(self.fired, 0);
    net_timer_close(timer);
    net_timer_close(timer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fires_once_and_lets_the_loop_end, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(repeats_until_it_is_closed_from_within, open_loop,
                                        close_loop),
        cmocka_unit_test_setup_teardown(starts_again_from_the_last_start, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(does_not_keep_the_loop_alive_unless_referenced, open_loop,
                                        close_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
