/* Header blocks and the messages they make (RFC 9113 §4.3, §5.1.1, §5.1.2, §6.2, §6.6, §6.10, §8). */
#include "h2/support/cases.h"

#define END (H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM)

static bytes_slice get_block(void) {
    return peer_block(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", NULL);
}

/* A request that inserts a field into the decoder's table, and one that uses it: whether the tables
 * are in step shows in the second. */
static void insert_field(peer *to, uint32_t stream_id, uint8_t flags, const char *broken_name) {
    bytes_slice broken = peer_block(broken_name, "x", NULL);
    bytes_buffer block = {0};
    assert_int_equal(bytes_buffer_append(&block, "\x40\x03new\x05value", 11), 0);
    assert_int_equal(bytes_buffer_append(&block, broken.data, broken.size), 0);
    peer_headers(to, flags, stream_id, bytes_slice_of(block.data, block.size));
    bytes_buffer_dispose(&block);
}

static void use_inserted_field(peer *to, uint32_t stream_id) {
    bytes_slice pseudo = get_block();
    bytes_buffer block = {0};
    assert_int_equal(bytes_buffer_append(&block, pseudo.data, pseudo.size), 0);
    assert_int_equal(bytes_buffer_append(&block, "\xbe", 1), 0);
    peer_headers(to, END, stream_id, bytes_slice_of(block.data, block.size));
    bytes_buffer_dispose(&block);
}

static void expect_in_step(uint32_t stream_id) {
    char expected[160];
    snprintf(expected, sizeof(expected),
             "request %u :method=GET :scheme=http :path=/ :authority=a new=value end", stream_id);
    p.events.with_fields = true;
    use_inserted_field(&p, stream_id);
    peer_expect(&p, expected, NULL);
    p.events.with_fields = false;
}

/* ---------------------------------------------------------------------------------- identifiers */

static void identifiers_of_the_peer_only_grow_and_are_odd(void **state) {
    (void)state;
    static const uint32_t wrong[] = {2, 4, 0x7ffffffe};
    for (size_t i = 0; i < 3; i++) {
        peer_get(&p, wrong[i]);
        peer_expect_fault(&p, "PROTOCOL_ERROR");
        again(H2_SERVER, NULL);
    }
    peer_get(&p, 5);
    peer_get(&p, 3);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void the_last_identifier_is_served_and_then_no_other(void **state) {
    (void)state;
    peer_get(&p, 0x7fffffff);
    peer_expect(&p, "request 2147483647 end", "GOAWAY NO_ERROR 2147483647");
    peer_submit_ok(&p, 0x7fffffff, true);
    peer_expect(&p, "close 2147483647 NO_ERROR local",
                "HEADERS 2147483647 end; GOAWAY NO_ERROR 2147483647");
    assert_true(h2_session_is_finished(p.session));
}

static void frames_on_idle_streams_end_the_session(void **state) {
    (void)state;
    peer_data(&p, 0, 1, 3);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_reset(&p, 1, H2_CANCEL);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_window_update(&p, 1, 1);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 1, "", 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_data(&p, 0, 2, 3);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    peer_respond(&p, 0, 1);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    peer_respond(&p, 0, 2);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void headers_after_the_end_end_the_session(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_get(&p, 1);
    peer_expect_fault(&p, "STREAM_CLOSED");
    again(H2_SERVER, NULL);
    peer_get(&p, 1); /* closed by both sides */
    peer_run(&p);
    peer_submit_ok(&p, 1, true);
    peer_run(&p);
    peer_get(&p, 1);
    peer_expect_fault(&p, "STREAM_CLOSED");
}

static void headers_after_the_end_cost_a_lenient_server_the_stream(void **state) {
    (void)state;
    peer_get(&p, 1);
    insert_field(&p, 1, END, "x");
    peer_expect(&p, "request 1 end; close 1 STREAM_CLOSED engine reset",
                "RST_STREAM 1 STREAM_CLOSED");
    expect_in_step(3);
}

static void headers_on_a_stream_we_have_reset_are_decoded_and_ignored(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_run(&p);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    insert_field(&p, 1, END, "x");
    peer_expect(&p, "request 1; close 1 CANCEL local reset", "RST_STREAM 1 CANCEL");
    expect_in_step(3);
}

/* -------------------------------------------------------------------------------- malformed ones */

static void a_malformed_request_is_reset_without_an_event(void **state) {
    (void)state;
    insert_field(&p, 1, END, "Upper");
    peer_expect(&p, "", "RST_STREAM 1 PROTOCOL_ERROR");
    expect_in_step(3);
}

static void a_flood_of_malformed_requests_ends_the_session(void **state) {
    (void)state;
    bytes_slice block = peer_block(":method", "GET", NULL);
    for (uint32_t i = 0; i < 1000; i++)
        peer_headers(&p, END, 1 + 2 * i, block);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_headers(&p, END, 2001, block);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void a_list_over_the_limit_costs_the_stream_and_the_tables_stay_in_step(void **state) {
    (void)state;
    char *value = malloc(14001);
    assert_non_null(value);
    memset(value, 'v', 14000);
    value[14000] = '\0';
    insert_field(&p, 1, H2_FLAG_END_STREAM, "x");
    bytes_slice part = peer_block("long", value, NULL);
    for (int i = 0; i < 5; i++)
        peer_frame(&p, H2_FRAME_CONTINUATION, i == 4 ? H2_FLAG_END_HEADERS : 0, 1, part.data,
                   part.size);
    peer_expect(&p, "", "RST_STREAM 1 ENHANCE_YOUR_CALM");
    expect_in_step(3);
    free(value);
}

static void crumbs_count_as_fields(void **state) {
    (void)state;
    bytes_buffer block = {0};
    for (int fields = 100; fields <= 129; fields += 29) {
        bytes_slice pseudo = get_block();
        block.size = 0;
        assert_int_equal(bytes_buffer_append(&block, pseudo.data, pseudo.size), 0);
        for (int i = 4; i < fields; i++) /* literal, indexed name 32 (cookie), "a=b" */
            assert_int_equal(bytes_buffer_append(&block,
                                                 "\x0f\x11\x03"
                                                 "a=b",
                                                 6),
                             0);
        peer_headers(&p, END, (uint32_t)fields * 2 + 1, bytes_slice_of(block.data, block.size));
    }
    bytes_buffer_dispose(&block);
    peer_expect(&p, "request 201 end", "RST_STREAM 259 ENHANCE_YOUR_CALM");
}

static void an_index_bomb_ends_the_session(void **state) {
    (void)state;
    char *value = malloc(3901);
    assert_non_null(value);
    memset(value, 'v', 3900);
    value[3900] = '\0';
    bytes_slice literal = peer_block("a", value, NULL);
    bytes_buffer block = {0};
    assert_int_equal(bytes_buffer_append(&block, literal.data, literal.size), 0);
    block.data[0] = 0x40; /* with indexing */
    for (int i = 0; i < 10000; i++)
        assert_int_equal(bytes_buffer_append(&block, "\xbe", 1), 0);
    peer_headers(&p, END, 1, bytes_slice_of(block.data, block.size));
    bytes_buffer_dispose(&block);
    free(value);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    assert_true(h2_session_memory(p.session) < 128 * 1024);
}

static void a_block_that_cannot_be_decoded_ends_the_session(void **state) {
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
    } blocks[] = {{"\x80", 1},
                  {"\xbe", 1},
                  {"\x00\x85"
                   "ab",
                   4},
                  {"\x7f\xff\xff\xff\xff\xff\x0f", 7},
                  {"\x20\x20\x20\x82", 4},
                  {"\x82\x20", 2},
                  {"\x3f\xe2\x1f\x82", 4}};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
        peer_headers(&p, END, 1, bytes_slice_of(blocks[i].octets, blocks[i].size));
        peer_expect_fault(&p, "COMPRESSION_ERROR");
        again(H2_SERVER, NULL);
    }
}

static void a_smaller_table_of_ours_is_announced_by_the_peers_encoder(void **state) {
    (void)state;
    h2_setting smaller = {H2_SETTINGS_HEADER_TABLE_SIZE, 100};
    insert_field(&p, 1, END, "Bad");
    peer_run(&p);
    assert_int_equal(h2_session_submit_settings(p.session, &smaller, 1), H2_OK);
    peer_settings_ack(&p);
    peer_headers(&p, END, 3,
                 bytes_slice_of("\x3f\x45\x82\x86\x84\x41\x01"
                                "a",
                                8));
    peer_expect(&p, "settings ack; request 3 end", NULL);
    again(H2_SERVER, NULL);
    insert_field(&p, 1, END, "Bad");
    peer_run(&p);
    assert_int_equal(h2_session_submit_settings(p.session, &smaller, 1), H2_OK);
    smaller.value = 0;
    assert_int_equal(h2_session_submit_settings(p.session, &smaller, 1), H2_OK);
    peer_settings_ack(&p);
    peer_settings_ack(&p);
    peer_get(&p, 3);
    peer_expect_fault(&p, "COMPRESSION_ERROR");
}

static void a_request_that_ends_before_its_content_is_malformed(void **state) {
    (void)state;
    peer_headers(&p, END, 1,
                 peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a",
                            "content-length", "5", NULL));
    peer_expect(&p, "", "RST_STREAM 1 PROTOCOL_ERROR");
    peer_headers(&p, END, 3,
                 peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a",
                            "content-length", "0", NULL));
    peer_expect(&p, "request 3 end", "");
}

