/* What the tests of a whole session share: one peer for each test, opened as the test asks. */
#ifndef SPEC_H2_CASES_H
#define SPEC_H2_CASES_H

#include "h2/support/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static peer p;

static void lenient(h2_options *options) {
    options->limits.is_strict = false;
}

static inline int open_server(void **state) {
    (void)state;
    peer_open(&p, H2_SERVER, NULL);
    return 0;
}

static inline int open_lenient_server(void **state) {
    (void)state;
    peer_open(&p, H2_SERVER, lenient);
    return 0;
}

static inline int open_client(void **state) {
    (void)state;
    peer_open(&p, H2_CLIENT, NULL);
    return 0;
}

static inline int close_peer(void **state) {
    (void)state;
    peer_close(&p);
    return 0;
}

/* Closes the session and opens another, for one more case of the same test. */
static inline void again(h2_role role, peer_tweak *tweak) {
    peer_close(&p);
    peer_open(&p, role, tweak);
}

#define SERVER(test) cmocka_unit_test_setup_teardown(test, open_server, close_peer)
#define LENIENT(test) cmocka_unit_test_setup_teardown(test, open_lenient_server, close_peer)
#define CLIENT(test) cmocka_unit_test_setup_teardown(test, open_client, close_peer)

#endif
