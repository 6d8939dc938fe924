#include "base/mem.h"
#include "hpack/hpack.h"
#include "support/blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* An encoder, what it wrote last, and a decoder that follows it. */
typedef struct sender {
    hpack_encoder *encoder;
    bytes_buffer out;
    hpack_decoder *decoder;
    hpack_section section;
} sender;

static void setup(sender *s, size_t own_max_table) {
    assert_int_equal(hpack_encoder_new(&s->encoder, own_max_table), HPACK_OK);
    assert_int_equal(hpack_decoder_new(&s->decoder, HPACK_DEFAULT_TABLE_OCTETS), HPACK_OK);
    bytes_buffer_init(&s->out);
    hpack_section_init(&s->section);
}

static void teardown(sender *s) {
    hpack_encoder_free(s->encoder);
    hpack_decoder_free(s->decoder);
    bytes_buffer_dispose(&s->out);
    hpack_section_dispose(&s->section);
}

/* Both sides learn of the decoder's SETTINGS_HEADER_TABLE_SIZE. */
static void set_max_table(sender *s, size_t octets) {
    hpack_decoder_set_max_table(s->decoder, octets);
    hpack_encoder_set_max_table(s->encoder, octets);
}

/* Encodes a block, and has the decoder agree on fields and table. */
static void send(sender *s, const hpack_field *fields, size_t count) {
    s->out.size = 0;
    hpack_section_clear(&s->section);
    assert_int_equal(hpack_encoder_encode(s->encoder, fields, count, &s->out), HPACK_OK);
    assert_true(s->out.size <= hpack_encoder_bound(fields, count));
    bytes_slice block = bytes_slice_of(s->out.data, s->out.size);
    assert_int_equal(blocks_decode(s->decoder, block, SIZE_MAX, &blocks_limits, &s->section),
                     HPACK_OK);
    assert_int_equal(s->section.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(bytes_slice_equal(s->section.fields[i].name, fields[i].name));
        assert_true(bytes_slice_equal(s->section.fields[i].value, fields[i].value));
        if (fields[i].flags & HPACK_NEVER_INDEXED)
            assert_true(s->section.fields[i].flags & HPACK_NEVER_INDEXED);
    }
    assert_int_equal(hpack_encoder_table_octets(s->encoder),
                     hpack_decoder_table_octets(s->decoder));
}

static void send_field(sender *s, const char *name, const char *value) {
    hpack_field field = blocks_field(name, value);
    send(s, &field, 1);
}

static void assert_wrote(const sender *s, const char *hex) {
    bytes_slice expected = blocks_hex(hex);
    assert_int_equal(s->out.size, expected.size);
    assert_memory_equal(s->out.data, expected.data, expected.size);
}

/* ---------------------------------------------------------------------------- representations */

static void writes_the_requests_of_rfc7541_c4(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    hpack_field fields[5] = {blocks_field(":method", "GET"), blocks_field(":scheme", "http"),
                             blocks_field(":path", "/"),
                             blocks_field(":authority", "www.example.com")};
    send(&s, fields, 4);
    assert_wrote(&s, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff");
    fields[4] = blocks_field("cache-control", "no-cache");
    send(&s, fields, 5);
    assert_wrote(&s, "8286 84be 5886 a8eb 1064 9cbf");
    fields[1] = blocks_field(":scheme", "https");
    fields[2] = blocks_field(":path", "/index.html");
    fields[4] = blocks_field("custom-key", "custom-value");
    send(&s, fields, 5);
    assert_wrote(&s, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf");
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 164);
    teardown(&s);
}

static void writes_every_static_entry_as_one_octet(void **state) {
    (void)state;
    static const char *const statuses[] = {"200", "204", "206", "304", "400", "404", "500"};
    sender s;
    setup(&s, 4096);
    for (unsigned i = 0; i < 7; i++) {
        send_field(&s, ":status", statuses[i]);
        assert_int_equal(s.out.size, 1);
        assert_int_equal(s.out.data[0], 0x88 + i);
    }
    send_field(&s, "accept-encoding", "gzip, deflate");
    assert_wrote(&s, "90");
    send_field(&s, "via", "");
    assert_wrote(&s, "bc");
    send_field(&s, "content-length", "");
    assert_wrote(&s, "9c");
    teardown(&s);
}

static void never_indexes_what_is_secret(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    send_field(&s, "authorization", "Basic eDp5");
    assert_int_equal(s.section.fields[0].flags, HPACK_NEVER_INDEXED);
    assert_int_equal(s.out.data[0], 0x1f);
    send_field(&s, "cookie", "1234567890123456789");
    assert_int_equal(s.section.fields[0].flags, HPACK_NEVER_INDEXED);
    send_field(&s, "authorization", "");
    assert_int_equal(s.section.fields[0].flags, HPACK_NEVER_INDEXED);
    hpack_field field = blocks_field(":method", "GET");
    field.flags = HPACK_NEVER_INDEXED; /* though the static table has it (RFC 7541 §6.2.3) */
    send(&s, &field, 1);
    assert_wrote(&s, "12 03474554");
    field = blocks_field("x-token", "t");
    field.flags = HPACK_NEVER_INDEXED;
    send(&s, &field, 1);
    assert_int_equal(s.out.data[0], 0x10);
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 0);

    send_field(&s, "cookie", "12345678901234567890");
    assert_int_equal(s.section.fields[0].flags, 0);
    assert_true(hpack_encoder_table_octets(s.encoder) > 0);
    teardown(&s);
}

