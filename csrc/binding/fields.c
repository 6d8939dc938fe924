#include "binding/fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "h2/h2.h"

const char lh2_sensitive_key;

/* ------------------------------------------------------------------------ rules for names */

/* RFC 9110 §5.6.2: what a character of a name is; 0: not one of a token. */
enum { TOKEN = 1, UPPER = 2 };
static const uint8_t name_class[256] = {
    ['!'] = 1,         ['#'] = 1,         ['$'] = 1,
    ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1,         ['+'] = 1,         ['-'] = 1,
    ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1,         ['|'] = 1,         ['~'] = 1,
    ['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = TOKEN | UPPER,
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

bool lh2_is_single_value(bytes_slice name) {
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

/* A name as it is sent. */
typedef struct field_name {
    bytes_slice text;
    hpack_token token;
    bool is_lowered; /* its case was changed */
} field_name;

/* The pseudo-header's number, or -1. */
static int pseudo_of(const field_name *name) {
    switch (name->token) {
    case HPACK_TOKEN_METHOD:
        return LH2_PSEUDO_METHOD;
    case HPACK_TOKEN_SCHEME:
        return LH2_PSEUDO_SCHEME;
    case HPACK_TOKEN_AUTHORITY:
        return LH2_PSEUDO_AUTHORITY;
    case HPACK_TOKEN_PATH:
        return LH2_PSEUDO_PATH;
    case HPACK_TOKEN_STATUS:
        return LH2_PSEUDO_STATUS;
    default:
        return IS(name->text, ":protocol") ? LH2_PSEUDO_PROTOCOL : -1;
    }
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

/* Checks and lowers a name; those of the static table need neither. [-0, +0, v] */
static field_name read_name(lua_State *L, lh2_fields *f, const char *text, size_t size) {
    field_name name = {.text = bytes_slice_of(text, size)};
    name.token = hpack_token_of(name.text);
    if (name.token != HPACK_TOKEN_NONE)
        return name;
    size_t start = size > 0 && text[0] == ':';
    uint8_t all = size > start ? TOKEN : 0, any = 0;
    for (size_t i = start; i < size; i++) {
        uint8_t class = name_class[name.text.data[i]];
        all &= class;
        any |= class;
    }
    if (!all)
        raise_name(L, "ERR_INVALID_HTTP_TOKEN", name.text);
    name.is_lowered = any & UPPER;
    if (name.is_lowered) {
        uint8_t *lowered = keep_octets(L, f, size);
        for (size_t i = 0; i < size; i++) {
            uint8_t c = name.text.data[i];
            lowered[i] = name_class[c] & UPPER ? c | 0x20 : c;
        }
        name.text.data = lowered;
        name.token = hpack_token_of(name.text);
    }
    return name;
}

static bytes_slice trim(bytes_slice value) {
    while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
        value.data++;
        value.size--;
    }
    while (value.size > 0 &&
           (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t'))
        value.size--;
    return value;
}

/* RFC 9110 §5.5: no control characters but HTAB; white space around a value is no part of it.
 * [-0, +0, v] */
static bytes_slice check_value(lua_State *L, bytes_slice name, bytes_slice value) {
    if (h2_text_is_field_value(value))
        return value;
    value = trim(value);
    if (!h2_text_is_field_value(value)) {
        lua_pushlstring(L, (const char *)name.data, name.size);
        lh2_raise_text(L, "TypeError", "ERR_INVALID_CHAR",
                       "Invalid character in header content [\"%s\"]", lua_tostring(L, -1));
    }
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

void lh2_scalar_read(lua_State *L, int index, lh2_scalar *scalar) {
    int64_t integer = 0;
    size_t size = 0;
    const char *text = NULL;
    scalar->type = lua_type(L, index);
    switch (scalar->type) {
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &size);
        break;
    case LUA_TNUMBER:
        text = scalar->_space;
        if (lua_compat_integer(L, index, &integer)) {
            char *end = scalar->_space + sizeof scalar->_space;
            text = print_integer(end, integer);
            size = (size_t)(end - text);
        } else {
            size = (size_t)snprintf(scalar->_space, sizeof scalar->_space, "%.14g",
                                    lua_tonumber(L, index));
        }
        break;
    case LUA_TBOOLEAN:
        text = lua_toboolean(L, index) ? "true" : "false";
        size = strlen(text);
        break;
    default:
        break;
    }
    scalar->text = bytes_slice_of(text, size);
}

/* The scalar of this type on top as text: a string's own, else kept. Leaves the stack. [-0, +0, v] */
static bytes_slice read_scalar(lua_State *L, lh2_fields *f, bytes_slice name, int type) {
    if (type == LUA_TSTRING) {
        size_t size;
        const char *text = lua_tolstring(L, -1, &size);
        return check_value(L, name, bytes_slice_of(text, size));
    }
    lh2_scalar scalar;
    lh2_scalar_read(L, -1, &scalar);
    if (scalar.text.data == NULL)
        raise_name(L, "ERR_HTTP2_INVALID_HEADER_VALUE", name);
    uint8_t *octets = keep_octets(L, f, scalar.text.size);
    memcpy(octets, scalar.text.data, scalar.text.size);
    return bytes_slice_of(octets, scalar.text.size);
}

static void grow_list(lua_State *L, lh2_fields *f) {
    hpack_field *list = keep_memory(L, f, f->_capacity * 2 * sizeof(hpack_field));
    memcpy(list, f->_list, (LH2_PSEUDO_COUNT + f->_regular) * sizeof(hpack_field));
    f->_list = list;
    f->_capacity *= 2;
}

static void append(lua_State *L, lh2_fields *f, const field_name *name, bytes_slice value) {
    if (LH2_PSEUDO_COUNT + f->_regular == f->_capacity)
        grow_list(L, f);
    f->_list[LH2_PSEUDO_COUNT + f->_regular++] =
        (hpack_field){.name = name->text, .value = value, .token = name->token};
    f->has_token[name->token >> 5] |= 1u << (name->token & 31);
}

void lh2_fields_add(lua_State *L, lh2_fields *f, bytes_slice name, bytes_slice value) {
    field_name given = {.text = name, .token = hpack_token_of(name)};
    append(L, f, &given, value);
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

static void read_pseudo(lua_State *L, lh2_fields *f, const field_name *name, bytes_slice value) {
    int pseudo = pseudo_of(name);
    if (f->_section == LH2_SECTION_PLAIN && pseudo >= 0)
        lh2_raise(L, "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED", NULL);
    bool is_allowed = pseudo >= 0 && f->_section != LH2_SECTION_TRAILERS &&
                      (pseudo == LH2_PSEUDO_STATUS) == (f->_section == LH2_SECTION_RESPONSE);
    if (!is_allowed)
        raise_name(L, "ERR_HTTP2_INVALID_PSEUDOHEADER", name->text);
    if (f->pseudo[pseudo].data != NULL)
        raise_name(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", name->text);
    f->pseudo[pseudo] = value;
}

static void put_field(lua_State *L, lh2_fields *f, const field_name *name, bytes_slice value) {
    if (name->text.data[0] == ':') {
        read_pseudo(L, f, name, value);
        return;
    }
    if (f->_section == LH2_SECTION_PLAIN && IS(name->text, "connection")) {
        f->connection = value;
        return;
    }
    if (is_connection_field(name->text, value))
        raise_name(L, "ERR_HTTP2_INVALID_CONNECTION_HEADERS", name->text);
    append(L, f, name, value);
}

void lh2_fields_put(lua_State *L, lh2_fields *f, bytes_slice name, hpack_token token,
                    bytes_slice value) {
    field_name given = {.text = name, .token = token};
    put_field(L, f, &given, trim(value));
}

static void read_field(lua_State *L, lh2_fields *f, const field_name *name, int type) {
    put_field(L, f, name, read_scalar(L, f, name->text, type));
}

/* The values of a name, on top: a scalar, or a sequence of them, each a field of its own. */
static void read_values(lua_State *L, lh2_fields *f, const field_name *name, bool may_repeat) {
    if (may_repeat && has_field(f, name->text) && lh2_is_single_value(name->text))
        raise_name(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", name->text);
    int type = lua_type(L, -1);
    if (type != LUA_TTABLE) {
        read_field(L, f, name, type);
        return;
    }
    int count = (int)lua_rawlen(L, -1);
    if (count > 1 && lh2_is_single_value(name->text))
        raise_name(L, "ERR_HTTP2_HEADER_SINGLE_VALUE", name->text);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        read_field(L, f, name, lua_type(L, -1));
        lua_pop(L, 1);
    }
}

/* Returns whether the map has [sensitiveHeaders]. */
static bool read_map(lua_State *L, lh2_fields *f) {
    bool has_lowered = false, has_sensitive = false;
    lua_pushnil(L);
    while (lua_next(L, f->_table)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            size_t size;
            const char *text = lua_tolstring(L, -2, &size);
            field_name name = read_name(L, f, text, size);
            has_lowered |= name.is_lowered;
            /* Two keys of a map can only be one name when one of them was spelled otherwise. */
            read_values(L, f, &name, has_lowered);
        } else if (lua_type(L, -2) != LUA_TLIGHTUSERDATA ||
                   lua_touserdata(L, -2) != (void *)&lh2_sensitive_key) {
            lua_pushvalue(L, -2);
            lh2_raise(L, "ERR_INVALID_HTTP_TOKEN", luaL_typename(L, -1));
        } else {
            has_sensitive = true;
        }
        lua_pop(L, 1);
    }
    return has_sensitive;
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
        field_name name = read_name(L, f, text, size);
        read_values(L, f, &name, true);
        lua_pop(L, 2);
    }
}

/* Flags the fields that the table's [sensitiveHeaders] names, in any case. */
static void read_sensitive(lua_State *L, lh2_fields *f) {
    lua_pushlightuserdata(L, (void *)&lh2_sensitive_key);
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
        if (text == NULL)
            lh2_raise_value(L, "headers[http2.sensitiveHeaders]", "must be a sequence of names",
                            -1);
        field_name name = read_name(L, f, text, size);
        for (size_t k = 0; k < f->_regular; k++) {
            hpack_field *field = &f->_list[LH2_PSEUDO_COUNT + k];
            if (bytes_slice_equal(field->name, name.text))
                field->flags |= HPACK_NEVER_INDEXED;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void lh2_fields_begin(lua_State *L, lh2_section section, lh2_fields *f) {
    memset(f, 0, offsetof(lh2_fields, _scratch));
    f->_section = section;
    f->_list = f->_inline;
    f->_capacity = LH2_PSEUDO_COUNT + LH2_FIELDS_INLINE;
    luaL_checkstack(L, 10, "headers");
    lua_pushnil(L);
    f->_keep = lua_gettop(L);
}

void lh2_fields_read(lua_State *L, int index, lh2_section section, lh2_fields *f) {
    index = lua_absindex(L, index);
    lh2_fields_begin(L, section, f);
    f->_table = index;
    if (lua_isnoneornil(L, f->_table))
        return;
    lua_rawgeti(L, f->_table, 1);
    bool is_sequence = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_sequence)
        read_sequence(L, f, (int)lua_rawlen(L, f->_table));
    if (is_sequence || read_map(L, f))
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
