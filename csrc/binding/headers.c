#include "binding/headers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* Addresses used as registry keys: the table of names by token, the empty list that most headers
 * share; and the key for sensitive headers. */
static const char names_key, nothing_key, sensitive_key;

#define LAST_TOKEN 61

/* ------------------------------------------------------------------------ rules for names */

/* RFC 9110 §5.6.2: 1 for the characters of a token in lower case, 2 for A-Z, 0 for the rest. */
static const uint8_t name_class[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 2,
};

/* Node sends one value at most of these; a second one received is dropped. Sorted. */
static const char *const single_value_names[] = {
    ":authority",
    ":method",
    ":path",
    ":protocol",
    ":scheme",
    ":status",
    "access-control-allow-credentials",
    "access-control-max-age",
    "access-control-request-method",
    "age",
    "authorization",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "dnt",
    "etag",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "tk",
    "upgrade-insecure-requests",
    "user-agent",
    "x-content-type-options",
};

static int compare_name(const void *key, const void *element) {
    const bytes_slice *name = key;
    const char *text = *(const char *const *)element;
    size_t size = strlen(text);
    int order = memcmp(name->data, text, name->size < size ? name->size : size);
    if (order != 0)
        return order;
    return name->size < size ? -1 : name->size > size;
}

static bool is_single_value(bytes_slice name) {
    return bsearch(&name, single_value_names,
                   sizeof(single_value_names) / sizeof(*single_value_names),
                   sizeof(*single_value_names), compare_name) != NULL;
}

static bool is_text(bytes_slice slice, const char *text, size_t size) {
    return slice.size == size && memcmp(slice.data, text, size) == 0;
}
#define IS(slice, text) is_text((slice), (text), sizeof(text) - 1)

/* RFC 9113 §8.2.2: fields of one HTTP/1.1 connection that must not be sent. */
static bool is_connection_field(bytes_slice name, bytes_slice value) {
    switch (name.data[0]) {
    case 'c':
        return IS(name, "connection");
    case 'h':
        return IS(name, "http2-settings");
    case 'k':
        return IS(name, "keep-alive");
    case 'p':
        return IS(name, "proxy-connection");
    case 't':
        if (IS(name, "te"))
            return !IS(value, "trailers");
        return IS(name, "transfer-encoding");
    case 'u':
        return IS(name, "upgrade");
    default:
        return false;
    }
}

/* The pseudo-header's number, or -1. */
static int pseudo_of(bytes_slice name) {
    static const struct {
        const char *text;
        size_t size;
    } names[LH2_PSEUDO_COUNT] = {{":method", 7}, {":scheme", 7},   {":authority", 10},
                                 {":path", 5},   {":protocol", 9}, {":status", 7}};
    for (int i = 0; i < LH2_PSEUDO_COUNT; i++)
        if (is_text(name, names[i].text, names[i].size))
            return i;
    return -1;
}

/* ---------------------------------------------------------------------------- reading tables */

/* Memory that lasts as long as the reading: in a table, made when first needed, in a slot of the stack
 * that is there for it. [-0, +0, m] */
static void *keep_memory(lua_State *L, lh2_fields *f, size_t size) {
    if (lua_isnil(L, f->_keep)) {
        lua_newtable(L);
        lua_replace(L, f->_keep);
    }
    void *memory = lua_newuserdata(L, size);
    lua_rawseti(L, f->_keep, (int)lua_rawlen(L, f->_keep) + 1);
    return memory;
}

/* The same for `size` octets of text. [-0, +0, m] */
static uint8_t *keep_octets(lua_State *L, lh2_fields *f, size_t size) {
    if (size <= LH2_FIELDS_SCRATCH - f->_scratch_used) {
        uint8_t *octets = f->_scratch + f->_scratch_used;
        f->_scratch_used += size;
        return octets;
    }
    return keep_memory(L, f, size);
}

static int raise_name(lua_State *L, const char *code, bytes_slice name) {
    lua_pushlstring(L, (const char *)name.data, name.size);
    return lh2_raise(L, code, lua_tostring(L, -1));
}

