#include "hpack/search.h"

#include "base/mem.h"
#include "support/blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct indexed_table {
    hpack_table table;
    hpack_search search;
} indexed_table;

static void setup(indexed_table *t, size_t max_octets) {
    hpack_table_init(&t->table, max_octets);
    t->search = (hpack_search){0};
}

static void teardown(indexed_table *t) {
    hpack_search_dispose(&t->search);
    hpack_table_dispose(&t->table);
}

static void insert(indexed_table *t, const hpack_field *field) {
    assert_int_equal(hpack_search_prepare(&t->search, &t->table), HPACK_OK);
    assert_int_equal(hpack_table_insert(&t->table, field->name, field->value, field->token),
                     HPACK_OK);
    hpack_search_add(&t->search, &t->table, hpack_search_hash(field));
}

static size_t find(indexed_table *t, const hpack_field *field) {
    return hpack_search_field(&t->search, &t->table, field, hpack_search_hash(field));
}

static size_t find_name(const indexed_table *t, const hpack_field *field) {
    return hpack_search_name(&t->search, &t->table, field, hpack_search_hash(field));
}

static void finds_nothing_while_empty(void **state) {
    (void)state;
    indexed_table t;
    setup(&t, 4096);
    hpack_field field = blocks_field("x", "y");
    assert_int_equal(find(&t, &field), HPACK_NOT_FOUND);
    assert_int_equal(find_name(&t, &field), HPACK_NOT_FOUND);
    assert_int_equal(hpack_search_memory(&t.search), 0);
    teardown(&t);
}

static void finds_the_newest_of_equal_fields_and_names(void **state) {
    (void)state;
    indexed_table t;
    setup(&t, 4096);
    hpack_field first = blocks_field("x-name", "one");
    hpack_field second = blocks_field("x-name", "two");
    hpack_field other = blocks_field("x-mane", "one");
    insert(&t, &first);
    assert_int_equal(find(&t, &first), 0);
    assert_int_equal(find(&t, &second), HPACK_NOT_FOUND);
    assert_int_equal(find_name(&t, &second), 0);
    assert_int_equal(find_name(&t, &other), HPACK_NOT_FOUND);
    insert(&t, &second);
    assert_int_equal(find(&t, &first), 1);
    assert_int_equal(find_name(&t, &first), 0);
    insert(&t, &first);
    assert_int_equal(find(&t, &first), 0);
    teardown(&t);
}

static size_t find_recent(const indexed_table *t, const hpack_field *field) {
    return hpack_search_recent(&t->search, &t->table, field);
}

static void finds_at_once_the_field_that_came_last_of_its_name(void **state) {
    (void)state;
    indexed_table t;
    setup(&t, 3 * 45); /* three entries */
    hpack_field first = blocks_field("date", "123456789");
    hpack_field second = blocks_field("date", "987654321");
    hpack_field other = blocks_field("vary", "123456789");
    assert_int_equal(find_recent(&t, &first), HPACK_NOT_FOUND);
    insert(&t, &first);
    assert_int_equal(find_recent(&t, &first), 0);
    assert_int_equal(find_recent(&t, &second), HPACK_NOT_FOUND);
    assert_int_equal(find_recent(&t, &other), HPACK_NOT_FOUND);
    insert(&t, &second);
    assert_int_equal(find_recent(&t, &second), 0);
    assert_int_equal(find_recent(&t, &first), HPACK_NOT_FOUND);
    assert_int_equal(find(&t, &first), 1);
    assert_int_equal(find_recent(&t, &first), 1);
    insert(&t, &other);
    assert_int_equal(find_recent(&t, &first), 2);
    insert(&t, &second); /* evicts it */
    assert_int_equal(find_recent(&t, &first), HPACK_NOT_FOUND);
    hpack_field no_token = blocks_field("x-no", "123456789");
    insert(&t, &no_token);
    assert_int_equal(find_recent(&t, &no_token), HPACK_NOT_FOUND);
    teardown(&t);
}

static void tells_fields_apart_that_differ_in_one_octet(void **state) {
    (void)state;
    indexed_table t;
    char value[100];
    setup(&t, 65536);
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    hpack_field field = blocks_field("user-agent", value);
    insert(&t, &field);
    for (size_t i = 0; i < sizeof(value) - 1; i++) {
        value[i] = 'w';
        assert_int_equal(find(&t, &field), HPACK_NOT_FOUND);
        value[i] = 'v';
    }
    assert_int_equal(find(&t, &field), 0);
    hpack_field token_differs = blocks_field("server", value);
    assert_int_equal(find(&t, &token_differs), HPACK_NOT_FOUND);
    teardown(&t);
}

