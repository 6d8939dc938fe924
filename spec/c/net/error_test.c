#include "support/net_support.h"

static void words_an_error_as_node_does(void **state) {
    (void)state;
    net_error error;
    net_error_from_uv(&error, UV_ECONNREFUSED, "connect", "::1", 80);
    assert_string_equal(error.code, "ECONNREFUSED");
    assert_string_equal(error.text, "connect ECONNREFUSED ::1:80");
    assert_int_equal(error.number, UV_ECONNREFUSED);
    net_error_from_uv(&error, UV_EACCES, "listen", "/run/x", -1);
    assert_string_equal(error.text, "listen EACCES /run/x");
    net_error_from_uv(&error, UV_ECONNRESET, "read", NULL, -1);
    assert_string_equal(error.text, "read ECONNRESET");
    assert_string_equal(error.address, "");
    assert_int_equal(error.port, -1);
}

static void calls_an_unknown_name_what_programs_look_for(void **state) {
    (void)state;
    net_error error;
    net_error_from_uv(&error, UV_EAI_NONAME, "getaddrinfo", "nobody", -1);
    assert_string_equal(error.code, "ENOTFOUND");
    net_error_from_uv(&error, UV_EAI_NODATA, "getaddrinfo", "nobody", -1);
    assert_string_equal(error.code, "ENOTFOUND");
    net_error_from_uv(&error, UV_EAI_AGAIN, "getaddrinfo", "nobody", -1);
    assert_string_equal(error.code, "EAI_AGAIN");
}

static void cuts_what_is_too_long(void **state) {
    (void)state;
    net_error error;
    char name[400];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    net_error_from_uv(&error, UV_EAI_NONAME, "getaddrinfo", name, -1);
    assert_int_equal(strlen(error.address), sizeof(error.address) - 1);
    net_error_from_uv(&error, -9999, "read", NULL, -1);
    assert_true(error.code[0] != '\0');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_an_error_as_node_does),
        cmocka_unit_test(calls_an_unknown_name_what_programs_look_for),
        cmocka_unit_test(cuts_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
