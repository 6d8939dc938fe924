#include "base/idmap.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define SEED UINT64_C(0x0123456789abcdef)
#define IDS 2000

/* What is put under an id: the place of the id in here. */
static char things[IDS];

static void holds_no_memory_while_empty(void **state) {
    (void)state;
    idmap map;
    size_t before = mem_blocks();
    idmap_init(&map, SEED);
    assert_null(idmap_get(&map, 1));
    assert_null(idmap_remove(&map, 1));
    assert_int_equal(idmap_put(&map, 1, things), 0);
    assert_ptr_equal(idmap_remove(&map, 1), things);
    assert_int_equal(mem_blocks(), before);
    assert_int_equal(idmap_count(&map), 0);
}

static void finds_what_was_put_and_nothing_else(void **state) {
    (void)state;
    idmap map;
    idmap_init(&map, SEED);
    for (uint32_t id = 1; id < IDS; id += 2)
        assert_int_equal(idmap_put(&map, id, &things[id]), 0);
    assert_int_equal(idmap_count(&map), IDS / 2);
    for (uint32_t id = 1; id < IDS; id += 2) {
        assert_ptr_equal(idmap_get(&map, id), &things[id]);
        assert_null(idmap_get(&map, id + 1));
    }
    assert_null(idmap_get(&map, 0));
    assert_null(idmap_remove(&map, 2));
    idmap_dispose(&map);
}

static void replaces_what_stands_under_an_id(void **state) {
    (void)state;
    idmap map;
    idmap_init(&map, SEED);
    assert_int_equal(idmap_put(&map, 3, &things[1]), 0);
    assert_int_equal(idmap_put(&map, 3, &things[2]), 0);
    assert_int_equal(idmap_count(&map), 1);
    assert_ptr_equal(idmap_remove(&map, 3), &things[2]);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void stays_right_through_random_puts_and_removals(void **state) {
    (void)state;
    static bool is_there[IDS];
    for (uint64_t seed = 0; seed < 8; seed++) {
        idmap map;
        uint32_t random = (uint32_t)seed;
        size_t count = 0;
        idmap_init(&map, seed);
        memset(is_there, 0, sizeof(is_there));
        for (int i = 0; i < 30000; i++) {
            uint32_t id = 1 + next_random(&random) % (i < 15000 ? IDS - 1 : 40);
            assert_ptr_equal(idmap_get(&map, id), is_there[id] ? &things[id] : NULL);
            if (next_random(&random) % 2 == 0) {
                assert_int_equal(idmap_put(&map, id, &things[id]), 0);
                count += !is_there[id];
                is_there[id] = true;
            } else {
                assert_ptr_equal(idmap_remove(&map, id), is_there[id] ? &things[id] : NULL);
                count -= is_there[id];
                is_there[id] = false;
            }
            assert_int_equal(idmap_count(&map), count);
        }
        for (uint32_t id = 1; id < IDS; id++)
            assert_ptr_equal(idmap_get(&map, id), is_there[id] ? &things[id] : NULL);
        idmap_dispose(&map);
    }
}

static void visits_each_pointer_once(void **state) {
    (void)state;
    idmap map;
    bool is_seen[IDS] = {false};
    size_t cursor = 0;
    size_t seen = 0;
    idmap_init(&map, SEED);
    assert_null(idmap_next(&map, &cursor));
    for (uint32_t id = 1; id < IDS; id++)
        assert_int_equal(idmap_put(&map, id, &things[id]), 0);
    cursor = 0;
    for (char *thing; (thing = idmap_next(&map, &cursor)) != NULL; seen++) {
        assert_false(is_seen[thing - things]);
        is_seen[thing - things] = true;
    }
    assert_int_equal(seen, IDS - 1);
    idmap_dispose(&map);
}

static void gives_back_memory_when_most_have_gone(void **state) {
    (void)state;
    idmap map;
    idmap_init(&map, SEED);
    for (uint32_t id = 1; id < IDS; id++)
        assert_int_equal(idmap_put(&map, id, &things[id]), 0);
    size_t most = map._capacity;
    for (uint32_t id = 2; id < IDS; id++)
        assert_ptr_equal(idmap_remove(&map, id), &things[id]);
    assert_true(map._capacity < most / 16);
    assert_ptr_equal(idmap_get(&map, 1), &things[1]);
    idmap_dispose(&map);
}

static void is_unchanged_when_memory_is_out(void **state) {
    (void)state;
    idmap map;
    idmap_init(&map, SEED);
    uint32_t id = 0;
    int outcome = 0;
    mem_fail_from(3); /* the third table is refused */
    while (outcome == 0) {
        id++;
        outcome = idmap_put(&map, id, &things[id]);
    }
    assert_int_equal(idmap_count(&map), id - 1);
    assert_null(idmap_get(&map, id));
    for (uint32_t i = 1; i < id; i++)
        assert_ptr_equal(idmap_get(&map, i), &things[i]);
    for (uint32_t i = 1; i < id; i++)
        assert_ptr_equal(idmap_remove(&map, i), &things[i]);
    mem_fail_from(0);
    assert_int_equal(idmap_count(&map), 0);
}

/* Ids that collide under one seed must not do so under another. */
static void probes_by_a_secret_order(void **state) {
    (void)state;
    idmap a, b;
    size_t same = 0;
    idmap_init(&a, 1);
    idmap_init(&b, SEED);
    for (uint32_t id = 1; id < 65; id++) {
        assert_int_equal(idmap_put(&a, id, &things[id]), 0);
        assert_int_equal(idmap_put(&b, id, &things[id]), 0);
    }
    size_t at_a = 0, at_b = 0;
    for (int i = 0; i < 64; i++)
        same += idmap_next(&a, &at_a) == idmap_next(&b, &at_b);
    assert_in_range(same, 0, 16);
    idmap_dispose(&a);
    idmap_dispose(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_no_memory_while_empty),
        cmocka_unit_test(finds_what_was_put_and_nothing_else),
        cmocka_unit_test(replaces_what_stands_under_an_id),
        cmocka_unit_test(stays_right_through_random_puts_and_removals),
        cmocka_unit_test(visits_each_pointer_once),
        cmocka_unit_test(gives_back_memory_when_most_have_gone),
        cmocka_unit_test(is_unchanged_when_memory_is_out),
        cmocka_unit_test(probes_by_a_secret_order),
    };
    return cmocka_run_group_tests_name("base/idmap", tests, NULL, NULL);
}
