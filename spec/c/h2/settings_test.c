#include "h2/settings.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t code_of(uint16_t id, uint32_t value) {
    h2_fault fault = {0};
    h2_setting setting = {id, value};
    int result = h2_settings_check(setting, &fault);
    assert_int_equal(h2_setting_is_valid(setting), result == H2_OK);
    if (result == H2_OK)
        return H2_NO_ERROR;
    assert_int_equal(fault.scope, H2_SCOPE_SESSION);
    return fault.code;
}

static void they_begin_with_the_values_of_the_rfc(void **state) {
    (void)state;
    h2_settings settings;
    h2_settings_init(&settings);
    assert_int_equal(settings.header_table_size, 4096);
    assert_int_equal(settings.enable_push, 1);
    assert_int_equal(settings.max_concurrent_streams, UINT32_MAX);
    assert_int_equal(settings.initial_window_size, 65535);
    assert_int_equal(settings.max_frame_size, 16384);
    assert_int_equal(settings.max_header_list_size, UINT32_MAX);
    assert_int_equal(settings.enable_connect_protocol, 0);
    assert_int_equal(settings.no_rfc7540_priorities, 0);
    assert_int_equal(settings.custom_count, 0);
}

static void values_out_of_range_have_the_code_of_the_rfc(void **state) {
    (void)state;
    assert_int_equal(code_of(H2_SETTINGS_ENABLE_PUSH, 1), H2_NO_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_ENABLE_PUSH, 2), H2_PROTOCOL_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff), H2_NO_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000), H2_FLOW_CONTROL_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_MAX_FRAME_SIZE, 16383), H2_PROTOCOL_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_MAX_FRAME_SIZE, 16384), H2_NO_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_MAX_FRAME_SIZE, 16777215), H2_NO_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_MAX_FRAME_SIZE, 16777216), H2_PROTOCOL_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 2), H2_PROTOCOL_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_NO_RFC7540_PRIORITIES, 2), H2_PROTOCOL_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_HEADER_TABLE_SIZE, UINT32_MAX), H2_NO_ERROR);
    assert_int_equal(code_of(H2_SETTINGS_MAX_CONCURRENT_STREAMS, 0), H2_NO_ERROR);
    assert_int_equal(code_of(0x7, UINT32_MAX), H2_NO_ERROR);
    assert_int_equal(code_of(0xffff, UINT32_MAX), H2_NO_ERROR);
}

static void known_identifiers_are_set_by_number(void **state) {
    (void)state;
    h2_settings settings;
    h2_settings_init(&settings);
    assert_int_equal(h2_settings_set(&settings, (h2_setting){0x9, 1}), H2_OK);
    assert_int_equal(settings.no_rfc7540_priorities, 1);
    assert_int_equal(h2_settings_set(&settings, (h2_setting){0x7, 1}), H2_GONE);
    assert_int_equal(h2_settings_set(&settings, (h2_setting){0, 1}), H2_GONE);
}

static void unknown_identifiers_are_kept_once_each_and_only_so_many(void **state) {
    (void)state;
    h2_settings settings;
    h2_settings_init(&settings);
    for (uint16_t round = 0; round < 2; round++)
        for (uint16_t i = 0; i < 20; i++)
            h2_settings_set_custom(&settings, (h2_setting){(uint16_t)(100 + i), round});
    assert_int_equal(settings.custom_count, H2_MAX_CUSTOM_SETTINGS);
    for (uint16_t i = 0; i < H2_MAX_CUSTOM_SETTINGS; i++) {
        assert_int_equal(settings.custom[i].id, 100 + i);
        assert_int_equal(settings.custom[i].value, 1);
    }
}

static void what_was_sent_is_a_copy(void **state) {
    (void)state;
    h2_setting entries[] = {{1, 2}, {3, 4}};
    h2_settings_sent *sent;
    assert_int_equal(h2_settings_sent_new(&sent, entries, 2), H2_OK);
    entries[1].value = 9;
    assert_int_equal(sent->count, 2);
    assert_int_equal(sent->entries[1].value, 4);
    mem_free(sent);
    assert_int_equal(h2_settings_sent_new(&sent, NULL, 0), H2_OK);
    assert_int_equal(sent->count, 0);
    mem_free(sent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_begin_with_the_values_of_the_rfc),
        cmocka_unit_test(values_out_of_range_have_the_code_of_the_rfc),
        cmocka_unit_test(known_identifiers_are_set_by_number),
        cmocka_unit_test(unknown_identifiers_are_kept_once_each_and_only_so_many),
        cmocka_unit_test(what_was_sent_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