/* A field is found exactly if a walk through the table finds it. */
static void agrees_with_a_walk_through_the_table(void **state) {
    (void)state;
    indexed_table t;
    uint32_t seed = 3;
    setup(&t, 8192);
    for (int i = 0; i < 20000; i++) {
        char name[32], value[32];
        (void)snprintf(name, sizeof(name), "x-%u", blocks_random(&seed) % 10);
        (void)snprintf(value, sizeof(value), "%u", blocks_random(&seed) % 40);
        hpack_field field = blocks_field(blocks_random(&seed) % 2 ? name : "date", value);
        size_t expected = HPACK_NOT_FOUND;
        for (size_t age = t.table.count; age-- > 0;) {
            const hpack_entry *entry = hpack_table_entry(&t.table, age);
            if (bytes_slice_equal(hpack_table_name(&t.table, entry), field.name) &&
                bytes_slice_equal(hpack_table_value(&t.table, entry), field.value))
                expected = age;
        }
        assert_int_equal(find(&t, &field), expected);
        if (expected == HPACK_NOT_FOUND)
            insert(&t, &field);
        if (i % 1000 == 999)
            hpack_table_resize(&t.table, i % 2000 == 999 ? 300 : 8192);
    }
    teardown(&t);
}

static void gives_up_after_some_steps_among_colliding_hashes(void **state) {
    (void)state;
    indexed_table t;
    setup(&t, 65536);
    char values[100][64];
    for (int i = 0; i < 100; i++) { /* they differ where the hash does not look */
        (void)snprintf(values[i], sizeof(values[i]), "aaaaaaaaaa%03dbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                       i);
        hpack_field field = blocks_field("x-name", values[i]);
        insert(&t, &field);
    }
    hpack_field newest = blocks_field("x-name", values[99]);
    hpack_field oldest = blocks_field("x-name", values[0]);
    assert_int_equal(find(&t, &newest), 0);
    assert_int_equal(find(&t, &oldest), HPACK_NOT_FOUND);
    teardown(&t);
}

static void goes_on_when_serial_numbers_pass_two_to_the_thirty_second(void **state) {
    (void)state;
    indexed_table t;
    setup(&t, 400);
    t.table.inserted = UINT64_C(0xffffff00);
    for (int i = 0; i < 1000; i++) {
        char value[32];
        (void)snprintf(value, sizeof(value), "%d", i);
        hpack_field field = blocks_field("x-name", value);
        assert_int_equal(find(&t, &field), HPACK_NOT_FOUND);
        insert(&t, &field);
        assert_int_equal(find(&t, &field), 0);
        if (i >= 20) {
            (void)snprintf(value, sizeof(value), "%d", i - 20);
            assert_int_equal(find(&t, &field), HPACK_NOT_FOUND);
        }
    }
    teardown(&t);
}

static void is_unchanged_when_memory_is_out(void **state) {
    (void)state;
    indexed_table t;
    setup(&t, 4096);
    mem_fail_once(1);
    assert_int_equal(hpack_search_prepare(&t.search, &t.table), HPACK_NOMEM);
    char values[8][2] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    for (int i = 0; i < 8; i++) {
        hpack_field field = blocks_field("x", values[i]);
        insert(&t, &field);
    }
    mem_fail_once(1);
    assert_int_equal(hpack_search_prepare(&t.search, &t.table), HPACK_NOMEM);
    mem_fail_from(0);
    for (size_t i = 0; i < 8; i++) {
        hpack_field field = blocks_field("x", values[i]);
        assert_int_equal(find(&t, &field), 7 - i);
    }
    teardown(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_nothing_while_empty),
        cmocka_unit_test(finds_the_newest_of_equal_fields_and_names),
        cmocka_unit_test(finds_at_once_the_field_that_came_last_of_its_name),
        cmocka_unit_test(tells_fields_apart_that_differ_in_one_octet),
        cmocka_unit_test(agrees_with_a_walk_through_the_table),
        cmocka_unit_test(gives_up_after_some_steps_among_colliding_hashes),
        cmocka_unit_test(goes_on_when_serial_numbers_pass_two_to_the_thirty_second),
        cmocka_unit_test(is_unchanged_when_memory_is_out),
    };
    return cmocka_run_group_tests_name("hpack/search", tests, NULL, NULL);
}
