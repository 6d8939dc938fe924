#include "h1/support/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

typedef struct exchange {
    const char *octets, *trace;
} exchange;

/* One reading; the trace is the caller's to dispose. */
static bytes_buffer trace_of(const char *octets, size_t size, size_t step,
                             const h1_limits *limits) {
    bytes_buffer trace = {0};
    assert_int_equal(reading_trace((const uint8_t *)octets, size, step, limits, &trace), 0);
    return trace;
}

/* What comes out never depends on how the octets came in. */
static void expect_sized(const char *octets, size_t size, const char *expected,
                         const h1_limits *limits) {
    static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        size_t step = steps[i] < size ? steps[i] : size;
        bytes_buffer trace = trace_of(octets, size, step, limits);
        if (strncmp((const char *)trace.data, expected, strlen(expected)) != 0 ||
            (strlen(expected) > 4 && trace.size != strlen(expected) + 1))
            fail_msg("in pieces of %zu: %s\nexpected: %s\nobserved: %s", step, octets, expected,
                     (const char *)trace.data);
        bytes_buffer_dispose(&trace);
    }
}

static void expect_all(const exchange *list, size_t count) {
    h1_limits limits;
    h1_limits_init(&limits);
    for (size_t i = 0; i < count; i++)
        expect_sized(list[i].octets, strlen(list[i].octets), list[i].trace, &limits);
}
#define EXPECT_ALL(list) expect_all((list), sizeof(list) / sizeof(*(list)))

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_TRACE "POST / of a Host=a Transfer-Encoding=chunked body|"

