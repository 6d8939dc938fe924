#include "h2/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static h2_scheduler scheduler;
static h2_node nodes[4];

static int setup(void **state) {
    (void)state;
    scheduler = (h2_scheduler){0};
    return 0;
}

static void add(int i, uint8_t urgency, bool is_incremental) {
    h2_node_init(&nodes[i], (h2_priority){urgency, is_incremental});
    h2_scheduler_add(&scheduler, &nodes[i]);
}

/* The number of the node that has the next turn. */
static int turn(void) {
    h2_node *node = h2_scheduler_next(&scheduler);
    assert_non_null(node);
    h2_scheduler_took_turn(&scheduler, node);
    return (int)(node - nodes);
}

static void nobody_has_a_turn_where_nobody_is_ready(void **state) {
    (void)state;
    assert_null(h2_scheduler_next(&scheduler));
    add(0, 3, true);
    h2_scheduler_remove(&scheduler, &nodes[0]);
    h2_scheduler_remove(&scheduler, &nodes[0]);
    assert_null(h2_scheduler_next(&scheduler));
}

static void the_most_urgent_goes_first(void **state) {
    (void)state;
    add(0, 7, true);
    add(1, 0, false);
    add(2, 3, true);
    assert_int_equal(turn(), 1);
    h2_scheduler_remove(&scheduler, &nodes[1]);
    assert_int_equal(turn(), 2);
    h2_scheduler_remove(&scheduler, &nodes[2]);
    assert_int_equal(turn(), 0);
}

static void incremental_nodes_take_turns(void **state) {
    (void)state;
    add(0, 3, true);
    add(1, 3, true);
    add(2, 3, true);
    for (int i = 0; i < 9; i++)
        assert_int_equal(turn(), i % 3);
}

static void others_are_served_to_their_end_in_the_order_they_came(void **state) {
    (void)state;
    add(0, 3, false);
    add(1, 3, false);
    assert_int_equal(turn(), 0);
    assert_int_equal(turn(), 0);
    h2_scheduler_remove(&scheduler, &nodes[0]);
    assert_int_equal(turn(), 1);
    h2_scheduler_add(&scheduler, &nodes[0]);
    assert_int_equal(turn(), 1);
}

static void a_node_is_added_but_once(void **state) {
    (void)state;
    add(0, 3, true);
    add(1, 3, true);
    h2_scheduler_add(&scheduler, &nodes[0]);
    assert_int_equal(turn(), 0);
    assert_int_equal(turn(), 1);
    h2_scheduler_remove(&scheduler, &nodes[0]);
    h2_scheduler_remove(&scheduler, &nodes[1]);
    assert_null(h2_scheduler_next(&scheduler));
}

static void a_changed_priority_counts_at_once_whether_ready_or_not(void **state) {
    (void)state;
    add(0, 3, true);
    add(1, 3, true);
    h2_scheduler_move(&scheduler, &nodes[1], (h2_priority){1, false});
    assert_int_equal(turn(), 1);
    h2_scheduler_remove(&scheduler, &nodes[1]);
    h2_scheduler_move(&scheduler, &nodes[1], (h2_priority){0, false});
    assert_int_equal(turn(), 0);
    h2_scheduler_add(&scheduler, &nodes[1]);
    assert_int_equal(turn(), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_has_a_turn_where_nobody_is_ready, setup),
        cmocka_unit_test_setup(the_most_urgent_goes_first, setup),
        cmocka_unit_test_setup(incremental_nodes_take_turns, setup),
        cmocka_unit_test_setup(others_are_served_to_their_end_in_the_order_they_came, setup),
        cmocka_unit_test_setup(a_node_is_added_but_once, setup),
        cmocka_unit_test_setup(a_changed_priority_counts_at_once_whether_ready_or_not, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
