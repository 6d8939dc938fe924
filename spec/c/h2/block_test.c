/* Header blocks going out (RFC 9113 §4.3, §6.2, §6.6, §6.10). */
#include "h2/support/cases.h"

#include "base/mem.h"

/* Collects what the session writes, joins the parts of the one header block, and decodes it. */
typedef struct written {
    uint8_t octets[300000];
    size_t size;
    size_t frames;
    uint32_t longest;
    hpack_section section;
} written;

static written w;

static void collect(void) {
    bytes_slice slices[8];
    size_t count;
    w.size = w.frames = w.longest = 0;
    assert_int_equal(h2_session_output(p.session, slices, 8, 1 << 20, &count), H2_OK);
    for (size_t i = 0; i < count; i++) {
        memcpy(w.octets + w.size, slices[i].data, slices[i].size);
        w.size += slices[i].size;
    }
    h2_session_sent(p.session, w.size);
}

static void decode_block(uint32_t lead) {
    hpack_decoder *decoder;
    hpack_limits limits = {1 << 20, 10000, 1 << 22};
    h2_frame_header header;
    assert_int_equal(hpack_decoder_new(&decoder, 4096), HPACK_OK);
    hpack_section_init(&w.section);
    for (size_t at = 0; at < w.size; at += 9 + header.length, w.frames++) {
        h2_frame_header_read(&header, w.octets + at);
        bool is_first = at == 0, is_last = (header.flags & H2_FLAG_END_HEADERS) != 0;
        assert_int_equal(header.type == H2_FRAME_CONTINUATION, !is_first);
        assert_int_equal(is_last, at + 9 + header.length == w.size);
        uint32_t padding = header.flags & H2_FLAG_PADDED ? w.octets[at + 9] + 1 : 0;
        uint32_t before = (is_first ? lead : 0) + (padding ? 1 : 0);
        uint32_t after = padding ? padding - 1 : 0;
        bytes_slice part =
            bytes_slice_of(w.octets + at + 9 + before, header.length - before - after);
        assert_int_equal(hpack_decoder_decode(decoder, part, is_last, &limits, &w.section),
                         HPACK_OK);
        if (header.length > w.longest)
            w.longest = header.length;
    }
    hpack_decoder_free(decoder);
}

static void any_size(h2_options *options) {
    options->max_send_header_octets = 1 << 20;
}

static void any_size_padded(h2_options *options) {
    options->max_send_header_octets = 1 << 20;
    options->padding = H2_PADDING_MAX;
}

static void assert_arrives(size_t size, size_t frames, uint32_t lead) {
    char *value = malloc(size + 1);
    assert_non_null(value);
    for (size_t i = 0; i < size; i++)
        value[i] = (char)(0x80 + i % 100); /* not made shorter by Huffman's code */
    value[size] = '\0';
    hpack_field fields[] = {peer_field(":status", "200"), peer_field("x", value)};
    if (lead) {
        uint32_t id;
        assert_int_equal(h2_session_submit_push(p.session, 1, fields, 2, NULL, &id), H2_OK);
    } else {
        assert_int_equal(h2_session_submit_informational(p.session, 1, fields, 2), H2_OK);
    }
    collect();
    decode_block(lead);
    assert_int_equal(w.section.count, 2);
    assert_true(bytes_slice_equal(w.section.fields[1].value, fields[1].value));
    if (frames)
        assert_int_equal(w.frames, frames);
    assert_true(w.longest <= 16384);
    hpack_section_dispose(&w.section);
    free(value);
}

static void open_for(peer_tweak *tweak) {
    again(H2_SERVER, tweak);
    peer_get(&p, 1);
    peer_run(&p);
}

static void blocks_are_cut_where_the_peers_frames_end(void **state) {
    (void)state;
    static const size_t sizes[] = {1,     16300, 16370, 16371, 16372, 16373, 16374, 16375, 16376,
                                   16377, 16378, 16379, 16380, 32740, 32760, 32768, 100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (uint32_t lead = 0; lead <= 4; lead += 4) {
            open_for(any_size);
            assert_arrives(sizes[i], sizes[i] < 16300 ? 1 : 0, lead);
            open_for(any_size_padded);
            assert_arrives(sizes[i], 0, lead);
        }
    }
    open_for(any_size);
    assert_arrives(100000, 7, 0);
}

static void larger_frames_are_used_where_the_peer_takes_them(void **state) {
    (void)state;
    open_for(any_size);
    peer_setting(&p, H2_SETTINGS_MAX_FRAME_SIZE, 200000);
    peer_run(&p);
    hpack_field field = peer_field(":status", "200");
    char *value = malloc(100001);
    assert_non_null(value);
    memset(value, 0x81, 100000);
    value[100000] = '\0';
    hpack_field fields[] = {field, peer_field("x", value)};
    assert_int_equal(h2_session_submit_response(p.session, 1, fields, 2, true), H2_OK);
    collect();
    decode_block(0);
    assert_int_equal(w.frames, 1);
    hpack_section_dispose(&w.section);
    free(value);
}

#ifdef MEM_FAULTS
static void out_of_memory_leaves_encoder_and_wire_as_they_were(void **state) {
    (void)state;
    hpack_field fields[] = {peer_field(":status", "200"), peer_field("x-new", "value")};
    open_for(NULL);
    for (size_t n = 1;; n++) {
        mem_fail_from(n);
        int result = h2_session_submit_response(p.session, 1, fields, 2, true);
        size_t attempts = mem_attempts();
        mem_fail_from(0);
        if (result == H2_OK)
            break;
        assert_int_equal(result, H2_NOMEM);
        assert_true(attempts >= n);
        assert_false(h2_session_wants_output(p.session));
    }
    collect();
    decode_block(0);
    assert_int_equal(w.section.count, 2);
    hpack_section_dispose(&w.section);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(blocks_are_cut_where_the_peers_frames_end),
        SERVER(larger_frames_are_used_where_the_peer_takes_them),
#ifdef MEM_FAULTS
        SERVER(out_of_memory_leaves_encoder_and_wire_as_they_were),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
