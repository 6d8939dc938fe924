/* Sessions of TLS 1.2 by their identifiers, kept by the program. */
#include "support/tls_support.h"

#define TLS_1_2 0x0303

/* What the program of a server keeps, and was asked. */
typedef struct store {
    bytes_buffer session; /* empty: none */
    bytes_buffer id;
    bool is_keeping;
    int known; /* how often it was asked for that one */
} store;

static void ask(void *context, net_tls *tls, const net_tls_hello *hello) {
    store *kept = context;
    bytes_slice id = bytes_slice_of(kept->id.data, kept->id.size);
    if (kept->is_keeping)
        net_tls_keep_session(tls);
    if (kept->session.size > 0 && bytes_slice_equal(id, hello->session_id)) {
        kept->known++;
        (void)net_tls_resume(tls, bytes_slice_of(kept->session.data, kept->session.size));
    }
    if (net_tls_answer(tls, NULL, NULL) != 0)
        net_tls_refuse(tls, 80);
}

typedef struct contexts {
    net_tls_context *client, *server;
    store kept;
} contexts;

static void open_contexts(contexts *with) {
    net_tls_options client = client_options(), server = server_options();
    client.has_tickets = server.has_tickets = false;
    client.max_version = server.max_version = TLS_1_2;
    *with = (contexts){.client = make_context(&client), .server = make_context(&server)};
    with->kept.is_keeping = true;
    net_tls_context_set_ask(with->server, ask, &with->kept);
}

static void close_contexts(contexts *with) {
    bytes_buffer_dispose(&with->kept.session);
    bytes_buffer_dispose(&with->kept.id);
    net_tls_context_unref(with->client);
    net_tls_context_unref(with->server);
}

static void shake(tls_pair *pair, contexts *with, const bytes_buffer *session) {
    pair_open(pair, with->client, with->server, "localhost",
              bytes_slice_of(session->data, session->size));
    pair->client_status = net_tls_start(pair->client, &pair->client_error);
    pair_run(pair);
}

/* Whether a session was made; the program keeps it. */
static bool keep(contexts *with, tls_pair *pair) {
    bytes_slice id, session;
    if (!net_tls_made_session(pair->server, &id, &session))
        return false;
    bytes_buffer_dispose(&with->kept.id);
    bytes_buffer_dispose(&with->kept.session);
    (void)bytes_buffer_append(&with->kept.id, id.data, id.size);
    (void)bytes_buffer_append(&with->kept.session, session.data, session.size);
    net_tls_forget_session(pair->server);
    assert_false(net_tls_made_session(pair->server, &id, &session));
    return true;
}

/* A first connection; the client's session goes into `session`. */
static void meet(contexts *with, bytes_buffer *session) {
    tls_pair pair;
    shake(&pair, with, session);
    assert_true(net_tls_is_established(pair.server));
    assert_false(net_tls_is_resumed(pair.server));
    assert_int_equal(net_tls_session(pair.client, session), 0);
    assert_int_equal(keep(with, &pair), with->kept.is_keeping);
    pair_close(&pair);
}

static void resumes_what_the_program_has_kept(void **state) {
    (void)state;
    contexts with;
    tls_pair pair;
    bytes_buffer session = {0};
    open_contexts(&with);
    meet(&with, &session);
    shake(&pair, &with, &session);
    assert_true(net_tls_is_resumed(pair.client));
    assert_true(net_tls_is_resumed(pair.server));
    assert_int_equal(with.kept.known, 1);
    assert_false(keep(&with, &pair));
    pair_close(&pair);
    bytes_buffer_dispose(&session);
    close_contexts(&with);
}

static void keeps_nothing_unless_it_is_told_to(void **state) {
    (void)state;
    contexts with;
    bytes_buffer session = {0};
    open_contexts(&with);
    with.kept.is_keeping = false;
    meet(&with, &session);
    bytes_buffer_dispose(&session);
    close_contexts(&with);
}

static void assert_not_resumed(contexts *with, const bytes_buffer *session, int known) {
    tls_pair pair;
    with->kept.known = 0;
    shake(&pair, with, session);
    assert_true(net_tls_is_established(pair.server));
    assert_false(net_tls_is_resumed(pair.server));
    assert_int_equal(with->kept.known, known);
    pair_close(&pair);
}

static void does_not_resume_another_session_or_junk(void **state) {
    (void)state;
    contexts with;
    bytes_buffer session = {0}, other = {0}, id = {0};
    open_contexts(&with);
    meet(&with, &session);
    assert_int_equal(bytes_buffer_append(&id, with.kept.id.data, with.kept.id.size), 0);
    meet(&with, &other);
    assert_not_resumed(&with, &session, 0); /* the program knows the other one alone */
    memcpy(with.kept.id.data, id.data, id.size);
    assert_not_resumed(&with, &session, 1); /* and takes it for this one */
    with.kept.session.size /= 2;
    assert_not_resumed(&with, &session, 1);
    bytes_buffer_dispose(&session);
    bytes_buffer_dispose(&other);
    bytes_buffer_dispose(&id);
    close_contexts(&with);
}

static void bears_failing_allocations(void **state) {
    (void)state;
    contexts with;
    bytes_buffer session = {0};
    open_contexts(&with);
    meet(&with, &session);
    size_t before = mem_blocks();
    for (size_t n = 1;; n++) {
        for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
            tls_pair pair = {0};
            bytes_slice blob = bytes_slice_of(session.data, n % 2 ? session.size : 0);
            if (is_lasting)
                mem_fail_from(n);
            else
                mem_fail_once(n);
            if (net_tls_new(&pair.client, with.client, "localhost", blob) == 0 &&
                net_tls_new(&pair.server, with.server, NULL, bytes_slice_of(NULL, 0)) == 0) {
                net_tls_start(pair.client, &pair.client_error);
                pair_run(&pair);
            }
            pair_close(&pair);
        }
        size_t attempts = mem_attempts();
        mem_fail_from(0);
        assert_int_equal(mem_blocks(), before);
        if (attempts < n)
            break;
    }
    bytes_buffer_dispose(&session);
    close_contexts(&with);
    assert_int_equal(mem_blocks(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumes_what_the_program_has_kept),
        cmocka_unit_test(keeps_nothing_unless_it_is_told_to),
        cmocka_unit_test(does_not_resume_another_session_or_junk),
        cmocka_unit_test(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
