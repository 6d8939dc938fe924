#include "binding/settings.h"

#include <stdio.h>
#include <stdlib.h>

/* What Node announces as default for the size of header lists; RFC 9113 has no limit. */
#define DEFAULT_MAX_HEADER_LIST_SIZE 65535

/* Node's names in the order of identifiers. maxHeaderSize is an older name of maxHeaderListSize and
 * wins over it. */
static const struct setting_name {
    const char *name;
    uint16_t id;
    bool is_boolean;
    uint32_t min, max;
} names[] = {
    {"headerTableSize", H2_SETTINGS_HEADER_TABLE_SIZE, false, 0, UINT32_MAX},
    {"enablePush", H2_SETTINGS_ENABLE_PUSH, true, 0, 1},
    {"maxConcurrentStreams", H2_SETTINGS_MAX_CONCURRENT_STREAMS, false, 0, UINT32_MAX},
    {"initialWindowSize", H2_SETTINGS_INITIAL_WINDOW_SIZE, false, 0, INT32_MAX},
    {"maxFrameSize", H2_SETTINGS_MAX_FRAME_SIZE, false, 16384, 16777215},
    {"maxHeaderListSize", H2_SETTINGS_MAX_HEADER_LIST_SIZE, false, 0, UINT32_MAX},
    {"maxHeaderSize", H2_SETTINGS_MAX_HEADER_LIST_SIZE, false, 0, UINT32_MAX},
    {"enableConnectProtocol", H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, true, 0, 1},
};
#define NAME_COUNT (sizeof(names) / sizeof(*names))

/* ------------------------------------------------------------------------------ from tables */

static int raise_setting(lua_State *L, const char *class, const char *name, int index) {
    const char *shown = luaL_tolstring(L, index, NULL);
    return lh2_raise_text(L, class, "ERR_HTTP2_INVALID_SETTING_VALUE",
                          "Invalid value for setting \"%s\": %s", name, shown);
}

/* The number at `index`, checked against the range. */
static uint32_t check_number(lua_State *L, int index, const char *name, uint32_t min,
                             uint32_t max) {
    lua_Number number = lua_tonumber(L, index);
    if (lua_type(L, index) != LUA_TNUMBER || number < min || number > max ||
        number != (lua_Number)(uint32_t)number)
        raise_setting(L, "RangeError", name, index);
    return (uint32_t)number;
}

/* Sets the entry of an identifier, replacing one that is there. */
static size_t put_entry(h2_setting *entries, size_t count, h2_setting entry) {
    for (size_t i = 0; i < count; i++)
        if (entries[i].id == entry.id) {
            entries[i] = entry;
            return count;
        }
    entries[count] = entry;
    return count + 1;
}

static size_t read_named(lua_State *L, int index, h2_setting *entries) {
    size_t count = 0;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        lua_getfield(L, index, names[i].name);
        if (!lua_isnil(L, -1)) {
            h2_setting entry = {names[i].id, 0};
            if (!names[i].is_boolean)
                entry.value = check_number(L, -1, names[i].name, names[i].min, names[i].max);
            else if (lua_isboolean(L, -1))
                entry.value = (uint32_t)lua_toboolean(L, -1);
            else
                raise_setting(L, "TypeError", names[i].name, -1);
            count = put_entry(entries, count, entry);
        }
        lua_pop(L, 1);
    }
    return count;
}

static int compare_ids(const void *a, const void *b) {
    return (int)((const h2_setting *)a)->id - (int)((const h2_setting *)b)->id;
}

/* The map identifier -> value on top. */
static size_t read_custom(lua_State *L, h2_setting *entries, size_t count) {
    size_t first = count;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        h2_setting entry = {(uint16_t)check_number(L, -1, "customSettings id", 1, 0xffff), 0};
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TNUMBER) {
            entry.value = check_number(L, -1, "customSettings value", 0, UINT32_MAX);
            if (count - first == H2_MAX_CUSTOM_SETTINGS)
                lh2_raise(L, "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS", NULL);
            count = put_entry(entries, count, entry);
        }
        lua_pop(L, 1);
    }
    return count;
}

size_t lh2_settings_read(lua_State *L, int index, const char *name, h2_setting *entries) {
    if (!lh2_check_options(L, index, name))
        return 0;
    index = lua_absindex(L, index);
    size_t count = read_named(L, index, entries);
    lua_getfield(L, index, "customSettings");
    if (lua_istable(L, -1))
        count = read_custom(L, entries, count);
    else if (!lua_isnil(L, -1))
        lh2_raise_type(L, "customSettings", "of type table", -1);
    lua_pop(L, 1);
    qsort(entries, count, sizeof(*entries), compare_ids);
    return count;
}

