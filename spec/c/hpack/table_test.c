#include "hpack/table.h"

#include "base/mem.h"
#include "support/blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int insert(hpack_table *table, const char *name, const char *value) {
    hpack_field field = blocks_field(name, value);
    return hpack_table_insert(table, field.name, field.value, field.token);
}

static void assert_entry(const hpack_table *table, size_t age, const char *name,
                         const char *value) {
    hpack_field expected = blocks_field(name, value);
    assert_true(age < table->count);
    const hpack_entry *entry = hpack_table_entry(table, age);
    assert_true(bytes_slice_equal(hpack_table_name(table, entry), expected.name));
    assert_true(bytes_slice_equal(hpack_table_value(table, entry), expected.value));
    assert_int_equal(entry->token, expected.token);
}

static void has_the_newest_entry_first(void **state) {
    (void)state;
    hpack_table table;
    hpack_table_init(&table, 4096);
    assert_int_equal(hpack_table_memory(&table), 0);
    assert_int_equal(insert(&table, "custom-key", "custom-header"), HPACK_OK);
    assert_int_equal(table.octets, 55); /* RFC 7541 C.2.1 */
    assert_int_equal(insert(&table, ":path", "/a"), HPACK_OK);
    assert_int_equal(insert(&table, "", ""), HPACK_OK);
    assert_int_equal(table.octets, 55 + 39 + 32);
    assert_entry(&table, 0, "", "");
    assert_entry(&table, 1, ":path", "/a");
    assert_entry(&table, 2, "custom-key", "custom-header");
    assert_int_equal(table.inserted, 3);
    hpack_table_dispose(&table);
}

static void evicts_the_oldest_until_the_new_entry_fits(void **state) {
    (void)state;
    hpack_table table;
    hpack_table_init(&table, 3 * 34);
    for (int i = 0; i < 3; i++)
        assert_int_equal(insert(&table, "a", (const char *[]){"1", "2", "3"}[i]), HPACK_OK);
    assert_int_equal(table.count, 3);
    assert_int_equal(insert(&table, "a", "4"), HPACK_OK);
    assert_int_equal(table.count, 3);
    assert_entry(&table, 2, "a", "2");
    assert_int_equal(insert(&table, "ab", "5"), HPACK_OK); /* one octet over: two must go */
    assert_int_equal(table.count, 2);
    assert_int_equal(table.octets, 34 + 35);
    assert_entry(&table, 0, "ab", "5");
    assert_entry(&table, 1, "a", "4");
    hpack_table_dispose(&table);
}

static void is_emptied_by_an_entry_larger_than_itself(void **state) {
    (void)state;
    hpack_table table;
    hpack_table_init(&table, 40);
    assert_int_equal(insert(&table, "1234", "5678"), HPACK_OK);
    assert_int_equal(table.count, 1);
    assert_int_equal(insert(&table, "1234", "56789"), HPACK_OK);
    assert_int_equal(table.count, 0);
    assert_int_equal(table.octets, 0);
    assert_int_equal(table.inserted, 1);
    assert_int_equal(
        hpack_table_insert(&table, bytes_slice_of(NULL, 1 << 20), BYTES_LITERAL(""), 0), HPACK_OK);
    hpack_table_dispose(&table);
}

static void evicts_when_the_size_is_reduced_and_allocates_nothing(void **state) {
    (void)state;
    hpack_table table;
    hpack_table_init(&table, 4096);
    for (int i = 0; i < 20; i++)
        assert_int_equal(insert(&table, "name", "value"), HPACK_OK);
    mem_fail_from(1);
    for (int i = 0; i < 10000; i++) {
        hpack_table_resize(&table, 0);
        assert_int_equal(table.count, 0);
        hpack_table_resize(&table, 4096);
        assert_int_equal(insert(&table, "name", "value"), HPACK_OK);
    }
    assert_int_equal(mem_attempts(), 0);
    mem_fail_from(0);
    hpack_table_resize(&table, 41);
    assert_int_equal(table.count, 1);
    hpack_table_resize(&table, 40);
    assert_int_equal(table.count, 0);
    hpack_table_dispose(&table);
}

/* A model of the table: every value ever inserted, and which of them are still there. */
enum { MODEL_ENTRIES = 6000 };
static struct {
    char values[MODEL_ENTRIES][600];
    size_t oldest;
    size_t end;
    size_t octets;
} model;

static void model_evict(size_t max_octets) {
    while (model.octets > max_octets)
        model.octets -= 6 + strlen(model.values[model.oldest++]) + 32;
}

