#include "stories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glob.h>
#include <jansson.h>
#include <sys/stat.h>

const char *stories_folder(void) {
    const char *folder = getenv("HTTP2_VECTORS");
    struct stat status;
    if (folder && stat(folder, &status) == 0 && S_ISDIR(status.st_mode))
        return folder;
    print_message("SKIP: no HPACK vectors: HTTP2_VECTORS is %s\n",
                  folder ? folder : "not set to a folder");
    return NULL;
}

static unsigned hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    assert_in_range(c, 'a', 'f');
    return (unsigned)(c - 'a') + 10;
}

static void load_wire(story_case *to, const json_t *wire) {
    const char *hex = json_string_value(wire);
    assert_non_null(hex);
    to->wire_size = json_string_length(wire) / 2;
    to->wire = malloc(to->wire_size + 1);
    assert_non_null(to->wire);
    for (size_t i = 0; i < to->wire_size; i++)
        to->wire[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
}

/* Each header is an object with one member. */
static void load_fields(story_case *to, const json_t *headers) {
    to->count = json_array_size(headers);
    to->fields = calloc(to->count + 1, sizeof(*to->fields));
    assert_non_null(to->fields);
    for (size_t i = 0; i < to->count; i++) {
        void *member = json_object_iter(json_array_get(headers, i));
        assert_non_null(member);
        const char *name = json_object_iter_key(member);
        const json_t *value = json_object_iter_value(member);
        hpack_field *field = &to->fields[i];
        field->name = bytes_slice_of(name, strlen(name));
        field->value = bytes_slice_of(json_string_value(value), json_string_length(value));
        field->token = hpack_token_of(field->name);
    }
}

static void load_case(story_case *to, const json_t *from) {
    load_wire(to, json_object_get(from, "wire"));
    load_fields(to, json_object_get(from, "headers"));
    const json_t *table_size = json_object_get(from, "header_table_size");
    to->has_table_size = table_size != NULL;
    if (table_size)
        to->table_size = (size_t)json_integer_value(table_size);
}

static void visit_file(const char *path, story_visit *visit, void *context) {
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    const json_t *cases = json_object_get(root, "cases");
    vector_story loaded = {.path = path, .count = json_array_size(cases)};
    loaded.cases = calloc(loaded.count + 1, sizeof(*loaded.cases));
    assert_non_null(loaded.cases);
    for (size_t i = 0; i < loaded.count; i++)
        load_case(&loaded.cases[i], json_array_get(cases, i));
    visit(&loaded, context);
    for (size_t i = 0; i < loaded.count; i++) {
        free(loaded.cases[i].wire);
        free(loaded.cases[i].fields);
    }
    free(loaded.cases);
    json_decref(root);
}

size_t stories_visit(const char *folder, story_visit *visit, void *context) {
    char pattern[4096];
    int length = snprintf(pattern, sizeof(pattern), "%s/*/story_*.json", folder);
    assert_in_range(length, 1, sizeof(pattern) - 1);
    glob_t files;
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    size_t count = files.gl_pathc;
    for (size_t i = 0; i < count; i++)
        visit_file(files.gl_pathv[i], visit, context);
    globfree(&files);
    return count;
}
