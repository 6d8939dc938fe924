#include "hpack/static_table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void has_the_entries_of_rfc7541_appendix_a(void **state) {
    (void)state;
    static const struct {
        size_t index;
        const char *name;
        const char *value;
    } samples[] = {
        {1, ":authority", ""},
        {2, ":method", "GET"},
        {3, ":method", "POST"},
        {4, ":path", "/"},
        {5, ":path", "/index.html"},
        {6, ":scheme", "http"},
        {7, ":scheme", "https"},
        {8, ":status", "200"},
        {9, ":status", "204"},
        {10, ":status", "206"},
        {11, ":status", "304"},
        {12, ":status", "400"},
        {13, ":status", "404"},
        {14, ":status", "500"},
        {15, "accept-charset", ""},
        {16, "accept-encoding", "gzip, deflate"},
        {21, "age", ""},
        {31, "content-type", ""},
        {38, "host", ""},
        {47, "max-forwards", ""},
        {61, "www-authenticate", ""},
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const hpack_static_entry *entry = &hpack_static_table[samples[i].index];
        bytes_slice name = bytes_slice_of(samples[i].name, strlen(samples[i].name));
        bytes_slice value = bytes_slice_of(samples[i].value, strlen(samples[i].value));
        assert_true(bytes_slice_equal(entry->name, name));
        assert_true(bytes_slice_equal(entry->value, value));
    }
}

static void is_in_alphabetical_order_after_the_pseudo_fields_but_for_accept(void **state) {
    (void)state;
    for (size_t i = 20; i < HPACK_STATIC_ENTRIES; i++) {
        bytes_slice a = hpack_static_table[i].name;
        bytes_slice b = hpack_static_table[i + 1].name;
        int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
        assert_true(order < 0 || (order == 0 && a.size < b.size));
        assert_int_equal(hpack_static_table[i].value.size, 0);
    }
}

static void names_each_entry_by_the_first_of_its_name(void **state) {
    (void)state;
    for (size_t i = 1; i <= HPACK_STATIC_ENTRIES; i++) {
        const hpack_static_entry *entry = &hpack_static_table[i];
        const hpack_static_entry *first = &hpack_static_table[entry->token];
        assert_in_range(entry->token, 1, i);
        assert_int_equal(first->token, entry->token);
        assert_true(bytes_slice_equal(first->name, entry->name));
        if (i > 1 && !bytes_slice_equal(hpack_static_table[i - 1].name, entry->name))
            assert_int_equal(entry->token, i);
        assert_int_equal(hpack_token_of(entry->name), entry->token);
    }
}

static void gives_the_tokens_of_hpack_h_to_their_names(void **state) {
    (void)state;
    assert_int_equal(hpack_token_of(BYTES_LITERAL(":authority")), HPACK_TOKEN_AUTHORITY);
    assert_int_equal(hpack_token_of(BYTES_LITERAL(":method")), HPACK_TOKEN_METHOD);
    assert_int_equal(hpack_token_of(BYTES_LITERAL(":path")), HPACK_TOKEN_PATH);
    assert_int_equal(hpack_token_of(BYTES_LITERAL(":scheme")), HPACK_TOKEN_SCHEME);
    assert_int_equal(hpack_token_of(BYTES_LITERAL(":status")), HPACK_TOKEN_STATUS);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("age")), HPACK_TOKEN_AGE);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("authorization")), HPACK_TOKEN_AUTHORIZATION);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("content-length")), HPACK_TOKEN_CONTENT_LENGTH);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("cookie")), HPACK_TOKEN_COOKIE);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("date")), HPACK_TOKEN_DATE);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("etag")), HPACK_TOKEN_ETAG);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("host")), HPACK_TOKEN_HOST);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("if-modified-since")),
                     HPACK_TOKEN_IF_MODIFIED_SINCE);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("if-none-match")), HPACK_TOKEN_IF_NONE_MATCH);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("location")), HPACK_TOKEN_LOCATION);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("set-cookie")), HPACK_TOKEN_SET_COOKIE);
    assert_int_equal(hpack_token_of(BYTES_LITERAL("transfer-encoding")),
                     HPACK_TOKEN_TRANSFER_ENCODING);
}

static void gives_no_token_to_other_names(void **state) {
    (void)state;
    static const char *const others[] = {
        "",    "a",      ":",       ":paths",          ":patH",
        "Age", "agf",    "cookie2", "x-forwarded-for", "content-lengti",
        "te",  "trailer"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(hpack_token_of(bytes_slice_of(others[i], strlen(others[i]))),
                         HPACK_TOKEN_NONE);
    assert_int_equal(hpack_token_of(bytes_slice_of(NULL, 0)), HPACK_TOKEN_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_entries_of_rfc7541_appendix_a),
        cmocka_unit_test(is_in_alphabetical_order_after_the_pseudo_fields_but_for_accept),
        cmocka_unit_test(names_each_entry_by_the_first_of_its_name),
        cmocka_unit_test(gives_the_tokens_of_hpack_h_to_their_names),
        cmocka_unit_test(gives_no_token_to_other_names),
    };
    return cmocka_run_group_tests_name("hpack/static_table", tests, NULL, NULL);
}
