/* Curves, signatures and finite fields by their names. What they come to with a peer is seen in
 * spec/tls_parameters_spec.lua. */
#include "support/tls_support.h"

#include "net/tls.h"

static void assert_refused(const net_tls_options *options, const char *code) {
    net_tls_context *context = NULL;
    net_error error = {.text = ""};
    assert_int_not_equal(net_tls_context_new(&context, options, &error), 0);
    assert_string_equal(error.code, code);
    assert_true(error.text[0] != '\0');
    assert_int_equal(mem_blocks(), 0);
}

static size_t count_groups(const net_tls_context *context) {
    size_t count = 0;
    while (context->groups[count] != 0)
        count++;
    return count;
}

static size_t count_schemes(const net_tls_context *context) {
    size_t count = 0;
    while (context->schemes[count] != 0)
        count++;
    return count;
}

static void keeps_the_order_of_curves(void **state) {
    (void)state;
    net_tls_options options = server_options();
    options.groups = "P-521:secp384r1:prime256v1";
    net_tls_context *context = make_context(&options);
    assert_int_equal(count_groups(context), 3);
#if TLS_IS_3
    assert_int_equal(context->groups[0], 0x0019);
    assert_int_equal(context->groups[2], 0x0017);
#else
    assert_int_equal(context->groups[0], MBEDTLS_ECP_DP_SECP521R1);
    assert_int_equal(context->groups[2], MBEDTLS_ECP_DP_SECP256R1);
#endif
    net_tls_context_unref(context);
}

static void passes_over_what_mbedtls_has_not(void **state) {
    (void)state;
    net_tls_options options = server_options();
    options.groups = "ffdhe2048:P-256";
    options.signatures = "ed25519:ECDSA+SHA256:RSA+SHA256:rsa_pss_rsae_sha256:RSA+SHA1";
    net_tls_context *context = make_context(&options);
    assert_int_equal(count_groups(context), TLS_HAS_1_3 ? 2 : 1);
    assert_int_equal(count_schemes(context), TLS_IS_3 ? 3 : 1); /* 2.28: the one hash */
    net_tls_context_unref(context);
    options.signatures = "ed25519:ed448";
    assert_refused(&options, "ERR_CRYPTO_OPERATION_FAILED");
}

static void refuses_what_nobody_knows(void **state) {
    (void)state;
    static const char *const lists[] = {
        "",       ":",           "P-256:",
        ":P-256", "P-256 ",      "P-256:P-256",
        "ROT13",  "P-256:ROT13", "p-256",
        "P-192",  "RSA+SHA256",  "a name that is longer than any that a curve can have"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        net_tls_options options = client_options();
        options.groups = lists[i];
        assert_refused(&options, "ERR_CRYPTO_OPERATION_FAILED");
    }
    static const char *const signatures[] = {"", "RSA+SHA256:", "RSA+MD5", "P-256",
                                             "RSA+SHA256:RSA+SHA256"};
    for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++) {
        net_tls_options options = client_options();
        options.signatures = signatures[i];
        assert_refused(&options, "ERR_CRYPTO_OPERATION_FAILED");
    }
}

static void refuses_fields_that_are_none(void **state) {
    (void)state;
    net_tls_options options = server_options();
    options.dhparam = BYTES_LITERAL("no parameters");
    assert_refused(&options, "ERR_CRYPTO_OPERATION_FAILED");
    options.dhparam = certificate("localhost.crt");
    assert_refused(&options, "ERR_CRYPTO_OPERATION_FAILED");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_curves),
        cmocka_unit_test(passes_over_what_mbedtls_has_not),
        cmocka_unit_test(refuses_what_nobody_knows),
        cmocka_unit_test(refuses_fields_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
