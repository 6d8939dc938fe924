#include "h2/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void identifiers_that_were_skipped_are_unused(void **state) {
    (void)state;
    h2_history history = {0};
    h2_history_open(&history, 1);
    h2_history_open(&history, 9);
    assert_int_equal(history.newest, 9);
    assert_int_equal(h2_history_fate(&history, 1), H2_FATE_USED);
    for (uint32_t id = 3; id < 9; id += 2)
        assert_int_equal(h2_history_fate(&history, id), H2_FATE_UNUSED);
    assert_int_equal(h2_history_fate(&history, 9), H2_FATE_USED);
}

static void even_identifiers_are_told_as_well(void **state) {
    (void)state;
    h2_history history = {0};
    h2_history_open(&history, 2);
    h2_history_open(&history, 6);
    assert_int_equal(h2_history_fate(&history, 2), H2_FATE_USED);
    assert_int_equal(h2_history_fate(&history, 4), H2_FATE_UNUSED);
    h2_history_reset(&history, 6);
    assert_int_equal(h2_history_fate(&history, 6), H2_FATE_RESET);
}

static void a_reset_is_remembered_until_so_many_have_followed(void **state) {
    (void)state;
    h2_history history = {0};
    for (uint32_t id = 1; id < 2 * 1000; id += 2) {
        h2_history_open(&history, id);
        if (id % 4 == 1)
            h2_history_reset(&history, id);
    }
    for (uint32_t i = 0; i < H2_HISTORY_IDS; i++) {
        uint32_t id = 1999 - 2 * i;
        assert_int_equal(h2_history_fate(&history, id), id % 4 == 1 ? H2_FATE_RESET : H2_FATE_USED);
    }
    assert_int_equal(h2_history_fate(&history, 1999 - 2 * H2_HISTORY_IDS), H2_FATE_FORGOTTEN);
    assert_int_equal(h2_history_fate(&history, 1), H2_FATE_FORGOTTEN);
    h2_history_reset(&history, 1);
    assert_int_equal(h2_history_fate(&history, 1999), H2_FATE_USED);
}

static void a_leap_clears_all_that_was(void **state) {
    (void)state;
    h2_history history = {0};
    for (uint32_t id = 1; id < 600; id += 2) {
        h2_history_open(&history, id);
        h2_history_reset(&history, id);
    }
    h2_history_open(&history, 0x7fffffff);
    assert_int_equal(h2_history_fate(&history, 0x7fffffff), H2_FATE_USED);
    for (uint32_t i = 1; i < H2_HISTORY_IDS; i++)
        assert_int_equal(h2_history_fate(&history, 0x7fffffff - 2 * i), H2_FATE_UNUSED);
    assert_int_equal(h2_history_fate(&history, 599), H2_FATE_FORGOTTEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_that_were_skipped_are_unused),
        cmocka_unit_test(even_identifiers_are_told_as_well),
        cmocka_unit_test(a_reset_is_remembered_until_so_many_have_followed),
        cmocka_unit_test(a_leap_clears_all_that_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