static void does_not_index_what_seldom_repeats(void **state) {
    (void)state;
    static const char *const names[] = {
        ":path",         "age",      "content-length", "etag", "if-modified-since",
        "if-none-match", "location", "set-cookie"};
    sender s;
    setup(&s, 4096);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        send_field(&s, names[i], "some-value-or-other");
        assert_int_equal(s.out.data[0] & 0xf0, 0x00);
        assert_int_equal(s.section.fields[0].flags, 0);
    }
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 0);
    teardown(&s);
}

static void does_not_index_what_would_fill_most_of_the_table(void **state) {
    (void)state;
    static char value[4096];
    sender s;
    setup(&s, 4096);
    memset(value, 'v', 3072 - 32 - 6);
    send_field(&s, "x-name", value);
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 3072);
    memset(value, 'w', 3072 - 32 - 6 + 1);
    send_field(&s, "x-name", value);
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 3072);
    teardown(&s);
}

static void uses_names_that_the_dynamic_table_has(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    send_field(&s, "x-name", "1");
    send_field(&s, "x-name", "2");
    assert_wrote(&s, "7e 0132");
    send_field(&s, "x-name", "1");
    assert_wrote(&s, "bf");
    teardown(&s);
}

static void writes_a_string_plainly_where_coding_does_not_shorten_it(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    send_field(&s, ":path", "/*");
    assert_wrote(&s, "04 022f2a");
    send_field(&s, ":path", "/\x01\x02");
    assert_wrote(&s, "04 032f0102");
    teardown(&s);
}

/* The length before a coded string takes fewer octets than that of the plain one would. */
static void writes_strings_around_the_sizes_where_their_length_grows(void **state) {
    (void)state;
    static char value[40000];
    sender s;
    setup(&s, 4096);
    for (size_t size = 1; size < sizeof(value) - 1; size += size < 400 ? 1 : size / 7) {
        memset(value, 'a', size);
        value[size] = '\0';
        send_field(&s, ":path", value);
        size_t coded = (size * 5 + 7) / 8;
        size_t length_octets = coded < 127           ? 1
                               : coded < 127 + 128   ? 2
                               : coded < 127 + 16384 ? 3
                                                     : 4;
        assert_int_equal(s.out.size, 1 + length_octets + (size == 1 ? 1 : coded));
        memset(value, '\x01', size);
        send_field(&s, ":path", value);
    }
    teardown(&s);
}

/* -------------------------------------------------------------------------------- table sizes */

static void announces_nothing_while_the_size_stays(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    set_max_table(&s, 4096);
    send_field(&s, ":method", "GET");
    assert_wrote(&s, "82");
    set_max_table(&s, 65536); /* it does not want so much */
    send_field(&s, ":method", "GET");
    assert_wrote(&s, "82");
    teardown(&s);
}

