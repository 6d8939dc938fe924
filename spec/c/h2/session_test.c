/* A session's life, its figures, and what it holds. */
#include "h2/session.h"

#include "base/mem.h"
#include "h2/support/cases.h"

static void a_session_needs_a_pool_and_settings_that_are_allowed(void **state) {
    (void)state;
    static const uint16_t custom[H2_MAX_CUSTOM_SETTINGS + 1];
    h2_setting bad = {H2_SETTINGS_MAX_FRAME_SIZE, 1};
    h2_session *session;
    h2_options options;
    h2_options_init(&options, H2_SERVER);
    assert_int_equal(h2_session_new(&session, &options), H2_MISUSE);
    options.pool = p.pool;
    options.settings = &bad;
    options.settings_count = 1;
    assert_int_equal(h2_session_new(&session, &options), H2_MISUSE);
    options.settings_count = 0;
    options.remote_custom = custom;
    options.remote_custom_count = H2_MAX_CUSTOM_SETTINGS + 1;
    assert_int_equal(h2_session_new(&session, &options), H2_MISUSE);
    h2_session_free(NULL);
}

static void a_session_says_its_settings_in_their_order(void **state) {
    (void)state;
    static const h2_setting settings[] = {{3, 100}, {0xff, 7}, {1, 2}};
    bytes_slice slices[2];
    size_t count;
    h2_session *session;
    h2_options options;
    h2_options_init(&options, H2_SERVER);
    options.pool = p.pool;
    options.settings = settings;
    options.settings_count = 3;
    assert_int_equal(h2_session_new(&session, &options), H2_OK);
    assert_int_equal(h2_session_output(session, slices, 2, 100, &count), H2_OK);
    assert_int_equal(count, 1);
    assert_int_equal(slices[0].size, 27);
    assert_memory_equal(slices[0].data,
                        "\0\0\22\4\0\0\0\0\0\0\3\0\0\0\144\0\377\0\0\0\7\0\1\0\0\0\2", 27);
    h2_session_free(session);
}

static void an_idle_session_is_small_and_holds_no_buffers(void **state) {
    (void)state;
    assert_true(sizeof(h2_session) < 1150);
    for (uint32_t id = 1; id < 200; id += 2) {
        peer_get(&p, id);
        peer_run(&p);
        peer_submit_ok(&p, id, false);
        assert_int_equal(peer_write(&p, id, 1000), H2_OK);
        assert_int_equal(h2_session_end(p.session, id), H2_OK);
        peer_run(&p);
        peer_window_update(&p, 0, 1000);
    }
    p.split = 3;
    peer_run(&p);
    assert_null(p.session->wire);
    assert_null(p.session->block.section);
    assert_null(p.session->in.carry.data);
    assert_int_equal(h2_session_stream_count(p.session), 0);
    assert_int_equal(p.session->queued_octets, 0);
    assert_int_equal(p.session->held_octets, 0);
    assert_int_equal(p.session->unread_octets, 0);
    assert_int_equal(p.session->active_peer, 0);
}

static void memory_does_not_grow_with_the_streams_that_were(void **state) {
    (void)state;
    size_t first = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t id = 1 + 2 * i;
        p.now_ms += 100;
        peer_get(&p, id);
        peer_run(&p);
        if (i % 3 == 0)
            assert_int_equal(h2_session_reset(p.session, id, H2_CANCEL), H2_OK);
        else
            peer_submit_ok(&p, id, true);
        peer_run(&p);
        peer_events(&p);
        peer_frames(&p);
        if (i == 1000)
            first = h2_session_memory(p.session);
    }
    assert_int_equal(h2_session_memory(p.session), first);
}

static void late_frames_on_streams_long_gone_are_ignored(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        peer_get(&p, 1 + 2 * i);
        peer_run(&p);
        assert_int_equal(h2_session_reset(p.session, 1 + 2 * i, H2_CANCEL), H2_OK);
        peer_run(&p);
    }
    peer_events(&p);
    peer_frames(&p);
    peer_data(&p, 0, 1, 10);
    peer_get(&p, 5);
    peer_reset(&p, 1, H2_CANCEL);
    peer_window_update(&p, 1, 1);
    peer_data(&p, 0, 3999, 10);
    peer_expect(&p, "", "");
}

static void figures_are_what_the_frames_have_made_of_them(void **state) {
    (void)state;
    h2_session_figures figures;
    peer_post(&p, 7);
    peer_data(&p, 0, 7, 1000);
    peer_window_update(&p, 0, 10);
    peer_run(&p);
    h2_session_get_figures(p.session, &figures);
    assert_int_equal(figures.effective_local_window_size, 65535);
    assert_int_equal(figures.effective_recv_data_length, 1000);
    assert_int_equal(figures.local_window_size, 64535);
    assert_int_equal(figures.remote_window_size, 65545);
    assert_int_equal(figures.last_proc_stream_id, 7);
    assert_int_equal(figures.next_stream_id, 2);
    assert_int_equal(figures.outbound_queue_size, 0);
    assert_int_equal(figures.inflate_dynamic_table_size, 0);
}

