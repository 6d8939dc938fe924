#include "h2/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_code_of_the_rfc_has_its_name_and_no_other(void **state) {
    (void)state;
    assert_string_equal(h2_error_name(0), "NO_ERROR");
    assert_string_equal(h2_error_name(5), "STREAM_CLOSED");
    assert_string_equal(h2_error_name(0xd), "HTTP_1_1_REQUIRED");
    for (uint32_t code = 0; code <= 0xd; code++)
        assert_non_null(h2_error_name(code));
    assert_null(h2_error_name(0xe));
    assert_null(h2_error_name(UINT32_MAX));
}

static void a_fault_says_how_far_it_reaches(void **state) {
    (void)state;
    h2_fault fault;
    assert_int_equal(h2_fault_stream(&fault, 7, H2_CANCEL, "text"), H2_FAULT);
    assert_int_equal(fault.scope, H2_SCOPE_STREAM);
    assert_int_equal(fault.stream_id, 7);
    assert_int_equal(fault.code, H2_CANCEL);
    assert_string_equal(fault.text, "text");
    assert_int_equal(h2_fault_session(&fault, H2_PROTOCOL_ERROR, "other"), H2_FAULT);
    assert_int_equal(fault.scope, H2_SCOPE_SESSION);
    assert_int_equal(fault.stream_id, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_rfc_has_its_name_and_no_other),
        cmocka_unit_test(a_fault_says_how_far_it_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
