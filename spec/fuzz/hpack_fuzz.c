/* Header blocks from a peer, cut in any way: the outcome never depends on the cuts, memory stays
 * bounded by the limits, and what came out is encoded and decoded back.
 *
 * The input is a list of blocks: an octet of options, an octet with the size of the fragments, two
 * octets with the length, and the block itself. */
#include "base/mem.h"
#include "hpack/hpack.h"

#include <stdlib.h>

/* Returned values and facts are checked in every build. */
#define CHECK(is_so)                                                                               \
    do {                                                                                           \
        if (!(is_so))                                                                              \
            abort();                                                                               \
    } while (0)

#define TABLE_OCTETS 4096

static const hpack_limits limits = {
    .max_list_octets = 16384, .max_fields = 100, .max_excess_octets = 65536};

/* What an outcome is compared for. */
typedef struct receiver {
    hpack_decoder *decoder;
    hpack_section section;
    int outcome;
} receiver;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void receiver_init(receiver *r) {
    CHECK(hpack_decoder_new(&r->decoder, TABLE_OCTETS) == HPACK_OK);
    hpack_section_init(&r->section);
    r->outcome = HPACK_OK;
}

static void receiver_dispose(receiver *r) {
    hpack_decoder_free(r->decoder);
    hpack_section_dispose(&r->section);
}

static void receive(receiver *r, bytes_slice block, size_t piece) {
    hpack_section_clear(&r->section);
    while (r->outcome == HPACK_OK && block.size > piece) {
        bytes_slice part = bytes_slice_of(block.data, piece);
        r->outcome = hpack_decoder_decode(r->decoder, part, false, &limits, &r->section);
        block = bytes_slice_of(block.data + piece, block.size - piece);
    }
    if (r->outcome == HPACK_OK)
        r->outcome = hpack_decoder_decode(r->decoder, block, true, &limits, &r->section);
}

static void check_same_fields(const hpack_section *a, const hpack_section *b) {
    CHECK(a->count == b->count && a->list_octets == b->list_octets);
    CHECK(a->is_over_limit == b->is_over_limit);
    for (size_t i = 0; i < a->count; i++) {
        CHECK(bytes_slice_equal(a->fields[i].name, b->fields[i].name));
        CHECK(bytes_slice_equal(a->fields[i].value, b->fields[i].value));
        CHECK(a->fields[i].token == b->fields[i].token);
    }
}

/* The facts that hold for any block. */
static void check_bounds(const receiver *r) {
    CHECK(hpack_decoder_table_octets(r->decoder) <= TABLE_OCTETS);
    CHECK(hpack_decoder_memory(r->decoder) <= 2 * TABLE_OCTETS);
    if (r->outcome != HPACK_OK)
        return;
    CHECK(r->section.count <= limits.max_fields);
    CHECK(r->section.list_octets <= limits.max_excess_octets);
    CHECK(r->section.is_over_limit || r->section.list_octets <= limits.max_list_octets);
    for (size_t i = 0; i < r->section.count; i++) {
        const hpack_field *field = &r->section.fields[i];
        CHECK(field->token == hpack_token_of(field->name));
    }
}

/* Our encoder's block for the fields gives them back, with a table that the options change. */
static void check_round_trip(hpack_encoder *encoder, receiver *back, const hpack_section *section,
                             uint8_t options) {
    bytes_buffer out;
    bytes_buffer_init(&out);
    if (options & 1) {
        size_t octets = (size_t)options << 4;
        hpack_encoder_set_max_table(encoder, octets);
        hpack_decoder_set_max_table(back->decoder, octets);
    }
    CHECK(hpack_encoder_encode(encoder, section->fields, section->count, &out) == HPACK_OK);
    CHECK(out.size <= hpack_encoder_bound(section->fields, section->count));
    receive(back, bytes_slice_of(out.data, out.size), SIZE_MAX);
    CHECK(back->outcome == HPACK_OK);
    check_same_fields(section, &back->section);
    CHECK(hpack_encoder_table_octets(encoder) == hpack_decoder_table_octets(back->decoder));
    bytes_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    receiver whole, cuts, back;
    hpack_encoder *encoder;
    size_t blocks = mem_blocks();
    receiver_init(&whole);
    receiver_init(&cuts);
    receiver_init(&back);
    CHECK(hpack_encoder_new(&encoder, TABLE_OCTETS) == HPACK_OK);
    while (size >= 4 && whole.outcome == HPACK_OK) {
        uint8_t options = data[0];
        size_t piece = data[1] ? data[1] : 1;
        size_t length = bytes_get_u16(data + 2);
        data += 4;
        size -= 4;
        bytes_slice block = bytes_slice_of(data, length < size ? length : size);
        receive(&whole, block, SIZE_MAX);
        receive(&cuts, block, piece);
        CHECK(whole.outcome == cuts.outcome);
        check_bounds(&whole);
        check_bounds(&cuts);
        if (whole.outcome == HPACK_OK) {
            check_same_fields(&whole.section, &cuts.section);
            if (!whole.section.is_over_limit)
                check_round_trip(encoder, &back, &whole.section, options);
        }
        data += block.size;
        size -= block.size;
    }
    hpack_encoder_free(encoder);
    receiver_dispose(&back);
    receiver_dispose(&cuts);
    receiver_dispose(&whole);
    CHECK(mem_blocks() == blocks);
    return 0;
}
