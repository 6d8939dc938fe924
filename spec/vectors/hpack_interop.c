/* What our encoder writes, libnghttp2 decodes to the same fields, and the reverse; with the size of
 * the table changed in the middle. */
#include "support/stories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

static const hpack_limits no_limits = {SIZE_MAX / 2, SIZE_MAX, SIZE_MAX / 2};

/* Sizes that SETTINGS set one after the other, one before every third block; between some of them
 * lie two changes and no block. */
static const size_t table_sizes[][2] = {
    {4096, 4096}, {0, 0}, {0, 4096}, {100, 100}, {64, 65536}, {1000, 300}, {4096, 4096}, {31, 2000},
};
#define TABLE_SIZES (sizeof(table_sizes) / sizeof(table_sizes[0]))
#define BLOCKS_PER_SIZE 3

/* ---------------------------------------------------------------------- our encoder, nghttp2 */

typedef struct forth {
    hpack_encoder *encoder;
    nghttp2_hd_inflater *inflater;
    size_t blocks;
} forth;

static forth forth_new(size_t own_max_table) {
    forth pair = {0};
    assert_int_equal(hpack_encoder_new(&pair.encoder, own_max_table), HPACK_OK);
    assert_int_equal(nghttp2_hd_inflate_new(&pair.inflater), 0);
    return pair;
}

static void forth_free(forth *pair) {
    hpack_encoder_free(pair->encoder);
    nghttp2_hd_inflate_del(pair->inflater);
}

static void forth_change_table(forth *pair) {
    if (pair->blocks % BLOCKS_PER_SIZE != 0)
        return;
    const size_t *sizes = table_sizes[pair->blocks / BLOCKS_PER_SIZE % TABLE_SIZES];
    for (int i = 0; i < 2; i++) {
        hpack_encoder_set_max_table(pair->encoder, sizes[i]);
        assert_int_equal(nghttp2_hd_inflate_change_table_size(pair->inflater, sizes[i]), 0);
    }
}

static void assert_same(const nghttp2_nv *nv, const hpack_field *field) {
    assert_true(bytes_slice_equal(bytes_slice_of(nv->name, nv->namelen), field->name));
    assert_true(bytes_slice_equal(bytes_slice_of(nv->value, nv->valuelen), field->value));
    if (field->flags & HPACK_NEVER_INDEXED)
        assert_true(nv->flags & NGHTTP2_NV_FLAG_NO_INDEX);
}

static void inflate(nghttp2_hd_inflater *inflater, bytes_slice block, const hpack_field *fields,
                    size_t count) {
    size_t n = 0;
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.size, 1);
        assert_true(used >= 0);
        block.data += used;
        block.size -= (size_t)used;
        if (flags & NGHTTP2_HD_INFLATE_EMIT) {
            assert_true(n < count);
            assert_same(&nv, &fields[n++]);
        }
    }
    assert_int_equal(n, count);
    assert_int_equal(block.size, 0);
    assert_int_equal(nghttp2_hd_inflate_end_headers(inflater), 0);
}

static void forth_send(forth *pair, const hpack_field *fields, size_t count) {
    bytes_buffer block;
    bytes_buffer_init(&block);
    forth_change_table(pair);
    assert_int_equal(hpack_encoder_encode(pair->encoder, fields, count, &block), HPACK_OK);
    assert_true(block.size <= hpack_encoder_bound(fields, count));
    inflate(pair->inflater, bytes_slice_of(block.data, block.size), fields, count);
    assert_int_equal(hpack_encoder_table_octets(pair->encoder),
                     nghttp2_hd_inflate_get_dynamic_table_size(pair->inflater));
    bytes_buffer_dispose(&block);
    pair->blocks++;
}

/* ---------------------------------------------------------------------- nghttp2, our decoder */

typedef struct back {
    nghttp2_hd_deflater *deflater;
    hpack_decoder *decoder;
    size_t blocks;
} back;

static back back_new(void) {
    back pair = {0};
    assert_int_equal(nghttp2_hd_deflate_new(&pair.deflater, 65536), 0);
    assert_int_equal(hpack_decoder_new(&pair.decoder, HPACK_DEFAULT_TABLE_OCTETS), HPACK_OK);
    return pair;
}

static void back_free(back *pair) {
    nghttp2_hd_deflate_del(pair->deflater);
    hpack_decoder_free(pair->decoder);
}

static void back_change_table(back *pair) {
    if (pair->blocks % BLOCKS_PER_SIZE != 0)
        return;
    const size_t *sizes = table_sizes[pair->blocks / BLOCKS_PER_SIZE % TABLE_SIZES];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nghttp2_hd_deflate_change_table_size(pair->deflater, sizes[i]), 0);
        hpack_decoder_set_max_table(pair->decoder, sizes[i]);
    }
}

static size_t deflate(back *pair, const hpack_field *fields, size_t count, uint8_t *out,
                      size_t size) {
    nghttp2_nv *list = calloc(count + 1, sizeof(*list));
    assert_non_null(list);
    for (size_t i = 0; i < count; i++) {
        list[i].name = (uint8_t *)(uintptr_t)fields[i].name.data;
        list[i].namelen = fields[i].name.size;
        list[i].value = (uint8_t *)(uintptr_t)fields[i].value.data;
        list[i].valuelen = fields[i].value.size;
        list[i].flags = fields[i].flags & HPACK_NEVER_INDEXED ? NGHTTP2_NV_FLAG_NO_INDEX : 0;
    }
    ssize_t written = nghttp2_hd_deflate_hd(pair->deflater, out, size, list, count);
    free(list);
    assert_true(written >= 0);
    return (size_t)written;
}

