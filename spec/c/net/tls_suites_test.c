#include "support/net_support.h"

#include "net/tls.h"

static size_t count_of(const int *ids) {
    size_t count = 0;
    while (ids[count] != 0)
        count++;
    return count;
}

static bool has(const int *ids, int id) {
    for (; *ids != 0; ids++) {
        if (*ids == id)
            return true;
    }
    return false;
}

static int *parse(const char *list, bool is_strict) {
    net_error error = {.text = ""};
    int *ids = tls_suites_parse(list, is_strict, &error);
    if (!ids)
        fail_msg("%s", error.text);
    return ids;
}

static void defaults_to_what_http2_allows_the_fast_ones_first(void **state) {
    (void)state;
    int *ids = parse(NULL, false);
    for (size_t i = 0; ids[i] != 0; i++)
        assert_true(tls_suite_is_adequate(ids[i]));
    assert_int_equal(ids[0], TLS_HAS_1_3 ? 0x1303 : 0xCCA9);
    assert_true(has(ids, 0xC02F)); /* RFC 9113 §9.2.2: the one that must be there */
    assert_false(has(ids, 0x009E));
    assert_int_equal(count_of(ids), TLS_HAS_1_3 ? 9 : 6);
    mem_free(ids);
}

static void takes_both_kinds_of_names_in_their_order(void **state) {
    (void)state;
    int *ids = parse("ECDHE-RSA-AES256-GCM-SHA384:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:"
                     "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
                     false);
    assert_int_equal(ids[0], 0xC030);
    assert_int_equal(ids[1], 0xC02F);
    assert_int_equal(ids[2], 0xC027);
    assert_int_equal(has(ids, 0x1301), TLS_HAS_1_3); /* which the list does not speak of */
    mem_free(ids);
}

static void drops_what_http2_forbids_where_that_is_the_rule(void **state) {
    (void)state;
    int *ids = parse("AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-GCM-SHA256", true);
    assert_int_equal(ids[0], 0xC02F);
    assert_false(has(ids, 0x009C));
    assert_false(has(ids, 0xC027));
    mem_free(ids);
}

static void refuses_unknown_names_and_empty_lists(void **state) {
    (void)state;
    net_error error;
    assert_null(tls_suites_parse("ECDHE-RSA-AES128-GCM-SHA256:ROT13", false, &error));
    assert_string_equal(error.code, "ERR_SSL_NO_CIPHER_MATCH");
    assert_string_equal(error.text, "unknown cipher suite: ROT13");
    assert_null(tls_suites_parse("", false, &error));
    assert_string_equal(error.code, "ERR_SSL_NO_CIPHER_MATCH");
    assert_null(tls_suites_parse(":::", false, &error));
    assert_null(tls_suites_parse("ECDHE-RSA-AES128-SHA256", true, &error));
    char name[200];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_null(tls_suites_parse(name, false, &error));
    mem_fail_from(1);
    assert_null(tls_suites_parse(NULL, false, &error));
    mem_fail_from(0);
    assert_string_equal(error.code, "ENOMEM");
    assert_int_equal(mem_blocks(), 0);
}

static void names_suites_both_ways(void **state) {
    (void)state;
    const char *iana;
    assert_string_equal(tls_suite_name(0xC02B, &iana), "ECDHE-ECDSA-AES128-GCM-SHA256");
    assert_string_equal(iana, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_string_equal(tls_suite_name(0, &iana), "");
    assert_string_equal(iana, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_to_what_http2_allows_the_fast_ones_first),
        cmocka_unit_test(takes_both_kinds_of_names_in_their_order),
        cmocka_unit_test(drops_what_http2_forbids_where_that_is_the_rule),
        cmocka_unit_test(refuses_unknown_names_and_empty_lists),
        cmocka_unit_test(names_suites_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