static void requests_are_told_head_body_and_end(void **state) {
    (void)state;
    static const exchange list[] = {
        {GET "\r\n", "GET / of a Host=a|end|"},
        {"\r\n\r\n" GET "\r\n", "GET / of a Host=a|end|"},
        {"GET /a?b=c HTTP/1.1\r\nhost:a:80\r\nX:  y z \t\r\nX:\r\n\r\n",
         "GET /a?b=c of a:80 host=a:80 X=y z X=|end|"},
        {POST "Content-Length: 3\r\n\r\nabc", "POST / of a Host=a Content-Length=3 body|abc|end|"},
        {POST "Content-Length: 0\r\n\r\n", "POST / of a Host=a Content-Length=0|end|"},
        {GET "\r\n" GET "\r\n", "GET / of a Host=a|end|GET / of a Host=a|end|"},
        {POST "Content-Length: 1\r\n\r\nx" GET "\r\n",
         "POST / of a Host=a Content-Length=1 body|x|end|GET / of a Host=a|end|"},
        {CHUNKED "3\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "abc|end|"},
        {CHUNKED "0\r\n\r\n", CHUNKED_TRACE "end|"},
        {CHUNKED "00A;x=\"y\"\r\n0123456789\r\n1\r\n!\r\n000\r\nT: u\r\n\r\n",
         CHUNKED_TRACE "0123456789!|end T=u|"},
        {CHUNKED "1\r\n\r\r\n0\r\n\r\n" GET "\r\n", CHUNKED_TRACE "\r|end|GET / of a Host=a|end|"},
        {"M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n", "400 malformed request target"},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * of a Host=a|end|"},
        {GET "Foo: \x80\xff\r\n\r\n", "GET / of a Host=a Foo=\x80\xff|end|"},
    };
    EXPECT_ALL(list);
}

static void connections_go_on_as_their_version_and_fields_say(void **state) {
    (void)state;
    static const exchange list[] = {
        {GET "Connection: close\r\n\r\n", "GET / of a Host=a Connection=close close|end|"},
        {GET "Connection: x, CLOSE\r\n\r\n", "GET / of a Host=a Connection=x, CLOSE close|end|"},
        {"GET / HTTP/1.0\r\n\r\n", "GET / of  1.0 close|end|"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         "GET / of  Connection=keep-alive 1.0|end|"},
        {GET "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
         "GET / of a Host=a Connection=upgrade Upgrade=websocket upgrade|end|"},
        {GET "Upgrade: h2c\r\n\r\n" GET "\r\n",
         "GET / of a Host=a Upgrade=h2c|end|GET / of a Host=a|end|"},
    };
    EXPECT_ALL(list);
}

static void a_tunnel_has_no_framing(void **state) {
    (void)state;
    static const exchange list[] = {
        {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nanything\r\n\n",
         "CONNECT  of a:1 Host=a:1|anything\r\n\n"},
        {"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
    };
    EXPECT_ALL(list);
}

static void an_absolute_target_agrees_with_the_host(void **state) {
    (void)state;
    static const exchange list[] = {
        {"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b of a Host=a|end|"},
        {"GET https://A:443 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / of A:443 Host=a|end|"},
        {"GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET / of a:80 Host=a|end|"},
        {"GET http://a/ HTTP/1.0\r\n\r\n", "GET / of a 1.0 close|end|"},
        {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "400 Host and target differ"},
        {"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
    };
    EXPECT_ALL(list);
}

/* RFC 9112 §6.1, §6.3: whoever forwards it may have read it otherwise. */
static void ambiguous_framing_is_refused(void **state) {
    (void)state;
    static const exchange list[] = {
        {POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", "400 "},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400 "},
        {POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy", "400 "},
        {POST "Content-Length: 1, 1\r\n\r\nx", "400 "},
        {POST "Content-Length: +1\r\n\r\nx", "400 "},
        {POST "Content-Length: -1\r\n\r\nx", "400 "},
        {POST "Content-Length: 0x1\r\n\r\nx", "400 "},
        {POST "Content-Length: 1 1\r\n\r\nx", "400 "},
        {POST "Content-Length: 1.0\r\n\r\nx", "400 "},
        {POST "Content-Length:\r\n\r\n", "400 "},
        {POST "Content-Length: 18446744073709551616\r\n\r\n", "400 "},
        {POST "Content-Length: 9999999999999999999\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: chunked, chunked\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: chunked, identity\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: xchunked\r\n\r\n", "501 "},
        {POST "Transfer-Encoding: gzip\r\n\r\n", "501 "},
        {POST "Transfer-Encoding: \"chunked\"\r\n\r\n", "400 "},
        {POST "Transfer-Encoding:\r\n\r\n", "400 "},
        {POST "Transfer-Encoding : chunked\r\n\r\n", "400 "},
        {POST "Transfer-Encoding: chunked;q=1\r\n\r\n", "400 "},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\n\r\n", "400 no Host"},
    };
    EXPECT_ALL(list);
}

static void lines_that_two_could_cut_differently_are_refused(void **state) {
    (void)state;
    static const exchange list[] = {
        {"GET / HTTP/1.1\nHost: a\n\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\r\n\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\r\n\rX", "400 "},
        {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {GET "X: y\r\n z\r\n\r\n", "400 "},
        {GET "X: y\r\n\tz\r\n\r\n", "400 "},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 "},
        {GET "X : y\r\n\r\n", "400 "},
        {GET "X\t: y\r\n\r\n", "400 "},
        {GET "X y: z\r\n\r\n", "400 "},
        {GET ": y\r\n\r\n", "400 "},
        {GET "X\r\n\r\n", "400 "},
        {GET "(x): y\r\n\r\n", "400 "},
        {GET "X\x80: y\r\n\r\n", "400 "},
        {GET "X: a\x01z\r\n\r\n", "400 "},
        {GET "X: a\x7fz\r\n\r\n", "400 "},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400 "},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET /\r\n\r\n", "400 "},
        {"GET\r\n\r\n", "400 "},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "400 "},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 "},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505 "},
        {"GET / HTTP/11.1\r\nHost: a\r\n\r\n", "400 "},
        {"GET / HTTX/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"get / HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"SPELL / HTTP/1.1\r\nHost: a\r\n\r\n", "400 "},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 "},
        {"\x16\x03\x01\x02", "400 "},
    };
    EXPECT_ALL(list);
}

static void a_nul_is_nowhere_allowed(void **state) {
    (void)state;
    h1_limits limits;
    h1_limits_init(&limits);
    static const char head[] = GET "X: a b\r\n\r\n";
    for (size_t i = 0; i < sizeof(head) - 1; i++) {
        char octets[sizeof(head)];
        memcpy(octets, head, sizeof(head));
        octets[i] = '\0';
        expect_sized(octets, sizeof(head) - 1, "400 ", &limits);
    }
}

static void chunks_are_held_to_their_letter(void **state) {
    (void)state;
    static const exchange list[] = {
        {CHUNKED "3\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "3\r\nabc\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "3\r\nabcd\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "3 \r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 malformed chunk size"},
        {CHUNKED "3 ;x\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 malformed chunk size"},
        {CHUNKED " 3\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "+3\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "-3\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "g\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED ";x\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "3;x\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "3;\x01\r\nabc\r\n0\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "10000000000000000\r\nabc", CHUNKED_TRACE "400 "},
        {CHUNKED "fffffffffffffffff\r\nabc", CHUNKED_TRACE "400 "},
        {CHUNKED "0\r\n\n", CHUNKED_TRACE "400 "},
        {CHUNKED "0\r\nX: y\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "0\r\nX : y\r\n\r\n", CHUNKED_TRACE "400 "},
        {CHUNKED "0\r\n X: y\r\n\r\n", CHUNKED_TRACE "400 "},
    };
    h1_limits limits;
    h1_limits_init(&limits);
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        bytes_buffer trace =
            trace_of(list[i].octets, strlen(list[i].octets), strlen(list[i].octets), &limits);
        const char *fault = list[i].trace + strlen(CHUNKED_TRACE), *seen = (const char *)trace.data;
        if (strncmp(seen, CHUNKED_TRACE, strlen(CHUNKED_TRACE)) != 0 || strstr(seen, fault) == NULL)
            fail_msg("%s\nexpected: %s\nobserved: %s", list[i].octets, list[i].trace,
                     (const char *)trace.data);
        bytes_buffer_dispose(&trace);
    }
}

/* `head`, then `count` times `piece`, then `tail`. */
static bytes_buffer repeated(const char *head, const char *piece, size_t count, const char *tail) {
    bytes_buffer octets = {0};
    bytes_buffer_append(&octets, head, strlen(head));
    for (size_t i = 0; i < count; i++)
        bytes_buffer_append(&octets, piece, strlen(piece));
    bytes_buffer_append(&octets, tail, strlen(tail) + 1);
    return octets;
}

static void expect_repeated(const char *head, const char *piece, size_t count, const char *tail,
                            const char *expected) {
    h1_limits limits;
    h1_limits_init(&limits);
    bytes_buffer octets = repeated(head, piece, count, tail);
    expect_sized((const char *)octets.data, octets.size - 1, expected, &limits);
    bytes_buffer_dispose(&octets);
}

static void what_has_no_end_is_cut_off(void **state) {
    (void)state;
    expect_repeated("GET /", "a", 17000, " HTTP/1.1\r\n", "431 ");
    expect_repeated(GET "X: ", "a", 17000, "", "431 ");
    expect_repeated(GET, "X: y\r\n", 128, "\r\n", "431 ");
    expect_repeated("", "\r\n", 9000, "", "431 ");
    expect_repeated(CHUNKED "1;", "a", 300, "", CHUNKED_TRACE "400 chunk extensions without end");
    expect_repeated(CHUNKED, "0", 300, "", CHUNKED_TRACE "400 chunk extensions without end");
    expect_repeated(CHUNKED "0\r\n", "X: y\r\n", 129, "\r\n", CHUNKED_TRACE "431 too many fields");
    expect_repeated(CHUNKED "0\r\nX: ", "a", 17000, "",
                    CHUNKED_TRACE "431 a head that is too large");
}

static void a_large_body_is_no_large_head(void **state) {
    (void)state;
    h1_limits limits;
    h1_limits_init(&limits);
    bytes_buffer octets = repeated(CHUNKED, "10\r\n0123456789abcdef\r\n", 5000, "0\r\n\r\n");
    bytes_buffer trace = trace_of((const char *)octets.data, octets.size - 1, 1000, &limits);
    assert_string_equal((const char *)trace.data + trace.size - 6, "|end|");
    bytes_buffer_dispose(&trace);
    bytes_buffer_dispose(&octets);
}

static void memory_that_runs_out_is_told(void **state) {
    (void)state;
    h1_limits limits;
    h1_limits_init(&limits);
    bytes_buffer octets =
        repeated(GET, "Name: value\r\n", 40, "\r\n" CHUNKED "1\r\nx\r\n0\r\n\r\n");
    size_t blocks = mem_blocks();
    int result = -1;
    for (size_t n = 1; result != 0; n++) {
        bytes_buffer trace = {0};
        mem_fail_once(n);
        result = reading_trace(octets.data, octets.size - 1, 100, &limits, &trace);
        mem_fail_from(0);
        bytes_buffer_dispose(&trace);
        assert_int_equal(mem_blocks(), blocks);
        assert_true(n < 1000);
    }
    bytes_buffer_dispose(&octets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_told_head_body_and_end),
        cmocka_unit_test(connections_go_on_as_their_version_and_fields_say),
        cmocka_unit_test(a_tunnel_has_no_framing),
        cmocka_unit_test(an_absolute_target_agrees_with_the_host),
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(lines_that_two_could_cut_differently_are_refused),
        cmocka_unit_test(a_nul_is_nowhere_allowed),
        cmocka_unit_test(chunks_are_held_to_their_letter),
        cmocka_unit_test(what_has_no_end_is_cut_off),
        cmocka_unit_test(a_large_body_is_no_large_head),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
