#include "base/mem.h"
#include "hpack/hpack.h"
#include "support/blocks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A decoder and the section of its last block. */
typedef struct receiver {
    hpack_decoder *decoder;
    hpack_section section;
    hpack_limits limits;
} receiver;

static void setup(receiver *r, size_t max_table) {
    assert_int_equal(hpack_decoder_new(&r->decoder, max_table), HPACK_OK);
    hpack_section_init(&r->section);
    r->limits = blocks_limits;
}

static void teardown(receiver *r) {
    hpack_decoder_free(r->decoder);
    hpack_section_dispose(&r->section);
}

static int decode_slice(receiver *r, bytes_slice block) {
    hpack_section_clear(&r->section);
    return blocks_decode(r->decoder, block, SIZE_MAX, &r->limits, &r->section);
}

static int decode(receiver *r, const char *hex) {
    return decode_slice(r, blocks_hex(hex));
}

/* The outcome of one block for a new decoder, which is the same however the block is cut. */
static int outcome_of(const char *hex) {
    int outcome = 0;
    bytes_slice block = blocks_hex(hex);
    for (size_t piece = block.size; piece > 0; piece--) {
        receiver r;
        setup(&r, HPACK_DEFAULT_TABLE_OCTETS);
        int this = blocks_decode(r.decoder, block, piece, &blocks_limits, &r.section);
        if (piece < block.size)
            assert_int_equal(this, outcome);
        outcome = this;
        teardown(&r);
    }
    return outcome;
}

/* ------------------------------------------------------------------------ the RFC's examples */

typedef struct example {
    const char *hex;
    const char *fields[8][2];
    size_t table_octets;
} example;

static void check_examples(const example *examples, size_t count, size_t max_table) {
    for (size_t piece = 1; piece <= 100; piece++) {
        receiver r;
        setup(&r, max_table);
        for (size_t i = 0; i < count; i++) {
            size_t n = 0;
            hpack_section_clear(&r.section);
            assert_int_equal(blocks_decode(r.decoder, blocks_hex(examples[i].hex), piece,
                                           &blocks_limits, &r.section),
                             HPACK_OK);
            for (; n < 8 && examples[i].fields[n][0]; n++)
                blocks_assert_field(&r.section, n, examples[i].fields[n][0],
                                    examples[i].fields[n][1]);
            assert_int_equal(r.section.count, n);
            assert_int_equal(hpack_decoder_table_octets(r.decoder), examples[i].table_octets);
        }
        teardown(&r);
    }
}

#define REQUESTS(first, second, third)                                                             \
    {                                                                                              \
        {first,                                                                                    \
         {{":method", "GET"},                                                                      \
          {":scheme", "http"},                                                                     \
          {":path", "/"},                                                                          \
          {":authority", "www.example.com"}},                                                      \
         57},                                                                                      \
            {second,                                                                               \
             {{":method", "GET"},                                                                  \
              {":scheme", "http"},                                                                 \
              {":path", "/"},                                                                      \
              {":authority", "www.example.com"},                                                   \
              {"cache-control", "no-cache"}},                                                      \
             110},                                                                                 \
            {third,                                                                                \
             {{":method", "GET"},                                                                  \
              {":scheme", "https"},                                                                \
              {":path", "/index.html"},                                                            \
              {":authority", "www.example.com"},                                                   \
              {"custom-key", "custom-value"}},                                                     \
             164},                                                                                 \
    }

