/* What a burst of handshakes has to share: the signatures of a turn. */
#include "support/tls_support.h"

static void open_pair(tls_pair *pair, net_tls_context *client, net_tls_context *server,
                      unsigned *left) {
    pair_open(pair, client, server, "localhost", bytes_slice_of(NULL, 0));
    net_tls_share_signatures(pair->server, left);
    assert_int_equal(net_tls_start(pair->client, &pair->client_error), NET_TLS_OK);
    pair_run(pair);
}

/* What the socket does in the next turn. */
static void feed_nothing(tls_pair *pair) {
    assert_int_equal(net_tls_feed(pair->server, NULL, 0, &pair->server_error), NET_TLS_OK);
    pair_run(pair);
}

static void a_server_signs_as_often_as_there_are_signatures(void **state) {
    (void)state;
    net_tls_options client_rules = client_options(), server_rules = server_options();
    net_tls_context *client = make_context(&client_rules), *server = make_context(&server_rules);
    unsigned left = 1;
    tls_pair first, second;
    open_pair(&first, client, server, &left);
    assert_true(net_tls_is_established(first.server));
    assert_int_equal(left, 0);

    open_pair(&second, client, server, &left);
    assert_true(net_tls_is_queued(second.server));
    assert_false(net_tls_is_established(second.server));
    feed_nothing(&second);
    assert_true(net_tls_is_queued(second.server));

    left = 1;
    feed_nothing(&second);
    assert_false(net_tls_is_queued(second.server));
    assert_true(net_tls_is_established(second.server));
    assert_true(net_tls_is_established(second.client));
    assert_int_equal(left, 0);
    pair_close(&first);
    pair_close(&second);
    net_tls_context_unref(client);
    net_tls_context_unref(server);
}

static void a_resumed_session_needs_none(void **state) {
    (void)state;
    net_tls_options client_rules = client_options(), server_rules = server_options();
    net_tls_context *client = make_context(&client_rules), *server = make_context(&server_rules);
    unsigned left = 1;
    tls_pair first, second;
    open_pair(&first, client, server, &left);
    bytes_buffer octets = {0}, session = {0};
    read_all(first.client, &octets, &first.client_error);
    assert_int_equal(net_tls_session(first.client, &session), 0);
    assert_true(session.size > 0);
    pair_open(&second, client, server, "localhost", bytes_slice_of(session.data, session.size));
    net_tls_share_signatures(second.server, &left);
    assert_int_equal(net_tls_start(second.client, &second.client_error), NET_TLS_OK);
    pair_run(&second);
    assert_true(net_tls_is_resumed(second.server));
    assert_true(net_tls_is_established(second.server));
    bytes_buffer_dispose(&octets);
    bytes_buffer_dispose(&session);
    pair_close(&first);
    pair_close(&second);
    net_tls_context_unref(client);
    net_tls_context_unref(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_signs_as_often_as_there_are_signatures),
        cmocka_unit_test(a_resumed_session_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
