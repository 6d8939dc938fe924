/* Which clients share a context, and how many contexts are kept. */
#include "support/tls_support.h"

#include "net/tls.h"

static net_tls_context *get(net_tls_contexts *contexts, const net_tls_options *options) {
    net_tls_context *context = NULL;
    net_error error = {.text = ""};
    assert_int_equal(net_tls_contexts_get(contexts, &context, options, &error), 0);
    net_tls_context_unref(context); /* it is kept */
    return context;
}

static void shares_what_is_made_of_equal_options(void **state) {
    (void)state;
    net_tls_contexts contexts = {0};
    net_tls_options options = client_options();
    net_tls_context *first = get(&contexts, &options);
    char *copy = mem_alloc(options.ca[0].size);
    memcpy(copy, options.ca[0].data, options.ca[0].size);
    bytes_slice equal_ca = bytes_slice_of(copy, options.ca[0].size);
    options.ca = &equal_ca;
    assert_ptr_equal(get(&contexts, &options), first);
    mem_free(copy);
    net_tls_contexts_dispose(&contexts);
    assert_int_equal(mem_blocks(), 0);
}

static void assert_other(net_tls_contexts *contexts, const net_tls_options *options) {
    net_tls_options usual = client_options();
    net_tls_context *shared = get(contexts, &usual);
    assert_ptr_not_equal(get(contexts, options), shared);
}

static void keeps_apart_what_differs_in_one_option(void **state) {
    (void)state;
    net_tls_contexts contexts = {0};
    net_tls_options options = client_options();
    bytes_slice two[] = {options.ca[0], options.ca[0]};
#define WITH(...)                                                                                  \
    options = client_options();                                                                    \
    __VA_ARGS__;                                                                                   \
    assert_other(&contexts, &options)
    WITH(options.ca_count = 0);
    WITH((options.ca = two, options.ca_count = 2));
    WITH((options.cert = certificate("client.crt"), options.key = certificate("client.key")));
    WITH(options.passphrase = "");
    WITH(options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305");
    WITH(options.groups = "P-256");
    WITH(options.signatures = "ECDSA+SHA256:RSA+SHA256");
    bytes_slice crl = certificate("ca.crl");
    WITH((options.crls = &crl, options.crl_count = 1));
    WITH(options.alpn_count = 0);
    WITH(options.max_version = TLS_VERSION_1_2);
    WITH(options.min_version = TLS_VERSION_1_2);
    WITH(options.reject_unauthorized = !options.reject_unauthorized);
    WITH(options.has_tickets = !options.has_tickets);
    WITH(options.is_h2_strict = !options.is_h2_strict);
#undef WITH
    net_tls_contexts_dispose(&contexts);
    assert_int_equal(mem_blocks(), 0);
}

static void does_not_keep_what_cannot_be_made(void **state) {
    (void)state;
    net_tls_contexts contexts = {0};
    net_tls_options good = client_options(), bad = client_options();
    bytes_slice junk = BYTES_LITERAL("no certificate at all");
    bad.ca = &junk;
    net_tls_context *kept = get(&contexts, &good);
    for (int i = 0; i < 2 * NET_TLS_CONTEXTS; i++) {
        net_tls_context *context = NULL;
        net_error error = {.text = ""};
        assert_int_not_equal(net_tls_contexts_get(&contexts, &context, &bad, &error), 0);
        assert_string_equal(error.code, "ERR_OSSL_PEM_NO_START_LINE");
        assert_null(context);
    }
    assert_ptr_equal(contexts._kept[0].context, kept);
    assert_null(contexts._kept[1].context);
    net_tls_contexts_dispose(&contexts);
    assert_int_equal(mem_blocks(), 0);
}

/* Each text is an option of its own; its context is held, so that no other can take its address. */
static net_tls_context *hold(net_tls_contexts *contexts, const char *passphrase) {
    net_tls_options options = client_options();
    options.passphrase = passphrase;
    return net_tls_context_ref(get(contexts, &options));
}

static void lets_go_of_the_one_not_asked_for_the_longest(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    enum { COUNT = sizeof(names) / sizeof(*names) };
    assert_int_equal(COUNT, NET_TLS_CONTEXTS + 1);
    net_tls_contexts contexts = {0};
    net_tls_context *made[COUNT], *again[COUNT];
    for (size_t i = 0; i < COUNT - 1; i++)
        made[i] = hold(&contexts, names[i]);
    again[0] = hold(&contexts, names[0]);
    assert_ptr_equal(again[0], made[0]);
    made[COUNT - 1] = hold(&contexts, names[COUNT - 1]); /* in the place of "b" */
    for (size_t i = 2; i < COUNT; i++) {
        again[i] = hold(&contexts, names[i]);
        assert_ptr_equal(again[i], made[i]);
    }
    again[1] = hold(&contexts, names[1]);
    assert_ptr_not_equal(again[1], made[1]);
    for (size_t i = 0; i < COUNT; i++) {
        net_tls_context_unref(made[i]);
        net_tls_context_unref(again[i]);
    }
    net_tls_contexts_dispose(&contexts);
    assert_int_equal(mem_blocks(), 0);
}

static void bears_failing_allocations(void **state) {
    (void)state;
    net_tls_options options = client_options();
    for (size_t n = 1;; n++) {
        net_tls_contexts contexts = {0};
        net_tls_context *context = NULL;
        net_error error = {.text = ""};
        mem_fail_once(n);
        int result = net_tls_contexts_get(&contexts, &context, &options, &error);
        size_t attempts = mem_attempts();
        mem_fail_from(0);
        if (result == 0)
            net_tls_context_unref(context);
        else
            assert_null(contexts._kept[0].context);
        net_tls_contexts_dispose(&contexts);
        assert_int_equal(mem_blocks(), 0);
        if (attempts < n)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_what_is_made_of_equal_options),
        cmocka_unit_test(keeps_apart_what_differs_in_one_option),
        cmocka_unit_test(does_not_keep_what_cannot_be_made),
        cmocka_unit_test(lets_go_of_the_one_not_asked_for_the_longest),
        cmocka_unit_test(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
