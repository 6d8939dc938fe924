/* Frames as such (RFC 9113 §3.4, §4, §5.5), whatever they are about. */
#include "h2/support/cases.h"

static int open_silent_server(void **state) {
    (void)state;
    peer_open_silent(&p, H2_SERVER, NULL);
    return 0;
}

/* -------------------------------------------------------------------------------------- preface */

static void the_preface_is_checked_octet_by_octet(void **state) {
    (void)state;
    const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (size_t at = 0; at < 24; at++) {
        peer_octets(&p, preface, at);
        peer_expect(&p, "", NULL);
        peer_octets(&p, "?", 1);
        peer_expect_fault(&p, "PROTOCOL_ERROR");
        peer_close(&p);
        peer_open_silent(&p, H2_SERVER, NULL);
    }
}

static void other_protocols_are_closed_at_their_first_octet(void **state) {
    (void)state;
    static const char *const openings[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "EHLO a\r\n"};
    for (size_t i = 0; i < 3; i++) {
        peer_octets(&p, openings[i], 1);
        peer_expect_fault(&p, "PROTOCOL_ERROR");
        peer_close(&p);
        peer_open_silent(&p, H2_SERVER, NULL);
    }
}

static void the_first_frame_is_settings(void **state) {
    (void)state;
    peer_preface(&p);
    peer_ping(&p, 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    peer_close(&p);
    peer_open_silent(&p, H2_SERVER, NULL);
    peer_preface(&p);
    peer_settings_ack(&p);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_client_begins_with_its_preface(void **state) {
    (void)state;
    peer_close(&p);
    peer_open_silent(&p, H2_CLIENT, NULL);
    bytes_slice slices[4];
    size_t count;
    assert_true(h2_session_wants_output(p.session));
    assert_int_equal(h2_session_output(p.session, slices, 4, 1000, &count), H2_OK);
    assert_int_equal(count, 1);
    assert_int_equal(slices[0].size, 24 + 9);
    assert_memory_equal(slices[0].data, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    h2_session_sent(p.session, 33);
    assert_false(h2_session_wants_output(p.session));
}

/* --------------------------------------------------------------------------------- frame lengths */

static void assert_header_fault(uint32_t length, uint8_t type, uint8_t flags, uint32_t stream_id,
                                const char *code) {
    uint8_t header[H2_FRAME_HEADER_OCTETS];
    h2_frame_write_header(header, length, type, flags, stream_id);
    peer_octets(&p, header, sizeof(header));
    peer_expect_fault(&p, code);
    again(H2_SERVER, NULL);
}

static void wrong_lengths_end_the_session_at_the_header(void **state) {
    (void)state;
    assert_header_fault(7, H2_FRAME_PING, 0, 0, "FRAME_SIZE_ERROR");
    assert_header_fault(5, H2_FRAME_RST_STREAM, 0, 1, "FRAME_SIZE_ERROR");
    assert_header_fault(3, H2_FRAME_WINDOW_UPDATE, 0, 0, "FRAME_SIZE_ERROR");
    assert_header_fault(5, H2_FRAME_SETTINGS, 0, 0, "FRAME_SIZE_ERROR");
    assert_header_fault(6, H2_FRAME_PRIORITY, 0, 1, "FRAME_SIZE_ERROR");
    assert_header_fault(7, H2_FRAME_GOAWAY, 0, 0, "FRAME_SIZE_ERROR");
    assert_header_fault(6, H2_FRAME_SETTINGS, H2_FLAG_ACK, 0, "FRAME_SIZE_ERROR");
    assert_header_fault(4, H2_FRAME_HEADERS, H2_FLAG_PRIORITY, 1, "FRAME_SIZE_ERROR");
    assert_header_fault(0, H2_FRAME_DATA, H2_FLAG_PADDED, 1, "FRAME_SIZE_ERROR");
}

static void an_oversize_frame_is_refused_before_its_payload(void **state) {
    (void)state;
    for (int type = 0; type < 256; type += type < 18 ? 1 : 79) {
        bool is_foreign = type == H2_FRAME_PUSH_PROMISE; /* PROTOCOL_ERROR from a client */
        const char *code = is_foreign ? "PROTOCOL_ERROR" : "FRAME_SIZE_ERROR";
        assert_header_fault(16385, (uint8_t)type, 0, 1, code);
        assert_header_fault(0xffffff, (uint8_t)type, 0, 1, code);
    }
    assert_true(h2_session_memory(p.session) < 8192);
}

static void frames_on_the_wrong_kind_of_stream_end_the_session(void **state) {
    (void)state;
    static const uint8_t stream_types[] = {H2_FRAME_DATA, H2_FRAME_HEADERS, H2_FRAME_PRIORITY,
                                           H2_FRAME_CONTINUATION};
    static const uint8_t session_types[] = {H2_FRAME_SETTINGS, H2_FRAME_PING, H2_FRAME_GOAWAY};
    for (size_t i = 0; i < sizeof(stream_types); i++)
        assert_header_fault(5, stream_types[i], H2_FLAG_END_HEADERS, 0, "PROTOCOL_ERROR");
    assert_header_fault(4, H2_FRAME_RST_STREAM, 0, 0, "PROTOCOL_ERROR");
    for (size_t i = 0; i < sizeof(session_types); i++)
        assert_header_fault(8, session_types[i], 0, 1, "PROTOCOL_ERROR");
}

static void padding_as_long_as_the_payload_ends_the_session(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_post(&p, 3);
    peer_run(&p);
    peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED, 3, "\x05xxxx", 5);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_frame(&p, H2_FRAME_HEADERS, H2_FLAG_PADDED | H2_FLAG_END_HEADERS, 1, "\x05xxxx", 5);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_frame(&p, H2_FRAME_HEADERS, H2_FLAG_PADDED | H2_FLAG_END_HEADERS, 1, "\xff", 1);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void padding_that_is_not_zero_is_ignored(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_frame(&p, H2_FRAME_DATA, H2_FLAG_PADDED | H2_FLAG_END_STREAM, 1,
               "\x03"
               "abcXYZ",
               7);
    peer_expect(&p, "request 1; data 1 3 end", "");
}

/* -------------------------------------------------------------------------- unknown and reserved */

static void unknown_frames_are_read_past_with_any_flags(void **state) {
    (void)state;
    for (int type = 0x0b; type < 256; type++) {
        if (type == H2_FRAME_ORIGIN || type == H2_FRAME_PRIORITY_UPDATE)
            continue;
        for (int flags = 0; flags < 256; flags += 5)
            peer_frame(&p, (uint8_t)type, (uint8_t)flags, (uint32_t)flags, "payload",
                       (size_t)flags % 8);
        p.now_ms += 1000;
        peer_expect(&p, "", "");
    }
    peer_get(&p, 1);
    peer_expect(&p, "request 1 end", "");
}

static void a_flood_of_unknown_frames_ends_the_session(void **state) {
    (void)state;
    for (int i = 0; i < 10001; i++)
        peer_frame(&p, 0xee, 0, 0, NULL, 0);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void frames_for_clients_are_unknown_to_servers(void **state) {
    (void)state;
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 0, "\0\xff", 2);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 0, "", 1);
    peer_frame(&p, H2_FRAME_ORIGIN, 0, 0, "\0\xff", 2);
    peer_expect(&p, "", "");
}

static void reserved_bits_and_undefined_flags_are_ignored(void **state) {
    (void)state;
    bytes_slice block =
        peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a", NULL);
    peer_headers(&p, H2_FLAG_END_HEADERS | 0xd2, 0x80000001, block);
    peer_frame(&p, H2_FRAME_WINDOW_UPDATE, 0xff, 0x80000000, "\x80\0\0\1", 4);
    peer_frame(&p, H2_FRAME_DATA, 0xf6, 0x80000001, "abc", 3);
    peer_frame(&p, H2_FRAME_PING, 0xfe, 0x80000000, "abcdefgh", 8);
    peer_frame(&p, H2_FRAME_GOAWAY, 0xff, 0x80000000, "\x80\0\0\0\0\0\0\0", 8);
    peer_expect(&p, "request 1; data 1 3; ping abcdefgh; goaway NO_ERROR 0 ", "PING ack");
}

/* ---------------------------------------------------------------------------------------- ending */

static void nothing_is_read_or_told_after_the_fault(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_frame(&p, H2_FRAME_PING, 0, 0, "", 0);
    for (int i = 0; i < 100; i++) {
        peer_get(&p, (uint32_t)(3 + 2 * i));
        peer_frame(&p, H2_FRAME_DATA, 0xff, 0, "garbage", 7);
    }
    peer_expect_fault(&p, "FRAME_SIZE_ERROR");
}

static void nothing_is_told_after_terminate(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_run(&p);
    assert_int_equal(h2_session_terminate(p.session, H2_INTERNAL_ERROR, BYTES_LITERAL("x")), H2_OK);
    assert_int_equal(h2_session_terminate(p.session, H2_NO_ERROR, BYTES_LITERAL("y")), H2_OK);
    peer_get(&p, 3);
    peer_expect(&p, "request 1 end", "GOAWAY INTERNAL_ERROR 1");
    assert_true(h2_session_is_finished(p.session));
    assert_int_equal(h2_session_stream_count(p.session), 0);
}

static void a_client_reads_no_preface(void **state) {
    (void)state;
    uint32_t id = peer_submit_get(&p);
    peer_respond(&p, H2_FLAG_END_STREAM, id);
    peer_expect(&p, "response 1 200 end; close 1 NO_ERROR local", "HEADERS 1 end");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define SILENT(test) cmocka_unit_test_setup_teardown(test, open_silent_server, close_peer)
        SILENT(the_preface_is_checked_octet_by_octet),
        SILENT(other_protocols_are_closed_at_their_first_octet),
        SILENT(the_first_frame_is_settings),
        SILENT(a_client_begins_with_its_preface),
        SERVER(wrong_lengths_end_the_session_at_the_header),
        SERVER(an_oversize_frame_is_refused_before_its_payload),
        SERVER(frames_on_the_wrong_kind_of_stream_end_the_session),
        SERVER(padding_as_long_as_the_payload_ends_the_session),
        SERVER(padding_that_is_not_zero_is_ignored),
        SERVER(unknown_frames_are_read_past_with_any_flags),
        SERVER(a_flood_of_unknown_frames_ends_the_session),
        SERVER(frames_for_clients_are_unknown_to_servers),
        SERVER(reserved_bits_and_undefined_flags_are_ignored),
        SERVER(nothing_is_read_or_told_after_the_fault),
        SERVER(nothing_is_told_after_terminate),
        CLIENT(a_client_reads_no_preface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
