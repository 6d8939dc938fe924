/* PING, RST_STREAM, PRIORITY, PRIORITY_UPDATE, ALTSVC, ORIGIN (RFC 9113 §6; RFC 9218, 7838, 8336), and
 * what is borne of unsent answers. */
#include "h2/support/cases.h"

/* ------------------------------------------------------------------------------------------- PING */

static void a_ping_is_answered_with_the_same_octets(void **state) {
    (void)state;
    bytes_slice slices[4];
    size_t count;
    peer_ping(&p, 0);
    p.is_deaf = true;
    peer_expect(&p, "ping abcdefgh", "");
    assert_int_equal(h2_session_output(p.session, slices, 4, 1000, &count), H2_OK);
    assert_int_equal(count, 1);
    assert_memory_equal(slices[0].data, "\0\0\10\6\1\0\0\0\0abcdefgh", 17);
}

static void acknowledgements_are_of_pings_that_were_sent(void **state) {
    (void)state;
    const uint8_t payload[8] = "ABCDEFGH";
    for (int i = 0; i < 10; i++)
        assert_int_equal(h2_session_submit_ping(p.session, payload), H2_OK);
    assert_int_equal(h2_session_submit_ping(p.session, payload), H2_LIMIT);
    peer_ping(&p, H2_FLAG_ACK);
    peer_expect(&p, "ping ack abcdefgh", NULL);
    assert_int_equal(h2_session_submit_ping(p.session, payload), H2_OK);
    for (int i = 0; i < 10; i++)
        peer_ping(&p, H2_FLAG_ACK);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_ping(&p, H2_FLAG_ACK);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void answers_that_are_not_read_end_the_session_after_a_thousand(void **state) {
    (void)state;
    p.is_deaf = true;
    for (int i = 0; i < 1000; i++)
        peer_ping(&p, 0);
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_ping(&p, 0);
    peer_run(&p);
    assert_true(h2_session_is_finished(p.session));
    assert_true(h2_session_memory(p.session) < 128 * 1024);
    p.is_deaf = false;
    peer_run(&p);
    assert_non_null(strstr(peer_frames(&p), "GOAWAY ENHANCE_YOUR_CALM"));
}

static void answers_that_are_read_are_answered_for_ever(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 999; j++)
            peer_ping(&p, 0);
        peer_run(&p);
        peer_events(&p);
        peer_frames(&p);
    }
    assert_false(h2_session_is_finished(p.session));
}

static void answers_between_data_are_counted_as_they_leave(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_window_update(&p, 0, 100000000);
    peer_window_update(&p, 1, 100000000);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    for (int i = 0; i < 5000; i++) { /* the wire is never empty, yet nothing piles up */
        bytes_slice slices[16];
        size_t count;
        assert_int_equal(peer_write(&p, 1, 3000), H2_OK);
        p.is_deaf = true;
        peer_ping(&p, 0);
        peer_run(&p);
        assert_int_equal(h2_session_output(p.session, slices, 16, 100000, &count), H2_OK);
        size_t octets = 0;
        for (size_t j = 0; j < count; j++)
            octets += slices[j].size;
        h2_session_sent(p.session, i == 0 ? octets - 2000 : octets > 4000 ? octets - 2000 : octets);
    }
    assert_false(h2_session_is_finished(p.session));
}

static void all_kinds_of_unsent_answers_have_one_limit(void **state) {
    (void)state;
    p.is_deaf = true;
    again(H2_SERVER, lenient);
    p.is_deaf = true;
    uint32_t id = 1;
    for (int i = 0; i < 5200 && !h2_session_is_finished(p.session); i++) {
        p.now_ms += 1000; /* no other limit is reached */
        peer_post(&p, id);
        if (i % 8 == 0)
            peer_ping(&p, 0);
        peer_run(&p);
        (void)h2_session_reset(p.session, id, H2_CANCEL);
        id += 2;
    }
    assert_true(h2_session_is_finished(p.session));
    assert_true(id > 2 * 4300);
    p.is_deaf = false;
    peer_run(&p);
    assert_non_null(strstr(peer_frames(&p), "GOAWAY ENHANCE_YOUR_CALM"));
}

