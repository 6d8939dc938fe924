#include "h2/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h2/h2.h"

static bytes_slice text_of(const char *text) {
    return bytes_slice_of(text, strlen(text));
}

/* RFC 9110 §5.6.2 */
static bool is_tchar(int c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static void names_are_tokens_in_lower_case_whatever_the_position(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 20; at++) {
            uint8_t name[20];
            memset(name, 'x', sizeof(name));
            name[at] = (uint8_t)c;
            bytes_slice slice = bytes_slice_of(name, sizeof(name));
            assert_int_equal(h2_text_is_token(slice), is_tchar(c));
            assert_int_equal(h2_text_is_field_name(slice), is_tchar(c) && !(c >= 'A' && c <= 'Z'));
        }
    }
    assert_false(h2_text_is_token(text_of("")));
    assert_false(h2_text_is_field_name(text_of("")));
}

static void values_hold_no_controls_whatever_the_position(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 27; at++) {
            uint8_t value[27];
            memset(value, 'x', sizeof(value));
            value[at] = (uint8_t)c;
            bool is_end = at == 0 || at == sizeof(value) - 1;
            bool is_blank = c == ' ' || c == '\t';
            bool is_allowed = is_blank ? !is_end : c >= 0x20 && c != 0x7f;
            assert_int_equal(h2_text_is_field_value(bytes_slice_of(value, sizeof(value))),
                             is_allowed);
        }
    }
    assert_true(h2_text_is_field_value(text_of("")));
    assert_true(h2_text_is_field_value(bytes_slice_of(NULL, 0)));
}

static void a_target_is_visible_ascii_without_a_fragment(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        uint8_t path[] = {'/', (uint8_t)c};
        assert_int_equal(h2_text_is_target(bytes_slice_of(path, 2)),
                         c > 0x20 && c < 0x7f && c != '#');
    }
    assert_false(h2_text_is_target(text_of("")));
}

static void an_authority_is_a_host_and_perhaps_a_port(void **state) {
    (void)state;
    static const char *const good[] = {
        "a",         "example.org",     "example.org:8080", "127.0.0.1:1", "[::1]",
        "[::1]:443", "[fe80::1.2.3.4]", "a_b-c~d",          "%41b",        "A:65535",
        "a:0",       "x!$&'()*+;="};
    static const char *const bad[] = {
        "",       ":80",     "a@b",     "u:p@b",    "a/b",     "a?b",  "a#b",   "a,b",  "a:",
        "a:b",    "a:99999", "a:65536", "a:000080", "a:80:80", "[::1", "::1]",  "[]",   "[g::]",
        "[::1]x", "[::1]:",  "a b",     "%4",       "%zz",     "a\\b", "a\x80", "a\"b", "http://a"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!h2_text_is_authority(text_of(good[i])))
            fail_msg("%s is an authority", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (h2_text_is_authority(text_of(bad[i])))
            fail_msg("%s is no authority", bad[i]);
}

static void authorities_are_the_same_but_for_case_and_the_scheme_s_port(void **state) {
    (void)state;
    assert_true(h2_text_same_authority(text_of("A.b"), text_of("a.B:80"), false));
    assert_true(h2_text_same_authority(text_of("a:443"), text_of("a"), true));
    assert_false(h2_text_same_authority(text_of("a:443"), text_of("a"), false));
    assert_false(h2_text_same_authority(text_of("a"), text_of("b"), false));
    assert_true(h2_text_same_authority(text_of("[::1]:80"), text_of("[::1]"), false));
}

static void a_length_is_digits_up_to_what_a_double_holds(void **state) {
    (void)state;
    assert_int_equal(h2_text_parse_length(text_of("0")), 0);
    assert_int_equal(h2_text_parse_length(text_of("0013")), 13);
    assert_int_equal(h2_text_parse_length(text_of("9007199254740991")), 9007199254740991);
    static const char *const bad[] = {"",
                                      "+5",
                                      "-1",
                                      "5,5",
                                      "0x5",
                                      "5 ",
                                      " 5",
                                      "5.0",
                                      "9007199254740992",
                                      "18446744073709551616"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(h2_text_parse_length(text_of(bad[i])), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_tokens_in_lower_case_whatever_the_position),
        cmocka_unit_test(values_hold_no_controls_whatever_the_position),
        cmocka_unit_test(a_target_is_visible_ascii_without_a_fragment),
        cmocka_unit_test(an_authority_is_a_host_and_perhaps_a_port),
        cmocka_unit_test(authorities_are_the_same_but_for_case_and_the_scheme_s_port),
        cmocka_unit_test(a_length_is_digits_up_to_what_a_double_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
