#include "h2/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHECK(type_, flags_, id_, length_)                                                         \
    h2_frame_check(&(h2_frame_header){(length_), (id_), (type_), (flags_)}, 16384, &fault)

static h2_fault fault;

static void assert_fault(int result, uint32_t code, h2_scope scope) {
    assert_int_equal(result, H2_FAULT);
    assert_int_equal(fault.code, code);
    assert_int_equal(fault.scope, scope);
    assert_non_null(fault.text);
}

static void a_header_is_nine_octets_without_the_reserved_bit(void **state) {
    (void)state;
    uint8_t octets[H2_FRAME_HEADER_OCTETS];
    h2_frame_header header;
    assert_ptr_equal(h2_frame_write_header(octets, 0x123456, 0xfe, 0x2d, 0x7fffffff), octets + 9);
    assert_memory_equal(octets, "\x12\x34\x56\xfe\x2d\x7f\xff\xff\xff", 9);
    octets[5] = 0xff;
    h2_frame_header_read(&header, octets);
    assert_int_equal(header.length, 0x123456);
    assert_int_equal(header.type, 0xfe);
    assert_int_equal(header.flags, 0x2d);
    assert_int_equal(header.stream_id, 0x7fffffff);
}

static void no_frame_of_any_type_is_longer_than_the_limit(void **state) {
    (void)state;
    for (int type = 0; type < 256; type++) {
        assert_fault(CHECK((uint8_t)type, 0, 1, 16385), H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
        assert_fault(CHECK((uint8_t)type, 0, 1, 0xffffff), H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
    }
}

static void fixed_sizes_are_exact(void **state) {
    (void)state;
    static const struct {
        uint8_t type;
        uint32_t size;
        uint32_t stream_id;
    } fixed[] = {
        {H2_FRAME_PING, 8, 0}, {H2_FRAME_RST_STREAM, 4, 1}, {H2_FRAME_WINDOW_UPDATE, 4, 0}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(CHECK(fixed[i].type, 0, fixed[i].stream_id, fixed[i].size), H2_OK);
        assert_fault(CHECK(fixed[i].type, 0, fixed[i].stream_id, fixed[i].size - 1),
                     H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
        assert_fault(CHECK(fixed[i].type, 0, fixed[i].stream_id, fixed[i].size + 1),
                     H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
    }
    assert_int_equal(CHECK(H2_FRAME_PRIORITY, 0, 1, 5), H2_OK);
    assert_fault(CHECK(H2_FRAME_PRIORITY, 0, 1, 4), H2_FRAME_SIZE_ERROR, H2_SCOPE_STREAM);
    assert_int_equal(fault.stream_id, 1);
    assert_fault(CHECK(H2_FRAME_GOAWAY, 0, 0, 7), H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
}

static void settings_are_whole_entries_and_their_acknowledgement_is_empty(void **state) {
    (void)state;
    assert_int_equal(CHECK(H2_FRAME_SETTINGS, 0, 0, 12), H2_OK);
    assert_int_equal(CHECK(H2_FRAME_SETTINGS, H2_FLAG_ACK, 0, 0), H2_OK);
    assert_fault(CHECK(H2_FRAME_SETTINGS, 0, 0, 5), H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
    assert_fault(CHECK(H2_FRAME_SETTINGS, H2_FLAG_ACK, 0, 6), H2_FRAME_SIZE_ERROR,
                 H2_SCOPE_SESSION);
}

static void frames_are_where_they_belong(void **state) {
    (void)state;
    static const uint8_t on_streams[] = {H2_FRAME_DATA,         H2_FRAME_HEADERS,
                                         H2_FRAME_PRIORITY,     H2_FRAME_RST_STREAM,
                                         H2_FRAME_PUSH_PROMISE, H2_FRAME_CONTINUATION};
    static const uint8_t on_session[] = {H2_FRAME_SETTINGS, H2_FRAME_PING, H2_FRAME_GOAWAY,
                                         H2_FRAME_PRIORITY_UPDATE};
    for (size_t i = 0; i < sizeof(on_streams); i++)
        assert_fault(CHECK(on_streams[i], 0, 0, 5), H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
    for (size_t i = 0; i < sizeof(on_session); i++)
        assert_fault(CHECK(on_session[i], 0, 1, 8), H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
}

static void a_frame_holds_what_its_flags_say(void **state) {
    (void)state;
    assert_fault(CHECK(H2_FRAME_DATA, H2_FLAG_PADDED, 1, 0), H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
    assert_fault(CHECK(H2_FRAME_HEADERS, H2_FLAG_PRIORITY, 1, 4), H2_FRAME_SIZE_ERROR,
                 H2_SCOPE_SESSION);
    assert_fault(CHECK(H2_FRAME_HEADERS, H2_FLAG_PRIORITY | H2_FLAG_PADDED, 1, 5),
                 H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
    assert_fault(CHECK(H2_FRAME_PUSH_PROMISE, H2_FLAG_PADDED, 1, 4), H2_FRAME_SIZE_ERROR,
                 H2_SCOPE_SESSION);
    assert_int_equal(CHECK(H2_FRAME_DATA, 0, 1, 0), H2_OK);
    assert_int_equal(CHECK(H2_FRAME_DATA, H2_FLAG_PADDED, 1, 1), H2_OK);
}

static void padding_fits_behind_the_prefix(void **state) {
    (void)state;
    h2_frame_prefix prefix;
    h2_frame_header data = {4, 1, H2_FRAME_DATA, H2_FLAG_PADDED};
    assert_int_equal(h2_frame_read_prefix(&data, (const uint8_t *)"\x03", &prefix, &fault), H2_OK);
    assert_int_equal(prefix.padding, 3);
    assert_fault(h2_frame_read_prefix(&data, (const uint8_t *)"\x04", &prefix, &fault),
                 H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
    h2_frame_header headers = {7, 1, H2_FRAME_HEADERS, H2_FLAG_PADDED | H2_FLAG_PRIORITY};
    const uint8_t octets[] = {1, 0x80, 0, 0, 3, 15};
    assert_int_equal(h2_frame_read_prefix(&headers, octets, &prefix, &fault), H2_OK);
    assert_int_equal(prefix.padding, 1);
    assert_int_equal(prefix.dependency.stream_id, 3);
    assert_int_equal(prefix.dependency.weight, 15);
    assert_true(prefix.dependency.is_exclusive);
}

static void no_stream_depends_on_itself(void **state) {
    (void)state;
    h2_frame_prefix prefix;
    h2_dependency dependency;
    h2_frame_header headers = {5, 3, H2_FRAME_HEADERS, H2_FLAG_PRIORITY};
    h2_frame_header priority = {5, 3, H2_FRAME_PRIORITY, 0};
    const uint8_t octets[] = {0x80, 0, 0, 3, 15};
    assert_fault(h2_frame_read_prefix(&headers, octets, &prefix, &fault), H2_PROTOCOL_ERROR,
                 H2_SCOPE_SESSION);
    assert_fault(h2_frame_read_priority(&priority, octets, &dependency, &fault), H2_PROTOCOL_ERROR,
                 H2_SCOPE_SESSION);
}

static void a_promised_stream_is_a_servers(void **state) {
    (void)state;
    h2_frame_prefix prefix;
    h2_frame_header header = {4, 1, H2_FRAME_PUSH_PROMISE, 0};
    assert_int_equal(h2_frame_read_prefix(&header, (const uint8_t *)"\x80\0\0\2", &prefix, &fault),
                     H2_OK);
    assert_int_equal(prefix.promised_id, 2);
    assert_fault(h2_frame_read_prefix(&header, (const uint8_t *)"\0\0\0\1", &prefix, &fault),
                 H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
    assert_fault(h2_frame_read_prefix(&header, (const uint8_t *)"\0\0\0\0", &prefix, &fault),
                 H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
}

static void an_increment_is_not_zero_and_has_31_bits(void **state) {
    (void)state;
    uint32_t increment;
    h2_frame_header on_session = {4, 0, H2_FRAME_WINDOW_UPDATE, 0};
    h2_frame_header on_stream = {4, 5, H2_FRAME_WINDOW_UPDATE, 0};
    assert_int_equal(h2_frame_read_window_update(&on_stream, (const uint8_t *)"\xff\xff\xff\xff",
                                                 &increment, &fault),
                     H2_OK);
    assert_int_equal(increment, 0x7fffffff);
    assert_fault(
        h2_frame_read_window_update(&on_stream, (const uint8_t *)"\x80\0\0\0", &increment, &fault),
        H2_PROTOCOL_ERROR, H2_SCOPE_STREAM);
    assert_fault(
        h2_frame_read_window_update(&on_session, (const uint8_t *)"\0\0\0\0", &increment, &fault),
        H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
}

static void goaway_is_read_as_written(void **state) {
    (void)state;
    uint8_t octets[64];
    h2_frame_header header;
    h2_goaway sent = {7, H2_CANCEL, BYTES_LITERAL("bye")}, read;
    assert_ptr_equal(h2_frame_write_goaway(octets, &sent), octets + 20);
    octets[9] |= 0x80;
    h2_frame_header_read(&header, octets);
    h2_frame_read_goaway(&header, octets + 9, &read);
    assert_int_equal(read.last_id, 7);
    assert_int_equal(read.code, H2_CANCEL);
    assert_true(bytes_slice_equal(read.debug, sent.debug));
}

static void altsvc_splits_origin_and_value(void **state) {
    (void)state;
    bytes_slice origin, value;
    const uint8_t payload[] = {0, 2, 'a', 'b', 'c', 'd', 'e'};
    h2_frame_header header = {sizeof(payload), 0, H2_FRAME_ALTSVC, 0};
    assert_int_equal(h2_frame_read_altsvc(&header, payload, &origin, &value, &fault), H2_OK);
    assert_true(bytes_slice_equal(origin, BYTES_LITERAL("ab")));
    assert_true(bytes_slice_equal(value, BYTES_LITERAL("cde")));
    header.length = 3;
    assert_fault(h2_frame_read_altsvc(&header, payload, &origin, &value, &fault),
                 H2_FRAME_SIZE_ERROR, H2_SCOPE_SESSION);
}

static void origin_entries_end_with_the_frame(void **state) {
    (void)state;
    bytes_slice origin, rest = bytes_slice_of("\0\2ab\0\0\0\5c", 9);
    assert_int_equal(h2_frame_read_origin(&rest, &origin, &fault), H2_OK);
    assert_true(bytes_slice_equal(origin, BYTES_LITERAL("ab")));
    assert_int_equal(h2_frame_read_origin(&rest, &origin, &fault), H2_OK);
    assert_int_equal(origin.size, 0);
    assert_fault(h2_frame_read_origin(&rest, &origin, &fault), H2_FRAME_SIZE_ERROR,
                 H2_SCOPE_SESSION);
    rest.size = 1;
    assert_fault(h2_frame_read_origin(&rest, &origin, &fault), H2_FRAME_SIZE_ERROR,
                 H2_SCOPE_SESSION);
}

static void priority_update_names_a_stream(void **state) {
    (void)state;
    uint32_t stream_id;
    bytes_slice value;
    h2_frame_header header = {7, 0, H2_FRAME_PRIORITY_UPDATE, 0};
    assert_int_equal(h2_frame_read_priority_update(&header, (const uint8_t *)"\x80\0\0\5u=1",
                                                   &stream_id, &value, &fault),
                     H2_OK);
    assert_int_equal(stream_id, 5);
    assert_true(bytes_slice_equal(value, BYTES_LITERAL("u=1")));
    assert_fault(h2_frame_read_priority_update(&header, (const uint8_t *)"\0\0\0\0u=1", &stream_id,
                                               &value, &fault),
                 H2_PROTOCOL_ERROR, H2_SCOPE_SESSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_nine_octets_without_the_reserved_bit),
        cmocka_unit_test(no_frame_of_any_type_is_longer_than_the_limit),
        cmocka_unit_test(fixed_sizes_are_exact),
        cmocka_unit_test(settings_are_whole_entries_and_their_acknowledgement_is_empty),
        cmocka_unit_test(frames_are_where_they_belong),
        cmocka_unit_test(a_frame_holds_what_its_flags_say),
        cmocka_unit_test(padding_fits_behind_the_prefix),
        cmocka_unit_test(no_stream_depends_on_itself),
        cmocka_unit_test(a_promised_stream_is_a_servers),
        cmocka_unit_test(an_increment_is_not_zero_and_has_31_bits),
        cmocka_unit_test(goaway_is_read_as_written),
        cmocka_unit_test(altsvc_splits_origin_and_value),
        cmocka_unit_test(origin_entries_end_with_the_frame),
        cmocka_unit_test(priority_update_names_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
