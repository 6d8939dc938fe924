#include "hpack/integer.h"

#include "hpack/hpack.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Reads the whole of `octets`; the value, or a negative outcome. */
static int64_t read(const uint8_t *octets, size_t size, unsigned prefix_bits, size_t piece) {
    hpack_integer integer;
    const uint8_t *p = octets + 1;
    const uint8_t *end = octets + size;
    int outcome = HPACK_OK;
    if (!hpack_integer_begin(&integer, octets[0], prefix_bits)) {
        do {
            const uint8_t *stop = (size_t)(end - p) > piece ? p + piece : end;
            outcome = hpack_integer_continue(&integer, &p, stop);
        } while (outcome == HPACK_INTEGER_MORE && p < end);
    }
    if (outcome != HPACK_OK)
        return outcome;
    assert_ptr_equal(p, end);
    return integer.value;
}

static void reads_the_examples_of_rfc7541_c1(void **state) {
    (void)state;
    assert_int_equal(read((const uint8_t[]){0xea}, 1, 5, 9), 10);
    assert_int_equal(read((const uint8_t[]){0x1f, 0x9a, 0x0a}, 3, 5, 9), 1337);
    assert_int_equal(read((const uint8_t[]){42}, 1, 8, 9), 42);
}

static void writes_the_examples_of_rfc7541_c1(void **state) {
    (void)state;
    uint8_t out[HPACK_INTEGER_OCTETS];
    assert_ptr_equal(hpack_integer_write(out, 0xe0, 5, 10), out + 1);
    assert_int_equal(out[0], 0xea);
    assert_ptr_equal(hpack_integer_write(out, 0, 5, 1337), out + 3);
    assert_memory_equal(out, ((const uint8_t[]){0x1f, 0x9a, 0x0a}), 3);
    assert_ptr_equal(hpack_integer_write(out, 0, 8, 42), out + 1);
    assert_int_equal(out[0], 42);
}

static void reads_back_what_it_writes_with_every_prefix(void **state) {
    (void)state;
    for (unsigned bits = 1; bits <= 8; bits++) {
        for (uint32_t value = 0; value <= HPACK_INTEGER_MAX; value += 1 + value / 3) {
            uint8_t out[HPACK_INTEGER_OCTETS];
            size_t size = (size_t)(hpack_integer_write(out, 0, bits, value) - out);
            assert_int_equal(read(out, size, bits, 9), value);
            assert_int_equal(read(out, size, bits, 1), value);
        }
    }
}

static void accepts_the_largest_value_and_refuses_the_next(void **state) {
    (void)state;
    for (unsigned bits = 4; bits <= 7; bits++) {
        uint8_t out[HPACK_INTEGER_OCTETS];
        size_t size = (size_t)(hpack_integer_write(out, 0, bits, HPACK_INTEGER_MAX) - out);
        assert_int_equal(size, 5);
        assert_int_equal(read(out, size, bits, 9), HPACK_INTEGER_MAX);
        size = (size_t)(hpack_integer_write(out, 0, bits, HPACK_INTEGER_MAX + 1) - out);
        assert_int_equal(read(out, size, bits, 9), HPACK_MALFORMED);
    }
}

static void refuses_values_that_wrap_around(void **state) {
    (void)state;
    const uint8_t wrapping[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0x0f};
    const uint8_t longer[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    for (unsigned bits = 4; bits <= 7; bits++) {
        assert_int_equal(read(wrapping, sizeof(wrapping), bits, 1), HPACK_MALFORMED);
        assert_int_equal(read(longer, sizeof(longer), bits, 9), HPACK_MALFORMED);
    }
}

static void refuses_a_fifth_octet_after_the_prefix_even_of_zeros(void **state) {
    (void)state;
    const uint8_t four[] = {0x1f, 0x80, 0x80, 0x80, 0x00};
    const uint8_t five[] = {0x1f, 0x80, 0x80, 0x80, 0x80, 0x00};
    assert_int_equal(read(four, sizeof(four), 5, 9), 31);
    assert_int_equal(read(five, sizeof(five), 5, 9), HPACK_MALFORMED);
    assert_int_equal(read(five, 5, 5, 9), HPACK_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_examples_of_rfc7541_c1),
        cmocka_unit_test(writes_the_examples_of_rfc7541_c1),
        cmocka_unit_test(reads_back_what_it_writes_with_every_prefix),
        cmocka_unit_test(accepts_the_largest_value_and_refuses_the_next),
        cmocka_unit_test(refuses_values_that_wrap_around),
        cmocka_unit_test(refuses_a_fifth_octet_after_the_prefix_even_of_zeros),
    };
    return cmocka_run_group_tests_name("hpack/integer", tests, NULL, NULL);
}