static void a_session_freed_in_the_middle_of_anything_leaves_nothing(void **state) {
    (void)state;
    size_t sent = 0, dropped = 0, count;
    bytes_slice slices[4];
    peer_get(&p, 1);
    peer_post(&p, 3);
    peer_run(&p);
    peer_submit_ok(&p, 1, false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(h2_session_write(p.session, 1, peer_chunk_new(10000, &sent, &dropped)),
                         H2_OK);
    assert_int_equal(h2_session_output(p.session, slices, 4, 16000, &count), H2_OK);
    assert_int_equal(h2_session_submit_settings(p.session, NULL, 0), H2_OK);
    peer_headers(&p, 0, 5, peer_block(":method", "GET", NULL));
    peer_octets(&p, "\0\0", 2);
    p.is_deaf = true;
    peer_run(&p);
    h2_session_free(p.session);
    p.session = NULL;
    assert_int_equal(sent, 0);
    assert_int_equal(dropped, 3);
}

#ifdef MEM_FAULTS
/* Calls of the program, on a session with stream 1 open both ways and stream 3 answered. */
typedef int program_call(void);

static hpack_field a_field;
static size_t releases;

static int call_ping(void) {
    return h2_session_submit_ping(p.session, (const uint8_t *)"12345678");
}

static int call_settings(void) {
    h2_setting setting = {H2_SETTINGS_MAX_CONCURRENT_STREAMS, 9};
    return h2_session_submit_settings(p.session, &setting, 1);
}

static int call_altsvc(void) {
    return h2_session_submit_altsvc(p.session, 0, BYTES_LITERAL("o"), BYTES_LITERAL("h3"));
}

static int call_origin(void) {
    bytes_slice origin = BYTES_LITERAL("o");
    return h2_session_submit_origin(p.session, &origin, 1);
}

static int call_window(void) {
    return h2_session_set_local_window(p.session, 1 << 20);
}

static int call_goaway(void) {
    return h2_session_submit_goaway(p.session, 0, 0, BYTES_LITERAL("x"));
}

static int call_shutdown(void) {
    return h2_session_shutdown(p.session);
}

static int call_terminate(void) {
    return h2_session_terminate(p.session, 0, BYTES_LITERAL("x"));
}

static int call_response(void) {
    return h2_session_submit_response(p.session, 1, &a_field, 1, true);
}

static int call_informational(void) {
    return h2_session_submit_informational(p.session, 1, &a_field, 1);
}

static int call_push(void) {
    uint32_t id;
    return h2_session_submit_push(p.session, 1, &a_field, 1, NULL, &id);
}

static int call_trailers(void) {
    return h2_session_submit_trailers(p.session, 3, &a_field, 1);
}

static int call_end(void) {
    return h2_session_end(p.session, 3);
}

static int call_reset(void) {
    return h2_session_reset(p.session, 3, H2_CANCEL);
}

static int call_write_nothing(void) {
    h2_chunk *chunk = peer_chunk_new(0, &releases, &releases);
    int result = h2_session_write(p.session, 3, chunk);
    if (result != H2_OK)
        free(chunk);
    return result;
}

static void open_for_call(void) {
    again(H2_SERVER, NULL);
    a_field = peer_field(":status", "200");
    peer_post(&p, 1);
    peer_post(&p, 3);
    peer_run(&p);
    peer_submit_ok(&p, 3, false);
    peer_run(&p);
    peer_events(&p);
    peer_frames(&p);
}

/* The pool would lend what it has kept: then nothing could fail. */
static void drain_pool(h2_wire *wires[8]) {
    for (size_t i = 0; i < 8; i++)
        wires[i] = h2_pool_take_wire(p.pool);
}

static void refill_pool(h2_wire *wires[8]) {
    for (size_t i = 0; i < 8; i++)
        h2_pool_give_wire(p.pool, wires[i]);
}

static void a_call_that_fails_for_want_of_memory_changes_nothing(void **state) {
    (void)state;
    static program_call *const calls[] = {
        call_ping,   call_settings, call_altsvc,    call_origin,   call_window,
        call_goaway, call_shutdown, call_terminate, call_response, call_informational,
        call_push,   call_trailers, call_end,       call_reset,    call_write_nothing};
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        for (size_t n = 1;; n++) {
            h2_wire *wires[8];
            open_for_call();
            drain_pool(wires);
            size_t before = h2_session_memory(p.session);
            mem_fail_from(n);
            int result = calls[i]();
            mem_fail_from(0);
            refill_pool(wires);
            if (result == H2_OK) {
                assert_true(n > 1);
                break;
            }
            assert_int_equal(result, H2_NOMEM);
            assert_true(h2_session_memory(p.session) <= before + 1024);
            peer_expect(&p, "", "");
            assert_int_equal(calls[i](), H2_OK);
        }
    }
}

static void a_credit_that_cannot_be_written_is_said_later(void **state) {
    (void)state;
    h2_wire *wires[8];
    h2_event event;
    open_for_call();
    peer_data(&p, 0, 1, 16384);
    peer_data(&p, 0, 1, 16384);
    peer_run(&p);
    drain_pool(wires);
    mem_fail_from(1);
    h2_session_consume(p.session, 1, 32768, p.now_ms);
    mem_fail_from(0);
    refill_pool(wires);
    assert_int_equal(h2_session_next(p.session, &event), H2_NOMEM);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(a_session_needs_a_pool_and_settings_that_are_allowed),
        SERVER(a_session_says_its_settings_in_their_order),
        SERVER(an_idle_session_is_small_and_holds_no_buffers),
        SERVER(memory_does_not_grow_with_the_streams_that_were),
        SERVER(late_frames_on_streams_long_gone_are_ignored),
        SERVER(figures_are_what_the_frames_have_made_of_them),
        SERVER(a_session_freed_in_the_middle_of_anything_leaves_nothing),
#ifdef MEM_FAULTS
        SERVER(a_call_that_fails_for_want_of_memory_changes_nothing),
        SERVER(a_credit_that_cannot_be_written_is_said_later),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
