#include "h2/wire.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct record {
    h2_chunk chunk;
    int sent;
    int dropped;
} record;

static h2_wire wire;
static h2_wire_done done;

static int setup(void **state) {
    (void)state;
    h2_wire_init(&wire);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    h2_wire_drop(&wire);
    h2_wire_dispose(&wire);
    return 0;
}

static void on_release(h2_chunk *chunk, bool was_sent) {
    record *self = (record *)chunk;
    if (was_sent)
        self->sent++;
    else
        self->dropped++;
}

/* Kept by the tests in static memory: the wire may hold it until the teardown. */
static record chunk_of(const char *text) {
    record self = {
        .chunk = {.data = (const uint8_t *)text, .size = strlen(text), .release = on_release}};
    return self;
}

static void add(const char *text) {
    assert_int_equal(h2_wire_reserve(&wire, strlen(text), 1), H2_OK);
    memcpy(h2_wire_tail(&wire), text, strlen(text));
    h2_wire_add(&wire, strlen(text), 0, 0);
}

static void add_chunk(record *self, size_t octets) {
    assert_int_equal(h2_wire_reserve(&wire, 0, 1), H2_OK);
    h2_wire_add_chunk(&wire, &self->chunk, octets);
}

/* All that is unsent, as one text. */
static const char *listed(size_t max) {
    static char text[1024];
    bytes_slice slices[64];
    size_t size = 0, count = h2_wire_list(&wire, slices, max);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + size, slices[i].data, slices[i].size);
        size += slices[i].size;
    }
    text[size] = '\0';
    return text;
}

static void octets_and_chunks_come_in_the_order_they_were_added(void **state) {
    (void)state;
    static record a;
    a = chunk_of("chunk");
    add("one ");
    add("two ");
    add_chunk(&a, 5);
    add(" three");
    assert_string_equal(listed(64), "one two chunk three");
    assert_int_equal(wire.unsent, 19);
    assert_int_equal(h2_wire_segments(&wire), 3);
    assert_string_equal(listed(2), "one two chunk");
}

static void a_chunk_is_released_with_its_last_octet(void **state) {
    (void)state;
    static record a;
    a = chunk_of("chunk");
    add("x");
    add_chunk(&a, 3);
    add("y");
    add_chunk(&a, 2);
    h2_wire_sent(&wire, 5, &done);
    assert_string_equal(listed(64), "nk");
    assert_int_equal(a.sent, 0);
    h2_wire_sent(&wire, 1, &done);
    assert_string_equal(listed(64), "k");
    h2_wire_sent(&wire, 1, &done);
    assert_int_equal(a.sent, 1);
    assert_int_equal(a.dropped, 0);
    assert_true(h2_wire_is_empty(&wire));
}

static void a_chunk_with_octets_left_is_not_released(void **state) {
    (void)state;
    static record a;
    a = chunk_of("chunk");
    add_chunk(&a, 3);
    h2_wire_sent(&wire, 3, &done);
    assert_int_equal(a.sent + a.dropped, 0);
    h2_wire_discard_chunk(&a.chunk);
    assert_int_equal(a.dropped, 1);
}

static void a_discarded_chunk_is_released_when_what_was_added_has_gone(void **state) {
    (void)state;
    static record a;
    a = chunk_of("chunk");
    add_chunk(&a, 3);
    h2_wire_discard_chunk(&a.chunk);
    assert_int_equal(a.sent + a.dropped, 0);
    assert_string_equal(listed(64), "chu");
    h2_wire_sent(&wire, 3, &done);
    assert_int_equal(a.dropped, 1);
    assert_int_equal(a.sent, 0);
}

