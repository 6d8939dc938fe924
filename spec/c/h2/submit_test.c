/* What the program sends, and what it is told when it may not (RFC 9113 §5.1, §5.1.2, §8). */
#include "h2/support/cases.h"

static int request(bool is_end, uint32_t *id) {
    hpack_field fields[] = {peer_field(":method", "GET"), peer_field(":path", "/")};
    return h2_session_submit_request(p.session, fields, 2, is_end, NULL, id);
}

/* --------------------------------------------------------------------------------------- requests */

static void identifiers_are_given_at_once_in_order(void **state) {
    (void)state;
    assert_int_equal(peer_submit_get(&p), 1);
    assert_int_equal(peer_submit_post(&p), 3);
    peer_expect(&p, "", "HEADERS 1 end; HEADERS 3");
    assert_int_equal(h2_session_set_next_id(p.session, 3), H2_MISUSE);
    assert_int_equal(h2_session_set_next_id(p.session, 8), H2_MISUSE);
    assert_int_equal(h2_session_set_next_id(p.session, 9), H2_OK);
    assert_int_equal(peer_submit_get(&p), 9);
}

static void a_request_may_say_its_priority(void **state) {
    (void)state;
    uint32_t id;
    h2_stream_figures figures;
    hpack_field fields[] = {peer_field(":method", "GET"), peer_field("priority", "u=0, i")};
    assert_int_equal(h2_session_submit_request(p.session, fields, 2, true, NULL, &id), H2_OK);
    assert_int_equal(h2_session_get_stream(p.session, id, &figures), H2_OK);
    assert_int_equal(figures.priority.urgency, 0);
    assert_true(figures.priority.is_incremental);
}

static void identifiers_are_used_up_one_day(void **state) {
    (void)state;
    uint32_t id;
    assert_int_equal(h2_session_set_next_id(p.session, 0x7fffffff), H2_OK);
    assert_int_equal(peer_submit_get(&p), 0x7fffffff);
    assert_int_equal(request(true, &id), H2_NO_IDS);
}

static void one_at_a_time(void) {
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
    peer_expect(&p, "settings", "SETTINGS ack");
}

static void requests_over_the_peers_limit_wait_for_their_turn(void **state) {
    (void)state;
    h2_stream_figures figures;
    one_at_a_time();
    for (int i = 0; i < 3; i++)
        (void)peer_submit_get(&p);
    peer_expect(&p, "", "HEADERS 1 end");
    assert_int_equal(h2_session_get_stream(p.session, 3, &figures), H2_OK);
    assert_true(figures.is_waiting);
    assert_int_equal(h2_session_stream_count(p.session), 3);
    assert_true(h2_session_has_begun(p.session, 1));
    assert_false(h2_session_has_begun(p.session, 3));
    peer_respond(&p, H2_FLAG_END_STREAM, 1);
    peer_expect(&p, "response 1 200 end; close 1 NO_ERROR local", "HEADERS 3 end");
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
    peer_expect(&p, "settings", "SETTINGS ack; HEADERS 5 end");
    (void)h2_session_terminate(p.session, H2_NO_ERROR, bytes_slice_of(NULL, 0));
    assert_true(h2_session_has_begun(p.session, 5));
    assert_false(h2_session_has_begun(p.session, 7));
}

static void all_that_is_said_of_a_request_waits_with_it(void **state) {
    (void)state;
    hpack_field trailer = peer_field("x-sum", "1");
    one_at_a_time();
    (void)peer_submit_get(&p);
    assert_int_equal(peer_submit_post(&p), 3);
    assert_int_equal(peer_write(&p, 3, 5), H2_OK);
    assert_int_equal(h2_session_end(p.session, 3), H2_OK);
    assert_int_equal(peer_submit_post(&p), 5);
    assert_int_equal(h2_session_submit_trailers(p.session, 5, &trailer, 1), H2_OK);
    assert_int_equal(peer_submit_post(&p), 7);
    assert_int_equal(h2_session_end(p.session, 7), H2_OK);
    peer_expect(&p, "", "HEADERS 1 end");
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 9);
    peer_expect(&p, "settings",
                "SETTINGS ack; HEADERS 3; HEADERS 5; HEADERS 5 end; HEADERS 7 end; DATA 3 5 end");
}

static void a_request_that_waits_can_be_reset_in_silence(void **state) {
    (void)state;
    size_t dropped = 0;
    one_at_a_time();
    (void)peer_submit_get(&p);
    assert_int_equal(peer_submit_post(&p), 3);
    assert_int_equal(h2_session_write(p.session, 3, peer_chunk_new(5, NULL, &dropped)), H2_OK);
    assert_int_equal(h2_session_reset(p.session, 3, H2_CANCEL), H2_OK);
    peer_expect(&p, "close 3 CANCEL local reset unprocessed", "HEADERS 1 end");
    assert_int_equal(dropped, 1);
    peer_respond(&p, 0, 3); /* as if the peer knew of it */
    peer_expect_fault(&p, "STREAM_CLOSED");
}