static void input_is_not_wanted_while_too_much_output_lies(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_window_update(&p, 0, 1 << 22);
    peer_window_update(&p, 1, 1 << 22);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    for (int i = 0; i < 10; i++)
        assert_int_equal(peer_write(&p, 1, 100000), H2_OK);
    bytes_slice slices[256];
    size_t count;
    assert_int_equal(h2_session_output(p.session, slices, 256, 600000, &count), H2_OK);
    assert_false(h2_session_wants_input(p.session));
    h2_session_sent(p.session, 100000);
    assert_true(h2_session_wants_input(p.session));
}

/* -------------------------------------------------------------------------------------- RST_STREAM */

static void a_reset_closes_the_stream_once(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_reset(&p, 1, H2_CANCEL);
    peer_reset(&p, 1, H2_CANCEL);
    peer_get(&p, 3);
    peer_reset(&p, 3, 0x1234);
    peer_expect(
        &p, "request 1 end; close 1 CANCEL peer reset; request 3 end; close 3 4660 peer reset", "");
}

static void a_refused_stream_was_not_processed(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_reset(&p, 1, H2_REFUSED_STREAM);
    peer_expect(&p, "close 1 REFUSED_STREAM peer reset unprocessed", "HEADERS 1 end");
}

static void what_came_before_a_reset_is_told_before_it(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_respond(&p, 0, 1);
    peer_data(&p, H2_FLAG_END_STREAM, 1, 10);
    peer_reset(&p, 1, H2_NO_ERROR);
    peer_expect(&p, "response 1 200; data 1 10 end; close 1 NO_ERROR local", "HEADERS 1 end");
}

static void a_flood_of_resets_ends_the_session_after_a_thousand(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        peer_get(&p, 1 + 2 * i);
        peer_reset(&p, 1 + 2 * i, H2_CANCEL);
    }
    peer_run(&p);
    assert_false(h2_session_is_finished(p.session));
    peer_get(&p, 2001);
    peer_reset(&p, 2001, H2_CANCEL);
    peer_run(&p);
    assert_non_null(strstr(peer_events(&p), "fault ENHANCE_YOUR_CALM"));
}

static void a_flood_of_resets_from_a_server_ends_the_session_too(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 1001; i++) {
        uint32_t id = peer_submit_get(&p);
        peer_run(&p);
        peer_reset(&p, id, H2_CANCEL);
    }
    peer_run(&p);
    assert_true(h2_session_is_finished(p.session));
}

static void resets_that_the_peer_provokes_are_counted_as_its_own(void **state) {
    (void)state;
    uint32_t id = 1;
    for (int i = 0; i < 1001 && !h2_session_is_finished(p.session); i++, id += 2) {
        peer_get(&p, id);
        peer_window_update(&p, id, i % 2 ? 0 : 0x7fffffff);
        peer_run(&p);
    }
    assert_int_equal(id, 2003);
    assert_true(h2_session_is_finished(p.session));
}

/* ---------------------------------------------------------------------------------------- priority */

static void the_old_priorities_are_told_and_of_no_effect(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 3, "\x80\0\0\1\x10", 5);
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 1, "\0\0\0\0\xff", 5);
    peer_expect(&p, "request 1 end; depends 3 on 1 by 17 alone; depends 1 on 0 by 256", "");
}

static void the_old_priorities_leave_nothing_behind(void **state) {
    (void)state;
    size_t before = h2_session_memory(p.session);
    for (uint32_t i = 1; i < 5000; i += 2)
        peer_frame(&p, H2_FRAME_PRIORITY, 0, i, "\x80\0\0\0\x10", 5);
    peer_get(&p, 1);
    peer_expect(&p, NULL, "");
    assert_true(h2_session_memory(p.session) < before + 512);
    for (uint32_t i = 0; i < 10001; i++)
        peer_frame(&p, H2_FRAME_PRIORITY, 0, 9, "\x80\0\0\0\x10", 5);
    peer_expect_fault(&p, "ENHANCE_YOUR_CALM");
}

