#include "base/bytes.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reads_and_writes_big_endian_numbers(void **state) {
    (void)state;
    uint8_t octets[10];
    uint8_t *p = bytes_put_u8(octets, 0xfe);
    p = bytes_put_u16(p, 0xabcd);
    p = bytes_put_u24(p, 0x010203);
    p = bytes_put_u32(p, 0xdeadbeef);
    assert_ptr_equal(p, octets + 10);
    static const uint8_t expected[] = {0xfe, 0xab, 0xcd, 1, 2, 3, 0xde, 0xad, 0xbe, 0xef};
    assert_memory_equal(octets, expected, 10);
    assert_int_equal(bytes_get_u16(octets + 1), 0xabcd);
    assert_int_equal(bytes_get_u24(octets + 3), 0x010203);
    assert_int_equal(bytes_get_u32(octets + 6), 0xdeadbeef);
}

static void compares_slices_by_their_octets(void **state) {
    (void)state;
    bytes_slice empty = {NULL, 0};
    assert_true(bytes_slice_equal(empty, BYTES_LITERAL("")));
    assert_true(bytes_slice_equal(BYTES_LITERAL("ab"), bytes_slice_of("abc", 2)));
    assert_false(bytes_slice_equal(BYTES_LITERAL("ab"), BYTES_LITERAL("abc")));
    assert_false(bytes_slice_equal(BYTES_LITERAL("ab"), BYTES_LITERAL("aB")));
}

static void holds_no_memory_until_something_is_appended(void **state) {
    (void)state;
    bytes_buffer buffer;
    mem_fail_from(0);
    bytes_buffer_init(&buffer);
    assert_int_equal(bytes_buffer_append(&buffer, NULL, 0), 0);
    assert_int_equal(bytes_buffer_reserve(&buffer, 0), 0);
    bytes_buffer_drop(&buffer, 0);
    bytes_buffer_dispose(&buffer);
    assert_int_equal(mem_attempts(), 0);
}

static void keeps_what_is_appended_while_it_grows(void **state) {
    (void)state;
    bytes_buffer buffer;
    bytes_buffer_init(&buffer);
    mem_fail_from(0);
    for (int i = 0; i < 10000; i++) {
        uint8_t octet = (uint8_t)(i * 7);
        assert_int_equal(bytes_buffer_append(&buffer, &octet, 1), 0);
    }
    assert_int_equal(buffer.size, 10000);
    assert_in_range(mem_attempts(), 1, 12);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buffer.data[i], (uint8_t)(i * 7));
    bytes_buffer_dispose(&buffer);
    assert_int_equal(buffer.capacity, 0);
}

static void reserves_room_that_appending_then_does_not_ask_for(void **state) {
    (void)state;
    bytes_buffer buffer;
    bytes_buffer_init(&buffer);
    assert_int_equal(bytes_buffer_reserve(&buffer, 1000), 0);
    mem_fail_from(1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(bytes_buffer_append(&buffer,
                                             "0123456789012345678901234567890123456789"
                                             "0123456789012345678901234567890123456789"
                                             "01234567890123456789",
                                             100),
                         0);
    mem_fail_from(0);
    bytes_buffer_dispose(&buffer);
}

static void drops_the_first_octets(void **state) {
    (void)state;
    bytes_buffer buffer;
    bytes_buffer_init(&buffer);
    assert_int_equal(bytes_buffer_append(&buffer, "abcdef", 6), 0);
    bytes_buffer_drop(&buffer, 2);
    assert_int_equal(buffer.size, 4);
    assert_memory_equal(buffer.data, "cdef", 4);
    bytes_buffer_drop(&buffer, 4);
    assert_int_equal(buffer.size, 0);
    bytes_buffer_dispose(&buffer);
}

static void is_unchanged_when_memory_is_out(void **state) {
    (void)state;
    bytes_buffer buffer;
    bytes_buffer_init(&buffer);
    assert_int_equal(bytes_buffer_append(&buffer, "abc", 3), 0);
    bytes_buffer before = buffer;
    mem_fail_from(1);
    assert_int_equal(bytes_buffer_reserve(&buffer, 100000), -1);
    mem_fail_from(0);
    assert_memory_equal(&buffer, &before, sizeof(buffer));
    assert_memory_equal(buffer.data, "abc", 3);
    assert_int_equal(bytes_buffer_reserve(&buffer, SIZE_MAX - 1), -1);
    assert_memory_equal(&buffer, &before, sizeof(buffer));
    bytes_buffer_dispose(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_big_endian_numbers),
        cmocka_unit_test(compares_slices_by_their_octets),
        cmocka_unit_test(holds_no_memory_until_something_is_appended),
        cmocka_unit_test(keeps_what_is_appended_while_it_grows),
        cmocka_unit_test(reserves_room_that_appending_then_does_not_ask_for),
        cmocka_unit_test(drops_the_first_octets),
        cmocka_unit_test(is_unchanged_when_memory_is_out),
    };
    return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
