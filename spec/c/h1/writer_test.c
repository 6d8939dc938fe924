#include "h1/h1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        {(const uint8_t *)(name), sizeof(name) - 1}, {                                             \
            (const uint8_t *)(value), sizeof(value) - 1                                            \
        }                                                                                          \
    }

static void expect(bytes_buffer *out, const char *expected) {
    assert_int_equal(bytes_buffer_append(out, "", 1), 0);
    assert_string_equal((const char *)out->data, expected);
    bytes_buffer_dispose(out);
}

static h1_writer new_writer(void) {
    return (h1_writer){.minor = 1, .is_keep_alive = true};
}

static void a_body_of_unknown_length_goes_in_chunks(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = new_writer();
    const h1_field trailers[] = {FIELD("t", "u"), FIELD("content-length", "9")};
    h1_write_head(&writer, &out, 200, NULL, 0, H1_LENGTH_UNKNOWN);
    h1_write_data(&writer, &out, (const uint8_t *)"0123456789abcdef", 16);
    h1_write_data(&writer, &out, NULL, 0);
    h1_write_end(&writer, &out, trailers, 2);
    expect(&out, "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n"
                 "10\r\n0123456789abcdef\r\n0\r\nt: u\r\n\r\n");
    assert_true(writer.is_keep_alive);
}

static void a_known_length_is_told(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = new_writer();
    writer.keep_alive_s = 5;
    h1_write_head(&writer, &out, 299, NULL, 0, 3);
    h1_write_data(&writer, &out, (const uint8_t *)"abc", 3);
    h1_write_end(&writer, &out, NULL, 0);
    expect(&out, "HTTP/1.1 299 \r\ncontent-length: 3\r\nconnection: keep-alive\r\n"
                 "keep-alive: timeout=5\r\n\r\nabc");
    assert_true(writer.is_keep_alive);
}

static void a_length_given_is_kept_and_a_short_body_ends_the_connection(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = new_writer();
    const h1_field fields[] = {FIELD("Content-Length", "5"), FIELD("x", "y")};
    h1_write_head(&writer, &out, 200, fields, 2, H1_LENGTH_UNKNOWN);
    assert_int_equal(writer.left, 5);
    h1_write_data(&writer, &out, (const uint8_t *)"abc", 3);
    h1_write_end(&writer, &out, NULL, 0);
    expect(&out,
           "HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nabc");
    assert_false(writer.is_keep_alive);
}

static void http_1_0_gets_no_chunks_and_no_1xx(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = {.minor = 0, .is_keep_alive = true};
    h1_write_informational(&writer, &out, 103, NULL, 0);
    h1_write_head(&writer, &out, 200, NULL, 0, H1_LENGTH_UNKNOWN);
    h1_write_data(&writer, &out, (const uint8_t *)"abc", 3);
    h1_write_end(&writer, &out, NULL, 0);
    expect(&out, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
    writer = (h1_writer){.minor = 0, .is_keep_alive = true};
    h1_write_head(&writer, &out, 200, NULL, 0, 0);
    expect(&out, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
}

static void responses_without_a_body_send_none(void **state) {
    (void)state;
    static const struct {
        int status;
        bool is_head;
        const char *expected;
    } list[] = {
        {204, false, "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n"},
        {205, false,
         "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"},
        {304, false,
         "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\nconnection: keep-alive\r\n\r\n"},
        {200, true, "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: keep-alive\r\n\r\n"},
    };
    const h1_field fields[] = {FIELD("content-length", "7")};
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        bytes_buffer out = {0};
        h1_writer writer = new_writer();
        writer.is_head = list[i].is_head;
        h1_write_head(&writer, &out, list[i].status, fields, 1, H1_LENGTH_UNKNOWN);
        if (list[i].status != 205)
            h1_write_data(&writer, &out, (const uint8_t *)"abcdefg", 7);
        h1_write_end(&writer, &out, NULL, 0);
        expect(&out, list[i].expected);
        assert_true(writer.is_keep_alive);
    }
}

static void hop_by_hop_fields_are_the_writer_s_own(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = new_writer();
    const h1_field fields[] = {FIELD("Connection", "x, Close"), FIELD("Keep-Alive", "timeout=9"),
                               FIELD("Transfer-Encoding", "gzip"), FIELD("content-length", "+1")};
    h1_write_head(&writer, &out, 404, fields, 4, 0);
    expect(&out, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

static void a_tunnel_begins_behind_the_head(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = new_writer();
    writer.is_connect = true;
    h1_write_head(&writer, &out, 200, NULL, 0, H1_LENGTH_UNKNOWN);
    h1_write_data(&writer, &out, (const uint8_t *)"raw", 3);
    h1_write_end(&writer, &out, NULL, 0);
    expect(&out, "HTTP/1.1 200 OK\r\n\r\nraw");
    assert_int_equal(writer.framing, H1_TUNNEL);
    assert_false(writer.is_keep_alive);
}

static void informational_responses_and_faults_are_whole(void **state) {
    (void)state;
    bytes_buffer out = {0};
    h1_writer writer = new_writer();
    const h1_field fields[] = {FIELD("link", "</a>; rel=preload")};
    h1_write_informational(&writer, &out, 103, fields, 1);
    h1_write_informational(&writer, &out, 100, NULL, 0);
    h1_write_fault(&out, 431);
    expect(&out, "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
                 "HTTP/1.1 100 Continue\r\n\r\n"
                 "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n"
                 "connection: close\r\n\r\n");
}

/* A response with everything in it; 0, or -1 when memory ran out. */
static int write_all(bytes_buffer *out) {
    h1_writer writer = new_writer();
    const h1_field fields[] = {FIELD("link", "</a>; rel=preload"), FIELD("x", "y")};
    uint8_t body[600] = {0};
    if (h1_write_informational(&writer, out, 103, fields, 2) != 0 ||
        h1_write_head(&writer, out, 200, fields, 2, H1_LENGTH_UNKNOWN) != 0 ||
        h1_write_data(&writer, out, body, sizeof(body)) != 0 ||
        h1_write_data(&writer, out, body, sizeof(body)) != 0)
        return -1;
    return h1_write_end(&writer, out, fields, 2);
}

static void memory_that_runs_out_is_told(void **state) {
    (void)state;
    size_t blocks = mem_blocks();
    int result = -1;
    for (size_t n = 1; result != 0; n++) {
        bytes_buffer out = {0};
        mem_fail_once(n);
        result = write_all(&out);
        mem_fail_from(0);
        bytes_buffer_dispose(&out);
        assert_int_equal(mem_blocks(), blocks);
        assert_true(n < 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_of_unknown_length_goes_in_chunks),
        cmocka_unit_test(a_known_length_is_told),
        cmocka_unit_test(a_length_given_is_kept_and_a_short_body_ends_the_connection),
        cmocka_unit_test(http_1_0_gets_no_chunks_and_no_1xx),
        cmocka_unit_test(responses_without_a_body_send_none),
        cmocka_unit_test(hop_by_hop_fields_are_the_writer_s_own),
        cmocka_unit_test(a_tunnel_begins_behind_the_head),
        cmocka_unit_test(informational_responses_and_faults_are_whole),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
