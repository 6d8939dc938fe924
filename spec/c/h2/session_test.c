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
    assert_true(sizeof(h2_session) < 1024);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVER(a_session_needs_a_pool_and_settings_that_are_allowed),
        SERVER(a_session_says_its_settings_in_their_order),
        SERVER(an_idle_session_is_small_and_holds_no_buffers),
        SERVER(memory_does_not_grow_with_the_streams_that_were),
        SERVER(late_frames_on_streams_long_gone_are_ignored),
        SERVER(figures_are_what_the_frames_have_made_of_them),
        SERVER(a_session_freed_in_the_middle_of_anything_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
