/* Decodes every story of every encoder among the public HPACK vectors. */
#include "support/stories.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const hpack_limits no_limits = {SIZE_MAX / 2, SIZE_MAX, SIZE_MAX / 2};

/* Decodes `data` in pieces of `piece` octets. */
static int decode(hpack_decoder *decoder, bytes_slice data, size_t piece, hpack_section *section) {
    for (; data.size > piece; data.data += piece, data.size -= piece) {
        bytes_slice part = bytes_slice_of(data.data, piece);
        int outcome = hpack_decoder_decode(decoder, part, false, &no_limits, section);
        if (outcome != HPACK_OK)
            return outcome;
    }
    return hpack_decoder_decode(decoder, data, true, &no_limits, section);
}

static void check_case(hpack_decoder *decoder, const vector_story *story, size_t n, size_t piece) {
    const story_case *expected = &story->cases[n];
    hpack_section section;
    hpack_section_init(&section);
    if (expected->has_table_size)
        hpack_decoder_set_max_table(decoder, expected->table_size);
    bytes_slice wire = bytes_slice_of(expected->wire, expected->wire_size);
    int outcome = decode(decoder, wire, piece, &section);
    if (outcome != HPACK_OK || section.count != expected->count)
        fail_msg("%s, case %zu: outcome %d, %zu fields for %zu", story->path, n, outcome,
                 section.count, expected->count);
    for (size_t i = 0; i < section.count; i++) {
        if (!bytes_slice_equal(section.fields[i].name, expected->fields[i].name) ||
            !bytes_slice_equal(section.fields[i].value, expected->fields[i].value))
            fail_msg("%s, case %zu: field %zu differs", story->path, n, i);
        assert_int_equal(section.fields[i].token, expected->fields[i].token);
    }
    hpack_section_dispose(&section);
}

static void check_story(const vector_story *story, void *context) {
    const size_t *piece = context;
    hpack_decoder *decoder;
    assert_int_equal(hpack_decoder_new(&decoder, HPACK_DEFAULT_TABLE_OCTETS), HPACK_OK);
    for (size_t i = 0; i < story->count; i++)
        check_case(decoder, story, i, *piece);
    hpack_decoder_free(decoder);
}

static void check_all(size_t piece) {
    const char *folder = stories_folder();
    if (!folder)
        skip();
    size_t count = stories_visit(folder, check_story, &piece);
    assert_true(count > 0);
    print_message("%zu stories\n", count);
}

static void decodes_every_story(void **state) {
    (void)state;
    check_all(SIZE_MAX);
}

static void decodes_every_story_octet_by_octet(void **state) {
    (void)state;
    check_all(1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_story),
        cmocka_unit_test(decodes_every_story_octet_by_octet),
    };
    return cmocka_run_group_tests_name("hpack_vectors", tests, NULL, NULL);
}
