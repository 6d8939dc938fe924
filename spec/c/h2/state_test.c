#include "h2/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SAME = -1, PE = -2, SC_STREAM = -3, SC_SESSION = -4, MISUSE = -5, GONE = -6 };

/* RFC 9113 §5.1, state by state: what becomes of each input. */
typedef struct row {
    h2_stream_state from;
    int to[H2_INPUTS];
} row;

#define IDLE H2_STATE_IDLE
#define OPEN H2_STATE_OPEN
#define RES_L H2_STATE_RESERVED_LOCAL
#define RES_R H2_STATE_RESERVED_REMOTE
#define HC_L H2_STATE_HALF_CLOSED_LOCAL
#define HC_R H2_STATE_HALF_CLOSED_REMOTE
#define CLOSED H2_STATE_CLOSED

/* send: HEADERS DATA END PROMISE RESET; recv: HEADERS DATA END PROMISE RESET WINDOW_UPDATE */
static const row rows[] = {
    {IDLE, {OPEN, MISUSE, MISUSE, RES_L, MISUSE, OPEN, PE, PE, RES_R, PE, PE}},
    {OPEN, {SAME, SAME, HC_L, MISUSE, CLOSED, SAME, SAME, HC_R, PE, CLOSED, SAME}},
    {RES_L, {HC_R, MISUSE, MISUSE, MISUSE, CLOSED, PE, PE, PE, PE, CLOSED, SAME}},
    {RES_R, {MISUSE, MISUSE, MISUSE, MISUSE, CLOSED, HC_L, PE, PE, PE, CLOSED, PE}},
    {HC_L, {GONE, GONE, GONE, MISUSE, CLOSED, SAME, SAME, CLOSED, PE, CLOSED, SAME}},
    {HC_R, {SAME, SAME, CLOSED, MISUSE, CLOSED, SC_STREAM, SC_STREAM, SC_STREAM, PE, CLOSED, SAME}},
    {CLOSED, {GONE, GONE, GONE, GONE, GONE, SC_SESSION, SC_SESSION, SC_SESSION, PE, SAME, SAME}},
};

static void assert_outcome(int result, int expected, const h2_fault *fault) {
    switch (expected) {
    case PE:
        assert_int_equal(result, H2_FAULT);
        assert_int_equal(fault->code, H2_PROTOCOL_ERROR);
        assert_int_equal(fault->scope, H2_SCOPE_SESSION);
        break;
    case SC_STREAM:
    case SC_SESSION:
        assert_int_equal(result, H2_FAULT);
        assert_int_equal(fault->code, H2_STREAM_CLOSED);
        assert_int_equal(fault->scope, expected == SC_STREAM ? H2_SCOPE_STREAM : H2_SCOPE_SESSION);
        break;
    case MISUSE:
        assert_int_equal(result, H2_MISUSE);
        break;
    case GONE:
        assert_int_equal(result, H2_GONE);
        break;
    default:
        assert_int_equal(result, H2_OK);
    }
}

static void each_input_moves_each_state_as_the_diagram_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int input = 0; input < H2_INPUTS; input++) {
            h2_stream_state now = rows[i].from;
            h2_fault fault = {0};
            int expected = rows[i].to[input];
            int result = h2_state_advance(&now, (h2_input)input, 9, &fault);
            assert_outcome(result, expected, &fault);
            assert_int_equal(now, expected > 0 ? expected : (int)rows[i].from);
        }
    }
}

static void each_side_knows_when_it_is_done(void **state) {
    (void)state;
    assert_false(h2_state_is_local_closed(OPEN));
    assert_true(h2_state_is_local_closed(HC_L));
    assert_true(h2_state_is_local_closed(RES_R));
    assert_true(h2_state_is_local_closed(CLOSED));
    assert_false(h2_state_is_local_closed(HC_R));
    assert_false(h2_state_is_local_closed(RES_L));
    assert_true(h2_state_is_remote_closed(HC_R));
    assert_true(h2_state_is_remote_closed(RES_L));
    assert_true(h2_state_is_remote_closed(CLOSED));
    assert_false(h2_state_is_remote_closed(HC_L));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_moves_each_state_as_the_diagram_says),
        cmocka_unit_test(each_side_knows_when_it_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
