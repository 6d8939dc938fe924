/* What a context takes and what it refuses; the choice of a certificate by host name. */
#include "support/tls_support.h"

#include <stdio.h>

#include "net/tls.h"

static void assert_refused(const net_tls_options *options, const char *code) {
    net_tls_context *context = NULL;
    net_error error = {.text = ""};
    assert_int_not_equal(net_tls_context_new(&context, options, &error), 0);
    assert_string_equal(error.code, code);
    assert_string_equal(error.syscall, "tls");
    assert_true(error.text[0] != '\0');
    assert_int_equal(mem_blocks(), 0);
}

static void takes_pem_and_der(void **state) {
    (void)state;
    net_tls_options options = server_options();
    net_tls_context_unref(make_context(&options));
    options.cert = certificate("localhost.der");
    options.key = certificate("localhost-key.der");
    net_tls_context_unref(make_context(&options));
    assert_int_equal(mem_blocks(), 0);
}

static void opens_an_encrypted_key(void **state) {
    (void)state;
    net_tls_options options = server_options();
    options.cert = certificate("rsa.crt");
    options.key = certificate("locked.key");
    options.passphrase = "secret";
    net_tls_context_unref(make_context(&options));
    options.passphrase = "wrong";
    assert_refused(&options, "ERR_OSSL_BAD_DECRYPT");
    options.passphrase = NULL;
    assert_refused(&options, "ERR_MISSING_PASSPHRASE");
}

