/* The public frame vectors: what is valid is read as they say and written back to the same octets;
 * what is not has one of the error codes they allow. */
#include "h2/frame.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_OCTETS 512

typedef struct vector {
    const char *path;
    const json_t *frame;  /* what is expected: "frame", or null */
    const json_t *errors; /* the codes, or null */
    uint8_t wire[MAX_OCTETS];
    size_t size;
} vector;

static size_t valid_count, error_count;

static void read_wire(const char *hex, vector *v) {
    v->size = strlen(hex) / 2;
    assert_in_range(v->size, H2_FRAME_HEADER_OCTETS, MAX_OCTETS);
    for (size_t i = 0; i < v->size; i++) {
        unsigned octet;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
        v->wire[i] = (uint8_t)octet;
    }
}

/* --------------------------------------------------------------------------------------- reading */

/* All that can be read of a frame without a session. */
typedef struct reading {
    h2_frame_header header;
    h2_frame_prefix prefix;
    h2_dependency dependency;
    h2_goaway goaway;
    uint32_t number; /* an error code, or an increment */
    bytes_slice content;
} reading;

static bool has_prefix(uint8_t type) {
    return type == H2_FRAME_DATA || type == H2_FRAME_HEADERS || type == H2_FRAME_PUSH_PROMISE;
}

static int read_payload(reading *r, const uint8_t *payload, h2_fault *fault) {
    switch (r->header.type) {
    case H2_FRAME_PRIORITY:
        return h2_frame_read_priority(&r->header, payload, &r->dependency, fault);
    case H2_FRAME_RST_STREAM:
        r->number = bytes_get_u32(payload);
        return H2_OK;
    case H2_FRAME_WINDOW_UPDATE:
        return h2_frame_read_window_update(&r->header, payload, &r->number, fault);
    case H2_FRAME_GOAWAY:
        h2_frame_read_goaway(&r->header, payload, &r->goaway);
        return H2_OK;
    default:
        r->content = bytes_slice_of(payload, r->header.length);
        return H2_OK;
    }
}

static int read_frame(const vector *v, reading *r, h2_fault *fault) {
    const uint8_t *payload = v->wire + H2_FRAME_HEADER_OCTETS;
    *r = (reading){0};
    h2_frame_header_read(&r->header, v->wire);
    int result = h2_frame_check(&r->header, H2_LEAST_MAX_FRAME_SIZE, fault);
    if (result != H2_OK || !has_prefix(r->header.type))
        return result != H2_OK ? result : read_payload(r, payload, fault);
    result = h2_frame_read_prefix(&r->header, payload, &r->prefix, fault);
    uint32_t before = h2_frame_prefix_octets(&r->header);
    if (result == H2_OK)
        r->content =
            bytes_slice_of(payload + before, r->header.length - before - r->prefix.padding);
    return result;
}

/* ------------------------------------------------------------------------------------- comparing */

static void expect_number(const vector *v, const json_t *object, const char *name, int64_t value) {
    const json_t *expected = json_object_get(object, name);
    if (json_is_integer(expected) && json_integer_value(expected) != value)
        fail_msg("%s: %s is %lld", v->path, name, (long long)value);
    if (json_is_boolean(expected) && json_is_true(expected) != (value != 0))
        fail_msg("%s: %s is %lld", v->path, name, (long long)value);
}

static void expect_text(const vector *v, const json_t *object, const char *name, bytes_slice text) {
    const char *expected = json_string_value(json_object_get(object, name));
    if (expected && !bytes_slice_equal(text, bytes_slice_of(expected, strlen(expected))))
        fail_msg("%s: %s differs", v->path, name);
}

static void expect_settings(const vector *v, const json_t *settings, bytes_slice payload) {
    size_t i;
    json_t *entry;
    if (!settings)
        return;
    assert_int_equal(json_array_size(settings) * H2_SETTING_OCTETS, payload.size);
    json_array_foreach(settings, i, entry) {
        h2_setting setting = h2_frame_read_setting(payload.data + i * H2_SETTING_OCTETS);
        if (json_integer_value(json_array_get(entry, 0)) != setting.id ||
            json_integer_value(json_array_get(entry, 1)) != setting.value)
            fail_msg("%s: entry %zu differs", v->path, i);
    }
}

static void expect_frame(const vector *v, const reading *r) {
    const json_t *payload = json_object_get(v->frame, "frame_payload");
    bool is_priority = r->header.type == H2_FRAME_PRIORITY;
    const h2_dependency *dependency = is_priority ? &r->dependency : &r->prefix.dependency;
    expect_number(v, v->frame, "length", r->header.length);
    expect_number(v, v->frame, "type", r->header.type);
    expect_number(v, v->frame, "flags", r->header.flags);
    expect_number(v, v->frame, "stream_identifier", r->header.stream_id);
    expect_number(v, payload, "padding_length", r->prefix.padding);
    expect_number(v, payload, "stream_dependency", dependency->stream_id);
    expect_number(v, payload, "weight", dependency->weight + 1);
    expect_number(v, payload, "exclusive", dependency->is_exclusive);
    expect_number(v, payload, "promised_stream_id", r->prefix.promised_id);
    expect_number(v, payload, "last_stream_id", r->goaway.last_id);
    bool is_goaway = r->header.type == H2_FRAME_GOAWAY;
    expect_number(v, payload, "error_code", is_goaway ? r->goaway.code : r->number);
    expect_number(v, payload, "window_size_increment", r->number);
    expect_text(v, payload, "header_block_fragment", r->content);
    expect_text(v, payload, "data", r->content);
    expect_text(v, payload, "opaque_data", r->content);
    expect_text(v, payload, "additional_debug_data", r->goaway.debug);
    expect_settings(v, json_object_get(payload, "settings"), r->content);
}