static void an_empty_release_comes_when_all_before_it_is_sent(void **state) {
    (void)state;
    static record a, b;
    a = b = chunk_of("");
    assert_int_equal(h2_wire_reserve(&wire, 0, 2), H2_OK);
    h2_wire_add_release(&wire, &a.chunk);
    add("x");
    assert_int_equal(h2_wire_reserve(&wire, 0, 1), H2_OK);
    h2_wire_add_release(&wire, &b.chunk);
    assert_string_equal(listed(64), "x");
    h2_wire_sent(&wire, 0, &done);
    assert_int_equal(a.sent, 1);
    assert_int_equal(b.sent, 0);
    h2_wire_sent(&wire, 1, &done);
    assert_int_equal(b.sent, 1);
    assert_true(h2_wire_is_empty(&wire));
}

static void frames_are_done_when_their_run_has_gone(void **state) {
    (void)state;
    static record a;
    a = chunk_of("chunk");
    assert_int_equal(h2_wire_reserve(&wire, 8, 1), H2_OK);
    memset(h2_wire_tail(&wire), 'a', 8);
    h2_wire_add(&wire, 4, 1, 1);
    h2_wire_add(&wire, 4, 1, 0);
    add_chunk(&a, 5);
    h2_wire_sent(&wire, 7, &done);
    assert_int_equal(done.frames, 0);
    h2_wire_sent(&wire, 2, &done);
    assert_int_equal(done.frames, 2);
    assert_int_equal(done.acks, 1);
}

static void dropping_releases_each_chunk_once_as_not_sent(void **state) {
    (void)state;
    static record a, b;
    a = chunk_of("chunk");
    b = chunk_of("other");
    add_chunk(&a, 2);
    add_chunk(&a, 3);
    add_chunk(&b, 2);
    h2_wire_discard_chunk(&b.chunk);
    h2_wire_drop(&wire);
    assert_int_equal(a.dropped, 1);
    assert_int_equal(b.dropped, 1);
    assert_int_equal(a.sent + b.sent, 0);
    assert_int_equal(wire.unsent, 0);
}

static void a_wire_that_never_empties_does_not_grow(void **state) {
    (void)state;
    char expected[1024] = "0123456789";
    add("0123456789");
    for (int i = 0; i < 100000; i++) {
        add("0123456789");
        h2_wire_sent(&wire, 10, &done);
        assert_string_equal(listed(64), expected);
    }
    assert_true(h2_wire_memory(&wire) < 2000);
}

static void many_segments_wrap_around(void **state) {
    (void)state;
    static record records[300];
    for (int round = 0; round < 7; round++) {
        for (size_t i = 0; i < 300; i++) {
            records[i] = chunk_of("ab");
            add_chunk(&records[i], 2);
            if (i % 3)
                h2_wire_sent(&wire, 2, &done);
        }
        h2_wire_sent(&wire, wire.unsent, &done);
        for (size_t i = 0; i < 300; i++)
            assert_int_equal(records[i].sent, 1);
    }
}

#ifdef MEM_FAULTS
static void out_of_memory_leaves_it_as_it_was(void **state) {
    (void)state;
    add("abc");
    mem_fail_from(1);
    assert_int_equal(h2_wire_reserve(&wire, 100000, 1), H2_NOMEM);
    assert_int_equal(h2_wire_reserve(&wire, 1, 10000), H2_NOMEM);
    mem_fail_from(0);
    assert_string_equal(listed(64), "abc");
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(octets_and_chunks_come_in_the_order_they_were_added, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_chunk_is_released_with_its_last_octet, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chunk_with_octets_left_is_not_released, setup, teardown),
        cmocka_unit_test_setup_teardown(a_discarded_chunk_is_released_when_what_was_added_has_gone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_release_comes_when_all_before_it_is_sent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(frames_are_done_when_their_run_has_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(dropping_releases_each_chunk_once_as_not_sent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_wire_that_never_empties_does_not_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(many_segments_wrap_around, setup, teardown),
#ifdef MEM_FAULTS
        cmocka_unit_test_setup_teardown(out_of_memory_leaves_it_as_it_was, setup, teardown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