static void refuses_keys_and_certificates_that_are_none(void **state) {
    (void)state;
    net_tls_options options = server_options();
    bytes_slice junk = BYTES_LITERAL("no certificate at all");
    bytes_slice cut = certificate("localhost.crt");
    cut.size -= 100;
    options.cert = junk;
    assert_refused(&options, "ERR_OSSL_PEM_NO_START_LINE");
    options.cert = cut;
    assert_refused(&options, "ERR_OSSL_PEM_NO_START_LINE");
    options = server_options();
    options.key = junk;
    assert_refused(&options, "ERR_OSSL_PEM_NO_START_LINE");
    options.key = certificate("client.key");
    assert_refused(&options, "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
    options.key = bytes_slice_of(NULL, 0);
    assert_refused(&options, "ERR_OSSL_NO_CERTIFICATE_ASSIGNED");
    options = client_options();
    options.ca = &junk;
    assert_refused(&options, "ERR_OSSL_PEM_NO_START_LINE");
    options = client_options();
    options.crls = &junk;
    options.crl_count = 1;
    assert_refused(&options, "ERR_CRYPTO_OPERATION_FAILED");
}

static void refuses_versions_that_cannot_be(void **state) {
    (void)state;
    net_tls_options options = client_options();
    options.max_version = 0x0302;
    assert_refused(&options, "ERR_TLS_INVALID_PROTOCOL_VERSION");
    options.min_version = TLS_VERSION_1_3;
    options.max_version = TLS_VERSION_1_2;
    assert_refused(&options, "ERR_TLS_PROTOCOL_VERSION_CONFLICT");
    options.min_version = 0x0301; /* never under 1.2 */
    net_tls_context_unref(make_context(&options));
}

static void refuses_protocols_that_cannot_be(void **state) {
    (void)state;
    static const char *const empty[] = {"h2", ""};
    net_tls_options options = client_options();
    options.alpn = empty;
    options.alpn_count = 2;
    assert_refused(&options, "ERR_INVALID_ARG_VALUE");
}

static void bears_failing_allocations(void **state) {
    (void)state;
    net_tls_options options = server_options();
    options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    for (size_t n = 1;; n++) {
        net_tls_context *context = NULL;
        net_error error = {.text = ""};
        mem_fail_once(n);
        int status = net_tls_context_new(&context, &options, &error);
        size_t attempts = mem_attempts();
        mem_fail_from(0);
        if (status == 0)
            net_tls_context_unref(context);
        else
            assert_string_equal(error.code, "ENOMEM");
        assert_int_equal(mem_blocks(), 0);
        if (attempts < n)
            break;
    }
}

/* ----------------------------------------------------------------------------------- by host */

typedef struct host_case {
    const char *name;
    const char *cert; /* that comes */
} host_case;

static net_tls_context *context_with(const char *name) {
    char cert[64], key[64];
    snprintf(cert, sizeof(cert), "%s.crt", name);
    snprintf(key, sizeof(key), "%s.key", name);
    net_tls_options options = server_options();
    options.cert = certificate(cert);
    options.key = certificate(key);
    return make_context(&options);
}

static void assert_served(net_tls_context *client, net_tls_context *server, const char *name,
                          const char *cert) {
    tls_pair pair;
    pair_open(&pair, client, server, name, bytes_slice_of(NULL, 0));
    net_tls_start(pair.client, &pair.client_error);
    pair_run(&pair);
    assert_true(net_tls_is_established(pair.server));
    char file[64];
    snprintf(file, sizeof(file), "%s.crt", cert);
    mbedtls_x509_crt expected;
    mbedtls_x509_crt_init(&expected);
    bytes_slice pem = certificate(file);
    char text[16384] = "";
    memcpy(text, pem.data, pem.size);
    assert_int_equal(mbedtls_x509_crt_parse(&expected, (const unsigned char *)text, pem.size + 1),
                     0);
    assert_true(bytes_slice_equal(net_tls_peer_certificate(pair.client),
                                  bytes_slice_of(expected.raw.p, expected.raw.len)));
    mbedtls_x509_crt_free(&expected);
    pair_close(&pair);
}

static void chooses_the_certificate_by_host_name(void **state) {
    (void)state;
    net_tls_options options = client_options();
    options.reject_unauthorized = false;
    options.has_tickets = false;
    net_tls_context *client = make_context(&options);
    net_tls_context *base = context_with("localhost"), *other = context_with("elsewhere");
    net_tls_context *third = context_with("address");
    assert_int_equal(net_tls_context_add_host(base, "elsewhere.test", other), 0);
    assert_int_equal(net_tls_context_add_host(base, "*.Wild.test", other), 0);
    assert_int_equal(net_tls_context_add_host(base, "a.wild.test", third), 0);
    const host_case cases[] = {
        {"localhost", "localhost"},      {"elsewhere.test", "elsewhere"},
        {"ELSEWHERE.test", "elsewhere"}, {"b.wild.test", "elsewhere"},
        {"a.wild.test", "address"},      {"c.b.wild.test", "localhost"},
        {"wild.test", "localhost"},      {"127.0.0.1", "localhost"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_served(client, base, cases[i].name, cases[i].cert);
    assert_int_equal(net_tls_context_add_host(base, "elsewhere.test", third), 0);
    assert_served(client, base, "elsewhere.test", "address");
    mem_fail_from(1);
    assert_int_not_equal(net_tls_context_add_host(base, "more.test", third), 0);
    mem_fail_from(0);
    net_tls_context_unref(client);
    net_tls_context_unref(other);
    net_tls_context_unref(third);
    net_tls_context_unref(base);
    assert_int_equal(mem_blocks(), 0);
}

static void takes_no_host_name_that_is_none(void **state) {
    (void)state;
    net_tls_options options = server_options();
    net_tls_context *context = make_context(&options);
    net_tls *tls;
    assert_int_equal(net_tls_new(&tls, context, NULL, bytes_slice_of(NULL, 0)), 0);
    const bytes_slice names[] = {BYTES_LITERAL(""), BYTES_LITERAL("a\0b.test"),
                                 BYTES_LITERAL("a b"), BYTES_LITERAL("\xff\xfe")};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(tls_hosts_choose(context, &tls->ssl, names[i].data, names[i].size), 0);
        assert_null(net_tls_servername(tls));
    }
    uint8_t longest[254];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(tls_hosts_choose(context, &tls->ssl, longest, 254), 0);
    assert_null(net_tls_servername(tls));
    assert_int_equal(tls_hosts_choose(context, &tls->ssl, longest, 253), 0);
    assert_int_equal(strlen(net_tls_servername(tls)), 253);
    net_tls_free(tls);
    net_tls_context_unref(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_pem_and_der),
        cmocka_unit_test(opens_an_encrypted_key),
        cmocka_unit_test(refuses_keys_and_certificates_that_are_none),
        cmocka_unit_test(refuses_versions_that_cannot_be),
        cmocka_unit_test(refuses_protocols_that_cannot_be),
        cmocka_unit_test(bears_failing_allocations),
        cmocka_unit_test(chooses_the_certificate_by_host_name),
        cmocka_unit_test(takes_no_host_name_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
