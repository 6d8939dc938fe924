#include "h2/priority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_priority(const char *value, int urgency, bool is_incremental) {
    h2_priority priority = h2_priority_parse(bytes_slice_of(value, strlen(value)));
    if (priority.urgency != urgency || priority.is_incremental != is_incremental)
        fail_msg("\"%s\" gave u=%d i=%d", value, priority.urgency, priority.is_incremental);
}

static void both_parameters_are_read(void **state) {
    (void)state;
    assert_priority("u=0", 0, false);
    assert_priority("u=7, i", 7, true);
    assert_priority("i,u=2", 2, true);
    assert_priority("  u=5 ,\t i=?0 ", 5, false);
    assert_priority("i=?1", 3, true);
}

static void what_is_missing_or_out_of_range_takes_the_default(void **state) {
    (void)state;
    assert_priority("", 3, false);
    assert_priority("u=8", 3, false);
    assert_priority("u=-1, i", 3, true);
    assert_priority("u=1.0", 3, false);
    assert_priority("u=?1", 3, false);
    assert_priority("u, i=1", 3, false);
    assert_priority("u=999999999999999", 3, false);
}

static void the_last_of_equal_keys_counts(void **state) {
    (void)state;
    assert_priority("u=1, u=4", 4, false);
    assert_priority("i, i=?0", 3, false);
}

static void other_members_of_any_kind_are_read_past(void **state) {
    (void)state;
    assert_priority("u=1;x=1;y, a=\"q\\\"\\\\\", b=:aGk=:, c=tok/en:*, d=(1 \"a\" b;p), *e=-1.5, i",
                    1, true);
    assert_priority("uu=5, ii, u=2", 2, false);
    assert_priority("a=(), b=( 1  2 ), u=6", 6, false);
}

static void a_malformed_value_counts_for_nothing(void **state) {
    (void)state;
    static const char *const values[] = {"u=1,",
                                         "u=1,,i",
                                         "u=1 i",
                                         "u=",
                                         "U=1",
                                         "=1",
                                         "u=1, a=\"q",
                                         "u=1, a=:q",
                                         "u=1, a=(1",
                                         "u=1, a=(1,2)",
                                         "u=1, a=?2",
                                         "u=1, a=-",
                                         "u=1, a=1.",
                                         "u=1, a=1.2345",
                                         "u=1, a=1234567890123456",
                                         "u=1, a=1234567890123.1",
                                         "u=1;",
                                         "u=1;=2",
                                         "u=1, a=\"\\q\"",
                                         "u=1, a=\"\x7f\"",
                                         "u=1, a=@1",
                                         "u=1\n"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        assert_priority(values[i], 3, false);
    h2_priority cut = h2_priority_parse(bytes_slice_of("u=1\0i", 5));
    assert_int_equal(cut.urgency, 3);
}

static void what_is_printed_is_read_back(void **state) {
    (void)state;
    for (uint8_t urgency = 0; urgency < H2_URGENCIES; urgency++) {
        for (int i = 0; i < 2; i++) {
            h2_priority priority = {urgency, i == 1};
            uint8_t out[6];
            size_t size = h2_priority_print(priority, out);
            assert_true(size <= sizeof(out));
            h2_priority read = h2_priority_parse(bytes_slice_of(out, size));
            assert_int_equal(read.urgency, urgency);
            assert_int_equal(read.is_incremental, i == 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_parameters_are_read),
        cmocka_unit_test(what_is_missing_or_out_of_range_takes_the_default),
        cmocka_unit_test(the_last_of_equal_keys_counts),
        cmocka_unit_test(other_members_of_any_kind_are_read_past),
        cmocka_unit_test(a_malformed_value_counts_for_nothing),
        cmocka_unit_test(what_is_printed_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
