#include "support/net_support.h"

#include <sys/wait.h>

#include "net/tls.h"

static void gives_other_octets_in_a_forked_child(void **state) {
    (void)state;
    tls_random random;
    int ends[2];
    unsigned char here[32], there[32];
    assert_int_equal(tls_random_init(&random), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        int result = tls_random_octets(&random, there, sizeof(there));
        ssize_t written = write(ends[1], there, sizeof(there));
        _exit(result != 0 || written != sizeof(there));
    }
    int status;
    assert_int_equal(tls_random_octets(&random, here, sizeof(here)), 0);
    assert_int_equal(read(ends[0], there, sizeof(there)), sizeof(there));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_not_equal(here, there, sizeof(here));
    close(ends[0]);
    close(ends[1]);
    tls_random_dispose(&random);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_other_octets_in_a_forked_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
