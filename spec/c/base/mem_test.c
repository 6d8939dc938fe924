#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void counts_attempts_and_living_blocks(void **state) {
    (void)state;
    mem_fail_from(0);
    size_t before = mem_blocks();
    void *a = mem_alloc(10);
    void *b = mem_resize(NULL, 10);
    b = mem_resize(b, 1000);
    assert_int_equal(mem_attempts(), 3);
    assert_int_equal(mem_blocks(), before + 2);
    mem_free(a);
    mem_free(b);
    mem_free(NULL);
    assert_int_equal(mem_blocks(), before);
}

static void fails_the_nth_allocation_only(void **state) {
    (void)state;
    mem_fail_once(2);
    void *a = mem_alloc(1);
    assert_non_null(a);
    assert_null(mem_alloc(1));
    void *c = mem_alloc(1);
    assert_non_null(c);
    mem_free(a);
    mem_free(c);
    mem_fail_from(0);
}

static void fails_every_allocation_from_the_nth_on(void **state) {
    (void)state;
    mem_fail_from(2);
    void *a = mem_alloc(1);
    assert_non_null(a);
    assert_null(mem_alloc(1));
    assert_null(mem_resize(a, 100));
    mem_fail_from(0);
    a = mem_resize(a, 100);
    assert_non_null(a);
    mem_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_attempts_and_living_blocks),
        cmocka_unit_test(fails_the_nth_allocation_only),
        cmocka_unit_test(fails_every_allocation_from_the_nth_on),
    };
    return cmocka_run_group_tests_name("base/mem", tests, NULL, NULL);
}
