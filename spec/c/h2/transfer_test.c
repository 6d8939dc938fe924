/* Two sessions that talk to each other: bodies of every awkward size, at every awkward window, both
 * ways, in any pieces; and the same with memory running out at each allocation in turn. */
#include "h2/support/pair.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const size_t sizes[] = {0,     1,     1023,  1024,  1025,  16383,
                               16384, 16385, 65534, 65535, 65536, 65537};

static void assert_whole(const pair_options *options) {
    pair_result result = pair_run(options);
    if (result.status != H2_OK)
        fail_msg("window %u, streams %u, up %zu, down %zu: %s", options->window, options->streams,
                 options->upload, options->download, result.wrong);
    assert_int_equal(result.chunks, result.released);
}

static void run_sizes(uint32_t window, uint32_t streams, size_t limit) {
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes) && sizes[i] <= limit; i++) {
        pair_options options = {.window = window, .streams = streams, .piece = 10000};
        options.download = sizes[i];
        assert_whole(&options);
        options.upload = sizes[i];
        assert_whole(&options);
        options.download = 0;
        options.is_read = i % 2 == 0;
        assert_whole(&options);
    }
}

static void bodies_arrive_whole_at_the_usual_window(void **state) {
    (void)state;
    run_sizes(65535, 1, 65537);
    run_sizes(65535, 32, 65537);
    run_sizes(65535, 100, 16385);
}

static void bodies_arrive_whole_at_a_large_window(void **state) {
    (void)state;
    run_sizes(16 << 20, 1, 65537);
    run_sizes(16 << 20, 32, 65537);
    run_sizes(16 << 20, 100, 16385);
}

static void bodies_arrive_whole_at_a_window_of_one_octet(void **state) {
    (void)state;
    run_sizes(1, 1, 16385);
    run_sizes(1, 32, 1025);
    run_sizes(1, 100, 1025);
}

static void ten_megabytes_arrive_whole(void **state) {
    (void)state;
    pair_options options = {.window = 65535, .streams = 1, .piece = 1 << 20};
    options.upload = options.download = 10000000;
    assert_whole(&options);
    options.window = 16 << 20;
    options.is_read = true;
    assert_whole(&options);
}

static void trailers_pushes_and_padding_change_nothing_of_it(void **state) {
    (void)state;
    for (int padding = H2_PADDING_NONE; padding <= H2_PADDING_MAX; padding++) {
        for (int kind = 0; kind < 4; kind++) {
            pair_options options = {.window = 5000,
                                    .streams = 5,
                                    .upload = 20000,
                                    .download = 30000,
                                    .piece = 777,
                                    .has_trailers = kind & 1,
                                    .has_pushes = kind & 2};
            options.padding = (h2_padding)padding;
            assert_whole(&options);
            options.is_read = true;
            assert_whole(&options);
        }
    }
}

static void any_pieces_of_the_wire_make_the_same_conversation(void **state) {
    (void)state;
    for (size_t split = 1; split < 40; split += split < 12 ? 1 : 9) {
        pair_options options = {.window = 3000,
                                .streams = 4,
                                .upload = 5000,
                                .download = 7000,
                                .piece = 600,
                                .split = split,
                                .has_trailers = true,
                                .has_pushes = true,
                                .padding = H2_PADDING_ALIGNED};
        assert_whole(&options);
    }
}

#ifdef MEM_FAULTS
/* One run in which the n-th allocation fails, and perhaps all after it; whether it was reached. */
static bool run_short_of_memory(const pair_options *options, size_t n, bool is_once) {
    size_t before = mem_blocks();
    if (is_once)
        mem_fail_once(n);
    else
        mem_fail_from(n);
    pair_result result = pair_run(options);
    bool was_reached = mem_attempts() >= n;
    mem_fail_from(0);
    if (result.status == H2_MISUSE)
        fail_msg("allocation %zu: %s", n, result.wrong);
    assert_true(was_reached || result.status == H2_OK);
    assert_int_equal(mem_blocks(), before);
    assert_int_equal(result.chunks, result.released);
    return was_reached;
}

static void memory_that_runs_out_anywhere_is_said_and_leaves_nothing(void **state) {
    (void)state;
    pair_options options = {.window = 3000,
                            .streams = 3,
                            .upload = 5000,
                            .download = 7000,
                            .piece = 600,
                            .split = 100,
                            .has_trailers = true,
                            .has_pushes = true};
    for (int kind = 0; kind < 3; kind++) {
        options.is_read = kind == 1;
        if (kind == 2) { /* requests wait */
            options.streams = 110;
            options.upload = options.download = 100;
        }
        for (int is_once = 0; is_once < 2; is_once++) {
            size_t n = 1;
            while (run_short_of_memory(&options, n, is_once))
                n++;
            assert_true(n > 40);
        }
    }
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_arrive_whole_at_the_usual_window),
        cmocka_unit_test(bodies_arrive_whole_at_a_large_window),
        cmocka_unit_test(bodies_arrive_whole_at_a_window_of_one_octet),
        cmocka_unit_test(ten_megabytes_arrive_whole),
        cmocka_unit_test(trailers_pushes_and_padding_change_nothing_of_it),
        cmocka_unit_test(any_pieces_of_the_wire_make_the_same_conversation),
#ifdef MEM_FAULTS
        cmocka_unit_test(memory_that_runs_out_anywhere_is_said_and_leaves_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
