#include "h1/target.h"

static bool is_visible(bytes_slice text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || text.data[i] == '#')
            return false;
    return text.size > 0;
}

static bool is_letter(uint8_t c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* RFC 3986 §3.2.2: characters of a name or an IPv4 address. */
static bool is_host_octet(uint8_t c) {
    return is_letter(c) || is_digit(c) || (c != 0 && strchr("-._~%!$&'()*+,;=", c) != NULL);
}

static bool is_port(bytes_slice text) {
    uint32_t port = 0;
    if (text.size == 0 || text.size > 5)
        return text.size == 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]))
            return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    return port <= 65535;
}

/* The octets of an IPv6 literal with its brackets; 0 for what is none. */
static size_t literal_size(bytes_slice text) {
    for (size_t i = 1; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == ']')
            return i > 1 ? i + 1 : 0;
        if (!is_digit(c) && c != ':' && c != '.' && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
            return 0;
    }
    return 0;
}

bool h1_is_authority(bytes_slice text) {
    size_t at = 0;
    if (text.size == 0)
        return true;
    if (text.data[0] == '[')
        at = literal_size(text);
    else
        while (at < text.size && is_host_octet(text.data[at]))
            at++;
    if (at == 0 || at == text.size)
        return at > 0;
    return text.data[at] == ':' && is_port(bytes_slice_of(text.data + at + 1, text.size - at - 1));
}

/* "http://host:port/path?query": RFC 9112 §3.2.2. */
static bool parse_absolute(bytes_slice text, h1_target *target) {
    size_t at = 0;
    while (at < text.size && text.data[at] != ':')
        at++;
    target->scheme = bytes_slice_of(text.data, at);
    bool is_http = h1_is_same(target->scheme, BYTES_LITERAL("http")) ||
                   h1_is_same(target->scheme, BYTES_LITERAL("https"));
    if (!is_http || text.size - at < 3 || memcmp(text.data + at, "://", 3) != 0)
        return false;
    size_t begin = at + 3, end = begin;
    while (end < text.size && text.data[end] != '/' && text.data[end] != '?')
        end++;
    target->authority = bytes_slice_of(text.data + begin, end - begin);
    target->path = bytes_slice_of(text.data + end, text.size - end);
    if (target->path.size == 0)
        target->path = BYTES_LITERAL("/");
    return target->authority.size > 0 && target->path.data[0] == '/' &&
           h1_is_authority(target->authority);
}

bool h1_target_parse(bytes_slice text, bytes_slice method, h1_target *target) {
    *target = (h1_target){.path = bytes_slice_of(NULL, 0)};
    if (!is_visible(text))
        return false;
    if (bytes_slice_equal(method, BYTES_LITERAL("CONNECT"))) {
        target->authority = text;
        return memchr(text.data, ':', text.size) != NULL && h1_is_authority(text);
    }
    if (text.data[0] != '/' && text.data[0] != '*')
        return parse_absolute(text, target);
    target->path = text;
    bool is_asterisk = text.data[0] == '*';
    return !is_asterisk || (text.size == 1 && bytes_slice_equal(method, BYTES_LITERAL("OPTIONS")));
}
