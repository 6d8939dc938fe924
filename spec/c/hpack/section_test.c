#include "hpack/section.h"

#include "base/mem.h"
#include "support/blocks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void holds_no_memory_while_empty(void **state) {
    (void)state;
    hpack_section section;
    size_t before = mem_blocks();
    hpack_section_init(&section);
    hpack_section_clear(&section);
    assert_int_equal(mem_blocks(), before);
    hpack_section_dispose(&section);
    assert_int_equal(mem_blocks(), before);
}

static void copies_fields_and_counts_as_rfc9113_does(void **state) {
    (void)state;
    hpack_section section;
    char name[] = "x-name";
    char value[] = "value";
    hpack_section_init(&section);
    hpack_field field = blocks_field(name, value);
    field.flags = HPACK_NEVER_INDEXED;
    assert_int_equal(hpack_section_add(&section, &field), HPACK_OK);
    field = blocks_field(":path", "");
    assert_int_equal(hpack_section_add(&section, &field), HPACK_OK);
    name[0] = value[0] = '!';
    blocks_assert_field(&section, 0, "x-name", "value");
    blocks_assert_field(&section, 1, ":path", "");
    assert_int_equal(section.fields[0].flags, HPACK_NEVER_INDEXED);
    assert_int_equal(section.list_octets, 6 + 5 + 32 + 5 + 32);
    hpack_section_dispose(&section);
}

static void never_moves_octets_while_fields_are_added(void **state) {
    (void)state;
    static char value[5000];
    hpack_section section;
    const uint8_t *seen[300];
    uint32_t seed = 1;
    hpack_section_init(&section);
    memset(value, 'v', sizeof(value) - 1);
    for (size_t i = 0; i < 300; i++) {
        hpack_field field = blocks_field("x-name", value + sizeof(value) - 1 -
                                                       blocks_random(&seed) % (i % 9 ? 60 : 4900));
        assert_int_equal(hpack_section_add(&section, &field), HPACK_OK);
        seen[i] = section.fields[i].value.data;
    }
    for (size_t i = 0; i < 300; i++) {
        assert_ptr_equal(section.fields[i].value.data, seen[i]);
        assert_memory_equal(section.fields[i].name.data, "x-name", 6);
    }
    hpack_section_dispose(&section);
}

static void keeps_one_ordinary_block_when_cleared(void **state) {
    (void)state;
    static char value[10000];
    hpack_section section;
    memset(value, 'v', sizeof(value) - 1);
    hpack_section_init(&section);
    size_t before = mem_blocks();
    hpack_field small = blocks_field("x-name", "value");
    hpack_field large = blocks_field("x-name", value);
    for (int i = 0; i < 200; i++)
        assert_int_equal(hpack_section_add(&section, i % 50 ? &small : &large), HPACK_OK);
    section.is_over_limit = true;
    hpack_section_clear(&section);
    assert_int_equal(mem_blocks(), before + 1);
    assert_int_equal(section.count, 0);
    assert_int_equal(section.list_octets, 0);
    assert_false(section.is_over_limit);

    mem_fail_from(2); /* the fields need memory again, the octets do not */
    assert_int_equal(hpack_section_add(&section, &small), HPACK_OK);
    mem_fail_from(0);
    blocks_assert_field(&section, 0, "x-name", "value");
    hpack_section_dispose(&section);
    assert_int_equal(mem_blocks(), before);
}

static void gives_up_fields_but_not_the_count_of_octets_when_abandoned(void **state) {
    (void)state;
    hpack_section section;
    hpack_section_init(&section);
    hpack_field field = blocks_field("a", "b");
    assert_int_equal(hpack_section_add(&section, &field), HPACK_OK);
    hpack_section_abandon(&section);
    assert_true(section.is_over_limit);
    assert_int_equal(section.count, 0);
    assert_int_equal(section.list_octets, 34);
    hpack_section_dispose(&section);
}

static void is_unchanged_when_memory_is_out(void **state) {
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        hpack_section section;
        hpack_section_init(&section);
        hpack_field field = blocks_field("x-name", "value");
        mem_fail_once(n);
        assert_int_equal(hpack_section_add(&section, &field), HPACK_NOMEM);
        assert_int_equal(section.count, 0);
        assert_int_equal(section.list_octets, 0);
        assert_int_equal(hpack_section_add(&section, &field), HPACK_OK);
        blocks_assert_field(&section, 0, "x-name", "value");
        hpack_section_dispose(&section);
    }
    mem_fail_from(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_no_memory_while_empty),
        cmocka_unit_test(copies_fields_and_counts_as_rfc9113_does),
        cmocka_unit_test(never_moves_octets_while_fields_are_added),
        cmocka_unit_test(keeps_one_ordinary_block_when_cleared),
        cmocka_unit_test(gives_up_fields_but_not_the_count_of_octets_when_abandoned),
        cmocka_unit_test(is_unchanged_when_memory_is_out),
    };
    return cmocka_run_group_tests_name("hpack/section", tests, NULL, NULL);
}