#define RESPONSES(first, second, third)                                                            \
    {                                                                                              \
        {first,                                                                                    \
         {{":status", "302"},                                                                      \
          {"cache-control", "private"},                                                            \
          {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},                                               \
          {"location", "https://www.example.com"}},                                                \
         222},                                                                                     \
            {second,                                                                               \
             {{":status", "307"},                                                                  \
              {"cache-control", "private"},                                                        \
              {"date", "Mon, 21 Oct 2013 20:13:21 GMT"},                                           \
              {"location", "https://www.example.com"}},                                            \
             222},                                                                                 \
            {third,                                                                                \
             {{":status", "200"},                                                                  \
              {"cache-control", "private"},                                                        \
              {"date", "Mon, 21 Oct 2013 20:13:22 GMT"},                                           \
              {"location", "https://www.example.com"},                                             \
              {"content-encoding", "gzip"},                                                        \
              {"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}},         \
             215},                                                                                 \
    }

static void decodes_the_single_fields_of_rfc7541_c2(void **state) {
    (void)state;
    static const example examples[] = {
        {"40 0a 6375 7374 6f6d 2d6b 6579 0d 63 7573 746f 6d2d 6865 6164 6572",
         {{"custom-key", "custom-header"}},
         55},
        {"04 0c 2f73 616d 706c 652f 7061 7468", {{":path", "/sample/path"}}, 55},
        {"10 08 7061 7373 776f 7264 06 73 6563 7265 74", {{"password", "secret"}}, 55},
        {"82", {{":method", "GET"}}, 55},
    };
    check_examples(examples, 4, 4096);
}

static void decodes_the_requests_of_rfc7541_c3_and_c4(void **state) {
    (void)state;
    static const example plain[] = REQUESTS(
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65");
    static const example coded[] =
        REQUESTS("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", "8286 84be 5886 a8eb 1064 9cbf",
                 "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf");
    check_examples(plain, 3, 4096);
    check_examples(coded, 3, 4096);
}

static void decodes_the_responses_of_rfc7541_c5_and_c6(void **state) {
    (void)state;
    static const example plain[] = RESPONSES(
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a"
        "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04"
        "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49"
        "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31");
    static const example coded[] = RESPONSES(
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e"
        "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7"
        "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed"
        "4ee5 b106 3d50 07");
    check_examples(plain, 3, 256);
    check_examples(coded, 3, 256);
}

/* -------------------------------------------------------------------------- what fields carry */

static void flags_never_indexed_fields_alone(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    assert_int_equal(decode(&r, "100161 0162 000161 0162 400161 0162 be 82"), HPACK_OK);
    assert_int_equal(r.section.count, 5);
    assert_int_equal(r.section.fields[0].flags, HPACK_NEVER_INDEXED);
    for (size_t i = 1; i < 5; i++)
        assert_false(r.section.fields[i].flags & HPACK_NEVER_INDEXED);
    assert_int_equal(hpack_decoder_table_octets(r.decoder), 34);
    teardown(&r);
}

static void tells_the_entries_of_the_static_table(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    /* ":method GET" by index and in full, and a name of the table with a value of its own twice. */
    assert_int_equal(decode(&r, "82 0203474554 440161 be"), HPACK_OK);
    static const uint8_t flags[] = {HPACK_STATIC_ENTRY, 0, 0, 0};
    assert_int_equal(r.section.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(r.section.fields[i].flags, flags[i]);
    teardown(&r);
}

static void keeps_fields_when_their_entries_are_evicted(void **state) {
    (void)state;
    receiver r;
    setup(&r, 36);
    /* The second literal has the first one's name, whose entry it evicts (RFC 7541 §4.4). */
    assert_int_equal(decode(&r, "40 0178 0361 6263 be 7e 03 64 6566 be 400179 03 67 6869"),
                     HPACK_OK);
    static const char *const values[] = {"abc", "abc", "def", "def", "ghi"};
    for (size_t i = 0; i < 5; i++)
        blocks_assert_field(&r.section, i, i < 4 ? "x" : "y", values[i]);
    assert_int_equal(hpack_decoder_table_octets(r.decoder), 36);
    teardown(&r);
}

static void empties_the_table_for_an_entry_larger_than_it(void **state) {
    (void)state;
    receiver r;
    setup(&r, 34);
    assert_int_equal(decode(&r, "400161 0162 be 400161 0262 62"), HPACK_OK);
    assert_int_equal(r.section.count, 3);
    assert_int_equal(hpack_decoder_table_octets(r.decoder), 0);
    assert_int_equal(decode(&r, "be"), HPACK_MALFORMED);
    teardown(&r);
}

/* -------------------------------------------------------------------------------- malformed */

static void refuses_indices_that_no_table_has(void **state) {
    (void)state;
    assert_int_equal(outcome_of("80"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("be"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("ff8001"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("400161 0162 bf"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("7e 0162"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("0f2f 0162"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("ffffffff7e"), HPACK_MALFORMED);
}

static void refuses_integers_over_the_limit_in_each_of_their_uses(void **state) {
    (void)state;
    static const char *const before[] = {"ff",    "7f",    "3f",    "1f",   "0f",
                                         "40 7f", "40 ff", "41 7f", "41 ff"};
    static const char *const after[] = {"ffffffff0f", "8080808080 00", "80808080808080808080",
                                        "ffffffffffffffffff 01"};
    for (size_t i = 0; i < 9; i++) {
        for (size_t j = 0; j < 4; j++) {
            char hex[64] = "";
            strcat(strcat(hex, before[i]), after[j]);
            assert_int_equal(outcome_of(hex), HPACK_MALFORMED);
        }
    }
}

static void refuses_a_block_that_ends_inside_a_field(void **state) {
    (void)state;
    static const char whole[] = "400a6375 73746f6d 2d6b6579 8925a849 e95bb8e8 b4bf";
    bytes_slice block = blocks_hex(whole);
    for (size_t size = 1; size < block.size; size++) {
        for (size_t piece = 1; piece <= size; piece++) {
            receiver r;
            setup(&r, 4096);
            assert_int_equal(blocks_decode(r.decoder, bytes_slice_of(block.data, size), piece,
                                           &blocks_limits, &r.section),
                             HPACK_MALFORMED);
            teardown(&r);
        }
    }
    assert_int_equal(outcome_of(whole), HPACK_OK);
    assert_int_equal(outcome_of("ff"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("40 7f 80"), HPACK_MALFORMED);
}

static void refuses_wrong_huffman_codes(void **state) {
    (void)state;
    assert_int_equal(outcome_of("00 0161 84 ffffffff"), HPACK_MALFORMED); /* EOS */
    assert_int_equal(outcome_of("00 0161 82 1fff"), HPACK_MALFORMED);     /* padding too long */
    assert_int_equal(outcome_of("00 0161 81 18"), HPACK_MALFORMED);       /* padding of zeros */
    assert_int_equal(outcome_of("00 82 ffff 0161"), HPACK_MALFORMED);     /* a cut code */
    assert_int_equal(outcome_of("00 81 1f 81 1f"), HPACK_OK);
    assert_int_equal(outcome_of("00 80 80"), HPACK_OK); /* nothing coded: empty strings */
}

/* ------------------------------------------------------------------------------ size updates */

static void takes_size_updates_at_the_start_of_a_block_alone(void **state) {
    (void)state;
    assert_int_equal(outcome_of("20 3fe11f 82"), HPACK_OK);
    assert_int_equal(outcome_of("20 82"), HPACK_OK);
    assert_int_equal(outcome_of("82 20"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("400161 0162 20"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("20 20 20 82"), HPACK_MALFORMED);
    assert_int_equal(outcome_of("3fe21f 82"), HPACK_MALFORMED); /* 4097 */
}

static void takes_two_updates_in_each_block_anew(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    for (int i = 0; i < 100; i++)
        assert_int_equal(decode(&r, "20 3fe11f 82"), HPACK_OK);
    teardown(&r);
}

static void evicts_as_size_updates_say(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    assert_int_equal(decode(&r, "400161 0162 400163 0164"), HPACK_OK);
    assert_int_equal(hpack_decoder_table_octets(r.decoder), 68);
    assert_int_equal(decode(&r, "3f24 be"), HPACK_OK); /* 67 */
    assert_int_equal(hpack_decoder_table_octets(r.decoder), 34);
    blocks_assert_field(&r.section, 0, "c", "d");
    assert_int_equal(decode(&r, "20"), HPACK_OK);
    assert_int_equal(hpack_decoder_table_octets(r.decoder), 0);
    teardown(&r);
}

static void demands_an_update_after_a_reduction(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int outcome;
    } cases[] = {
        {"82", HPACK_MALFORMED},        {"", HPACK_MALFORMED},
        {"3fe11f 82", HPACK_MALFORMED}, {"3f45 82", HPACK_OK}, /* 100 */
        {"3f46 82", HPACK_MALFORMED},   {"20 82", HPACK_OK},
        {"20 3f45 82", HPACK_OK},       {"20 3f46 82", HPACK_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        receiver r;
        setup(&r, 4096);
        hpack_decoder_set_max_table(r.decoder, 100);
        assert_int_equal(decode(&r, cases[i].hex), cases[i].outcome);
        if (cases[i].outcome == HPACK_OK)
            assert_int_equal(decode(&r, "82"), HPACK_OK);
        teardown(&r);
    }
}

static void demands_the_smallest_size_first_when_it_was_raised_again(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    hpack_decoder_set_max_table(r.decoder, 100);
    hpack_decoder_set_max_table(r.decoder, 8192);
    assert_int_equal(decode(&r, "3f45 3fe13f 82"), HPACK_OK); /* 100, then 8192 */
    teardown(&r);
    setup(&r, 4096);
    hpack_decoder_set_max_table(r.decoder, 100);
    hpack_decoder_set_max_table(r.decoder, 4096);
    assert_int_equal(decode(&r, "3fe11f 82"), HPACK_MALFORMED);
    teardown(&r);
}

static void demands_no_update_when_nothing_was_reduced(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    hpack_decoder_set_max_table(r.decoder, 8192);
    assert_int_equal(decode(&r, "82"), HPACK_OK);
    hpack_decoder_set_max_table(r.decoder, 4096); /* the table still has 4096 */
    assert_int_equal(decode(&r, "82"), HPACK_OK);
    teardown(&r);
}

/* ------------------------------------------------------------------------------------ limits */

static void admits_a_list_of_just_the_limit_and_drops_one_over(void **state) {
    (void)state;
    static const char *const blocks[] = {"000161 0362 6263 82", "000161 821c64 82",
                                         "400161 0362 6263 be"};
    for (size_t i = 0; i < 3; i++) {
        receiver r;
        setup(&r, 4096);
        assert_int_equal(decode(&r, blocks[i]), HPACK_OK);
        size_t octets = r.section.list_octets;
        assert_int_equal(r.section.count, 2);
        r.limits.max_list_octets = octets;
        assert_int_equal(decode(&r, blocks[i]), HPACK_OK);
        assert_false(r.section.is_over_limit);
        r.limits.max_list_octets = octets - 1;
        assert_int_equal(decode(&r, blocks[i]), HPACK_OK);
        assert_true(r.section.is_over_limit);
        assert_int_equal(r.section.list_octets, octets);
        teardown(&r);
    }
}

static void drops_fields_past_their_number(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    r.limits.max_fields = 3;
    assert_int_equal(decode(&r, "82 84 87"), HPACK_OK);
    assert_false(r.section.is_over_limit);
    assert_int_equal(decode(&r, "82 84 87 88"), HPACK_OK);
    assert_true(r.section.is_over_limit);
    assert_int_equal(decode(&r, "82 84 87 000161 0162"), HPACK_OK);
    assert_true(r.section.is_over_limit);
    teardown(&r);
}

static void keeps_the_table_in_step_while_fields_are_dropped(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    r.limits.max_fields = 1;
    assert_int_equal(decode(&r, "82 400161 0162 40 811f 821c64 7e 0364 6566 be"), HPACK_OK);
    assert_true(r.section.is_over_limit);
    r.limits.max_fields = 128;
    assert_int_equal(decode(&r, "be bf c0"), HPACK_OK);
    assert_false(r.section.is_over_limit);
    blocks_assert_field(&r.section, 0, "a", "def");
    blocks_assert_field(&r.section, 1, "a", "abc");
    blocks_assert_field(&r.section, 2, "a", "b");
    teardown(&r);
}

static void ends_at_the_excess_for_indexed_and_literal_fields(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    r.limits = (hpack_limits){.max_list_octets = 50, .max_fields = 128, .max_excess_octets = 126};
    assert_int_equal(decode(&r, "82 82 82"), HPACK_OK); /* three times 42 */
    r.limits.max_excess_octets = 125;
    assert_int_equal(decode(&r, "82 82 82"), HPACK_EXCESS);
    teardown(&r);
    setup(&r, 4096);
    r.limits = (hpack_limits){.max_list_octets = 50, .max_fields = 128, .max_excess_octets = 125};
    assert_int_equal(decode(&r, "82 82 00 0161 0864 6464 6464 6464 64"), HPACK_OK);
    teardown(&r);
    setup(&r, 4096);
    r.limits = (hpack_limits){.max_list_octets = 50, .max_fields = 128, .max_excess_octets = 124};
    assert_int_equal(decode(&r, "82 82 00 0161 0864 6464 6464 6464 64"), HPACK_EXCESS);
    teardown(&r);
}

/* A 4,000-octet entry, then one octet after the other that stands for it. */
static void bounds_the_memory_of_a_block_that_repeats_a_large_entry(void **state) {
    (void)state;
    static uint8_t block[20000];
    receiver r;
    setup(&r, 4096);
    bytes_slice head = blocks_hex("40 0161 7fa11e"); /* 4000 = 127 + 3873 */
    memcpy(block, head.data, head.size);
    memset(block + head.size, 'v', 4000);
    memset(block + head.size + 4000, 0xbe, 16000 - head.size);
    size_t before = mem_blocks();
    assert_int_equal(decode_slice(&r, bytes_slice_of(block, 20000)), HPACK_EXCESS);
    assert_in_range(r.section.list_octets, 4 * 65535, 4 * 65535 + 4033);
    /* What had been stored was given up at the limit: a block of memory, the table's two. */
    assert_in_range(mem_blocks(), before, before + 4);
    assert_in_range(hpack_decoder_memory(r.decoder), 4000, 8192);
    teardown(&r);
}

static void takes_no_memory_for_a_length_that_is_a_lie(void **state) {
    (void)state;
    static const char *const lies[] = {"40 7f81ffff3f 6161", "40 ff81ffff3f 6161",
                                       "41 7f81ffff3f 6161", "41 ff81ffff3f 6161",
                                       "00 7f90ff03 6161"};
    for (size_t i = 0; i < 5; i++) {
        receiver r;
        setup(&r, 4096);
        bytes_slice block = blocks_hex(lies[i]);
        mem_fail_from(1);
        int outcome = blocks_decode(r.decoder, block, SIZE_MAX, &blocks_limits, &r.section);
        assert_true(outcome == HPACK_EXCESS || outcome == HPACK_MALFORMED);
        assert_int_equal(mem_attempts(), 0);
        mem_fail_from(0);
        teardown(&r);
    }
}

/* Decoded octets past the limit must cost no memory either, in whatever form they come. */
static void checks_but_does_not_store_a_string_over_the_limit(void **state) {
    (void)state;
    static uint8_t block[20000];
    for (int is_huffman = 0; is_huffman < 2; is_huffman++) {
        receiver r;
        setup(&r, 4096);
        r.limits = (hpack_limits){1000, 128, 100000};
        block[0] = 0x00;
        block[1] = 0x01;
        block[2] = 'a';
        block[3] = is_huffman ? 0xff : 0x7f;
        memcpy(block + 4, "\xa1\x8c\x01", 3); /* 127 + 17953 = 18080 */
        memset(block + 7, is_huffman ? 0x00 : 'v', 18080);
        for (size_t piece = 100; piece <= 20000; piece += 3333) {
            hpack_section_dispose(&r.section);
            assert_int_equal(blocks_decode(r.decoder, bytes_slice_of(block, 18087), piece,
                                           &r.limits, &r.section),
                             HPACK_OK);
            assert_true(r.section.is_over_limit);
            assert_int_equal(r.section.list_octets, 33 + (is_huffman ? 28928 : 18080));
        }
        block[18086] = 0xfc; /* 111111 and an incomplete code of zeros */
        hpack_section_clear(&r.section);
        assert_int_equal(
            blocks_decode(r.decoder, bytes_slice_of(block, 18087), SIZE_MAX, &r.limits, &r.section),
            is_huffman ? HPACK_MALFORMED : HPACK_OK);
        teardown(&r);
    }
}

static void holds_little_memory_while_idle(void **state) {
    (void)state;
    receiver r;
    setup(&r, 4096);
    assert_int_equal(decode(&r, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"), HPACK_OK);
    assert_int_equal(decode(&r, "8286 84be 5808 6e6f 2d63 6163 6865"), HPACK_OK);
    assert_in_range(hpack_decoder_memory(r.decoder), 1, 1024);
    teardown(&r);
}

/* ------------------------------------------------------------------------- splits, allocation */

/* Blocks with every kind of field, one after the other for the same decoder. */
static const char *const mixed_blocks[] = {
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff 40 8825 a849 e95b a97d 7f 8925 a849 e95b b8e8 b4bf",
    "20 3fe11f 400178 0179 be 10 0161 0162 0f04 86 a8eb 1064 9cbf 7e 0364 6566 bf 00 80 80",
    "88 5885 aec3 771a 4b 61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff be c0",
};

static void decodes_the_same_from_any_two_fragments(void **state) {
    (void)state;
    for (size_t cut = 0; cut < 60; cut++) {
        receiver whole, cuts;
        setup(&whole, 4096);
        setup(&cuts, 4096);
        for (size_t i = 0; i < 3; i++) {
            bytes_slice block = blocks_hex(mixed_blocks[i]);
            size_t at = cut < block.size ? cut : block.size;
            assert_int_equal(decode_slice(&whole, block), HPACK_OK);
            hpack_section_clear(&cuts.section);
            assert_int_equal(hpack_decoder_decode(cuts.decoder, bytes_slice_of(block.data, at),
                                                  false, &blocks_limits, &cuts.section),
                             HPACK_OK);
            bytes_slice rest = bytes_slice_of(block.data + at, block.size - at);
            assert_int_equal(
                hpack_decoder_decode(cuts.decoder, rest, true, &blocks_limits, &cuts.section),
                HPACK_OK);
            assert_int_equal(cuts.section.count, whole.section.count);
            for (size_t j = 0; j < whole.section.count; j++) {
                const hpack_field *a = &whole.section.fields[j];
                const hpack_field *b = &cuts.section.fields[j];
                assert_true(bytes_slice_equal(a->name, b->name));
                assert_true(bytes_slice_equal(a->value, b->value));
                assert_int_equal(a->flags, b->flags);
                assert_int_equal(a->token, b->token);
            }
        }
        teardown(&whole);
        teardown(&cuts);
    }
}

/* The blocks by a new decoder; the outcome of the first that fails. */
static int decode_mixed_blocks(size_t piece) {
    hpack_section section;
    hpack_decoder *decoder;
    int outcome = hpack_decoder_new(&decoder, 4096);
    if (outcome != HPACK_OK)
        return outcome;
    hpack_section_init(&section);
    for (size_t i = 0; i < 3 && outcome == HPACK_OK; i++) {
        hpack_section_dispose(&section);
        outcome =
            blocks_decode(decoder, blocks_hex(mixed_blocks[i]), piece, &blocks_limits, &section);
    }
    hpack_section_dispose(&section);
    hpack_decoder_free(decoder);
    return outcome;
}

static void survives_each_failing_allocation(void **state) {
    (void)state;
    size_t before = mem_blocks();
    for (size_t piece = 1; piece < 100; piece += 49) {
        size_t n = 1;
        for (;; n++) {
            mem_fail_once(n);
            int outcome = decode_mixed_blocks(piece);
            assert_int_equal(mem_blocks(), before);
            if (mem_attempts() < n) {
                assert_int_equal(outcome, HPACK_OK);
                break;
            }
            assert_int_equal(outcome, HPACK_NOMEM);
        }
        assert_true(n > 5);
    }
    mem_fail_from(0);
    hpack_decoder_free(NULL);
}

/* A literal of 60 KB, octet by octet, is not decoded again with each of them. */
static void decodes_a_long_literal_octet_by_octet(void **state) {
    (void)state;
    static uint8_t block[60007];
    receiver r;
    setup(&r, 4096);
    memcpy(block, "\x00\x01\x61\x7f\xe1\xd3\x03", 7); /* 127 + 59873 */
    memset(block + 7, 'v', 60000);
    assert_int_equal(blocks_decode(r.decoder, bytes_slice_of(block, sizeof(block)), 1,
                                   &blocks_limits, &r.section),
                     HPACK_OK);
    assert_int_equal(r.section.fields[0].value.size, 60000);
    assert_memory_equal(r.section.fields[0].value.data, block + 7, 60000);
    teardown(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_the_single_fields_of_rfc7541_c2),
        cmocka_unit_test(decodes_the_requests_of_rfc7541_c3_and_c4),
        cmocka_unit_test(decodes_the_responses_of_rfc7541_c5_and_c6),
        cmocka_unit_test(flags_never_indexed_fields_alone),
        cmocka_unit_test(tells_the_entries_of_the_static_table),
        cmocka_unit_test(keeps_fields_when_their_entries_are_evicted),
        cmocka_unit_test(empties_the_table_for_an_entry_larger_than_it),
        cmocka_unit_test(refuses_indices_that_no_table_has),
        cmocka_unit_test(refuses_integers_over_the_limit_in_each_of_their_uses),
        cmocka_unit_test(refuses_a_block_that_ends_inside_a_field),
        cmocka_unit_test(refuses_wrong_huffman_codes),
        cmocka_unit_test(takes_size_updates_at_the_start_of_a_block_alone),
        cmocka_unit_test(takes_two_updates_in_each_block_anew),
        cmocka_unit_test(evicts_as_size_updates_say),
        cmocka_unit_test(demands_an_update_after_a_reduction),
        cmocka_unit_test(demands_the_smallest_size_first_when_it_was_raised_again),
        cmocka_unit_test(demands_no_update_when_nothing_was_reduced),
        cmocka_unit_test(admits_a_list_of_just_the_limit_and_drops_one_over),
        cmocka_unit_test(drops_fields_past_their_number),
        cmocka_unit_test(keeps_the_table_in_step_while_fields_are_dropped),
        cmocka_unit_test(ends_at_the_excess_for_indexed_and_literal_fields),
        cmocka_unit_test(bounds_the_memory_of_a_block_that_repeats_a_large_entry),
        cmocka_unit_test(takes_no_memory_for_a_length_that_is_a_lie),
        cmocka_unit_test(checks_but_does_not_store_a_string_over_the_limit),
        cmocka_unit_test(holds_little_memory_while_idle),
        cmocka_unit_test(decodes_the_same_from_any_two_fragments),
        cmocka_unit_test(survives_each_failing_allocation),
        cmocka_unit_test(decodes_a_long_literal_octet_by_octet),
    };
    return cmocka_run_group_tests_name("hpack/decoder", tests, NULL, NULL);
}