static void a_stream_that_depends_on_itself_ends_the_session(void **state) {
    (void)state;
    peer_frame(&p, H2_FRAME_HEADERS, END | H2_FLAG_PRIORITY, 1, "\0\0\0\1\x10\x82", 6);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_stream_reset_inside_a_block_tells_nothing_of_it(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_run(&p);
    peer_headers(&p, H2_FLAG_END_STREAM, 1, peer_block("x-a", "1", NULL));
    peer_run(&p);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    bytes_slice rest = peer_block("x-b", "1", NULL);
    peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 1, rest.data, rest.size);
    peer_expect(&p, "request 1; close 1 CANCEL local reset", "RST_STREAM 1 CANCEL");
}

/* ---------------------------------------------------------------------------------- CONTINUATION */

static void send_block_in_parts(uint32_t stream_id, size_t parts, uint8_t last_flags) {
    bytes_slice block = get_block();
    peer_headers(&p, H2_FLAG_END_STREAM, stream_id, bytes_slice_of(block.data, block.size));
    for (size_t i = 0; i < parts; i++) {
        bytes_slice field = peer_block("x", "y", NULL);
        peer_frame(&p, H2_FRAME_CONTINUATION, i == parts - 1 ? last_flags : 0, stream_id,
                   field.data, field.size);
    }
}

