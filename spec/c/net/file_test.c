#include "support/net_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* A file being read to its end, as much at a time as `step` says. */
typedef struct reading {
    net_file *file;
    int opens, readies, status;
    size_t step;
    bytes_buffer octets;
    bool is_at_end, is_blocked;
    long error;
} reading;

static void read_on(reading *self) {
    uint8_t piece[65536];
    self->is_blocked = false;
    while (!self->is_at_end && self->error == 0) {
        long n = net_file_read(self->file, piece, self->step);
        if (n == NET_FILE_AGAIN) {
            self->is_blocked = true;
            return;
        }
        if (n > 0)
            assert_int_equal(bytes_buffer_append(&self->octets, piece, (size_t)n), 0);
        self->is_at_end = n == 0;
        self->error = n < 0 ? n : 0;
    }
}

static void on_open(net_file *file, int status) {
    reading *self = net_file_context(file);
    self->opens++;
    self->status = status;
}

static void on_ready(net_file *file) {
    reading *self = net_file_context(file);
    self->readies++;
    read_on(self);
}

static const net_file_events events = {on_open, on_ready};

static void dispose(reading *self) {
    net_file_close(self->file);
    bytes_buffer_dispose(&self->octets);
}

/* A folder for one test; the test's file in it. */
typedef struct scratch {
    char folder[64], path[96];
} scratch;

