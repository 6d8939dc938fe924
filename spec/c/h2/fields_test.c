#include "h2/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_FIELDS 16

static hpack_field fields[MAX_FIELDS];
static h2_message_facts facts;

/* Fills `fields` from name, value, ..., NULL. */
static size_t fill(va_list arguments) {
    size_t count = 0;
    const char *name;
    while ((name = va_arg(arguments, const char *)) != NULL) {
        const char *value = va_arg(arguments, const char *);
        fields[count] = (hpack_field){.name = bytes_slice_of(name, strlen(name)),
                                      .value = bytes_slice_of(value, strlen(value))};
        fields[count].token = hpack_token_of(fields[count].name);
        count++;
    }
    return count;
}

static const char *request(int is_extended, ...) {
    va_list arguments;
    va_start(arguments, is_extended);
    size_t count = fill(arguments);
    va_end(arguments);
    return h2_fields_check_request(fields, count, is_extended != 0, &facts);
}

/* A GET with further fields. */
#define GET(...)                                                                                   \
    request(false, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a",          \
            __VA_ARGS__)
/* A request of four pseudo-fields. */
#define OF(m, s, p, a)                                                                             \
    request(false, ":method", (m), ":scheme", (s), ":path", (p), ":authority", (a), NULL)

static const char *response(const char *first, ...) {
    va_list arguments;
    va_start(arguments, first);
    size_t count = fill(arguments);
    va_end(arguments);
    memmove(fields + 1, fields, count * sizeof(*fields));
    fields[0] = (hpack_field){.name = BYTES_LITERAL(":status"),
                              .value = bytes_slice_of(first, strlen(first)),
                              .token = HPACK_TOKEN_STATUS};
    return h2_fields_check_response(fields, count + 1, &facts);
}

static const char *trailers(const char *name, const char *value) {
    fields[0] = (hpack_field){.name = bytes_slice_of(name, strlen(name)),
                              .value = bytes_slice_of(value, strlen(value))};
    fields[0].token = hpack_token_of(fields[0].name);
    return h2_fields_check_trailers(fields, 1);
}

static void a_request_in_order_is_taken_and_its_facts_are_known(void **state) {
    (void)state;
    assert_null(GET("user-agent", "x", NULL));
    assert_int_equal(facts.content_length, -1);
    assert_false(facts.is_head);
    assert_true(facts.is_safe);
    assert_false(facts.has_priority);
    assert_null(OF("HEAD", "http", "/a?b=c", "a:80"));
    assert_true(facts.is_head);
    assert_null(GET("content-length", "13", "te", "trailers", "priority", "u=1, i", NULL));
    assert_int_equal(facts.content_length, 13);
    assert_true(facts.has_priority);
    assert_int_equal(facts.priority.urgency, 1);
    assert_true(facts.priority.is_incremental);
}

static void each_pseudo_field_is_there_once_and_first(void **state) {
    (void)state;
    assert_non_null(request(false, ":scheme", "http", ":path", "/", ":authority", "a", NULL));
    assert_non_null(request(false, ":method", "GET", ":path", "/", ":authority", "a", NULL));
    assert_non_null(request(false, ":method", "GET", ":scheme", "http", ":authority", "a", NULL));
    assert_non_null(request(false, ":method", "GET", ":scheme", "http", ":path", "/", NULL));
    assert_non_null(GET(":path", "/", NULL));
    assert_non_null(GET(":method", "GET", NULL));
    assert_non_null(GET("a", "b", ":path", "/x", NULL));
    assert_non_null(GET(":status", "200", NULL));
    assert_non_null(GET(":foo", "x", NULL));
    assert_non_null(GET(":", "x", NULL));
    assert_non_null(request(false, NULL));
}

static void a_path_is_plain_text_and_begins_with_a_slash(void **state) {
    (void)state;
    static const char *const bad[] = {"",      "a",   "http://x/", "/a b", "/a#b",
                                      "/\x80", "/\r", "*",         "?a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_non_null(OF("GET", "http", bad[i], "a"));
    assert_null(OF("GET", "http", "//host/x", "a"));
    assert_null(OF("OPTIONS", "http", "*", "a"));
    assert_non_null(OF("OPTIONS", "http", "**", "a"));
}

static void a_method_is_a_short_token_and_a_scheme_is_known(void **state) {
    (void)state;
    assert_null(OF("PURGE", "http", "/", "a"));
    assert_null(OF("get", "http", "/", "a"));
    assert_null(OF("12345678901234567890123456789012", "http", "/", "a"));
    assert_non_null(OF("123456789012345678901234567890123", "http", "/", "a"));
    assert_non_null(OF("", "http", "/", "a"));
    assert_non_null(OF("GET /x HTTP/1.1", "http", "/", "a"));
    assert_non_null(OF("GET", "ftp", "/", "a"));
    assert_non_null(OF("GET", "", "/", "a"));
    assert_non_null(OF("GET", "http://x/?", "/", "a"));
}

static void host_says_what_authority_says(void **state) {
    (void)state;
    assert_null(GET("host", "A:443", NULL));
    assert_null(
        request(false, ":method", "GET", ":scheme", "http", ":path", "/", "host", "b", NULL));
    assert_non_null(GET("host", "b", NULL));
    assert_non_null(GET("host", "a", "host", "a", NULL));
    assert_non_null(GET("host", "a@b", NULL));
    assert_non_null(
        request(false, ":method", "GET", ":scheme", "http", ":path", "/", "host", "", NULL));
    assert_non_null(OF("GET", "http", "/", ""));
    assert_non_null(OF("GET", "http", "/", "user@a"));
}

static void fields_of_the_connection_are_refused_both_ways(void **state) {
    (void)state;
    static const char *const names[] = {"connection",        "proxy-connection", "keep-alive",
                                        "transfer-encoding", "upgrade",          "http2-settings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_non_null(GET(names[i], "x", NULL));
        assert_non_null(response("200", names[i], "x", NULL));
        assert_non_null(trailers(names[i], "x"));
    }
    assert_non_null(GET("te", "gzip", NULL));
    assert_non_null(GET("te", "trailers, gzip", NULL));
    assert_non_null(GET("te", "trailers", "te", "trailers", NULL));
    assert_null(GET("te", "Trailers", NULL));
    assert_non_null(response("200", "te", "trailers", NULL));
}

static void names_and_values_are_clean(void **state) {
    (void)state;
    assert_non_null(GET("Upper", "x", NULL));
    assert_non_null(GET("a b", "x", NULL));
    assert_non_null(GET("", "x", NULL));
    assert_non_null(GET("a:", "x", NULL));
    assert_non_null(GET("x", " a", NULL));
    assert_non_null(GET("x", "a\t", NULL));
    assert_non_null(GET("x", "a\r\nb: c", NULL));
    assert_non_null(GET("cookie", "a\nb", NULL));
    assert_null(GET("x", "", NULL));
    assert_null(GET("x", "\xe9t\xe9\tb", NULL));
}

static void content_length_is_one_number(void **state) {
    (void)state;
    static const char *const bad[] = {"+5", "-1", "5,5", "0x5", "", "18446744073709551616", "5 5"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_non_null(GET("content-length", bad[i], NULL));
        assert_non_null(response("200", "content-length", bad[i], NULL));
    }
    assert_non_null(GET("content-length", "5", "content-length", "5", NULL));
    assert_non_null(GET("content-length", "5", "content-length", "6", NULL));
}

static void connect_has_an_authority_and_nothing_else(void **state) {
    (void)state;
    assert_null(request(false, ":method", "CONNECT", ":authority", "a:443", NULL));
    assert_true(facts.is_connect);
    assert_non_null(request(false, ":method", "CONNECT", NULL));
    assert_non_null(request(false, ":method", "CONNECT", "host", "a:443", NULL));
    assert_non_null(request(false, ":method", "CONNECT", ":authority", "a", ":path", "/", NULL));
    assert_non_null(
        request(false, ":method", "CONNECT", ":authority", "a", ":scheme", "http", NULL));
    assert_non_null(
        request(false, ":method", "CONNECT", ":authority", "a", "content-length", "1", NULL));
}

static void extended_connect_is_taken_where_it_was_offered(void **state) {
    (void)state;
#define EXTENDED(method, is_offered, protocol)                                                     \
    request((is_offered), ":method", (method), ":scheme", "https", ":path", "/chat", ":authority", \
            "a", ":protocol", (protocol), NULL)
    assert_null(EXTENDED("CONNECT", true, "websocket"));
    assert_true(facts.is_connect);
    assert_non_null(EXTENDED("CONNECT", false, "websocket"));
    assert_non_null(EXTENDED("GET", true, "websocket"));
    assert_non_null(EXTENDED("CONNECT", true, ""));
    assert_non_null(EXTENDED("CONNECT", true, "a b"));
    assert_non_null(request(true, ":method", "CONNECT", ":authority", "a", ":protocol", "x", NULL));
#undef EXTENDED
}

static void a_response_has_one_status_of_three_digits(void **state) {
    (void)state;
    static const char *const bad[] = {"99", "1000", "2 0", "", "600", "099", "20x", "101", "-10"};
    assert_null(response("200", NULL));
    assert_int_equal(facts.status, 200);
    assert_null(response("599", NULL));
    assert_null(response("100", NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_non_null(response(bad[i], NULL));
    assert_non_null(response("200", ":status", "200", NULL));
    assert_non_null(response("200", ":path", "/", NULL));
    assert_non_null(response("200", "a", "b", ":status", "200", NULL));
    assert_non_null(h2_fields_check_response(fields, 0, &facts));
}

static void trailers_frame_and_route_nothing(void **state) {
    (void)state;
    assert_null(trailers("x-checksum", "1"));
    assert_null(h2_fields_check_trailers(NULL, 0));
    assert_non_null(trailers(":status", "200"));
    assert_non_null(trailers(":path", "/"));
    assert_non_null(trailers("content-length", "1"));
    assert_non_null(trailers("host", "a"));
    assert_non_null(trailers("te", "trailers"));
    assert_non_null(trailers("Bad", "1"));
}

static void our_own_request_is_looked_at_not_judged(void **state) {
    (void)state;
    fields[0] = (hpack_field){.name = BYTES_LITERAL(":method"), .value = BYTES_LITERAL("CONNECT")};
    fields[1] = (hpack_field){.name = BYTES_LITERAL("priority"), .value = BYTES_LITERAL("u=0")};
    h2_fields_survey(fields, 2, &facts);
    assert_true(facts.is_connect);
    assert_true(facts.has_priority);
    assert_int_equal(facts.priority.urgency, 0);
    h2_fields_survey(fields, 0, &facts);
    assert_false(facts.has_priority);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_in_order_is_taken_and_its_facts_are_known),
        cmocka_unit_test(each_pseudo_field_is_there_once_and_first),
        cmocka_unit_test(a_path_is_plain_text_and_begins_with_a_slash),
        cmocka_unit_test(a_method_is_a_short_token_and_a_scheme_is_known),
        cmocka_unit_test(host_says_what_authority_says),
        cmocka_unit_test(fields_of_the_connection_are_refused_both_ways),
        cmocka_unit_test(names_and_values_are_clean),
        cmocka_unit_test(content_length_is_one_number),
        cmocka_unit_test(connect_has_an_authority_and_nothing_else),
        cmocka_unit_test(extended_connect_is_taken_where_it_was_offered),
        cmocka_unit_test(a_response_has_one_status_of_three_digits),
        cmocka_unit_test(trailers_frame_and_route_nothing),
        cmocka_unit_test(our_own_request_is_looked_at_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
