#include "h2/pool.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static h2_pool *pool;

static int setup(void **state) {
    (void)state;
    return h2_pool_new(&pool);
}

static int teardown(void **state) {
    (void)state;
    h2_pool_free(pool);
    return 0;
}

static void what_is_given_back_is_taken_again(void **state) {
    (void)state;
    h2_stream *stream = h2_pool_take_stream(pool);
    hpack_section *section = h2_pool_take_section(pool);
    h2_wire *wire = h2_pool_take_wire(pool);
    h2_pool_give_stream(pool, stream);
    h2_pool_give_section(pool, section);
    h2_pool_give_wire(pool, wire);
    assert_ptr_equal(h2_pool_take_stream(pool), stream);
    assert_ptr_equal(h2_pool_take_section(pool), section);
    assert_ptr_equal(h2_pool_take_wire(pool), wire);
    h2_pool_give_stream(pool, stream);
    h2_pool_give_section(pool, section);
    h2_pool_give_wire(pool, wire);
}

#ifdef MEM_FAULTS
static void only_so_much_is_kept(void **state) {
    (void)state;
    static h2_stream *streams[3000];
    hpack_section *sections[50];
    h2_wire *wires[50];
    size_t before = mem_blocks();
    for (size_t i = 0; i < 3000; i++)
        streams[i] = h2_pool_take_stream(pool);
    for (size_t i = 0; i < 50; i++) {
        sections[i] = h2_pool_take_section(pool);
        wires[i] = h2_pool_take_wire(pool);
    }
    for (size_t i = 0; i < 3000; i++)
        h2_pool_give_stream(pool, streams[i]);
    for (size_t i = 0; i < 50; i++) {
        h2_pool_give_section(pool, sections[i]);
        h2_pool_give_wire(pool, wires[i]);
    }
    assert_true(mem_blocks() - before < 1100);
}

static void a_wire_that_has_grown_too_large_is_not_kept(void **state) {
    (void)state;
    size_t before = mem_blocks();
    h2_wire *wire = h2_pool_take_wire(pool);
    assert_int_equal(h2_wire_reserve(wire, 1 << 20, 1), H2_OK);
    h2_pool_give_wire(pool, wire);
    assert_int_equal(mem_blocks(), before);
}

static void out_of_memory_is_said(void **state) {
    (void)state;
    h2_pool *other;
    mem_fail_from(1);
    assert_null(h2_pool_take_stream(pool));
    assert_null(h2_pool_take_section(pool));
    assert_null(h2_pool_take_wire(pool));
    assert_int_equal(h2_pool_new(&other), H2_NOMEM);
    mem_fail_from(0);
    h2_pool_free(NULL);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_given_back_is_taken_again, setup, teardown),
#ifdef MEM_FAULTS
        cmocka_unit_test_setup_teardown(only_so_much_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wire_that_has_grown_too_large_is_not_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(out_of_memory_is_said, setup, teardown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
