#include "h2/stream.h"

#include "h2/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int dropped;

static void on_release(h2_chunk *chunk, bool was_sent) {
    (void)chunk;
    assert_false(was_sent);
    dropped++;
}

static h2_chunk chunk_of(const char *text) {
    h2_chunk chunk = {.data = (const uint8_t *)text, .size = strlen(text), .release = on_release};
    return chunk;
}

static void chunks_come_out_in_their_order(void **state) {
    (void)state;
    h2_stream stream;
    h2_chunk a = chunk_of("ab"), b = chunk_of("cde"), c = {.release = on_release};
    h2_stream_init(&stream, 1, H2_STATE_OPEN, 10, 10);
    h2_stream_push_chunk(&stream, &a);
    h2_stream_push_chunk(&stream, &b);
    h2_stream_push_chunk(&stream, &c);
    assert_int_equal(stream.queued_octets, 5);
    assert_ptr_equal(h2_stream_pop_chunk(&stream), &a);
    assert_ptr_equal(h2_stream_pop_chunk(&stream), &b);
    assert_ptr_equal(h2_stream_pop_chunk(&stream), &c);
    assert_null(stream.first_chunk);
    assert_null(stream.last_chunk);
    h2_stream_push_chunk(&stream, &a);
    h2_stream_push_chunk(&stream, &b);
    dropped = 0;
    h2_stream_drop_chunks(&stream);
    assert_int_equal(dropped, 2);
    assert_int_equal(stream.queued_octets, 0);
}

static void a_stream_is_sendable_with_something_to_send_and_a_window(void **state) {
    (void)state;
    h2_stream stream;
    h2_chunk a = chunk_of("ab");
    h2_stream_init(&stream, 1, H2_STATE_OPEN, 10, 10);
    stream.has_sent_final = true;
    assert_false(h2_stream_is_sendable(&stream));
    h2_stream_push_chunk(&stream, &a);
    assert_true(h2_stream_is_sendable(&stream));
    stream.send_window.left = 0;
    assert_false(h2_stream_is_sendable(&stream));
    stream.send_window.left = -1;
    assert_false(h2_stream_is_sendable(&stream));
    stream.send_window.left = 1;
    stream.is_blocked = true;
    assert_false(h2_stream_is_sendable(&stream));
    stream.is_blocked = false;
    stream.is_waiting = true;
    assert_false(h2_stream_is_sendable(&stream));
    stream.is_waiting = false;
    stream.has_sent_final = false;
    assert_false(h2_stream_is_sendable(&stream));
}

static void content_is_counted_against_what_was_said(void **state) {
    (void)state;
    h2_stream stream;
    h2_stream_init(&stream, 1, H2_STATE_OPEN, 10, 10);
    assert_null(h2_stream_count_content(&stream, 1000000, true));
    stream.content_left = 10;
    assert_null(h2_stream_count_content(&stream, 4, false));
    assert_non_null(h2_stream_count_content(&stream, 7, false));
    assert_non_null(h2_stream_count_content(&stream, 5, true));
    stream.content_left = 6;
    assert_null(h2_stream_count_content(&stream, 6, true));
    assert_null(h2_stream_count_content(&stream, 0, true));
}

static void a_stream_is_small(void **state) {
    (void)state;
    assert_true(sizeof(h2_stream) < 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_out_in_their_order),
        cmocka_unit_test(a_stream_is_sendable_with_something_to_send_and_a_window),
        cmocka_unit_test(content_is_counted_against_what_was_said),
        cmocka_unit_test(a_stream_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
