/* Who the peer is: names, addresses, trust, dates, revocation, and clients' certificates. */
#include "support/tls_support.h"

#include <stdio.h>
#include <stdlib.h>

static net_tls_options server_with(const char *cert, const char *key) {
    net_tls_options options = server_options();
    options.cert = certificate(cert);
    options.key = certificate(key);
    return options;
}

typedef struct verdict {
    const char *cert, *key, *name; /* of the server, and what the client wants */
    const char *code, *text;       /* NULL: good */
} verdict;

static const verdict verdicts[] = {
    {"localhost.crt", "localhost.key", "localhost", NULL, NULL},
    {"localhost.crt", "localhost.key", "LocalHost", NULL, NULL},
    {"localhost.crt", "localhost.key", "a.example.test", NULL, NULL},
    {"chain.crt", "leaf.key", "localhost", NULL, NULL},
    {"address.crt", "address.key", "127.0.0.1", NULL, NULL},
    {"address.crt", "address.key", "::1", NULL, NULL},
    {"rsa.crt", "rsa.key", "localhost", "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"},
    {"localhost.crt", "localhost.key", "a.b.example.test", "ERR_TLS_CERT_ALTNAME_INVALID",
     "certificate is not for this host name: a.b.example.test"},
    {"elsewhere.crt", "elsewhere.key", "localhost", "ERR_TLS_CERT_ALTNAME_INVALID",
     "certificate is not for this host name: localhost"},
    {"address.crt", "address.key", "127.0.0.2", "ERR_TLS_CERT_ALTNAME_INVALID",
     "certificate is not for this host name: 127.0.0.2"},
    {"localhost.crt", "localhost.key", "127.0.0.1", "ERR_TLS_CERT_ALTNAME_INVALID",
     "certificate is not for this host name: 127.0.0.1"},
    {"expired.crt", "expired.key", "localhost", "CERT_HAS_EXPIRED", "certificate has expired"},
    {"self.crt", "self.key", "localhost", "DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"},
    {"foreign.crt", "foreign.key", "localhost", "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
     "unable to verify the first certificate: its issuer is not trusted"},
    {"leaf.crt", "leaf.key", "localhost", "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
     "unable to verify the first certificate: its issuer is not trusted"},
    {"foreign-chain.crt", "foreign.key", "localhost", "SELF_SIGNED_CERT_IN_CHAIN",
     "self-signed certificate in certificate chain"},
};

static void accepts_what_is_right_and_says_what_is_not(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
        const verdict *expected = &verdicts[i];
        tls_pair pair;
        net_tls_options client = client_options();
        net_tls_options server = server_with(expected->cert, expected->key);
        pair_shake(&pair, &client, &server, expected->name);
        if (expected->code) {
            assert_int_equal(pair.client_status, NET_TLS_ERROR);
            assert_string_equal(pair.client_error.code, expected->code);
            assert_string_equal(pair.client_error.text, expected->text);
            assert_false(net_tls_is_established(pair.client));
            /* The server hears why. */
            bytes_buffer none = {0};
            if (pair.server_status == NET_TLS_OK)
                pair.server_status = read_all(pair.server, &none, &pair.server_error);
            assert_int_equal(pair.server_status, NET_TLS_ERROR);
            assert_memory_equal(pair.server_error.text, "the peer's alert: ", 18);
        } else if (!net_tls_is_established(pair.client)) {
            fail_msg("%s for %s: %s", expected->cert, expected->name, pair.client_error.text);
        }
        pair_close(&pair);
    }
}

static void leaves_the_verdict_to_a_program_that_wants_it(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
        const verdict *expected = &verdicts[i];
        tls_pair pair;
        const char *code, *text;
        net_tls_options client = client_options();
        net_tls_options server = server_with(expected->cert, expected->key);
        client.reject_unauthorized = false;
        pair_shake(&pair, &client, &server, expected->name);
        assert_true(net_tls_is_established(pair.client));
        bool is_authorized = net_tls_is_authorized(pair.client, &code, &text);
        assert_int_equal(is_authorized, expected->code == NULL);
        if (expected->code)
            assert_string_equal(code, expected->code);
        else
            assert_null(code);
        pair_close(&pair);
    }
}

static void sends_no_address_as_server_name(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options();
    net_tls_options server = server_with("address.crt", "address.key");
    pair_shake(&pair, &client, &server, "127.0.0.1");
    assert_true(net_tls_is_established(pair.server));
    assert_null(net_tls_servername(pair.server));
    assert_string_equal(net_tls_servername(pair.client), "127.0.0.1");
    pair_close(&pair);
}

static void heeds_a_revocation_list(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    bytes_slice crl = certificate("ca.crl");
    client.crls = &crl;
    client.crl_count = 1;
    pair_shake(&pair, &client, &server, "localhost");
    assert_string_equal(pair.client_error.code, "CERT_REVOKED");
    pair_close(&pair);
}

