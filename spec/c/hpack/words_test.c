#include "hpack/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void compares_octets_of_every_size_and_sees_every_difference(void **state) {
    (void)state;
    for (size_t size = 1; size <= 80; size++) {
        uint8_t *a = malloc(size); /* of just this size: nothing past it may be read */
        uint8_t *b = malloc(size);
        assert_non_null(a);
        assert_non_null(b);
        memset(a, 'x', size);
        memset(b, 'x', size);
        assert_true(words_equal(bytes_slice_of(a, size), bytes_slice_of(b, size)));
        assert_false(words_equal(bytes_slice_of(a, size), bytes_slice_of(b, size - 1)));
        for (size_t i = 0; i < size; i++) {
            b[i] = 'y';
            assert_false(words_equal(bytes_slice_of(a, size), bytes_slice_of(b, size)));
            b[i] = 'x';
        }
        free(a);
        free(b);
    }
    assert_true(words_equal(bytes_slice_of(NULL, 0), BYTES_LITERAL("")));
}

static void loads_and_stores_big_endian(void **state) {
    (void)state;
    const uint8_t octets[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    uint8_t out[4];
    assert_true(words_load_be64(octets) == UINT64_C(0x0123456789abcdef));
    words_store_be32(out, 0x01234567);
    assert_memory_equal(out, octets, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_octets_of_every_size_and_sees_every_difference),
        cmocka_unit_test(loads_and_stores_big_endian),
    };
    return cmocka_run_group_tests_name("hpack/words", tests, NULL, NULL);
}