static void announces_a_smaller_or_larger_size_once(void **state) {
    (void)state;
    sender s;
    setup(&s, 65536);
    set_max_table(&s, 100);
    send_field(&s, ":method", "GET");
    assert_wrote(&s, "3f45 82");
    send_field(&s, ":method", "GET");
    assert_wrote(&s, "82");
    set_max_table(&s, 8192);
    send_field(&s, ":method", "GET");
    assert_wrote(&s, "3fe13f 82");
    teardown(&s);
}

static void announces_the_smallest_size_and_then_the_final_one(void **state) {
    (void)state;
    sender s;
    setup(&s, 65536);
    send_field(&s, "x-name", "value");
    set_max_table(&s, 0);
    set_max_table(&s, 50);
    set_max_table(&s, 4096);
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 0);
    send_field(&s, "x-name", "value");
    assert_int_equal(s.out.data[0], 0x20);
    assert_memory_equal(s.out.data + 1, "\x3f\xe1\x1f\x40", 4);
    teardown(&s);
}

static void announces_at_once_that_it_wants_less_than_the_default(void **state) {
    (void)state;
    sender s;
    setup(&s, 0);
    send_field(&s, "x-name", "value");
    assert_int_equal(s.out.data[0], 0x20);
    assert_int_equal(s.out.data[1], 0x00);
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 0);
    send_field(&s, "x-name", "value");
    assert_int_equal(s.out.data[0], 0x00);
    teardown(&s);
}

/* SETTINGS of 2^32-1 or of 0 and 4096 in turn neither bloat the encoder nor make it allocate. */
static void is_not_moved_by_a_peer_that_plays_with_the_size(void **state) {
    (void)state;
    sender s;
    char value[64];
    setup(&s, 4096);
    for (int i = 0; i < 10000; i++) {
        set_max_table(&s, i % 3 == 0 ? 0 : i % 3 == 1 ? 4096 : UINT32_MAX);
        (void)snprintf(value, sizeof(value), "value %d", i);
        send_field(&s, i % 2 ? "x-name" : "date", value);
    }
    assert_in_range(hpack_encoder_memory(s.encoder), 1, 8192);
    teardown(&s);
}

/* -------------------------------------------------------------------------- memory, random use */

static void holds_little_memory_while_idle(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    send_field(&s, "server", "http2");
    send_field(&s, "content-type", "text/html; charset=utf-8");
    assert_in_range(hpack_encoder_memory(s.encoder), 1, 1024);
    teardown(&s);
}

static void make_lists(hpack_field *fields, char (*text)[2][64], size_t count, uint32_t *seed) {
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = blocks_random(seed) % 6;
        const char *name = kind == 0 ? "date" : kind == 1 ? "cookie" : kind == 2 ? ":path" : NULL;
        (void)snprintf(text[i][0], 64, "x-%u", blocks_random(seed) % 20);
        (void)snprintf(text[i][1], 64, "%0*u", (int)(1 + blocks_random(seed) % 40),
                       blocks_random(seed) % 30);
        fields[i] = blocks_field(name ? name : text[i][0], text[i][1]);
        fields[i].flags = blocks_random(seed) % 20 == 0 ? HPACK_NEVER_INDEXED : 0;
    }
}

static void decodes_back_random_lists_while_sizes_change(void **state) {
    (void)state;
    static const size_t sizes[] = {4096, 0, 100, 1000, 70000, 31};
    hpack_field fields[20];
    char text[20][2][64];
    uint32_t seed = 11;
    for (size_t own_max = 0; own_max <= 65536; own_max = own_max * 16 + 1024) {
        sender s;
        setup(&s, own_max);
        for (int i = 0; i < 1500; i++) {
            size_t count = blocks_random(&seed) % 20;
            for (uint32_t n = blocks_random(&seed) % 40; n >= 37; n--)
                set_max_table(&s, sizes[blocks_random(&seed) % 6]);
            make_lists(fields, text, count, &seed);
            send(&s, fields, count);
        }
        assert_true(hpack_encoder_memory(s.encoder) <= 8192 + own_max * 2);
        teardown(&s);
    }
}