static void a_priority_of_the_wrong_size_or_on_itself_ends_the_session(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 1, "\0\0\0\0", 4);
    peer_expect_fault(&p, "FRAME_SIZE_ERROR");
    again(H2_SERVER, NULL);
    peer_get(&p, 1);
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 1, "\0\0\0\1\x10", 5);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_priority_of_the_wrong_size_costs_a_lenient_server_the_stream(void **state) {
    (void)state;
    peer_get(&p, 1);
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 1, "\0\0\0\0", 4);
    peer_get(&p, 3);
    peer_expect(&p, "request 1 end; close 1 FRAME_SIZE_ERROR engine reset; request 3 end",
                "RST_STREAM 1 FRAME_SIZE_ERROR");
    peer_frame(&p, H2_FRAME_PRIORITY, 0, 99, "\0\0\0\0", 4); /* idle: it cannot be reset */
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void update_priority(uint32_t stream_id, const char *value) {
    uint8_t payload[512];
    bytes_put_u32(payload, stream_id);
    memcpy(payload + 4, value, strlen(value));
    peer_frame(&p, H2_FRAME_PRIORITY_UPDATE, 0, 0, payload, 4 + strlen(value));
}

static h2_priority priority_of(uint32_t stream_id) {
    h2_stream_figures figures;
    assert_int_equal(h2_session_get_stream(p.session, stream_id, &figures), H2_OK);
    return figures.priority;
}

static void a_priority_comes_with_the_request_before_it_or_after_it(void **state) {
    (void)state;
    update_priority(3, "u=6");
    update_priority(3, "u=5");
    peer_headers(&p, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, 1,
                 peer_block(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a",
                            "priority", "u=1, i", NULL));
    peer_get(&p, 3);
    peer_get(&p, 5);
    peer_run(&p);
    assert_string_equal(peer_events(&p), "request 1 end; request 3 end; request 5 end");
    assert_int_equal(priority_of(1).urgency, 1);
    assert_true(priority_of(1).is_incremental);
    assert_int_equal(priority_of(3).urgency, 5);
    assert_int_equal(priority_of(5).urgency, 3);
    assert_false(priority_of(5).is_incremental);
    update_priority(5, "u=0, i");
    peer_expect(&p, "priority 5 u=0 i", "");
    assert_int_equal(priority_of(5).urgency, 0);
}

static void priorities_of_idle_streams_are_bounded(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        update_priority(1 + 2 * i, "u=1");
    update_priority(1, "u=2");
    peer_expect(&p, "", "");
    assert_true(h2_session_memory(p.session) < 16384);
    peer_get(&p, 51); /* closes, by their number, those below */
    for (uint32_t i = 0; i < 26; i++)
        update_priority(1001 + 2 * i, "u=1");
    peer_run(&p);
    assert_int_equal(priority_of(51).urgency, 1);
    assert_string_equal(peer_events(&p), "request 51 end");
    update_priority(2001, "u=1");
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_priority_update_is_well_formed_and_comes_from_clients(void **state) {
    (void)state;
    char value[66];
    memset(value, 'a', 65);
    value[65] = '\0';
    peer_get(&p, 1);
    update_priority(1, value);
    peer_expect(&p, "request 1 end", "");
    update_priority(0, "u=1");
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    peer_frame(&p, H2_FRAME_PRIORITY_UPDATE, 0, 1, "\0\0\0\1", 4);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_SERVER, NULL);
    update_priority(2, "u=1"); /* an idle push */
    peer_expect_fault(&p, "PROTOCOL_ERROR");
    again(H2_CLIENT, NULL);
    update_priority(1, "u=1");
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void a_client_says_its_priority(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    assert_int_equal(h2_session_set_priority(p.session, 1, (h2_priority){1, true}), H2_OK);
    assert_int_equal(h2_session_set_priority(p.session, 1, (h2_priority){8, true}), H2_MISUSE);
    assert_int_equal(h2_session_set_priority(p.session, 3, (h2_priority){1, true}), H2_GONE);
    peer_expect(&p, "", "HEADERS 1 end; PRIORITY_UPDATE 1 u=1, i");
    assert_int_equal(priority_of(1).urgency, 1);
}

/* -------------------------------------------------------------------------------- ALTSVC and ORIGIN */

static void an_alternative_service_is_told_where_its_origin_is_known(void **state) {
    (void)state;
    (void)peer_submit_get(&p);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 0, "\0\1oh3", 5);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 0, "\0\0h3", 4);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 1, "\0\1oh3", 5);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 1, "\0\0h3", 4);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 99, "\0\0h3", 4);
    peer_expect(&p, "altsvc 0 [o] h3; altsvc 1 [] h3", NULL);
    peer_frame(&p, H2_FRAME_ALTSVC, 0, 0, "\0\5oh3", 5);
    peer_expect_fault(&p, "FRAME_SIZE_ERROR");
}

