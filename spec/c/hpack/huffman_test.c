#include "hpack/huffman.h"

#include "hpack/hpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WRONG (-1)

/* Decodes in pieces, into memory of just the promised size; the decoded octets in `out`. */
static int decode(const uint8_t *in, size_t size, size_t piece, uint8_t *out) {
    hpack_huffman state = {0};
    int total = 0;
    while (size > 0) {
        size_t n = size < piece ? size : piece;
        uint8_t *room = malloc(HPACK_HUFFMAN_ROOM(n));
        assert_non_null(room);
        const uint8_t *end = hpack_huffman_decode(&state, in, n, room);
        if (end)
            memcpy(out + total, room, (size_t)(end - room));
        total += end ? (int)(end - room) : 0;
        free(room);
        if (!end)
            return WRONG;
        in += n;
        size -= n;
    }
    return hpack_huffman_can_end(&state) ? total : WRONG;
}

/* The size of the coded string, or 0 where it would not be shorter. */
static size_t encode(const uint8_t *in, size_t size, uint8_t *out) {
    const uint8_t *end = hpack_huffman_encode(in, size, out);
    return end ? (size_t)(end - out) : 0;
}

static void assert_decodes(const char *coded, size_t coded_size, const char *text, size_t size) {
    uint8_t out[256];
    for (size_t piece = 1; piece <= coded_size; piece++) {
        assert_int_equal(decode((const uint8_t *)coded, coded_size, piece, out), size);
        assert_memory_equal(out, text, size);
    }
}

#define ASSERT_CODES(coded, text)                                                                  \
    do {                                                                                           \
        uint8_t out[sizeof(text)];                                                                 \
        assert_decodes(coded, sizeof(coded) - 1, text, sizeof(text) - 1);                          \
        assert_int_equal(encode((const uint8_t *)(text), sizeof(text) - 1, out),                   \
                         sizeof(coded) - 1);                                                       \
        assert_memory_equal(out, coded, sizeof(coded) - 1);                                        \
    } while (0)

static void codes_the_strings_of_rfc7541_c4_and_c6(void **state) {
    (void)state;
    ASSERT_CODES("\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", "www.example.com");
    ASSERT_CODES("\xa8\xeb\x10\x64\x9c\xbf", "no-cache");
    ASSERT_CODES("\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", "custom-key");
    ASSERT_CODES("\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf", "custom-value");
    ASSERT_CODES("\x64\x02", "302");
    ASSERT_CODES("\xae\xc3\x77\x1a\x4b", "private");
    ASSERT_CODES("\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3",
                 "https://www.example.com");
    ASSERT_CODES("\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6"
                 "\x2d\x1b\xff",
                 "Mon, 21 Oct 2013 20:13:21 GMT");
}

static void decodes_codes_longer_than_a_step(void **state) {
    (void)state;
    assert_decodes("\xff\xaf", 2, "#", 1);                            /* 12 bits */
    assert_decodes("\xff\xff\xff\xf3", 4, "\x0a", 1);                 /* 30 bits */
    assert_decodes("\xff\xff\xff\xf3\xff\xff\xff\xcf", 8, "\n\n", 2); /* and again, unaligned */
    assert_decodes("\xff\xff\xea", 3, "\x09", 1);                     /* 24 bits, no padding */
}

static void gives_back_every_octet_in_every_place(void **state) {
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        for (size_t before = 0; before < 12; before++) {
            uint8_t text[64], coded[64], out[128];
            memset(text, 'e', sizeof(text)); /* long enough to be shorter when coded */
            text[before] = (uint8_t)octet;
            size_t size = encode(text, sizeof(text), coded);
            assert_in_range(size, 40, 44);
            for (size_t piece = 1; piece <= size; piece += 6) {
                assert_int_equal(decode(coded, size, piece, out), sizeof(text));
                assert_memory_equal(out, text, sizeof(text));
            }
        }
    }
}