static void back_send(back *pair, const hpack_field *fields, size_t count) {
    static uint8_t block[1 << 17];
    hpack_section section;
    hpack_section_init(&section);
    back_change_table(pair);
    size_t size = deflate(pair, fields, count, block, sizeof(block));
    assert_int_equal(hpack_decoder_decode(pair->decoder, bytes_slice_of(block, size), true,
                                          &no_limits, &section),
                     HPACK_OK);
    assert_int_equal(section.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(bytes_slice_equal(section.fields[i].name, fields[i].name));
        assert_true(bytes_slice_equal(section.fields[i].value, fields[i].value));
        if (fields[i].flags & HPACK_NEVER_INDEXED)
            assert_true(section.fields[i].flags & HPACK_NEVER_INDEXED);
    }
    assert_int_equal(hpack_decoder_table_octets(pair->decoder),
                     nghttp2_hd_deflate_get_dynamic_table_size(pair->deflater));
    hpack_section_dispose(&section);
    pair->blocks++;
}

/* ---------------------------------------------------------------------------- made-up lists */

#define MADE_BLOCKS 400
#define MADE_FIELDS 24

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* A list of fields of which many come again in later lists, and some are secret, long or binary. */
typedef struct made_list {
    hpack_field fields[MADE_FIELDS];
    char text[MADE_FIELDS][2][160];
    size_t count;
} made_list;

static void make_field(made_list *list, size_t i, uint32_t *seed) {
    static const char *const names[] = {":path",   ":status",    "cookie", "content-type",
                                        "x-trace", "set-cookie", "date",   "authorization"};
    char *name = list->text[i][0];
    char *value = list->text[i][1];
    uint32_t kind = next_random(seed) % 12;
    if (kind < 8)
        (void)snprintf(name, sizeof(list->text[i][0]), "%s", names[kind]);
    else
        (void)snprintf(name, sizeof(list->text[i][0]), "x-name-%u", next_random(seed) % 40);
    size_t size = next_random(seed) % 8 == 0 ? next_random(seed) % 150 : 0;
    size_t text = (size_t)snprintf(value, sizeof(list->text[i][1]), "value %u of some field",
                                   next_random(seed) % 30);
    for (size_t j = text; j < size; j++)
        value[j] = (char)(next_random(seed) % 256);
    hpack_field *field = &list->fields[i];
    *field = (hpack_field){.name = bytes_slice_of(name, strlen(name)),
                           .value = bytes_slice_of(value, size > text ? size : text)};
    field->token = hpack_token_of(field->name);
    field->flags = next_random(seed) % 16 == 0 ? HPACK_NEVER_INDEXED : 0;
}

static void make_list(made_list *list, uint32_t *seed) {
    list->count = next_random(seed) % MADE_FIELDS;
    for (size_t i = 0; i < list->count; i++)
        make_field(list, i, seed);
}

/* ------------------------------------------------------------------------------------- tests */

static void nghttp2_decodes_what_we_encode_of_made_lists(void **state) {
    (void)state;
    static const size_t own_max[] = {4096, 65536, 1000, 0};
    uint32_t seed = 1;
    for (size_t n = 0; n < sizeof(own_max) / sizeof(own_max[0]); n++) {
        forth pair = forth_new(own_max[n]);
        for (int i = 0; i < MADE_BLOCKS; i++) {
            made_list list;
            make_list(&list, &seed);
            forth_send(&pair, list.fields, list.count);
        }
        forth_free(&pair);
    }
}

static void we_decode_what_nghttp2_encodes_of_made_lists(void **state) {
    (void)state;
    uint32_t seed = 2;
    back pair = back_new();
    for (int i = 0; i < MADE_BLOCKS; i++) {
        made_list list;
        make_list(&list, &seed);
        back_send(&pair, list.fields, list.count);
    }
    back_free(&pair);
}

static void forth_story(const vector_story *story, void *context) {
    (void)context;
    forth pair = forth_new(65536);
    for (size_t i = 0; i < story->count; i++)
        forth_send(&pair, story->cases[i].fields, story->cases[i].count);
    forth_free(&pair);
}

static void back_story(const vector_story *story, void *context) {
    (void)context;
    back pair = back_new();
    for (size_t i = 0; i < story->count; i++)
        back_send(&pair, story->cases[i].fields, story->cases[i].count);
    back_free(&pair);
}

static void nghttp2_decodes_what_we_encode_of_every_story(void **state) {
    (void)state;
    const char *folder = stories_folder();
    if (!folder)
        skip();
    assert_true(stories_visit(folder, forth_story, NULL) > 0);
}

static void we_decode_what_nghttp2_encodes_of_every_story(void **state) {
    (void)state;
    const char *folder = stories_folder();
    if (!folder)
        skip();
    assert_true(stories_visit(folder, back_story, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nghttp2_decodes_what_we_encode_of_made_lists),
        cmocka_unit_test(we_decode_what_nghttp2_encodes_of_made_lists),
        cmocka_unit_test(nghttp2_decodes_what_we_encode_of_every_story),
        cmocka_unit_test(we_decode_what_nghttp2_encodes_of_every_story),
    };
    return cmocka_run_group_tests_name("hpack_interop", tests, NULL, NULL);
}