static void origins_are_told_frame_by_frame(void **state) {
    (void)state;
    peer_frame(&p, H2_FRAME_ORIGIN, 0, 0, "\0\1a\0\2bc", 7);
    peer_frame(&p, H2_FRAME_ORIGIN, 0, 0, "", 0);
    peer_frame(&p, H2_FRAME_ORIGIN, 0x01, 0, "\0\1a", 3);
    peer_frame(&p, H2_FRAME_ORIGIN, 0, 1, "\0\1a", 3);
    peer_expect(&p, "origin a bc; origin", "");
    peer_frame(&p, H2_FRAME_ORIGIN, 0, 0, "\0\1a\0", 4);
    peer_expect_fault(&p, "FRAME_SIZE_ERROR");
}

static void servers_offer_services_and_origins(void **state) {
    (void)state;
    bytes_slice origins[] = {BYTES_LITERAL("https://a"), BYTES_LITERAL("https://b")};
    bytes_slice none = bytes_slice_of(NULL, 0);
    static const uint8_t large[17000];
    assert_int_equal(h2_session_submit_altsvc(p.session, 0, origins[0], BYTES_LITERAL("h3")),
                     H2_OK);
    assert_int_equal(h2_session_submit_origin(p.session, origins, 2), H2_OK);
    assert_int_equal(h2_session_submit_origin(p.session, NULL, 0), H2_OK);
    assert_int_equal(h2_session_submit_altsvc(p.session, 1, none, BYTES_LITERAL("h3")), H2_GONE);
    bytes_slice too_large = bytes_slice_of(large, sizeof(large));
    assert_int_equal(h2_session_submit_altsvc(p.session, 0, too_large, none), H2_TOO_LARGE);
    assert_int_equal(h2_session_submit_origin(p.session, &too_large, 1), H2_TOO_LARGE);
    peer_get(&p, 1);
    peer_run(&p);
    assert_int_equal(h2_session_submit_altsvc(p.session, 1, none, BYTES_LITERAL("h3")), H2_OK);
    peer_expect(&p, NULL, "ALTSVC; ORIGIN; ORIGIN; ALTSVC 1");
    again(H2_CLIENT, NULL);
    assert_int_equal(h2_session_submit_altsvc(p.session, 0, origins[0], none), H2_MISUSE);
    assert_int_equal(h2_session_submit_origin(p.session, origins, 2), H2_MISUSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(a_ping_is_answered_with_the_same_octets),
        SERVER(acknowledgements_are_of_pings_that_were_sent),
        SERVER(answers_that_are_not_read_end_the_session_after_a_thousand),
        SERVER(answers_that_are_read_are_answered_for_ever),
        SERVER(answers_between_data_are_counted_as_they_leave),
        SERVER(all_kinds_of_unsent_answers_have_one_limit),
        SERVER(input_is_not_wanted_while_too_much_output_lies),
        SERVER(a_reset_closes_the_stream_once),
        CLIENT(a_refused_stream_was_not_processed),
        CLIENT(what_came_before_a_reset_is_told_before_it),
        SERVER(a_flood_of_resets_ends_the_session_after_a_thousand),
        CLIENT(a_flood_of_resets_from_a_server_ends_the_session_too),
        LENIENT(resets_that_the_peer_provokes_are_counted_as_its_own),
        SERVER(the_old_priorities_are_told_and_of_no_effect),
        SERVER(the_old_priorities_leave_nothing_behind),
        SERVER(a_priority_of_the_wrong_size_or_on_itself_ends_the_session),
        LENIENT(a_priority_of_the_wrong_size_costs_a_lenient_server_the_stream),
        SERVER(a_priority_comes_with_the_request_before_it_or_after_it),
        SERVER(priorities_of_idle_streams_are_bounded),
        SERVER(a_priority_update_is_well_formed_and_comes_from_clients),
        CLIENT(a_client_says_its_priority),
        CLIENT(an_alternative_service_is_told_where_its_origin_is_known),
        CLIENT(origins_are_told_frame_by_frame),
        SERVER(servers_offer_services_and_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