/* --------------------------------------------------------------------------------------- writing */

static uint8_t *write_settings(uint8_t *p, bytes_slice payload) {
    for (size_t i = 0; i < payload.size; i += H2_SETTING_OCTETS)
        p = h2_frame_write_setting(p, h2_frame_read_setting(payload.data + i));
    return p;
}

static uint8_t *write_with_prefix(uint8_t *p, const reading *r) {
    const h2_frame_header *h = &r->header;
    p = h2_frame_write_header(p, h->length, h->type, h->flags, h->stream_id);
    if (h->flags & H2_FLAG_PADDED && has_prefix(h->type))
        p = bytes_put_u8(p, r->prefix.padding);
    if (h->type == H2_FRAME_HEADERS && h->flags & H2_FLAG_PRIORITY)
        p = h2_frame_write_dependency(p, &r->prefix.dependency);
    if (h->type == H2_FRAME_PUSH_PROMISE)
        p = bytes_put_u32(p, r->prefix.promised_id);
    if (h->type == H2_FRAME_SETTINGS)
        return write_settings(p, r->content);
    memcpy(p, r->content.data, r->content.size);
    p += r->content.size;
    memset(p, 0, r->prefix.padding);
    return p + r->prefix.padding;
}

static uint8_t *write_frame(uint8_t *p, const reading *r) {
    const h2_frame_header *h = &r->header;
    switch (h->type) {
    case H2_FRAME_PRIORITY:
        return h2_frame_write_priority(p, h->stream_id, &r->dependency);
    case H2_FRAME_RST_STREAM:
        return h2_frame_write_rst_stream(p, h->stream_id, r->number);
    case H2_FRAME_WINDOW_UPDATE:
        return h2_frame_write_window_update(p, h->stream_id, r->number);
    case H2_FRAME_GOAWAY:
        return h2_frame_write_goaway(p, &r->goaway);
    case H2_FRAME_PING:
        return h2_frame_write_ping(p, h->flags, r->content.data);
    default:
        return write_with_prefix(p, r);
    }
}

/* ------------------------------------------------------------------------------------ the vectors */

static void check_valid(const vector *v) {
    reading r;
    h2_fault fault;
    uint8_t written[MAX_OCTETS], expected[MAX_OCTETS];
    if (read_frame(v, &r, &fault) != H2_OK)
        fail_msg("%s: %s", v->path, fault.text);
    expect_frame(v, &r);
    /* The vectors pad with text; §6.1 has zeros sent, and any octets read. */
    memcpy(expected, v->wire, v->size);
    memset(expected + v->size - r.prefix.padding, 0, r.prefix.padding);
    uint8_t *end = write_frame(written, &r);
    if ((size_t)(end - written) != v->size || memcmp(written, expected, v->size) != 0)
        fail_msg("%s: written otherwise", v->path);
    valid_count++;
}

static void check_error(const vector *v) {
    reading r;
    h2_fault fault;
    size_t i;
    json_t *code;
    if (read_frame(v, &r, &fault) != H2_FAULT)
        fail_msg("%s: no fault", v->path);
    error_count++;
    json_array_foreach(v->errors, i, code) {
        if (json_integer_value(code) == fault.code)
            return;
    }
    fail_msg("%s: %s, %s", v->path, h2_error_name(fault.code), fault.text);
}

static void check_file(const char *path) {
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s: %s", path, error.text);
    vector v = {.path = path,
                .frame = json_object_get(root, "frame"),
                .errors = json_object_get(root, "error")};
    read_wire(json_string_value(json_object_get(root, "wire")), &v);
    if (json_is_array(v.errors))
        check_error(&v);
    else
        check_valid(&v);
    json_decref(root);
}

static void visit(const char *folder, int depth) {
    DIR *dir = opendir(folder);
    if (!dir)
        fail_msg("%s cannot be read", folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[1024];
        size_t size = strlen(entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0)
            check_file(path);
        else if (depth == 0 && !strchr(entry->d_name, '.') && strcmp(entry->d_name, "LICENSE") != 0)
            visit(path, 1);
    }
    closedir(dir);
}

static void every_vector_is_read_and_written_or_refused_as_it_says(void **state) {
    (void)state;
    const char *folder = getenv("HTTP2_VECTORS_FRAMES");
    DIR *dir = folder ? opendir(folder) : NULL;
    if (!dir) {
        print_message("skipped: HTTP2_VECTORS_FRAMES names no folder with the frame vectors\n");
        skip();
        return;
    }
    closedir(dir);
    visit(folder, 0);
    assert_true(valid_count > 0 && error_count > 0);
    print_message("%zu valid frames, %zu faulty ones\n", valid_count, error_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_read_and_written_or_refused_as_it_says),
    };
    return cmocka_run_group_tests_name("frame_vectors", tests, NULL, NULL);
}