static void eight_continuation_frames_are_taken_and_nine_are_not(void **state) {
    (void)state;
    send_block_in_parts(1, 8, H2_FLAG_END_HEADERS);
    peer_expect(&p, "request 1 end", "");
    send_block_in_parts(3, 9, H2_FLAG_END_HEADERS);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void a_flood_of_continuation_ends_the_session_where_nothing_is_kept_too(void **state) {
    (void)state;
    peer_post(&p, 1); /* trailers */
    peer_run(&p);
    send_block_in_parts(1, 9, 0);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    again(H2_SERVER, NULL);
    peer_post(&p, 1); /* a stream that we have reset */
    peer_run(&p);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    send_block_in_parts(1, 9, 0);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    again(H2_SERVER, NULL);
    assert_int_equal(h2_session_shutdown(p.session), H2_OK); /* after our GOAWAY */
    send_block_in_parts(1, 9, 0);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    again(H2_CLIENT, NULL);
    (void)peer_submit_get(&p); /* a promise */
    peer_run(&p);
    peer_frame(&p, H2_FRAME_PUSH_PROMISE, 0, 1, "\0\0\0\2\x82", 5);
    for (int i = 0; i < 9; i++)
        peer_frame(&p, H2_FRAME_CONTINUATION, 0, 1, "\x84", 1);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void empty_continuation_frames_end_the_session_at_the_second(void **state) {
    (void)state;
    bytes_slice block = get_block();
    peer_headers(&p, H2_FLAG_END_STREAM, 1, block);
    peer_frame(&p, H2_FRAME_CONTINUATION, 0, 1, "", 0);
    peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 1, "", 0);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
    again(H2_SERVER, NULL);
    peer_headers(&p, H2_FLAG_END_STREAM, 1, get_block());
    peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 1, "", 0);
    peer_expect(&p, "request 1 end", "");
}