static void trusts_the_file_that_the_environment_names(void **state) {
    (void)state;
    tls_pair pair;
    char path[128];
    snprintf(path, sizeof(path), "%s/ca.crt", certificates());
    net_tls_options client = client_options(), server = server_options();
    client.ca_count = 0;
    setenv("SSL_CERT_FILE", path, 1);
    pair_shake(&pair, &client, &server, "localhost");
    assert_true(net_tls_is_established(pair.client));
    pair_close(&pair);
    setenv("SSL_CERT_FILE", "/nowhere", 1);
    pair_shake(&pair, &client, &server, "localhost");
    assert_string_equal(pair.client_error.code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    pair_close(&pair);
    unsetenv("SSL_CERT_FILE");
    pair_shake(&pair, &client, &server, "localhost");
    assert_false(net_tls_is_established(pair.client));
    pair_close(&pair);
}

/* ----------------------------------------------------------------------------------- clients */

static void asks_clients_for_a_certificate(void **state) {
    (void)state;
    tls_pair pair;
    const char *code, *text;
    net_tls_options client = client_options(), server = server_options();
    client.cert = certificate("client.crt");
    client.key = certificate("client.key");
    server.request_cert = true;
    pair_shake(&pair, &client, &server, "localhost");
    assert_true(net_tls_is_established(pair.server));
    assert_true(net_tls_is_authorized(pair.server, &code, &text));
    assert_true(net_tls_peer_certificate(pair.server).size > 0);
    pair_close(&pair);
}

static void refuses_a_client_without_the_certificate_it_needs(void **state) {
    (void)state;
    tls_pair pair;
    net_tls_options client = client_options(), server = server_options();
    server.request_cert = true;
    pair_shake(&pair, &client, &server, "localhost");
    assert_false(net_tls_is_established(pair.server));
    assert_string_equal(pair.server_error.code, "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE");
    pair_close(&pair);
    client.cert = certificate("foreign.crt");
    client.key = certificate("foreign.key");
    pair_shake(&pair, &client, &server, "localhost");
    assert_false(net_tls_is_established(pair.server));
    assert_string_equal(pair.server_error.code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    pair_close(&pair);
}

static void lets_clients_in_without_where_that_is_the_rule(void **state) {
    (void)state;
    tls_pair pair;
    const char *code, *text;
    net_tls_options client = client_options(), server = server_options();
    server.request_cert = true;
    server.reject_unauthorized = false;
    pair_shake(&pair, &client, &server, "localhost");
    assert_true(net_tls_is_established(pair.server));
    assert_false(net_tls_is_authorized(pair.server, &code, &text));
    assert_string_equal(code, "UNABLE_TO_GET_ISSUER_CERT");
    pair_close(&pair);
}

/* A ticket earned where nobody asks for a certificate is none where one is required. */
static void does_not_let_a_ticket_stand_for_a_certificate(void **state) {
    (void)state;
    tls_pair pair;
    bytes_buffer session = {0}, none = {0};
    net_tls_options client = client_options(), server = server_options(), strict = server;
    strict.request_cert = true;
    net_tls_context *client_context = make_context(&client);
    net_tls_context *base = make_context(&server), *guarded = make_context(&strict);
    pair_open(&pair, client_context, base, "a.example.test", bytes_slice_of(NULL, 0));
    net_tls_start(pair.client, &pair.client_error);
    pair_run(&pair);
    assert_true(net_tls_is_established(pair.client));
    read_all(pair.client, &none, &pair.client_error);
    assert_int_equal(net_tls_session(pair.client, &session), 0);
    pair_close(&pair);
    assert_int_equal(net_tls_context_add_host(base, "a.example.test", guarded), 0);
    pair_open(&pair, client_context, base, "a.example.test",
              bytes_slice_of(session.data, session.size));
    net_tls_start(pair.client, &pair.client_error);
    pair_run(&pair);
    assert_false(net_tls_is_established(pair.server));
    assert_string_equal(pair.server_error.code, "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE");
    pair_close(&pair);
    bytes_buffer_dispose(&session);
    net_tls_context_unref(client_context);
    net_tls_context_unref(base);
    net_tls_context_unref(guarded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_right_and_says_what_is_not),
        cmocka_unit_test(leaves_the_verdict_to_a_program_that_wants_it),
        cmocka_unit_test(sends_no_address_as_server_name),
        cmocka_unit_test(heeds_a_revocation_list),
        cmocka_unit_test(trusts_the_file_that_the_environment_names),
        cmocka_unit_test(asks_clients_for_a_certificate),
        cmocka_unit_test(refuses_a_client_without_the_certificate_it_needs),
        cmocka_unit_test(lets_clients_in_without_where_that_is_the_rule),
        cmocka_unit_test(does_not_let_a_ticket_stand_for_a_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
