#include "support/net_support.h"

#include <signal.h>

typedef struct counter {
    net_loop *loop;
    int turns;
    int wanted; /* turns that ask for another one */
    bool stops;
} counter;

static bool count_turn(void *context) {
    counter *self = context;
    self->turns++;
    if (self->stops)
        net_loop_stop(self->loop);
    return self->wanted > 0 && --self->wanted >= 0;
}

static void count_timer(net_timer *timer) {
    ++*(int *)net_timer_context(timer);
}

static void ends_at_once_when_nothing_is_alive(void **state) {
    (void)state;
    counter self = {0};
    assert_int_equal(net_loop_new(&self.loop, count_turn, &self), 0);
    assert_false(net_loop_is_alive(self.loop));
    assert_false(net_loop_run(self.loop, UV_RUN_DEFAULT));
    assert_true(self.turns >= 1);
    net_loop_free(self.loop);
    assert_int_equal(mem_blocks(), 0);
}

static void goes_on_while_the_turn_wants_more(void **state) {
    (void)state;
    counter self = {.wanted = 20};
    assert_int_equal(net_loop_new(&self.loop, count_turn, &self), 0);
    assert_false(net_loop_run(self.loop, UV_RUN_DEFAULT));
    assert_int_equal(self.wanted, 0);
    net_loop_free(self.loop);
}

static void does_not_wait_while_the_turn_wants_more(void **state) {
    (void)state;
    int fired = 0;
    counter self = {.wanted = 1000};
    net_timer *timer;
    assert_int_equal(net_loop_new(&self.loop, count_turn, &self), 0);
    assert_int_equal(net_timer_new(&timer, self.loop, count_timer, &fired), 0);
    net_timer_start(timer, 60000, 0);
    while (self.wanted > 0)
        assert_true(net_loop_run(self.loop, UV_RUN_ONCE));
    assert_int_equal(fired, 0);
    net_loop_free(self.loop);
}

static void does_not_wait_in_a_first_round_with_something_to_do(void **state) {
    (void)state;
    int fired = 0;
    counter self = {.wanted = 1};
    net_timer *timer;
    assert_int_equal(net_loop_new(&self.loop, count_turn, &self), 0);
    assert_int_equal(net_timer_new(&timer, self.loop, count_timer, &fired), 0);
    net_timer_start(timer, 60000, 0);
    assert_true(net_loop_run(self.loop, UV_RUN_ONCE));
    assert_int_equal(fired, 0);
    net_loop_free(self.loop);
}

static void wakes_for_a_turn(void **state) {
    (void)state;
    counter self = {0};
    assert_int_equal(net_loop_new(&self.loop, count_turn, &self), 0);
    net_loop_wake(self.loop);
    assert_true(net_loop_is_alive(self.loop));
    assert_int_equal(uv_backend_timeout(net_loop_uv(self.loop)), 0);
    assert_false(net_loop_run(self.loop, UV_RUN_NOWAIT));
    net_loop_free(self.loop);
}

static void stops_when_told_to(void **state) {
    (void)state;
    int fired = 0;
    counter self = {.stops = true};
    net_timer *timer;
    assert_int_equal(net_loop_new(&self.loop, count_turn, &self), 0);
    assert_int_equal(net_timer_new(&timer, self.loop, count_timer, &fired), 0);
    net_timer_start(timer, 60000, 0);
    assert_true(net_loop_run(self.loop, UV_RUN_DEFAULT));
    assert_true(net_loop_run(self.loop, UV_RUN_ONCE));
    assert_int_equal(fired, 0);
    net_loop_free(self.loop);
}

static void on_close(net_socket *socket) {
    ++*(int *)net_socket_context(socket);
}

static const net_socket_events closing_events = {.on_close = on_close};

static void closes_what_is_left_and_tells_its_owners(void **state) {
    (void)state;
    net_loop *loop;
    net_timer *timer;
    net_socket *socket;
    net_listener *listener;
    int fired = 0, closed = 0;
    net_connect_options options = {.host = "127.0.0.1", .port = 1};
    net_listen_options listen = {.host = "127.0.0.1", .fd = -1};
    assert_int_equal(net_loop_new(&loop, NULL, NULL), 0);
    assert_int_equal(net_timer_new(&timer, loop, count_timer, &fired), 0);
    net_timer_start(timer, 60000, 0);
    assert_int_equal(net_socket_connect(&socket, loop, &options, &closing_events, &closed), 0);
    static const net_listener_events no_events = {0};
    assert_int_equal(net_listener_open(&listener, loop, &listen, &no_events, NULL), 0);
    uv_idle_t foreign;
    uv_idle_init(net_loop_uv(loop), &foreign);
    net_loop_free(loop);
    assert_int_equal(closed, 1);
    assert_int_equal(fired, 0);
    assert_int_equal(mem_blocks(), 0);
}

static void ignores_broken_pipes_but_leaves_a_handler_alone(void **state) {
    (void)state;
    net_loop *loop;
    struct sigaction action;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(net_loop_new(&loop, NULL, NULL), 0);
    sigaction(SIGPIPE, NULL, &action);
    assert_true(action.sa_handler == SIG_IGN);
    net_loop_free(loop);
    signal(SIGPIPE, _exit);
    assert_int_equal(net_loop_new(&loop, NULL, NULL), 0);
    sigaction(SIGPIPE, NULL, &action);
    assert_true(action.sa_handler == _exit);
    net_loop_free(loop);
    signal(SIGPIPE, SIG_DFL);
}

static void fails_in_order_when_memory_is_out(void **state) {
    (void)state;
    net_loop *loop;
    for (size_t n = 1;; n++) {
        mem_fail_once(n);
        int status = net_loop_new(&loop, NULL, NULL);
        size_t attempts = mem_attempts();
        mem_fail_from(0);
        if (status == 0)
            net_loop_free(loop);
        else
            assert_int_equal(status, UV_ENOMEM);
        assert_int_equal(mem_blocks(), 0);
        if (attempts < n)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_at_once_when_nothing_is_alive),
        cmocka_unit_test(goes_on_while_the_turn_wants_more),
        cmocka_unit_test(does_not_wait_while_the_turn_wants_more),
        cmocka_unit_test(does_not_wait_in_a_first_round_with_something_to_do),
        cmocka_unit_test(wakes_for_a_turn),
        cmocka_unit_test(stops_when_told_to),
        cmocka_unit_test(closes_what_is_left_and_tells_its_owners),
        cmocka_unit_test(ignores_broken_pipes_but_leaves_a_handler_alone),
        cmocka_unit_test(fails_in_order_when_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