/* -------------------------------------------------------------------------------- to tables */

static void set_number(lua_State *L, const char *name, uint32_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* Sets the entry in the table on top under its name or names, or among customSettings. */
static void set_entry(lua_State *L, h2_setting entry) {
    bool is_named = false;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].id != entry.id)
            continue;
        is_named = true;
        if (names[i].is_boolean) {
            lua_pushboolean(L, entry.value != 0);
            lua_setfield(L, -2, names[i].name);
        } else {
            set_number(L, names[i].name, entry.value);
        }
    }
    if (is_named)
        return;
    lua_getfield(L, -1, "customSettings");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "customSettings");
    }
    lua_pushinteger(L, (lua_Integer)entry.value);
    lua_rawseti(L, -2, entry.id);
    lua_pop(L, 1);
}

void lh2_push_settings(lua_State *L, const h2_settings *settings) {
    lua_createtable(L, 0, NAME_COUNT);
    set_entry(L, (h2_setting){H2_SETTINGS_HEADER_TABLE_SIZE, settings->header_table_size});
    set_entry(L, (h2_setting){H2_SETTINGS_ENABLE_PUSH, settings->enable_push});
    set_entry(L,
              (h2_setting){H2_SETTINGS_MAX_CONCURRENT_STREAMS, settings->max_concurrent_streams});
    set_entry(L, (h2_setting){H2_SETTINGS_INITIAL_WINDOW_SIZE, settings->initial_window_size});
    set_entry(L, (h2_setting){H2_SETTINGS_MAX_FRAME_SIZE, settings->max_frame_size});
    set_entry(L, (h2_setting){H2_SETTINGS_MAX_HEADER_LIST_SIZE, settings->max_header_list_size});
    set_entry(L,
              (h2_setting){H2_SETTINGS_ENABLE_CONNECT_PROTOCOL, settings->enable_connect_protocol});
    for (size_t i = 0; i < settings->custom_count; i++)
        set_entry(L, settings->custom[i]);
}

/* -------------------------------------------------------------------------- module functions */

/* http2.getDefaultSettings() */
static int get_default_settings(lua_State *L) {
    h2_settings settings;
    h2_settings_init(&settings);
    settings.max_header_list_size = DEFAULT_MAX_HEADER_LIST_SIZE;
    lh2_push_settings(L, &settings);
    return 1;
}

/* http2.getPackedSettings([settings]): the payload of a SETTINGS frame */
static int get_packed_settings(lua_State *L) {
    h2_setting entries[LH2_MAX_SETTINGS];
    lua_settop(L, 1);
    size_t count = lh2_settings_read(L, 1, "settings", entries);
    uint8_t payload[6 * LH2_MAX_SETTINGS];
    uint8_t *end = payload;
    for (size_t i = 0; i < count; i++)
        end = bytes_put_u32(bytes_put_u16(end, entries[i].id), entries[i].value);
    lua_pushlstring(L, (const char *)payload, (size_t)(end - payload));
    return 1;
}

/* Raises unless the entry has a value that Node's settings of that name may have. */
static void validate_entry(lua_State *L, h2_setting entry) {
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (names[i].id == entry.id && (entry.value < names[i].min || entry.value > names[i].max)) {
            lua_pushinteger(L, (lua_Integer)entry.value);
            raise_setting(L, "RangeError", names[i].name, -1);
        }
}

/* http2.getUnpackedSettings(payload[, {validate = true}]) */
static int get_unpacked_settings(lua_State *L) {
    size_t size;
    lua_settop(L, 2);
    const char *payload = lh2_check_string(L, 1, "buf", &size);
    bool is_validated =
        lh2_check_options(L, 2, "options") && lh2_opt_boolean(L, 2, "validate", false);
    if (size % 6 != 0)
        return lh2_raise(L, "ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH", NULL);
    lua_newtable(L);
    for (size_t i = 0; i < size; i += 6) {
        const uint8_t *p = (const uint8_t *)payload + i;
        h2_setting entry = {bytes_get_u16(p), bytes_get_u32(p + 2)};
        if (is_validated)
            validate_entry(L, entry);
        set_entry(L, entry);
    }
    return 1;
}

void lh2_settings_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"getDefaultSettings", get_default_settings},
                                         {"getPackedSettings", get_packed_settings},
                                         {"getUnpackedSettings", get_unpacked_settings},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