static void a_waiting_request_is_idle_for_the_peer(void **state) {
    (void)state;
    one_at_a_time();
    (void)peer_submit_get(&p);
    (void)peer_submit_get(&p);
    peer_window_update(&p, 3, 1);
    peer_expect_fault(&p, "PROTOCOL_ERROR");
}

static void small_headers(h2_options *options) {
    options->max_send_header_octets = 200;
}

static void a_block_over_our_limit_is_refused_before_the_encoder_sees_it(void **state) {
    (void)state;
    char value[301];
    uint32_t id;
    memset(value, 'v', 300);
    value[300] = '\0';
    again(H2_CLIENT, small_headers);
    hpack_field fields[] = {peer_field(":method", "GET"), peer_field("x", value)};
    assert_int_equal(h2_session_submit_request(p.session, fields, 2, true, NULL, &id),
                     H2_TOO_LARGE);
    assert_int_equal(h2_session_stream_count(p.session), 0);
    assert_int_equal(request(true, &id), H2_OK);
    assert_int_equal(id, 1);
    again(H2_SERVER, small_headers);
    peer_post(&p, 1);
    peer_run(&p);
    assert_int_equal(h2_session_submit_response(p.session, 1, fields + 1, 1, false), H2_TOO_LARGE);
    assert_int_equal(h2_session_submit_push(p.session, 1, fields, 2, NULL, &id), H2_TOO_LARGE);
    peer_submit_ok(&p, 1, false);
    assert_int_equal(h2_session_submit_trailers(p.session, 1, fields + 1, 1), H2_TOO_LARGE);
    peer_expect(&p, "request 1", "HEADERS 1");
}

/* -------------------------------------------------------------------------------------- responses */

static void interim_responses_come_before_the_final_one(void **state) {
    (void)state;
    hpack_field hint = peer_field(":status", "103");
    peer_get(&p, 1);
    peer_run(&p);
    assert_int_equal(peer_write(&p, 1, 1), H2_MISUSE);
    assert_int_equal(h2_session_end(p.session, 1), H2_MISUSE);
    assert_int_equal(h2_session_submit_informational(p.session, 1, &hint, 1), H2_OK);
    assert_int_equal(h2_session_submit_informational(p.session, 1, &hint, 1), H2_OK);
    assert_int_equal(peer_write(&p, 1, 1), H2_MISUSE);
    peer_submit_ok(&p, 1, false);
    assert_int_equal(h2_session_submit_informational(p.session, 1, &hint, 1), H2_MISUSE);
    assert_int_equal(h2_session_submit_response(p.session, 1, &hint, 1, true), H2_MISUSE);
    peer_expect(&p, "request 1 end", "HEADERS 1; HEADERS 1; HEADERS 1");
}

static void nothing_is_sent_after_the_end_or_on_a_stream_that_is_not_there(void **state) {
    (void)state;
    hpack_field field = peer_field("x", "y");
    peer_post(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, true);
    assert_int_equal(peer_write(&p, 1, 1), H2_GONE);
    assert_int_equal(h2_session_end(p.session, 1), H2_GONE);
    assert_int_equal(h2_session_submit_trailers(p.session, 1, &field, 1), H2_GONE);
    assert_int_equal(h2_session_submit_response(p.session, 99, &field, 1, true), H2_GONE);
    assert_int_equal(peer_write(&p, 99, 1), H2_GONE);
    h2_session_resume(p.session, 99);
    assert_int_equal(h2_session_reset(p.session, 99, 0), H2_OK);
    peer_data(&p, H2_FLAG_END_STREAM, 1, 3);
    peer_expect(&p, "request 1; data 1 3 end; close 1 NO_ERROR local", "HEADERS 1 end");
    assert_int_equal(h2_session_submit_response(p.session, 1, &field, 1, true), H2_GONE);
}

static void each_role_sends_what_is_its_own(void **state) {
    (void)state;
    uint32_t id;
    hpack_field field = peer_field(":status", "200");
    assert_int_equal(request(true, &id), H2_MISUSE);
    again(H2_CLIENT, NULL);
    id = peer_submit_post(&p);
    assert_int_equal(h2_session_submit_response(p.session, id, &field, 1, true), H2_MISUSE);
    assert_int_equal(h2_session_submit_push(p.session, id, &field, 1, NULL, &id), H2_MISUSE);
}

static void a_stream_stays_open_for_the_rest_of_its_request(void **state) {
    (void)state;
    h2_stream_figures figures;
    peer_post(&p, 1);
    peer_run(&p);
    peer_submit_ok(&p, 1, true);
    peer_expect(&p, "request 1", "HEADERS 1 end");
    assert_int_equal(h2_session_get_stream(p.session, 1, &figures), H2_OK);
    assert_int_equal(figures.state, H2_STATE_HALF_CLOSED_LOCAL);
    assert_true(figures.is_local_closed);
    assert_false(figures.is_remote_closed);
    assert_int_equal(h2_session_reset(p.session, 1, H2_NO_ERROR), H2_OK);
    peer_expect(&p, "close 1 NO_ERROR local reset", "RST_STREAM 1 NO_ERROR");
    assert_int_equal(h2_session_get_stream(p.session, 1, &figures), H2_GONE);
}