/* The name as it is sent; `is_lowered` tells that its case was changed. */
static bytes_slice read_name(lua_State *L, lh2_fields *f, const char *text, size_t size,
                             bool *is_lowered) {
    bytes_slice name = bytes_slice_of(text, size);
    size_t start = size > 0 && text[0] == ':';
    uint8_t seen = size > start ? 0 : 4;
    for (size_t i = start; i < size; i++) {
        uint8_t class = name_class[name.data[i]];
        seen |= class ? class : 4;
    }
    if (seen & 4)
        raise_name(L, "ERR_INVALID_HTTP_TOKEN", name);
    *is_lowered = (seen & 2) != 0;
    if (*is_lowered) {
        uint8_t *lowered = keep_octets(L, f, size);
        for (size_t i = 0; i < size; i++)
            lowered[i] = name_class[name.data[i]] == 2 ? name.data[i] | 0x20 : name.data[i];
        name.data = lowered;
    }
    return name;
}

/* RFC 9110 §5.5: no control characters but HTAB; white space around a value is no part of it. */
static bytes_slice check_value(lua_State *L, bytes_slice name, bytes_slice value) {
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            lua_pushlstring(L, (const char *)name.data, name.size);
            lh2_raise_text(L, "TypeError", "ERR_INVALID_CHAR",
                           "Invalid character in header content [\"%s\"]", lua_tostring(L, -1));
        }
    }
    while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
        value.data++;
        value.size--;
    }
    while (value.size > 0 &&
           (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t'))
        value.size--;
    return value;
}

/* Prints an integer so that it ends before `end`; returns where it begins. */
static char *print_integer(char *end, int64_t value) {
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--end = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--end = '-';
    return end;
}

/* The scalar on top as text: strings as they are, numbers and booleans printed. Leaves the stack. */
static bytes_slice read_scalar(lua_State *L, lh2_fields *f, bytes_slice name) {
    char number[32];
    size_t size = 0;
    const char *text = number;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, -1, &size);
        return check_value(L, name, bytes_slice_of(text, size));
    case LUA_TNUMBER: {
        double d = lua_tonumber(L, -1);
        int64_t i = d >= -9.2e18 && d <= 9.2e18 ? (int64_t)d : 0;
        if ((double)i == d) {
            text = print_integer(number + sizeof number, (int64_t)lua_tointeger(L, -1));
            size = (size_t)(number + sizeof number - text);
        } else {
            size = (size_t)snprintf(number, sizeof number, "%.14g", d);
        }
        break;
    }
    case LUA_TBOOLEAN:
        text = lua_toboolean(L, -1) ? "true" : "false";
        size = strlen(text);
        break;
    default:
        raise_name(L, "ERR_HTTP2_INVALID_HEADER_VALUE", name);
    }
    uint8_t *octets = keep_octets(L, f, size);
    memcpy(octets, text, size);
    return bytes_slice_of(octets, size);
}

static void grow_list(lua_State *L, lh2_fields *f) {
    hpack_field *list = keep_memory(L, f, f->_capacity * 2 * sizeof(hpack_field));
    memcpy(list, f->_list, (LH2_PSEUDO_COUNT + f->_regular) * sizeof(hpack_field));
    f->_list = list;
    f->_capacity *= 2;
}

static hpack_field *append(lua_State *L, lh2_fields *f, bytes_slice name, bytes_slice value) {
    if (LH2_PSEUDO_COUNT + f->_regular == f->_capacity)
        grow_list(L, f);
    hpack_field *field = &f->_list[LH2_PSEUDO_COUNT + f->_regular++];
    *field = (hpack_field){.name = name, .value = value, .token = hpack_token_of(name)};
    f->has_token[field->token >> 5] |= 1u << (field->token & 31);
    return field;
}

void lh2_fields_add(lua_State *L, lh2_fields *f, bytes_slice name, bytes_slice value) {
    append(L, f, name, value);
}

bool lh2_fields_has(const lh2_fields *f, hpack_token token) {
    return f->has_token[token >> 5] >> (token & 31) & 1;
}

static bool has_field(const lh2_fields *f, bytes_slice name) {
    for (size_t i = 0; i < f->_regular; i++)
        if (bytes_slice_equal(f->_list[LH2_PSEUDO_COUNT + i].name, name))
            return true;
    return false;
}

