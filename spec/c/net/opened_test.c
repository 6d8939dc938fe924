/* Files that are opened once for all who want them in one turn. */
#include "support/net_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/internal.h"

#define MAX_FILES 16

static char folder[64];
static char paths[MAX_FILES][80];

static void make_file(int number, const char *text) {
    FILE *file = fopen(paths[number], "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state) {
    strcpy(folder, "/tmp/opened_test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < MAX_FILES; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/%d", folder, i);
        make_file(i, "octets");
    }
    return open_loop(state);
}

static int tear_down(void **state) {
    for (int i = 0; i < MAX_FILES; i++)
        unlink(paths[i]);
    rmdir(folder);
    return close_loop(state);
}

static net_opened *offer(net_loop *loop, int number) {
    struct stat stat;
    int fd = open(paths[number], O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &stat), 0);
    net_opened *opened = net_opened_new(loop, paths[number], fd, &stat);
    assert_non_null(opened);
    return opened;
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static void is_found_while_the_turn_lasts(void **state) {
    net_opened *opened = offer(*state, 0);
    assert_ptr_equal(net_opened_find(*state, paths[0]), opened);
    assert_null(net_opened_find(*state, paths[1]));
    int fd = opened->fd;
    net_opened_unref(opened);
    net_loop_run(*state, UV_RUN_NOWAIT);
    assert_null(net_opened_find(*state, paths[0]));
    assert_true(is_open(fd)); /* one reader still has it */
    net_opened_unref(opened);
    assert_false(is_open(fd));
}

static void rename_over(int number, int other) {
    assert_int_equal(rename(paths[other], paths[number]), 0);
}

static void grow(int number, int other) {
    (void)other;
    make_file(number, "more octets");
}

static void forbid(int number, int other) {
    (void)other;
    assert_int_equal(chmod(paths[number], 0200), 0);
}

static void delete (int number, int other) {
    (void)other;
    unlink(paths[number]);
}

static void is_not_found_once_the_path_names_something_else(void **state) {
    void (*const changes[])(int, int) = {rename_over, grow, forbid, delete};
    for (int i = 0; i < 4; i++) {
        net_opened *opened = offer(*state, i);
        changes[i](i, i + 4);
        assert_null(net_opened_find(*state, paths[i]));
        net_opened_unref(opened);
    }
}

static void makes_room_by_letting_go_of_the_oldest(void **state) {
    net_opened *all[MAX_FILES];
    for (int i = 0; i < MAX_FILES; i++)
        all[i] = offer(*state, i);
    assert_null(net_opened_find(*state, paths[0]));
    net_opened *last = net_opened_find(*state, paths[MAX_FILES - 1]);
    assert_ptr_equal(last, all[MAX_FILES - 1]);
    net_opened_unref(last);
    for (int i = 0; i < MAX_FILES; i++)
        net_opened_unref(all[i]);
}

static void takes_nothing_without_memory(void **state) {
    struct stat stat;
    int fd = open(paths[0], O_RDONLY);
    assert_int_equal(fstat(fd, &stat), 0);
    mem_fail_once(1);
    assert_null(net_opened_new(*state, paths[0], fd, &stat));
    mem_fail_once(0);
    assert_true(is_open(fd));
    close(fd);
}

int main(void) {
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FILES(is_found_while_the_turn_lasts),
        WITH_FILES(is_not_found_once_the_path_names_something_else),
        WITH_FILES(makes_room_by_letting_go_of_the_oldest),
        WITH_FILES(takes_nothing_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