static void leaves_all_as_it_was_when_there_is_no_memory_for_the_block(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    hpack_field field = blocks_field("x-name", "value");
    set_max_table(&s, 100);
    assert_int_equal(bytes_buffer_append(&s.out, "abc", 3), 0);
    bytes_buffer before = s.out;
    static char large[200];
    memset(large, 'v', sizeof(large) - 1);
    hpack_field fields[] = {field, blocks_field("x-large", large)};
    mem_fail_once(1);
    assert_int_equal(hpack_encoder_encode(s.encoder, fields, 2, &s.out), HPACK_NOMEM);
    mem_fail_from(0);
    assert_memory_equal(&s.out, &before, sizeof(before));
    assert_memory_equal(s.out.data, "abc", 3);
    assert_int_equal(hpack_encoder_table_octets(s.encoder), 0);
    send(&s, fields, 2); /* the update is still due, and written */
    assert_int_equal(s.out.data[0], 0x3f);
    teardown(&s);
}

static void appends_to_what_the_buffer_holds(void **state) {
    (void)state;
    sender s;
    setup(&s, 4096);
    assert_int_equal(bytes_buffer_append(&s.out, "abc", 3), 0);
    hpack_field field = blocks_field(":method", "GET");
    assert_int_equal(hpack_encoder_encode(s.encoder, &field, 1, &s.out), HPACK_OK);
    assert_int_equal(s.out.size, 4);
    assert_memory_equal(s.out.data, "abc\x82", 4);
    assert_int_equal(hpack_encoder_encode(s.encoder, NULL, 0, &s.out), HPACK_OK);
    assert_int_equal(s.out.size, 4);
    teardown(&s);
}

/* Without memory for its table the encoder indexes less, and what it writes stays right. */
static void survives_each_failing_allocation(void **state) {
    (void)state;
    char text[20][2][64];
    hpack_field fields[20];
    size_t before = mem_blocks();
    size_t n = 0;
    bool is_done = false;
    while (!is_done) {
        uint32_t seed = 1;
        sender s;
        setup(&s, 4096);
        make_lists(fields, text, 20, &seed);
        assert_int_equal(bytes_buffer_reserve(&s.out, 4096), 0);
        mem_fail_once(++n);
        assert_int_equal(hpack_encoder_encode(s.encoder, fields, 20, &s.out), HPACK_OK);
        is_done = mem_attempts() < n;
        mem_fail_from(0);
        bytes_slice block = bytes_slice_of(s.out.data, s.out.size);
        assert_int_equal(blocks_decode(s.decoder, block, SIZE_MAX, &blocks_limits, &s.section),
                         HPACK_OK);
        assert_int_equal(s.section.count, 20);
        for (int i = 0; i < 4; i++) {
            make_lists(fields, text, 20, &seed);
            send(&s, fields, 20);
        }
        teardown(&s);
        assert_int_equal(mem_blocks(), before);
    }
    assert_true(n > 4);

    hpack_encoder *encoder;
    mem_fail_once(1);
    assert_int_equal(hpack_encoder_new(&encoder, 4096), HPACK_NOMEM);
    mem_fail_from(0);
    hpack_encoder_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_requests_of_rfc7541_c4),
        cmocka_unit_test(writes_every_static_entry_as_one_octet),
        cmocka_unit_test(never_indexes_what_is_secret),
        cmocka_unit_test(does_not_index_what_seldom_repeats),
        cmocka_unit_test(does_not_index_what_would_fill_most_of_the_table),
        cmocka_unit_test(uses_names_that_the_dynamic_table_has),
        cmocka_unit_test(writes_a_string_plainly_where_coding_does_not_shorten_it),
        cmocka_unit_test(writes_strings_around_the_sizes_where_their_length_grows),
        cmocka_unit_test(announces_nothing_while_the_size_stays),
        cmocka_unit_test(announces_a_smaller_or_larger_size_once),
        cmocka_unit_test(announces_the_smallest_size_and_then_the_final_one),
        cmocka_unit_test(announces_at_once_that_it_wants_less_than_the_default),
        cmocka_unit_test(is_not_moved_by_a_peer_that_plays_with_the_size),
        cmocka_unit_test(holds_little_memory_while_idle),
        cmocka_unit_test(decodes_back_random_lists_while_sizes_change),
        cmocka_unit_test(leaves_all_as_it_was_when_there_is_no_memory_for_the_block),
        cmocka_unit_test(appends_to_what_the_buffer_holds),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests_name("hpack/encoder", tests, NULL, NULL);
}