static void read_pseudo(lua_State *L, lh2_fields *f, bytes_slice name, bytes_slice value) {
    int pseudo = pseudo_of(name);
    bool is_allowed = pseudo >= 0 && f->_section != LH2_SECTION_TRAILERS &&
                      (pseudo == LH2_PSEUDO_STATUS) == (f->_section == LH2_SECTION_RESPONSE);
    if (!is_allowed)
        raise_name(L, "ERR_HTTP2_INVALID_PSEUDOHEADER", name);
    if (f->pseudo[pseudo].data != NULL)
        raise_name(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", name);
    f->pseudo[pseudo] = value;
}

static void read_field(lua_State *L, lh2_fields *f, bytes_slice name) {
    bytes_slice value = read_scalar(L, f, name);
    if (name.data[0] == ':') {
        read_pseudo(L, f, name, value);
        return;
    }
    if (is_connection_field(name, value))
        raise_name(L, "ERR_HTTP2_INVALID_CONNECTION_HEADERS", name);
    append(L, f, name, value);
}

/* The values of a name, on top: a scalar, or a sequence of them, each a field of its own. */
static void read_values(lua_State *L, lh2_fields *f, bytes_slice name, bool may_repeat) {
    if (may_repeat && has_field(f, name) && is_single_value(name))
        raise_name(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", name);
    if (lua_type(L, -1) != LUA_TTABLE) {
        read_field(L, f, name);
        return;
    }
    int count = (int)lua_rawlen(L, -1);
    if (count > 1 && is_single_value(name))
        raise_name(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", name);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        read_field(L, f, name);
        lua_pop(L, 1);
    }
}

static void read_map(lua_State *L, lh2_fields *f) {
    bool has_lowered = false;
    lua_pushnil(L);
    while (lua_next(L, f->_table)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            size_t size;
            const char *text = lua_tolstring(L, -2, &size);
            bool is_lowered;
            bytes_slice name = read_name(L, f, text, size, &is_lowered);
            has_lowered |= is_lowered;
            /* Two keys of a map can only be one name when one of them was spelled otherwise. */
            read_values(L, f, name, has_lowered);
        } else if (lua_type(L, -2) != LUA_TLIGHTUSERDATA ||
                   lua_touserdata(L, -2) != (void *)&sensitive_key) {
            lua_pushvalue(L, -2);
            lh2_raise(L, "ERR_INVALID_HTTP_TOKEN", luaL_typename(L, -1));
        }
        lua_pop(L, 1);
    }
}

static void read_sequence(lua_State *L, lh2_fields *f, int count) {
    if (count % 2 != 0)
        lh2_raise_value(L, "headers", "must have an even number of elements", f->_table);
    for (int i = 1; i < count; i += 2) {
        lua_rawgeti(L, f->_table, i);
        lua_rawgeti(L, f->_table, i + 1);
        if (lua_type(L, -2) != LUA_TSTRING)
            lh2_raise_type(L, "name", "of type string", -2);
        size_t size;
        const char *text = lua_tolstring(L, -2, &size);
        bool is_lowered;
        bytes_slice name = read_name(L, f, text, size, &is_lowered);
        read_values(L, f, name, true);
        lua_pop(L, 2);
    }
}

/* Flags the fields that the table's [sensitiveHeaders] names, in any case. */
static void read_sensitive(lua_State *L, lh2_fields *f) {
    lua_pushlightuserdata(L, (void *)&sensitive_key);
    lua_rawget(L, f->_table);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    if (lua_type(L, -1) != LUA_TTABLE)
        lh2_raise_value(L, "headers[http2.sensitiveHeaders]", "must be a sequence of names", -1);
    for (int i = 1, count = (int)lua_rawlen(L, -1); i <= count; i++) {
        lua_rawgeti(L, -1, i);
        size_t size;
        const char *text = lua_tolstring(L, -1, &size);
        bool is_lowered;
        if (text == NULL)
            lh2_raise_value(L, "headers[http2.sensitiveHeaders]", "must be a sequence of names",
                            -1);
        bytes_slice name = read_name(L, f, text, size, &is_lowered);
        for (size_t k = 0; k < f->_regular; k++) {
            hpack_field *field = &f->_list[LH2_PSEUDO_COUNT + k];
            if (bytes_slice_equal(field->name, name))
                field->flags |= HPACK_NEVER_INDEXED;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void lh2_fields_read(lua_State *L, int index, lh2_section section, lh2_fields *f) {
    memset(f, 0, offsetof(lh2_fields, _scratch));
    f->_section = section;
    f->_list = f->_inline;
    f->_capacity = LH2_PSEUDO_COUNT + LH2_FIELDS_INLINE;
    f->_table = lua_absindex(L, index);
    luaL_checkstack(L, 10, "headers");
    lua_pushnil(L);
    f->_keep = lua_gettop(L);
    if (lua_isnoneornil(L, f->_table))
        return;
    lua_rawgeti(L, f->_table, 1);
    bool is_sequence = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_sequence)
        read_sequence(L, f, (int)lua_rawlen(L, f->_table));
    else
        read_map(L, f);
    read_sensitive(L, f);
}

void lh2_fields_set_status(lh2_fields *f, int status) {
    uint8_t *digits = f->_status;
    digits[0] = (uint8_t)('0' + status / 100);
    digits[1] = (uint8_t)('0' + status / 10 % 10);
    digits[2] = (uint8_t)('0' + status % 10);
    f->pseudo[LH2_PSEUDO_STATUS] = bytes_slice_of(digits, 3);
}

void lh2_fields_finish(lh2_fields *f) {
    static const struct {
        bytes_slice name;
        hpack_token token;
    } pseudo[LH2_PSEUDO_COUNT] = {
        {{(const uint8_t *)":method", 7}, HPACK_TOKEN_METHOD},
        {{(const uint8_t *)":scheme", 7}, HPACK_TOKEN_SCHEME},
        {{(const uint8_t *)":authority", 10}, HPACK_TOKEN_AUTHORITY},
        {{(const uint8_t *)":path", 5}, HPACK_TOKEN_PATH},
        {{(const uint8_t *)":protocol", 9}, HPACK_TOKEN_NONE},
        {{(const uint8_t *)":status", 7}, HPACK_TOKEN_STATUS},
    };
    hpack_field *first = f->_list + LH2_PSEUDO_COUNT;
    for (int i = LH2_PSEUDO_COUNT - 1; i >= 0; i--)
        if (f->pseudo[i].data != NULL)
            *--first = (hpack_field){
                .name = pseudo[i].name, .value = f->pseudo[i], .token = pseudo[i].token};
    f->fields = first;
    f->count = (size_t)(f->_list + LH2_PSEUDO_COUNT + f->_regular - first);
}

/* -------------------------------------------------------------------------- fields that wait */

static bytes_slice keep_slice(uint8_t **space, bytes_slice slice) {
    uint8_t *octets = *space;
    if (slice.size > 0)
        memcpy(octets, slice.data, slice.size);
    *space += slice.size;
    return bytes_slice_of(octets, slice.size);
}

lh2_kept_fields *lh2_fields_keep(const hpack_field *fields, size_t count) {
    size_t octets = 0;
    for (size_t i = 0; i < count; i++)
        octets += fields[i].value.size + (fields[i].token == 0 ? fields[i].name.size : 0);
    lh2_kept_fields *kept = mem_alloc(sizeof(*kept) + count * sizeof(*fields) + octets);
    if (kept == NULL)
        return NULL;
    uint8_t *space = (uint8_t *)(kept->fields + count);
    kept->count = count;
    for (size_t i = 0; i < count; i++) {
        const hpack_field *field = &fields[i];
        kept->fields[i] = *field;
        kept->fields[i].name = field->token != HPACK_TOKEN_NONE ? hpack_token_name(field->token)
                                                                : keep_slice(&space, field->name);
        kept->fields[i].value = keep_slice(&space, field->value);
    }
    return kept;
}

/* ---------------------------------------------------------------------------- making tables */

/* Pushes the name, from the table of known names (at `names`) where it is one. */
static void push_name(lua_State *L, int names, const hpack_field *field) {
    if (field->token != HPACK_TOKEN_NONE)
        lua_rawgeti(L, names, field->token);
    else
        lua_pushlstring(L, (const char *)field->name.data, field->name.size);
}

static void push_slice(lua_State *L, bytes_slice slice) {
    lua_pushlstring(L, (const char *)slice.data, slice.size);
}

/* Pushes all values of the name of field `first`, joined with `separator`: done once a name, so that
 * many repeats cost no more than their octets. */
static void push_joined(lua_State *L, const hpack_field *fields, size_t count, size_t first,
                        const char *separator) {
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = first; i < count; i++) {
        if (!bytes_slice_equal(fields[i].name, fields[first].name))
            continue;
        if (i > first)
            luaL_addlstring(&buffer, separator, 2);
        luaL_addlstring(&buffer, (const char *)fields[i].value.data, fields[i].value.size);
    }
    luaL_pushresult(&buffer);
}

static bool is_repeat(const hpack_field *fields, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (bytes_slice_equal(fields[i].name, fields[at].name))
            return true;
    return false;
}

static size_t first_of(const hpack_field *fields, size_t at) {
    size_t i = 0;
    while (!bytes_slice_equal(fields[i].name, fields[at].name))
        i++;
    return i;
}

/* A name that was met before, at `at`: what Node makes of the values. Table at -1. */
static void merge_repeat(lua_State *L, int names, const hpack_field *fields, size_t count,
                         size_t at) {
    size_t first = first_of(fields, at);
    if (is_single_value(fields[at].name))
        return;
    /* Only the second occurrence does the work for all of them. */
    for (size_t i = first + 1; i < at; i++)
        if (bytes_slice_equal(fields[i].name, fields[at].name))
            return;
    push_name(L, names, &fields[at]);
    push_joined(L, fields, count, first, fields[at].token == HPACK_TOKEN_COOKIE ? "; " : ", ");
    lua_rawset(L, -3);
}

/* Appends a set-cookie value to the sequence in the table at -1. */
static void add_set_cookie(lua_State *L, int names, const hpack_field *field) {
    lua_rawgeti(L, names, HPACK_TOKEN_SET_COOKIE);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    push_slice(L, field->value);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_pop(L, 2);
}

static void push_status(lua_State *L, bytes_slice value) {
    lua_Integer status = 0;
    for (size_t i = 0; i < value.size; i++)
        status = status * 10 + (value.data[i] - '0');
    lua_pushinteger(L, status);
}

/* The names flagged never-indexed, one for each field, under the sensitive key. Table at -1. */
static void set_sensitive(lua_State *L, int names, const hpack_field *fields, size_t count) {
    int found = 0;
    lua_pushlightuserdata(L, (void *)&sensitive_key);
    for (size_t i = 0; i < count; i++) {
        if (!(fields[i].flags & HPACK_NEVER_INDEXED))
            continue;
        if (found == 0)
            lua_newtable(L);
        push_name(L, names, &fields[i]);
        lua_rawseti(L, -2, ++found);
    }
    if (found == 0)
        lua_rawgetp(L, LUA_REGISTRYINDEX, &nothing_key);
    lua_rawset(L, -3);
}

void lh2_push_headers(lua_State *L, const hpack_field *fields, size_t count) {
    luaL_checkstack(L, 10, "headers");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    int names = lua_gettop(L);
    lua_createtable(L, 0, (int)count + 1);
    uint32_t seen[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const hpack_field *field = &fields[i];
        hpack_token token = field->token;
        bool is_known = token != HPACK_TOKEN_NONE;
        bool is_seen = is_known ? seen[token >> 5] >> (token & 31) & 1 : is_repeat(fields, i);
        seen[token >> 5] |= 1u << (token & 31);
        if (token == HPACK_TOKEN_SET_COOKIE) {
            add_set_cookie(L, names, field);
        } else if (is_seen) {
            merge_repeat(L, names, fields, count, i);
        } else {
            push_name(L, names, field);
            if (token == HPACK_TOKEN_STATUS)
                push_status(L, field->value);
            else
                push_slice(L, field->value);
            lua_rawset(L, -3);
        }
    }
    set_sensitive(L, names, fields, count);
    lua_remove(L, names);
}

void lh2_push_raw_headers(lua_State *L, const hpack_field *fields, size_t count) {
    luaL_checkstack(L, 10, "headers");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    int names = lua_gettop(L);
    lua_createtable(L, (int)count * 2, 0);
    for (size_t i = 0; i < count; i++) {
        push_name(L, names, &fields[i]);
        lua_rawseti(L, -2, (int)i * 2 + 1);
        push_slice(L, fields[i].value);
        lua_rawseti(L, -2, (int)i * 2 + 2);
    }
    lua_remove(L, names);
}

/* ---------------------------------------------------------------------------------- opening */

void lh2_push_sensitive_key(lua_State *L) {
    lua_pushlightuserdata(L, (void *)&sensitive_key);
}

static int refuse_change(lua_State *L) {
    return luaL_error(L, "the list of sensitive headers received cannot be changed");
}

/* Pushes an empty table that stays so. */
static void push_nothing(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_change);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}

void lh2_headers_open(lua_State *L) {
    lua_createtable(L, LAST_TOKEN, 0);
    for (int token = 1; token <= LAST_TOKEN; token++) {
        push_slice(L, hpack_token_name((hpack_token)token));
        lua_rawseti(L, -2, token);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
    push_nothing(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &nothing_key);
    lh2_push_sensitive_key(L);
    lua_setfield(L, -2, "sensitiveHeaders");
}
