/* The filter: handshakes, octets, ends, and peers that mean ill. */
#include "support/tls_support.h"

#include <stdlib.h>

#include "net/tls.h"

static void assert_established(const tls_pair *pair) {
    if (!net_tls_is_established(pair->client) || !net_tls_is_established(pair->server))
        fail_msg("client: %s; server: %s", pair->client_error.text, pair->server_error.text);
}

static void shake(tls_pair *pair) {
    net_tls_options client = client_options(), server = server_options();
    pair_shake(pair, &client, &server, "localhost");
    assert_established(pair);
}

static void shakes_hands_and_tells_the_facts(void **state) {
    (void)state;
    tls_pair pair;
    const char *code, *text, *iana;
    shake(&pair);
    assert_string_equal(net_tls_alpn(pair.client), "h2");
    assert_string_equal(net_tls_alpn(pair.server), "h2");
    assert_string_equal(net_tls_protocol(pair.client), TLS_HAS_1_3 ? "TLSv1.3" : "TLSv1.2");
    assert_string_equal(net_tls_cipher(pair.server, &iana), TLS_HAS_1_3
                                                                ? "TLS_CHACHA20_POLY1305_SHA256"
                                                                : "ECDHE-ECDSA-CHACHA20-POLY1305");
    assert_string_equal(iana, TLS_HAS_1_3 ? "TLS_CHACHA20_POLY1305_SHA256"
                                          : "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    assert_string_equal(net_tls_servername(pair.server), "localhost");
    assert_true(net_tls_is_authorized(pair.client, &code, &text));
    assert_null(code);
    assert_false(net_tls_is_authorized(pair.server, &code, &text));
    assert_null(code);
    assert_true(net_tls_is_adequate(pair.client));
    assert_false(net_tls_is_resumed(pair.client));
    bytes_slice der = certificate("localhost.der");
    assert_true(bytes_slice_equal(net_tls_peer_certificate(pair.client), der));
    assert_int_equal(net_tls_peer_certificate(pair.server).size, 0);
    pair_close(&pair);
}

static void shakes_hands_and_carries_octets_in_every_split(void **state) {
    (void)state;
    static const size_t splits[] = {1, 2, 3, 4, 5, 6, 7, 16, 63, 255, 1000, 4099};
    net_tls_options client = client_options(), server = server_options();
    net_tls_context *client_context = make_context(&client);
    net_tls_context *server_context = make_context(&server);
    for (size_t i = 0; i < sizeof(splits) / sizeof(*splits); i++) {
        tls_pair pair;
        pair_open(&pair, client_context, server_context, "localhost", bytes_slice_of(NULL, 0));
        pair.split = splits[i];
        assert_int_equal(net_tls_start(pair.client, &pair.client_error), NET_TLS_OK);
        pair_run(&pair);
        assert_established(&pair);
        uint8_t data[20000];
        bytes_buffer received = {0};
        fill_pattern(data, sizeof(data), (uint32_t)i);
        write_all(pair.client, data, sizeof(data));
        write_all(pair.client, "x", 1);
        pair_run(&pair);
        assert_int_equal(read_all(pair.server, &received, &pair.server_error), NET_TLS_OK);
        assert_int_equal(received.size, sizeof(data) + 1);
        assert_memory_equal(received.data, data, sizeof(data));
        bytes_buffer_dispose(&received);
        pair_close(&pair);
    }
    net_tls_context_unref(client_context);
    net_tls_context_unref(server_context);
}

static void gathers_slices_into_full_records(void **state) {
    (void)state;
    tls_pair pair;
    shake(&pair);
    net_tls_sent(pair.client, net_tls_output(pair.client).size);
    uint8_t data[40000];
    bytes_slice slices[4000];
    fill_pattern(data, sizeof(data), 9);
    for (size_t i = 0; i < 4000; i++)
        slices[i] = bytes_slice_of(data + 10 * i, 10);
    size_t taken;
    net_error error;
    assert_int_equal(net_tls_write(pair.client, slices, 4000, SIZE_MAX, &taken, &error),
                     NET_TLS_OK);
    assert_int_equal(taken, sizeof(data));
    assert_true(net_tls_output(pair.client).size < sizeof(data) + 3 * 40);
    bytes_buffer received = {0};
    pair_run(&pair);
    read_all(pair.server, &received, &error);
    assert_int_equal(received.size, sizeof(data));
    assert_memory_equal(received.data, data, sizeof(data));
    bytes_buffer_dispose(&received);
    pair_close(&pair);
}

static void takes_no_more_than_the_output_may_hold(void **state) {
    (void)state;
    tls_pair pair;
    shake(&pair);
    size_t size = 1000000, taken;
    uint8_t *data = calloc(1, size);
    bytes_slice slices[3] = {bytes_slice_of(data, 5), bytes_slice_of(NULL, 0),
                             bytes_slice_of(data, size)};
    net_error error;
    assert_int_equal(net_tls_write(pair.client, slices, 3, 100000, &taken, &error), NET_TLS_OK);
    assert_in_range(taken, 90000, 120000);
    assert_in_range(net_tls_output(pair.client).size, 100000, 120000);
    assert_int_equal(net_tls_write(pair.client, slices, 3, 100000, &taken, &error), NET_TLS_OK);
    assert_int_equal(taken, 0);
    free(data);
    pair_close(&pair);
}

static void takes_nothing_before_the_handshake_is_over(void **state) {
    (void)state;
    net_tls_options client = client_options(), server = server_options();
    net_tls_context *client_context = make_context(&client);
    net_tls_context *server_context = make_context(&server);
    tls_pair pair;
    pair_open(&pair, client_context, server_context, "localhost", bytes_slice_of(NULL, 0));
    bytes_slice slice = BYTES_LITERAL("early");
    size_t taken = 1, size = 1;
    uint8_t buffer[10];
    assert_int_equal(net_tls_write(pair.client, &slice, 1, 1000, &taken, &pair.client_error),
                     NET_TLS_OK);
    assert_int_equal(taken, 0);
    assert_int_equal(net_tls_read(pair.client, buffer, 10, &size, &pair.client_error), NET_TLS_OK);
    assert_int_equal(size, 0);
    assert_string_equal(net_tls_protocol(pair.client), "");
    pair_close(&pair);
    net_tls_context_unref(client_context);
    net_tls_context_unref(server_context);
}

static void tells_the_end_after_the_octets_before_it(void **state) {
    (void)state;
    tls_pair pair;
    bytes_buffer received = {0};
    shake(&pair);
    write_all(pair.client, "last words", 10);
    assert_int_equal(net_tls_close_notify(pair.client), NET_TLS_OK);
    pair_run(&pair);
    uint8_t buffer[100];
    size_t size;
    assert_int_equal(net_tls_read(pair.server, buffer, 100, &size, &pair.server_error), NET_TLS_OK);
    assert_int_equal(size, 10);
    assert_int_equal(net_tls_read(pair.server, buffer, 100, &size, &pair.server_error),
                     NET_TLS_END);
    assert_int_equal(net_tls_read(pair.server, buffer, 100, &size, &pair.server_error),
                     NET_TLS_END);
    assert_int_equal(net_tls_feed(pair.server, buffer, 100, &pair.server_error), NET_TLS_OK);
    /* Half-close: the other direction is still open. */
    write_all(pair.server, "answer", 6);
    pair_run(&pair);
    assert_int_equal(read_all(pair.client, &received, &pair.client_error), NET_TLS_OK);
    assert_int_equal(received.size, 6);
    bytes_buffer_dispose(&received);
    pair_close(&pair);
}

static void holds_no_buffers_when_idle(void **state) {
    (void)state;
    tls_pair pair;
    bytes_buffer received = {0};
    shake(&pair);
    write_all(pair.client, "something", 9);
    pair_run(&pair);
    read_all(pair.server, &received, &pair.server_error);
    assert_null(pair.server->input.data);
    assert_null(pair.client->output.data);
    bytes_buffer_dispose(&received);
    pair_close(&pair);
}

/* ------------------------------------------------------------------------------- negotiation */

static void refuses_a_peer_without_a_protocol_in_common(void **state) {
    (void)state;
    tls_pair pair;
    static const char *const other[] = {"http/1.0", "spdy/3"};
    net_tls_options client = client_options(), server = server_options();
    client.alpn = other;
    client.alpn_count = 2;
    pair_shake(&pair, &client, &server, "localhost");
    assert_int_equal(pair.server_status, NET_TLS_ERROR);
    assert_string_equal(pair.server_error.code, "ERR_SSL_NO_APPLICATION_PROTOCOL");
    assert_int_equal(pair.client_status, NET_TLS_ERROR);
    assert_string_equal(pair.client_error.code, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    assert_string_equal(pair.client_error.text, "the peer's alert: no application protocol");
    assert_string_equal(pair.client_error.syscall, "tls");
    pair_close(&pair);
}

static void prefers_the_servers_first_protocol(void **state) {
    (void)state;
    tls_pair pair;
    static const char *const theirs[] = {"http/1.1", "h2"}, *const ours[] = {"h2", "http/1.1"};
    net_tls_options client = client_options(), server = server_options();
    client.alpn = theirs;
    server.alpn = ours;
    client.alpn_count = server.alpn_count = 2;
    pair_shake(&pair, &client, &server, "localhost");
    assert_string_equal(net_tls_alpn(pair.client), "h2");
    pair_close(&pair);
}

static void leaves_a_peer_without_alpn_to_the_program(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    client.alpn_count = 0;
    pair_shake(&pair, &client, &server, "localhost");
    assert_established(&pair);
    assert_null(net_tls_alpn(pair.client));
    assert_null(net_tls_alpn(pair.server));
    pair_close(&pair);
}

static void refuses_a_peer_without_a_suite_in_common(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    client.is_h2_strict = false;
    client.ciphers = "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256";
    client.max_version = TLS_VERSION_1_2;
    pair_shake(&pair, &client, &server, "localhost");
    assert_string_equal(pair.server_error.code, "ERR_SSL_NO_SHARED_CIPHER");
    assert_string_equal(pair.client_error.code, "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
    pair_close(&pair);
}

static void knows_what_http2_forbids(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    client.is_h2_strict = server.is_h2_strict = false;
    client.ciphers = server.ciphers = "ECDHE-ECDSA-AES128-SHA256";
    client.max_version = TLS_VERSION_1_2;
    pair_shake(&pair, &client, &server, "localhost");
    assert_established(&pair);
    assert_string_equal(net_tls_cipher(pair.client, NULL), "ECDHE-ECDSA-AES128-SHA256");
    assert_false(net_tls_is_adequate(pair.client));
    pair_close(&pair);
}

static void speaks_tls_1_2_where_the_peer_knows_no_more(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    server.max_version = TLS_VERSION_1_2;
    pair_shake(&pair, &client, &server, "localhost");
    assert_established(&pair);
    assert_string_equal(net_tls_protocol(pair.client), "TLSv1.2");
    pair_close(&pair);
}

/* A ClientHello of TLS 1.1, with the suites that everyone had then (RFC 4346 §7.4.1.2). */
static void refuses_tls_1_1(void **state) {
    (void)state;
    uint8_t hello[5 + 4 + 41] = {22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2};
    static const uint8_t tail[] = {0, 0, 4, 0xC0, 0x09, 0xC0, 0x13, 1, 0};
    memcpy(hello + 5 + 4 + 2 + 32, tail, sizeof(tail) - 2);
    hello[sizeof(hello) - 2] = 1;
    hello[4] = sizeof(hello) - 5;
    hello[8] = sizeof(hello) - 9;
    net_tls_options options = server_options();
    net_tls_context *context = make_context(&options);
    net_tls *tls;
    net_error error = {.text = ""};
    assert_int_equal(net_tls_new(&tls, context, NULL, bytes_slice_of(NULL, 0)), 0);
    assert_int_equal(net_tls_feed(tls, hello, sizeof(hello), &error), NET_TLS_ERROR);
    assert_string_equal(error.code, "ERR_SSL_UNSUPPORTED_PROTOCOL");
    bytes_slice alert = net_tls_output(tls);
    assert_int_equal(alert.size, 7);
    assert_int_equal(alert.data[6], 70); /* protocol_version */
    net_tls_free(tls);
    net_tls_context_unref(context);
}

/* ---------------------------------------------------------------------------------- resumption */

/* Makes the client's context once, so that its rules stay; the server's too, for its ticket key. */
typedef struct contexts {
    net_tls_context *client, *server;
} contexts;

static contexts make_contexts(void) {
    net_tls_options client = client_options(), server = server_options();
    return (contexts){make_context(&client), make_context(&server)};
}

static void drop_contexts(contexts *self) {
    net_tls_context_unref(self->client);
    net_tls_context_unref(self->server);
}

static void shake_with(tls_pair *pair, const contexts *with, const char *name,
                       bytes_slice session) {
    pair_open(pair, with->client, with->server, name, session);
    pair->client_status = net_tls_start(pair->client, &pair->client_error);
    pair_run(pair);
}

/* The session of a first connection; reading fetches the ticket of TLS 1.3. */
static void earn_session(const contexts *with, bytes_buffer *session) {
    tls_pair pair;
    bytes_buffer none = {0};
    shake_with(&pair, with, "localhost", bytes_slice_of(NULL, 0));
    assert_established(&pair);
    assert_int_equal(read_all(pair.client, &none, &pair.client_error), NET_TLS_OK);
    assert_int_equal(net_tls_session(pair.client, session), 0);
    assert_true(session->size > 0);
    bytes_buffer nothing = {0};
    assert_int_equal(net_tls_session(pair.server, &nothing), 0);
    assert_int_equal(nothing.size, 0);
    pair_close(&pair);
}

static void resumes_a_session(void **state) {
    (void)state;
    tls_pair pair;
    contexts with = make_contexts();
    bytes_buffer session = {0}, received = {0};
    const char *code, *text;
    earn_session(&with, &session);
    shake_with(&pair, &with, "localhost", bytes_slice_of(session.data, session.size));
    assert_established(&pair);
    assert_true(net_tls_is_resumed(pair.client));
    assert_true(net_tls_is_resumed(pair.server));
    assert_true(net_tls_is_authorized(pair.client, &code, &text));
    assert_string_equal(net_tls_alpn(pair.client), "h2");
    assert_string_equal(net_tls_alpn(pair.server), "h2");
    write_all(pair.client, "again", 5);
    pair_run(&pair);
    read_all(pair.server, &received, &pair.server_error);
    assert_int_equal(received.size, 5);
    bytes_buffer_dispose(&received);
    bytes_buffer_dispose(&session);
    pair_close(&pair);
    drop_contexts(&with);
}

static void negotiates_the_protocol_anew_when_resuming(void **state) {
    (void)state;
    tls_pair pair;
    contexts with = make_contexts();
    bytes_buffer session = {0};
    earn_session(&with, &session);
    net_tls_options options = client_options();
    options.alpn_count = 0;
    contexts without = {make_context(&options), with.server};
    shake_with(&pair, &without, "localhost", bytes_slice_of(session.data, session.size));
    assert_established(&pair);
    assert_null(net_tls_alpn(pair.client));
    assert_null(net_tls_alpn(pair.server));
    pair_close(&pair);
    net_tls_context_unref(without.client);
    bytes_buffer_dispose(&session);
    drop_contexts(&with);
}

static void does_not_resume_with_another_host_or_from_junk(void **state) {
    (void)state;
    tls_pair pair;
    contexts with = make_contexts();
    bytes_buffer session = {0};
    earn_session(&with, &session);
    shake_with(&pair, &with, "a.example.test", bytes_slice_of(session.data, session.size));
    assert_established(&pair);
    assert_false(net_tls_is_resumed(pair.client));
    pair_close(&pair);
    for (size_t size = 0; size < session.size; size += size < 40 ? 1 : 37) {
        net_tls *tls;
        assert_int_equal(
            net_tls_new(&tls, with.client, "localhost", bytes_slice_of(session.data, size)), 0);
        net_tls_free(tls);
    }
    shake_with(&pair, &with, "localhost", bytes_slice_of(session.data, session.size - 1));
    assert_established(&pair);
    pair_close(&pair);
    bytes_buffer_dispose(&session);
    drop_contexts(&with);
}

static void makes_a_full_handshake_with_a_server_that_lost_its_key(void **state) {
    (void)state;
    tls_pair pair;
    contexts with = make_contexts(), restarted = make_contexts();
    bytes_buffer session = {0};
    earn_session(&with, &session);
    shake_with(&pair, &restarted, "localhost", bytes_slice_of(session.data, session.size));
    assert_established(&pair);
    assert_false(net_tls_is_resumed(pair.client));
    pair_close(&pair);
    bytes_buffer_dispose(&session);
    drop_contexts(&with);
    drop_contexts(&restarted);
}

static void does_not_trust_a_session_of_laxer_rules(void **state) {
    (void)state;
    tls_pair pair;
    contexts strict = make_contexts();
    net_tls_options options = client_options();
    bytes_slice other = certificate("other-ca.crt");
    options.ca = &other;
    options.reject_unauthorized = false;
    contexts lax = {make_context(&options), strict.server};
    bytes_buffer session = {0};
    earn_session(&lax, &session);
    options.reject_unauthorized = true;
    contexts stern = {make_context(&options), strict.server};
    shake_with(&pair, &stern, "localhost", bytes_slice_of(session.data, session.size));
    assert_int_equal(pair.client_status, NET_TLS_ERROR);
    assert_false(net_tls_is_established(pair.client));
    pair_close(&pair);
    bytes_buffer_dispose(&session);
    net_tls_context_unref(lax.client);
    net_tls_context_unref(stern.client);
    drop_contexts(&strict);
}

/* -------------------------------------------------------------------------------- ill meaning */

static void assert_junk(tls_pair *pair, const char *text) {
    bytes_buffer received = {0};
    net_error error = {.text = ""};
    assert_int_equal(read_all(pair->server, &received, &error), NET_TLS_ERROR);
    assert_string_equal(error.text, text);
    assert_int_equal(read_all(pair->server, &received, &error), NET_TLS_ERROR);
    bytes_buffer_dispose(&received);
    bytes_slice output = net_tls_output(pair->server);
    assert_true(output.size > 0 && output.size < 60); /* one alert */
}

static void does_not_renegotiate(void **state) {
    (void)state;
    tls_pair pair;
    shake(&pair);
    uint8_t records[3 * 45] = {0};
    for (size_t i = 0; i < 3; i++)
        memcpy(records + 45 * i, (uint8_t[]){22, 3, 3, 0, 40}, 5);
    assert_int_equal(net_tls_feed(pair.server, records, sizeof(records), &pair.server_error),
                     NET_TLS_OK);
    assert_junk(&pair, "the peer began a TLS renegotiation, which HTTP/2 forbids");
    pair_close(&pair);
}

static void ends_a_connection_of_one_octet_records(void **state) {
    (void)state;
    tls_pair pair;
    bytes_buffer received = {0};
    net_error error = {.text = ""};
    shake(&pair);
    net_tls_status status = NET_TLS_OK;
    size_t sent = 0;
    for (; sent < 100000 && status == NET_TLS_OK; sent++) {
        write_all(pair.client, "x", 1);
        bytes_slice output = net_tls_output(pair.client);
        assert_int_equal(net_tls_feed(pair.server, output.data, output.size, &error), NET_TLS_OK);
        net_tls_sent(pair.client, output.size);
        status = read_all(pair.server, &received, &error);
    }
    assert_int_equal(status, NET_TLS_ERROR);
    assert_in_range(sent, 20000, 80000);
    assert_string_equal(error.text, "the peer sent too much TLS for too little data");
    bytes_buffer_dispose(&received);
    pair_close(&pair);
}

static void bears_small_frames(void **state) {
    (void)state;
    tls_pair pair;
    bytes_buffer received = {0};
    net_error error;
    shake(&pair);
    for (size_t i = 0; i < 30000; i++) { /* PINGs, one record each */
        write_all(pair.client, "12345678901234567", 17);
        pair_run(&pair);
        assert_int_equal(read_all(pair.server, &received, &error), NET_TLS_OK);
    }
    assert_int_equal(received.size, 30000 * 17);
    bytes_buffer_dispose(&received);
    pair_close(&pair);
}

static void ends_a_connection_of_records_without_data(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    client.max_version = TLS_VERSION_1_2; /* in 1.3 a warning alert is fatal by itself */
    pair_shake(&pair, &client, &server, "localhost");
    assert_established(&pair);
    for (size_t i = 0; i < 150; i++)
        mbedtls_ssl_send_alert_message(&pair.client->ssl, MBEDTLS_SSL_ALERT_LEVEL_WARNING, 90);
    bytes_slice output = net_tls_output(pair.client);
    assert_int_equal(net_tls_feed(pair.server, output.data, output.size, &pair.server_error),
                     NET_TLS_OK);
    assert_junk(&pair, "the peer sent too many TLS records without data");
    pair_close(&pair);
}

static void finds_a_damaged_record(void **state) {
    (void)state;
    tls_pair pair;
    shake(&pair);
    write_all(pair.client, "intact", 6);
    bytes_slice output = net_tls_output(pair.client);
    uint8_t copy[200];
    memcpy(copy, output.data, output.size);
    copy[output.size - 1] ^= 1;
    bytes_buffer received = {0};
    net_error error;
    assert_int_equal(net_tls_feed(pair.server, copy, output.size, &error), NET_TLS_OK);
    assert_int_equal(read_all(pair.server, &received, &error), NET_TLS_ERROR);
    assert_string_equal(error.code, "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC");
    assert_int_equal(received.size, 0);
    pair_close(&pair);
}

static void tells_what_is_no_tls(void **state) {
    (void)state;
    net_tls_options options = server_options();
    net_tls_context *context = make_context(&options);
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "EHLO mail.test\r\n"};
    for (size_t i = 0; i < 3; i++) {
        net_tls *tls;
        net_error error = {.text = ""};
        assert_int_equal(net_tls_new(&tls, context, NULL, bytes_slice_of(NULL, 0)), 0);
        assert_int_equal(net_tls_feed(tls, (const uint8_t *)texts[i], strlen(texts[i]), &error),
                         NET_TLS_ERROR);
        assert_string_equal(error.code, "ERR_SSL_WRONG_VERSION_NUMBER");
        assert_int_equal(net_tls_start(tls, &error), NET_TLS_ERROR);
        net_tls_free(tls);
    }
    net_tls_context_unref(context);
}

static void bears_any_change_of_a_handshake_octet(void **state) {
    (void)state;
    contexts with = make_contexts();
    tls_pair pair;
    for (size_t at = 0; at < 120; at += 7) {
        pair_open(&pair, with.client, with.server, "localhost", bytes_slice_of(NULL, 0));
        assert_int_equal(net_tls_start(pair.client, &pair.client_error), NET_TLS_OK);
        pair.client->output.data[at % pair.client->output.size] ^= 0x41;
        pair_run(&pair);
        assert_false(net_tls_is_established(pair.client) && net_tls_is_established(pair.server));
        pair_close(&pair);
    }
    drop_contexts(&with);
}

/* -------------------------------------------------------------------------------------- others */

static void count_line(void *context, net_tls *tls, const char *line) {
    assert_non_null(tls);
    bytes_buffer *lines = context;
    bytes_buffer_append(lines, line, strlen(line));
    bytes_buffer_append(lines, "\n", 1);
}

static void logs_the_keys(void **state) {
    (void)state;
    contexts with = make_contexts();
    bytes_buffer client_lines = {0}, server_lines = {0};
    tls_pair pair;
    net_tls_context_set_keylog(with.client, count_line, &client_lines);
    net_tls_context_set_keylog(with.server, count_line, &server_lines);
    shake_with(&pair, &with, "localhost", bytes_slice_of(NULL, 0));
    assert_established(&pair);
    assert_true(client_lines.size > 0);
    const char *label = TLS_HAS_1_3 ? "CLIENT_HANDSHAKE_TRAFFIC_SECRET " : "CLIENT_RANDOM ";
    assert_memory_equal(client_lines.data, label, strlen(label));
    assert_int_equal(client_lines.size, server_lines.size);
    assert_memory_equal(client_lines.data, server_lines.data, client_lines.size);
    bytes_buffer_dispose(&client_lines);
    bytes_buffer_dispose(&server_lines);
    pair_close(&pair);
    drop_contexts(&with);
}

/* A context is of many filters: one may have its own log. */
static void logs_the_keys_of_one_filter(void **state) {
    (void)state;
    contexts with = make_contexts();
    bytes_buffer of_all = {0}, of_one = {0};
    tls_pair pair;
    net_tls_context_set_keylog(with.client, count_line, &of_all);
    pair_open(&pair, with.client, with.server, "localhost", bytes_slice_of(NULL, 0));
    net_tls_set_keylog(pair.client, count_line, &of_one);
    assert_int_equal(net_tls_start(pair.client, &pair.client_error), NET_TLS_OK);
    pair_run(&pair);
    assert_established(&pair);
    assert_true(of_one.size > 0);
    assert_int_equal(of_all.size, 0);
    pair_close(&pair);
    shake_with(&pair, &with, "localhost", bytes_slice_of(NULL, 0));
    assert_int_equal(of_all.size, of_one.size);
    bytes_buffer_dispose(&of_all);
    bytes_buffer_dispose(&of_one);
    pair_close(&pair);
    drop_contexts(&with);
}

static void exchange(const contexts *with) {
    tls_pair pair = {0};
    bytes_buffer received = {0};
    bytes_slice slice = BYTES_LITERAL("octets");
    size_t taken;
    if (net_tls_new(&pair.client, with->client, "localhost", bytes_slice_of(NULL, 0)) == 0 &&
        net_tls_new(&pair.server, with->server, NULL, bytes_slice_of(NULL, 0)) == 0) {
        net_tls_start(pair.client, &pair.client_error);
        pair_run(&pair);
        net_tls_write(pair.client, &slice, 1, 1000, &taken, &pair.client_error);
        pair_run(&pair);
        uint8_t buffer[100];
        net_tls_read(pair.server, buffer, sizeof(buffer), &taken, &pair.server_error);
        net_tls_session(pair.client, &received);
    }
    bytes_buffer_dispose(&received);
    pair_close(&pair);
}

static void bears_failing_allocations(void **state) {
    (void)state;
    contexts with = make_contexts();
    size_t before = mem_blocks();
    for (size_t n = 1;; n++) {
        mem_fail_once(n);
        exchange(&with);
        size_t attempts = mem_attempts();
        mem_fail_from(n);
        exchange(&with);
        mem_fail_from(0);
        assert_int_equal(mem_blocks(), before);
        if (attempts < n)
            break;
    }
    drop_contexts(&with);
    assert_int_equal(mem_blocks(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shakes_hands_and_tells_the_facts),
        cmocka_unit_test(shakes_hands_and_carries_octets_in_every_split),
        cmocka_unit_test(gathers_slices_into_full_records),
        cmocka_unit_test(takes_no_more_than_the_output_may_hold),
        cmocka_unit_test(takes_nothing_before_the_handshake_is_over),
        cmocka_unit_test(tells_the_end_after_the_octets_before_it),
        cmocka_unit_test(holds_no_buffers_when_idle),
        cmocka_unit_test(refuses_a_peer_without_a_protocol_in_common),
        cmocka_unit_test(prefers_the_servers_first_protocol),
        cmocka_unit_test(leaves_a_peer_without_alpn_to_the_program),
        cmocka_unit_test(refuses_a_peer_without_a_suite_in_common),
        cmocka_unit_test(knows_what_http2_forbids),
        cmocka_unit_test(speaks_tls_1_2_where_the_peer_knows_no_more),
        cmocka_unit_test(refuses_tls_1_1),
        cmocka_unit_test(resumes_a_session),
        cmocka_unit_test(negotiates_the_protocol_anew_when_resuming),
        cmocka_unit_test(does_not_resume_with_another_host_or_from_junk),
        cmocka_unit_test(makes_a_full_handshake_with_a_server_that_lost_its_key),
        cmocka_unit_test(does_not_trust_a_session_of_laxer_rules),
        cmocka_unit_test(does_not_renegotiate),
        cmocka_unit_test(ends_a_connection_of_one_octet_records),
        cmocka_unit_test(bears_small_frames),
        cmocka_unit_test(ends_a_connection_of_records_without_data),
        cmocka_unit_test(finds_a_damaged_record),
        cmocka_unit_test(tells_what_is_no_tls),
        cmocka_unit_test(bears_any_change_of_a_handshake_octet),
        cmocka_unit_test(logs_the_keys),
        cmocka_unit_test(logs_the_keys_of_one_filter),
        cmocka_unit_test(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
