#include "h2/priority.h"

/* The value is a Dictionary of Structured Fields (RFC 8941 §3.2, parsed by §4.2.2). All of it must be
 * well-formed, or none of it counts; members other than `u` and `i` are read past. */
typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
} reader;

typedef enum item_kind { ITEM_INTEGER, ITEM_BOOLEAN, ITEM_OTHER } item_kind;

typedef struct item {
    item_kind kind;
    long value;
} item;

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool is_lower(int c) {
    return c >= 'a' && c <= 'z';
}

static bool is_alpha(int c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static int peek(const reader *r) {
    return r->at < r->end ? *r->at : -1;
}

static bool accept(reader *r, int c) {
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static void skip_spaces(reader *r, bool with_tabs) {
    while (peek(r) == ' ' || (with_tabs && peek(r) == '\t'))
        r->at++;
}

static bool read_key(reader *r, bytes_slice *key) {
    const uint8_t *start = r->at;
    if (!is_lower(peek(r)) && peek(r) != '*')
        return false;
    while (is_lower(peek(r)) || is_digit(peek(r)) || (peek(r) > 0 && strchr("_-.*", peek(r))))
        r->at++;
    *key = bytes_slice_of(start, (size_t)(r->at - start));
    return true;
}

/* §4.2.4: at most 15 digits, or 12 before and 3 behind the point. */
static bool read_number(reader *r, item *out) {
    bool is_negative = accept(r, '-');
    int digits = 0, decimals = 0;
    long value = 0;
    for (; is_digit(peek(r)) && digits < 16; digits++)
        value = value * 10 + (*r->at++ - '0');
    if (digits == 0 || digits > 15)
        return false;
    *out = (item){ITEM_INTEGER, is_negative ? -value : value};
    if (!accept(r, '.'))
        return true;
    for (; is_digit(peek(r)); decimals++)
        r->at++;
    out->kind = ITEM_OTHER;
    return digits <= 12 && decimals >= 1 && decimals <= 3;
}

static bool read_string(reader *r) {
    for (r->at++; peek(r) >= 0x20 && peek(r) < 0x7f; r->at++) {
        if (accept(r, '"'))
            return true;
        if (peek(r) == '\\' && (++r->at, peek(r) != '"' && peek(r) != '\\'))
            return false;
    }
    return false;
}

static bool read_octets(reader *r) {
    r->at++;
    while (is_alpha(peek(r)) || is_digit(peek(r)) || (peek(r) > 0 && strchr("+/=", peek(r))))
        r->at++;
    return accept(r, ':');
}

static bool read_token(reader *r) {
    while (is_alpha(peek(r)) || is_digit(peek(r)) ||
           (peek(r) > 0 && strchr("!#$%&'*+-.^_`|~:/", peek(r))))
        r->at++;
    return true;
}

static bool read_bare_item(reader *r, item *out) {
    int c = peek(r);
    *out = (item){ITEM_OTHER, 0};
    if (c == '-' || is_digit(c))
        return read_number(r, out);
    if (c == '"')
        return read_string(r);
    if (c == ':')
        return read_octets(r);
    if (c == '*' || is_alpha(c))
        return read_token(r);
    if (!accept(r, '?') || (peek(r) != '0' && peek(r) != '1'))
        return false;
    *out = (item){ITEM_BOOLEAN, *r->at++ - '0'};
    return true;
}

static bool skip_parameters(reader *r) {
    while (accept(r, ';')) {
        bytes_slice key;
        item ignored;
        skip_spaces(r, false);
        if (!read_key(r, &key) || (accept(r, '=') && !read_bare_item(r, &ignored)))
            return false;
    }
    return true;
}

static bool skip_inner_list(reader *r) {
    item ignored;
    r->at++;
    for (;;) {
        skip_spaces(r, false);
        if (accept(r, ')'))
            return true;
        if (!read_bare_item(r, &ignored) || !skip_parameters(r))
            return false;
        if (peek(r) != ' ' && peek(r) != ')')
            return false;
    }
}

static bool read_member(reader *r, h2_priority *priority) {
    bytes_slice key;
    item value = {ITEM_BOOLEAN, 1};
    if (!read_key(r, &key))
        return false;
    if (accept(r, '=')) {
        bool is_list = peek(r) == '(';
        value.kind = ITEM_OTHER;
        if (!(is_list ? skip_inner_list(r) : read_bare_item(r, &value)))
            return false;
    }
    if (!skip_parameters(r))
        return false;
    if (key.size != 1)
        return true;
    if (*key.data == 'u' && value.kind == ITEM_INTEGER && value.value >= 0 &&
        value.value < H2_URGENCIES)
        priority->urgency = (uint8_t)value.value;
    if (*key.data == 'i' && value.kind == ITEM_BOOLEAN)
        priority->is_incremental = value.value != 0;
    return true;
}

h2_priority h2_priority_parse(bytes_slice value) {
    const h2_priority defaults = {H2_DEFAULT_URGENCY, false};
    h2_priority priority = defaults;
    if (value.size == 0)
        return defaults;
    reader r = {value.data, value.data + value.size};
    skip_spaces(&r, false);
    while (r.at < r.end) {
        if (!read_member(&r, &priority))
            return defaults;
        skip_spaces(&r, true);
        if (r.at == r.end)
            break;
        if (!accept(&r, ','))
            return defaults;
        skip_spaces(&r, true);
        if (r.at == r.end)
            return defaults; /* a comma at the end */
    }
    return priority;
}

size_t h2_priority_print(h2_priority priority, uint8_t out[6]) {
    size_t size = 0;
    if (priority.urgency != H2_DEFAULT_URGENCY) {
        memcpy(out, "u=", 2);
        out[2] = (uint8_t)('0' + priority.urgency);
        size = 3;
    }
    if (priority.is_incremental) {
        if (size) {
            memcpy(out + size, ", ", 2);
            size += 2;
        }
        out[size++] = 'i';
    }
    return size;
}