static void the_context_is_there_until_the_close_is_told(void **state) {
    (void)state;
    int mark;
    h2_event event;
    peer_get(&p, 1);
    peer_run(&p);
    assert_null(h2_session_get_context(p.session, 1));
    h2_session_set_context(p.session, 1, &mark);
    assert_int_equal(h2_session_reset(p.session, 1, H2_CANCEL), H2_OK);
    assert_ptr_equal(h2_session_get_context(p.session, 1), &mark);
    assert_true(h2_session_has_events(p.session));
    assert_int_equal(h2_session_next(p.session, &event), H2_OK);
    assert_int_equal(event.kind, H2_EV_CLOSE);
    assert_ptr_equal(event.context, &mark);
    assert_null(h2_session_get_context(p.session, 1));
    assert_false(h2_session_has_events(p.session));
}

/* ------------------------------------------------------------------------------------------ pushes */

static int push(uint32_t parent_id, uint32_t *id) {
    hpack_field fields[] = {peer_field(":method", "GET"), peer_field(":path", "/p")};
    return h2_session_submit_push(p.session, parent_id, fields, 2, NULL, id);
}

static void a_push_is_promised_and_then_answered(void **state) {
    (void)state;
    uint32_t id;
    peer_get(&p, 1);
    peer_run(&p);
    assert_int_equal(push(1, &id), H2_OK);
    assert_int_equal(id, 2);
    peer_submit_ok(&p, 1, true);
    assert_int_equal(peer_write(&p, 2, 1), H2_MISUSE);
    peer_submit_ok(&p, 2, false);
    assert_int_equal(peer_write(&p, 2, 3), H2_OK);
    assert_int_equal(h2_session_end(p.session, 2), H2_OK);
    peer_expect(&p, "request 1 end; close 1 NO_ERROR local; close 2 NO_ERROR local",
                "PUSH_PROMISE 1 2; HEADERS 1 end; HEADERS 2; DATA 2 3 end");
}

static void pushes_are_not_promised_where_they_are_not_taken(void **state) {
    (void)state;
    uint32_t id;
    peer_get(&p, 1);
    peer_get(&p, 3);
    peer_setting(&p, H2_SETTINGS_ENABLE_PUSH, 0);
    peer_run(&p);
    assert_int_equal(push(1, &id), H2_DISABLED);
    again(H2_SERVER, NULL);
    peer_get(&p, 1);
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
    peer_run(&p);
    assert_int_equal(push(1, &id), H2_LIMIT);
    again(H2_SERVER, NULL);
    peer_get(&p, 1);
    peer_setting(&p, H2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
    peer_run(&p);
    peer_frames(&p);
    assert_int_equal(push(1, &id), H2_OK);
    assert_int_equal(push(1, &id), H2_OK);
    assert_int_equal(push(1, &id), H2_LIMIT);
    assert_int_equal(push(2, &id), H2_MISUSE);
    assert_int_equal(push(9, &id), H2_GONE);
    peer_reset(&p, 2, H2_REFUSED_STREAM);
    peer_expect(&p, NULL, "PUSH_PROMISE 1 2; PUSH_PROMISE 1 4");
    assert_int_equal(push(1, &id), H2_OK);
    peer_submit_ok(&p, 1, true);
    assert_int_equal(push(1, &id), H2_GONE);
}

static void pushes_that_the_peer_resets_leave_nothing_behind(void **state) {
    (void)state;
    uint32_t id;
    peer_get(&p, 1);
    peer_run(&p);
    size_t before = h2_session_memory(p.session);
    for (int i = 0; i < 900; i++) {
        assert_int_equal(push(1, &id), H2_OK);
        peer_reset(&p, id, H2_CANCEL);
        peer_run(&p);
    }
    assert_true(h2_session_memory(p.session) < before + 4096);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CLIENT(identifiers_are_given_at_once_in_order),
        CLIENT(a_request_may_say_its_priority),
        CLIENT(identifiers_are_used_up_one_day),
        CLIENT(requests_over_the_peers_limit_wait_for_their_turn),
        CLIENT(all_that_is_said_of_a_request_waits_with_it),
        CLIENT(a_request_that_waits_can_be_reset_in_silence),
        CLIENT(a_waiting_request_is_idle_for_the_peer),
        CLIENT(a_block_over_our_limit_is_refused_before_the_encoder_sees_it),
        SERVER(interim_responses_come_before_the_final_one),
        SERVER(nothing_is_sent_after_the_end_or_on_a_stream_that_is_not_there),
        SERVER(each_role_sends_what_is_its_own),
        SERVER(a_stream_stays_open_for_the_rest_of_its_request),
        SERVER(the_context_is_there_until_the_close_is_told),
        SERVER(a_push_is_promised_and_then_answered),
        SERVER(pushes_are_not_promised_where_they_are_not_taken),
        SERVER(pushes_that_the_peer_resets_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