static void make_place(scratch *place) {
    strcpy(place->folder, "/tmp/file_test.XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof(place->path), "%s/file", place->folder);
}

static void remove_place(const scratch *place) {
    unlink(place->path);
    rmdir(place->folder);
}

static void write_pattern(const scratch *place, size_t size) {
    uint8_t *data = malloc(size);
    fill_pattern(data, size, 7);
    FILE *file = fopen(place->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    free(data);
}

static void assert_pattern(const reading *self, size_t from, size_t size) {
    uint8_t *data = malloc(from + size);
    fill_pattern(data, from + size, 7);
    assert_int_equal(self->octets.size, size);
    if (size > 0)
        assert_memory_equal(self->octets.data, data + from, size);
    free(data);
}

static void open_file(net_loop *loop, reading *self, const char *path) {
    assert_int_equal(net_file_open(&self->file, loop, path, &events, self), 0);
    assert_int_equal(self->opens, 0);
    RUN_UNTIL(loop, self->opens == 1);
}

static void reads_a_file_from_its_beginning_to_its_end(void **state) {
    scratch place;
    make_place(&place);
    write_pattern(&place, 300000);
    for (size_t step = 1000; step <= 65536; step += 21512) {
        reading self = {.step = step};
        open_file(*state, &self, place.path);
        assert_int_equal(self.status, 0);
        assert_true(S_ISREG(net_file_stat(self.file)->st_mode));
        assert_int_equal(net_file_stat(self.file)->st_size, 300000);
        read_on(&self);
        RUN_UNTIL(*state, self.is_at_end);
        assert_pattern(&self, 0, 300000);
        dispose(&self);
    }
    remove_place(&place);
}

static void reads_a_range(void **state) {
    scratch place;
    make_place(&place);
    write_pattern(&place, 1000);
    static const size_t ranges[][3] = {{10, 20, 20}, {990, 100, 10}, {1000, 5, 0}, {5, 0, 0}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        reading self = {.step = 64};
        open_file(*state, &self, place.path);
        net_file_set_range(self.file, ranges[i][0], ranges[i][1]);
        read_on(&self);
        RUN_UNTIL(*state, self.is_at_end);
        assert_pattern(&self, ranges[i][0], ranges[i][2]);
        dispose(&self);
    }
    remove_place(&place);
}

static void tells_what_cannot_be_opened(void **state) {
    reading self = {.step = 1};
    open_file(*state, &self, "/nowhere/at/all");
    assert_int_equal(self.status, UV_ENOENT);
    dispose(&self);
}

static void leaves_the_descriptor_it_was_given_alone(void **state) {
    scratch place;
    make_place(&place);
    write_pattern(&place, 100);
    int fd = open(place.path, O_RDONLY);
    reading self = {.step = 1000};
    assert_int_equal(net_file_adopt(&self.file, *state, fd, &events, &self), 0);
    read_on(&self);
    RUN_UNTIL(*state, self.is_at_end);
    assert_pattern(&self, 0, 100);
    dispose(&self);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    close(fd);
    assert_int_equal(net_file_adopt(&self.file, *state, fd, &events, &self), UV_EBADF);
    remove_place(&place);
}

static void waits_for_a_pipe_and_restores_its_mode(void **state) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    reading self = {.step = 1000};
    assert_int_equal(net_file_adopt(&self.file, *state, ends[0], &events, &self), 0);
    read_on(&self);
    assert_true(self.is_blocked);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    RUN_UNTIL(*state, self.octets.size == 3);
    assert_true(self.is_blocked);
    assert_true(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    close(ends[1]);
    RUN_UNTIL(*state, self.is_at_end);
    dispose(&self);
    net_loop_run(*state, UV_RUN_NOWAIT);
    assert_false(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    close(ends[0]);
}

static void waits_for_a_fifo_without_a_writer(void **state) {
    scratch place;
    make_place(&place);
    assert_int_equal(mkfifo(place.path, 0600), 0);
    reading self = {.step = 1000};
    open_file(*state, &self, place.path);
    read_on(&self);
    run_for(*state, 20);
    assert_true(self.is_blocked);
    int writer = open(place.path, O_WRONLY | O_NONBLOCK);
    assert_int_equal(write(writer, "abc", 3), 3);
    close(writer);
    RUN_UNTIL(*state, self.is_at_end);
    assert_int_equal(self.octets.size, 3);
    dispose(&self);
    remove_place(&place);
}

static void reads_devices_and_tells_that_directories_are_none(void **state) {
    reading null = {.step = 10};
    open_file(*state, &null, "/dev/null");
    read_on(&null);
    RUN_UNTIL(*state, null.is_at_end);
    dispose(&null);
    reading directory = {.step = 10};
    open_file(*state, &directory, "/tmp");
    assert_true(S_ISDIR(net_file_stat(directory.file)->st_mode));
    read_on(&directory);
    RUN_UNTIL(*state, directory.error != 0);
    assert_int_equal(directory.error, UV_EISDIR);
    dispose(&directory);
}

static void may_be_closed_at_any_time(void **state) {
    reading opening = {.step = 10};
    assert_int_equal(net_file_open(&opening.file, *state, "/dev/zero", &events, &opening), 0);
    net_file_close(opening.file);
    reading waiting = {.step = 10};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(net_file_adopt(&waiting.file, *state, ends[0], &events, &waiting), 0);
    read_on(&waiting);
    net_file_close(waiting.file);
    run_for(*state, 20);
    assert_int_equal(opening.opens, 0);
    close(ends[0]);
    close(ends[1]);
}

static void is_closed_with_the_loop(void **state) {
    static reading self;
    self = (reading){.step = 10};
    assert_int_equal(net_file_open(&self.file, *state, "/dev/zero", &events, &self), 0);
}

static void bears_allocations_that_fail(void **state) {
    reading self = {.step = 10};
    for (size_t n = 1;; n++) {
        mem_fail_once(n);
        int status = net_file_open(&self.file, *state, "/dev/null", &events, &self);
        mem_fail_once(0);
        if (status == 0)
            break;
        assert_int_equal(status, UV_ENOMEM);
    }
    RUN_UNTIL(*state, self.opens == 1);
    dispose(&self);
}

int main(void) {
#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        WITH_LOOP(reads_a_file_from_its_beginning_to_its_end),
        WITH_LOOP(reads_a_range),
        WITH_LOOP(tells_what_cannot_be_opened),
        WITH_LOOP(leaves_the_descriptor_it_was_given_alone),
        WITH_LOOP(waits_for_a_pipe_and_restores_its_mode),
        WITH_LOOP(waits_for_a_fifo_without_a_writer),
        WITH_LOOP(reads_devices_and_tells_that_directories_are_none),
        WITH_LOOP(may_be_closed_at_any_time),
        WITH_LOOP(is_closed_with_the_loop),
        WITH_LOOP(bears_allocations_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