static void does_not_encode_what_would_not_become_shorter(void **state) {
    (void)state;
    uint8_t out[8];
    assert_null(hpack_huffman_encode((const uint8_t *)"", 0, out));
    assert_null(hpack_huffman_encode((const uint8_t *)"a", 1, out));
    assert_null(hpack_huffman_encode((const uint8_t *)"XZ*&,", 5, out)); /* 8 bits each */
    assert_null(hpack_huffman_encode((const uint8_t *)"\x01\x02\x03\x04\x05\x06\x07\x08", 8, out));
    assert_non_null(hpack_huffman_encode((const uint8_t *)"aaa", 3, out));
}

static void refuses_eos_inside_a_string(void **state) {
    (void)state;
    uint8_t out[64];
    const uint8_t eos[] = {0xff, 0xff, 0xff, 0xff};
    const uint8_t later[] = {0x1c, 0x64, 0xff, 0xff, 0xff, 0xff, 0x1c, 0x64,
                             0x1c, 0x64, 0x1c, 0x64, 0x1c, 0x64, 0x1c, 0x64};
    for (size_t piece = 1; piece < 16; piece++) {
        assert_int_equal(decode(eos, sizeof(eos), piece, out), WRONG);
        assert_int_equal(decode(later, sizeof(later), piece, out), WRONG);
    }
}

static void refuses_padding_of_an_octet_or_more(void **state) {
    (void)state;
    uint8_t out[16];
    const uint8_t padded[] = {0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf, 0xff};
    assert_int_equal(decode(padded, 6, 9, out), 8);
    assert_int_equal(decode(padded, 7, 9, out), WRONG);
    assert_int_equal(decode((const uint8_t[]){0xff}, 1, 9, out), WRONG);
    assert_int_equal(decode((const uint8_t[]){0xff, 0xff}, 2, 1, out), WRONG);
}

static void refuses_padding_other_than_ones(void **state) {
    (void)state;
    uint8_t out[16];
    assert_int_equal(decode((const uint8_t[]){0x1f}, 1, 9, out), 1); /* "a" is 00011 */
    assert_int_equal(out[0], 'a');
    for (uint8_t padding = 0; padding < 7; padding++) {
        /* Where the bits begin a code of their own they are an incomplete one. */
        assert_int_equal(decode((const uint8_t[]){(uint8_t)(0x18 | padding)}, 1, 9, out), WRONG);
    }
}

static void refuses_a_code_that_is_cut(void **state) {
    (void)state;
    uint8_t out[16];
    const uint8_t newline[] = {0xff, 0xff, 0xff, 0xf3};
    for (size_t size = 1; size < sizeof(newline); size++)
        assert_int_equal(decode(newline, size, 1, out), WRONG);
}

/* The bounds by which memory is taken and lengths are judged. */
static void keeps_within_the_bounds_it_declares(void **state) {
    (void)state;
    uint8_t out[128];
    const uint8_t fives[60] = {0}; /* code 00000 is "0" */
    for (size_t size = 5; size <= 60; size += 5)
        assert_int_equal(decode(fives, size, 7, out), size * 8 / 5);
    assert_int_equal(HPACK_HUFFMAN_LEAST(0), 0);
    assert_int_equal(HPACK_HUFFMAN_LEAST(1), 1);
    assert_int_equal(HPACK_HUFFMAN_LEAST(4), 1);
    assert_int_equal(HPACK_HUFFMAN_LEAST(15), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_the_strings_of_rfc7541_c4_and_c6),
        cmocka_unit_test(decodes_codes_longer_than_a_step),
        cmocka_unit_test(gives_back_every_octet_in_every_place),
        cmocka_unit_test(does_not_encode_what_would_not_become_shorter),
        cmocka_unit_test(refuses_eos_inside_a_string),
        cmocka_unit_test(refuses_padding_of_an_octet_or_more),
        cmocka_unit_test(refuses_padding_other_than_ones),
        cmocka_unit_test(refuses_a_code_that_is_cut),
        cmocka_unit_test(keeps_within_the_bounds_it_declares),
    };
    return cmocka_run_group_tests_name("hpack/huffman", tests, NULL, NULL);
}