static void nothing_comes_between_the_frames_of_a_block(void **state) {
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        peer_headers(&p, H2_FLAG_END_STREAM, 1, get_block());
        if (kind == 0)
            peer_ping(&p, 0);
        else if (kind == 1)
            peer_data(&p, 0, 1, 1);
        else if (kind == 2)
            peer_frame(&p, 0xfe, 0, 1, "", 0);
        else if (kind == 3)
            peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 3, "", 0);
        else
            peer_get(&p, 3);
        peer_expect_fault(&p, "PROTOCOL_ERROR");
        again(H2_SERVER, NULL);
    }
}

static void empty_headers_frames_count_as_invalid(void **state) {
    (void)state;
    for (uint32_t i = 0; i <= 1000; i++) {
        bytes_slice block = get_block();
        peer_frame(&p, H2_FRAME_HEADERS, H2_FLAG_END_STREAM, 1 + 2 * i, "", 0);
        peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 1 + 2 * i, block.data,
                   block.size);
    }
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void continuation_after_the_end_of_a_block_ends_the_session(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_frame(&p, H2_FRAME_CONTINUATION, H2_FLAG_END_HEADERS, 1, "", 0);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void no_stream_is_made_before_its_block_ends(void **state) {
    (void)state;
    size_t before = h2_session_memory(p.session);
    peer_headers(&p, H2_FLAG_END_STREAM, 1, get_block());
    peer_expect(&p, "", "");
    assert_int_equal(h2_session_stream_count(p.session), 0);
    assert_true(h2_session_memory(p.session) <= before + 512);
}

/* ------------------------------------------------------------------------------------ concurrency */

static void two_streams(h2_options *options) {
    static const h2_setting setting = {H2_SETTINGS_MAX_CONCURRENT_STREAMS, 2};
    options->settings = &setting;
    options->settings_count = 1;
}

static void a_stream_over_the_limit_is_refused_and_the_others_go_on(void **state) {
    (void)state;
    again(H2_SERVER, two_streams);
    peer_get(&p, 1);
    peer_get(&p, 3);
    insert_field(&p, 5, END, "x"); /* malformed: looked at first */
    peer_get(&p, 7);
    peer_expect(&p, "request 1 end; request 3 end",
                "RST_STREAM 5 PROTOCOL_ERROR; RST_STREAM 7 REFUSED_STREAM");
    peer_submit_ok(&p, 1, true);
    peer_run(&p);
    peer_events(&p);
    expect_in_step(9);
    for (uint32_t i = 0; i < 100; i++)
        peer_get(&p, 11 + 2 * i);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_get(&p, 1001);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void excess_before_the_acknowledgement_is_refused_but_not_charged(void **state) {
    (void)state;
    peer_close(&p);
    peer_open_silent(&p, H2_SERVER, two_streams);
    peer_preface(&p);
    peer_settings(&p, NULL, 0);
    for (uint32_t i = 0; i < 500; i++)
        peer_get(&p, 1 + 2 * i);
    peer_run(&p);
    assert_string_equal(peer_events(&p), "settings; request 1 end; request 3 end");
    assert_non_null(strstr(peer_frames(&p), "RST_STREAM 999 REFUSED_STREAM"));
    peer_settings_ack(&p);
    peer_expect(&p, "settings ack", "");
}

static void streams_are_refused_while_too_much_is_held(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    p.is_deaf = true;
    for (int i = 0; i < 11; i++)
        assert_int_equal(peer_write(&p, 1, 1000 * 1000), H2_OK);
    peer_get(&p, 3);
    p.is_deaf = false;
    peer_run(&p);
    assert_non_null(strstr(peer_frames(&p), "RST_STREAM 3 ENHANCE_YOUR_CALM"));
    assert_string_equal(peer_events(&p), "request 1 end");
}

static void streams_after_our_goaway_are_ignored_and_the_tables_stay_in_step(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_run(&p);
    assert_int_equal(h2_session_submit_goaway(p.session, 0, 99, BYTES_LITERAL("")), H2_OK);
    insert_field(&p, 3, H2_FLAG_END_HEADERS, "x");
    peer_data(&p, H2_FLAG_END_STREAM, 3, 100);
    peer_reset(&p, 3, H2_CANCEL);
    peer_window_update(&p, 3, 5);
    peer_expect(&p, "request 1 end", "GOAWAY NO_ERROR 1");
    peer_submit_ok(&p, 1, true);
    peer_expect(&p, "close 1 NO_ERROR local", "HEADERS 1 end");
}

/* -------------------------------------------------------------------------------------- responses */

static void a_response_comes_after_its_interim_responses(void **state) {
    (void)state;
    uint32_t id = peer_submit_post(&p);
    peer_headers(&p, H2_FLAG_END_HEADERS, id, peer_block(":status", "103", "link", "x", NULL));
    peer_headers(&p, H2_FLAG_END_HEADERS, id, peer_block(":status", "100", NULL));
    peer_respond(&p, 0, id);
    peer_data(&p, 0, id, 5);
    peer_headers(&p, END, id, peer_block("x-sum", "1", NULL));
    peer_expect(
        &p, "informational 1 103; informational 1 100; response 1 200; data 1 5; trailers 1 end",
        "HEADERS 1");
}

static void interim_responses_are_counted(void **state) {
    (void)state;
    uint32_t id = peer_submit_get(&p);
    for (int i = 0; i < 32; i++)
        peer_headers(&p, H2_FLAG_END_HEADERS, id, peer_block(":status", "102", NULL));
    peer_run(&p);
    assert_int_equal(h2_session_stream_count(p.session), 1);
    peer_events(&p);
    peer_headers(&p, H2_FLAG_END_HEADERS, id, peer_block(":status", "102", NULL));
    peer_expect(&p, "close 1 PROTOCOL_ERROR engine reset", NULL);
}

static void malformed_responses_cost_the_stream_alone(void **state) {
    (void)state;
    static const char *const statuses[] = {"99", "1000", "2 0", "101", ""};
    for (size_t i = 0; i < 5; i++) {
        uint32_t id = peer_submit_get(&p);
        peer_headers(&p, H2_FLAG_END_HEADERS, id, peer_block(":status", statuses[i], NULL));
        char expected[64];
        snprintf(expected, sizeof(expected), "close %u PROTOCOL_ERROR engine reset", id);
        peer_expect(&p, expected, NULL);
    }
    uint32_t id = peer_submit_get(&p);
    peer_headers(&p, END, id, peer_block(":status", "100", NULL));
    peer_expect(&p, "close 11 PROTOCOL_ERROR engine reset", NULL);
    id = peer_submit_get(&p);
    peer_headers(&p, H2_FLAG_END_HEADERS, id, peer_block("a", "b", NULL));
    peer_expect(&p, "close 13 PROTOCOL_ERROR engine reset", NULL);
    id = peer_submit_get(&p);
    peer_respond(&p, 0, id);
    peer_respond(&p, 0, id);
    peer_expect(&p, "response 15 200; close 15 PROTOCOL_ERROR engine reset", NULL);
    id = peer_submit_get(&p);
    peer_respond(&p, H2_FLAG_END_STREAM, id);
    peer_expect(&p, "response 17 200 end; close 17 NO_ERROR local", NULL);
}

static void a_response_over_the_limit_costs_the_stream(void **state) {
    (void)state;
    uint32_t id = peer_submit_get(&p);
    bytes_buffer block = {0};
    assert_int_equal(bytes_buffer_append(&block, "\x88", 1), 0);
    for (int i = 0; i < 128; i++)
        assert_int_equal(bytes_buffer_append(&block,
                                             "\x00\x01"
                                             "a\x01"
                                             "b",
                                             5),
                         0);
    peer_headers(&p, END, id, bytes_slice_of(block.data, block.size));
    bytes_buffer_dispose(&block);
    peer_expect(&p, "close 1 ENHANCE_YOUR_CALM engine reset", NULL);
}

static uint32_t submit(const char *method) {
    uint32_t id;
    hpack_field fields[] = {peer_field(":method", method), peer_field(":authority", "a")};
    assert_int_equal(h2_session_submit_request(p.session, fields, 2, true, NULL, &id), H2_OK);
    return id;
}

static void a_response_without_content_has_none(void **state) {
    (void)state;
    static const struct {
        const char *method, *status;
    } rows[] = {{"HEAD", "200"}, {"GET", "204"}, {"GET", "304"}};
    for (size_t i = 0; i < 3; i++) {
        char expected[128];
        bytes_slice block = peer_block(":status", rows[i].status, "content-length", "10", NULL);
        uint32_t id = submit(rows[i].method);
        peer_headers(&p, END, id, block);
        snprintf(expected, sizeof(expected), "response %u %s end; close %u NO_ERROR local", id,
                 rows[i].status, id);
        peer_expect(&p, expected, NULL);
        id = submit(rows[i].method);
        peer_headers(&p, H2_FLAG_END_HEADERS, id,
                     peer_block(":status", rows[i].status, "content-length", "10", NULL));
        peer_data(&p, H2_FLAG_END_STREAM, id, 10);
        snprintf(expected, sizeof(expected), "response %u %s; close %u PROTOCOL_ERROR engine reset",
                 id, rows[i].status, id);
        peer_expect(&p, expected, NULL);
    }
}

static void a_tunnel_has_no_length(void **state) {
    (void)state;
    hpack_field fields[] = {peer_field(":method", "CONNECT"), peer_field(":authority", "a:1")};
    uint32_t id;
    assert_int_equal(h2_session_submit_request(p.session, fields, 2, false, NULL, &id), H2_OK);
    peer_headers(&p, H2_FLAG_END_HEADERS, id,
                 peer_block(":status", "200", "content-length", "3", NULL));
    peer_data(&p, H2_FLAG_END_STREAM, id, 10);
    peer_expect(&p, "response 1 200; data 1 10 end", "HEADERS 1");
}

/* --------------------------------------------------------------------------------------- trailers */

static void trailers_end_the_stream_and_name_no_pseudo_fields(void **state) {
    (void)state;
    peer_post(&p, 1);
    peer_data(&p, 0, 1, 3);
    peer_headers(&p, END, 1, peer_block("x-sum", "1", NULL));
    peer_expect(&p, "request 1; data 1 3; trailers 1 end", "");
    peer_post(&p, 3);
    peer_headers(&p, H2_FLAG_END_HEADERS, 3, peer_block("x-sum", "1", NULL));
    peer_expect(&p, "request 3; close 3 PROTOCOL_ERROR engine reset", NULL);
    peer_post(&p, 5);
    peer_headers(&p, END, 5, peer_block(":path", "/", NULL));
    peer_expect(&p, "request 5; close 5 PROTOCOL_ERROR engine reset", NULL);
    peer_post(&p, 7);
    peer_headers(&p, END, 7, peer_block("connection", "x", NULL));
    peer_expect(&p, "request 7; close 7 PROTOCOL_ERROR engine reset", NULL);
}

static void content_that_ends_in_trailers_is_as_long_as_it_said(void **state) {
    (void)state;
    peer_headers(&p, H2_FLAG_END_HEADERS, 1,
                 peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a",
                            "content-length", "5", NULL));
    peer_data(&p, 0, 1, 4);
    peer_headers(&p, END, 1, peer_block("x-sum", "1", NULL));
    peer_expect(&p, "request 1; data 1 4; close 1 PROTOCOL_ERROR engine reset", NULL);
}

/* ----------------------------------------------------------------------------------------- pushes */

static void promise(uint32_t parent_id, uint32_t promised_id, bytes_slice block) {
    bytes_buffer payload = {0};
    uint8_t id[4];
    bytes_put_u32(id, promised_id);
    assert_int_equal(bytes_buffer_append(&payload, id, 4), 0);
    assert_int_equal(bytes_buffer_append(&payload, block.data, block.size), 0);
    peer_frame(&p, H2_FRAME_PUSH_PROMISE, H2_FLAG_END_HEADERS, parent_id, payload.data,
               payload.size);
    bytes_buffer_dispose(&payload);
}

static void a_push_is_a_request_and_then_a_response(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    promise(1, 2, get_block());
    peer_respond(&p, 0, 2);
    peer_data(&p, H2_FLAG_END_STREAM, 2, 3);
    peer_respond(&p, H2_FLAG_END_STREAM, 1);
    peer_expect(&p,
                "push 2 on 1; response 2 200; data 2 3 end; close 2 NO_ERROR local; "
                "response 1 200 end; close 1 NO_ERROR local",
                "HEADERS 1 end");
}

static void servers_take_no_promises(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_run(&p);
    promise(1, 2, get_block());
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void no_push(h2_options *options) {
    static const h2_setting setting = {H2_SETTINGS_ENABLE_PUSH, 0};
    options->settings = &setting;
    options->settings_count = 1;
}

static void a_promise_after_push_was_disabled_ends_the_session(void **state) {
    (void)state;
    again(H2_CLIENT, no_push);
    (void)peer_submit_get(&p);
    peer_run(&p);
    promise(1, 2, get_block());
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_promise_that_crossed_the_disabling_is_refused(void **state) {
    (void)state;
    peer_close(&p);
    peer_open_silent(&p, H2_CLIENT, no_push);
    (void)peer_submit_get(&p);
    peer_settings(&p, NULL, 0);
    promise(1, 2, get_block());
    peer_expect(&p, "settings",
                "SETTINGS; HEADERS 1 end; SETTINGS ack; RST_STREAM 2 REFUSED_STREAM");
}

static void promises_come_on_open_streams_with_fresh_identifiers(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_respond(&p, H2_FLAG_END_STREAM, 1);
    peer_run(&p);
    promise(1, 2, get_block()); /* closed in order */
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    promise(1, 2, get_block()); /* idle */
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    (void)peer_submit_get(&p);
    peer_run(&p);
    promise(1, 4, get_block());
    promise(1, 2, get_block()); /* below an earlier one */
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    (void)peer_submit_get(&p);
    peer_run(&p);
    promise(1, 2, get_block());
    promise(2, 4, get_block()); /* on a pushed stream */
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_promise_on_a_stream_we_have_reset_is_refused(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_run(&p);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    promise(1, 2, get_block());
    peer_expect(&p, "close 1 CANCEL local reset",
                "HEADERS 1 end; RST_STREAM 1 CANCEL; RST_STREAM 2 REFUSED_STREAM");
}

static void promises_are_of_safe_requests(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_run(&p);
    peer_frames(&p);
    promise(
        1, 2,
        peer_block(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a", NULL));
    promise(1, 4, peer_block(":method", "GET", NULL));
    promise(1, 6,
            peer_block(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a",
                       "content-length", "1", NULL));
    peer_expect(&p, "",
                "RST_STREAM 2 PROTOCOL_ERROR; RST_STREAM 4 PROTOCOL_ERROR; "
                "RST_STREAM 6 PROTOCOL_ERROR");
}

static void promises_that_do_not_begin_are_bounded(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    for (uint32_t i = 1; i <= 200; i++)
        promise(1, 2 * i, get_block());
    peer_expect(&p, NULL, "HEADERS 1 end");
    assert_int_equal(h2_session_stream_count(p.session), 201);
    peer_events(&p);
    promise(1, 402, get_block());
    peer_expect(&p, "", "RST_STREAM 402 REFUSED_STREAM");
    peer_respond(&p, H2_FLAG_END_STREAM, 2);
    promise(1, 404, get_block());
    peer_expect(&p, "response 2 200 end; close 2 NO_ERROR local; push 404 on 1", "");
}

static void one_push(h2_options *options) {
    static const h2_setting setting = {H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1};
    options->settings = &setting;
    options->settings_count = 1;
}

static void pushed_streams_have_a_limit_of_concurrency_too(void **state) {
    (void)state;
    again(H2_CLIENT, one_push);
    (void)peer_submit_get(&p);
    promise(1, 2, get_block());
    promise(1, 4, get_block());
    promise(1, 6, get_block());
    peer_respond(&p, 0, 2);
    peer_respond(&p, 0, 4);
    peer_reset(&p, 6, H2_CANCEL);
    peer_expect(&p,
                "push 2 on 1; push 4 on 1; push 6 on 1; response 2 200; "
                "close 4 REFUSED_STREAM engine reset; close 6 CANCEL peer reset",
                NULL);
    assert_int_equal(h2_session_stream_count(p.session), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(identifiers_of_the_peer_only_grow_and_are_odd),
        SERVER(the_last_identifier_is_served_and_then_no_other),
        SERVER(frames_on_idle_streams_end_the_session),
        SERVER(headers_after_the_end_end_the_session),
        LENIENT(headers_after_the_end_cost_a_lenient_server_the_stream),
        SERVER(headers_on_a_stream_we_have_reset_are_decoded_and_ignored),
        SERVER(a_malformed_request_is_reset_without_an_event),
        SERVER(a_flood_of_malformed_requests_ends_the_session),
        SERVER(a_list_over_the_limit_costs_the_stream_and_the_tables_stay_in_step),
        SERVER(crumbs_count_as_fields),
        SERVER(an_index_bomb_ends_the_session),
        SERVER(a_block_that_cannot_be_decoded_ends_the_session),
        SERVER(a_request_that_ends_before_its_content_is_malformed),
        SERVER(a_stream_that_depends_on_itself_ends_the_session),
        SERVER(a_stream_reset_inside_a_block_tells_nothing_of_it),
        SERVER(a_smaller_table_of_ours_is_announced_by_the_peers_encoder),
        SERVER(eight_continuation_frames_are_taken_and_nine_are_not),
        SERVER(a_flood_of_continuation_ends_the_session_where_nothing_is_kept_too),
        SERVER(empty_continuation_frames_end_the_session_at_the_second),
        SERVER(nothing_comes_between_the_frames_of_a_block),
        SERVER(empty_headers_frames_count_as_invalid),
        SERVER(continuation_after_the_end_of_a_block_ends_the_session),
        SERVER(no_stream_is_made_before_its_block_ends),
        SERVER(a_stream_over_the_limit_is_refused_and_the_others_go_on),
        SERVER(excess_before_the_acknowledgement_is_refused_but_not_charged),
        SERVER(streams_are_refused_while_too_much_is_held),
        SERVER(streams_after_our_goaway_are_ignored_and_the_tables_stay_in_step),
        CLIENT(a_response_comes_after_its_interim_responses),
        CLIENT(interim_responses_are_counted),
        CLIENT(malformed_responses_cost_the_stream_alone),
        CLIENT(a_response_over_the_limit_costs_the_stream),
        CLIENT(a_response_without_content_has_none),
        CLIENT(a_tunnel_has_no_length),
        SERVER(trailers_end_the_stream_and_name_no_pseudo_fields),
        SERVER(content_that_ends_in_trailers_is_as_long_as_it_said),
        CLIENT(a_push_is_a_request_and_then_a_response),
        SERVER(servers_take_no_promises),
        CLIENT(a_promise_after_push_was_disabled_ends_the_session),
        CLIENT(a_promise_that_crossed_the_disabling_is_refused),
        CLIENT(promises_come_on_open_streams_with_fresh_identifiers),
        CLIENT(a_promise_on_a_stream_we_have_reset_is_refused),
        CLIENT(promises_are_of_safe_requests),
        CLIENT(promises_that_do_not_begin_are_bounded),
        CLIENT(pushed_streams_have_a_limit_of_concurrency_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