static void assert_as_model(const hpack_table *table) {
    assert_int_equal(table->count, model.end - model.oldest);
    assert_int_equal(table->octets, model.octets);
    for (size_t age = 0; age < table->count; age++)
        assert_entry(table, age, "x-name", model.values[model.end - 1 - age]);
}

static void agrees_with_a_simple_model_through_random_use(void **state) {
    (void)state;
    static const size_t sizes[] = {4096, 200, 0, 64, 16384, 1000, 33};
    hpack_table table;
    uint32_t seed = 5;
    hpack_table_init(&table, 4096);
    while (model.end < MODEL_ENTRIES) {
        char *value = model.values[model.end];
        size_t size = blocks_random(&seed) % (blocks_random(&seed) % 8 ? 40 : 600);
        memset(value, 'a' + (int)(model.end % 26), size);
        assert_int_equal(insert(&table, "x-name", value), HPACK_OK);
        model.end++;
        model.octets += 6 + size + 32;
        model_evict(table.max_octets);
        assert_as_model(&table);
        if (blocks_random(&seed) % 200 == 0) {
            hpack_table_resize(&table, sizes[blocks_random(&seed) % 7]);
            model_evict(table.max_octets);
            assert_as_model(&table);
        }
    }
    hpack_table_dispose(&table);
}

static void holds_little_memory_for_few_entries_and_no_more_than_its_size(void **state) {
    (void)state;
    hpack_table table;
    hpack_table_init(&table, 4096);
    for (int i = 0; i < 5; i++)
        assert_int_equal(insert(&table, "x-some-name", "with-some-value"), HPACK_OK);
    assert_in_range(hpack_table_memory(&table), 1, 512);
    for (int i = 0; i < 1000; i++) {
        char value[400];
        (void)snprintf(value, sizeof(value), "%0*d", 1 + i % 390, i);
        assert_int_equal(insert(&table, "x", value), HPACK_OK);
    }
    assert_in_range(hpack_table_memory(&table), 1, 4096 + 128 * sizeof(hpack_entry));
    hpack_table_dispose(&table);
}

static void is_unchanged_when_memory_is_out(void **state) {
    (void)state;
    static char value[2000];
    memset(value, 'v', sizeof(value) - 1);
    for (size_t n = 1; n <= 2; n++) {
        hpack_table table;
        hpack_table_init(&table, 4096);
        mem_fail_once(n);
        assert_int_equal(insert(&table, "a", "b"), HPACK_NOMEM);
        assert_int_equal(table.count, 0);
        for (int i = 0; i < 8; i++)
            assert_int_equal(insert(&table, "a", "b"), HPACK_OK);
        mem_fail_once(n);
        assert_int_equal(insert(&table, "a", value), HPACK_NOMEM);
        assert_int_equal(table.count, 8);
        assert_int_equal(table.octets, 8 * 34);
        assert_entry(&table, 7, "a", "b");
        assert_int_equal(insert(&table, "a", value), HPACK_OK);
        assert_entry(&table, 0, "a", value);
        assert_entry(&table, 8, "a", "b");
        hpack_table_dispose(&table);
    }
    mem_fail_from(0);
}

static void goes_on_when_positions_pass_two_to_the_thirty_second(void **state) {
    (void)state;
    hpack_table table;
    hpack_table_init(&table, 500);
    table._text_base = UINT32_MAX - 1000; /* as if so many octets had gone through */
    table.inserted = UINT64_C(0xfffffff0);
    for (int i = 0; i < 200; i++) {
        char value[40];
        (void)snprintf(value, sizeof(value), "value %d with its text", i);
        assert_int_equal(insert(&table, "name", value), HPACK_OK);
        assert_entry(&table, 0, "name", value);
        if (i > 0) {
            (void)snprintf(value, sizeof(value), "value %d with its text", i - 1);
            assert_entry(&table, 1, "name", value);
        }
    }
    hpack_table_dispose(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_newest_entry_first),
        cmocka_unit_test(evicts_the_oldest_until_the_new_entry_fits),
        cmocka_unit_test(is_emptied_by_an_entry_larger_than_itself),
        cmocka_unit_test(evicts_when_the_size_is_reduced_and_allocates_nothing),
        cmocka_unit_test(agrees_with_a_simple_model_through_random_use),
        cmocka_unit_test(holds_little_memory_for_few_entries_and_no_more_than_its_size),
        cmocka_unit_test(is_unchanged_when_memory_is_out),
        cmocka_unit_test(goes_on_when_positions_pass_two_to_the_thirty_second),
    };
    return cmocka_run_group_tests_name("hpack/table", tests, NULL, NULL);
}
